#include "lyncctl/doctor/net.h"

#include "base/ascii.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <system_error>
#include <unistd.h>

namespace lync::lyncctl::doctor {

std::optional<Address> Address::parse(std::string_view text) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
        text = text.substr(1, text.size() - 2);
    }
    const std::string copy(text);
    Address address;
    if (inet_pton(AF_INET, copy.c_str(), &address.v4) == 1) {
        address.family = AF_INET;
        return address;
    }
    if (inet_pton(AF_INET6, copy.c_str(), &address.v6) == 1) {
        address.family = AF_INET6;
        return address;
    }
    return std::nullopt;
}

std::string Address::text() const {
    char buffer[INET6_ADDRSTRLEN] = "";
    inet_ntop(family, family == AF_INET ? static_cast<const void*>(&v4) : &v6, buffer,
              sizeof buffer);
    return buffer;
}

std::string Address::with_port(std::uint16_t port) const {
    const std::string host = family == AF_INET6 ? "[" + text() + "]" : text();
    return host + ":" + std::to_string(port);
}

bool Address::operator==(const Address& other) const noexcept {
    if (family != other.family) {
        return false;
    }
    return family == AF_INET ? v4.s_addr == other.v4.s_addr
                             : std::memcmp(&v6, &other.v6, sizeof v6) == 0;
}

bool Address::is_internal() const noexcept {
    if (family == AF_INET) {
        const std::uint32_t a = ntohl(v4.s_addr);
        return a >> 24 == 10 || a >> 20 == 0xAC1 || a >> 16 == 0xC0A8 || a >> 24 == 127 ||
               a >> 16 == 0xA9FE || a >> 22 == (0x64400000U >> 22);
    }
    return (v6.s6_addr[0] & 0xFE) == 0xFC || IN6_IS_ADDR_LOOPBACK(&v6) ||
           IN6_IS_ADDR_LINKLOCAL(&v6);
}

Connection::~Connection() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

namespace {

Connected failed(int error, int family) {
    Connected result;
    result.detail = std::generic_category().message(error);
    if (error == ECONNREFUSED) {
        result.outcome = Connected::Outcome::refused;
    } else if (error == ETIMEDOUT) {
        result.outcome = Connected::Outcome::timed_out;
    } else if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
               (error == ENETUNREACH && family == AF_INET6)) {
        // No IPv6 here says nothing of the other end.
        result.outcome = Connected::Outcome::no_family;
    } else {
        result.outcome = Connected::Outcome::unreachable;
    }
    return result;
}

} // namespace

Connected connect_to(const Endpoint& endpoint, const Deadline& deadline) {
    throw_if_interrupted();
    const Address& address = endpoint.address;
    Connection connection(
        socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!connection) {
        return failed(errno, address.family);
    }
    const int yes = 1;
    setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);

    sockaddr_in6 v6{};
    sockaddr_in v4{};
    const sockaddr* name = nullptr;
    socklen_t length = 0;
    if (address.family == AF_INET) {
        v4.sin_family = AF_INET;
        v4.sin_addr = address.v4;
        v4.sin_port = htons(endpoint.port);
        name = reinterpret_cast<const sockaddr*>(&v4);
        length = sizeof v4;
    } else {
        v6.sin6_family = AF_INET6;
        v6.sin6_addr = address.v6;
        v6.sin6_port = htons(endpoint.port);
        name = reinterpret_cast<const sockaddr*>(&v6);
        length = sizeof v6;
    }
    if (connect(connection.fd(), name, length) != 0 && errno != EINPROGRESS) {
        return failed(errno, address.family);
    }
    if (!wait_for(connection.fd(), POLLOUT, deadline)) {
        return failed(ETIMEDOUT, address.family);
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(connection.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        return failed(error, address.family);
    }
    Connected result;
    result.outcome = Connected::Outcome::open;
    result.connection = std::move(connection);
    return result;
}

namespace {

/// "a:b:c" at colons outside of brackets, into at most `most` parts.
std::vector<std::string_view> at_colons(std::string_view text, std::size_t most) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    bool in_brackets = false;
    for (std::size_t i = 0; i < text.size() && parts.size() + 1 < most; i++) {
        if (text[i] == '[') {
            in_brackets = true;
        } else if (text[i] == ']') {
            in_brackets = false;
        } else if (text[i] == ':' && !in_brackets) {
            parts.push_back(text.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    parts.push_back(text.substr(begin));
    return parts;
}

std::uint16_t port_of(std::string_view text, std::string_view whole) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
        throw std::invalid_argument("invalid port \"" + std::string(text) + "\" in \"" +
                                    std::string(whole) + "\": a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(port);
}

Address address_of(std::string_view text, std::string_view whole) {
    const auto address = Address::parse(text);
    if (!address) {
        throw std::invalid_argument("invalid address \"" + std::string(text) + "\" in \"" +
                                    std::string(whole) +
                                    "\": write an IPv4 address, or an IPv6 address in brackets");
    }
    return *address;
}

} // namespace

ResolveRule parse_resolve(std::string_view text) {
    const auto parts = at_colons(text, 3);
    if (parts.size() != 3 || parts[0].empty() || parts[2].empty()) {
        throw std::invalid_argument("invalid value \"" + std::string(text) +
                                    "\": it is written NAME:PORT:ADDRESS[,ADDRESS]");
    }
    ResolveRule rule;
    rule.name = to_ascii_lower(parts[0]);
    rule.port = port_of(parts[1], text);
    std::string_view rest = parts[2];
    for (;;) {
        const auto comma = rest.find(',');
        rule.addresses.push_back(address_of(rest.substr(0, comma), text));
        if (comma == std::string_view::npos) {
            return rule;
        }
        rest.remove_prefix(comma + 1);
    }
}

ConnectRule parse_connect_to(std::string_view text) {
    const auto parts = at_colons(text, 4);
    if (parts.size() != 4) {
        throw std::invalid_argument("invalid value \"" + std::string(text) +
                                    "\": it is written NAME:PORT:ADDRESS:PORT, any part may be "
                                    "empty");
    }
    ConnectRule rule;
    rule.name = to_ascii_lower(parts[0]);
    rule.port = parts[1].empty() ? 0 : port_of(parts[1], text);
    if (!parts[2].empty()) {
        rule.to = address_of(parts[2], text);
    }
    rule.to_port = parts[3].empty() ? 0 : port_of(parts[3], text);
    return rule;
}

} // namespace lync::lyncctl::doctor
