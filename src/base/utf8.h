#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lync {

/// How many bytes the character of UTF-8 has that `text` begins with; 0 if it begins with none, as
/// with an overlong form, a surrogate or a part of one [RFC 3629].
constexpr std::size_t utf8_length(std::string_view text) noexcept {
    const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.empty()) {
        return 0;
    }
    const std::size_t length = at(0) < 0x80                    ? 1
                               : at(0) >= 0xc2 && at(0) < 0xe0 ? 2
                               : at(0) >= 0xe0 && at(0) < 0xf0 ? 3
                               : at(0) >= 0xf0 && at(0) < 0xf5 ? 4
                                                               : 0;
    if (length > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < length; i++) {
        if (at(i) < 0x80 || at(i) > 0xbf) {
            return 0;
        }
    }
    const bool wrong = (at(0) == 0xe0 && at(1) < 0xa0) || (at(0) == 0xed && at(1) > 0x9f) ||
                       (at(0) == 0xf0 && at(1) < 0x90) || (at(0) == 0xf4 && at(1) > 0x8f);
    return wrong ? 0 : length;
}

/// Writes a character up to U+FFFF; how many bytes it has, three at most. Halves of characters
/// beyond become something of three bytes, the same each time.
constexpr std::size_t put_utf8(char* out, std::uint32_t character) noexcept {
    const auto put = [&](std::size_t i, std::uint32_t byte) { out[i] = static_cast<char>(byte); };
    const std::uint32_t last = 0x80 | (character & 0x3f);
    if (character < 0x80) {
        put(0, character);
        return 1;
    }
    if (character < 0x800) {
        put(0, 0xc0 | character >> 6);
        put(1, last);
        return 2;
    }
    put(0, 0xe0 | (character >> 12 & 0x0f));
    put(1, 0x80 | (character >> 6 & 0x3f));
    put(2, last);
    return 3;
}

/// Appends `text`, with U+FFFD for each byte that isn't UTF-8. `escape` appends the characters that
/// it has another spelling for, and says whether it did.
template <typename Escape>
void append_utf8(std::string& out, std::string_view text, Escape&& escape) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (!escape(text.front())) {
            out += length == 0 ? "\xef\xbf\xbd" : text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

} // namespace lync
