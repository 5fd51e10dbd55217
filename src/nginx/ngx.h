#pragma once

// nginx's headers for C++, and the one place that knows how its versions differ.

#include "base/ascii.h"
#include "nginx/lync.h"

extern "C" {
#include <nginx.h>
#include <ngx_http_ssl_module.h>
#include <ngx_sha1.h>
}

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace lync::nginx {

inline std::string_view view(const ngx_str_t& text) noexcept {
    return {reinterpret_cast<const char*>(text.data), text.len};
}

/// The same text for nginx, which doesn't change it.
inline ngx_str_t str(std::string_view text) noexcept {
    return {text.size(), reinterpret_cast<u_char*>(const_cast<char*>(text.data()))};
}

/// Texts one after the other in an nginx pool, with a NUL after their end; data is NULL if there is
/// no memory.
inline ngx_str_t join(ngx_pool_t* pool, std::initializer_list<std::string_view> parts) noexcept {
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    ngx_str_t result{0, static_cast<u_char*>(ngx_pnalloc(pool, size + 1))};
    if (result.data != nullptr) {
        u_char* last = result.data;
        for (const std::string_view part : parts) {
            last = std::copy(part.begin(), part.end(), last);
        }
        *last = '\0';
        result.len = size;
    }
    return result;
}

inline ngx_str_t copy(ngx_pool_t* pool, std::string_view text) noexcept {
    return join(pool, {text});
}

template <typename T>
std::span<T> elements(const ngx_array_t& array) noexcept {
    return {static_cast<T*>(array.elts), array.nelts};
}

/// A module's configuration among those of one level.
template <typename T>
T& conf_of(void* const* level, const ngx_module_t& module) noexcept {
    return *static_cast<T*>(level[module.ctx_index]);
}

/// Calls `function` with each socket that servers listen on.
template <typename Function>
void each_socket(ngx_conf_t* cf, Function&& function) {
    const auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
    for (const auto& port : elements<ngx_http_conf_port_t>(*core->ports)) {
        for (auto& address : elements<ngx_http_conf_addr_t>(port.addrs)) {
            function(address);
        }
    }
}

/// An address in network byte order, without the port; empty for a Unix-domain socket.
inline std::string_view address_bytes(const sockaddr* address) noexcept {
    switch (address->sa_family) {
    case AF_INET:
        return {
            reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr),
            4};
    case AF_INET6:
        return {reinterpret_cast<const char*>(
                    &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr),
                16};
    default:
        return {};
    }
}

/// Whether 16 bytes are an IPv4 address as IPv6 has it, "::ffff:192.0.2.7".
inline bool is_mapped(std::string_view bytes) noexcept {
    using namespace std::literals;
    return bytes.starts_with("\0\0\0\0\0\0\0\0\0\0\xff\xff"sv);
}

inline ngx_msec_t msec(std::chrono::seconds s) noexcept {
    return static_cast<ngx_msec_t>(std::chrono::milliseconds(s).count());
}

/// Gives the system back what lies behind the contents of a large buffer: a buffer for heads holds
/// 72 KiB, of which few are used, and an earlier use of that memory may have touched the rest.
inline void give_back_pages(const ngx_buf_t& buffer) noexcept {
    const auto page = static_cast<std::uintptr_t>(ngx_pagesize);
    const auto begin = (reinterpret_cast<std::uintptr_t>(buffer.last) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(buffer.end) / page * page;
    if (end > begin + page) {
        (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
}

/// Whether it is time for a line that is logged once a second, or once in `interval` seconds.
inline bool may_log(time_t& last_logged, time_t interval = 1) noexcept {
    const time_t ago = ngx_time() - last_logged;
    const bool may = ago < 0 || ago >= interval;
    last_logged = may ? ngx_time() : last_logged;
    return may;
}

/// From 1.23.0 on a header points to the next one of its name.
inline void set_last_of_its_name([[maybe_unused]] ngx_table_elt_t* header) noexcept {
#if (nginx_version >= 1023000)
    header->next = nullptr;
#endif
}

/// Calls `function` with the value of each Cookie header of a request until it returns true. Before
/// 1.23.0 headers of one name are an array, then a list.
template <typename Function>
bool any_cookie_header(const ngx_http_request_t* r, Function&& function) {
#if (nginx_version >= 1023000)
    for (const ngx_table_elt_t* h = r->headers_in.cookie; h != nullptr; h = h->next) {
        if (function(view(h->value))) {
            return true;
        }
    }
#else
    auto** h = static_cast<ngx_table_elt_t**>(r->headers_in.cookies.elts);
    for (ngx_uint_t i = 0; i < r->headers_in.cookies.nelts; i++) {
        if (function(view(h[i]->value))) {
            return true;
        }
    }
#endif
    return false;
}

/// Calls `function` with each header of a name, in any letter case, until it returns true; with all
/// headers if the name is empty.
template <typename Function>
bool any_header(const ngx_list_t& headers, std::string_view name, Function&& function) {
    for (const ngx_list_part_t* part = &headers.part; part != nullptr; part = part->next) {
        auto* header = static_cast<ngx_table_elt_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if ((name.empty() || equal_ignore_case(view(header[i].key), name)) &&
                function(header[i])) {
                return true;
            }
        }
    }
    return false;
}

/// What the proxy module returns for a 103 from 1.29.0 on; before, it is NGX_OK.
constexpr bool is_early_hints([[maybe_unused]] ngx_int_t result) noexcept {
#if (nginx_version >= 1029000)
    return result == NGX_HTTP_UPSTREAM_EARLY_HINTS;
#else
    return false;
#endif
}

/// From 1.29.2 on nginx chooses the server in a ClientHello callback; before, it has none.
inline int nginx_on_client_hello([[maybe_unused]] SSL* ssl, [[maybe_unused]] int* alert) noexcept {
#if (nginx_version >= 1029002)
    return ngx_ssl_client_hello_callback(ssl, alert, nullptr);
#else
    return SSL_CLIENT_HELLO_SUCCESS;
#endif
}

/// Before 1.25.1 `ssl on` of a socket's default server made the socket speak TLS.
inline bool has_ssl_on([[maybe_unused]] const ngx_http_ssl_srv_conf_t& tls) noexcept {
#if (nginx_version < 1025001)
    return tls.enable == 1;
#else
    return false;
#endif
}

/// At http level it was inherited by servers of plain HTTP; the directive that would undo it in a
/// server brings a warning each time.
inline void leave_tls_to_listen([[maybe_unused]] ngx_http_ssl_srv_conf_t& tls) noexcept {
#if (nginx_version < 1025001)
    tls.enable = 0;
#endif
}

} // namespace lync::nginx
