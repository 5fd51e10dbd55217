#pragma once

// Letters as DNS and HTTP compare them: ASCII alone, without regard to a locale.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
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

/// The value of a hexadecimal digit; -1 for any other character.
constexpr int hex_value(char c) noexcept {
    const char lower = ascii_lower(c);
    return is_ascii_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// A decimal number within [least, most], or nothing.
inline std::optional<unsigned> parse_number(std::string_view text, unsigned least,
                                            unsigned most) noexcept {
    unsigned value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    return error == std::errc() && end == last && value >= least && value <= most
               ? std::optional(value)
               : std::nullopt;
}

/// Where `word`, in lower case, stands in `text` from `from` on in any case; npos if it doesn't.
constexpr std::size_t find_ignore_case(std::string_view text, std::string_view word,
                                       std::size_t from = 0) noexcept {
    const auto* const begin = text.data() + std::min(from, text.size());
    const auto* const end = text.data() + text.size();
    const auto* const found = std::search(begin, end, word.begin(), word.end(),
                                          [](char a, char b) { return ascii_lower(a) == b; });
    return found == end && !word.empty() ? std::string_view::npos
                                         : static_cast<std::size_t>(found - text.data());
}
constexpr bool contains_ignore_case(std::string_view text, std::string_view word) noexcept {
    return find_ignore_case(text, word) != std::string_view::npos;
}

inline std::string to_ascii_lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), ascii_lower);
    return lower;
}

/// Takes what precedes the next separator, and the separator, off the list.
constexpr std::string_view take_until(std::string_view& list, char separator) noexcept {
    const std::string_view first = list.substr(0, list.find(separator));
    list.remove_prefix(std::min(first.size() + 1, list.size()));
    return first;
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

/// Takes the next word of a text, and the blanks around it, off the text; empty at its end.
constexpr std::string_view take_word(std::string_view& text, std::string_view blanks) noexcept {
    text = trimmed(text, blanks);
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text = trimmed(text.substr(word.size()), blanks);
    return word;
}

} // namespace lync
