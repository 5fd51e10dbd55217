// Which server of a group a request goes to.

#include "balance/choice.h"
#include "catch.h"

#include <array>
#include <cstdlib>
#include <map>
#include <random>
#include <tuple>
#include <vector>

using namespace lync::balance;

namespace {

/// Servers with what a candidate points to.
class Servers {
public:
    explicit Servers(std::initializer_list<std::uint32_t> weights) : turns_(weights.size()) {
        std::size_t i = 0;
        for (const std::uint32_t weight : weights) {
            Candidate candidate;
            candidate.weight = weight;
            candidate.turn = &turns_[i++];
            all.push_back(candidate);
        }
    }

    std::size_t choose(bool backup = false) {
        const std::size_t i = choose_least_outstanding(all, backup);
        if (i != no_server) {
            chosen[i]++;
        }
        return i;
    }

    std::vector<Candidate> all;
    std::map<std::size_t, int> chosen;

private:
    std::vector<std::int64_t> turns_;
};

constexpr std::uint64_t now = 1000000;

} // namespace

TEST_CASE("equals take turns by weight, and nobody waits for those of a heavy server", "[choice]") {
    Servers servers{5, 1, 1};
    for (int round = 0; round < 3; round++) {
        std::vector<std::size_t> order;
        for (int i = 0; i < 7; i++) {
            order.push_back(servers.choose());
        }
        // Smooth: the light ones come in between, not after five turns of the heavy one.
        CHECK(order == std::vector<std::size_t>{0, 0, 1, 0, 2, 0, 0});
    }
}

TEST_CASE("the fewest requests in flight for its weight", "[choice]") {
    Servers servers{1, 1, 2};
    servers.all[0].in_flight = 4;
    servers.all[1].in_flight = 3;
    servers.all[2].in_flight = 7;
    CHECK(servers.choose() == 1);
    servers.all[1].in_flight = 5;
    CHECK(servers.choose() == 2); // 7 of weight 2 is less than 4 of weight 1
    servers.all[2].in_flight = 9;
    CHECK(servers.choose() == 0);
}

TEST_CASE("requests of all lengths: no server is ever more than one ahead", "[choice]") {
    Servers servers{1, 1, 1};
    std::mt19937 random(7);
    std::vector<std::size_t> under_way;
    for (int i = 0; i < 20000; i++) {
        if (under_way.size() < 30) {
            const std::size_t chosen = servers.choose();
            std::uint32_t least = ~0U;
            for (const Candidate& c : servers.all) {
                least = std::min(least, c.in_flight);
            }
            REQUIRE(servers.all[chosen].in_flight == least);
            servers.all[chosen].in_flight++;
            under_way.push_back(chosen);
        } else {
            const std::size_t done = random() % under_way.size();
            servers.all[under_way[done]].in_flight--;
            under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(done));
        }
    }
}

TEST_CASE("who takes no requests is passed over", "[choice]") {
    for (const Availability out :
         {Availability::failed, Availability::full, Availability::drained, Availability::sick}) {
        Servers servers{1, 1};
        servers.all[0].availability = out;
        servers.all[1].in_flight = 100;
        CHECK(servers.choose() == 1);
        servers.all[1].availability = out;
        CHECK(servers.choose() == no_server);
    }
    Servers servers{1, 1};
    servers.all[0].tried = true;
    servers.all[1].in_flight = 100;
    CHECK(servers.choose() == 1);
}

TEST_CASE("backups are asked for by name", "[choice]") {
    Servers servers{1, 1};
    servers.all[1].backup = true;
    CHECK(servers.choose() == 0);
    CHECK(servers.choose(true) == 1);
    servers.all[0].availability = Availability::failed;
    CHECK(servers.choose() == no_server);
}

TEST_CASE("max_fails failures within fail_timeout leave a server out", "[choice]") {
    ServerSettings settings;
    settings.max_fails = 3;
    ServerState state;
    CHECK_FALSE(state.failures.fail(settings, now));
    CHECK_FALSE(state.failures.fail(settings, now + 4000));
    CHECK(availability(settings, state, now + 4000) == Availability::takes);
    CHECK(state.failures.fail(settings, now + 9000));
    CHECK(availability(settings, state, now + 9000) == Availability::failed);
    CHECK(availability(settings, state, now + 18999) == Availability::failed);
    CHECK(availability(settings, state, now + 19000) == Availability::trial);

    SECTION("a trial that fails: once more for fail_timeout, and no news") {
        CHECK_FALSE(state.failures.fail(settings, now + 19000));
        CHECK(availability(settings, state, now + 28999) == Availability::failed);
        CHECK(availability(settings, state, now + 29000) == Availability::trial);
    }
    SECTION("one that succeeds: back") {
        CHECK(state.failures.succeed(now + 19000, now + 19005));
        CHECK(availability(settings, state, now + 19005) == Availability::takes);
        CHECK(state.failures.recovered == now + 19005);
        CHECK_FALSE(state.failures.succeed(now + 19000, now + 19006));
    }
    SECTION("an answer to what was asked before proves nothing") {
        CHECK_FALSE(state.failures.succeed(now + 8999, now + 19005));
        CHECK(availability(settings, state, now + 10000) == Availability::failed);
    }
}

TEST_CASE("failures that lie too far apart don't add up", "[choice]") {
    ServerSettings settings;
    settings.max_fails = 2;
    Failures failures;
    for (std::uint64_t t = now; t < now + 1000000; t += settings.fail_timeout + 1) {
        CHECK_FALSE(failures.fail(settings, t));
    }
    CHECK(failures.out == 0);
}

TEST_CASE("max_fails=0 counts nothing", "[choice]") {
    ServerSettings settings;
    settings.max_fails = 0;
    ServerState state;
    for (int i = 0; i < 100; i++) {
        CHECK_FALSE(state.failures.fail(settings, now));
    }
    CHECK(availability(settings, state, now) == Availability::takes);
}

TEST_CASE("what a server's state allows", "[choice]") {
    using enum Availability;
    for (const auto& [in_flight, healthy, fails, drained, down, expected] :
         {std::tuple(1, true, false, false, false, takes),
          {2, true, false, false, false, full},
          {1, true, true, false, false, failed},
          {2, false, true, false, false, sick},
          {2, false, true, true, false, Availability::drained}, // whatever else is the matter
          {2, false, true, false, true, Availability::drained}}) {
        ServerSettings settings;
        ServerState state;
        settings.max_conns = 2;
        settings.down = down;
        state.in_flight = static_cast<std::uint32_t>(in_flight);
        state.healthy = healthy;
        state.drained = drained;
        if (fails) {
            state.failures.fail(settings, now);
        }
        CHECK(availability(settings, state, now) == expected);
        CHECK((expected != Availability::drained ||
               availability(settings, state, now + settings.fail_timeout) == expected));
    }
}

TEST_CASE("another worker's clock may be a tick ahead", "[choice]") {
    const ServerSettings settings;
    ServerState state;
    state.failures.fail(settings, now + 5);
    CHECK(availability(settings, state, now) == Availability::failed);
    state.recovered = now + 5;
    CHECK(ramp(settings, state, now) == 1);
}

TEST_CASE("slow start", "[choice]") {
    ServerSettings settings; // 30 seconds
    ServerState state;
    CHECK(ramp(settings, state, now) == full_weight); // never was away
    state.recovered = now;
    CHECK(ramp(settings, state, now) == 1);
    CHECK(ramp(settings, state, now + 15000) == full_weight / 2);
    CHECK(ramp(settings, state, now + 30000) == full_weight);
    state.failures.recovered = now + 20000; // of the two, the later one
    CHECK(ramp(settings, state, now + 35000) == full_weight / 2);
    settings.slow_start = 0;
    CHECK(ramp(settings, state, now + 20000) == full_weight);
}

TEST_CASE("a server in slow start gets its share of an idle pool", "[choice]") {
    Servers servers{1, 1, 1};
    servers.all[2].ramp = 100; // three seconds of thirty
    for (int i = 0; i < 2100; i++) {
        servers.choose();
    }
    CHECK(servers.chosen[2] == 100);
    CHECK(servers.chosen[0] == 1000);
}

TEST_CASE("a server in slow start isn't flooded by a busy one", "[choice]") {
    // The others have 50 requests each; the one that has come back has none. Least outstanding
    // alone would send it the next 50 in one go.
    Servers servers{1, 1, 1};
    servers.all[0].in_flight = servers.all[1].in_flight = 50;
    servers.all[2].ramp = 100;
    for (int i = 0; i < 50; i++) {
        servers.all[servers.choose()].in_flight++;
    }
    CHECK(servers.all[2].in_flight >= 1);
    CHECK(servers.all[2].in_flight <= 8); // a tenth of its 70
}

TEST_CASE("a probe goes to servers that are out for failures of requests, in turn", "[choice]") {
    Servers servers{1, 1, 1, 1};
    servers.all[0].availability = Availability::failed;
    servers.all[1].availability = Availability::sick; // the INTERNAL site may be behind it
    servers.all[2].availability = Availability::drained;
    servers.all[3].availability = Availability::failed;
    CHECK(choose_probe(servers.all, 0) == 0);
    CHECK(choose_probe(servers.all, 1) == 3);
    CHECK(choose_probe(servers.all, 4) == 0);
    servers.all[0].tried = servers.all[3].tried = true;
    CHECK(choose_probe(servers.all, 0) == no_server);
    CHECK(choose_probe({}, 3) == no_server);
}

TEST_CASE("the largest numbers that can be written", "[choice]") {
    Servers servers{1000000, 1000000};
    servers.all[0].in_flight = 0x7fffffff;
    servers.all[1].in_flight = 0x7ffffffe;
    CHECK(servers.choose() == 1);
    servers.all[1].in_flight = servers.all[0].in_flight;
    for (int i = 0; i < 1000; i++) {
        servers.choose();
    }
    CHECK(std::abs(servers.chosen[0] - servers.chosen[1]) <= 1);
}

TEST_CASE("panic: no server is healthy, and some answer", "[choice]") {
    const auto panic_of =
        [](std::initializer_list<std::pair<ServerSettings, ServerState>> servers) {
            lync::balance::Panic panic;
            for (const auto& [settings, state] : servers) {
                panic.see(settings, state);
            }
            return panic.on();
        };
    ServerSettings line;
    ServerSettings drained;
    drained.down = true;
    ServerState well;
    ServerState odd;
    odd.healthy = false;
    ServerState gone;
    gone.healthy = gone.answers = false;

    CHECK_FALSE(panic_of({}));
    CHECK_FALSE(panic_of({{line, well}}));
    CHECK_FALSE(panic_of({{line, well}, {line, odd}}));
    CHECK_FALSE(panic_of({{line, gone}}));
    CHECK(panic_of({{line, odd}}));
    CHECK(panic_of({{line, odd}, {line, gone}}));
    // What is being drained neither helps nor is used.
    CHECK(panic_of({{line, odd}, {drained, well}}));
    CHECK_FALSE(panic_of({{line, gone}, {drained, odd}}));
    well.drained = odd.drained = true;
    CHECK_FALSE(panic_of({{line, odd}}));
    odd.drained = false;
    CHECK(panic_of({{line, odd}, {line, well}}));
}
