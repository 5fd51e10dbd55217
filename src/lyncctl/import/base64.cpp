#include "lyncctl/import/base64.h"

#include <cstdint>

namespace lync::lyncctl {

namespace {

int value_of(char c) noexcept {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

} // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned digits = 0;
    unsigned padding = 0;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            continue;
        }
        if (c == '=') {
            padding++;
            continue;
        }
        const int value = value_of(c);
        if (value < 0 || padding != 0) {
            return std::nullopt;
        }
        bits = bits << 6U | static_cast<unsigned>(value);
        digits++;
        if (digits % 4 != 1) {
            const unsigned shift = digits % 4 == 2 ? 4 : digits % 4 == 3 ? 2 : 0;
            bytes += static_cast<char>(bits >> shift & 0xffU);
        }
    }
    const unsigned rest = digits % 4;
    const bool whole = rest == 0 ? padding == 0 : rest != 1 && rest + padding == 4;
    return whole && !bytes.empty() ? std::optional(bytes) : std::nullopt;
}

} // namespace lync::lyncctl
