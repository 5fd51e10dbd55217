// The ownership of server connections, explored: every order of events of two clients and up to
// three server connections, as deep as `depth` says, with the invariant asserted at every step.
//
// The model acts as src/nginx/upstream/peer.cpp does, and asks the same two functions; what a
// server or a client may do at any moment is all in `events`.

#include "balance/credentials.h"
#include "balance/ownership.h"
#include "catch.h"

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace lync::balance;

namespace {

constexpr int clients = 2;
constexpr int connections = 3;
constexpr int nobody = -1;
constexpr int depth = 9;

struct Connection {
    enum State : std::uint8_t { absent, shared, owned, in_use } state = absent;
    int client = nobody;          ///< that uses or owns it
    bool counted = false;         ///< owned, by the layer's own account
    std::uint8_t credentials = 0; ///< whose credentials went over it: the server's point of view
};

struct World {
    std::array<Connection, connections> all{};
    std::array<int, clients> uses{nobody, nobody}; ///< the connection of a client's request
    std::array<bool, clients> credential{};        ///< of that request
    std::array<bool, clients> knows_server{};

    std::string key() const {
        std::string text;
        for (const Connection& c : all) {
            text += static_cast<char>('a' + c.state);
            text += static_cast<char>('1' + c.client);
            text += static_cast<char>('0' + c.credentials);
            text += c.counted ? '!' : '.';
        }
        for (int i = 0; i < clients; i++) {
            text += static_cast<char>('1' + uses[i]);
            text += credential[i] ? 'c' : '-';
            text += knows_server[i] ? 'k' : '-';
        }
        return text;
    }
};

int find(const World& world, Connection::State state, int client) {
    for (int i = 0; i < connections; i++) {
        if (world.all[i].state == state && (client == nobody || world.all[i].client == client)) {
            return i;
        }
    }
    return nobody;
}

/// A client sends a request. False where it can't: one is under way, or the model is full.
bool request(World& world, int client, bool credential, bool limit_reached) {
    if (world.uses[client] != nobody) {
        return false;
    }
    const int mine = find(world, Connection::owned, client);
    int taken = nobody;
    switch (choose({credential, mine != nobody, world.knows_server[client], true, limit_reached})) {
    case Source::owned:
        taken = mine;
        break;
    case Source::busy:
        return true; // 503, nothing changes
    case Source::same_server:
    case Source::any_server:
        taken = find(world, Connection::shared, nobody);
        taken = taken == nobody ? find(world, Connection::absent, nobody) : taken;
        break;
    }
    if (taken == nobody) {
        return false;
    }
    Connection& c = world.all[taken];
    c.state = Connection::in_use;
    c.client = client;
    c.counted = c.counted || credential;
    if (credential) {
        c.credentials |= static_cast<std::uint8_t>(1 << client);
    }
    world.uses[client] = taken;
    world.credential[client] = credential;
    return true;
}

void close(Connection& c) {
    c = Connection{};
}

/// The answer is over.
bool answer(World& world, int client, bool token, bool refused, bool reusable) {
    if (world.uses[client] == nobody) {
        return false;
    }
    Connection& c = world.all[world.uses[client]];
    world.uses[client] = nobody;
    if (token) {
        c.credentials |= static_cast<std::uint8_t>(1 << client);
    }
    switch (settle({reusable, c.counted, token, refused, true})) {
    case Fate::share:
        c.state = Connection::shared;
        c.client = nobody;
        return true;
    case Fate::keep:
        c.state = Connection::owned;
        c.counted = true;
        world.knows_server[client] = true;
        return true;
    case Fate::close:
        world.knows_server[client] = world.knows_server[client] || c.counted;
        close(c);
        return true;
    }
    return false;
}

/// A client connection ends, with whatever is under way; its number is used again by another.
bool client_closes(World& world, int client) {
    for (Connection& c : world.all) {
        if (c.client == client) {
            close(c);
            c.client = nobody;
        }
    }
    world.uses[client] = nobody;
    world.knows_server[client] = false;
    // A new client has the number from here on: no credential of the old one may be left.
    for (Connection& c : world.all) {
        if ((c.credentials & (1 << client)) != 0) {
            return false;
        }
    }
    return true;
}

bool server_closes(World& world, int connection) {
    Connection& c = world.all[connection];
    if (c.state != Connection::shared && c.state != Connection::owned) {
        return false;
    }
    close(c);
    return true;
}

/// A connection over which a credential went carries requests of one client connection only.
bool invariant(const World& world) {
    for (const Connection& c : world.all) {
        const bool one = c.credentials == 1 || c.credentials == 2;
        if (c.credentials == 0) {
            continue;
        }
        if (!one || c.state == Connection::shared || c.state == Connection::absent ||
            c.credentials != (1 << c.client)) {
            return false;
        }
    }
    return true;
}

struct Explorer {
    std::set<std::string> seen;
    std::size_t steps = 0;
    bool holds = true;

    void explore(const World& world, int left) {
        if (left == 0 || !holds ||
            !seen.insert(world.key() + static_cast<char>('0' + left)).second) {
            return;
        }
        const auto next = [&](auto event) {
            World copy = world;
            if (event(copy)) {
                steps++;
                holds = holds && invariant(copy);
                explore(copy, left - 1);
            }
        };
        for (int client = 0; client < clients; client++) {
            for (const bool first : {false, true}) {
                for (const bool second : {false, true}) {
                    next([=](World& w) { return request(w, client, first, second); });
                    next([=](World& w) { return answer(w, client, first, second, true); });
                    next([=](World& w) { return answer(w, client, first, second, false); });
                }
            }
            World copy = world;
            holds = holds && client_closes(copy, client);
            next([=](World& w) { return client_closes(w, client); });
        }
        for (int connection = 0; connection < connections; connection++) {
            next([=](World& w) { return server_closes(w, connection); });
        }
    }
};

} // namespace

TEST_CASE("ownership: the invariant holds in every order of events") {
    Explorer explorer;
    explorer.explore(World{}, depth);
    CHECK(explorer.holds);
    CHECK(explorer.steps > 10000); // the model does move
}

TEST_CASE("ownership: the model sees a leak") {
    // What a shared keepalive cache does with a connection after a credential went over it.
    World world;
    REQUIRE(request(world, 0, true, false));
    CHECK(invariant(world));
    world.all[0].state = Connection::shared;
    world.all[0].client = nobody;
    CHECK_FALSE(invariant(world));
}

TEST_CASE("ownership: where a connection comes from") {
    CHECK(choose({false, false, false, false, false}) == Source::any_server);
    CHECK(choose({true, false, false, false, false}) == Source::any_server);
    CHECK(choose({false, true, true, true, true}) == Source::owned);
    CHECK(choose({true, true, true, false, true}) == Source::owned);
    CHECK(choose({true, false, true, true, false}) == Source::same_server);
    CHECK(choose({true, false, true, false, false}) == Source::any_server);
    CHECK(choose({true, false, true, true, true}) == Source::busy);
    CHECK(choose({false, false, true, true, true}) == Source::same_server);
}

TEST_CASE("ownership: what becomes of a connection") {
    CHECK(settle({true, false, false, false, true}) == Fate::share);
    CHECK(settle({true, false, false, true, true}) == Fate::share); // nothing was owned
    CHECK(settle({true, false, false, false, false}) == Fate::close);
    CHECK(settle({true, true, false, false, true}) == Fate::keep);
    CHECK(settle({true, false, true, true, true}) == Fate::keep);
    CHECK(settle({true, true, true, true, true}) == Fate::keep);
    CHECK(settle({true, true, false, true, true}) == Fate::close); // the handshake is over
    CHECK(settle({true, true, false, false, false}) == Fate::keep);
    CHECK(settle({false, true, true, false, true}) == Fate::close);
}

TEST_CASE("credentials: schemes that authenticate a connection") {
    for (const char* header :
         {"NTLM TlRMTVNTUAABAAAA", "Negotiate YIIKxQYGKwYBBQUC", "negotiate  oRQ=", "nTlM\tTlRM",
          "Kerberos YII", "Nego2 TlRM", "NTLM", "  NTLM TlRM", "Negotiate,NTLM x"}) {
        INFO(header);
        CHECK(is_connection_bound(header));
    }
    for (const char* header : {"", " ", "Basic dXNlcjpwYXNz", "Bearer cwt=AAEB", "NTLMv2x abc",
                               "NegotiateX abc", "MsRtcOAuth x", "X NTLM abc"}) {
        INFO(header);
        CHECK_FALSE(is_connection_bound(header));
    }
}

TEST_CASE("credentials: a challenge is none, bare, or carries a token") {
    for (const char* header :
         {"", "Basic realm=\"x\"", "Bearer trusted_issuers=\"x@y\", client_id=\"z\"",
          "MsRtcOAuth href=\"https://x\",grant_type=\"urn:microsoft.rtc:windows,password\""}) {
        INFO(header);
        CHECK(challenge_of(header) == Challenge::none);
    }
    for (const char* header : {"NTLM", "Negotiate", "Negotiate, NTLM", " Negotiate ,NTLM ",
                               "Negotiate, Basic realm=\"a b\"", "Basic realm=x, nego2"}) {
        INFO(header);
        CHECK(challenge_of(header) == Challenge::bare);
    }
    for (const char* header : {"NTLM TlRMTVNTUAACAAAA", "Negotiate oYG2MIGz", "NTLM  x",
                               "Negotiate, NTLM TlRM", "Basic realm=x, Negotiate oRQ="}) {
        INFO(header);
        CHECK(challenge_of(header) == Challenge::token);
    }
}
