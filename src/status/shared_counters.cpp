#include "status/shared_counters.h"

namespace lync::status {

namespace {

/// What a counter grew by. One that is lower than before started again from zero.
std::int64_t growth(std::uint64_t before, std::uint64_t after) noexcept {
    return static_cast<std::int64_t>(after >= before ? after - before : after);
}

} // namespace

std::optional<double> Histogram::quantile(double part) const noexcept {
    const std::uint64_t all = count();
    if (all == 0) {
        return std::nullopt;
    }
    const double rank = part * static_cast<double>(all);
    double below = 0;
    for (std::size_t i = 0; i < bucket_limits.size(); i++) {
        const auto here = static_cast<double>(read(buckets[i]));
        if (here > 0 && below + here >= rank) {
            const double low = i == 0 ? 0 : bucket_limits[i - 1];
            const double high = bucket_limits[i];
            return (low + (high - low) * ((rank - below) / here)) / 1000;
        }
        below += here;
    }
    return static_cast<double>(bucket_limits.back()) / 1000;
}

Cell* ShieldCells::find(std::string_view name) noexcept {
    std::uint64_t key = 14695981039346656037U; // FNV-1a, never 0 in practice and 1 if it is
    for (const char c : name) {
        key = (key ^ static_cast<unsigned char>(c)) * 1099511628211U;
    }
    key += key == 0 ? 1 : 0;
    for (std::size_t i = 0; i < slots; i++) {
        Slot& at = slot[(key + i) % slots];
        std::uint64_t known = 0;
        if (at.key.compare_exchange_strong(known, key, std::memory_order_relaxed) || known == key) {
            return &at.hits;
        }
    }
    return nullptr;
}

History HistoryCells::history(std::size_t service, std::uint64_t now, std::uint64_t requests,
                              std::uint64_t errors) const noexcept {
    History history;
    for (std::size_t i = 0; i < history_minutes; i++) {
        const std::uint64_t minute = now - (history_minutes - 1) + i;
        const Row& before = row[(minute - 1) % rows];
        if (before.minute.load(std::memory_order_acquire) != minute - 1) {
            continue;
        }
        if (minute == now) {
            history.requests[i] = growth(read(before.requests[service]), requests);
            history.errors[i] = growth(read(before.errors[service]), errors);
            continue;
        }
        const Row& after = row[minute % rows];
        if (after.minute.load(std::memory_order_acquire) != minute) {
            continue;
        }
        history.requests[i] = growth(read(before.requests[service]), read(after.requests[service]));
        history.errors[i] = growth(read(before.errors[service]), read(after.errors[service]));
    }
    return history;
}

} // namespace lync::status
