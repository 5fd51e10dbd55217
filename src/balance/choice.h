#pragma once

// Which server of a group a request goes to: what a server's state allows, and the choice among
// those that take requests. Pure; src/nginx/upstream/peer.cpp brings the numbers, which all workers
// share.
//
//     primaries that take requests  ─▶ by affinity (affinity.h), else least outstanding requests
//     none of them                  ─▶ backups that take requests, likewise
//     none at all                   ─▶ one probe at a time; all other requests get 503 at once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lync::balance {

/// Weights in use are thousandths of the configured ones, so that slow start can begin small.
constexpr std::uint64_t full_weight = 1000;

/// What a `server` line says.
struct ServerSettings {
    std::uint32_t weight = 1;           ///< at least 1
    std::uint32_t max_conns = 0;        ///< requests at a time, of all workers; 0: no limit
    std::uint32_t max_fails = 1;        ///< 0: failures are not counted
    std::uint64_t fail_timeout = 10000; ///< msec, in two meanings, as nginx's
    std::uint64_t slow_start = 30000;   ///< msec from recovery to the full weight; 0: none
    bool backup = false;
    bool down = false; ///< no new requests, owned connections stay
};

/// Failures of real requests: what `max_fails` and `fail_timeout` are about. All times in msec.
struct Failures {
    std::uint32_t count = 0;     ///< since `first`
    std::uint64_t first = 0;     ///< when the count began
    std::uint64_t out = 0;       ///< since when the server is left out; 0: it isn't
    std::uint64_t recovered = 0; ///< when it last came back; 0: never was out

    /// `max_fails` failures within `fail_timeout`, each of a request that the server didn't answer.
    /// True if the server is out from now on, and wasn't before.
    bool fail(const ServerSettings& settings, std::uint64_t now) noexcept;

    /// The server answered a request that began at `began`. True if it was out and is back; an
    /// answer to what was asked before it failed proves nothing.
    bool succeed(std::uint64_t began, std::uint64_t now) noexcept;
};

enum class Availability : std::uint8_t {
    takes,   ///< requests
    trial,   ///< out for `fail_timeout`, which is over: one request may try it
    failed,  ///< out
    full,    ///< max_conns reached
    drained, ///< `down`, or drained while nginx runs
    sick,    ///< its health check fails: no request may try it
};

/// What is known of a server when a request looks for one.
struct ServerState {
    std::uint32_t in_flight = 0; ///< requests of all workers
    bool healthy = true;         ///< as its health check says, or there is none
    bool answers = true;         ///< if not healthy: something all the same (health.h)
    bool drained = false;        ///< by an administrator, until further notice
    Failures failures;
    std::uint64_t recovered = 0; ///< when its health check last turned from failing to passing, or
                                 ///< an administrator took it back
};

/// No server of a group passes its check, but some respond: these are used as if they were healthy,
/// since a wrong check must not take a publication down.
class Panic {
public:
    /// To be called for each server of the group.
    void see(const ServerSettings& settings, const ServerState& state) noexcept {
        const bool counts = !settings.down && !state.drained;
        healthy_ = healthy_ || (state.healthy && counts);
        answering_ += !state.healthy && state.answers && counts ? 1 : 0;
    }
    bool on() const noexcept { return !healthy_ && answering_ != 0; }
    std::size_t answering() const noexcept { return answering_; }

private:
    bool healthy_ = false;
    std::size_t answering_ = 0;
};

inline Availability availability(const ServerSettings& settings, const ServerState& state,
                                 std::uint64_t now) noexcept {
    if (settings.down || state.drained) {
        return Availability::drained;
    }
    if (!state.healthy) {
        return Availability::sick;
    }
    if (settings.max_conns != 0 && state.in_flight >= settings.max_conns) {
        return Availability::full;
    }
    if (settings.max_fails != 0 && state.failures.out != 0) {
        // Another worker's clock may be a tick ahead of this one's.
        const bool over =
            now >= state.failures.out && now - state.failures.out >= settings.fail_timeout;
        return over ? Availability::trial : Availability::failed;
    }
    return Availability::takes;
}

/// How much of its weight a server gets since it came back: 1 to `full_weight`.
inline std::uint64_t ramp(const ServerSettings& settings, const ServerState& state,
                          std::uint64_t now) noexcept {
    const std::uint64_t back = std::max(state.recovered, state.failures.recovered);
    if (back == 0 || settings.slow_start == 0 || now >= back + settings.slow_start) {
        return full_weight;
    }
    const std::uint64_t elapsed = now > back ? now - back : 0;
    return std::max<std::uint64_t>(1, elapsed * full_weight / settings.slow_start);
}

/// A server as the choice sees it.
struct Candidate {
    Availability availability = Availability::takes;
    bool backup = false;
    bool tried = false;               ///< by this request, in vain
    std::uint32_t weight = 1;         ///< as configured
    std::uint64_t ramp = full_weight; ///< see above
    std::uint32_t in_flight = 0;
    std::uint64_t place = 0;      ///< who it is, for affinity (affinity.h)
    std::int64_t* turn = nullptr; ///< of the servers' turns: worker's own, starts at 0
    std::size_t server = 0;       ///< which of the group's

    std::uint64_t effective_weight() const noexcept { return weight * ramp; }
    bool takes() const noexcept {
        return !tried &&
               (availability == Availability::takes || availability == Availability::trial);
    }
};

constexpr std::size_t no_server = static_cast<std::size_t>(-1);

/// How many servers a request considers: all of a pool as large as the product allows. In a larger
/// group it is a window that moves by one server with each request, so that the group's size costs
/// nothing; the least busy of sixteen has one request more than the least busy of all. All are
/// considered only if none of these, or not the client's home (affinity.h), takes the request.
constexpr std::size_t most_looked_at = 16;

/// The server with the fewest requests in flight for its weight; among equals each in its turn, as
/// often as its weight says. Only servers that take requests and are backup or not as asked.
std::size_t choose_least_outstanding(std::span<const Candidate> servers, bool backup) noexcept;

/// When no server takes requests: the next one that a probe may go to, which is any that is out for
/// failures of requests, beginning with `turn`. Never one whose health check fails: an INTERNAL web
/// site may be behind it.
std::size_t choose_probe(std::span<const Candidate> servers, std::size_t turn) noexcept;

/// Probes of a group whose servers are all out: one at a time over all workers, and not more often
/// than `probe_pause`; one that stays unanswered holds up the next for `probe_patience`.
constexpr std::uint64_t probe_pause = 100;     ///< msec
constexpr std::uint64_t probe_patience = 1000; ///< msec

} // namespace lync::balance
