#include "policy/decode.h"

#include "base/utf8.h"
#include "base/words.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

namespace lync::policy {

namespace {

constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::size_t find_percent(const char* text, std::size_t start, std::size_t size) noexcept {
    const void* found = std::memchr(text + start, '%', size - start);
    return found == nullptr ? size
                            : static_cast<std::size_t>(static_cast<const char*>(found) - text);
}

bool is_printable_ascii(std::string_view text) noexcept {
    return !any_byte(text, [](Word word) { return word.above_ascii() | word.is_control(); });
}

/// The value of `count` hexadecimal digits at `text`, or -1.
long hex(const char* text, std::size_t available, std::size_t count) noexcept {
    std::uint32_t value = 0;
    const char* const end = text + count;
    return available >= count &&
                   std::from_chars(text, end, value, 16) == std::from_chars_result{end, {}}
               ? static_cast<long>(value)
               : -1;
}

/// The Unicode character at `text`; 0 bytes if it isn't well-formed UTF-8, or one beyond U+FFFF:
/// servers of UTF-16 units have been seen to drop halves of those, and no path has them.
std::size_t character_at(std::string_view text, std::uint32_t& character) noexcept {
    const std::size_t length = read_utf8(text, character);
    return length > 3 ? 0 : length;
}

// U+0100..U+017F without their marks, as in Windows' best fit to code page 1252; a space: none.
constexpr std::string_view latin_extended_a = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGg"
                                              "GgGgHhHhIiIiIiIiIi  JjKk LlLlLlL"
                                              "lLlNnNnNn   OoOoOo  RrRrRrSsSsSs"
                                              "SsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
static_assert(latin_extended_a.size() == 128);

struct Fold {
    char32_t character;
    char ascii; ///< NUL: nothing at all
};

// Single characters with an ASCII look-alike, in order: Windows' best fit and compatibility forms.
// clang-format off
constexpr Fold folds[] = {
    {0xaa, 'a'}, {0xad, '\0'}, {0xb2, '2'}, {0xb3, '3'}, {0xb9, '1'}, {0xba, 'o'}, {0x1c3, '!'},
    {0x1cd, 'A'}, {0x1ce, 'a'}, {0x1cf, 'I'}, {0x1d0, 'i'}, {0x1d1, 'O'}, {0x1d2, 'o'},
    {0x1d3, 'U'}, {0x1d4, 'u'}, {0x1e4, 'G'}, {0x1e5, 'g'}, {0x1e6, 'G'}, {0x1e7, 'g'},
    {0x1e8, 'K'}, {0x1e9, 'k'}, {0x1f0, 'j'}, {0x261, 'g'}, {0x2b9, '\''}, {0x2bc, '\''},
    {0x2c8, '\''}, {0x34f, '\0'}, {0x37e, ';'}, {0x61c, '\0'}, {0x66a, '%'}, {0x180e, '\0'},
    {0x2010, '-'}, {0x2011, '-'}, {0x2013, '-'}, {0x2014, '-'}, {0x2017, '='}, {0x2024, '.'},
    {0x2044, '/'}, {0x2071, 'i'}, {0x207f, 'n'}, {0x2099, 'n'}, {0x2102, 'C'}, {0x2107, 'E'},
    {0x210a, 'g'}, {0x210b, 'H'}, {0x210c, 'H'}, {0x210d, 'H'}, {0x210e, 'h'}, {0x2110, 'I'},
    {0x2111, 'I'}, {0x2112, 'L'}, {0x2113, 'l'}, {0x2115, 'N'}, {0x2118, 'P'}, {0x2119, 'P'},
    {0x211a, 'Q'}, {0x211b, 'R'}, {0x211c, 'R'}, {0x211d, 'R'}, {0x2124, 'Z'}, {0x2128, 'Z'},
    {0x212a, 'K'}, {0x212b, 'A'}, {0x212c, 'B'}, {0x212d, 'C'}, {0x212e, 'e'}, {0x212f, 'e'},
    {0x2130, 'E'}, {0x2131, 'F'}, {0x2133, 'M'}, {0x2134, 'o'}, {0x2139, 'i'}, {0x2148, 'i'},
    {0x2212, '-'}, {0x2215, '/'}, {0x2216, '\\'}, {0x2223, '|'}, {0x2236, ':'}, {0x2762, '!'},
    {0x29f5, '\\'}, {0x29f8, '/'}, {0x29f9, '\\'}, {0x3002, '.'}, {0xa789, ':'}, {0xfe52, '.'},
    {0xfe54, ';'}, {0xfe55, ':'}, {0xfe56, '?'}, {0xfe68, '\\'}, {0xfe6a, '%'}, {0xfeff, '\0'},
    {0xff61, '.'},
};
// clang-format on
static_assert(std::ranges::is_sorted(folds, [](const Fold& a, const Fold& b) {
    return a.character < b.character;
}));

/// What a lenient server makes of a character outside of ASCII: an ASCII character, 0 for nothing
/// at all, -1 for the character itself. Windows' best fit and compatibility forms where they end in
/// letters, digits or the characters that paths are made of; what .NET's culture-sensitive
/// comparison ignores.
int folded(char32_t c) noexcept {
    if (c >= 0xff01 && c <= 0xff5e) { // full-width forms
        return static_cast<int>(c - 0xff01 + 0x21);
    }
    if (c >= 0x100 && c <= 0x17f) {
        const char fit = latin_extended_a[c - 0x100];
        return fit == ' ' ? -1 : fit;
    }
    if (c >= 0x24b6 && c <= 0x24e9) { // circled letters
        const auto letter = static_cast<int>(c - 0x24b6);
        return letter < 26 ? 'A' + letter : 'a' + letter - 26;
    }
    if ((c >= 0x2000 && c <= 0x200a) || c == 0xa0 || c == 0x3000 || c == 0x202f || c == 0x205f) {
        return ' ';
    }
    if ((c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
        (c >= 0x2060 && c <= 0x206f) || (c >= 0x300 && c <= 0x36f) ||
        (c >= 0xfe00 && c <= 0xfe0f)) {
        return 0;
    }
    const Fold* fold = std::lower_bound(
        std::begin(folds), std::end(folds), c,
        [](const Fold& candidate, char32_t character) { return candidate.character < character; });
    return fold != std::end(folds) && fold->character == c ? fold->ascii : -1;
}

/// The length of an ASCII character at `text` in the overlong UTF-8 of old servers, 0 if there is
/// none.
std::size_t overlong_at(std::string_view text, char& character) noexcept {
    const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80; };
    if (text.size() >= 2 && (at(0) & 0xfeU) == 0xc0 && follows(1)) {
        character = static_cast<char>((at(0) & 1U) << 6 | (at(1) & 0x3fU));
        return 2;
    }
    if (text.size() >= 3 && at(0) == 0xe0 && (at(1) & 0xfeU) == 0x80 && follows(2)) {
        character = static_cast<char>((at(1) & 1U) << 6 | (at(2) & 0x3fU));
        return 3;
    }
    return 0;
}

/// The second half of decode_once, for text that isn't plain ASCII.
Decoded read_characters(char* text, std::size_t size, Decoding decoding) noexcept {
    const bool forgive = decoding >= Decoding::forgiving;
    std::size_t out = 0;
    for (std::size_t in = 0; in < size;) {
        std::uint32_t character = 0;
        const std::size_t length = character_at({text + in, size - in}, character);
        const bool control = length == 1 && is_control(text[in]);
        if (length == 0 || control) {
            if (!forgive) {
                return {control ? TextState::has_controls : TextState::not_utf8, 0};
            }
            const std::size_t overlong = decoding == Decoding::generous && !control
                                             ? overlong_at({text + in, size - in}, text[out])
                                             : 0;
            out += overlong != 0 ? 1 : 0;
            in += overlong != 0 ? overlong : 1;
            continue;
        }
        const int plain = length > 1 && decoding != Decoding::exact ? folded(character) : -1;
        if (plain < 0) {
            std::memmove(text + out, text + in, length);
            out += length;
        } else if (plain > 0) {
            text[out++] = static_cast<char>(plain);
        }
        in += length;
    }
    return {TextState::fine, out};
}

} // namespace

std::size_t escape_at(const char* text, std::size_t available, long& code) noexcept {
    if (available < 3 || text[0] != '%') {
        return 0;
    }
    if (text[1] == 'u' || text[1] == 'U') {
        code = hex(text + 2, available - 2, 4);
        return code < 0 ? 0 : 6;
    }
    code = hex(text + 1, available - 1, 2);
    return code < 0 ? 0 : 3;
}

Decoded decode_once(char* text, std::size_t size, Decoding decoding) noexcept {
    std::size_t in = find_percent(text, 0, size);
    std::size_t out = in;
    bool units = false;
    while (in < size) {
        long code = 0;
        const std::size_t length = escape_at(text + in, size - in, code);
        if (length == 6) {
            // In place: six bytes become three at most.
            if (const auto put = put_utf8(text + out, static_cast<std::uint32_t>(code))) {
                out += put;
            } else {
                text[out++] = '\xff'; // half of a character
            }
            units = true;
        } else {
            text[out++] = length == 0 ? '%' : static_cast<char>(code);
        }
        in += length == 0 ? 1 : length;

        const std::size_t next = find_percent(text, in, size);
        std::memmove(text + out, text + in, next - in);
        out += next - in;
        in = next;
    }
    return units || !is_printable_ascii({text, out}) ? read_characters(text, out, decoding)
                                                     : Decoded{TextState::fine, out};
}

} // namespace lync::policy
