#pragma once

// The request as it will be sent to a server: the bytes judged are those forwarded.

#include "nginx/ngx.h"

namespace lync::nginx {

/// The target that nginx's proxy module will write into the request line, as
/// ngx_http_proxy_create_request of 1.22 to 1.31 does for a `proxy_pass` without a URI: the
/// client's own, or, where it had no path or something changed it (`rewrite`, `set $args`, an
/// internal redirect), nginx's decoded one, escaped again. Empty if there is no memory, or no
/// target yet.
std::string_view forwarded_target(ngx_http_request_t* r) noexcept;

/// The method that will be sent: the request's own, since `proxy_method` is undone.
inline std::string_view forwarded_method(const ngx_http_request_t* r) noexcept {
    return view(r->method_name);
}

/// The Host header that will be sent, `$lync_host`: as the client wrote it; the name in an absolute
/// target where there is none, as HTTP/1.0 may [RFC 9112, 3.2.2].
inline std::string_view forwarded_host(const ngx_http_request_t* r) noexcept {
    return view(r->headers_in.host == nullptr ? r->headers_in.server : r->headers_in.host->value);
}

/// Whether that header names what the request was routed by, and nothing else beside a port. With
/// an absolute target it is the name in it that routes; and nginx overlooks what is behind a colon.
bool host_is_sound(const ngx_http_request_t* r) noexcept;

/// Whether nginx has read a whole head and accepted it. HTTP/0.9 has none; one that was broken off
/// or refused (400, 405 for TRACE, 408, 414, 494 to 497, 501) comes by way of an `error_page`, and
/// nginx still counts it as being read, where it counts (stub_status, which every package has).
inline bool has_head(const ngx_http_request_t* r) noexcept {
#if (NGX_STAT_STUB)
    if (r->main->stat_reading) {
        return false;
    }
#endif
    return r->main->http_state != NGX_HTTP_READING_REQUEST_STATE;
}

/// Whether the head says that a body follows.
inline bool announces_body(const ngx_http_request_t* r) noexcept {
    return r->headers_in.content_length_n > 0 || r->headers_in.chunked;
}

} // namespace lync::nginx
