#include "nginx/upstream/peer_try.h"

#include "balance/credentials.h"
#include "balance/outcome.h"
#include "balance/ownership.h"
#include "nginx/request/attempt.h"
#include "nginx/request/target.h"

#include <algorithm>
#include <utility>

namespace lync::nginx {

namespace {

using balance::Challenge;
using balance::Evidence;
using balance::Fate;

/// Any line of the answer, whatever its status: a 200 carries the last token of a handshake.
Challenge challenge_of(ngx_http_request_t* r) noexcept {
    const ngx_http_upstream_t* u = r->upstream;
    if (u->headers_in.www_authenticate == nullptr) {
        return Challenge::none;
    }
    Challenge strongest = Challenge::none;
    any_header(u->headers_in.headers, "www-authenticate", [&](const ngx_table_elt_t& header) {
        strongest = std::max(strongest, balance::challenge_of(view(header.value)));
        return false;
    });
    return strongest;
}

/// Whether the server sent more than its answer, or its end. nginx doesn't look behind an answer
/// without a body; what OpenSSL has read is no longer on the socket to be seen.
bool has_more(const Peer& peer, const ngx_connection_t* c) noexcept {
    const ngx_buf_t& buffer = peer.request->upstream->buffer;
    return (peer.request->header_only && buffer.pos != buffer.last) ||
           (c->ssl != nullptr && SSL_has_pending(c->ssl->connection) != 0) ||
           has_received_close_notify(c);
}

/// Whether the server has received the body that the request's head announces. What nginx counts as
/// sent may have been discarded.
bool has_sent_body(const ngx_http_request_t* r) noexcept {
    return r->upstream->request_body_sent &&
           (!announces_body(r) ||
            (!r->discard_body && r->request_body != nullptr && r->request_body->rest == 0));
}

bool is_reusable(const Peer& peer, const ngx_connection_t* c, ngx_uint_t state) noexcept {
    const ngx_http_upstream_t* u = peer.request->upstream;
    return peer.judged && (state & NGX_PEER_FAILED) == 0 && c != nullptr && !c->read->eof &&
           !c->read->error && !c->read->timedout && !c->write->error && !c->write->timedout &&
           u->keepalive && has_sent_body(peer.request) && !has_more(peer, c) && !ngx_terminate &&
           !ngx_exiting && ngx_current_msec - c->start_time <= peer.group->limits.age &&
           ngx_handle_read_event(c->read, 0) == NGX_OK;
}

void remember_server(const Peer& peer) noexcept {
    Ownership* ownership = ownership_of(peer, true);
    if (ownership != nullptr) {
        remember(*ownership, *peer.server);
    }
}

/// Keeps the connection for its client; false if nothing may be kept for it.
bool keep_connection(ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    Group& group = *peer.group;
    Ownership* ownership = ownership_of(peer, true);
    if (ownership == nullptr || ownership->connection != nullptr) {
        return false;
    }
    if (!peer.owned) {
        count_owned(peer, 1);
    }
    ownership->count = &group.owned;
    keep_owned(peer.request->connection, *ownership, std::exchange(pc->connection, nullptr),
               *peer.server, group.limits.owned_idle);
    return true;
}

/// Takes the connection out of nginx's hands if it has a future. Whether it was the client's own.
bool settle_connection(ngx_peer_connection_t* pc, Peer& peer, ngx_uint_t state) noexcept {
    Group& group = *peer.group;
    ngx_connection_t* c = pc->connection;

    const Challenge challenge =
        group.binds && c != nullptr ? challenge_of(peer.request) : Challenge::none;
    const balance::Exchange exchange{.reusable = is_reusable(peer, c, state),
                                     .owned = peer.owned,
                                     .token = challenge == Challenge::token,
                                     .refused = peer.credential &&
                                                peer.request->upstream->headers_in.status_n ==
                                                    NGX_HTTP_UNAUTHORIZED,
                                     .shares = group.binds};
    if (challenge == Challenge::bare) {
        // The client will be back with a handshake. On this server, or two turns for each sign-in
        // would bring all of them to every second one.
        remember_server(peer);
    }

    const Fate fate = balance::settle(exchange);
    if (fate == Fate::share) {
        pc->connection = nullptr;
        group.transport->shared.keep(c, *peer.server);
        return false;
    }
    if (fate == Fate::keep && keep_connection(pc, peer)) {
        return true;
    }
    if (exchange.owned) {
        count_owned(peer, -1);
    }
    if ((exchange.owned || exchange.token) && ((state & NGX_PEER_FAILED) == 0 || pc->cached)) {
        remember_server(peer); // the client comes back to the one that knew it
    }
    return exchange.owned || exchange.token;
}

/// Whether the server may have had something of the request. On a kept connection that it had
/// closed before the request came, its TCP acknowledges nothing: all that was written still waits.
bool has_arrived(const ngx_peer_connection_t* pc, const Peer& peer) noexcept {
    // Without a connection the flag is still that of the try before.
    const ngx_connection_t* c = pc->connection;
    return c != nullptr && peer.request->upstream->request_sent &&
           (!pc->cached || unacknowledged_bytes(c->fd) < written_bytes(c) - peer.written);
}

balance::Try try_of(const ngx_peer_connection_t* pc, const Peer& peer, bool failed) noexcept {
    constexpr ngx_uint_t safe = NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS | NGX_HTTP_PROPFIND;
    const ngx_connection_t* c = pc->connection;
    const ngx_http_upstream_t* u = peer.request->upstream;
    return {.failed = failed,
            .answered = failed ? u->state->bytes_received != 0 : u->headers_in.status_n != 0,
            .sent = c != nullptr && u->request_sent,
            .body_sent = u->request_body_sent != 0,
            .arrived = failed && has_arrived(pc, peer),
            .kept = c != nullptr && pc->cached,
            .timed_out = c != nullptr && (c->read->timedout || c->write->timedout),
            .owned = peer.owned,
            .credential = peer.credential,
            .safe = (peer.request->method & safe) != 0,
            .waits = peer.waits,
            .lost_before = peer.lost,
            .elapsed = ngx_current_msec - peer.began};
}

/// Whether a failure speaks against the server. Exchanges that broke off do when there are several
/// without any answer between them.
bool is_held_against(Record& record, Evidence evidence) noexcept {
    constexpr std::uint32_t in_a_row = 3;
    return evidence == Evidence::failure ||
           record.failures.broken.fetch_add(1, std::memory_order_relaxed) + 1 >= in_a_row;
}

void count_failure(ngx_peer_connection_t* pc, Peer& peer, Evidence evidence) noexcept {
    Group& group = *peer.group;
    Record* record = peer.server->record;
    if (record == nullptr || !group.servers.counts_failures() ||
        !is_held_against(*record, evidence)) {
        return;
    }
    const Server* server = group.servers.find(peer.server);
    if (server == nullptr) {
        return;
    }
    const balance::ServerSettings& settings = server->line->settings;
    balance::Failures failures = load(record->failures);
    const bool out = failures.fail(settings, ngx_current_msec);
    store(record->failures, failures);
    if (out) {
        ngx_log_error(NGX_LOG_WARN, pc->log, 0,
                      "lync_balance: server %s of upstream \"%s\" is left out for %uL ms, "
                      "max_fails=%ui is reached",
                      server->title.c_str(), group.name.c_str(), settings.fail_timeout,
                      static_cast<ngx_uint_t>(settings.max_fails));
    }
}

/// For the status: what the try was like.
void count(const ngx_peer_connection_t* pc, const Peer& peer, bool failed) noexcept {
    const Server* server = peer.group->servers.find(peer.server);
    if (server == nullptr || server->counted == nullptr) {
        return;
    }
    status::ServerCells& counters = server->counted->counters;
    status::add(counters.requests);
    const ngx_connection_t* c = pc->connection;
    if (c != nullptr && !pc->cached && c->ssl != nullptr && c->ssl->handshaked) {
        status::add(counters.handshakes);
        if (SSL_session_reused(c->ssl->connection) != 0) {
            status::add(counters.resumptions);
        }
    }
    if (failed) {
        status::add(counters.failures);
        return;
    }
    const ngx_http_upstream_t* u = peer.request->upstream;
    const auto code = static_cast<unsigned>(u->state == nullptr ? 0 : u->state->status);
    status::add(counters.statuses[static_cast<std::size_t>(status::status_class(code))]);
    if (code == NGX_HTTP_UNAUTHORIZED) {
        status::add(counters.unauthorized);
    }
    if (code != 0 && !peer.waits) {
        counters.response_time.add(ngx_current_msec - u->start_time);
    }
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
    const balance::Reason reason = health.load().cause.reason;
    return !health.takes_requests() &&
           (reason == balance::Reason::refused || reason == balance::Reason::unreachable ||
            reason == balance::Reason::timed_out);
}

} // namespace

void count_answer(Peer& peer, ngx_log_t* log) noexcept {
    end_probe(peer, true);
    Record* record = peer.server->record;
    if (record == nullptr || !peer.judged) {
        return;
    }
    if (record->failures.broken != 0) {
        record->failures.broken = 0;
    }
    if (record->failures.out == 0) {
        return;
    }
    balance::Failures failures = load(record->failures);
    if (failures.succeed(peer.began, ngx_current_msec)) {
        store(record->failures, failures);
        if (const Server* server = peer.group->servers.find(peer.server); server != nullptr) {
            ngx_log_error(NGX_LOG_NOTICE, log, 0,
                          "lync_balance: server %s of upstream \"%s\" answers again",
                          server->title.c_str(), peer.group->name.c_str());
        }
    }
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state) {
    Peer& peer = *static_cast<Peer*>(data);
    WaitingRequests::remove(peer.waiting);
    heed_client_abort(peer.request);
    const bool failed = (state & NGX_PEER_FAILED) != 0;
    const balance::Outcome outcome = balance::outcome(try_of(pc, peer, failed));

    if (outcome.evidence == Evidence::answer) {
        count_answer(peer, pc->log);
    } else if (outcome.evidence != Evidence::none && peer.judged) {
        count_failure(pc, peer, outcome.evidence);
    }
    end_probe(peer, false);

    if (!outcome.stale) {
        count(pc, peer, failed);
    }
    const ngx_connection_t* c = pc->connection;
    const ngx_atomic_uint_t number = c == nullptr ? 0 : c->number;
    note_owned_connection(peer.request, settle_connection(pc, peer, state) ? number : 0);
    peer.lost = peer.lost || outcome.lost;
    peer.owned = false;
    add(*peer.server, Gauge::in_flight, -1);
    if (peer.waits) {
        add(*peer.server, Gauge::waiting, -1);
    }

    if (outcome.stale && outcome.again) {
        peer.stale = true; // on a fresh connection, of the same server if it still takes requests
    } else {
        if (peer.tries < peer.tried.size()) {
            peer.tried[peer.tries++] = peer.server;
        }
        pc->tries -= pc->tries != 0 ? 1 : 0;
    }
    if (!outcome.again) {
        pc->tries = 0;
        pc->cached = 0; // nginx tries once more if one was
    }
    ngx_queue_remove(&peer.queue);
    release(std::exchange(peer.server, nullptr));
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
                          "lync_balance: server %s of upstream \"%s\" is down: %uz requests that "
                          "it hasn't begun to answer are ended",
                          server.title.c_str(), group.name.c_str(), ended);
        }
    }
}

} // namespace lync::nginx
