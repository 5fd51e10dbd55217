#pragma once

#include <unistr.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lync {

/// How many bytes the character of UTF-8 has that `text` begins with; 0 if it begins with none, as
/// with an overlong form, a surrogate or a part of one [RFC 3629].
inline std::size_t read_utf8(std::string_view text, std::uint32_t& character) noexcept {
    return text.empty()
               ? 0
               : static_cast<std::size_t>(std::max(
                     u8_mbtoucr(&character, reinterpret_cast<const std::uint8_t*>(text.data()),
                                text.size()),
                     0));
}
inline std::size_t utf8_length(std::string_view text) noexcept {
    std::uint32_t character = 0;
    return read_utf8(text, character);
}

/// Writes a character up to U+FFFF; how many bytes it has, three at most. 0: it is half of one
/// beyond, or one.
inline std::size_t put_utf8(char* out, std::uint32_t character) noexcept {
    return static_cast<std::size_t>(
        std::max(u8_uctomb(reinterpret_cast<std::uint8_t*>(out), character, 3), 0));
}

/// Appends `text`, with U+FFFD for each byte that isn't UTF-8. `escape` appends a character that
/// has to be escaped and returns true, or returns false.
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
