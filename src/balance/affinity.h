#pragma once

// Stateless affinity: a client (its address, or its MS-WSMAN cookie) and each server yield a
// number, and the highest wins (rendezvous hashing). So two proxies, or one before and after a
// restart, choose alike, and when a server goes out only its own clients move: the others' highest
// number is unchanged.
//
// MS-WSMAN by Microsoft's rules [Lync Server 2013, "Load balancing requirements"]: that name, not
// httpOnly, no expiry, set on every answer of a server whose request lacked it. The value is
// random; whatever a client sends instead is only a number like any other.

#include "balance/choice.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lync::balance {

constexpr std::string_view affinity_cookie = "MS-WSMAN";

/// A number of bytes: the same on every machine and in every version of this module.
std::uint64_t place_of(std::string_view bytes) noexcept;

/// A client's number, of its address in network byte order: 4 bytes, or 16 of which the first 8
/// count (a /64 is one household or one phone; its lower half changes by the hour). An IPv4
/// address written as IPv6 (::ffff:10.0.0.1) is the IPv4 address.
std::uint64_t client_key(std::span<const std::uint8_t> address) noexcept;

/// A client's number, of its cookie's value.
std::uint64_t cookie_key(std::string_view value) noexcept;

/// The server, of those that take requests and are backup or not as asked, that has the highest
/// number with `key`, by weight. A server in slow start has so many of its clients back as its
/// ramp says, always the same ones. `no_server` if there is none.
std::size_t choose_by_key(std::span<const Candidate> servers, std::uint64_t key,
                          bool backup) noexcept;

/// Each client's home: its server while all of a group take requests. Rebuilt when servers come or
/// go. Most requests find their home available, and each of the other servers costs them only some
/// fifteen instructions.
class Homes {
public:
    /// The next server of the group.
    void add(std::uint64_t place, std::uint32_t weight, bool backup);

    /// What `choose_by_key` says of the same servers if all take requests and are back entirely.
    std::size_t find(std::uint64_t key, bool backup) const noexcept;

private:
    /// Servers in a row that are alike, up to `end`: among them the highest number wins.
    struct Run {
        std::uint32_t weight;
        bool backup;
        std::size_t end;
    };
    std::vector<std::uint64_t> numbers_; ///< what is a server's own share of its numbers
    std::vector<Run> runs_;
};

/// The value of the cookie MS-WSMAN in a Cookie header [RFC 6265, 4.2.1]; empty if there is none.
std::string_view affinity_cookie_in(std::string_view header) noexcept;

/// The value of a cookie: 32 hexadecimal digits.
using CookieValue = std::array<char, 32>;
CookieValue cookie_value(std::span<const std::uint8_t, 16> random) noexcept;

} // namespace lync::balance
