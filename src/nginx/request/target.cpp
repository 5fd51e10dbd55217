#include "nginx/request/target.h"

#include "base/ascii.h"

#include <algorithm>
#include <charconv>

namespace lync::nginx {

std::string_view forwarded_target(ngx_http_request_t* r) noexcept {
    if (r->valid_unparsed_uri) {
        return view(r->unparsed_uri);
    }
    const ngx_str_t& uri = r->uri;
    const std::size_t escapes = r->quoted_uri || r->internal
                                    ? ngx_escape_uri(nullptr, uri.data, uri.len, NGX_ESCAPE_URI)
                                    : 0;
    auto* target =
        static_cast<u_char*>(ngx_pnalloc(r->pool, uri.len + 2 * escapes + 1 + r->args.len));
    if (target == nullptr) {
        return {};
    }
    u_char* last =
        escapes == 0
            ? std::copy_n(uri.data, uri.len, target) // may be NULL, of no length
            : reinterpret_cast<u_char*>(ngx_escape_uri(target, uri.data, uri.len, NGX_ESCAPE_URI));
    if (r->args.len != 0) {
        *last++ = '?';
        last = std::copy_n(r->args.data, r->args.len, last);
    }
    return {reinterpret_cast<char*>(target), static_cast<std::size_t>(last - target)};
}

bool host_is_sound(const ngx_http_request_t* r) noexcept {
    constexpr std::size_t longest_port = 5;
    const std::string_view routed = view(r->headers_in.server);
    std::string_view rest = forwarded_host(r);
    if (rest == routed) {
        return true;
    }
    if (!equal_ignore_case(rest.substr(0, routed.size()), routed)) {
        return false;
    }
    rest.remove_prefix(routed.size());
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
    }
    if (rest.starts_with(':')) {
        rest.remove_prefix(1);
        std::uint16_t port = 0;
        const char* const end = rest.data() + rest.size();
        return rest.size() <= longest_port &&
               (rest.empty() || std::from_chars(rest.data(), end, port) ==
                                    std::from_chars_result{end, std::errc()});
    }
    return rest.empty();
}

} // namespace lync::nginx
