// The verdict in nginx's phases: a request's own words to the policy, its answer back to nginx.

#include "nginx/request.h"

#include "nginx/guard.h"

namespace lync::nginx {

namespace {

using policy::Action;
using policy::Reason;

/// What is forwarded: the request line's own target. nginx forwards a rebuilt one where the
/// client wrote none (`GET http://lyncdiscover.contoso.com?sipuri=...`, as phones do) or where a
/// server_include rewrote it.
std::string_view forwarded_target(ngx_http_request_t* r) noexcept {
    if (r->valid_unparsed_uri) {
        return view(r->unparsed_uri);
    }
    const std::size_t size = r->uri.len + 1 + r->args.len;
    auto* target = static_cast<u_char*>(ngx_pnalloc(r->pool, size));
    if (target == nullptr) {
        return {};
    }
    u_char* last = ngx_cpymem(target, r->uri.data, r->uri.len);
    if (r->args.len != 0) {
        *last++ = '?';
        last = ngx_cpymem(last, r->args.data, r->args.len);
    }
    return {reinterpret_cast<char*>(target), static_cast<std::size_t>(last - target)};
}

/// With an absolute target the name in it routes the request, but the Host header is what a
/// server sees: two different names would publish one that isn't.
bool host_differs(ngx_http_request_t* r) noexcept {
    if (r->host_start == nullptr || r->headers_in.host == nullptr) {
        return false;
    }
    const std::string_view routed = view(r->headers_in.server);
    std::string_view written = view(r->headers_in.host->value);
    if (const std::size_t port = written.rfind(':');
        port != std::string_view::npos && written.find(']', port) == std::string_view::npos) {
        written.remove_suffix(written.size() - port);
    }
    if (!written.empty() && written.back() == '.') {
        written.remove_suffix(1);
    }
    return written.size() != routed.size() ||
           ngx_strncasecmp(r->headers_in.server.data,
                           reinterpret_cast<u_char*>(const_cast<char*>(written.data())),
                           routed.size()) != 0;
}

policy::Verdict judge(ngx_http_request_t* r, const Host& host) noexcept {
    if (host_differs(r)) {
        return {Action::refuse, Reason::malformed, policy::Service::unknown, 0};
    }
    const policy::Request request{view(r->method_name), forwarded_target(r),
                                  view(r->headers_in.server)};
    return host.site.judge(request);
}

/// The same host, path and query by https; the method of anything but GET and HEAD is kept.
ngx_int_t redirect(ngx_http_request_t* r) noexcept {
    constexpr std::string_view scheme = "https://";
    const std::string_view host = view(r->headers_in.server);
    const std::string_view target = forwarded_target(r);

    auto* location =
        static_cast<u_char*>(ngx_pnalloc(r->pool, scheme.size() + host.size() + target.size()));
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
    if (location == nullptr || header == nullptr || target.empty()) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u_char* last = ngx_cpymem(location, scheme.data(), scheme.size());
    last = ngx_cpymem(last, host.data(), host.size());
    last = ngx_cpymem(last, target.data(), target.size());

    header->hash = 1;
    ngx_str_set(&header->key, "Location");
    header->value.data = location;
    header->value.len = static_cast<std::size_t>(last - location);
    set_last_of_its_name(header);
    r->headers_out.location = header;

    return (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0 ? NGX_HTTP_MOVED_PERMANENTLY
                                                             : NGX_HTTP_PERMANENT_REDIRECT;
}

ngx_int_t refuse(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "lync_publish \"%s\": refused (%*s)",
                  host.publication.plan.publication.name.c_str(),
                  policy::reason_name(reason).size(), policy::reason_name(reason).data());
    if (reason == Reason::unknown_host) {
        return NGX_HTTP_CLOSE;
    }
    // To the outside there is no difference between closed and absent.
    return reason == Reason::malformed ? NGX_HTTP_BAD_REQUEST : NGX_HTTP_NOT_FOUND;
}

} // namespace

policy::Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept {
    auto* known =
        static_cast<policy::Verdict*>(ngx_http_get_module_ctx(r, ngx_lync_module));
    if (known != nullptr) {
        return *known;
    }

    const policy::Verdict verdict = judge(r, host);
    // An internal redirect forgets it; it is the same then, only judged once more.
    known = static_cast<policy::Verdict*>(ngx_palloc(r->pool, sizeof(policy::Verdict)));
    if (known != nullptr) {
        *known = verdict;
        ngx_http_set_ctx(r, known, ngx_lync_module);
    }
    return verdict;
}

} // namespace lync::nginx

using namespace lync::nginx;

ngx_int_t lync_request_handler(ngx_http_request_t* r) {
    const auto* location =
        static_cast<LocConf*>(ngx_http_get_module_loc_conf(r, ngx_lync_module));
    const Host* host = host_of(r);
    if (!location->judged || host == nullptr) {
        return NGX_DECLINED;
    }

    const lync::policy::Verdict verdict = verdict_of(r, *host);
    switch (verdict.action) {
    case lync::policy::Action::pass:
        return NGX_DECLINED;
    case lync::policy::Action::redirect:
        return redirect(r);
    case lync::policy::Action::refuse:
        break;
    }
    return refuse(r, *host, verdict.reason);
}
