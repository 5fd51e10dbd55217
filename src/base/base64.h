#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace lync {

/// Decodes base64 [RFC 4648] without its padding to `out`, which has room for three bytes of four
/// digits. Nothing if it contains anything else, or lacks a digit.
inline std::optional<std::string_view> decode_base64(std::string_view digits, char* out) noexcept {
    static constexpr auto sextets = [] {
        constexpr std::string_view alphabet =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::array<signed char, 256> table{};
        table.fill(-1);
        for (std::size_t i = 0; i < alphabet.size(); i++) {
            table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
        }
        return table;
    }();
    const auto sextet = [&](std::size_t i) -> int {
        return i < digits.size() ? sextets[static_cast<unsigned char>(digits[i])] : 0;
    };
    int wrong = 0; // below zero as soon as one of the sextets is
    char* end = out;
    for (std::size_t i = 0; i < digits.size(); i += 4) {
        const int a = sextet(i), b = sextet(i + 1), c = sextet(i + 2), d = sextet(i + 3);
        wrong |= a | b | c | d;
        *end++ = static_cast<char>(a << 2 | b >> 4);
        *end++ = static_cast<char>(b << 4 | c >> 2);
        *end++ = static_cast<char>(c << 6 | d);
    }
    if (wrong < 0 || digits.size() % 4 == 1) {
        return std::nullopt;
    }
    return std::string_view(out, digits.size() * 3 / 4);
}

} // namespace lync
