#pragma once

// The counters, in shared memory and in a snapshot. Plain arrays of 64-bit atomics, all zero when
// new.
//
// All processes add to the same cells, as they do to nginx's own of stub_status: they only grow,
// and an addition is one instruction, so neither a reload nor a killed worker leaves anything
// wrong. What goes up and down (requests in flight) is kept by worker (src/nginx/shared/zone.h).
//
// The sizes are fixed by the configuration and by enumerations: no client can make them grow.

#include "policy/site.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lync::status {

/// A copy has its current value.
struct Cell : std::atomic<std::uint64_t> {
    using atomic::atomic;
    using atomic::operator=;
    Cell() = default;
    Cell(const Cell& other) noexcept : atomic(other.load(std::memory_order_relaxed)) {}
    Cell& operator=(const Cell& other) noexcept {
        store(other.load(std::memory_order_relaxed), std::memory_order_relaxed);
        return *this;
    }
};
static_assert(Cell::is_always_lock_free && sizeof(Cell) == sizeof(std::uint64_t));

inline void add(Cell& cell, std::uint64_t amount = 1) noexcept {
    cell.fetch_add(amount, std::memory_order_relaxed);
}
inline std::uint64_t read(const Cell& cell) noexcept {
    return cell.load(std::memory_order_relaxed);
}
template <std::size_t size>
std::uint64_t sum_of(const std::array<Cell, size>& cells) noexcept {
    std::uint64_t all = 0;
    for (const Cell& cell : cells) {
        all += read(cell);
    }
    return all;
}

/// Classes of HTTP statuses, as they are counted. `other`: a connection that ended before there was
/// an answer (nginx's 499 and 444 are among 4xx, as in its log).
enum class StatusClass : std::uint8_t { other, s1xx, s2xx, s3xx, s4xx, s5xx };
inline constexpr std::size_t status_class_count = 6;
using StatusCounts = std::array<Cell, status_class_count>;

constexpr StatusClass status_class(unsigned status) noexcept {
    return status >= 100 && status < 600 ? static_cast<StatusClass>(status / 100)
                                         : StatusClass::other;
}
/// "2xx", "other".
std::string_view status_class_name(StatusClass status) noexcept;

/// A verdict as it is counted: the three of policy::Action, and `none` for requests that nginx
/// itself answered before the rules were asked: malformed ones, timeouts, HTTP/2, an
/// administrator's own location.
enum class CountedVerdict : std::uint8_t { pass, redirect, refuse, none };
inline constexpr std::size_t verdict_count = 4;
std::string_view verdict_name(CountedVerdict verdict) noexcept;

inline constexpr std::size_t reason_count = static_cast<std::size_t>(policy::Reason::malformed) + 1;
inline constexpr std::size_t service_count =
    static_cast<std::size_t>(policy::Service::internal_twin) + 1;

/// Upper limits of the buckets of times, in milliseconds, each inclusive; one more bucket takes
/// what is longer. nginx keeps time in milliseconds, so there is nothing below one.
inline constexpr std::array<std::uint32_t, 15> bucket_limits{
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
inline constexpr std::size_t bucket_count = bucket_limits.size() + 1;

constexpr std::size_t bucket_of(std::uint64_t milliseconds) noexcept {
    std::size_t bucket = 0;
    while (bucket < bucket_limits.size() && milliseconds > bucket_limits[bucket]) {
        bucket++;
    }
    return bucket;
}

/// Times in buckets: what Prometheus scrapes, and what percentiles are read from.
struct Histogram {
    std::array<Cell, bucket_count> buckets; ///< not cumulative
    Cell sum;                               ///< milliseconds

    std::uint64_t count() const noexcept { return sum_of(buckets); }
    void add(std::uint64_t milliseconds) noexcept {
        status::add(buckets[bucket_of(milliseconds)]);
        status::add(sum, milliseconds);
    }
    /// The time, in seconds, within which the share `part` (0 to 1) of all ended; nothing if there
    /// was none. Linear within a bucket, and the last limit for what is above it, as Prometheus'
    /// histogram_quantile() has it: a page and a graph of the same numbers agree.
    std::optional<double> quantile(double part) const noexcept;
};

struct ServiceCells {
    StatusCounts statuses;
    Cell unauthorized;
    Cell received;      ///< bytes of requests, heads included
    Cell sent;          ///< bytes of answers, heads included
    Histogram duration; ///< of whole requests, pending GETs left out

    std::uint64_t requests() const noexcept { return sum_of(statuses); }
    /// 5xx
    std::uint64_t errors() const noexcept {
        return read(statuses[static_cast<std::size_t>(StatusClass::s5xx)]);
    }
};

/// Hits of the shield's rows. A row is found by its name, since the rows change with a reload while
/// the counters stay.
struct ShieldCells {
    static constexpr std::size_t slots = 4 * policy::max_shields;

    struct Slot {
        Cell key; ///< of a name; 0: free
        Cell hits;
    } slot[slots];

    /// Where the hits of a row are counted; NULL if the names of too many former ones take the
    /// room.
    Cell* find(std::string_view name) noexcept;
};

struct RequestCells {
    std::array<Cell, verdict_count> verdicts;
    std::array<Cell, reason_count> refusals; ///< by policy::Reason
    /// Requests with a credential, in the order of policy::doors: those that weren't answered with
    /// an error, so the steps of a handshake count once; and those for a closed door.
    std::array<Cell, policy::doors.size()> sign_ins;
    std::array<Cell, policy::doors.size()> sign_ins_refused;
};

struct PublicationCells : RequestCells {
    ShieldCells shields;
    std::array<ServiceCells, service_count> services;
};

struct ServerCells {
    Cell requests;     ///< given to it, each try of a request counted
    Cell failures;     ///< of these: no connection, no answer in time, no TLS
    Cell unauthorized; ///< answered 401
    StatusCounts statuses;
    Cell handshakes;         ///< TLS sessions begun with it, resumed ones included
    Cell resumptions;        ///< of these: resumed
    Histogram response_time; ///< to the end of the answer; without pending GETs
};

/// Minutes of a history, the present one the last.
inline constexpr std::size_t history_minutes = 60;

/// The counts of each minute of the last hour, oldest first; -1: unknown.
struct History {
    std::array<std::int64_t, history_minutes> requests{};
    std::array<std::int64_t, history_minutes> errors{};

    History() {
        requests.fill(-1);
        errors.fill(-1);
    }
};

/// The last hour of a publication's services: the counters at the end of each minute, recorded by
/// the first process to notice, at no cost to requests. One row more than is shown, since a minute
/// is the difference of two.
struct HistoryCells {
    static constexpr std::size_t rows = history_minutes + 1;

    struct Row {
        Cell minute; ///< of Unix time; the counters stood so at its end. 0: nothing yet
        std::array<Cell, service_count> requests;
        std::array<Cell, service_count> errors;
    };

    Cell last; ///< the minute that was written last
    Row row[rows];

    /// Records the counters when `minute` has just ended; false if another process has done it.
    bool keep(std::uint64_t minute, const PublicationCells& counters) noexcept {
        std::uint64_t written = read(last);
        if (written >= minute ||
            !last.compare_exchange_strong(written, minute, std::memory_order_relaxed)) {
            return false;
        }
        Row& to = row[minute % rows];
        to.minute.store(0, std::memory_order_release); // a reader passes over it now
        for (std::size_t i = 0; i < service_count; i++) {
            to.requests[i].store(counters.services[i].requests(), std::memory_order_relaxed);
            to.errors[i].store(counters.services[i].errors(), std::memory_order_relaxed);
        }
        to.minute.store(minute, std::memory_order_release);
        return true;
    }
    /// The hour of one service up to the minute `now`, which hasn't ended: `requests` and `errors`
    /// are its current counters.
    History history(std::size_t service, std::uint64_t now, std::uint64_t requests,
                    std::uint64_t errors) const noexcept;
};

} // namespace lync::status
