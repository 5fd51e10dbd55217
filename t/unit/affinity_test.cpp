// Affinity: distribution and movement in figures, and that everybody chooses alike.

#include "balance/affinity.h"
#include "catch.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace lync::balance;

namespace {

constexpr int clients = 100000;

std::vector<Candidate> pool(int size) {
    std::vector<Candidate> servers(static_cast<std::size_t>(size));
    for (int i = 0; i < size; i++) {
        const std::array<char, 4> address{10, 0, 0, static_cast<char>(11 + i)};
        servers[static_cast<std::size_t>(i)].place = place_of({address.data(), address.size()});
    }
    return servers;
}

/// Client i: neighbours, as a provider's customers are.
std::uint64_t client(int i) {
    const std::array<std::uint8_t, 4> address{100, static_cast<std::uint8_t>(64 + (i >> 16)),
                                              static_cast<std::uint8_t>(i >> 8),
                                              static_cast<std::uint8_t>(i)};
    return client_key(address);
}

std::vector<std::size_t> choose_all(const std::vector<Candidate>& servers) {
    std::vector<std::size_t> chosen;
    for (int i = 0; i < clients; i++) {
        chosen.push_back(choose_by_key(servers, client(i), false));
    }
    return chosen;
}

Homes homes_of(const std::vector<Candidate>& servers) {
    Homes homes;
    for (const Candidate& server : servers) {
        homes.add(server.place, server.weight, server.backup);
    }
    return homes;
}

/// The numbers as they were computed at first, and have to be by every version.
double unit(std::uint64_t key, std::uint64_t place, std::uint64_t salt) {
    const auto mix = [](std::uint64_t n) {
        n = (n ^ n >> 33) * 0xff51afd7ed558ccdULL;
        n = (n ^ n >> 33) * 0xc4ceb9fe1a85ec53ULL;
        return n ^ n >> 33;
    };
    const std::uint64_t n = mix(key ^ mix(place + salt));
    return (static_cast<double>(n >> 11) + 0.5) / 9007199254740992.0;
}

std::size_t lowest_rank(const std::vector<Candidate>& servers, std::uint64_t key, bool backup,
                        bool any, bool ramps) {
    std::size_t best = no_server;
    double lowest = 0;
    for (std::size_t i = 0; i < servers.size(); i++) {
        const Candidate& s = servers[i];
        const double rank = -std::log(unit(key, s.place, 0x9e3779b97f4a7c15ULL)) / s.weight;
        const bool back =
            s.ramp >= full_weight ||
            unit(key, s.place, 0xd1b54a32d192ed03ULL) * full_weight < static_cast<double>(s.ramp);
        if (s.backup == backup && (any || s.takes()) && (!ramps || back) &&
            (best == no_server || rank < lowest)) {
            best = i;
            lowest = rank;
        }
    }
    return best;
}

std::map<std::size_t, int> shares(const std::vector<std::size_t>& chosen) {
    std::map<std::size_t, int> count;
    for (const std::size_t i : chosen) {
        count[i]++;
    }
    return count;
}

} // namespace

// What follows from the numbers that "every version chooses the same server" holds to.
TEST_CASE("clients are spread by weight, and a change moves no more of them than it must",
          "[affinity]") {
    std::vector<Candidate> servers = pool(4);
    servers[0].weight = 2;
    const auto before = choose_all(servers);
    const auto share = [&](std::size_t server) {
        return shares(before).at(server) / double{clients};
    };
    CHECK(std::abs(share(0) - 0.4) < 0.01); // four standard deviations are 0.6 % at most
    CHECK(std::abs(share(3) - 0.2) < 0.01);

    servers.push_back(pool(5)[4]); // one more, a heavier one, one that comes back slowly, one less
    const auto five = choose_all(servers);
    servers[1].weight = 2;
    const auto heavier = choose_all(servers);
    servers[2].ramp = 300;
    const auto slow = choose_all(servers);
    servers[2].availability = Availability::failed;
    const auto lost = choose_all(servers);
    std::map<std::size_t, int> taken;
    for (int i = 0; i < clients; i++) {
        REQUIRE((five[i] == before[i] || five[i] == 4));
        REQUIRE((heavier[i] == five[i] || heavier[i] == 1));
        REQUIRE((slow[i] == heavier[i] || heavier[i] == 2));
        REQUIRE((lost[i] == slow[i] || slow[i] == 2));
        taken[lost[i]] += heavier[i] == 2 ? 1 : 0;
    }
    CHECK(std::abs(shares(slow).at(2) / double(shares(heavier).at(2)) - 0.3) < 0.02);
    CHECK(std::abs(taken[0] / double(shares(heavier).at(2)) - 1.0 / 3) < 0.02); // by weight, too
}

TEST_CASE("the numbers are those of every version and machine", "[affinity]") {
    // Written down once: proxies of different versions stand side by side.
    CHECK(place_of("") == 0xefd01f60ba992926ULL);
    const std::array<std::uint8_t, 4> address{10, 0, 0, 11};
    CHECK(client_key(address) == place_of({"\x0a\x00\x00\x0b", 4}));
    CHECK(cookie_key("a") != cookie_key("b"));
}

TEST_CASE("every version chooses the same server", "[affinity]") {
    std::mt19937_64 random(1);
    for (int group = 0; group < 500; group++) {
        std::vector<Candidate> servers = pool(1 + static_cast<int>(random() % 40));
        const bool alike = random() % 2 == 0; // as most pools are
        for (Candidate& server : servers) {
            server.weight = alike ? 1 : 1 + random() % 3;
            server.backup = random() % 4 == 0;
            server.tried = random() % 16 == 0;
            server.availability = random() % 4 == 0 ? Availability::sick : Availability::takes;
            server.ramp = random() % 4 == 0 ? 1 + random() % full_weight : full_weight;
        }
        const Homes homes = homes_of(servers);
        for (int i = 0; i < 200; i++) {
            const std::uint64_t key = client(static_cast<int>(random() % clients));
            for (const bool backup : {false, true}) {
                const std::size_t back = lowest_rank(servers, key, backup, false, true);
                CHECK(choose_by_key(servers, key, backup) ==
                      (back != no_server ? back : lowest_rank(servers, key, backup, false, false)));
                const std::size_t home = homes.find(key, backup);
                REQUIRE(home == lowest_rank(servers, key, backup, true, false));
                // What is asked first need not be asked again of all.
                if (home != no_server && servers[home].takes() &&
                    servers[home].ramp == full_weight) {
                    CHECK(choose_by_key(servers, key, backup) == home);
                }
            }
        }
    }
}

TEST_CASE("an IPv6 client is its /64", "[affinity]") {
    std::array<std::uint8_t, 16> one{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
    std::array<std::uint8_t, 16> privacy = one;
    privacy[15] = 99;
    privacy[8] = 77;
    CHECK(client_key(one) == client_key(privacy));
    std::array<std::uint8_t, 16> neighbour = one;
    neighbour[7] = 3;
    CHECK(client_key(one) != client_key(neighbour));
}

TEST_CASE("an IPv4 client is the same on a socket of IPv6", "[affinity]") {
    const std::array<std::uint8_t, 16> mapped{0, 0, 0,    0,    0,  0, 0, 0,
                                              0, 0, 0xff, 0xff, 10, 0, 0, 1};
    const std::array<std::uint8_t, 4> plain{10, 0, 0, 1};
    CHECK(client_key(mapped) == client_key(plain));
}

TEST_CASE("cookie values are 32 hexadecimal digits", "[affinity]") {
    const std::array<std::uint8_t, 16> bytes{0x00, 0x01, 0xfe, 0xff, 0x80};
    const CookieValue value = cookie_value(bytes);
    CHECK(std::string(value.data(), value.size()) == "0001feff800000000000000000000000");
}

TEST_CASE("the cookie in a header", "[affinity]") {
    CHECK(affinity_cookie_in("MS-WSMAN=abc") == "abc");
    CHECK(affinity_cookie_in("a=b; MS-WSMAN=abc; c=d") == "abc");
    CHECK(affinity_cookie_in("a=b;MS-WSMAN=abc ;c=d") == "abc");
    CHECK(affinity_cookie_in(" \tMS-WSMAN=a=b,c") == "a=b,c");
    CHECK(affinity_cookie_in("MS-WSMAN=; MS-WSMAN=second") == "second");
    CHECK(affinity_cookie_in("").empty());
    CHECK(affinity_cookie_in("MS-WSMAN").empty());
    CHECK(affinity_cookie_in("MS-WSMAN=").empty());
    CHECK(affinity_cookie_in("MS-WSMANX=a; XMS-WSMAN=b; ms-wsman=c").empty()); // names have cases
    CHECK(affinity_cookie_in("a=MS-WSMAN=b").empty());
    CHECK(affinity_cookie_in(";;; ;").empty());
}

// The figures of docs/pools.md: lync_unit "[figures]"
TEST_CASE("figures of source affinity", "[.figures]") {
    std::printf(
        "| servers | clients of each | one goes: moved | of which its own | to each other |\n");
    for (const int size : {2, 3, 5, 10}) {
        std::vector<Candidate> servers = pool(size);
        const auto before = choose_all(servers);
        servers[1].availability = Availability::failed;
        const auto after = choose_all(servers);
        std::map<std::size_t, int> to;
        int moved = 0;
        int own = 0;
        for (int i = 0; i < clients; i++) {
            if (before[i] != after[i]) {
                moved++;
                own += before[i] == 1 ? 1 : 0;
                to[after[i]]++;
            }
        }
        const auto range = [](const std::map<std::size_t, int>& count) {
            int least = clients;
            int most = 0;
            for (const auto& [server, n] : count) {
                least = std::min(least, n);
                most = std::max(most, n);
            }
            return std::to_string(least) + " to " + std::to_string(most);
        };
        std::printf("| %d | %s | %d | %d | %s |\n", size, range(shares(before)).c_str(), moved, own,
                    range(to).c_str());
    }
}
