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

    /// Lengths at which texts are cut off.
    static constexpr std::size_t publication_length = 64; ///< the longest name there is
    static constexpr std::size_t client_length = 45;
    static constexpr std::size_t method_length = 15;
    static constexpr std::size_t host_length = 95;
    static constexpr std::size_t path_length = 159;

    /// What is written down: views of the request's own memory.
    struct Record {
        std::int64_t time = 0; ///< milliseconds of Unix time
        policy::Reason reason = policy::Reason::none;
        policy::Service service = policy::Service::unknown;
        bool tls = true;
        std::string_view publication;
        std::string_view client;
        std::string_view method;
        std::string_view host;
        std::string_view path;
    };

    void write(const Record& record) noexcept;

    /// All that are kept, the latest first.
    std::vector<Refusal> read() const;

private:
    struct Text {
        std::int64_t time;
        std::uint8_t reason;
        std::uint8_t service;
        std::uint8_t tls;
        char publication[publication_length + 1];
        char client[client_length + 1];
        char method[method_length + 1];
        char host[host_length + 1];
        char path[path_length + 1];
    };
    static constexpr std::size_t words = (sizeof(Text) + 7) / 8;

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
