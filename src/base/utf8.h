#pragma once

#include <cstddef>
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

} // namespace lync
