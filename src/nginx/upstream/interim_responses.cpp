#include "nginx/upstream/interim_responses.h"

namespace lync::nginx {

namespace {

constexpr unsigned most_interim = 16; ///< more of them is no way to answer

constexpr bool is_interim(ngx_uint_t status) noexcept {
    return status >= 100 && status < 200 && status != NGX_HTTP_SWITCHING_PROTOCOLS;
}

/// Forgets what was read: the real head comes next. As nginx does before another try.
ngx_int_t begin_anew(ngx_http_request_t* r, InterimResponses& head) noexcept {
    ngx_http_upstream_t* u = r->upstream;
    if (head.reinit(r) != NGX_OK) {
        return NGX_ERROR;
    }
    head.read = u->process_header;

    u->keepalive = 0;
    u->state->status = 0;
    ngx_memzero(&u->headers_in, sizeof(u->headers_in));
    u->headers_in.content_length_n = -1;
    u->headers_in.last_modified_time = -1;
    if (ngx_list_init(&u->headers_in.headers, r->pool, 8, sizeof(ngx_table_elt_t)) != NGX_OK ||
        ngx_list_init(&u->headers_in.trailers, r->pool, 2, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_buf_t& buffer = u->buffer;
    buffer.last =
        ngx_movemem(buffer.start, buffer.pos, static_cast<std::size_t>(buffer.last - buffer.pos));
    buffer.pos = buffer.start;
    return NGX_OK;
}

ngx_int_t read_head(ngx_http_request_t* r) {
    InterimResponses* head = interim_responses_of(r);
    if (head == nullptr) {
        return NGX_ERROR;
    }
    ngx_http_upstream_t* u = r->upstream;
    const ngx_uint_t version = r->http_version;
    for (;;) {
        u->process_header = head->read;
        const ngx_int_t rc = head->read(r);
        head->read = u->process_header; // the proxy module goes from step to step
        u->process_header = read_head;

        const ngx_uint_t status = u->headers_in.status_n;
        if ((rc != NGX_OK && !is_early_hints(rc)) || status >= 200) {
            return rc;
        }
        if (status == 0) { // and nginx has said so
            r->http_version = version;
            return NGX_HTTP_UPSTREAM_INVALID_HEADER;
        }
        // No server is asked to switch protocols: the header that would do it isn't sent.
        if (!is_interim(status) || head->interim == most_interim) {
            u->upgrade = 0;
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "upstream sent status %ui instead of an answer", status);
            return NGX_HTTP_UPSTREAM_INVALID_HEADER;
        }
        head->interim++;
        if (begin_anew(r, *head) != NGX_OK) {
            return NGX_ERROR;
        }
        u->process_header = read_head;
        if (u->buffer.pos == u->buffer.last) {
            return NGX_AGAIN;
        }
    }
}

ngx_int_t reinit(ngx_http_request_t* r) {
    InterimResponses* head = interim_responses_of(r);
    if (head == nullptr || head->reinit(r) != NGX_OK) {
        return NGX_ERROR;
    }
    head->read = r->upstream->process_header;
    r->upstream->process_header = read_head;
    return NGX_OK;
}

} // namespace

void skip_interim_responses(ngx_http_request_t* r, InterimResponses& head) noexcept {
    ngx_http_upstream_t* u = r->upstream;
    head.read = u->process_header;
    head.reinit = u->reinit_request;
    head.interim = 0;
    u->process_header = read_head;
    u->reinit_request = reinit;
}

} // namespace lync::nginx
