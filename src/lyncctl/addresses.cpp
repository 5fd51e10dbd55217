#include "lyncctl/addresses.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <memory>

namespace lync::lyncctl {

std::string bare(std::string_view address) {
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    return std::string(bracketed ? address.substr(1, address.size() - 2) : address);
}

std::uint16_t port_of(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() ? port : std::uint16_t{0};
}

std::pair<std::string, std::uint16_t> split_socket(std::string_view socket) {
    const std::size_t port = socket.rfind(':') + 1; // 0: the port alone
    return {std::string(socket.substr(0, port == 0 ? 0 : port - 1)), port_of(socket.substr(port))};
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
