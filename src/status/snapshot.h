#pragma once

// The status room: the state of all publications at one moment, for administrators, programs and
// Prometheus. Pure: src/nginx/status/status.cpp fills a snapshot, the rest of this room formats it.
//
//     snapshot.h     what is known at one moment
//     published.h    its part that comes of the configuration: names, flips in words, certificates
//     shared_counters.h  what is counted, in shared memory as in a snapshot
//     refusals.h     the last refusals, likewise
//     forms.h        the snapshot as JSON, as Prometheus' text, and the page, which is page.html
//
// A snapshot owns nothing that a configuration holds already: its string_views point there, or to
// text that its maker keeps until it has been written.

#include "balance/health.h"
#include "config/certificate_on_disk.h"
#include "config/publication.h"
#include "policy/site.h"
#include "status/refusals.h"
#include "status/shared_counters.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::status {

enum class ServerState : std::uint8_t {
    unknown,  ///< not checked yet, or not checked at all (health_check off)
    up,       ///< takes requests
    down,     ///< takes none; the reason says why
    draining, ///< takes no new clients: `down` in the configuration
};
std::string_view state_name(ServerState state) noexcept;
/// "works", "refused", "unknown".
std::string_view binding_name(balance::Binding binding) noexcept;

/// The current load of a server.
struct Load {
    std::uint64_t in_flight = 0;         ///< requests that it is answering
    std::uint64_t pending_gets = 0;      ///< of these, UCWA event channels, which wait by design
    std::uint64_t owned_connections = 0; ///< that belong to one client each
};

struct Server : ServerCells, Load {
    std::string_view name;    ///< as in the configuration: "fe1.contoso.local", "10.0.0.11"
    std::string_view address; ///< where it is now: "10.0.0.11:4443"
    ServerState state = ServerState::unknown;
    std::string reason;     ///< why it is down or draining; else empty
    std::int64_t since = 0; ///< when it came into this state, seconds of Unix time; 0: not known
    bool backup = false;
    unsigned weight = 1;
    /// Of Exchange: whether clients can sign in with Extended Protection.
    balance::Binding extended_protection = balance::Binding::unknown;
    Build build = 0;                               ///< as last reported; 0: not known
    std::vector<policy::MissingFix> missing_fixes; ///< of that build
};

/// A machine: over all its ports, requests of earlier configurations included.
struct Machine : Load {
    bool drained = false;
};

/// A group of servers on one port of theirs.
struct Pool {
    config::Role role = config::Role::pool;
    std::string_view name; ///< the pool's FQDN
    std::uint16_t port = 0;
    bool tls = true;
    bool panic = false; ///< no server passes its check; those that answer are used all the same
    std::vector<Server> servers;
};

struct Service : ServiceCells {
    policy::Service service = policy::Service::unknown;
    History history;
};

/// Seconds of Unix time.
constexpr std::int64_t unix_time(std::chrono::sys_seconds time) noexcept {
    return time.time_since_epoch().count();
}

/// A value that may be unknown.
template <typename Value>
std::optional<Value> known(Value value, bool is_known) {
    return is_known ? std::optional(std::move(value)) : std::nullopt;
}

/// A certificate that listeners present.
struct Certificate {
    std::string_view file;
    const config::Certificate* loaded = nullptr;
    config::OnDisk on_disk = config::OnDisk::unknown;
};

using config::Coverage;

inline constexpr std::uint32_t none = 0xffffffff;

/// A published name: what becomes of it by https and by http, and which certificate covers it.
struct Name {
    std::string_view name;
    std::uint32_t https = none; ///< index into Publication::rules, or none
    std::uint32_t http = none;
    /// Indices into Publication::certificates: those that are presented for it; of an uncovered one
    /// those that would cover it if they were valid now.
    std::span<const std::uint32_t> certificates;
    Coverage coverage = Coverage::not_needed;
};

/// Where the requests of some names go.
struct Rule {
    struct Target {
        config::Role role = config::Role::pool;
        std::string_view pool;
        std::uint16_t port = 0;
        std::string path; ///< of a simple URL where several share a host; else empty
    };

    std::string_view id;
    bool tls = true;
    std::string_view words; ///< plan::VirtualHost::what
    std::vector<Target> targets;
};

/// What follows from the configuration of a publication alone: made once (published.h).
struct Published {
    std::string_view name;
    std::string_view product;
    std::vector<Rule> rules;
    std::vector<Name> names;
    std::vector<Certificate> certificates;
    std::vector<policy::Service> services; ///< what clients are expected to ask for
    std::int64_t until = 0;                ///< when the next certificate begins or ends; Unix time
};

/// A row of the shield, and how many requests it has stopped, or would have.
struct ShieldRow {
    const policy::Shield* row;
    std::uint64_t hits;
};

struct Publication : RequestCells {
    const Published* published = nullptr;
    std::vector<Pool> pools;
    std::vector<ShieldRow> shields;
    std::vector<Service> services; ///< those that were asked for, or can be
};

/// Where several proxies count together.
struct LockoutStore {
    std::string_view address; ///< without user and password
    bool connected;           ///< no: this proxy counts alone
};

/// Totals of `lockout` over all publications.
struct LockoutCounts {
    std::uint64_t accounts; ///< held now
    std::uint64_t sources;  ///< held now
    std::uint64_t failures; ///< wrong passwords that servers have seen
    std::uint64_t answered; ///< attempts that no server has seen
    std::optional<LockoutStore> store;
};

/// What `lockout` holds.
struct HeldOne {
    bool is_source;
    std::uint64_t tag;                     ///< the hash of an account's name
    std::array<unsigned char, 16> address; ///< of a source: IPv4 mapped into IPv6, or a /64
    std::uint64_t left;                    ///< msec
};

struct Snapshot {
    std::int64_t time = 0;     ///< milliseconds of Unix time
    std::int64_t loaded = 0;   ///< when the configuration was loaded, seconds of Unix time
    std::string_view nginx;    ///< version
    std::string_view module;   ///< version
    std::uint64_t workers = 0; ///< processes that serve now, those that are ending included
    std::vector<Publication> publications;
    std::vector<Refusal> refusals;        ///< the latest first
    std::optional<LockoutCounts> lockout; ///< where some publication says `lockout on`

    std::chrono::sys_seconds now() const noexcept {
        return std::chrono::sys_seconds(std::chrono::seconds(time / 1000));
    }
};

/// The counts at the top of the page.
struct Summary {
    std::size_t servers = 0;
    std::size_t servers_up = 0;
    std::size_t servers_down = 0;
    std::size_t servers_draining = 0;
    std::size_t names = 0;
    std::size_t names_uncovered = 0;
    std::size_t certificates_expiring = 0;   ///< to be renewed by now, or expired
    std::size_t certificates_not_loaded = 0; ///< renewed on disk
};

Summary summarize(const Snapshot& snapshot) noexcept;

} // namespace lync::status
