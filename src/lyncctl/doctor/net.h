#pragma once

// Names to addresses, and waiting with an end: every step has a deadline, and Ctrl-C ends all.

#include "lyncctl/doctor/findings.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ares_channeldata;

namespace lync::lyncctl::doctor {

/// Thrown out of any wait after Ctrl-C, and when a run takes too long; caught once, where what was
/// found so far is printed.
struct Interrupted {
    std::string why = "interrupted";
};

/// A point in time after which a step is given up.
class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds from_now)
        : end_(std::chrono::steady_clock::now() + from_now) {}

    bool passed() const noexcept { return left().count() <= 0; }
    std::chrono::milliseconds left() const noexcept {
        return std::chrono::ceil<std::chrono::milliseconds>(end_ -
                                                            std::chrono::steady_clock::now());
    }
    /// What one wait may take: short, since a signal that comes just before it doesn't end it.
    int slice() const noexcept {
        return static_cast<int>(std::clamp<long long>(left().count(), 0, 100));
    }

private:
    std::chrono::steady_clock::time_point end_;
};

/// From now on SIGINT and SIGTERM end waits instead of the process; a second one ends the process.
void catch_interrupts() noexcept;

bool is_interrupted() noexcept;
void throw_if_interrupted();

/// An IPv4 or IPv6 address in its shortest spelling, without brackets and port.
using Address = std::string;

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    std::string text() const; ///< "[2001:db8::11]:443"
};

struct Resolution {
    std::optional<Fault> fault; ///< one of dns_*
    std::vector<Address> addresses;
    std::vector<std::string> aliases; ///< targets of CNAME records, in their order
};

/// Asks the DNS: /etc/hosts and the system's servers, or the servers named (which show what
/// the outside sees). No search list is applied. By c-ares, so that a deadline is kept.
class Resolver {
public:
    /// `servers`: "192.0.2.53", "[2001:db8::53]:5353", several separated by commas; empty: the
    /// system's. Throws std::invalid_argument if that can't be read.
    explicit Resolver(const std::string& servers);

    Resolution ask(const std::string& name, const Deadline& deadline);

    using Channel = std::unique_ptr<ares_channeldata, void (*)(ares_channeldata*)>;

private:
    Channel channel_;
};

/// Where connections go in place of what the DNS says: `--connect-to` and `--resolve`.
struct Rule {
    std::string name;          ///< empty: any
    std::uint16_t port = 0;    ///< 0: any
    Address address;           ///< empty: the name's own
    std::uint16_t to_port = 0; ///< 0: the same
};
/// `NAME1:PORT1:ADDRESS:PORT2`, as curl's --connect-to: any part may be empty. Throws
/// std::invalid_argument with a sentence that says what would be right.
Rule parse_connect_to(const std::string& text);
/// `NAME:PORT:ADDRESS`, as curl's --resolve; NAME may be "*".
Rule parse_resolve(const std::string& text);

/// What the first rules that apply say of host:port: the address, or empty, and the port.
std::pair<Address, std::uint16_t> redirected(const std::vector<Rule>& rules, std::string_view host,
                                             std::uint16_t port);

} // namespace lync::lyncctl::doctor
