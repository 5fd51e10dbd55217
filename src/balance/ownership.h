#pragma once

// The balance room: which server connection a request travels on, as decisions without nginx.
//
//     ownership.h    whose a server connection is
//     credentials.h  the header fields that make it a user's
//
// NTLM and, as many servers have it, Negotiate authenticate a connection, not a request: whatever
// is sent on it later is taken for the same user's. So a server connection is shared until a
// credential goes over it, in either direction, and one client connection's from then on.
//
//     THE INVARIANT: a server connection over which a credential went carries requests of one
//     client connection only, and is closed with it.
//
//                     credential or token                    client closed, server closed,
//        shared ────────────────────────────────▶ owned ───▶ broken, too old, refused ─▶ closed
//          │ ▲                                     │ ▲
//          ▼ │ any client's next request           ▼ │ the owner's next request
//        (in use)                                (in use)
//
// There is no way back from owned to shared.

namespace lync::balance {

/// Where the connection for a request comes from.
enum class Source : unsigned char {
    owned,       ///< the connection that this client owns; no other client can have it
    same_server, ///< a shared or fresh one to the server that the client was authenticated by
    any_server,  ///< a shared or fresh one to the server that the balancer chooses
    busy,        ///< none: too many connections are owned already; answered with 503
};

/// What is known when a request needs a connection.
struct Wish {
    bool credential;    ///< the request carries one of a connection-bound scheme
    bool owns;          ///< the client owns an idle connection to this group of servers
    bool knows_server;  ///< it owned one earlier, which is gone
    bool server_up;     ///< and that server takes requests
    bool limit_reached; ///< as many connections are owned as the limit allows
};

constexpr Source choose(const Wish& wish) noexcept {
    if (wish.owns) {
        return Source::owned;
    }
    if (wish.credential && wish.limit_reached) {
        return Source::busy;
    }
    return wish.knows_server && wish.server_up ? Source::same_server : Source::any_server;
}

/// What becomes of a connection when its exchange is over.
enum class Fate : unsigned char {
    share, ///< any client's next request
    keep,  ///< the next request of its owner
    close,
};

/// What is known when an exchange is over.
struct Exchange {
    bool reusable; ///< the answer was read to its end, the request was sent to its end, both sides
                   ///< keep the connection, and it is not too old
    bool owned;    ///< it was owned before, or the request carried a credential
    bool token;    ///< the answer carried a token of a connection-bound scheme
    bool refused;  ///< a credential was answered 401: without a token, the handshake is over
    bool shares;   ///< connections to these servers may be shared at all
};

constexpr Fate settle(const Exchange& exchange) noexcept {
    if (!exchange.reusable) {
        return Fate::close;
    }
    if (exchange.token) {
        return Fate::keep;
    }
    if (exchange.owned) {
        return exchange.refused ? Fate::close : Fate::keep;
    }
    return exchange.shares ? Fate::share : Fate::close;
}

} // namespace lync::balance
