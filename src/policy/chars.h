#pragma once

// Characters by table: each is looked at once for every request.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::policy {

inline constexpr auto lower_table = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < table.size(); c++) {
        table[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return table;
}();

/// ASCII letters in lower case, everything else as it is.
constexpr char lower(char c) noexcept {
    return lower_table[static_cast<unsigned char>(c)];
}

/// Any of a few characters, found faster than by find_first_of, which searches the few for each.
class CharSet {
public:
    explicit constexpr CharSet(std::string_view characters) {
        for (const char c : characters) {
            member_[static_cast<unsigned char>(c)] = true;
        }
    }

    constexpr bool has(char c) const noexcept { return member_[static_cast<unsigned char>(c)]; }

    /// The first of them in `text` from `start` on, or its end.
    constexpr std::size_t find_in(std::string_view text, std::size_t start = 0) const noexcept {
        while (start < text.size() && !has(text[start])) {
            start++;
        }
        return start;
    }

private:
    std::array<bool, 256> member_{};
};

} // namespace lync::policy
