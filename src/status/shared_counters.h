#pragma once

// The counters as they lie in shared memory. Plain arrays of 64-bit atomics, all zero when new.
//
// Whose they are: each process that serves adds to parts of its own (a slot), so that no two
// processors fight over a cache line and no lock is needed; whoever reads adds the slots up. What
// only grows stays in its slot when a process ends: the next process with that slot goes on
// adding, so that the sums are right at every moment, over reloads and crashes. Should there be
// more processes than slots, the rest share one: additions are atomic everywhere. What goes up and
// down (requests in flight) isn't kept here but with the servers' health
// (src/nginx/shared/shared.h).
//
// The sizes are fixed by the configuration and by enumerations: no client can make them grow.

#include "status/snapshot.h"

#include <atomic>

namespace lync::status {

using Cell = std::atomic<std::uint64_t>;
static_assert(Cell::is_always_lock_free && sizeof(Cell) == sizeof(std::uint64_t));

inline void add(Cell& cell, std::uint64_t amount = 1) noexcept {
    cell.fetch_add(amount, std::memory_order_relaxed);
}
inline std::uint64_t read(const Cell& cell) noexcept {
    return cell.load(std::memory_order_relaxed);
}

struct HistogramCells {
    Cell buckets[bucket_count];
    Cell sum;

    void count(std::uint64_t milliseconds) noexcept {
        add(buckets[bucket_of(milliseconds)]);
        add(sum, milliseconds);
    }
    void add_to(Histogram& histogram) const noexcept {
        for (std::size_t i = 0; i < bucket_count; i++) {
            histogram.buckets[i] += read(buckets[i]);
        }
        histogram.sum += read(sum);
    }
};

struct ServiceCells {
    Cell statuses[status_class_count];
    Cell unauthorized;
    Cell received;
    Cell sent;
    HistogramCells duration;

    void add_to(Service& service) const noexcept {
        for (std::size_t i = 0; i < status_class_count; i++) {
            service.statuses[i] += read(statuses[i]);
        }
        service.unauthorized += read(unauthorized);
        service.received += read(received);
        service.sent += read(sent);
        duration.add_to(service.duration);
    }
    std::uint64_t requests() const noexcept {
        std::uint64_t all = 0;
        for (const Cell& status : statuses) {
            all += read(status);
        }
        return all;
    }
    std::uint64_t errors() const noexcept {
        return read(statuses[static_cast<std::size_t>(StatusClass::s5xx)]);
    }
};

/// One slot of a publication.
struct PublicationCells {
    Cell verdicts[verdict_count];
    Cell refusals[reason_count];
    ServiceCells services[service_count];
};

/// One slot of a server.
struct ServerCells {
    Cell requests;
    Cell failures;
    Cell unauthorized;
    Cell statuses[status_class_count];
    Cell handshakes;
    Cell resumptions;
    HistogramCells response_time;

    void add_to(Server& server) const noexcept {
        server.requests += read(requests);
        server.failures += read(failures);
        server.unauthorized += read(unauthorized);
        for (std::size_t i = 0; i < status_class_count; i++) {
            server.statuses[i] += read(statuses[i]);
        }
        server.handshakes += read(handshakes);
        server.resumptions += read(resumptions);
        response_time.add_to(server.response_time);
    }
};

/// The last hour of a publication's services: what the counters stood at when each minute ended,
/// written by whichever process notices first, so it costs requests nothing. One row more than is
/// shown, since a minute is the difference of two.
struct HistoryCells {
    static constexpr std::size_t rows = history_minutes + 1;

    struct Row {
        Cell minute; ///< of Unix time; the counters stood so at its end. 0: nothing yet
        Cell requests[service_count];
        Cell errors[service_count];
    };

    Cell last; ///< the minute that was written last
    Row row[rows];

    /// Whether the caller is the one to write down `minute`, which has just ended.
    bool claim(std::uint64_t minute) noexcept {
        std::uint64_t written = read(last);
        return written < minute &&
               last.compare_exchange_strong(written, minute, std::memory_order_relaxed);
    }
    /// Writes down what `services` (sums over all slots) stood at when `minute` ended.
    void write(std::uint64_t minute, const std::uint64_t (&requests)[service_count],
               const std::uint64_t (&errors)[service_count]) noexcept {
        Row& to = row[minute % rows];
        to.minute.store(0, std::memory_order_release); // whoever reads now passes over it
        for (std::size_t i = 0; i < service_count; i++) {
            to.requests[i].store(requests[i], std::memory_order_relaxed);
            to.errors[i].store(errors[i], std::memory_order_relaxed);
        }
        to.minute.store(minute, std::memory_order_release);
    }
    /// The hour of one service up to the minute `now`, which hasn't ended: `requests` and `errors`
    /// are what its counters stand at.
    History history(std::size_t service, std::uint64_t now, std::uint64_t requests,
                    std::uint64_t errors) const noexcept;
};

} // namespace lync::status
