#include "lyncctl/doctor/wait.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace lync::lyncctl::doctor {

namespace {

// Written by the signal handler, so no more than this may be touched there.
volatile std::sig_atomic_t interrupted = 0;
int read_end = -1;
int write_end = -1;
struct sigaction before_int, before_term;

extern "C" void lync_doctor_interrupted(int) {
    interrupted = 1;
    const int saved = errno;
    const char byte = 0;
    [[maybe_unused]] const ssize_t ignored = write(write_end, &byte, 1);
    errno = saved;
}

} // namespace

CatchInterrupts::CatchInterrupts() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe");
    }
    read_end = ends[0];
    write_end = ends[1];
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = lync_doctor_interrupted;
    action.sa_flags = static_cast<int>(SA_RESETHAND); // the second one kills
    sigaction(SIGINT, &action, &before_int);
    sigaction(SIGTERM, &action, &before_term);
}

CatchInterrupts::~CatchInterrupts() {
    sigaction(SIGINT, &before_int, nullptr);
    sigaction(SIGTERM, &before_term, nullptr);
    close(read_end);
    close(write_end);
    read_end = write_end = -1;
}

int interrupt_fd() noexcept {
    return read_end;
}

void throw_if_interrupted() {
    if (interrupted != 0) {
        throw Interrupted{};
    }
}

bool wait_for(int fd, short events, const Deadline& deadline) {
    for (;;) {
        throw_if_interrupted();
        std::array<pollfd, 2> set{{{fd, events, 0}, {read_end, POLLIN, 0}}};
        const auto left = std::max<long long>(0, deadline.left().count());
        const int ready = poll(set.data(), read_end < 0 ? 1 : 2,
                               static_cast<int>(std::min<long long>(left, 3'600'000)));
        throw_if_interrupted();
        if (ready < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        if (ready > 0 && set[0].revents != 0) {
            return true;
        }
        if (deadline.passed()) {
            return false;
        }
    }
}

} // namespace lync::lyncctl::doctor
