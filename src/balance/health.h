#pragma once

// Whether a server takes requests, as its checks say: what one check finds, how many findings
// change the state, and when the next check is due. Pure; src/nginx/health/health.cpp does the
// checking.
//
//                    pass                     `fails` failures in a row
//        unknown ───────────▶ up ─────────────────────────────────────▶ down
//           │                 ▲                                          │
//           │                 └──────────────────────────────────────────┘
//           │                             `passes` passes in a row       ▲
//           └────────────────────────────────────────────────────────────┘
//                             `fails` failures in a row
//
// A server of which nothing is known takes requests: a proxy that has just started must not refuse
// what the pool would have answered.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lync::balance {

enum class Health : std::uint8_t { unknown, up, down };

/// What is wrong with a server, as one check found it.
enum class Reason : std::uint8_t {
    none,        ///< nothing: the check passed
    refused,     ///< connection refused: nothing listens on the port
    unreachable, ///< no way to the server: no route, network down
    timed_out,   ///< no connection, no handshake or no whole answer within the check's time
    broken_off,  ///< the server closed or reset the connection before its answer was whole
    tls_failed,  ///< no TLS could be agreed upon
    untrusted,   ///< the certificate isn't trusted; the detail is OpenSSL's X509_V_ERR_*
    wrong_name,  ///< the certificate isn't valid for the pool's name
    status,      ///< another status than 200
    internal,    ///< the INTERNAL web site answered
    no_answer,   ///< what came back isn't the document that was asked for
};

/// Whether the server responds, though not as expected: the check itself may be wrong. Never true
/// of the INTERNAL web site.
bool answers(Reason reason) noexcept;

/// What one check found.
struct Finding {
    Reason reason = Reason::none;
    /// Of Reason::untrusted see there; of `status` and `no_answer`: which of the check's requests
    /// was answered so (16 bits), and the status (16 bits); else 0.
    std::uint32_t detail = 0;

    bool passed() const noexcept { return reason == Reason::none; }
    bool is_of_request() const noexcept {
        return reason == Reason::status || reason == Reason::no_answer;
    }
    std::size_t request() const noexcept { return is_of_request() ? detail >> 16 : 0; }
    std::uint32_t status() const noexcept { return detail & 0xffff; }
    /// The same, of this request.
    Finding of_request(std::size_t index) const noexcept {
        const auto high = static_cast<std::uint32_t>(index << 16);
        return {reason, is_of_request() ? high | status() : detail};
    }
    bool operator==(const Finding&) const = default;
};

/// The finding in words: `connection refused`, `certificate not valid for "fepool.contoso.local"`,
/// `GET /EWS/healthcheck.htm: 401`. `certificate_error` is OpenSSL's own word for the detail of
/// Reason::untrusted, `path` that of the request.
std::string explain(const Finding& finding, std::string_view certificate_name,
                    std::string_view certificate_error, std::string_view path);

/// How many findings in a row change a server's state; both at least 1.
struct Thresholds {
    unsigned fails = 3;
    unsigned passes = 2;
};

/// What a finding changed, worth a line in the log each.
enum class Change : std::uint8_t {
    none,
    known,        ///< the first word about a server: it is up
    down,         ///< takes no requests from now on
    up,           ///< takes requests again
    other_reason, ///< still down, but for another reason, found as often as `fails` says
};

/// What the checks of one server have come to. All zero: never checked.
struct HealthState {
    Health health = Health::unknown;
    Finding last;             ///< of the last check
    Finding cause;            ///< why the server is down, or was the last time
    std::uint32_t passes = 0; ///< in a row, up to now
    std::uint32_t fails = 0;  ///< in a row, up to now
    std::uint32_t same = 0;   ///< failures in a row that are equal to `last`

    /// Takes one more finding.
    Change take(const Finding& finding, const Thresholds& thresholds) noexcept;
};

/// Whether clients can sign in at a server with Extended Protection: they sign the certificate that
/// they are presented, and the server takes its own alone.
enum class Binding : std::uint8_t { unknown, works, refused };

/// What shared memory keeps of a certificate's SHA-256: its first bytes. Never 0.
std::uint64_t certificate_mark(std::string_view digest) noexcept;

/// `server`: the mark of the certificate that it presents; 0: not seen yet. `ours`: the digest of
/// the one that clients are presented; empty: there are several, or none.
Binding binding_of(std::uint64_t server, std::string_view ours) noexcept;

/// A server's health in shared memory: one process writes, all read. A zeroed one is a server never
/// checked. Times are nginx's msec (CLOCK_MONOTONIC, the same in all processes) unless said
/// otherwise.
struct SharedHealth {
    std::atomic<std::uint8_t> health{};
    std::atomic<std::uint8_t> last_reason{};
    std::atomic<std::uint8_t> cause_reason{};
    std::atomic<std::uint32_t> last_detail{};
    std::atomic<std::uint32_t> cause_detail{};
    std::atomic<std::uint32_t> passes{};
    std::atomic<std::uint32_t> fails{};
    std::atomic<std::uint32_t> same{};
    std::atomic<std::uint64_t> since{};       ///< seconds since 1970 of the last change of health
    std::atomic<std::uint64_t> recovered{};   ///< msec of the last change from down to up; 0: never
    std::atomic<std::uint64_t> due{};         ///< msec of the next check; 0: not planned
    std::atomic<std::uint64_t> certificate{}; ///< certificate_mark of the server's; 0: not seen
    std::atomic<Binding> binding{};           ///< as was last logged

    HealthState load() const noexcept;
    void store(const HealthState& state) noexcept;

    /// On the request path: anything but down.
    bool takes_requests() const noexcept {
        return static_cast<Health>(health.load(std::memory_order_relaxed)) != Health::down;
    }
    /// Whether a server that is down may be used where all are: as its last check says, and as the
    /// one that took it down said.
    bool answers() const noexcept;
};

/// When a server that has never been checked is checked first: the servers of a configuration are
/// spread evenly over the interval. All in msec; `index` < `count`.
std::uint64_t first_check(std::uint64_t now, std::uint64_t interval, std::size_t index,
                          std::size_t count) noexcept;

/// When the next check after one that was due at `due` is: an interval later, a tenth of it more or
/// less, so that proxies don't fall into step. Never in the past. `random` is any number.
std::uint64_t next_check(std::uint64_t due, std::uint64_t now, std::uint64_t interval,
                         std::uint32_t random) noexcept;

/// When to make a check that another process had planned for `due`. One in the future stays; missed
/// ones are spread over a time as long as the gap, at most an interval, so that a takeover causes
/// no burst.
std::uint64_t resumed_check(std::uint64_t due, std::uint64_t now, std::uint64_t interval,
                            std::uint32_t random) noexcept;

} // namespace lync::balance
