#include "lyncctl/addresses.h"

#include "base/ascii.h"
#include "base/host_addresses.h"

namespace lync::lyncctl {

std::string bare(std::string_view address) {
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    return std::string(bracketed ? address.substr(1, address.size() - 2) : address);
}

bool is_this_machine(std::string_view host) noexcept {
    return host.empty() || host == "localhost" || host == "::1" || host.starts_with("127.");
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

std::string address_text(const sockaddr* address, socklen_t size) {
    char text[NI_MAXHOST] = "";
    getnameinfo(address, size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
    return text;
}

std::vector<std::string> addresses_of(const std::string& name) {
    const HostAddresses found = look_up_host(name, 0);
    std::vector<std::string> addresses;
    for (const addrinfo* one = found.first.get(); one != nullptr; one = one->ai_next) {
        addresses.push_back(address_text(one->ai_addr, one->ai_addrlen));
    }
    return addresses;
}

} // namespace lync::lyncctl
