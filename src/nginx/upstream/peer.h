#pragma once

// The balancer of a generated upstream: which server a request goes to, on whose connection, and
// what is learnt from how it went. It takes the place of nginx's own, since slow start, health,
// changing addresses and one view of all workers are not to be had there.
//
// The decisions are in balance/ownership.h (whose connection), choice.h and affinity.h (which
// server); the servers are in servers.h.

#include "base/build.h"
#include "nginx/upstream/servers.h"

#include <string>

namespace lync::nginx {

/// A group of servers at run time. One per generated upstream; worker's own memory.
struct Group {
    Group() noexcept { ngx_queue_init(&busy); }
    Group(const Group&) = delete;

    std::string name;
    ngx_str_t title{}; ///< the same, for nginx: $upstream_addr where no server was chosen
    /// Connections without a credential may serve one client after another, those with one serve
    /// their client alone. Else each request has its own: connection_auth off.
    bool binds = true;
    bool tls = true;
    config::Affinity affinity = config::Affinity::none;
    ConnectionLimits limits;

    Transport* transport = nullptr;
    Servers servers;
    Record* record = nullptr; ///< Subject::group: probes; shared by all groups of the same servers

    /// What its probes are for: the same servers, reached in the same way.
    Key key() const noexcept;

    std::size_t owned = 0; ///< connections that belong to a client now, idle or in use
    time_t limit_last_logged = 0;
    time_t no_server_last_logged = 0;
    time_t balancer_last_logged = 0;
    std::size_t next_probe = 0; ///< whose turn it is
    ngx_queue_t busy{};         ///< this worker's requests at servers
};

/// When its health check finds a server silent (refused, unreachable, timed out), requests without
/// a byte of a response end as if they had timed out, so that clients needn't wait for
/// `pending_get_timeout`. Called by a timer.
void end_unanswered(Group& group, ngx_log_t* log) noexcept;

/// Puts the balancer in the place of the upstream's own, and takes the addresses that nginx has
/// parsed. `group` must live as long as the configuration.
void take_over(ngx_http_upstream_srv_conf_t* upstream, Group& group, bool resolve_at_start);

/// The server's answer has begun: called by the header filter, for any request. What was held
/// against the server is forgotten, whether the rest of the answer takes a second or an hour.
void note_answer(ngx_http_request_t* r) noexcept;

/// Notes the build that the server whose answer this is has told; logs one that lacks a fix.
void note_build(ngx_http_request_t* r, Build build) noexcept;

/// The same, as a health check has found it. `title` is the server's.
void note_build(Record& record, Build build, const std::string& title, const config::Farm& farm,
                ngx_log_t* log) noexcept;

/// A request isn't sent on: what its client owns of the servers that it was for is closed.
void close_owned_connection(ngx_http_request_t* r) noexcept;

/// The server whose answer is passed on, for its affinity cookie; `no_server` if nginx answers
/// itself, or it is none of the group's now.
std::size_t server_of(ngx_http_request_t* r, Group& group) noexcept;

} // namespace lync::nginx
