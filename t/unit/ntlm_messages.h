#pragma once

// Messages of NTLM, made by hand [MS-NLMP, 2.2.1.3].

#include <string>
#include <string_view>

namespace lync::testing {

inline std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned bits = 0;
        for (std::size_t j = 0; j < 3; j++) {
            bits =
                bits << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
        }
        for (std::size_t j = 0; j < 4; j++) {
            text += i + j <= bytes.size() ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
        }
    }
    return text;
}

/// Of ASCII.
inline std::string utf16(std::string_view text) {
    std::string units;
    for (const char c : text) {
        units += {c, '\0'};
    }
    return units;
}

/// A type 3 with the names in its payload, which begins at `payload`.
inline std::string type3(const std::string& domain, const std::string& user, bool unicode = true,
                         std::size_t payload = 64) {
    const auto number = [](std::size_t value, int bytes) {
        std::string text;
        for (int i = 0; i < bytes; i++) {
            text += static_cast<char>(value >> (8 * i) & 0xff);
        }
        return text;
    };
    const auto field = [&](const std::string& value, std::size_t offset) {
        return number(value.size(), 2) + number(value.size(), 2) + number(offset, 4);
    };
    std::string message = std::string("NTLMSSP\0\3\0\0\0", 12) + field("", 0) + field("", 0) +
                          field(domain, payload) + field(user, payload + domain.size()) +
                          field("", 0) + field("", 0) + number(unicode ? 1 : 2, 4);
    message.resize(payload, 'x');
    return message + domain + user;
}

} // namespace lync::testing
