#include "status/refusals.h"

#include <algorithm>
#include <cstring>

namespace lync::status {

namespace {

template <std::size_t Size>
void put(char (&to)[Size], std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), Size - 1);
    std::copy_n(text.data(), size, to);
    to[size] = '\0';
}

} // namespace

void RefusalRing::write(const Record& record) noexcept {
    Ring& ring = ring_[static_cast<std::size_t>(record.reason)];
    Entry& entry = ring.entry[ring.next.fetch_add(1, std::memory_order_relaxed) % per_reason];

    std::uint64_t turn = entry.turn.load(std::memory_order_relaxed);
    if (turn % 2 != 0 ||
        !entry.turn.compare_exchange_strong(turn, turn + 1, std::memory_order_acquire)) {
        return; // twenty later ones have overtaken one that is still written; this one is lost
    }

    Text text{};
    text.time = record.time;
    text.reason = static_cast<std::uint8_t>(record.reason);
    text.service = static_cast<std::uint8_t>(record.service);
    text.tls = record.tls ? 1 : 0;
    put(text.publication, record.publication);
    put(text.client, record.client);
    put(text.method, record.method);
    put(text.host, record.host);
    put(text.path, record.path);

    std::uint64_t buffer[words] = {};
    std::memcpy(buffer, &text, sizeof(text));
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
            Text text;
            std::memcpy(&text, buffer, sizeof(text));
            refusals.push_back({text.time, static_cast<policy::Reason>(text.reason),
                                static_cast<policy::Service>(text.service), text.publication,
                                text.client, text.method, text.tls != 0 ? "https" : "http",
                                text.host, text.path});
        }
    }
    std::ranges::sort(refusals, [](const Refusal& a, const Refusal& b) { return a.time > b.time; });
    return refusals;
}

} // namespace lync::status
