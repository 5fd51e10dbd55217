#include "status/shared_counters.h"

namespace lync::status {

namespace {

/// What a counter grew by. A counter that stands lower than before is another one: the server was
/// stopped in between and counts from zero.
std::int64_t growth(std::uint64_t before, std::uint64_t after) noexcept {
    return static_cast<std::int64_t>(after >= before ? after - before : after);
}

} // namespace

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
