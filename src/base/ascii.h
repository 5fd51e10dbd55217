#pragma once

// Letters as DNS and HTTP compare them: ASCII alone, without regard to a locale.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace lync {

/// By table: every path of every request goes through it.
inline constexpr auto ascii_lower_table = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < table.size(); c++) {
        table[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return table;
}();

constexpr char ascii_lower(char c) noexcept {
    return ascii_lower_table[static_cast<unsigned char>(c)];
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

/// Without the characters of `blanks` at either end.
constexpr std::string_view trimmed(std::string_view text, std::string_view blanks) noexcept {
    while (!text.empty() && blanks.find(text.front()) != std::string_view::npos) {
        text.remove_prefix(1);
    }
    while (!text.empty() && blanks.find(text.back()) != std::string_view::npos) {
        text.remove_suffix(1);
    }
    return text;
}

} // namespace lync
