#pragma once

// Names to addresses, and connections to them.

#include "lyncctl/doctor/wait.h"

#include <array>
#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace lync::lyncctl::doctor {

/// An IPv4 or IPv6 address without a port.
struct Address {
    int family = AF_UNSPEC;
    std::array<unsigned char, sizeof(in6_addr)> bytes{}; ///< in network order; IPv4 has four

    /// "10.0.0.11", "2001:db8::11", "[2001:db8::11]"; nothing if it isn't an address.
    static std::optional<Address> parse(std::string_view text);

    std::string text() const;                        ///< "2001:db8::11"
    std::string with_port(std::uint16_t port) const; ///< "[2001:db8::11]:443"
    bool operator==(const Address& other) const noexcept = default;

    bool is_v6() const noexcept { return family == AF_INET6; }
    /// Not for the Internet: private (RFC 1918, ULA), loopback, link-local, shared (RFC 6598).
    bool is_internal() const noexcept;
};

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    std::string text() const { return address.with_port(port); }
};

/// What the DNS said.
struct Resolution {
    enum class Outcome : std::uint8_t { found, no_such_name, no_address, no_answer, failed };

    Outcome outcome = Outcome::failed;
    std::vector<Address> addresses;
    std::vector<std::string> aliases; ///< targets of CNAME records, in their order
    std::string detail;               ///< of a failure, the resolver's own words
};

/// Asks the DNS: /etc/hosts and the system's servers, or the servers named (which tell what the
/// outside sees). No search list is applied. By c-ares, so that a deadline is kept.
class Resolver {
public:
    /// `servers`: "192.0.2.53", "[2001:db8::53]:5353", several separated by commas; empty: the
    /// system's. Throws std::invalid_argument if that can't be read.
    explicit Resolver(const std::string& servers);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    Resolution ask(const std::string& name, const Deadline& deadline);

private:
    std::string servers_;
    void* channel_ = nullptr; ///< ares_channel
    void* literal_ = nullptr; ///< ares_channel that passes on what a server refuses; made if needed
};

/// An open TCP connection; closes it.
class Connection {
public:
    Connection() = default;
    explicit Connection(int fd) noexcept : fd_(fd) {}
    ~Connection();
    Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Connection& operator=(Connection&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }

    int fd() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

struct Connected {
    enum class Outcome : std::uint8_t {
        open,
        refused,
        timed_out,
        unreachable,
        no_family, ///< this machine itself has no IPv6 (or no IPv4): says nothing of the other end
    };

    Outcome outcome = Outcome::unreachable;
    Connection connection;
    std::string detail; ///< the system's words
};

/// A non-blocking connection.
Connected connect_to(const Endpoint& endpoint, const Deadline& deadline);

/// `--resolve NAME:PORT:ADDRESS[,ADDRESS...]`, as curl's; NAME may be "*".
struct ResolveRule {
    std::string name;
    std::uint16_t port = 0;
    std::vector<Address> addresses;
};
/// `--connect-to NAME1:PORT1:NAME2:PORT2`, as curl's: any part may be empty. NAME2 is an address
/// here, or empty for the name's own.
struct ConnectRule {
    std::string name;
    std::uint16_t port = 0; ///< 0: any
    std::optional<Address> to;
    std::uint16_t to_port = 0; ///< 0: the same
};
/// Throw std::invalid_argument with a sentence that says what would be right.
ResolveRule parse_resolve(std::string_view text);
ConnectRule parse_connect_to(std::string_view text);

} // namespace lync::lyncctl::doctor
