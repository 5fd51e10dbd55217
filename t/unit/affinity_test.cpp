// Affinity: distribution and movement in figures, and that everybody chooses alike.

#include "balance/affinity.h"
#include "catch.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <set>
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

TEST_CASE("clients spread evenly: within 1 % of the fair share", "[affinity]") {
    for (const int size : {2, 3, 5, 10}) {
        const auto count = shares(choose_all(pool(size)));
        REQUIRE(count.size() == static_cast<std::size_t>(size));
        const double fair = 1.0 / size;
        for (const auto& [server, n] : count) {
            INFO(size << " servers, server " << server << ": " << n);
            // Four standard deviations of chance are 0.6 % of all clients at most.
            CHECK(std::abs(static_cast<double>(n) / clients - fair) < 0.01);
        }
    }
}

TEST_CASE("weights are shares", "[affinity]") {
    std::vector<Candidate> servers = pool(3);
    servers[0].weight = 3;
    const auto count = shares(choose_all(servers));
    CHECK(std::abs(count.at(0) / double{clients} - 0.6) < 0.01);
    CHECK(std::abs(count.at(1) / double{clients} - 0.2) < 0.01);
    CHECK(std::abs(count.at(2) / double{clients} - 0.2) < 0.01);
}

TEST_CASE("a lost server moves only its own clients, evenly", "[affinity]") {
    for (const Availability lost :
         {Availability::failed, Availability::sick, Availability::drained, Availability::full}) {
        std::vector<Candidate> servers = pool(5);
        const auto before = choose_all(servers);
        servers[2].availability = lost;
        const auto after = choose_all(servers);

        std::map<std::size_t, int> moved_to;
        for (int i = 0; i < clients; i++) {
            if (before[i] != 2) {
                REQUIRE(after[i] == before[i]);
            } else {
                REQUIRE(after[i] != 2);
                moved_to[after[i]]++;
            }
        }
        const int own = shares(before).at(2);
        for (const auto& [server, n] : moved_to) {
            INFO("to server " << server << ": " << n << " of " << own);
            CHECK(std::abs(static_cast<double>(n) / own - 0.25) < 0.02);
        }
        servers[2].availability = Availability::takes;
        CHECK(choose_all(servers) == before);
    }
}

TEST_CASE("a new server takes its share and moves nobody else", "[affinity]") {
    const auto before = choose_all(pool(4));
    const auto after = choose_all(pool(5));
    int moved = 0;
    for (int i = 0; i < clients; i++) {
        if (after[i] != before[i]) {
            REQUIRE(after[i] == 4);
            moved++;
        }
    }
    CHECK(std::abs(moved / double{clients} - 0.2) < 0.01);
}

TEST_CASE("a weight that changes moves as few as it must", "[affinity]") {
    std::vector<Candidate> servers = pool(4);
    const auto before = choose_all(servers);
    servers[1].weight = 2;
    const auto after = choose_all(servers);
    for (int i = 0; i < clients; i++) {
        if (after[i] != before[i]) {
            REQUIRE(after[i] == 1);
        }
    }
}

TEST_CASE("separate instances choose alike, whatever the order of their servers", "[affinity]") {
    const std::vector<Candidate> one = pool(4);
    const std::vector<Candidate> other{one[2], one[0], one[3], one[1]};
    for (int i = 0; i < 10000; i++) {
        const std::size_t a = choose_by_key(one, client(i), false);
        const std::size_t b = choose_by_key(other, client(i), false);
        REQUIRE(one[a].place == other[b].place);
    }
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

TEST_CASE("backups are a world of their own", "[affinity]") {
    std::vector<Candidate> servers = pool(4);
    servers[2].backup = servers[3].backup = true;
    std::set<std::size_t> primaries;
    std::set<std::size_t> backups;
    for (int i = 0; i < 1000; i++) {
        primaries.insert(choose_by_key(servers, client(i), false));
        backups.insert(choose_by_key(servers, client(i), true));
    }
    CHECK(primaries == std::set<std::size_t>{0, 1});
    CHECK(backups == std::set<std::size_t>{2, 3});
    servers[0].availability = servers[1].availability = Availability::failed;
    CHECK(choose_by_key(servers, client(1), false) == no_server);
}

TEST_CASE("a server in slow start gets its clients back bit by bit, each once", "[affinity]") {
    std::vector<Candidate> servers = pool(3);
    const auto settled = choose_all(servers);
    const int own = shares(settled).at(1);
    std::set<int> back;
    for (const std::uint64_t ramp : {1, 250, 500, 750, 1000}) {
        servers[1].ramp = ramp;
        const auto now = choose_all(servers);
        std::set<int> here;
        for (int i = 0; i < clients; i++) {
            if (now[i] == 1) {
                here.insert(i);
                REQUIRE(settled[i] == 1);
            } else if (settled[i] != 1) {
                REQUIRE(now[i] == settled[i]);
            }
        }
        CHECK(std::abs(static_cast<double>(here.size()) / own -
                       static_cast<double>(ramp) / full_weight) < 0.02);
        for (const int i : back) {
            REQUIRE(here.contains(i)); // nobody is sent away again
        }
        back = here;
    }
    servers[1].ramp = 1;
    servers[0].availability = servers[2].availability = Availability::failed;
    CHECK(choose_by_key(servers, client(1), false) == 1); // rather than nobody
}

TEST_CASE("cookies: drawn values find their home in as many draws as there are servers",
          "[affinity]") {
    const Homes servers = homes_of(pool(3));
    std::mt19937_64 random(1);
    std::map<std::size_t, int> homes;
    for (int i = 0; i < 30000; i++) {
        std::array<std::uint8_t, 16> bytes{};
        for (std::uint8_t& byte : bytes) {
            byte = static_cast<std::uint8_t>(random());
        }
        const CookieValue value = cookie_value(bytes);
        homes[servers.find(cookie_key({value.data(), value.size()}), false)]++;
    }
    for (const auto& [server, n] : homes) {
        CHECK(std::abs(n - 10000) < 400);
    }
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
