// $lync_*: what is known of a request, for log formats and generated directives. "Not found" on
// servers that aren't ours.

#include "base/utf8.h"
#include "nginx/request/request.h"
#include "nginx/request/target.h"

namespace lync::nginx {

namespace {

ngx_int_t set(ngx_http_variable_value_t* v, std::string_view value) noexcept {
    v->len = static_cast<unsigned>(value.size());
    v->data = str(value).data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    return NGX_OK;
}

ngx_int_t set_none(ngx_http_variable_value_t* v) noexcept {
    v->not_found = 1;
    return NGX_OK;
}

ngx_int_t set_verdict(ngx_http_request_t* r, ngx_http_variable_value_t* v, const Host& host,
                      const policy::Verdict& verdict) noexcept {
    switch (verdict.action) {
    case policy::Action::pass:
        return set(v, "pass");
    case policy::Action::redirect:
        return set(v, "redirect");
    case policy::Action::refuse:
        break;
    }
    // "refuse:REASON", of the shield "refuse:shield:NAME".
    const policy::Shield* shield =
        verdict.reason == policy::Reason::shield ? shield_of(host, verdict) : nullptr;
    const ngx_str_t text =
        join(r->pool, {"refuse:", policy::reason_name(verdict.reason), shield == nullptr ? "" : ":",
                       shield == nullptr ? std::string_view() : shield->name});
    return text.data == nullptr ? NGX_ERROR : set(v, view(text));
}

ngx_int_t set_host_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v, const Host& host,
                            uintptr_t which) noexcept {
    if (which == LYNC_VARIABLE_PUBLICATION) {
        return set(v, host.publication.plan.publication.name);
    }

    const policy::Verdict verdict = verdict_of(r, host);
    const std::uint16_t target = verdict.action == policy::Action::pass ? verdict.target : 0;
    const config::Farm* farm = host.publication.farm(host, target);

    switch (which) {
    case LYNC_VARIABLE_VERDICT:
        return set_verdict(r, v, host, verdict);
    case LYNC_VARIABLE_SERVICE:
        return set(v, policy::service_name(verdict.service));
    case LYNC_VARIABLE_ROLE:
        return farm == nullptr ? set_none(v) : set(v, config::role_name(farm->role));
    case LYNC_VARIABLE_POOL:
        return farm == nullptr ? set_none(v) : set(v, farm->name);
    default: // LYNC_VARIABLE_UPSTREAM
        return farm == nullptr
                   ? set_none(v)
                   : set(v, host.publication.plan.upstreams[host.planned.upstreams[target]].name);
    }
}

/// What a client said, for lync_json: JSON is UTF-8 [RFC 8259, section 8.1], and nginx escapes
/// nothing above 0x7f. A byte that is no part of it becomes U+FFFD.
ngx_int_t set_utf8(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                   std::string_view value) noexcept {
    constexpr std::string_view replacement = "\xef\xbf\xbd";
    std::size_t wrong = 0;
    const auto each = [value](auto&& good, auto&& bad) noexcept {
        for (std::string_view rest = value; !rest.empty();) {
            const std::size_t length = utf8_length(rest);
            if (length == 0) {
                bad();
            } else {
                good(rest.substr(0, length));
            }
            rest.remove_prefix(length == 0 ? 1 : length);
        }
    };
    each([](std::string_view) noexcept {}, [&]() noexcept { wrong++; });
    if (wrong == 0) {
        return set(v, value);
    }
    const std::size_t size = value.size() + wrong * (replacement.size() - 1);
    auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, size));
    if (text == nullptr) {
        return NGX_ERROR;
    }
    u_char* end = text;
    const auto append = [&end](std::string_view part) noexcept {
        end = ngx_cpymem(end, part.data(), part.size());
    };
    each(append, [&]() noexcept { append(replacement); });
    return set(v, {reinterpret_cast<char*>(text), size});
}

/// Another variable in UTF-8, for logs of every server.
ngx_int_t set_utf8_of(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                      std::string_view name) noexcept {
    ngx_str_t text = str(name);
    const ngx_http_variable_value_t* value =
        ngx_http_get_variable(r, &text, ngx_hash_key(text.data, text.len));
    return value == nullptr || value->not_found
               ? set_none(v)
               : set_utf8(r, v, {reinterpret_cast<char*>(value->data), value->len});
}

/// For logs: the query of autodiscover, where the administrator wants to see it.
ngx_int_t set_query(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                    const Host& host) noexcept {
    const bool shown = host.publication.plan.publication.log_sip_uri && r->args.len != 0 &&
                       has_addresses(verdict_of(r, host).service);
    return shown ? set_utf8(r, v, view(r->args)) : set_none(v);
}

/// Another one after each try of a request.
ngx_int_t set_owned_connection(ngx_http_request_t* r, ngx_http_variable_value_t* v) noexcept {
    const ngx_atomic_uint_t number = owned_connection(r);
    auto* text =
        number == 0 ? nullptr : static_cast<u_char*>(ngx_pnalloc(r->pool, NGX_ATOMIC_T_LEN));
    if (text == nullptr) {
        return set_none(v);
    }
    const u_char* end = ngx_sprintf(text, "%uA", number);
    set(v, {reinterpret_cast<char*>(text), static_cast<std::size_t>(end - text)});
    v->no_cacheable = 1;
    return NGX_OK;
}

} // namespace

void forget_variables(ngx_http_request_t* r) noexcept {
    const auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_get_module_main_conf(r, ngx_http_core_module));
    const auto known = elements<ngx_http_variable_t>(core->variables);
    for (std::size_t i = 0; i < known.size(); i++) {
        if (known[i].get_handler == lync_variable) {
            r->variables[i].valid = 0;
            r->variables[i].not_found = 0;
        }
    }
}

std::string_view client_address(const ngx_connection_t* c) noexcept {
    return c->proxy_protocol != nullptr ? view(c->proxy_protocol->src_addr) : view(c->addr_text);
}

} // namespace lync::nginx

ngx_int_t lync_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data) {
    using namespace lync::nginx;

    switch (data) {
    case LYNC_VARIABLE_CLIENT_ADDR:
        return set(v, client_address(r->connection));
    case LYNC_VARIABLE_LOG_HOST:
        return set_utf8_of(r, v, "host");
    case LYNC_VARIABLE_LOG_PATH:
        return set_utf8_of(r, v, "uri");
    case LYNC_VARIABLE_LOG_USER_AGENT:
        return set_utf8_of(r, v, "http_user_agent");
    default:
        break;
    }
    const Host* host = data == LYNC_VARIABLE_NOTHING ? nullptr : host_of(r);
    if (host == nullptr) {
        return set_none(v);
    }
    switch (data) {
    case LYNC_VARIABLE_HOST:
        return set(v, forwarded_host(r));
    case LYNC_VARIABLE_OWNED_CONNECTION:
        return set_owned_connection(r, v);
    case LYNC_VARIABLE_QUERY:
        return set_query(r, v, *host);
    case LYNC_VARIABLE_SIGN_IN: {
        const lync::policy::Door door = sign_in_door(r);
        return door == lync::policy::Door::none ? set_none(v)
                                                : set(v, lync::policy::door_name(door));
    }
    default:
        return set_host_variable(r, v, *host, data);
    }
}
