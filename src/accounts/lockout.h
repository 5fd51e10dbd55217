#pragma once

// Failures of accounts and of sources: plain records, as they lie in shared memory, and what each
// attempt does to them. Times are milliseconds of a clock that doesn't go back; zeroed memory is a
// record of nothing.
//
// Proxies that share a store (nginx/lockout/store.h) have the same clock, and know a failure by an
// id. What they know of an account is a set of failures and when it was last cleared, which makes
// all of them void that are not younger. So a record can be sent twice, late, or in any order, and
// no failure is lost or counted twice.
//
// The store's clock may be put right, and with it this one: it goes back. What then lies ahead of
// it by more than clocks differ was before that.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace lync::accounts {

/// Most `failures=` and most `source_accounts=`: records have room for as many.
inline constexpr unsigned most_failures = 16;
inline constexpr unsigned most_source_accounts = 32;

/// Servers refuse a password within this time: a request with a credential in its header that takes
/// longer has signed in and waits for something, such as ActiveSync's Ping. Sign-ins in a body
/// never wait.
inline constexpr std::uint64_t flight_patience = 5000;
inline constexpr std::uint64_t body_patience = 60000;
/// For a source: a thousand phones behind one address may wait for mail.
inline constexpr std::uint64_t source_patience = 1000;
/// How far the clocks of several proxies may lie ahead of the store's, msec.
inline constexpr std::uint64_t clock_skew = 1000;

struct Limits {
    unsigned failures = 0;        ///< after which an account is held; 0: off
    std::uint64_t window = 0;     ///< msec without a failure after which earlier ones are forgotten
    std::uint64_t hold = 0;       ///< msec
    unsigned source_accounts = 0; ///< whose failures hold their source; 0: no source is looked at
    std::uint64_t patience = flight_patience; ///< msec that an attempt on its way counts
};

enum class Admission : std::uint8_t {
    pass,
    wait, ///< as many attempts as may still fail are on their way
    held,
    full, ///< there is no room to count it
};

/// Attempts on their way: until when each counts; 0: none. A dead worker's end by themselves.
template <std::size_t Most>
struct Flights {
    std::array<std::uint64_t, Most> until;

    constexpr std::size_t count(std::uint64_t now) const noexcept {
        return static_cast<std::size_t>(
            std::ranges::count_if(until, [now](std::uint64_t end) { return end > now; }));
    }
    constexpr void add(const Limits& limits, std::uint64_t now) noexcept {
        *std::ranges::min_element(until) = now + limits.patience;
    }
    /// The one that counts until then is over, whatever came of it.
    constexpr void end(std::uint64_t then) noexcept {
        const auto found = std::ranges::find(until, then);
        if (found != until.end()) {
            *found = 0;
        }
    }
};

/// A record as it is sent to others.
struct Report {
    bool is_source = false;
    std::uint64_t tag = 0;
    std::array<unsigned char, 16> address{}; ///< of a source
    std::uint64_t last = 0;
    std::uint64_t held = 0;
    std::uint64_t cleared = 0;
    std::uint64_t window = 0; ///< of the sender
    std::uint64_t hold = 0;   ///< the longest of all publications
    std::uint32_t count = 0;
    std::array<std::uint64_t, most_source_accounts> failed{}; ///< ids of failures, or accounts

    /// When one of `failed` did.
    constexpr std::uint64_t time_of(std::size_t i) const noexcept {
        return is_source ? last : failed[i] >> 16U;
    }
};

/// No hold lasts longer than one that begins now. When something was cleared isn't known if it lies
/// ahead of the clock: what has failed since must not be void by it.
template <typename Times>
constexpr void settle(Times& times, std::uint64_t hold, std::uint64_t now) noexcept {
    times.last = std::min(times.last, now);
    times.held = std::min(times.held, now + hold);
    times.cleared = times.cleared > now + clock_skew ? 0 : times.cleared;
}

/// The failures of an account or of a source. `Limit` is the one that it is held by; attempts on
/// their way count until `Early` msec before they end.
template <std::size_t Most, unsigned Limits::*Limit, std::uint64_t Early>
struct Record {
    std::uint64_t tag;     ///< whose; 0: free
    std::uint64_t last;    ///< failure
    std::uint64_t held;    ///< until when; 0: it isn't
    std::uint64_t cleared; ///< failures up to then don't count
    std::uint32_t failures;
    std::array<std::uint64_t, Most> failed; ///< their ids
    Flights<Most> flights;

    constexpr bool is_held(std::uint64_t now) const noexcept { return now < held; }

    /// Records of less worth are evicted first; none that is held or has attempts on their way.
    constexpr bool is_needed(std::uint64_t now) const noexcept {
        return is_held(now) || flights.count(now) != 0;
    }
    constexpr std::uint64_t worth() const noexcept { return tag == 0 ? 0 : 1 + failures; }

    constexpr void release(std::uint64_t now) noexcept {
        cleared = std::max(now, std::min(last, now + clock_skew));
        failures = 0;
        held = 0;
    }

    constexpr void fill(Report& report) const noexcept {
        report.last = last;
        report.held = held;
        report.cleared = cleared;
        report.count = failures;
        std::ranges::copy(failed, report.failed.begin());
    }

    /// An attempt is to be sent: if it may, it counts as one of `flights`.
    constexpr Admission admit(const Limits& limits, std::uint64_t now) noexcept {
        if (is_held(now)) {
            return Admission::held;
        }
        forget(limits.window, now);
        if (failures >= limits.*Limit) { // of several proxies together
            held = now + limits.hold;
            return Admission::held;
        }
        if (failures + flights.count(now + Early) >= limits.*Limit) {
            return Admission::wait;
        }
        flights.add(limits, now);
        return Admission::pass;
    }

protected:
    constexpr bool fail(std::uint64_t id, const Limits& limits, std::uint64_t now) noexcept {
        if (is_held(now)) {
            return false;
        }
        forget(limits.window, now);
        add(id, now);
        held = failures >= limits.*Limit ? now + limits.hold : 0;
        return held != 0;
    }
    constexpr std::uint64_t* find(std::uint64_t id) noexcept {
        return std::find(failed.begin(), end(), id);
    }
    constexpr std::uint64_t* end() noexcept { return failed.begin() + failures; }
    constexpr void add(std::uint64_t id, std::uint64_t at) noexcept {
        if (failures < Most) {
            failed[failures++] = id;
        }
        last = std::max(last, at);
    }
    /// A hold that is over, and what is older than the window.
    constexpr void forget(std::uint64_t window, std::uint64_t now) noexcept {
        if (!is_held(now) && (held != 0 || last + window <= now)) {
            failures = 0;
            held = 0;
        }
    }
};

/// Of an account. The id of a failure: when, and 16 bits by chance.
struct Attempts : Record<most_failures, &Limits::failures, 0> {
    /// One has failed. Whether the account is held from now on.
    constexpr bool fail(const Limits& limits, std::uint64_t now,
                        std::uint16_t chance = 0) noexcept {
        return Record::fail(now << 16U | chance, limits, now);
    }

    /// Failures up to `until` don't count: an attempt that was sent then has succeeded. Nor do
    /// those that lie ahead of the clock, if it wasn't cleared as late before.
    constexpr void clear(std::uint64_t until, std::uint64_t now) noexcept {
        const std::uint64_t ahead = until > cleared ? now + clock_skew : std::uint64_t(-1);
        const auto rest = std::remove_if(failed.begin(), end(), [=](std::uint64_t id) {
            return id >> 16U <= until || id >> 16U > ahead;
        });
        if (rest != end()) {
            cleared = std::max(cleared, until);
        }
        failures = static_cast<std::uint32_t>(rest - failed.begin());
        held = failures == 0 ? 0 : held;
    }

    /// Adds what others know. Whether the account is held from now on.
    constexpr bool merge(Report report, std::uint64_t now) noexcept {
        const bool was_held = is_held(now);
        settle(report, report.hold, now);
        settle(*this, report.hold, now);
        forget(report.window, now);
        for (std::uint32_t i = 0; i < report.count; i++) {
            if (find(report.failed[i]) == end()) {
                add(report.failed[i], std::min(report.failed[i] >> 16U, report.last));
            }
        }
        held = std::max(held, report.held);
        clear(std::max(cleared, report.cleared), now);
        cleared = std::max(cleared, report.cleared);
        return !was_held && is_held(now);
    }
};

/// Of a source: an IPv4 address or the /64 of an IPv6 one. The id of a failure: the account's tag.
struct Source
    : Record<most_source_accounts, &Limits::source_accounts, flight_patience - source_patience> {
    std::array<unsigned char, 16> address; ///< IPv4 mapped into IPv6

    /// An attempt at `account` has failed. Whether the source is held from now on.
    constexpr bool fail(std::uint64_t account, const Limits& limits, std::uint64_t now) noexcept {
        if (is_held(now)) {
            return false;
        }
        forget(limits.window, now);
        if (find(account) != end()) {
            last = std::max(last, now);
            return false;
        }
        return Record::fail(account, limits, now);
    }

    /// A sign-in succeeded: the owner of an account mistypes, too. Whether it had failed before.
    constexpr bool clear(std::uint64_t account) noexcept {
        if (std::uint64_t* found = find(account); found != end()) {
            *found = failed[--failures];
            return true;
        }
        return false;
    }

    constexpr void fill(Report& report) const noexcept {
        Record::fill(report);
        report.address = address;
    }
    /// The store has what all proxies have sent, this one included.
    constexpr bool merge(const Report& report, std::uint64_t now) noexcept {
        const bool was_held = is_held(now);
        address = report.address;
        last = report.last;
        held = report.held;
        cleared = report.cleared;
        failures = report.count;
        failed = report.failed;
        settle(*this, report.hold, now);
        return !was_held && is_held(now);
    }
};

/// Where records of one kind lie: rows of ways, and a tag's row is settled by the tag. A flood of
/// invented tags takes the place of what has failed least, never of what is needed.
template <typename Record, std::size_t Rows>
struct Table {
    static constexpr std::size_t ways = 16;
    static constexpr std::size_t rows = Rows;
    std::array<std::array<Record, ways>, Rows> record;

    constexpr std::array<Record, ways>& row(std::uint64_t tag) noexcept {
        return record[tag % Rows];
    }

    /// NULL if it isn't there.
    constexpr Record* find(std::uint64_t tag) noexcept {
        const auto found = std::ranges::find(row(tag), tag, &Record::tag);
        return tag == 0 || found == row(tag).end() ? nullptr : &*found;
    }

    /// Found or made; NULL if all that lie there are needed.
    constexpr Record* make(std::uint64_t tag, std::uint64_t now) noexcept {
        if (Record* known = find(tag)) {
            return known;
        }
        Record* least = nullptr;
        for (Record& candidate : row(tag)) {
            const bool less = least == nullptr || candidate.worth() < least->worth() ||
                              (candidate.worth() == least->worth() && candidate.last < least->last);
            if (less && !candidate.is_needed(now)) {
                least = &candidate;
            }
        }
        if (least != nullptr) {
            least->tag = 0; // a worker killed here leaves a free one
            *least = Record{};
            least->tag = tag;
        }
        return least;
    }
};

/// How long a wrong password takes at a door, at least as long as recently. Servers are faster or
/// slower depending on whether the account exists, so all take as long as the slowest, and some
/// more.
struct Pace {
    std::uint32_t slowest; ///< msec, sinking slowly; 0: nothing is known

    static constexpr std::uint32_t most = 5000;
    static constexpr std::uint32_t first = 500; ///< before anything is known

    constexpr std::uint32_t answer_after() const noexcept {
        return std::min(most, std::max(slowest, first) * 3 / 2);
    }
    constexpr void learn(std::uint64_t took) noexcept {
        const auto capped = static_cast<std::uint32_t>(std::min<std::uint64_t>(took, most));
        slowest = std::max(capped, slowest - slowest / 256);
    }
};

} // namespace lync::accounts
