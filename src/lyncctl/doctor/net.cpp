#include "lyncctl/doctor/net.h"

#include "base/ascii.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <memory>
#include <netdb.h>
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
    for (const int family : {AF_INET, AF_INET6}) {
        Address address;
        if (inet_pton(family, copy.c_str(), address.bytes.data()) == 1) {
            address.family = family;
            return address;
        }
    }
    return std::nullopt;
}

std::string Address::text() const {
    char buffer[INET6_ADDRSTRLEN] = "";
    inet_ntop(family, bytes.data(), buffer, sizeof buffer);
    return buffer;
}

std::string Address::with_port(std::uint16_t port) const {
    return (is_v6() ? "[" + text() + "]" : text()) + ":" + std::to_string(port);
}

bool Address::is_internal() const noexcept {
    const auto& b = bytes;
    if (is_v6()) {
        return (b[0] & 0xFE) == 0xFC || (b[0] == 0xFE && (b[1] & 0xC0) == 0x80) || text() == "::1";
    }
    return b[0] == 10 || b[0] == 127 || (b[0] == 172 && b[1] >> 4 == 1) ||
           (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
           (b[0] == 100 && b[1] >> 6 == 1);
}

Connection::~Connection() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

namespace {

Connected failed(int error, int family) {
    using Outcome = Connected::Outcome;
    Connected result;
    result.detail = std::generic_category().message(error);
    // No IPv6 here tells nothing about the other end.
    const bool no_family = error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
                           (error == ENETUNREACH && family == AF_INET6);
    result.outcome = error == ECONNREFUSED ? Outcome::refused
                     : error == ETIMEDOUT  ? Outcome::timed_out
                     : no_family           ? Outcome::no_family
                                           : Outcome::unreachable;
    return result;
}

/// 0, or why there is no connection.
int connect_socket(int fd, const Endpoint& endpoint, const Deadline& deadline) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(endpoint.address.text().c_str(), std::to_string(endpoint.port).c_str(), &hints,
                    &found) != 0) {
        return EADDRNOTAVAIL;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
    if (connect(fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        return errno;
    }
    if (!wait_for(fd, POLLOUT, deadline)) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

} // namespace

Connected connect_to(const Endpoint& endpoint, const Deadline& deadline) {
    const int family = endpoint.address.family;
    Connected result;
    result.connection = Connection(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int error =
        result.connection ? connect_socket(result.connection.fd(), endpoint, deadline) : errno;
    if (error != 0) {
        return failed(error, family);
    }
    result.outcome = Connected::Outcome::open;
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
