#include "lyncctl/doctor/wait.h"

#include <csignal>

namespace lync::lyncctl::doctor {

namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void lync_doctor_interrupt(int) {
    interrupted = 1;
}

} // namespace

void catch_interrupts() noexcept {
    struct sigaction action {};
    action.sa_handler = lync_doctor_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND); // and no SA_RESTART
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool is_interrupted() noexcept {
    return interrupted != 0;
}

void throw_if_interrupted() {
    if (is_interrupted()) {
        throw Interrupted{};
    }
}

} // namespace lync::lyncctl::doctor
