#pragma once

// The last refusals, in shared memory: for each reason its own ring, so that a scanner's requests
// for unknown names don't drive out the one path that a user misses. Of fixed size; what a
// client sends is cut off to fit.
//
// Any process writes, any reads, none waits: an entry that is being written is skipped by
// the others.

#include "status/shared_counters.h"

#include <vector>

namespace lync::status {

class RefusalRing {
public:
    static constexpr std::size_t per_reason = 20;

    void write(const Refusal& refusal) noexcept;

    /// All that are kept, the latest first.
    std::vector<Refusal> read() const;

private:
    static constexpr std::size_t words = (sizeof(Refusal) + 7) / 8;

    /// `turn` is odd while a process writes.
    struct Entry {
        Cell turn;
        Cell word[words];
    };
    struct Ring {
        Cell next;
        Entry entry[per_reason];
    };

    Ring ring_[reason_count];
};

} // namespace lync::status
