#pragma once

// The counters as they lie in shared memory. Plain arrays of 64-bit atomics, all zero when new.
//
// All processes add to the same cells, as they do to nginx's own of stub_status: they only grow,
// and an addition is one instruction, so neither a reload nor a killed worker leaves anything
// wrong. What goes up and down (requests in flight) is kept by worker (src/nginx/shared/zone.h).
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

template <std::size_t size>
void add_to(std::array<std::uint64_t, size>& sums, const Cell (&cells)[size]) noexcept {
    for (std::size_t i = 0; i < size; i++) {
        sums[i] += read(cells[i]);
    }
}

struct HistogramCells {
    Cell buckets[bucket_count];
    Cell sum;

    void count(std::uint64_t milliseconds) noexcept {
        add(buckets[bucket_of(milliseconds)]);
        add(sum, milliseconds);
    }
    void add_to(Histogram& histogram) const noexcept {
        status::add_to(histogram.buckets, buckets);
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
        status::add_to(service.statuses, statuses);
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

struct PublicationCells {
    Cell verdicts[verdict_count];
    Cell refusals[reason_count];
    Cell sign_ins[policy::doors.size()];
    Cell sign_ins_refused[policy::doors.size()];
    ShieldCells shields;
    ServiceCells services[service_count];

    void add_to(Publication& publication) const noexcept {
        status::add_to(publication.verdicts, verdicts);
        status::add_to(publication.refusals, refusals);
        status::add_to(publication.sign_ins, sign_ins);
        status::add_to(publication.sign_ins_refused, sign_ins_refused);
    }
};

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
        status::add_to(server.statuses, statuses);
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

    /// Writes down what the counters stand at when `minute` has just ended; false if another
    /// process has done it.
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
    /// are what its counters stand at.
    History history(std::size_t service, std::uint64_t now, std::uint64_t requests,
                    std::uint64_t errors) const noexcept;
};

} // namespace lync::status
