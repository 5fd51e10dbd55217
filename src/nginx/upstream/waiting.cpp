#include "nginx/upstream/waiting.h"

#include "nginx/conf/conf.h"
#include "nginx/request/target.h"

namespace lync::nginx {

namespace {

constexpr ngx_msec_t patience = 1000;

/// Frees what an nginx buffer holds, if it is an allocation of its own.
void give_back(ngx_pool_t* pool, ngx_buf_t& buffer) noexcept {
    if (buffer.start != nullptr && ngx_pfree(pool, buffer.start) == NGX_OK) {
        buffer.start = buffer.pos = buffer.last = buffer.end = nullptr;
    }
}

/// Nothing of an answer has come yet, or nginx is busy with something else.
bool waits(const ngx_http_request_t* r) noexcept {
    const ngx_http_upstream_t* u = r->upstream;
    return u->peer.connection != nullptr && u->request_body_sent && u->state != nullptr &&
           u->state->bytes_received == 0 && u->buffer.last == u->buffer.start;
}

/// What nothing needs once the whole request has been written: the text of it stays, since lines of
/// the log quote it to the request's end.
void give_back_sent(ngx_http_request_t* r) noexcept {
    ngx_connection_t* c = r->upstream->peer.connection;
    if (c->ssl != nullptr) {
        ngx_ssl_free_buffer(c);
    }
}

/// What nothing needs until an answer comes.
void give_back_rest(Waiting& waiting) noexcept {
    ngx_http_request_t* r = waiting.request;
    ngx_http_upstream_t* u = r->upstream;
    if (!waits(r)) {
        return;
    }
    give_back_sent(r);
    give_back(r->pool, u->buffer);
    // The beginning of a body may lie there, and what came after it is read to behind that.
    if (r->header_in != r->connection->buffer && !announces_body(r)) {
        give_back_pages(*r->header_in);
    }
}

/// After a TLS handshake nginx takes the connection for readable and makes a buffer of 72 KiB
/// before it looks. Where nothing has come, it isn't: the system reports when something does.
void look_for_answer(ngx_connection_t* c) noexcept {
    char byte = 0;
    if (c->read->ready && c->ssl != nullptr && SSL_has_pending(c->ssl->connection) == 0 &&
        recv(c->fd, &byte, 1, MSG_PEEK) == -1 && ngx_socket_errno == NGX_EAGAIN) {
        c->read->ready = 0;
    }
}

ngx_int_t write_request(void* data, ngx_chain_t* in) {
    Waiting& waiting = *static_cast<Waiting*>(data);
    ngx_http_request_t* r = waiting.request;
    ngx_http_upstream_t* u = r->upstream;
    const ngx_int_t rc = waiting.write(waiting.write_context, in);
    if (rc == NGX_OK && !r->reading_body) {
        // A kept connection is for short requests: its buffer is needed again soon.
        if (!u->peer.cached) {
            give_back_sent(r);
            look_for_answer(u->peer.connection);
        }
        main_conf_of(r).waiting->add(waiting);
    }
    return rc;
}

} // namespace

void WaitingRequests::add(Waiting& waiting) noexcept {
    remove(waiting);
    waiting.queued_in = this;
    waiting.since = ngx_current_msec;
    ngx_queue_insert_tail(&queue_, &waiting.queue);
    if (!timer_.is_set()) {
        timer_.set(patience, ngx_cycle->log);
    }
}

void WaitingRequests::remove(Waiting& waiting) noexcept {
    if (waiting.queued_in != nullptr) {
        ngx_queue_remove(&waiting.queue);
        waiting.queued_in = nullptr;
    }
}

void WaitingRequests::on_timer() noexcept {
    while (!ngx_queue_empty(&queue_)) {
        Waiting& first = *ngx_queue_data(ngx_queue_head(&queue_), Waiting, queue);
        const ngx_msec_t waited = ngx_current_msec - first.since;
        if (waited < patience) {
            timer_.set(patience - waited, ngx_cycle->log);
            return;
        }
        remove(first);
        give_back_rest(first);
    }
}

void watch_request(ngx_http_request_t* r, Waiting& waiting) noexcept {
    ngx_output_chain_ctx_t& output = r->upstream->output;
    waiting.request = r;
    waiting.write = output.output_filter;
    waiting.write_context = output.filter_ctx;
    output.output_filter = write_request;
    output.filter_ctx = &waiting;
}

} // namespace lync::nginx
