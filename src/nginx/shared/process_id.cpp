#include "nginx/shared/process_id.h"

#include "base/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace lync::nginx {

namespace {

constexpr ProcessId pid_mask = (ProcessId{1} << pid_bits) - 1;

/// What /proc/PID/stat says: the state's letter, and when the process started. 0 if nothing.
struct ProcessStat {
    char state = 0;
    std::uint64_t started = 0;
};

ProcessStat stat_of(ngx_pid_t pid) noexcept {
    char path[32];
    char text[512];
    *ngx_snprintf(reinterpret_cast<u_char*>(path), sizeof(path) - 1, "/proc/%P/stat", pid) = '\0';
    const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = read(file.get(), text, sizeof(text) - 1);
    text[std::max<ssize_t>(size, 0)] = '\0';

    // The second field is the program's name in parentheses, with whatever in it.
    ProcessStat stat;
    if (const char* name_end = std::strrchr(text, ')')) {
        std::sscanf(name_end + 1,
                    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                    "%" SCNu64,
                    &stat.state, &stat.started);
    }
    return stat;
}

} // namespace

ProcessId this_process() noexcept {
    return stat_of(ngx_pid).started << pid_bits | (static_cast<ProcessId>(ngx_pid) & pid_mask);
}

bool is_dead(ProcessId owner) noexcept {
    const auto pid = static_cast<ngx_pid_t>(owner & pid_mask);
    if (pid == ngx_pid || (kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH)) {
        return true;
    }
    const ProcessStat stat = stat_of(pid);
    const std::uint64_t started = owner >> pid_bits;
    return stat.state == 'Z' || stat.state == 'X' ||
           (stat.started != 0 && started != 0 && stat.started != started);
}

void OwnedLock::lock(ProcessId self) noexcept {
    constexpr unsigned tries = 1000; // before a look at the holder
    for (unsigned n = 1;; n++) {
        ProcessId holder = 0;
        if (owner_.compare_exchange_weak(holder, self, std::memory_order_acquire)) {
            return;
        }
        if (n % tries == 0) {
            if (holder != 0 && is_dead(holder) &&
                owner_.compare_exchange_strong(holder, self, std::memory_order_acquire)) {
                return;
            }
            ngx_sched_yield();
        }
        ngx_cpu_pause();
    }
}

} // namespace lync::nginx
