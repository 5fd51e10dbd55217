#include "nginx/upstream/peer_try.h"

#include "balance/affinity.h"
#include "balance/credentials.h"
#include "balance/ownership.h"
#include "nginx/request/attempt.h"

#include <algorithm>
#include <utility>

namespace lync::nginx {

namespace {

using balance::Availability;
using balance::no_server;
using balance::Source;

bool has_credential(const ngx_http_request_t* r) noexcept {
    const ngx_table_elt_t* header = r->headers_in.authorization;
    return header != nullptr && balance::is_connection_bound(view(header->value));
}

// --- which server

bool was_tried(const Peer& peer, const Endpoint* server) noexcept {
    const auto end = peer.tried.begin() + static_cast<std::ptrdiff_t>(peer.tries);
    return std::find(peer.tried.begin(), end, server) != end;
}

bool takes_requests(Group& group, const Endpoint* endpoint) noexcept {
    const Server* server = group.servers.find(endpoint);
    return server != nullptr && group.servers.takes_requests(*server, ngx_current_msec);
}

/// From here on the request is one of the server's. False if there is no memory.
bool use_server(ngx_peer_connection_t* pc, Peer& peer, Endpoint& server) noexcept {
    // nginx reads the name to the request's end, when the server may have left DNS.
    auto* name = static_cast<ngx_str_t*>(
        ngx_palloc(peer.request->pool, sizeof(ngx_str_t) + server.name.len));
    if (name == nullptr) {
        pc->name = &peer.group->title;
        add(server, Gauge::in_flight, -1);
        return false;
    }
    *name = {server.name.len, reinterpret_cast<u_char*>(name + 1)};
    ngx_memcpy(name->data, server.name.data, name->len);
    pc->name = name;
    peer.server = retain(&server);
    ngx_queue_insert_tail(&peer.group->busy, &peer.queue);
    if (peer.waits) {
        add(server, Gauge::waiting, 1);
    }
    peer.began = ngx_current_msec;
    pc->sockaddr = &server.address.sockaddr;
    pc->socklen = server.length;
    ignore_client_abort(peer.request);
    return true;
}

/// Takes a place among the server's requests; false if another worker has taken the last one.
bool enter(Endpoint& server, const balance::ServerSettings& settings) noexcept {
    add(server, Gauge::in_flight, 1);
    if (settings.max_conns != 0 && in_flight(server) > settings.max_conns) {
        add(server, Gauge::in_flight, -1);
        return false;
    }
    return true;
}

/// Of all workers' requests one may try a server whose time is over; it is out for the others.
bool begin_trial(Endpoint& server, const balance::ServerSettings& settings,
                 std::uint64_t now) noexcept {
    std::uint64_t since = server.record->failures.out.load(std::memory_order_relaxed);
    return since != 0 && now - since >= settings.fail_timeout &&
           server.record->failures.out.compare_exchange_strong(since, now);
}

bool begin_probe(Group& group, std::uint64_t now) noexcept {
    if (group.record == nullptr) {
        return true;
    }
    std::uint64_t until = group.record->probe.load(std::memory_order_relaxed);
    return now >= until &&
           group.record->probe.compare_exchange_strong(until, now + balance::probe_patience);
}

std::size_t choose_index(const Peer& peer, std::span<const balance::Candidate> candidates,
                         bool with_backups) noexcept {
    const auto choose = [&](bool backup) {
        return peer.client.known ? balance::choose_by_key(candidates, peer.client.key, backup)
                                 : balance::choose_least_outstanding(candidates, backup);
    };
    const std::size_t i = choose(false);
    return i == no_server && with_backups ? choose(true) : i;
}

/// Of these one for this request, entered; NULL if none takes it.
Endpoint* choose_among(Peer& peer, std::span<balance::Candidate> candidates, bool with_backups,
                       std::uint64_t now) noexcept {
    const std::span<Server> servers = peer.group->servers.all();
    if (peer.tries != 0) {
        for (balance::Candidate& candidate : candidates) {
            candidate.tried = was_tried(peer, servers[candidate.server].endpoint);
        }
    }
    std::size_t i = no_server;
    while ((i = choose_index(peer, candidates, with_backups)) != no_server) {
        Endpoint& server = *servers[candidates[i].server].endpoint;
        const balance::ServerSettings& settings = servers[candidates[i].server].line->settings;
        const bool trial = candidates[i].availability == Availability::trial;
        // One such risk is enough for one client.
        if (trial && (!peer.judged || peer.tried_out || !begin_trial(server, settings, now))) {
            candidates[i].availability = Availability::failed;
            continue;
        }
        peer.tried_out = peer.tried_out || trial;
        if (enter(server, settings)) {
            return &server;
        }
        candidates[i].availability = Availability::full;
    }
    return nullptr;
}

/// The server for this request, entered; NULL if there is none.
Endpoint* choose_server(Peer& peer) noexcept {
    Group& group = *peer.group;
    const std::uint64_t now = ngx_current_msec;
    const std::span<balance::Candidate> first =
        peer.client.known ? group.servers.home_candidate(peer.client.key, now)
                          : group.servers.some_candidates(now);
    if (Endpoint* server = first.empty() ? nullptr : choose_among(peer, first, false, now)) {
        return server;
    }
    const std::span<balance::Candidate> candidates = group.servers.candidates(now);
    if (Endpoint* server = choose_among(peer, candidates, true, now)) {
        return server;
    }

    const std::size_t i = balance::choose_probe(candidates, group.next_probe);
    if (i == no_server || !peer.judged || !begin_probe(group, now)) {
        return nullptr;
    }
    group.next_probe = i + 1;
    peer.probe = true;
    Endpoint* server = group.servers.all()[i].endpoint;
    add(*server, Gauge::in_flight, 1);
    return server;
}

ngx_int_t refuse_no_server(ngx_peer_connection_t* pc, Peer& peer) noexcept {
    Group& group = *peer.group;
    if (may_log(group.no_server_last_logged)) {
        const std::span<Server> servers = group.servers.all();
        const auto drained = std::ranges::count_if(
            servers, [](const Server& server) { return server.line->is_drained(); });
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "upstream \"%s\": none of its %uz servers takes requests, drained: %uz",
                      group.name.c_str(), servers.size(), static_cast<std::size_t>(drained));
    }
    pc->name = &group.title;
    return NGX_BUSY;
}

// --- whose connection

void use_connection(ngx_peer_connection_t* pc, Peer& peer, ngx_connection_t* c) noexcept {
    resume(c, pc->log);
    pc->connection = c;
    pc->cached = 1;
    peer.written = written_bytes(c);
}

ngx_int_t refuse_busy(ngx_peer_connection_t* pc, Peer& peer) noexcept {
    Group& group = *peer.group;
    if (may_log(group.limit_last_logged)) {
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "upstream \"%s\": %uz connections belong to clients, no more are allowed: "
                      "raise \"max=\" of \"connection_auth\" if that is their number",
                      group.name.c_str(), group.owned);
    }
    pc->name = &group.title;
    return NGX_BUSY;
}

void warn_of_balancer(ngx_peer_connection_t* pc, Group& group) noexcept {
    if (may_log(group.balancer_last_logged, 60)) {
        ngx_log_error(
            NGX_LOG_WARN, pc->log, 0,
            "upstream \"%s\": the client's address comes from a request header, so others "
            "may share its connection and it can't sign in by NTLM: have the load "
            "balancer send the PROXY protocol",
            group.name.c_str());
    }
}

/// What the request needs of a connection. `binding`: its credential will bind one.
balance::Wish wish_of(const Peer& peer, const Ownership* ownership, bool binding) noexcept {
    Group& group = *peer.group;
    const bool owns = ownership != nullptr && ownership->connection != nullptr;
    const bool knows = ownership != nullptr && ownership->server != nullptr;
    return {.credential = binding,
            .owns = owns,
            .knows_server = knows,
            .server_up = knows && !owns && !was_tried(peer, ownership->server) &&
                         takes_requests(group, ownership->server),
            .limit_reached = group.owned >= group.limits.owned};
}

/// A shared connection to the server, or a fresh one, which nginx makes.
ngx_int_t use_shared_connection(ngx_peer_connection_t* pc, Peer& peer) noexcept {
    const bool may_share = peer.group->binds && peer.judged && !peer.stale;
    ngx_connection_t* idle = may_share ? peer.group->transport->shared.take(*peer.server) : nullptr;
    if (idle == nullptr) {
        return NGX_OK;
    }
    use_connection(pc, peer, idle);
    return NGX_DONE;
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) {
    Peer& peer = *static_cast<Peer*>(data);
    Group& group = *peer.group;
    const bool binding = group.binds && peer.credential;

    pc->cached = 0;
    pc->connection = nullptr;
    peer.owned = false;
    if (!renew_sign_in(peer.request)) {
        pc->name = &group.title;
        return NGX_BUSY;
    }
    if (binding && peer.judged && !is_clients_own(peer.request->connection)) {
        warn_of_balancer(pc, group);
    }

    Ownership* ownership = ownership_of(peer, false);
    const Source source = balance::choose(wish_of(peer, ownership, binding));
    if (source == Source::busy) {
        return refuse_busy(pc, peer);
    }
    Endpoint* server = nullptr;
    if (source == Source::any_server) {
        server = choose_server(peer);
    } else {
        server = ownership->server;
        add(*server, Gauge::in_flight, 1);
    }
    if (server == nullptr) {
        return refuse_no_server(pc, peer);
    }
    if (!use_server(pc, peer, *server)) {
        return NGX_ERROR;
    }
    if (source == Source::owned) {
        peer.owned = true; // and counted already
        use_connection(pc, peer, take_owned(*ownership));
        return NGX_DONE;
    }
    if (binding) {
        peer.owned = true;
        count_owned(peer, 1);
    }
    return use_shared_connection(pc, peer);
}

// --- TLS sessions

ngx_int_t set_session(ngx_peer_connection_t* pc, void* data) {
    const Peer& peer = *static_cast<Peer*>(data);
    return peer.judged ? ngx_ssl_set_session(pc->connection, peer.server->session) : NGX_OK;
}

void save_session(ngx_peer_connection_t* pc, void* data) {
    const Peer& peer = *static_cast<Peer*>(data);
    if (!peer.judged || peer.server == nullptr || pc->connection == nullptr) {
        return; // tickets may come until the very end
    }
    if (ngx_ssl_session_t* session = ngx_ssl_get_session(pc->connection)) {
        if (ngx_ssl_session_t* old = std::exchange(peer.server->session, session)) {
            ngx_ssl_free_session(old);
        }
    }
}

Peer* peer_of(ngx_http_request_t* r) noexcept {
    ngx_http_upstream_t* u = r->upstream;
    return u != nullptr && u->peer.get == get_peer ? static_cast<Peer*>(u->peer.data) : nullptr;
}

} // namespace

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* upstream) {
    Group* group = conf_of<SrvConf>(upstream->srv_conf, ngx_lync_module).group;
    auto* peer = static_cast<Peer*>(ngx_pcalloc(r->pool, sizeof(Peer)));
    if (peer == nullptr) {
        return NGX_ERROR;
    }
    peer->group = group;
    peer->request = r;
    peer->judged = conf_of<LocConf>(r->loc_conf, ngx_lync_module).judged != 0;
    peer->credential = has_credential(r);
    peer->waits = is_pending_get(r);
    peer->client = client_of(r, group->affinity);

    ngx_peer_connection_t& pc = r->upstream->peer;
    pc.data = peer;
    pc.get = get_peer;
    pc.free = free_peer;
    pc.notify = nullptr;
    pc.set_session = set_session;
    pc.save_session = save_session;
    pc.tries = std::clamp<std::size_t>(group->servers.all().size(), 1, most_tries);
    skip_interim_responses(r, peer->interim);
    watch_request(r, peer->waiting);
    return NGX_OK;
}

InterimResponses* interim_responses_of(ngx_http_request_t* r) noexcept {
    Peer* peer = peer_of(r);
    return peer == nullptr ? nullptr : &peer->interim;
}

Ownership* ownership_of(const Peer& peer, bool create) noexcept {
    ngx_connection_t* client = peer.request->connection;
    if (!peer.group->binds || !peer.judged) {
        return nullptr;
    }
    Ownership* known = find_ownership(client, peer.group, false);
    if ((known == nullptr && !create) || !is_clients_own(client)) {
        return nullptr;
    }
    return known != nullptr ? known : find_ownership(client, peer.group, true);
}

void count_owned(const Peer& peer, std::int32_t by) noexcept {
    peer.group->owned += static_cast<std::size_t>(by);
    add(*peer.server, Gauge::owned, by);
}

void end_probe(Peer& peer, bool answered) noexcept {
    if (std::exchange(peer.probe, false) && peer.group->record != nullptr) {
        peer.group->record->probe.store(answered ? 0 : ngx_current_msec + balance::probe_pause,
                                        std::memory_order_relaxed);
    }
}

void note_answer(ngx_http_request_t* r) noexcept {
    Peer* peer = peer_of(r);
    if (peer != nullptr && peer->server != nullptr) {
        count_answer(*peer, r->connection->log);
    }
}

void note_build(ngx_http_request_t* r, Build build) noexcept {
    const Peer* peer = peer_of(r);
    if (peer == nullptr || peer->server == nullptr || peer->server->record == nullptr ||
        !peer->judged) {
        return;
    }
    Servers& servers = peer->group->servers;
    if (const Server* server = servers.find(peer->server); server != nullptr) {
        note_build(*peer->server->record, build, server->title, servers.farm(), r->connection->log);
    }
}

std::size_t server_of(ngx_http_request_t* r, Group& group) noexcept {
    const Peer* peer = peer_of(r);
    const Server* server = peer == nullptr || peer->group != &group || peer->server == nullptr
                               ? nullptr
                               : group.servers.find(peer->server);
    return server == nullptr ? no_server
                             : static_cast<std::size_t>(server - group.servers.all().data());
}

} // namespace lync::nginx
