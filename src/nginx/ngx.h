#pragma once

// nginx's headers for C++, and the one place that knows how its versions differ.

#include "nginx/lync.h"

extern "C" {
#include <nginx.h>
#include <ngx_http_ssl_module.h>
}

#include <string_view>

namespace lync::nginx {

inline std::string_view view(const ngx_str_t& text) noexcept {
    return {reinterpret_cast<const char*>(text.data), text.len};
}

/// A copy in an nginx pool, with a NUL after its end; data is NULL if there is no memory.
inline ngx_str_t copy(ngx_pool_t* pool, std::string_view text) noexcept {
    ngx_str_t result{0, static_cast<u_char*>(ngx_pnalloc(pool, text.size() + 1))};
    if (result.data != nullptr) {
        *ngx_cpymem(result.data, text.data(), text.size()) = '\0';
        result.len = text.size();
    }
    return result;
}

/// From 1.23.0 on a header points to the next one of its name.
inline void set_last_of_its_name([[maybe_unused]] ngx_table_elt_t* header) noexcept {
#if (nginx_version >= 1023000)
    header->next = nullptr;
#endif
}

/// The value of the request's first cookie of that name; empty if it has none. Before 1.23.0 headers
/// of one name are an array, then a list.
inline std::string_view cookie(ngx_http_request_t* r, std::string_view name) noexcept {
    ngx_str_t wanted{name.size(), reinterpret_cast<u_char*>(const_cast<char*>(name.data()))};
    ngx_str_t value{0, nullptr};
#if (nginx_version >= 1023000)
    const bool found =
        ngx_http_parse_multi_header_lines(r, r->headers_in.cookie, &wanted, &value) != nullptr;
#else
    const bool found =
        ngx_http_parse_multi_header_lines(&r->headers_in.cookies, &wanted, &value) != NGX_DECLINED;
#endif
    return found ? view(value) : std::string_view();
}

/// Before 1.25.1 `ssl on` at http level made every socket speak TLS, also those of plain HTTP; the
/// directive that would undo it in a server brings a warning each time.
inline void leave_tls_to_listen([[maybe_unused]] ngx_http_ssl_srv_conf_t* tls) noexcept {
#if (nginx_version < 1025001)
    tls->enable = 0;
#endif
}

} // namespace lync::nginx
