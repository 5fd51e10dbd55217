#pragma once

// The balancer of a generated upstream: which server a request goes to, on whose connection, and
// what the outcome says of the server. It replaces nginx's own, which know no slow start, no health
// checks, no changing addresses and nothing that other workers do.
//
// The decisions are in balance/ownership.h (whose connection), choice.h and affinity.h (which
// server); the servers are in servers/.

#include "base/build.h"
#include "nginx/servers/group.h"

namespace lync::nginx {

/// When its health check finds a server silent (refused, unreachable, timed out), requests without
/// a byte of a response end as if they had timed out, so that clients needn't wait for
/// `pending_get_timeout`. Called by a timer.
void end_unanswered(Group& group, ngx_log_t* log) noexcept;

/// ngx_http_upstream_init_peer_pt of a generated upstream: the balancer, in the place of nginx's
/// own.
ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* upstream);

/// The server's answer has begun: called by the header filter, for any request. What was held
/// against the server is dropped, whether the rest of the answer takes a second or an hour.
void note_answer(ngx_http_request_t* r) noexcept;

/// Records the build that the answering server has sent; logs one that lacks a fix.
void note_build(ngx_http_request_t* r, Build build) noexcept;

/// The server whose answer is passed on, for its affinity cookie; `no_server` if nginx answers
/// itself, or it is none of the group's now.
std::size_t server_of(ngx_http_request_t* r, Group& group) noexcept;

} // namespace lync::nginx
