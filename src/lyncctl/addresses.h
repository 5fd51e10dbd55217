#pragma once

// Addresses, ports and sockets as they are written, and what the system's resolver knows.

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync::lyncctl {

/// "[2001:db8::1]" without its brackets; anything else as it is.
std::string bare(std::string_view address);

/// Whether a host of a directive is this machine: a loopback address, "localhost", or empty.
bool is_this_machine(std::string_view host) noexcept;

/// A port, or 0.
std::uint16_t port_of(std::string_view text) noexcept;

/// The host and the port of "443", "10.0.0.1", "[::]:443" or "lync:4443": empty or 0 if there is
/// none.
std::pair<std::string, std::uint16_t> split_socket(std::string_view text);

/// "10.0.0.11", "2001:db8::11"
std::string address_text(const sockaddr* address, socklen_t size);

/// The addresses of a host name, or none: also of a family that this machine doesn't have.
std::vector<std::string> addresses_of(const std::string& name);

} // namespace lync::lyncctl
