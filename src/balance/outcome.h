#pragma once

// What follows from the end of a try at a server: whether another try is made, and whether it
// speaks for or against the server. A decision without nginx; src/nginx/upstream/peer_outcome.cpp
// brings the facts and acts on it.

#include <cstdint>

namespace lync::balance {

/// What is known when a try is over.
struct Try {
    bool failed;           ///< no complete answer, as nginx counts it
    bool answered;         ///< the head of an answer was read, or a byte of one if it failed
    bool sent;             ///< there was a connection, and nginx has begun to send on it
    bool body_sent;        ///< all of the request's body was sent
    bool arrived;          ///< the server may have read some of it
    bool kept;             ///< the connection had served other requests before
    bool timed_out;        ///< reading or writing took too long
    bool owned;            ///< the connection belonged to the client
    bool credential;       ///< the request carries one, meant for this connection alone
    bool safe;             ///< a method that changes nothing [RFC 9110, 9.2.1]
    bool waits;            ///< a pending GET
    bool lost_before;      ///< an earlier try of the request was lost
    std::uint64_t elapsed; ///< msec
};

/// What a try says of the server's health.
enum class Evidence : unsigned char {
    none,
    answer,    ///< it answers: nothing is held against it any more
    failure,   ///< no connection, or no TLS on it
    broke_off, ///< or didn't answer in time, which may be the request's doing: a failure if there
               ///< are several without any answer between them
};

struct Outcome {
    bool stale; ///< the server closed a kept connection before it answered a byte, which is its
                ///< right: the try isn't counted as one
    bool again; ///< another try may be made
    bool lost;  ///< the client's own connection broke off when the server had some of the request:
                ///< no later try of it is made
    Evidence evidence;
};

/// Whether a request on a stale connection may be sent again: a safe one that never arrived, or
/// that arrived as the server was closing; not one that the server has had for a while or was meant
/// to hold.
constexpr bool may_repeat(const Try& t) noexcept {
    constexpr std::uint64_t at_once = 1000; // msec
    return t.safe && (!t.arrived || (t.elapsed < at_once && !t.waits));
}

constexpr Outcome outcome(const Try& t) noexcept {
    if (!t.failed) {
        return {.stale = false,
                .again = true,
                .lost = false,
                .evidence = t.answered ? Evidence::answer : Evidence::none};
    }
    Outcome result{.stale = t.kept && !t.timed_out && !t.answered,
                   .again = !t.lost_before,
                   .lost = t.owned && t.arrived,
                   .evidence = Evidence::failure};
    if (t.sent) {
        // The request of an owned connection is for its server, once more on a fresh one; a
        // credential is meant for this one connection.
        result.again = result.again && result.stale && !(t.owned && t.credential) && may_repeat(t);
        // An upload that is refused before its end and a pending GET that nothing ends say nothing.
        const bool telling = t.body_sent && !(t.waits && t.timed_out);
        result.evidence = telling ? Evidence::broke_off : Evidence::none;
    }
    if (result.stale && (result.again || !t.arrived)) {
        result.evidence = Evidence::none;
    }
    return result;
}

} // namespace lync::balance
