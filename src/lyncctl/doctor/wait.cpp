#include "lyncctl/doctor/wait.h"

#include <cerrno>
#include <poll.h>
#include <system_error>

namespace lync::lyncctl::doctor {

namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void lync_doctor_interrupt(int) {
    interrupted = 1;
}

} // namespace

CatchInterrupts::CatchInterrupts() {
    struct sigaction action {};
    action.sa_handler = lync_doctor_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND); // and no SA_RESTART
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
}

CatchInterrupts::~CatchInterrupts() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
}

bool is_interrupted() noexcept {
    return interrupted != 0;
}

void throw_if_interrupted() {
    if (is_interrupted()) {
        throw Interrupted{};
    }
}

bool wait_for(int fd, short events, const Deadline& deadline) {
    pollfd set{fd, events, 0};
    int ready = 0;
    do {
        throw_if_interrupted();
        ready = poll(&set, 1, deadline.slice());
        if (ready < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
    } while (ready <= 0 && !deadline.passed());
    throw_if_interrupted();
    return ready > 0;
}

} // namespace lync::lyncctl::doctor
