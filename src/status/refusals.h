#pragma once

// The last refusals, in shared memory: a ring for each reason, so that a scanner's requests for
// unknown names don't push out the one path that a user needs. Of fixed size; what a client sends
// is cut off to fit.
//
// Any process writes, any reads, none waits: an entry that is being written is skipped by
// the others.

#include "status/shared_counters.h"

#include <array>
#include <concepts>
#include <string_view>
#include <vector>

namespace lync::status {

/// A text of fixed size, cut off to fit.
template <std::size_t Size>
struct CutText {
    std::array<char, Size + 1> text{};

    CutText() = default;
    template <std::convertible_to<std::string_view> Text>
    CutText(const Text& whole) noexcept {
        std::string_view(whole).substr(0, Size).copy(text.data(), Size);
    }
    operator std::string_view() const noexcept { return text.data(); }
};

/// A refused request, as much of it as is kept.
struct Refusal {
    std::int64_t time = 0; ///< milliseconds of Unix time
    policy::Reason reason = policy::Reason::none;
    policy::Service service = policy::Service::unknown;
    bool tls = true;
    CutText<64> publication{}; ///< the longest name there is
    CutText<45> client{};      ///< address
    CutText<15> method{};
    CutText<95> host{};
    CutText<159> path{}; ///< never with a query
};

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
