#pragma once

// Inside of the balancer only: one request's way to a server. peer.cpp finds the server and the
// connection, peer_outcome.cpp learns from how it went.

#include "nginx/upstream/affinity.h"
#include "nginx/upstream/interim_responses.h"
#include "nginx/upstream/peer.h"
#include "nginx/upstream/waiting.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace lync::nginx {

inline constexpr std::size_t most_tries = 16;

/// One request's way to a server. In the request's pool.
struct Peer {
    Group* group;
    ngx_http_request_t* request;
    ngx_queue_t queue; ///< in Group::busy while there is a server

    /// By a publication's rules. A request of a foreign `proxy_pass` to the same upstream may
    /// verify servers otherwise, or not at all: it neither takes nor leaves anything.
    bool judged;

    Endpoint* server;      ///< in use: a reference, and one more of its requests in flight
    std::uint64_t began;   ///< msec
    std::uint64_t written; ///< bytes, on a kept connection, before this request
    bool waits;            ///< a pending GET
    bool probe;            ///< to a group without a server that takes requests
    bool tried_out;        ///< it has tried a server that had been left out

    Client client;   ///< that affinity binds to a server
    bool credential; ///< in the request
    bool owned;      ///< the connection in use belongs to the client
    bool lost;       ///< an owned connection broke off with this request on it
    bool stale;      ///< a kept connection broke off: the next try is on a fresh one

    InterimResponses interim;
    Waiting waiting;

    std::array<const Endpoint*, most_tries> tried; ///< in vain; only compared
    std::size_t tries;
};

/// The client owns one connection more to the server, or one less.
void count_owned(const Peer& peer, std::int32_t by) noexcept;

/// The request was a probe of a group without a server; nothing if it wasn't.
void end_probe(Peer& peer, bool answered) noexcept;

/// The server has answered: nothing is held against it any more.
void count_answer(Peer& peer, ngx_log_t* log) noexcept;

/// What the client owns of the group, or may own (`create`); NULL if nothing may be kept for it.
Ownership* ownership_of(const Peer& peer, bool create) noexcept;

/// ngx_event_free_peer_pt: the try is over.
void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state);

} // namespace lync::nginx
