#include "lyncctl/doctor/wait.h"

#include <algorithm>
#include <cerrno>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>

namespace lync::lyncctl::doctor {

namespace {

int signals = -1;         ///< signalfd; -1 if nobody catches interrupts
bool interrupted = false; ///< stays so

} // namespace

CatchInterrupts::CatchInterrupts() {
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, SIGINT);
    sigaddset(&caught, SIGTERM);
    signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) {
        throw std::system_error(errno, std::generic_category(), "signalfd");
    }
    sigprocmask(SIG_BLOCK, &caught, &before_);
}

CatchInterrupts::~CatchInterrupts() {
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    close(signals);
    signals = -1;
}

int interrupt_fd() noexcept {
    return signals;
}

void throw_if_interrupted() {
    signalfd_siginfo info;
    if (signals >= 0 && read(signals, &info, sizeof info) > 0) {
        interrupted = true;
    }
    if (interrupted) {
        throw Interrupted{};
    }
}

bool wait_for(std::vector<pollfd>& set, const Deadline& deadline) {
    set.push_back({signals, POLLIN, 0}); // poll ignores -1
    int ready = 0;
    do {
        throw_if_interrupted();
        const auto left = std::clamp<long long>(deadline.left().count(), 0, 3'600'000);
        ready = poll(set.data(), set.size(), static_cast<int>(left));
        throw_if_interrupted();
        if (ready < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
    } while (ready <= 0 && !deadline.passed());
    set.pop_back();
    return ready > 0;
}

bool wait_for(int fd, short events, const Deadline& deadline) {
    std::vector<pollfd> set{{fd, events, 0}};
    return wait_for(set, deadline);
}

} // namespace lync::lyncctl::doctor
