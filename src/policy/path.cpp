#include "policy/path.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace lync::policy {

namespace {

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_slash(char c) noexcept { return c == '/' || c == '\\'; }

constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

constexpr int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// The value of `count` hexadecimal digits at `text`, or -1.
long hex(const char* text, std::size_t available, std::size_t count) noexcept {
    if (available < count) {
        return -1;
    }
    long value = 0;
    for (std::size_t i = 0; i < count; i++) {
        const int digit = hex_digit(text[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/// Length of the escape at `text` ("%41", "%u0041"), 0 if there is none; `code` is what it means:
/// a byte for the short form, a UTF-16 unit for the long one.
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

/// The Unicode character at `text`; 0 bytes if it isn't well-formed UTF-8 [RFC 3629].
std::size_t character_at(const unsigned char* text, std::size_t available,
                         char32_t& character) noexcept {
    const unsigned char lead = text[0];
    std::size_t length = 0;
    if (lead < 0x80) {
        character = lead;
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
        character = lead & 0x1fU;
    } else if ((lead & 0xf0U) == 0xe0) {
        length = 3;
        character = lead & 0x0fU;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        character = lead & 0x07U;
    } else {
        return 0;
    }
    if (available < length) {
        return 0;
    }
    for (std::size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0U) != 0x80) {
            return 0;
        }
        character = character << 6 | (text[i] & 0x3fU);
    }
    const bool overlong = (length == 3 && character < 0x800) ||
                          (length == 4 && character < 0x10000);
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    return overlong || surrogate || character > 0x10ffff ? 0 : length;
}

// Windows' best fit of U+0100..U+017F to code page 1252 (bestfit1252.txt); a space: none.
constexpr std::string_view latin_extended_a = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGg"
                                              "GgGgHhHhIiIiIiIiIi  JjKk LlLlLl "
                                              " LlNnNnNn   OoOoOo  RrRrRrSsSsSs"
                                              "  TtTtTtUuUuUuUuUuUuWwYy ZzZz   ";
static_assert(latin_extended_a.size() == 128);

/// What a lenient server makes of a character outside of ASCII: an ASCII character, 0 for nothing
/// at all, -1 for the character itself. Windows' best fit and compatibility forms where they end in
/// letters, digits or the characters that paths are made of; what .NET's culture-sensitive
/// comparison ignores.
int folded(char32_t c) noexcept {
    if (c >= 0xff01 && c <= 0xff5e) { // full-width forms
        return static_cast<int>(c - 0xff01 + 0x21);
    }
    if (c >= 0x100 && c <= 0x17f) {
        if (c == 0x131) {
            return 'i';
        }
        if (c == 0x17f) {
            return 's';
        }
        if (c == 0x160 || c == 0x161 || c == 0x17d || c == 0x17e) {
            return c == 0x160 ? 'S' : c == 0x161 ? 's' : c == 0x17d ? 'Z' : 'z';
        }
        const char fit = latin_extended_a[c - 0x100];
        return fit == ' ' ? -1 : fit;
    }
    if (c >= 0x1d400 && c <= 0x1d6a3) { // mathematical alphabets, 26 + 26 letters each
        const auto letter = static_cast<int>((c - 0x1d400) % 52);
        return letter < 26 ? 'A' + letter : 'a' + letter - 26;
    }
    if (c >= 0x1d7ce && c <= 0x1d7ff) {
        return '0' + static_cast<int>((c - 0x1d7ce) % 10);
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
    switch (c) {
    case 0xad: case 0x34f: case 0x61c: case 0x180e: case 0xfeff: return 0;
    case 0xaa: return 'a';
    case 0xba: return 'o';
    case 0xb2: return '2';
    case 0xb3: return '3';
    case 0xb9: return '1';
    case 0x1cd: return 'A';
    case 0x1ce: return 'a';
    case 0x1cf: return 'I';
    case 0x1d0: return 'i';
    case 0x1d1: return 'O';
    case 0x1d2: return 'o';
    case 0x1d3: return 'U';
    case 0x1d4: return 'u';
    case 0x1e4: case 0x1e6: return 'G';
    case 0x1e5: case 0x1e7: case 0x261: case 0x210a: return 'g';
    case 0x1e8: return 'K';
    case 0x1e9: return 'k';
    case 0x1f0: return 'j';
    case 0x2b9: case 0x2bc: case 0x2c8: return '\'';
    case 0x1c3: case 0x2762: return '!';
    case 0x2010: case 0x2011: case 0x2212: case 0x2013: case 0x2014: return '-';
    case 0x2017: return '=';
    case 0x2024: case 0xfe52: case 0x3002: case 0xff61: return '.';
    case 0x2044: case 0x2215: case 0x29f8: return '/';
    case 0x2216: case 0x29f5: case 0x29f9: case 0xfe68: return '\\';
    case 0x2236: case 0xfe55: case 0xa789: return ':';
    case 0x37e: case 0xfe54: return ';';
    case 0xfe56: return '?';
    case 0x66a: case 0xfe6a: return '%';
    case 0x2223: return '|';
    case 0x207f: case 0x2099: return 'n';
    case 0x2071: case 0x2139: case 0x2148: return 'i';
    case 0x2102: case 0x212d: return 'C';
    case 0x2107: case 0x2130: return 'E';
    case 0x210b: case 0x210c: case 0x210d: return 'H';
    case 0x210e: return 'h';
    case 0x2110: case 0x2111: return 'I';
    case 0x2112: return 'L';
    case 0x2113: return 'l';
    case 0x2115: return 'N';
    case 0x2118: case 0x2119: return 'P';
    case 0x211a: return 'Q';
    case 0x211b: case 0x211c: case 0x211d: return 'R';
    case 0x2124: case 0x2128: return 'Z';
    case 0x212a: return 'K';
    case 0x212b: return 'A';
    case 0x212c: return 'B';
    case 0x212e: case 0x212f: return 'e';
    case 0x2131: return 'F';
    case 0x2133: return 'M';
    case 0x2134: return 'o';
    default: return -1;
    }
}

std::size_t put_unit(char* out, long unit) noexcept {
    if (unit < 0x80) {
        out[0] = static_cast<char>(unit);
        return 1;
    }
    if (unit < 0x800) {
        out[0] = static_cast<char>(0xc0 | unit >> 6);
        out[1] = static_cast<char>(0x80 | (unit & 0x3f));
        return 2;
    }
    out[0] = static_cast<char>(0xe0 | unit >> 12);
    out[1] = static_cast<char>(0x80 | (unit >> 6 & 0x3f));
    out[2] = static_cast<char>(0x80 | (unit & 0x3f));
    return 3;
}

} // namespace

Decoded decode_once(char* text, std::size_t size, Decoding decoding) noexcept {
    std::size_t bytes = 0;
    for (std::size_t in = 0; in < size;) {
        long code = 0;
        const std::size_t length = escape_at(text + in, size - in, code);
        // What is written never overtakes what is read: one byte for three, three for six.
        if (length == 0) {
            text[bytes++] = text[in++];
        } else if (length == 3) {
            text[bytes++] = static_cast<char>(code);
        } else {
            bytes += put_unit(text + bytes, code);
        }
        in += length;
    }

    const bool forgive = decoding == Decoding::forgiving;
    std::size_t out = 0;
    for (std::size_t in = 0; in < bytes;) {
        if (is_control(text[in])) {
            if (!forgive) {
                return {PathState::malformed, 0};
            }
            in++;
            continue;
        }
        char32_t character = 0;
        const std::size_t length = character_at(
            reinterpret_cast<const unsigned char*>(text + in), bytes - in, character);
        if (length == 0) {
            if (!forgive) {
                return {PathState::ambiguous, 0};
            }
            in++;
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
    return {PathState::fine, out};
}

namespace {

// What a byte of a path calls for.
enum : std::uint8_t {
    ordinary = 0,
    dot = 1,     // may be part of a dot segment or a trailing dot
    tricky = 2,  // needs the long way
    refused = 4, // never in a request line
};

constexpr auto classes = [] {
    std::array<std::uint8_t, 256> table{};
    for (std::size_t c = 0; c < 256; c++) {
        table[c] = c <= 0x20 || c == 0x7f ? refused : c >= 0x80 ? tricky : ordinary;
    }
    table['#'] = table['?'] = refused;
    table['.'] = dot;
    table['%'] = table['\\'] = table[';'] = table['('] = table['$'] = tricky;
    return table;
}();

constexpr std::uint8_t class_of(char c) noexcept { return classes[static_cast<unsigned char>(c)]; }

bool has_bad_escape(std::string_view raw) noexcept {
    for (std::size_t i = raw.find('%'); i != std::string_view::npos; i = raw.find('%', i)) {
        long code = 0;
        const std::size_t length = escape_at(raw.data() + i, raw.size() - i, code);
        if (length == 0) {
            return true;
        }
        i += length;
    }
    return false;
}

/// Whether `text` holds ASP.NET's "(S(", or NTFS's "::" or ":$".
bool has_windows_trick(std::string_view text) noexcept {
    for (std::size_t i = 0; i + 1 < text.size(); i++) {
        if (text[i] == ':' && (text[i + 1] == '$' || text[i + 1] == ':')) {
            return true;
        }
        if (text[i] == '(' && i + 2 < text.size() && is_letter(text[i + 1]) &&
            text[i + 2] == '(') {
            return true;
        }
    }
    return false;
}

bool has_dot_config(std::string_view text) noexcept {
    constexpr std::string_view name = ".config";
    return std::search(text.begin(), text.end(), name.begin(), name.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
}

/// A path in which nothing but "." and ".." needs attention.
bool is_literal(std::string_view raw) noexcept {
    return raw.find("//") == std::string_view::npos &&
           std::none_of(raw.begin(), raw.end(), [](char c) { return class_of(c) == tricky; });
}

} // namespace

/// Brings decoded text into normal form.
class PathReader {
public:
    PathReader(Reading& reading, bool lenient) noexcept : reading_(reading), lenient_(lenient) {
        reading_.size_ = 0;
    }

    /// The short way, for a path that needs no decoding and has no odd segment. False: `seen` says
    /// what else there is.
    bool read_ordinary(std::string_view raw, unsigned& seen) noexcept {
        char before = 0;
        seen = 0;
        for (std::size_t i = 0; i < raw.size(); i++) {
            const char c = raw[i];
            const std::uint8_t kind = class_of(c);
            seen |= kind & (tricky | refused);
            if (before == '/' ? c == '/' || c == '.' : (before == '.' && c == '/') ||
                                                       (before == ':' && c == ':')) {
                seen |= tricky;
            }
            reading_.text_[i] = lower(c);
            before = c;
        }
        if (seen != 0 || before == '.') {
            return false;
        }
        reading_.size_ = raw.size() - (before == '/' ? 1 : 0);
        return true;
    }

    /// The long way. `keep_parents`: ".." stays in, for what is never published.
    PathState read(std::string_view text, bool keep_parents = false) noexcept {
        std::size_t start = 0;
        for (std::size_t i = 0; i <= text.size(); i++) {
            if (i < text.size() && !is_slash(text[i])) {
                continue;
            }
            if (!add_segment(text.substr(start, i - start), keep_parents)) {
                return PathState::ambiguous;
            }
            start = i + 1;
        }
        return PathState::fine;
    }

    bool has_parents() const noexcept { return parents_; }

private:
    bool add_segment(std::string_view text, bool keep_parents) noexcept {
        if (lenient_) {
            const std::size_t end = std::min(text.find_first_of(";#"), text.size());
            if (has_dot_config(text.substr(end))) {
                return false; // what ends in .config is never published, parameter or not
            }
            text = text.substr(0, end);
        }
        if (text.empty() || text == ".") {
            return true;
        }
        if (text == "..") {
            parents_ = true;
            if (!keep_parents) {
                return remove_segment();
            }
        } else {
            const std::size_t last = text.find_last_not_of(". ");
            if (last == std::string_view::npos) {
                return false; // dots and spaces alone
            }
            if (lenient_) {
                const std::size_t first = text.find_first_not_of(' ');
                text = text.substr(first, last - first + 1);
            }
        }
        char* out = reading_.text_ + reading_.size_;
        *out++ = '/';
        std::transform(text.begin(), text.end(), out, lower);
        reading_.size_ += text.size() + 1;
        return true;
    }

    bool remove_segment() noexcept {
        if (reading_.size_ == 0) {
            return false;
        }
        while (reading_.text_[--reading_.size_] != '/') {
        }
        return true;
    }

    Reading& reading_;
    bool lenient_;
    bool parents_ = false;
};

PathState read_path(std::string_view raw, Readings& readings) noexcept {
    readings.second = Second::none;
    if (raw.empty()) {
        raw = "/";
    }
    if (raw.size() > max_path || raw.front() != '/') {
        return PathState::malformed;
    }

    // Nearly every request ends here.
    PathReader strict(readings.strict, false);
    unsigned seen = 0;
    if (strict.read_ordinary(raw, seen)) {
        return PathState::fine;
    }
    if ((seen & refused) != 0 || has_bad_escape(raw)) {
        return PathState::malformed;
    }

    char text[max_path];
    std::memcpy(text, raw.data(), raw.size());
    Decoded decoded = decode_once(text, raw.size(), Decoding::exact);
    if (decoded.state != PathState::fine) {
        return decoded.state;
    }
    if (const PathState state = strict.read({text, decoded.size}); state != PathState::fine) {
        return state;
    }

    // Decoding and folding always shorten the text if they change anything.
    int encodings = 0;
    for (std::size_t size = decoded.size + 1; size != decoded.size;) {
        if (encodings++ == max_encodings) {
            return PathState::ambiguous;
        }
        size = decoded.size;
        decoded = decode_once(text, size, Decoding::folding);
        if (decoded.state != PathState::fine) {
            return PathState::ambiguous;
        }
    }
    const std::string_view bare(text, decoded.size);
    const auto slashes = [](std::string_view path) {
        return std::count(path.begin(), path.end(), '/');
    };
    const bool hidden_slash =
        bare.find('\\') != std::string_view::npos || slashes(bare) != slashes(raw);
    if (bare.find('?') != std::string_view::npos || has_windows_trick(bare) ||
        (hidden_slash && bare.find_first_of(";#") != std::string_view::npos)) {
        return PathState::ambiguous;
    }

    PathReader lenient(readings.other, true);
    if (const PathState state = lenient.read(bare); state != PathState::fine) {
        return state;
    }
    const bool differ = readings.strict.path() != readings.other.path();
    if (strict.has_parents() || lenient.has_parents()) {
        if (differ || !is_literal(raw)) {
            return PathState::ambiguous;
        }
        readings.second = Second::unresolved;
        return PathReader(readings.other, false).read(raw, true);
    }
    readings.second = differ ? Second::lenient : Second::none;
    return PathState::fine;
}

PathState read_plain(std::string_view raw, Reading& reading) noexcept {
    if (raw.size() > max_path || (!raw.empty() && raw.front() != '/')) {
        return PathState::malformed;
    }
    char text[max_path];
    std::size_t size = 0;
    for (std::size_t i = 0; i < raw.size();) {
        long code = 0;
        const std::size_t length = escape_at(raw.data() + i, raw.size() - i, code);
        const bool decodes = length == 3 || (length == 6 && code < 0x80);
        text[size++] = decodes ? static_cast<char>(code) : raw[i];
        i += decodes ? length : 1;
    }
    return PathReader(reading, false).read({text, size});
}

} // namespace lync::policy
