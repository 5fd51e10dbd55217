#pragma once

// What the system's resolver knows of a host name: /etc/hosts, the DNS and whatever nsswitch.conf
// names.

#include <netdb.h>
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

} // namespace lync
