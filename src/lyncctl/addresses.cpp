#include "lyncctl/addresses.h"

#include "base/ascii.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>

namespace lync::lyncctl {

std::string bare(std::string_view address) {
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    return std::string(bracketed ? address.substr(1, address.size() - 2) : address);
}

std::uint16_t port_of(std::string_view text) noexcept {
    return static_cast<std::uint16_t>(parse_number(text, 1, 65535).value_or(0));
}

std::pair<std::string, std::uint16_t> split_socket(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const std::uint16_t port = port_of(text.substr(colon + 1)); // all of it without a colon
    const std::size_t end = port == 0 ? text.size() : colon == text.npos ? 0 : colon;
    return {std::string(text.substr(0, end)), port};
}

std::vector<std::string> addresses_of(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) {
        return {};
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);

    std::vector<std::string> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) == 0) {
            addresses.emplace_back(text.data());
        }
    }
    return addresses;
}

} // namespace lync::lyncctl
