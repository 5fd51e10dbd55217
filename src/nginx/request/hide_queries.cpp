// Queries hold users' addresses (autodiscover), passwords that a body may hold as well, and tokens
// (access_token of WOPI and of UCWA): they are kept out of the error log.

#include "nginx/request/request.h"

#include <algorithm>

namespace lync::nginx {

namespace {

/// Whether the administrator wants to see it: that of autodiscover, and of what was judged alone.
bool query_is_shown(ngx_http_request_t* r) noexcept {
    const policy::Verdict* ruled = ruled_verdict(r);
    return ruled != nullptr && has_addresses(ruled->service) &&
           host_of(r)->publication.plan.publication.log_sip_uri;
}

void cut_query(ngx_str_t& text) noexcept {
    text.len = static_cast<std::size_t>(std::find(text.data, text.data + text.len, u_char{'?'}) -
                                        text.data);
}

void keep_log_handler(void*) {}

/// nginx's own log handler, which ours stands before.
ngx_http_log_handler_pt log_handler_behind(const ngx_http_request_t* r) noexcept {
    const ngx_pool_cleanup_t* c = r->pool->cleanup;
    while (c->handler != keep_log_handler) {
        c = c->next;
    }
    return *static_cast<const ngx_http_log_handler_pt*>(c->data);
}

/// nginx's lines about a request quote it with its query. Ours stands in front and takes the query
/// away while the line is written.
u_char* describe_request(ngx_http_request_t* r, ngx_http_request_t* sr, u_char* buf,
                         std::size_t len) {
    const ngx_str_t line = r->request_line;
    ngx_str_t none{};
    ngx_str_t& upstream = sr->upstream == nullptr ? none : sr->upstream->uri;
    const ngx_str_t uri = upstream;
    const bool shown = query_is_shown(r);
    if (!shown) {
        cut_query(r->request_line);
    }
    if (!shown || sr != r) {
        cut_query(upstream);
    }
    ngx_table_elt_t* referer = r->headers_in.referer;
    const ngx_str_t page = referer == nullptr ? ngx_str_t{} : referer->value;
    if (referer != nullptr) {
        cut_query(referer->value);
    }
    u_char* end = log_handler_behind(r)(r, sr, buf, len);
    r->request_line = line;
    upstream = uri;
    if (referer != nullptr) {
        referer->value = page;
    }
    return end;
}

} // namespace

} // namespace lync::nginx

using namespace lync::nginx;

ngx_int_t lync_hide_handler(ngx_http_request_t* r) {
    if (host_of(r) == nullptr || r->log_handler == describe_request) {
        return NGX_DECLINED;
    }
    if (ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(r->log_handler))) {
        *static_cast<ngx_http_log_handler_pt*>(cleanup->data) = r->log_handler;
        cleanup->handler = keep_log_handler;
        r->log_handler = describe_request;
    }
    return NGX_DECLINED;
}
