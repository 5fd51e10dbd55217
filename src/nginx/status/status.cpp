// lync_status: who may see the status, in which form, and what it says.

#include "nginx/status/status.h"
#include "nginx/conf/commands.h"
#include "nginx/guard.h"
#include "nginx/request/request.h"
#include "nginx/respond.h"
#include "status/forms.h"
#include "status/published.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace lync::nginx {

namespace {

using status::Format;

// --- who may see it

#if !(NGX_HAVE_INET6 && NGX_HAVE_UNIX_DOMAIN)
#error "nginx finds both on Linux by itself: AccessRules is as its access module has it with them"
#endif

/// The rules of `allow` and `deny`, one array for each family; the first members of the access
/// module's configuration.
struct AccessRules {
    const ngx_array_t* v4;
    const ngx_array_t* v6;
    const ngx_array_t* local;

    bool operator==(const AccessRules&) const = default;
};

/// Its rules, as they lie in these arrays.
struct Rule4 {
    in_addr_t mask;
    in_addr_t address;
    ngx_uint_t deny;

    bool is_for_all() const noexcept { return mask == 0; }
};
struct Rule6 {
    in6_addr address;
    in6_addr mask;
    ngx_uint_t deny;

    bool is_for_all() const noexcept { return IN6_IS_ADDR_UNSPECIFIED(&mask); }
};

template <typename Rule>
bool any_for_all(const ngx_array_t* rules) noexcept {
    return rules != nullptr && std::ranges::any_of(elements<Rule>(*rules), &Rule::is_for_all);
}

/// Whether `deny all` or, in so many words, `allow all` ends them: nginx lets in an address that
/// no rule names.
bool is_complete(const AccessRules& rules) noexcept {
    return any_for_all<Rule4>(rules.v4) && any_for_all<Rule6>(rules.v6);
}

void warn(const ngx_cycle_t* cycle, const LocConf& location, const char* what) noexcept {
    ngx_log_error(NGX_LOG_WARN, cycle->log, 0, "%s in %V:%ui", what, &location.file, location.line);
}

/// Whether the administrator has written in this very location who may see it: what is inherited
/// (`allow all` for a whole server, say) was meant for other things.
bool restricts_access(const ngx_cycle_t* cycle, const LocConf& location) noexcept {
    void** parent = location.parent->loc_conf;
    bool asks = false; // for a password, also by what is inherited
    bool asks_here = false;
    const Command basic = find_command(cycle, "auth_basic");
    const Command users = find_command(cycle, "auth_basic_user_file");
    if (basic && users) {
        const auto* realm = *basic.value<ngx_http_complex_value_t*>(location.own);
        const bool wanted = realm != nullptr && view(realm->value) != "off";
        const bool here = wanted && realm != *basic.value<ngx_http_complex_value_t*>(parent);
        // Without a file nginx asks for no password.
        asks = wanted && *users.value<ngx_http_complex_value_t*>(location.own) != nullptr;
        asks_here = here && asks;
        if (here && !asks) {
            warn(cycle, location,
                 "\"auth_basic\" without \"auth_basic_user_file\" requires no password, so it "
                 "doesn't open the status: write \"auth_basic_user_file\"");
        }
    }

    const Command allow = find_command(cycle, "allow");
    if (allow && *allow.value<AccessRules>(location.own) != *allow.value<AccessRules>(parent)) {
        if (!asks && !is_complete(*allow.value<AccessRules>(location.own))) {
            warn(cycle, location,
                 "the rules of \"allow\" and \"deny\" open the status to all that they don't name: "
                 "end them with \"deny all\", or with \"allow all\" if that is meant");
        }
        return true;
    }
    return asks_here;
}

bool is_loopback(const sockaddr* address) noexcept {
    using namespace std::literals;
    const std::string_view bytes = address_bytes(address);
    const std::string_view ipv4 = is_mapped(bytes) ? bytes.substr(12) : bytes;
    return address->sa_family == AF_UNIX || bytes == "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"sv ||
           (ipv4.size() == 4 && ipv4.front() == 127);
}

bool is_loopback(ngx_pool_t* pool, ngx_str_t text) noexcept {
    ngx_addr_t address;
    return ngx_parse_addr(pool, &address, text.data, text.len) == NGX_OK &&
           is_loopback(address.sockaddr);
}

/// A remote client's request, though it comes by loopback: from a proxy on this machine.
bool is_proxied(ngx_http_request_t* r) noexcept {
    constexpr std::string_view marks[] = {"x-forwarded-for", "forwarded", "x-real-ip", "via"};
    return std::ranges::any_of(marks, [r](std::string_view name) {
        return any_header(r->headers_in.headers, name, [](const auto&) { return true; });
    });
}

/// Whether realip has replaced the connection's address, by whichever header it reads.
bool is_replaced(ngx_http_request_t* r) noexcept {
    static ngx_str_t name = ngx_string("realip_remote_addr");
    const ngx_http_variable_value_t* before =
        ngx_http_get_variable(r, &name, ngx_hash_key(name.data, name.len));
    return before != nullptr && !before->not_found &&
           std::string_view(reinterpret_cast<char*>(before->data), before->len) !=
               view(r->connection->addr_text);
}

bool may_see(ngx_http_request_t* r) noexcept {
    if (conf_of<LocConf>(r->loc_conf, ngx_lync_module).status_open) {
        return true; // nginx's own modules have asked already
    }
    const ngx_connection_t* c = r->connection;
    return is_loopback(c->sockaddr) && !is_proxied(r) && !is_replaced(r) &&
           (c->proxy_protocol == nullptr || is_loopback(r->pool, c->proxy_protocol->src_addr));
}

// --- the forms

constexpr std::string_view page_type = "text/html; charset=utf-8";

/// For refusals and for the answers that aren't the page.
constexpr std::string_view nothing_else = "default-src 'none'; frame-ancestors 'none'";

bool add_headers(ngx_http_request_t* r, std::string_view policy) noexcept {
    return add_header(r, "Cache-Control", "no-store") &&
           add_header(r, "Content-Security-Policy", policy) &&
           add_header(r, "X-Content-Type-Options", "nosniff") &&
           add_header(r, "X-Frame-Options", "DENY") &&
           add_header(r, "Referrer-Policy", "no-referrer") && add_header(r, "Vary", "Accept");
}

Format format_of(ngx_http_request_t* r) noexcept {
    ngx_str_t argument{};
    static u_char name[] = "format";
    if (ngx_http_arg(r, name, sizeof(name) - 1, &argument) != NGX_OK) {
        argument = {};
    }
    std::string_view accept;
    any_header(r->headers_in.headers, "accept", [&accept](const ngx_table_elt_t& header) {
        accept = view(header.value);
        return false;
    });
    const bool scraped = any_header(r->headers_in.headers, "x-prometheus-scrape-timeout-seconds",
                                    [](const auto&) { return true; });
    return status::choose_format(view(argument), accept, scraped);
}

ngx_int_t answer(ngx_http_request_t* r) {
    if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) {
        return add_header(r, "Allow", "GET, HEAD") ? NGX_HTTP_NOT_ALLOWED
                                                   : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (const ngx_int_t result = ngx_http_discard_request_body(r); result != NGX_OK) {
        return result;
    }
    if (!may_see(r)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "lync_status_closed: only this machine may see the status: write \"allow\", "
                      "\"deny\" or \"auth_basic\" in its location to open it");
        return NGX_HTTP_FORBIDDEN;
    }

    const MainConf& conf = main_conf_of(r);
    switch (format_of(r)) {
    case Format::html:
        return send(r, NGX_HTTP_OK, page_type, status::page());
    case Format::json:
        return send(r, NGX_HTTP_OK, "application/json",
                    kept(r, status::to_json(snapshot_of(conf))));
    case Format::prometheus:
        return send(r, NGX_HTTP_OK, status::prometheus_type,
                    kept(r, status::to_prometheus(snapshot_of(conf))));
    case Format::unknown:
        break;
    }
    return send(r, NGX_HTTP_BAD_REQUEST, "text/plain; charset=utf-8",
                "unknown format, there are html, json and prometheus\n");
}

ngx_int_t status_handler(ngx_http_request_t* r) {
    return guarded<ngx_int_t>(r->connection->log, NGX_HTTP_INTERNAL_SERVER_ERROR,
                              [&] { return answer(r); });
}

bool is_page(const ngx_http_request_t* r) noexcept {
    return r->headers_out.status == NGX_HTTP_OK && view(r->headers_out.content_type) == page_type;
}

ngx_int_t settle(ngx_conf_t* cf, MainConf& conf) {
    if (settle_control(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }
    const bool counts = !conf.status_locations.empty(); // nothing is counted without lync_status
    if (!counts && conf.control_locations.empty()) {
        return NGX_OK;
    }
    for (LocConf* location : conf.status_locations) {
        if (!answers_at(cf, *location, status_handler, "lync_status")) {
            return NGX_ERROR;
        }
        location->status_open = restricts_access(cf->cycle, *location);
    }
    for (const auto& publication : conf.publications) {
        publication->published =
            std::make_unique<status::Published>(status::describe(publication->plan, ngx_time()));
        for (const config::CertificateFiles& files : publication->plan.publication.certificates) {
            publication->on_disk.emplace_back().note_loaded(files.certificate, ngx_time());
        }
        for (Group& group : publication->groups) {
            group.servers.count_as(counts ? group.name : std::string_view());
        }
    }
    conf.loaded = ngx_time();
    conf.page_policy = status::content_security_policy(status::page());
    return NGX_OK;
}

} // namespace

bool protect_status(ngx_http_request_t* r) noexcept {
    return r->content_handler != status_handler || r != r->main ||
           add_headers(r,
                       is_page(r) ? std::string_view(main_conf_of(r).page_policy) : nothing_else);
}

} // namespace lync::nginx

using namespace lync::nginx;

char* lync_status(ngx_conf_t* cf, ngx_command_t*, void* conf) {
    return answer_at(cf, *static_cast<LocConf*>(conf), status_handler, &MainConf::status_locations);
}

ngx_int_t lync_settle_status(ngx_conf_t* cf) {
    return guarded<ngx_int_t>(cf->log, NGX_ERROR, [&] { return settle(cf, main_conf_of(cf)); });
}
