#include "balance/health.h"

#include "base/format.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace lync::balance {

namespace {

void count(std::uint32_t& number) noexcept {
    if (number < std::numeric_limits<std::uint32_t>::max()) {
        number++;
    }
}

constexpr auto relaxed = std::memory_order_relaxed;

} // namespace

bool answers(Reason reason) noexcept {
    return reason == Reason::none || reason == Reason::status || reason == Reason::no_answer ||
           reason == Reason::broken_off;
}

std::string explain(const Finding& finding, std::string_view certificate_name,
                    std::string_view certificate_error, std::string_view path) {

    switch (finding.reason) {
    case Reason::none:
        return "answers as it should";
    case Reason::refused:
        return "connection refused";
    case Reason::unreachable:
        return "no route to it";
    case Reason::timed_out:
        return "timed out";
    case Reason::broken_off:
        return "closed the connection before it had answered";
    case Reason::tls_failed:
        return "TLS handshake failed";
    case Reason::untrusted:
        return certificate_error.empty()
                   ? "certificate not trusted"
                   : formatted("certificate not trusted ({})", certificate_error);
    case Reason::wrong_name:
        return formatted("certificate not valid for \"{}\"", certificate_name);
    case Reason::status:
        return formatted("GET {}: {}", path, finding.status());
    case Reason::internal:
        return "answers as the internal web site: check listening_ports";
    case Reason::no_answer:
        break;
    }
    return formatted("GET {}: not the expected answer", path);
}

Change HealthState::take(const Finding& finding, const Thresholds& thresholds) noexcept {
    if (finding.passed()) {
        last = finding;
        fails = 0;
        same = 0;
        count(passes);
        if (health == Health::unknown) {
            health = Health::up;
            return Change::known;
        }
        if (health == Health::down && passes >= thresholds.passes) {
            health = Health::up;
            return Change::up;
        }
        return Change::none;
    }

    same = finding == last ? same : 0;
    last = finding;
    passes = 0;
    count(fails);
    count(same);
    if (health != Health::down) {
        if (fails < thresholds.fails) {
            return Change::none;
        }
        health = Health::down;
        cause = finding;
        return Change::down;
    }
    if (finding != cause && same >= thresholds.fails) {
        cause = finding;
        return Change::other_reason;
    }
    return Change::none;
}

HealthState SharedHealth::load() const noexcept {
    HealthState state;
    state.health = static_cast<Health>(health.load(relaxed));
    state.last = {static_cast<Reason>(last_reason.load(relaxed)), last_detail.load(relaxed)};
    state.cause = {static_cast<Reason>(cause_reason.load(relaxed)), cause_detail.load(relaxed)};
    state.passes = passes.load(relaxed);
    state.fails = fails.load(relaxed);
    state.same = same.load(relaxed);
    return state;
}

bool SharedHealth::answers() const noexcept {
    return balance::answers(static_cast<Reason>(last_reason.load(relaxed))) &&
           balance::answers(static_cast<Reason>(cause_reason.load(relaxed)));
}

void SharedHealth::store(const HealthState& state) noexcept {
    last_reason.store(static_cast<std::uint8_t>(state.last.reason), relaxed);
    last_detail.store(state.last.detail, relaxed);
    cause_reason.store(static_cast<std::uint8_t>(state.cause.reason), relaxed);
    cause_detail.store(state.cause.detail, relaxed);
    passes.store(state.passes, relaxed);
    fails.store(state.fails, relaxed);
    same.store(state.same, relaxed);
    health.store(static_cast<std::uint8_t>(state.health), relaxed);
}

std::uint64_t first_check(std::uint64_t now, std::uint64_t interval, std::size_t index,
                          std::size_t count) noexcept {
    return now + interval * index / std::max<std::size_t>(count, 1);
}

std::uint64_t next_check(std::uint64_t due, std::uint64_t now, std::uint64_t interval,
                         std::uint32_t random) noexcept {
    const std::uint64_t tenth = interval / 10;
    const std::uint64_t later = interval - tenth + random % (2 * tenth + 1);
    return std::max(due + later, now + 1);
}

std::uint64_t resumed_check(std::uint64_t due, std::uint64_t now, std::uint64_t interval,
                            std::uint32_t random) noexcept {
    if (due > now) {
        // What lies further ahead was planned with a longer interval, before a reload.
        return std::min(due, now + interval + interval / 10);
    }
    const std::uint64_t gap = std::min(now - due, interval);
    return now + random % (gap + 1);
}

std::uint64_t certificate_mark(std::string_view digest) noexcept {
    std::uint64_t mark = 0;
    std::memcpy(&mark, digest.data(), std::min(digest.size(), sizeof(mark)));
    return mark == 0 ? 1 : mark;
}

Binding binding_of(std::uint64_t server, std::string_view ours) noexcept {
    return server == 0                                         ? Binding::unknown
           : !ours.empty() && certificate_mark(ours) == server ? Binding::works
                                                               : Binding::refused;
}

} // namespace lync::balance
