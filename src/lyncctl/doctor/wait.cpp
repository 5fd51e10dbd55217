#include "lyncctl/doctor/wait.h"

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

} // namespace lync::lyncctl::doctor
