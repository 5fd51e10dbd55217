#pragma once

// The scheme that an Authorization field or a challenge begins with [RFC 9110, 11.1].

#include "base/ascii.h"

#include <algorithm>
#include <string_view>

namespace lync {

constexpr bool is_token_character(char c) noexcept {
    return is_ascii_alnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// The scheme, as it is written; blanks before it don't count. Anything but a token's character
/// ends it: a blank by the rules, whatever else for a lenient reader.
constexpr std::string_view auth_scheme(std::string_view field) noexcept {
    const std::string_view text = trimmed(field, " \t");
    return text.substr(
        0, static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_token_character) -
                                    text.begin()));
}

} // namespace lync
