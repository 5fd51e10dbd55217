#include "nginx/peer.h"

#include "balance/affinity.h"
#include "balance/credentials.h"
#include "balance/ownership.h"
#include "nginx/affinity.h"
#include "nginx/conf.h"
#include "nginx/request.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lync::nginx {

namespace {

using balance::Availability;
using balance::Challenge;
using balance::Fate;
using balance::no_server;
using balance::Source;

constexpr std::size_t most_tries = 16;

/// One request's way to a server. In the request's pool.
struct Peer {
    Group* group;
    ngx_http_request_t* request;
    ngx_queue_t queue; ///< in Group::busy while there is a server

    Endpoint* server;           ///< in use: a reference, and one more of its requests in flight
    const Endpoint* last;       ///< the last one in use; only compared
    std::uint64_t began;        ///< msec
    std::uint64_t written;      ///< bytes, on a kept connection, before this request
    bool waits;                 ///< a pending GET
    bool probe;                 ///< to a group without a server that takes requests
    bool tried_out;             ///< it has tried a server that had been left out

    bool has_key; ///< the client is bound to a server by affinity
    std::uint64_t key;

    bool credential; ///< in the request
    bool owned;      ///< the connection in use belongs to the client
    bool lost;       ///< an owned connection broke off with this request on it
    bool stale;      ///< a kept connection broke off: the next try is on a fresh one

    std::array<const Endpoint*, most_tries> tried; ///< in vain; only compared
    std::size_t tries;
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

// --- which server

bool was_tried(const Peer& peer, const Endpoint* server) noexcept {
    const auto end = peer.tried.begin() + static_cast<std::ptrdiff_t>(peer.tries);
    return std::find(peer.tried.begin(), end, server) != end;
}

/// The group's server at an endpoint, if it takes requests.
bool takes_requests(Group& group, const Endpoint* endpoint) noexcept {
    const std::span<Server> servers = group.servers.all();
    const std::span<const balance::Candidate> candidates =
        group.servers.candidates(ngx_current_msec);
    for (std::size_t i = 0; i < servers.size(); i++) {
        if (servers[i].endpoint == endpoint) {
            return candidates[i].availability == Availability::takes;
        }
    }
    return false;
}

/// From here on the request is one of the server's.
void use_server(ngx_peer_connection_t* pc, Peer& peer, Endpoint& server) noexcept {
    peer.server = retain(&server);
    ngx_queue_insert_tail(&peer.group->busy, &peer.queue);
    if (peer.waits) {
        add(server, Gauge::waiting, 1);
    }
    peer.last = &server;
    peer.began = ngx_current_msec;
    pc->sockaddr = &server.address.sockaddr;
    pc->socklen = server.length;
    pc->name = &server.name;
}

std::int32_t add_in_flight(Endpoint& server, std::int32_t by) noexcept {
    return add(server, Gauge::in_flight, by);
}

/// Takes a place among the server's requests; false if another worker has taken the last one.
bool enter(Endpoint& server, const balance::ServerSettings& settings) noexcept {
    const std::int32_t before = add_in_flight(server, 1);
    if (settings.max_conns != 0 && before >= static_cast<std::int32_t>(settings.max_conns)) {
        add_in_flight(server, -1);
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

void end_probe(Peer& peer, bool answered) noexcept {
    if (std::exchange(peer.probe, false) && peer.group->record != nullptr) {
        peer.group->record->probe.store(answered ? 0 : ngx_current_msec + balance::probe_pause,
                                        std::memory_order_relaxed);
    }
}

std::size_t choose_index(const Peer& peer, std::span<const balance::Candidate> candidates) {
    for (const bool backup : {false, true}) {
        const std::size_t i = peer.has_key ? balance::choose_by_key(candidates, peer.key, backup)
                                           : balance::choose_least_outstanding(candidates, backup);
        if (i != no_server) {
            return i;
        }
    }
    return no_server;
}

/// The server for this request, entered; NULL if there is none.
Endpoint* choose_server(Peer& peer) noexcept {
    Group& group = *peer.group;
    const std::uint64_t now = ngx_current_msec;
    const std::span<Server> servers = group.servers.all();
    const std::span<balance::Candidate> candidates = group.servers.candidates(now);
    if (peer.tries != 0) {
        for (std::size_t i = 0; i < servers.size(); i++) {
            candidates[i].tried = was_tried(peer, servers[i].endpoint);
        }
    }

    std::size_t i = no_server;
    while ((i = choose_index(peer, candidates)) != no_server) {
        Endpoint& server = *servers[i].endpoint;
        const balance::ServerSettings& settings = servers[i].line->settings;
        const bool trial = candidates[i].availability == Availability::trial;
        // One such risk is enough for one client.
        if (trial && (peer.tried_out || !begin_trial(server, settings, now))) {
            candidates[i].availability = Availability::failed;
            continue;
        }
        peer.tried_out = peer.tried_out || trial;
        if (enter(server, settings)) {
            return &server;
        }
        candidates[i].availability = Availability::full;
    }

    i = balance::choose_probe(candidates, group.next_probe);
    if (i == no_server || !begin_probe(group, now)) {
        return nullptr;
    }
    group.next_probe = i + 1;
    peer.probe = true;
    add_in_flight(*servers[i].endpoint, 1);
    return servers[i].endpoint;
}

ngx_int_t refuse_nobody(ngx_peer_connection_t* pc, Peer& peer) noexcept {
    Group& group = *peer.group;
    if (group.told_nobody != ngx_time()) {
        group.told_nobody = ngx_time();
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "upstream \"%s\": none of its %uz servers takes requests", group.name.c_str(),
                      group.servers.all().size());
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
    if (group.told_limit != ngx_time()) {
        group.told_limit = ngx_time();
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "upstream \"%s\": %uz connections belong to clients, no more are allowed: "
                      "raise \"max=\" of \"connection_auth\" if that is their number",
                      group.name.c_str(), group.owned);
    }
    pc->name = &group.title;
    return NGX_BUSY;
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) {
    Peer& peer = *static_cast<Peer*>(data);
    Group& group = *peer.group;

    pc->cached = 0;
    pc->connection = nullptr;
    peer.owned = false;

    Ownership* ownership =
        group.binds ? find_ownership(peer.request->connection, &group, false) : nullptr;
    const bool knows = ownership != nullptr && ownership->server != nullptr;

    switch (balance::choose({.credential = group.binds && peer.credential,
                             .owns = ownership != nullptr && ownership->connection != nullptr,
                             .knows_server = knows,
                             .server_up = knows && !was_tried(peer, ownership->server) &&
                                          takes_requests(group, ownership->server),
                             .limit_reached = group.owned >= group.limits.owned})) {
    case Source::owned:
        add_in_flight(*ownership->server, 1);
        use_server(pc, peer, *ownership->server);
        peer.owned = true; // and counted already
        use_connection(pc, peer, take_owned(*ownership));
        return NGX_DONE;
    case Source::busy:
        return refuse_busy(pc, peer);
    case Source::same_server:
        add_in_flight(*ownership->server, 1);
        use_server(pc, peer, *ownership->server);
        break;
    case Source::any_server: {
        Endpoint* server = choose_server(peer);
        if (server == nullptr) {
            return refuse_nobody(pc, peer);
        }
        use_server(pc, peer, *server);
        break;
    }
    }

    if (group.binds && peer.credential) {
        peer.owned = true;
        group.owned++;
        add(*peer.server, Gauge::owned, 1);
    }
    ngx_connection_t* idle =
        group.shares && !peer.stale ? group.reach->shared.take(*peer.server) : nullptr;
    if (idle == nullptr) {
        return NGX_OK;
    }
    use_connection(pc, peer, idle);
    return NGX_DONE;
}

// --- how it went

bool is_reusable(const Peer& peer, const ngx_connection_t* c, ngx_uint_t state) noexcept {
    const ngx_http_upstream_t* u = peer.request->upstream;
    return (state & NGX_PEER_FAILED) == 0 && c != nullptr && !c->read->eof && !c->read->error &&
           !c->read->timedout && !c->write->error && !c->write->timedout && !has_said_farewell(c) &&
           u->keepalive && u->request_body_sent && !ngx_terminate && !ngx_exiting &&
           ngx_current_msec - c->start_time <= peer.group->limits.age &&
           ngx_handle_read_event(c->read, 0) == NGX_OK;
}

void remember_server(const Peer& peer) noexcept {
    Ownership* ownership = find_ownership(peer.request->connection, peer.group, true);
    if (ownership != nullptr) {
        remember(*ownership, *peer.server);
    }
}

/// Takes the connection out of nginx's hands if it has a future. Whether it was the client's own.
bool settle_connection(ngx_peer_connection_t* pc, Peer& peer, ngx_uint_t state) noexcept {
    Group& group = *peer.group;
    ngx_connection_t* c = pc->connection;

    const Challenge challenge =
        group.binds && !peer.owned && c != nullptr ? challenge_of(peer.request) : Challenge::none;
    const balance::Exchange exchange{.reusable = is_reusable(peer, c, state),
                                     .owned = peer.owned,
                                     .token = challenge == Challenge::token,
                                     .shares = group.shares};
    if (challenge == Challenge::bare) {
        // The client will be back with a handshake. On this server, or two turns for each sign-in
        // would bring all of them to every second one.
        remember_server(peer);
    }

    switch (balance::settle(exchange)) {
    case Fate::share:
        pc->connection = nullptr;
        group.reach->shared.keep(c, *peer.server, group.limits.shared_idle);
        return false;

    case Fate::keep: {
        Ownership* ownership = find_ownership(peer.request->connection, &group, true);
        if (ownership != nullptr && ownership->connection == nullptr) {
            if (!exchange.owned) {
                group.owned++;
                add(*peer.server, Gauge::owned, 1);
            }
            ownership->count = &group.owned;
            pc->connection = nullptr;
            keep_owned(*ownership, c, *peer.server, group.limits.owned_idle);
            return true;
        }
        break;
    }

    case Fate::close:
        break;
    }

    if (exchange.owned) {
        group.owned--;
        add(*peer.server, Gauge::owned, -1);
    }
    if ((exchange.owned || exchange.token) && ((state & NGX_PEER_FAILED) == 0 || pc->cached)) {
        remember_server(peer); // the client comes back to the one that knew it
    }
    return exchange.owned || exchange.token;
}

/// Whether the server closed a kept connection before it answered a byte: its right, so it may say
/// nothing about its health.
bool is_stale(const ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    const ngx_connection_t* c = pc->connection;
    const ngx_http_upstream_t* u = peer.request->upstream;
    return pc->cached && c != nullptr && !c->read->timedout && !c->write->timedout &&
           u->state != nullptr && u->state->bytes_received == 0;
}

/// Whether the server may have had something of the request. On a kept connection that it had
/// closed before the request came, its TCP acknowledges nothing: all that was written still waits.
bool has_arrived(const ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    // Without a connection the flag is still that of the try before.
    const ngx_connection_t* c = pc->connection;
    return c != nullptr && peer.request->upstream->request_sent &&
           (!pc->cached || unacknowledged_bytes(c->fd) < written_bytes(c) - peer.written);
}

/// Whether a request on a stale connection may be sent again: a safe one that was never there, or
/// that the server read when it was about to close; not if it has had it for a while, or was to
/// keep it waiting.
bool may_repeat(const ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    constexpr std::uint64_t at_once = 1000; // msec
    constexpr ngx_uint_t safe = NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS | NGX_HTTP_PROPFIND;
    return (peer.request->method & safe) != 0 &&
           (!has_arrived(pc, peer) ||
            (ngx_current_msec - peer.began < at_once && !peer.waits));
}

/// Another try is made only if nothing of the request can have been acted on.
bool may_try_again(const ngx_peer_connection_t* pc, const Peer& peer, bool stale) noexcept {
    if (pc->connection == nullptr || !peer.request->upstream->request_sent) {
        return !peer.lost; // no connection, or no TLS on it
    }
    // The request of an owned connection is for its server, once more on a fresh one; a credential
    // is meant for this one connection.
    return stale && !peer.lost && !(peer.owned && peer.credential) && may_repeat(pc, peer);
}

/// Whether a failure speaks against the server. No connection and no TLS do. That it broke off, or
/// didn't answer in time, may be the request's doing: a page that crashes, an upload that is refused
/// before its end. Such failures count when there are several without an answer to anybody between
/// them; a pending GET that nothing has ended never does.
bool is_held_against(const ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    constexpr std::uint32_t in_a_row = 3;
    const ngx_connection_t* c = pc->connection;
    const ngx_http_upstream_t* u = peer.request->upstream;
    if (c == nullptr || !u->request_sent) {
        return true;
    }
    if (!u->request_body_sent || (peer.waits && c->read->timedout)) {
        return false;
    }
    return peer.server->record->failures.broken.fetch_add(1, std::memory_order_relaxed) + 1 >=
           in_a_row;
}

void count_failure(ngx_peer_connection_t* pc, Peer& peer) noexcept {
    Group& group = *peer.group;
    Record* record = peer.server->record;
    if (record == nullptr || !group.servers.counts_failures() || !is_held_against(pc, peer)) {
        return;
    }
    for (const Server& server : group.servers.all()) {
        if (server.endpoint != peer.server) {
            continue;
        }
        balance::Failures failures = load(record->failures);
        const bool out = failures.fail(server.line->settings, ngx_current_msec);
        store(record->failures, failures);
        if (out) {
            ngx_log_error(NGX_LOG_WARN, pc->log, 0,
                          "lync_balance: server %V of upstream \"%s\" is left out for %uL ms, "
                          "max_fails=%ui is reached",
                          &peer.server->name, group.name.c_str(),
                          server.line->settings.fail_timeout,
                          static_cast<ngx_uint_t>(server.line->settings.max_fails));
        }
        return;
    }
}

void count_answer(Peer& peer, ngx_log_t* log) noexcept {
    end_probe(peer, true);
    Record* record = peer.server->record;
    if (record == nullptr) {
        return;
    }
    if (record->failures.broken.load(std::memory_order_relaxed) != 0) {
        record->failures.broken.store(0, std::memory_order_relaxed);
    }
    if (record->failures.out.load(std::memory_order_relaxed) == 0) {
        return;
    }
    balance::Failures failures = load(record->failures);
    if (failures.succeed(peer.began, ngx_current_msec)) {
        store(record->failures, failures);
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "lync_balance: server %V of upstream \"%s\" answers again",
                      &peer.server->name, peer.group->name.c_str());
    }
}

/// For the status: what the try was like.
void count(const ngx_peer_connection_t* pc, const Peer& peer, bool failed) noexcept {
    for (const Server& server : peer.group->servers.all()) {
        if (server.endpoint == peer.server && server.cells != nullptr) {
            count_try(peer.request, *server.cells, pc->connection, pc->cached != 0, failed);
            return;
        }
    }
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state) {
    Peer& peer = *static_cast<Peer*>(data);
    const bool failed = (state & NGX_PEER_FAILED) != 0;
    const bool stale = failed && is_stale(pc, peer);
    const bool again = !failed || may_try_again(pc, peer, stale);
    const bool lost = failed && peer.owned && has_arrived(pc, peer);

    if (failed && !(stale && (again || !has_arrived(pc, peer)))) {
        count_failure(pc, peer);
    } else if (!failed && peer.request->upstream->headers_in.status_n != 0) {
        count_answer(peer, pc->log);
    }
    end_probe(peer, false);

    if (!stale) {
        count(pc, peer, failed);
    }
    const ngx_connection_t* c = pc->connection;
    const ngx_atomic_uint_t number = c == nullptr ? 0 : c->number;
    note_owned_connection(peer.request, settle_connection(pc, peer, state) ? number : 0);
    peer.lost = peer.lost || lost;
    peer.owned = false;
    add_in_flight(*peer.server, -1);
    if (peer.waits) {
        add(*peer.server, Gauge::waiting, -1);
    }

    if (stale && again) {
        peer.stale = true; // on a fresh connection, of the same server if it still takes requests
    } else {
        if (peer.tries < peer.tried.size()) {
            peer.tried[peer.tries++] = peer.server;
        }
        pc->tries -= pc->tries != 0 ? 1 : 0;
    }
    if (!again) {
        pc->tries = 0;
        pc->cached = 0; // nginx tries once more if one was
    }
    ngx_queue_remove(&peer.queue);
    release(std::exchange(peer.server, nullptr));
}

/// Ends the wait for the first byte of an answer, if that is what the request does.
bool end_wait(const Peer& peer) noexcept {
    constexpr ngx_msec_t soon = 1; // after what has arrived by now
    const ngx_http_upstream_t* u = peer.request->upstream;
    const ngx_connection_t* c = u->peer.connection;
    if (c == nullptr || !u->request_sent || u->state == nullptr || u->state->bytes_received != 0 ||
        !c->read->timer_set ||
        static_cast<ngx_msec_int_t>(c->read->timer.key - ngx_current_msec) < 1000) {
        return false;
    }
    ngx_add_timer(c->read, soon);
    return true;
}

bool is_silent(const balance::SharedHealth& health) noexcept {
    if (health.takes_requests()) {
        return false;
    }
    const auto reason =
        static_cast<balance::Reason>(health.cause_reason.load(std::memory_order_relaxed));
    return reason == balance::Reason::refused || reason == balance::Reason::unreachable ||
           reason == balance::Reason::timed_out;
}

// --- TLS sessions

ngx_int_t set_session(ngx_peer_connection_t* pc, void* data) {
    const Peer& peer = *static_cast<Peer*>(data);
    return ngx_ssl_set_session(pc->connection, peer.server->session);
}

void save_session(ngx_peer_connection_t* pc, void* data) {
    const Peer& peer = *static_cast<Peer*>(data);
    if (peer.server == nullptr || pc->connection == nullptr) {
        return; // tickets may come until the very end
    }
    ngx_ssl_session_t* session = ngx_ssl_get_session(pc->connection);
    if (session == nullptr) {
        return;
    }
    ngx_ssl_session_t* old = std::exchange(peer.server->session, session);
    if (old != nullptr) {
        ngx_ssl_free_session(old);
    }
}

Group* group_of(ngx_http_upstream_srv_conf_t* upstream) noexcept {
    return static_cast<SrvConf*>(ngx_http_conf_upstream_srv_conf(upstream, ngx_lync_module))->group;
}

Peer* peer_of(ngx_http_request_t* r) noexcept {
    ngx_http_upstream_t* u = r->upstream;
    return u != nullptr && u->peer.get == get_peer ? static_cast<Peer*>(u->peer.data) : nullptr;
}

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* upstream) {
    Group* group = group_of(upstream);
    auto* peer = static_cast<Peer*>(ngx_pcalloc(r->pool, sizeof(Peer)));
    if (peer == nullptr) {
        return NGX_ERROR;
    }
    peer->group = group;
    peer->request = r;
    peer->credential = has_credential(r);
    peer->waits = is_pending_get(r);
    if (group->servers.all().size() > 1) {
        const Client client = client_of(r, group->affinity);
        peer->has_key = client.known;
        peer->key = client.key;
    }

    ngx_peer_connection_t& pc = r->upstream->peer;
    pc.data = peer;
    pc.get = get_peer;
    pc.free = free_peer;
    pc.notify = nullptr;
    pc.set_session = set_session;
    pc.save_session = save_session;
    pc.tries = std::clamp<std::size_t>(group->servers.all().size(), 1, most_tries);
    return NGX_OK;
}

} // namespace

std::string Group::key() const {
    const topology::Farm& farm = servers.farm();
    return farm.name + ":" + std::to_string(servers.lines().front().port) + " " + reach->key();
}

void take_over(ngx_http_upstream_srv_conf_t* upstream, Group& group, bool resolve_at_start) {
    const auto* parsed = static_cast<ngx_http_upstream_server_t*>(upstream->servers->elts);
    for (std::size_t i = 0; i < group.servers.lines().size(); i++) {
        if (resolve_at_start || !group.servers.lines()[i].declared->by_name) {
            group.servers.replace(i, {parsed[i].addrs, parsed[i].naddrs});
        }
    }
    group.title = upstream->host;
    upstream->peer.init = init_peer;
    static_cast<SrvConf*>(ngx_http_conf_upstream_srv_conf(upstream, ngx_lync_module))->group =
        &group;
}

void end_unanswered(Group& group, ngx_log_t* log) noexcept {
    for (const Server& server : group.servers.all()) {
        if (server.check == nullptr || !is_silent(server.check->health)) {
            continue;
        }
        std::size_t ended = 0;
        for (ngx_queue_t* q = ngx_queue_head(&group.busy); q != ngx_queue_sentinel(&group.busy);
             q = ngx_queue_next(q)) {
            const Peer& peer = *ngx_queue_data(q, Peer, queue);
            ended += peer.server == server.endpoint && !peer.probe && end_wait(peer) ? 1 : 0;
        }
        if (ended != 0) {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "lync_balance: server %V of upstream \"%s\" is down: %uz requests that "
                          "it hasn't begun to answer end here",
                          &server.endpoint->name, group.name.c_str(), ended);
        }
    }
}

void note_answer(ngx_http_request_t* r) noexcept {
    Peer* peer = peer_of(r);
    if (peer != nullptr && peer->server != nullptr) {
        count_answer(*peer, r->connection->log);
    }
}

std::size_t server_of(ngx_http_request_t* r, Group& group) noexcept {
    const Peer* peer = peer_of(r);
    if (peer == nullptr || peer->group != &group || peer->last == nullptr) {
        return no_server;
    }
    const std::span<Server> servers = group.servers.all();
    const auto found = std::find_if(servers.begin(), servers.end(),
                                    [&](const Server& s) { return s.endpoint == peer->last; });
    return found == servers.end() ? no_server : static_cast<std::size_t>(found - servers.begin());
}

} // namespace lync::nginx
