#pragma once

// Connections to servers between two requests: idle, and either shared or one client's.
//
// Lifetimes. A server connection (ngx_connection_t with a pool of its own) belongs to nginx's
// upstream while a request uses it, and to exactly one of these while it is idle:
//
//     SharedConnections  one per Transport (servers.h) and worker; memory of
//                        the configuration
//     Ownership          one per client connection and group of servers; memory of the CLIENT
//                        connection's pool, whose cleanup closes what is in it
//
// No pointer to a client connection is kept anywhere: nginx recycles those structures. What a
// client owns hangs on its own pool and dies with it.

#include "nginx/timer.h"

#include <deque>
#include <utility>

namespace lync::nginx {

struct Endpoint; // servers.h: a server at one address; counted

/// How long idle connections are kept, and how many.
struct ConnectionLimits {
    ngx_msec_t owned_idle = 0;
    ngx_msec_t age = 3600000; ///< as nginx's keepalive_time
    std::size_t shared = 64;  ///< idle at a time, per worker, for each group on the same transport,
                              ///< beside two for each server
    std::size_t owned = 0;    ///< in all, per worker and group
};

/// Idle connections that carried no credential.
class SharedConnections {
public:
    SharedConnections();
    SharedConnections(const SharedConnections&) = delete;

    /// Makes room for `more` connections. None can be kept before.
    void reserve(std::size_t more);

    /// The youngest idle connection to `server`, or NULL; no longer idle then.
    ngx_connection_t* take(Endpoint& server) noexcept;

    /// Keeps an idle connection for a minute, as nginx's keepalive_timeout of upstreams; the oldest
    /// one is closed if there is no room. Nothing is kept for a server that no line names any more.
    void keep(ngx_connection_t* c, Endpoint& server) noexcept;

    /// Closes what is idle to `server`.
    void close(Endpoint& server) noexcept;

private:
    struct Item {
        ngx_queue_t queue;     ///< of all that are idle, or free
        ngx_queue_t of_server; ///< of its idle ones
        SharedConnections* home;
        ngx_connection_t* connection;
        Endpoint* server; ///< a reference
        ngx_msec_t since;
    };

    static void on_event(ngx_event_t* event);
    static Item* item_of(ngx_queue_t* queue) noexcept;
    void vacate(Item* item) noexcept;
    void close(Item* item) noexcept;
    void on_timer() noexcept;

    std::deque<Item> items_; ///< stay where they are
    ngx_queue_t idle_{};     ///< the youngest first
    ngx_queue_t free_{};
    Timer timer_{this, calls<&SharedConnections::on_timer>}; ///< closes the oldest ones
};

/// What one client connection has of one group of servers.
struct Ownership {
    Ownership* next;
    const void* group;            ///< the upstream; only compared
    ngx_connection_t* connection; ///< owned and idle, else NULL
    Endpoint* server;             ///< of the connection, also after it is gone; a reference
    std::size_t* count;           ///< of the group's owned connections
};

/// The client's ownership of a group, or NULL; `create` adds it (NULL then: no memory).
Ownership* find_ownership(ngx_connection_t* client, const void* group, bool create) noexcept;

/// The server that knows the client, also after the connection is gone.
void remember(Ownership& ownership, Endpoint& server) noexcept;

/// How many idle server connections one client connection may own. Its requests are for one host,
/// so for few groups; a client that asks for more hosts on it wants to tie connections up.
inline constexpr std::size_t most_owned = 4;

/// Keeps an idle connection for the client that owns it; beyond `most_owned` the one that was used
/// longest ago is closed.
void keep_owned(ngx_connection_t* client, Ownership& ownership, ngx_connection_t* c,
                Endpoint& server, ngx_msec_t idle) noexcept;

/// The sender that a client's PROXY header names; AF_UNSPEC if it has none or isn't on the network.
ngx_sockaddr_t proxied_address(const ngx_connection_t* client) noexcept;

/// Whether a connection carries the requests of one client only: its address is that of the socket
/// or of the PROXY header. An address that realip has taken from a request is one behind a load
/// balancer, which may send several people's requests on one connection, also of people who have
/// the same address.
bool is_clients_own(const ngx_connection_t* client) noexcept;

/// Closes the idle connection that there is.
void close_owned(Ownership& ownership) noexcept;

/// Takes the owned connection back into use.
ngx_connection_t* take_owned(Ownership& ownership) noexcept;

/// What came of connecting: 0 or errno.
int error_of(const ngx_connection_t* c) noexcept;

/// OpenSSL takes a close_notify off the socket, so nothing is left there to see.
bool has_received_close_notify(const ngx_connection_t* c) noexcept;

/// How many bytes have been written to a connection, TLS's own included, since it was taken into
/// use or earlier: for the difference between two moments of a use.
std::uint64_t written_bytes(const ngx_connection_t* c) noexcept;

/// How many bytes the other side's TCP hasn't acknowledged, or 0 where the system doesn't know.
/// Works on a connection that was reset, too.
std::uint64_t unacknowledged_bytes(ngx_socket_t fd) noexcept;

/// An idle connection back into the hands of nginx's upstream.
void resume(ngx_connection_t* c, ngx_log_t* log) noexcept;

void close_server_connection(ngx_connection_t* c) noexcept;

/// Begins a connection outside of nginx's upstreams, whose events go to `handler`, with `data`.
/// NULL if there is none; `result` is what ngx_event_connect_peer says, NGX_ERROR without memory.
ngx_connection_t* begin_connection(const ngx_addr_t& address, ngx_log_t* log,
                                   ngx_event_handler_pt handler, void* data,
                                   ngx_int_t& result) noexcept;

} // namespace lync::nginx
