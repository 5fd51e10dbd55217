#pragma once

// Waiting with an end: every step of the doctor has a deadline, and Ctrl-C ends all of them.

#include <algorithm>
#include <chrono>

namespace lync::lyncctl::doctor {

/// Thrown out of any wait after Ctrl-C; caught once, where what was found so far is printed.
struct Interrupted {};

/// A point in time after which a step is given up.
class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds from_now)
        : end_(std::chrono::steady_clock::now() + from_now) {}

    bool passed() const noexcept { return left().count() <= 0; }
    std::chrono::milliseconds left() const noexcept {
        return std::chrono::ceil<std::chrono::milliseconds>(end_ -
                                                            std::chrono::steady_clock::now());
    }
    Deadline or_sooner(const Deadline& other) const noexcept {
        return end_ < other.end_ ? *this : other;
    }
    /// What one wait may take: short, since a signal that comes just before it doesn't end it.
    int slice() const noexcept {
        return static_cast<int>(std::clamp<long long>(left().count(), 0, 100));
    }

private:
    std::chrono::steady_clock::time_point end_;
};

/// From now on SIGINT and SIGTERM end waits instead of the process; a second one ends the process.
void catch_interrupts() noexcept;

bool is_interrupted() noexcept;
void throw_if_interrupted();

} // namespace lync::lyncctl::doctor
