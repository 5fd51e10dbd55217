// $lync_*: what is known of a request, for log formats and generated directives. "Not found" on
// servers that aren't ours.

#include "nginx/request.h"

#include <algorithm>

namespace lync::nginx {

namespace {

ngx_int_t set(ngx_http_variable_value_t* v, std::string_view value) noexcept {
    v->len = static_cast<unsigned>(value.size());
    v->data = reinterpret_cast<u_char*>(const_cast<char*>(value.data()));
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    return NGX_OK;
}

ngx_int_t set_none(ngx_http_variable_value_t* v) noexcept {
    v->not_found = 1;
    return NGX_OK;
}

/// Who speaks: from a PROXY header where the socket takes one (its sender is the connection's
/// address), else the connection's, which realip may have replaced.
std::string_view client_addr(const ngx_connection_t* c) noexcept {
    return c->proxy_protocol != nullptr ? view(c->proxy_protocol->src_addr) : view(c->addr_text);
}

ngx_int_t set_verdict(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                      const policy::Verdict& verdict) noexcept {
    switch (verdict.action) {
    case policy::Action::pass:
        return set(v, "pass");
    case policy::Action::redirect:
        return set(v, "redirect");
    case policy::Action::refuse:
        break;
    }
    constexpr std::string_view refuse = "refuse:";
    const std::string_view reason = policy::reason_name(verdict.reason);
    auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, refuse.size() + reason.size()));
    if (text == nullptr) {
        return NGX_ERROR;
    }
    ngx_memcpy(ngx_cpymem(text, refuse.data(), refuse.size()), reason.data(), reason.size());
    return set(v, {reinterpret_cast<char*>(text), refuse.size() + reason.size()});
}

ngx_int_t set_host_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v, const Host& host,
                            uintptr_t which) noexcept {
    if (which == LYNC_VARIABLE_PUBLICATION) {
        return set(v, host.publication.plan.publication.name);
    }

    const policy::Verdict verdict = verdict_of(r, host);
    const std::uint16_t target = verdict.action == policy::Action::pass ? verdict.target : 0;
    const topology::Farm* farm = host.publication.farm(host, target);

    switch (which) {
    case LYNC_VARIABLE_VERDICT:
        return set_verdict(r, v, verdict);
    case LYNC_VARIABLE_SERVICE:
        return set(v, policy::service_name(verdict.service));
    case LYNC_VARIABLE_ROLE:
        return farm == nullptr ? set_none(v) : set(v, topology::role_name(farm->role));
    case LYNC_VARIABLE_POOL:
        return farm == nullptr ? set_none(v) : set(v, farm->name);
    case LYNC_VARIABLE_UPSTREAM:
        return farm == nullptr
                   ? set_none(v)
                   : set(v, host.publication.plan.upstreams[host.planned.upstreams[target]].name);
    default:
        return set_none(v);
    }
}

} // namespace

} // namespace lync::nginx

ngx_int_t lync_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data) {
    using namespace lync::nginx;

    if (data == LYNC_VARIABLE_CLIENT_ADDR) {
        return set(v, client_addr(r->connection));
    }
    const Host* host = data == LYNC_VARIABLE_NOTHING ? nullptr : host_of(r);
    return host == nullptr ? set_none(v) : set_host_variable(r, v, *host, data);
}
