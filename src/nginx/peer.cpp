#include "nginx/peer.h"

#include "balance/credentials.h"
#include "balance/ownership.h"
#include "nginx/conf.h"

#include <algorithm>
#include <utility>

namespace lync::nginx {

namespace {

using balance::Challenge;
using balance::Fate;
using balance::Source;

/// One request's way to a server. In the request's pool.
struct Peer {
    Group* group;
    ngx_http_request_t* request;

    /// The layer below: round robin or least_conn, which both keep their state in `data`.
    ngx_http_upstream_rr_peer_data_t* data;
    ngx_event_get_peer_pt get;
    ngx_event_free_peer_pt free;
    ngx_event_notify_peer_pt notify;
    ngx_event_set_peer_session_pt set_session;
    ngx_event_save_peer_session_pt save_session;

    bool credential; ///< in the request
    bool owned;      ///< the connection in use belongs to the client
    bool lost;       ///< an owned connection broke off under this request
};

bool has_credential(const ngx_http_request_t* r) noexcept {
    const ngx_table_elt_t* header = r->headers_in.authorization;
    return header != nullptr && balance::is_connection_bound(view(header->value));
}

/// Any line of the answer, whatever its status: a 200 carries the last token of a handshake.
Challenge challenge_of(ngx_http_request_t* r) noexcept {
    const ngx_http_upstream_t* u = r->upstream;
    if (u->headers_in.www_authenticate == nullptr) {
        return Challenge::none;
    }
    Challenge strongest = Challenge::none;
    constexpr std::string_view name = "www-authenticate";
    const ngx_list_part_t* part = &u->headers_in.headers.part;
    for (; part != nullptr; part = part->next) {
        const auto* header = static_cast<ngx_table_elt_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (header[i].key.len == name.size() &&
                ngx_strncmp(header[i].lowcase_key, name.data(), name.size()) == 0) {
                strongest = std::max(strongest, balance::challenge_of(view(header[i].value)));
            }
        }
    }
    return strongest;
}

/// As nginx's round robin asks before it chooses a server.
bool takes_requests(const ngx_http_upstream_rr_peer_t& peer) noexcept {
    const bool failed = peer.max_fails != 0 && peer.fails >= peer.max_fails &&
                        ngx_time() - peer.checked <= peer.fail_timeout;
    const bool full = peer.max_conns != 0 && peer.conns >= peer.max_conns;
    return peer.down == 0 && !failed && !full;
}

/// Has the layer below account for a server that it didn't choose: its `free` goes by `current`.
void choose_server(ngx_peer_connection_t* pc, Peer& peer, const Server& server) noexcept {
    ngx_http_upstream_rr_peers_wlock(server.group);
    peer.data->peers = server.group;
    peer.data->current = server.peer;
    ngx_http_upstream_rr_peer_ref(server.group, server.peer);
    server.peer->conns++;
    ngx_http_upstream_rr_peers_unlock(server.group);

    pc->sockaddr = server.peer->sockaddr;
    pc->socklen = server.peer->socklen;
    pc->name = &server.peer->name;
}

void use(ngx_peer_connection_t* pc, ngx_connection_t* c) noexcept {
    resume(c, pc->log);
    pc->connection = c;
    pc->cached = 1;
}

ngx_int_t refuse_busy(ngx_peer_connection_t* pc, Peer& peer) noexcept {
    Group& group = *peer.group;
    if (group.told_limit != ngx_time()) {
        group.told_limit = ngx_time();
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "upstream \"%s\": %uz connections belong to clients, no more are allowed: "
                      "raise \"max=\" of \"connection_auth\" if that is their number",
                      group.name.c_str(), group.owned);
    }
    pc->name = peer.data->peers->name;
    return NGX_BUSY;
}

/// From here on the connection belongs to the client, wherever it came from.
void own(Peer& peer) noexcept {
    if (!peer.owned) {
        peer.owned = true;
        peer.group->owned++;
    }
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) {
    Peer& peer = *static_cast<Peer*>(data);
    Group& group = *peer.group;

    pc->cached = 0;
    pc->connection = nullptr;
    peer.owned = false;

    Ownership* ownership =
        group.binds ? find_ownership(peer.request->connection, &group, false) : nullptr;
    const bool knows = ownership != nullptr && ownership->server.peer != nullptr;

    switch (balance::choose({.credential = group.binds && peer.credential,
                             .owns = ownership != nullptr && ownership->connection != nullptr,
                             .knows_server = knows,
                             .server_up = knows && takes_requests(*ownership->server.peer),
                             .limit_reached = group.owned >= group.limits.owned})) {
    case Source::owned:
        choose_server(pc, peer, ownership->server);
        peer.owned = true; // and counted already
        use(pc, take_owned(*ownership));
        return NGX_DONE;
    case Source::busy:
        return refuse_busy(pc, peer);
    case Source::same_server:
        choose_server(pc, peer, ownership->server);
        break;
    case Source::any_server:
        if (const ngx_int_t result = peer.get(pc, peer.data); result != NGX_OK) {
            return result;
        }
        break;
    }

    if (group.binds && peer.credential) {
        own(peer);
    }
    ngx_connection_t* idle =
        group.shares ? group.shared.take({peer.data->peers, peer.data->current}) : nullptr;
    if (idle == nullptr) {
        return NGX_OK;
    }
    use(pc, idle);
    return NGX_DONE;
}

bool is_reusable(const Peer& peer, const ngx_connection_t* c, ngx_uint_t state) noexcept {
    const ngx_http_upstream_t* u = peer.request->upstream;
    return (state & NGX_PEER_FAILED) == 0 && c != nullptr && !c->read->eof && !c->read->error &&
           !c->read->timedout && !c->write->error && !c->write->timedout && !has_said_farewell(c) &&
           u->keepalive && u->request_body_sent && !ngx_terminate && !ngx_exiting &&
           ngx_current_msec - c->start_time <= peer.group->limits.age &&
           ngx_handle_read_event(c->read, 0) == NGX_OK;
}

void remember_server(const Peer& peer, const Server& server) noexcept {
    Ownership* ownership = find_ownership(peer.request->connection, peer.group, true);
    if (ownership != nullptr) {
        ownership->server = server;
    }
}

/// Takes the connection out of nginx's hands if it has a future.
void settle_connection(ngx_peer_connection_t* pc, Peer& peer, ngx_uint_t state) noexcept {
    Group& group = *peer.group;
    ngx_connection_t* c = pc->connection;
    const Server server{peer.data->peers, peer.data->current};

    const Challenge challenge =
        group.binds && !peer.owned && c != nullptr ? challenge_of(peer.request) : Challenge::none;
    if (challenge == Challenge::token) {
        own(peer);
    } else if (challenge == Challenge::bare) {
        // The client will be back with a handshake. On this server, or two turns for each sign-in
        // would bring all of them to every second one.
        remember_server(peer, server);
    }

    const Fate fate = balance::settle({.reusable = is_reusable(peer, c, state),
                                       .owned = peer.owned,
                                       .token = false,
                                       .shares = group.shares});
    switch (fate) {
    case Fate::share:
        pc->connection = nullptr;
        group.shared.keep(c, server, group.limits.shared_idle);
        return;

    case Fate::keep: {
        Ownership* ownership = find_ownership(peer.request->connection, &group, true);
        if (ownership != nullptr && ownership->connection == nullptr) {
            ownership->count = &group.owned;
            pc->connection = nullptr;
            keep_owned(*ownership, c, server, group.limits.owned_idle);
            return;
        }
        break;
    }

    case Fate::close:
        break;
    }

    if (peer.owned) {
        group.owned--;
        if ((state & NGX_PEER_FAILED) == 0 || pc->cached) {
            remember_server(peer, server); // the client comes back to the one that knew it
        }
    }
}

/// A kept connection that the server closed before it answered says nothing about the server's
/// health: the next try is on a fresh one, for an owner on the same server.
bool is_stale(const ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    const ngx_connection_t* c = pc->connection;
    const ngx_http_upstream_t* u = peer.request->upstream;
    return pc->cached && c != nullptr && !c->read->timedout && !c->write->timedout &&
           u->state != nullptr && u->state->bytes_received == 0;
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state) {
    Peer& peer = *static_cast<Peer*>(data);
    const bool failed = (state & NGX_PEER_FAILED) != 0;
    const bool sent = peer.request->upstream->request_sent;
    const bool credential_sent = peer.owned && peer.credential && sent;
    const bool sent_again = peer.lost && sent;
    const bool stale = failed && !credential_sent && is_stale(pc, peer);

    peer.lost = peer.lost || (failed && peer.owned);
    settle_connection(pc, peer, state);
    peer.owned = false;
    peer.free(pc, peer.data, stale ? NGX_PEER_NEXT : state);

    if (failed && (credential_sent || sent_again)) {
        // A credential is meant for this connection, and the request of an owned connection for
        // its server, once more on a fresh one: nginx tries no other.
        pc->tries = 0;
        pc->cached = 0;
    }
}

void notify_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t type) {
    Peer& peer = *static_cast<Peer*>(data);
    peer.notify(pc, peer.data, type);
}

ngx_int_t set_peer_session(ngx_peer_connection_t* pc, void* data) {
    Peer& peer = *static_cast<Peer*>(data);
    return peer.set_session(pc, peer.data);
}

void save_peer_session(ngx_peer_connection_t* pc, void* data) {
    Peer& peer = *static_cast<Peer*>(data);
    peer.save_session(pc, peer.data);
}

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* upstream) {
    Group* group =
        static_cast<SrvConf*>(ngx_http_conf_upstream_srv_conf(upstream, ngx_lync_module))->group;

    if (group->init_peer(r, upstream) != NGX_OK) {
        return NGX_ERROR;
    }
    auto* peer = static_cast<Peer*>(ngx_pcalloc(r->pool, sizeof(Peer)));
    if (peer == nullptr) {
        return NGX_ERROR;
    }

    ngx_peer_connection_t& pc = r->upstream->peer;
    peer->group = group;
    peer->request = r;
    peer->credential = has_credential(r);
    peer->data = static_cast<ngx_http_upstream_rr_peer_data_t*>(pc.data);
    peer->get = std::exchange(pc.get, get_peer);
    peer->free = std::exchange(pc.free, free_peer);
    if (pc.notify != nullptr) {
        peer->notify = std::exchange(pc.notify, notify_peer);
    }
    if (pc.set_session != nullptr) {
        peer->set_session = std::exchange(pc.set_session, set_peer_session);
        peer->save_session = std::exchange(pc.save_session, save_peer_session);
    }
    pc.data = peer;
    return NGX_OK;
}

} // namespace

void wrap_upstream(ngx_http_upstream_srv_conf_t* upstream, Group& group) {
    group.shared.reserve(group.limits.shared);
    group.init_peer = std::exchange(upstream->peer.init, init_peer);
    static_cast<SrvConf*>(ngx_http_conf_upstream_srv_conf(upstream, ngx_lync_module))->group =
        &group;
}

} // namespace lync::nginx
