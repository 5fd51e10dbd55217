#pragma once

// What the system's resolver knows of a host name: /etc/hosts, the DNS and whatever nsswitch.conf
// names; and which addresses are a server's.

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>

namespace lync {

struct FreeAddresses {
    void operator()(addrinfo* all) const noexcept { freeaddrinfo(all); }
};

struct HostAddresses {
    int error = 0; ///< getaddrinfo's: 0, or what gai_strerror explains
    std::unique_ptr<addrinfo, FreeAddresses>
        first; ///< each names the `ai_next`; null with an error
};

/// Each address once. `flags`: of getaddrinfo's hints. It blocks.
inline HostAddresses look_up_host(const std::string& name, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM; // or each address comes three times
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(name.c_str(), nullptr, &hints, &found);
    return {error, std::unique_ptr<addrinfo, FreeAddresses>(error == 0 ? found : nullptr)};
}

/// Whether one server can have it: not "this network" (0.0.0.0, with which sinkholes answer, is
/// this very host), multicast, broadcast or what is reserved; nor an IPv4 address as IPv6 has it
/// (::ffff:10.0.0.11), a second spelling that would pass every rule for the first.
inline bool is_server_address(const in_addr& address) noexcept {
    const in_addr_t first = ntohl(address.s_addr) >> 24;
    return first >= 1 && first <= 223;
}
inline bool is_server_address(const in6_addr& address) noexcept {
    return !IN6_IS_ADDR_UNSPECIFIED(&address) && !IN6_IS_ADDR_MULTICAST(&address) &&
           !IN6_IS_ADDR_V4MAPPED(&address);
}
inline bool is_server_address(const sockaddr& address) noexcept {
    return address.sa_family == AF_INET6
               ? is_server_address(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
               : is_server_address(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
}

} // namespace lync
