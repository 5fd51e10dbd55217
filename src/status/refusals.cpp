#include "status/refusals.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace lync::status {

static_assert(std::is_trivially_copyable_v<Refusal>);

void RefusalRing::write(const Refusal& refusal) noexcept {
    Ring& ring = ring_[static_cast<std::size_t>(refusal.reason)];
    Entry& entry = ring.entry[ring.next.fetch_add(1, std::memory_order_relaxed) % per_reason];

    std::uint64_t turn = entry.turn.load(std::memory_order_relaxed);
    if (turn % 2 != 0 ||
        !entry.turn.compare_exchange_strong(turn, turn + 1, std::memory_order_acquire)) {
        return; // twenty later ones have overtaken one that is still written; this one is lost
    }

    std::uint64_t buffer[words] = {};
    std::memcpy(buffer, &refusal, sizeof(refusal));
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < words; i++) {
        entry.word[i].store(buffer[i], std::memory_order_relaxed);
    }
    entry.turn.store(turn + 2, std::memory_order_release);
}

std::vector<Refusal> RefusalRing::read() const {
    std::vector<Refusal> refusals;
    for (const Ring& ring : ring_) {
        for (const Entry& entry : ring.entry) {
            const std::uint64_t turn = entry.turn.load(std::memory_order_acquire);
            if (turn == 0 || turn % 2 != 0) {
                continue;
            }
            std::uint64_t buffer[words];
            for (std::size_t i = 0; i < words; i++) {
                buffer[i] = entry.word[i].load(std::memory_order_relaxed);
            }
            std::atomic_thread_fence(std::memory_order_acquire);
            if (entry.turn.load(std::memory_order_relaxed) != turn) {
                continue;
            }
            std::memcpy(&refusals.emplace_back(), buffer, sizeof(Refusal));
        }
    }
    std::ranges::sort(refusals, [](const Refusal& a, const Refusal& b) { return a.time > b.time; });
    return refusals;
}

} // namespace lync::status
