#pragma once

// A timer of nginx's event loop that belongs to an object: it ends with the object, and keeps no
// worker from exiting.

#include "nginx/ngx.h"

namespace lync::nginx {

/// What a Timer calls: a member function of its owner.
template <auto Function>
struct Calls {};
template <auto Function>
inline constexpr Calls<Function> calls{};

class Timer {
public:
    /// `owner` must outlive the timer.
    template <typename Owner, auto Function>
    Timer(Owner* owner, Calls<Function>) noexcept
        : owner_(owner), handler_([](void* of) { (static_cast<Owner*>(of)->*Function)(); }) {
        event_.handler = on_event;
        event_.data = this;
        event_.cancelable = 1;
    }
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;

    /// `log` must outlive the timer; nginx writes its debug lines there.
    void set(ngx_msec_t delay, ngx_log_t* log) noexcept {
        event_.log = log;
        ngx_add_timer(&event_, delay);
    }
    bool is_set() const noexcept { return event_.timer_set != 0; }
    void cancel() noexcept {
        if (event_.timer_set) {
            ngx_del_timer(&event_);
        }
    }

private:
    static void on_event(ngx_event_t* event) {
        auto* self = static_cast<Timer*>(event->data);
        self->handler_(self->owner_);
    }

    // nginx's debug log takes what an event's data points to for a connection and reads the number
    // of its socket, which follows on three pointers.
    void* owner_;
    void (*handler_)(void* owner);
    [[maybe_unused]] void* unused_ = nullptr;
    [[maybe_unused]] ngx_socket_t socket_ = static_cast<ngx_socket_t>(-1);

    ngx_event_t event_{};
};

} // namespace lync::nginx
