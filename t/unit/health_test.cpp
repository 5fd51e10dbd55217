// The state machine of health checks, explored: every sequence of findings up to a length, for all
// small thresholds, against a reference that looks at the whole history; and the schedule.

#include "balance/health.h"
#include "catch.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using namespace lync::balance;

namespace {

constexpr Finding pass{};
constexpr Finding refused{Reason::refused, 0};
constexpr Finding status_503{Reason::status, 503};
constexpr Finding status_500{Reason::status, 500};

/// The state by definition: a server goes down with the `fails`-th failure in a row, comes up with
/// the `passes`-th pass in a row, or with the first one if nothing was known.
struct Reference {
    Health health = Health::unknown;
    Finding cause;

    static Reference of(const std::vector<Finding>& history, const Thresholds& thresholds) {
        Reference result;
        for (std::size_t n = 1; n <= history.size(); n++) {
            result.add({history.begin(), history.begin() + static_cast<std::ptrdiff_t>(n)},
                       thresholds);
        }
        return result;
    }

    void add(const std::vector<Finding>& history, const Thresholds& thresholds) {
        const auto in_a_row = [&](auto&& like) {
            return static_cast<unsigned>(std::find_if_not(history.rbegin(), history.rend(), like) -
                                         history.rbegin());
        };
        const Finding last = history.back();
        const unsigned passes = in_a_row([](const Finding& f) { return f.passed(); });
        const unsigned fails = in_a_row([](const Finding& f) { return !f.passed(); });
        const unsigned same = in_a_row([&](const Finding& f) { return f == last; });

        if (health == Health::unknown && passes > 0) {
            health = Health::up;
        } else if (health == Health::down && passes >= thresholds.passes) {
            health = Health::up;
        } else if (health != Health::down && fails >= thresholds.fails) {
            health = Health::down;
            cause = last;
        } else if (health == Health::down && fails > 0 && same >= thresholds.fails) {
            cause = last;
        }
    }
};

void explore(std::vector<Finding>& history, const HealthState& state, const Thresholds& thresholds,
             std::size_t depth) {
    for (const Finding& finding : {pass, refused, status_503, status_500}) {
        HealthState next = state;
        const Change change = next.take(finding, thresholds);
        history.push_back(finding);
        const Reference expected = Reference::of(history, thresholds);

        const bool equal = next.health == expected.health && next.last == finding &&
                           (next.health != Health::down || next.cause == expected.cause);
        const bool changed =
            change == Change::known  ? state.health == Health::unknown && next.health == Health::up
            : change == Change::up   ? state.health == Health::down && next.health == Health::up
            : change == Change::down ? state.health != Health::down && next.health == Health::down
            : change == Change::other_reason
                ? state.health == Health::down && next.health == Health::down &&
                      next.cause == finding && !(state.cause == finding)
                : state.health == next.health &&
                      (next.health != Health::down || state.cause == next.cause);
        if (!equal || !changed) {
            CAPTURE(history.size(), thresholds.fails, thresholds.passes, static_cast<int>(change),
                    static_cast<int>(next.health));
            FAIL("the state isn't what the history says");
        }
        if (depth > 1) {
            explore(history, next, thresholds, depth - 1);
        }
        history.pop_back();
    }
}

} // namespace

TEST_CASE("health: every sequence of findings", "[health]") {
    for (unsigned fails = 1; fails <= 4; fails++) {
        for (unsigned passes = 1; passes <= 3; passes++) {
            std::vector<Finding> history;
            explore(history, {}, {fails, passes}, 7);
        }
    }
    SUCCEED();
}

TEST_CASE("health: counts don't overflow", "[health]") {
    HealthState state;
    state.health = Health::up;
    state.passes = 0xffffffffU;
    CHECK(state.take(pass, {}) == Change::none);
    CHECK(state.passes == 0xffffffffU);

    state.health = Health::down;
    state.last = state.cause = refused;
    state.fails = state.same = 0xffffffffU;
    CHECK(state.take(refused, {}) == Change::none);
    CHECK(state.fails == 0xffffffffU);
}

TEST_CASE("health: what is stored is what is read", "[health]") {
    HealthState state;
    state.health = Health::down;
    state.last = status_503;
    state.cause = refused;
    state.passes = 1;
    state.fails = 2;
    state.same = 3;

    SharedHealth shared;
    CHECK(shared.takes_requests()); // nothing is known
    shared.store(state);
    CHECK_FALSE(shared.takes_requests());
    const HealthState read = shared.load();
    CHECK(read.health == state.health);
    CHECK(read.last == state.last);
    CHECK(read.cause == state.cause);
    CHECK(read.passes == 1);
    CHECK(read.fails == 2);
    CHECK(read.same == 3);
}

TEST_CASE("health: first checks are spread over the interval", "[health]") {
    const std::uint64_t now = 1000000;
    std::map<std::uint64_t, int> per_half_second;
    for (std::size_t i = 0; i < 200; i++) {
        const std::uint64_t due = first_check(now, 5000, i, 200);
        CHECK(due >= now);
        CHECK(due < now + 5000);
        per_half_second[(due - now) / 500]++;
    }
    CHECK(per_half_second.size() == 10);
    for (const auto& [when, checks] : per_half_second) {
        CHECK(checks == 20);
    }
    CHECK(first_check(now, 5000, 0, 0) == now);
}

TEST_CASE("health: the next check is an interval later, a tenth more or less", "[health]") {
    std::uint64_t least = ~std::uint64_t{0};
    std::uint64_t most = 0;
    for (std::uint32_t random = 0; random < 5000; random++) {
        const std::uint64_t due = next_check(1000, 1200, 5000, random * 2654435761U);
        least = std::min(least, due);
        most = std::max(most, due);
    }
    CHECK(least >= 1000 + 4500);
    CHECK(least < 1000 + 4550);
    CHECK(most <= 1000 + 5500);
    CHECK(most > 1000 + 5450);

    // A check that took long, or a process that slept, doesn't bring two at once.
    CHECK(next_check(1000, 90000, 5000, 0) == 90001);
    // The shortest interval there is.
    CHECK(next_check(1000, 1000, 1, 7) == 1001);
}

TEST_CASE("health: a change of hands makes no storm and loses no check", "[health]") {
    // Still to come: stays.
    CHECK(resumed_check(5000, 3000, 5000, 77) == 5000);
    // Planned by a longer interval than there is now.
    CHECK(resumed_check(100000, 3000, 5000, 77) == 3000 + 5500);

    // Just missed: made up for as fast as it was missed.
    for (std::uint32_t random = 0; random < 1000; random++) {
        const std::uint64_t due = resumed_check(2900, 3000, 5000, random * 2654435761U);
        CHECK(due >= 3000);
        CHECK(due <= 3100);
    }
    // Nobody checked for an hour: all are overdue, and spread over an interval.
    std::uint64_t most = 0;
    for (std::uint32_t random = 0; random < 1000; random++) {
        const std::uint64_t due = resumed_check(1, 3600000, 5000, random * 2654435761U);
        CHECK(due >= 3600000);
        most = std::max(most, due);
    }
    CHECK(most <= 3605000);
    CHECK(most > 3604000);
}

TEST_CASE("health: findings in words", "[health]") {
    const auto say = [](const Finding& finding, std::string_view error = {}) {
        return explain(finding, "fepool.contoso.local", error, "/EWS/healthcheck.htm");
    };
    CHECK(say({Reason::none, 0}) == "answers as it should");
    CHECK(say({Reason::refused, 0}) == "connection refused");
    CHECK(say({Reason::unreachable, 0}) == "no route to it");
    CHECK(say({Reason::timed_out, 0}) == "timed out");
    CHECK(say({Reason::broken_off, 0}) == "closed the connection before it had answered");
    CHECK(say({Reason::tls_failed, 0}) == "TLS handshake failed");
    CHECK(say({Reason::untrusted, 10}) == "certificate not trusted");
    CHECK(say({Reason::untrusted, 10}, "certificate has expired") ==
          "certificate not trusted (certificate has expired)");
    CHECK(say({Reason::wrong_name, 0}) == "certificate not valid for \"fepool.contoso.local\"");
    CHECK(say(Finding{Reason::status, 401}.of_request(3)) == "GET /EWS/healthcheck.htm: 401");
    CHECK(say({Reason::internal, 0}) == "answers as the internal web site: check listening_ports");
    CHECK(say({Reason::no_answer, 0}) == "GET /EWS/healthcheck.htm: not the expected answer");
}

TEST_CASE("health: which request of a check an answer is of", "[health]") {
    for (const Reason reason : {Reason::status, Reason::no_answer}) {
        const Finding finding = Finding{reason, 503}.of_request(5);
        CHECK(finding.request() == 5);
        CHECK(finding.status() == 503);
        CHECK(finding != Finding{reason, 503}.of_request(0)); // another service is another reason
    }
    CHECK(Finding{Reason::untrusted, 10}.of_request(5) == Finding{Reason::untrusted, 10});
    CHECK(Finding{Reason::untrusted, 0x30000}.request() == 0);
}

TEST_CASE("which servers that are down answer all the same", "[health]") {
    const auto answers = [](Reason cause, Reason last) {
        lync::balance::SharedHealth health;
        health.store({.health = Health::down, .last = {last}, .cause = {cause}});
        return health.answers();
    };
    for (const Reason reason : {Reason::status, Reason::no_answer, Reason::broken_off}) {
        CHECK(answers(reason, reason));
        CHECK(answers(reason, Reason::none)); // on its way back
        // Never the INTERNAL site: neither as long as it was the reason, nor as soon as it answers.
        CHECK_FALSE(answers(Reason::internal, reason));
        CHECK_FALSE(answers(reason, Reason::internal));
    }
    for (const Reason reason :
         {Reason::refused, Reason::unreachable, Reason::timed_out, Reason::tls_failed,
          Reason::untrusted, Reason::wrong_name, Reason::internal}) {
        CHECK_FALSE(answers(reason, reason));
    }
}

TEST_CASE("Extended Protection works with the server's own certificate alone", "[health]") {
    const std::string own(32, 'a');
    const std::string zero(32, '\0');
    CHECK(binding_of(0, own) == Binding::unknown);
    CHECK(binding_of(certificate_mark(own), own) == Binding::works);
    CHECK(binding_of(certificate_mark(own), std::string(32, 'b')) == Binding::refused);
    CHECK(binding_of(certificate_mark(own), "") == Binding::refused);
    CHECK(binding_of(certificate_mark(zero), zero) == Binding::works);
}
