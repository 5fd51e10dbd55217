// Queries of autodiscover contain users' addresses, and a query may contain any credential that a
// body may: both are kept out of the error log.

#include "nginx/request/request.h"
#include "nginx/request/target.h"

#include <algorithm>

namespace lync::nginx {

namespace {

/// Whether the query may have a password in it, or people's addresses: that of autodiscover, also
/// for a name or a path that isn't published.
bool query_is_private(const policy::Verdict& verdict, bool log_sip_uri) noexcept {
    return verdict.sign_in != policy::SignInBody::none ||
           (!log_sip_uri &&
            (has_addresses(verdict.service) || verdict.service == policy::Service::unknown));
}

/// Of what the client asked for, or of what a rewrite has made of it.
bool query_is_private(ngx_http_request_t* r) noexcept {
    const Host& host = *host_of(r);
    const bool log_sip_uri = host.publication.plan.publication.log_sip_uri;
    const policy::Verdict* ruled = ruled_verdict(r);
    return (ruled != nullptr && query_is_private(*ruled, log_sip_uri)) ||
           query_is_private(
               host.site.judge({forwarded_method(r), policy::split_target(view(r->unparsed_uri)),
                                view(r->headers_in.server)}),
               log_sip_uri);
}

constexpr auto is_query = [](u_char c) { return c == '?'; };

/// A page of autodiscover may be what refers to this one.
bool is_referred_by_query(const ngx_http_request_t* r) noexcept {
    const ngx_table_elt_t* referer = r->headers_in.referer;
    return referer != nullptr &&
           std::any_of(referer->value.data, referer->value.data + referer->value.len, is_query);
}

void cut_query(ngx_str_t& text) noexcept {
    text.len = static_cast<std::size_t>(std::find_if(text.data, text.data + text.len, is_query) -
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

/// nginx's lines about a request quote it with its query, where autodiscover has people's
/// addresses. Ours stands in front and takes the query away while the line is written.
u_char* describe_request(ngx_http_request_t* r, ngx_http_request_t* sr, u_char* buf,
                         std::size_t len) {
    const ngx_str_t line = r->request_line;
    const ngx_str_t uri = r->upstream == nullptr ? ngx_str_t{} : r->upstream->uri;
    const bool own = query_is_private(r);
    if (own) {
        cut_query(r->request_line);
    }
    if (own && r->upstream != nullptr) {
        cut_query(r->upstream->uri);
    }
    ngx_table_elt_t* referer = r->headers_in.referer;
    const ngx_str_t page = referer == nullptr ? ngx_str_t{} : referer->value;
    if (referer != nullptr) {
        cut_query(referer->value);
    }
    u_char* end = log_handler_behind(r)(r, sr, buf, len);
    r->request_line = line;
    if (r->upstream != nullptr) {
        r->upstream->uri = uri;
    }
    if (referer != nullptr) {
        referer->value = page;
    }
    return end;
}

} // namespace

} // namespace lync::nginx

using namespace lync::nginx;

/// nginx logs a body that is too large before the policy runs, so queries are judged when a line is
/// written.
ngx_int_t lync_hide_handler(ngx_http_request_t* r) {
    const Host* host = host_of(r);
    if (host == nullptr || r->log_handler == describe_request ||
        (r->args.len == 0 && !is_referred_by_query(r))) {
        return NGX_DECLINED;
    }
    if (ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(r->log_handler))) {
        *static_cast<ngx_http_log_handler_pt*>(cleanup->data) = r->log_handler;
        cleanup->handler = keep_log_handler;
        r->log_handler = describe_request;
    }
    return NGX_DECLINED;
}
