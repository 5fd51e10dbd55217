#include "nginx/shared/process_id.h"

#include "base/descriptor.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

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
    const ssize_t size = read(file.get(), text, sizeof(text));

    // The second field is the program's name in parentheses, with whatever in it.
    std::string_view rest(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t name_end = rest.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= rest.size()) {
        return {};
    }
    rest.remove_prefix(name_end + 2);
    ProcessStat stat;
    stat.state = rest.front();
    constexpr int started = 22;
    for (int field = 3; field < started; field++) {
        rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
    }
    std::from_chars(rest.data(), rest.data() + rest.size(), stat.started);
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
