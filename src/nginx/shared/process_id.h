#pragma once

// Processes as shared memory knows them, and a lock that survives the one that holds it.

#include "nginx/ngx.h"

#include <atomic>
#include <cstdint>

namespace lync::nginx {

/// A process: its pid in the low 22 bits (pid_max is at most 2^22), above them when it started, as
/// the kernel counts, since pids come back. 0: none.
using ProcessId = std::uint64_t;
constexpr unsigned pid_bits = 22;

ProcessId this_process() noexcept;

/// Whether a process has ended, a zombie included; or `owner` is this process's own number, left by
/// an earlier one of the same pid where /proc can't be read.
bool is_dead(ProcessId owner) noexcept;

/// A spinlock that is taken over from a holder that has died. What it guards must be consistent
/// after each single store, since a killed process may stop after any. nginx's own mutex would stay
/// locked: the master releases those of the current configuration's zones only.
class OwnedLock {
public:
    void lock(ProcessId self) noexcept;
    void unlock() noexcept { owner_.store(0, std::memory_order_release); }

private:
    std::atomic<ProcessId> owner_;
};

} // namespace lync::nginx
