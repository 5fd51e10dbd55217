#pragma once

// Letters as DNS compares them: ASCII alone, without regard to a locale.

#include <algorithm>
#include <string>
#include <string_view>

namespace lync::topology {

constexpr char ascii_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_ascii_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool is_ascii_alnum(char c) noexcept {
    const char lower = ascii_lower(c);
    return is_ascii_digit(c) || (lower >= 'a' && lower <= 'z');
}

constexpr bool equal_ignore_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

inline std::string to_ascii_lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), ascii_lower);
    return lower;
}

} // namespace lync::topology
