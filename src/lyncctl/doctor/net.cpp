#include "lyncctl/doctor/net.h"

#include "base/ascii.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
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

std::string Endpoint::text() const {
    const std::string host = address.text();
    return (address.family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::is_internal() const noexcept {
    const auto& b = bytes;
    if (family == AF_INET6) {
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

/// 0, or why there is no connection.
int connect_socket(int fd, const Endpoint& endpoint, const Deadline& deadline) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_in);
    if (endpoint.address.family == AF_INET6) {
        auto& to = reinterpret_cast<sockaddr_in6&>(storage);
        size = sizeof to;
        to.sin6_port = htons(endpoint.port);
        std::memcpy(&to.sin6_addr, endpoint.address.bytes.data(), sizeof to.sin6_addr);
    } else {
        auto& to = reinterpret_cast<sockaddr_in&>(storage);
        to.sin_port = htons(endpoint.port);
        std::memcpy(&to.sin_addr, endpoint.address.bytes.data(), sizeof to.sin_addr);
    }
    storage.ss_family = static_cast<sa_family_t>(endpoint.address.family);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
        errno != EINPROGRESS) {
        return errno;
    }
    if (!wait_for(fd, POLLOUT, deadline)) {
        return ETIMEDOUT;
    }
    int error = 0;
    size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

} // namespace

Connected connect_to(const Endpoint& endpoint, const Deadline& deadline) {
    const int family = endpoint.address.family;
    Connected result;
    result.connection = Connection(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int error =
        result.connection ? connect_socket(result.connection.fd(), endpoint, deadline) : errno;
    if (error == 0) {
        return result;
    }
    Connected failed;
    failed.no_family = error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
                       (error == ENETUNREACH && family == AF_INET6);
    failed.fault = Fault{error == ECONNREFUSED ? Id::port_closed
                         : error == ETIMEDOUT  ? Id::port_timed_out
                                               : Id::port_unreachable,
                         failed.no_family ? family == AF_INET6 ? "this machine has no IPv6"
                                                               : "this machine has no IPv4"
                                          : std::generic_category().message(error)};
    return failed;
}

namespace {

/// "a:b:c" at colons outside of brackets, into at most `most` parts.
std::vector<std::string_view> at_colons(std::string_view text, std::size_t most) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    bool in_brackets = false;
    for (std::size_t i = 0; i < text.size() && parts.size() + 1 < most; i++) {
        if (text[i] == '[' || text[i] == ']') {
            in_brackets = text[i] == '[';
        } else if (text[i] == ':' && !in_brackets) {
            parts.push_back(text.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    parts.push_back(text.substr(begin));
    return parts;
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view remedy) {
    throw std::invalid_argument("invalid " + std::string(what) + " \"" + std::string(text) +
                                "\": " + std::string(remedy));
}

/// A port, or 0 where nothing is written.
std::uint16_t port_of(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, port);
    if (!text.empty() && (error != std::errc() || stopped != end || port == 0)) {
        refuse("port", text, "a number from 1 to 65535");
    }
    return port;
}

Address address_of(std::string_view text) {
    const auto address = Address::parse(text);
    if (!address) {
        refuse("address", text, "write an IPv4 address, or an IPv6 address in brackets");
    }
    return *address;
}

} // namespace

Rule parse_resolve(std::string_view text) {
    const auto parts = at_colons(text, 3);
    if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[2].empty()) {
        refuse("value", text, "it is written NAME:PORT:ADDRESS[,ADDRESS]");
    }
    Rule rule{parts[0] == "*" ? "" : to_ascii_lower(parts[0]), port_of(parts[1]), {}, 0};
    for (std::string_view rest = parts[2];;) {
        const auto comma = rest.find(',');
        rule.addresses.push_back(address_of(rest.substr(0, comma)));
        if (comma == std::string_view::npos) {
            return rule;
        }
        rest.remove_prefix(comma + 1);
    }
}

Rule parse_connect_to(std::string_view text) {
    const auto parts = at_colons(text, 4);
    if (parts.size() != 4) {
        refuse("value", text, "it is written NAME:PORT:ADDRESS:PORT, any part may be empty");
    }
    Rule rule{to_ascii_lower(parts[0]), port_of(parts[1]), {}, port_of(parts[3])};
    if (!parts[2].empty()) {
        rule.addresses.push_back(address_of(parts[2]));
    }
    return rule;
}

std::pair<std::vector<Address>, std::uint16_t>
redirected(const std::vector<Rule>& rules, std::string_view host, std::uint16_t port) {
    std::vector<Address> addresses;
    std::uint16_t to_port = 0;
    for (const Rule& rule : rules) {
        if ((rule.name.empty() || rule.name == host) && (rule.port == 0 || rule.port == port)) {
            addresses = addresses.empty() ? rule.addresses : addresses;
            to_port = to_port == 0 ? rule.to_port : to_port;
        }
    }
    return {addresses, to_port == 0 ? port : to_port};
}

} // namespace lync::lyncctl::doctor
