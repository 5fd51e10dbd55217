// What can be settled only once every server of nginx.conf is known, generated or not, in any
// order: the default server of each socket, the size of the name hashes, TLS.

#include "nginx/conf/commands.h"
#include "nginx/conf/conf.h"
#include "nginx/conf/handshake.h"
#include "nginx/guard.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lync::nginx {

namespace {

using Server = ngx_http_core_srv_conf_t;

/// Before 1.25.1 a plain socket with "http2" took nothing else.
constexpr bool http2_excludes_http1 = nginx_version < 1025001;

std::span<Server*> servers_of(const ngx_http_conf_addr_t& address) noexcept {
    return elements<Server*>(address.servers);
}

std::span<const ngx_http_server_name_t> names_of(const Server& server) noexcept {
    return elements<const ngx_http_server_name_t>(server.server_names);
}

Place place_of(const Server& server) {
    return {reinterpret_cast<const char*>(server.file_name), static_cast<unsigned>(server.line)};
}

/// One socket of nginx's: which of its servers are ours, which foreign.
struct SharedSocket {
    explicit SharedSocket(ngx_http_conf_addr_t& of) : address(of) {
        for (Server* server : servers_of(of)) {
            const Host* host = host_of(server);
            if (host == nullptr) {
                foreign = foreign == nullptr ? server : foreign;
                continue;
            }
            ours = true;
            plain = host->planned.tls ? plain : host;
            const config::Publication& declared = host->publication.plan.publication;
            refuses = refuses || declared.unknown_host == config::UnknownHost::refuse;
            catch_all = host->planned.catch_all ? server : catch_all;
        }
    }

    ngx_http_conf_addr_t& address;
    bool ours = false;
    const Host* plain = nullptr; ///< one of ours that speaks plain HTTP
    bool refuses = false;        ///< some publication here says unknown_host refuse
    Server* foreign = nullptr;   ///< the first server that isn't ours
    Server* catch_all = nullptr;
};

/// A server without a name is usually meant to answer for all names.
void log_nameless(ngx_conf_t* cf, const ngx_http_conf_addr_t& address) {
    for (const Server* server : servers_of(address)) {
        if (const auto names = names_of(*server); names.size() == 1 && names[0].name.len == 0) {
            log_at(NGX_LOG_NOTICE, cf, place_of(*server),
                   "a server without \"server_name\" gets no requests to %V but those without a "
                   "Host header: write its server_name, or \"unknown_host ignore\" in lync_publish",
                   &address.opt.addr_text);
        }
    }
}

/// Never one of our publishing servers: a name that isn't published must not reach a pool.
void choose_default(ngx_conf_t* cf, const SharedSocket& socket) {
    ngx_http_conf_addr_t& address = socket.address;
    if (!socket.ours || socket.catch_all == nullptr) {
        return;
    }
    if (!address.opt.default_server) {
        const bool refuses = socket.refuses || socket.foreign == nullptr;
        address.default_server = refuses ? socket.catch_all : socket.foreign;
        if (refuses) {
            log_nameless(cf, address);
        }
    } else if (socket.refuses) {
        log_at(NGX_LOG_NOTICE, cf, place_of(*address.default_server),
               "requests to %V for names that no lync_publish publishes go to the server that says "
               "\"default_server\"",
               &address.opt.addr_text);
    }
}

/// A `listen` with "ssl" or "http2" speaks for every server of the socket, and so does the default
/// server, once it is chosen. nginx has looked for a certificate at the one that was it before.
ngx_int_t refuse_other_protocol(ngx_conf_t* cf, const SharedSocket& socket) {
    const auto& opt = socket.address.opt;
    const Server& first = *socket.address.default_server;
    const bool ssl_on =
        has_ssl_on(conf_of<ngx_http_ssl_srv_conf_t>(first.ctx->srv_conf, ngx_http_ssl_module));
    const bool tls = opt.ssl || ssl_on;
    if (socket.plain != nullptr && socket.foreign != nullptr &&
        (tls || (opt.http2 && http2_excludes_http1))) {
        log_at(NGX_LOG_EMERG, cf, socket.plain->planned.place,
               "%V is plain HTTP in lync_publish \"%s\", but a server outside of it says \"%s\": "
               "a socket speaks one of them, take another for that server",
               &opt.addr_text, socket.plain->publication.plan.publication.name.c_str(),
               opt.ssl ? "listen ... ssl"
               : tls   ? "ssl on"
                       : "listen ... http2");
        return NGX_ERROR;
    }
    if (socket.ours && tls && !has_tls(first)) {
        log_at(NGX_LOG_EMERG, cf, place_of(first),
               "this server has no \"ssl_certificate\", and \"unknown_host ignore\" makes it the "
               "default one of %V, which is for https: write a certificate into it, or a server "
               "that has one before it",
               &opt.addr_text);
        return NGX_ERROR;
    }
    return NGX_OK;
}

void log_http2(ngx_conf_t* cf, const SharedSocket& socket) {
    if (socket.ours && socket.foreign != nullptr && socket.address.opt.http2) {
        log_at(NGX_LOG_NOTICE, cf, place_of(*socket.foreign),
               "a server outside of lync_publish switches HTTP/2 on for %V: published names go on "
               "with HTTP/1.1 alone, which NTLM needs, and are answered 421 on HTTP/2 connections "
               "of other names",
               &socket.address.opt.addr_text);
    }
}

/// Where a foreign server has an address of its own, nginx asks it alone and not those of the
/// wildcard.
void log_preferred(ngx_conf_t* cf, const ngx_http_conf_port_t& port) {
    const auto addresses = elements<ngx_http_conf_addr_t>(port.addrs);
    const auto wildcard = std::find_if(addresses.begin(), addresses.end(), [](auto& address) {
        return address.opt.wildcard && SharedSocket(address).ours;
    });
    if (wildcard == addresses.end()) {
        return;
    }
    const char* directive = wildcard->opt.ssl ? "https_listen" : "http_listen";
    for (ngx_http_conf_addr_t& address : addresses) {
        const SharedSocket socket(address);
        if (!socket.ours) {
            log_at(
                NGX_LOG_NOTICE, cf, place_of(*socket.foreign),
                "connections to %V go to servers outside of lync_publish alone, since these have "
                "that very address, not %V: to publish names there as well, write \"%s %V;\" "
                "beside \"%s %V;\"",
                &address.opt.addr_text, &wildcard->opt.addr_text, directive, &address.opt.addr_text,
                directive, &wildcard->opt.addr_text);
        }
    }
}

/// The name that both patterns stand for, "meet.contoso.com" for `*.contoso.com` and `meet.*`;
/// empty if there is none.
std::string name_in_common(std::string_view leading, std::string_view trailing) {
    // ".contoso.com" is "*.contoso.com" and "contoso.com".
    leading.remove_prefix(leading.starts_with('*') ? 1 : 0);
    trailing.remove_suffix(2);
    return leading.size() < 2 || !leading.starts_with('.') ? ""
                                                           : std::string(trailing).append(leading);
}

/// nginx asks for names that begin with a wildcard before those that end in one. `warned`: the
/// names warned of on other sockets.
void warn_taken_patterns(ngx_conf_t* cf, const ngx_http_conf_addr_t& address,
                         std::set<std::string>& warned) {
    std::vector<const ngx_str_t*> leading; // of foreign servers
    std::vector<std::pair<const ngx_str_t*, const Host*>> trailing;
    for (const Server* server : servers_of(address)) {
        const Host* host = host_of(server);
        for (const ngx_http_server_name_t& name : names_of(*server)) {
            const std::string_view text = view(name.name);
            if (host == nullptr && (text.starts_with('*') || text.starts_with('.'))) {
                leading.push_back(&name.name);
            } else if (host != nullptr && text.ends_with(".*")) {
                trailing.emplace_back(&name.name, host);
            }
        }
    }
    const auto is_stated = [&](std::string_view name) {
        return std::ranges::any_of(servers_of(address), [name](const Server* server) {
            return std::ranges::any_of(names_of(*server),
                                       [name](const auto& s) { return view(s.name) == name; });
        });
    };
    for (const ngx_str_t* first : leading) {
        for (const auto& [last, host] : trailing) {
            const std::string name = name_in_common(view(*first), view(*last));
            if (name.empty() || is_stated(name) || !warned.insert(name).second) {
                continue;
            }
            log_at(NGX_LOG_WARN, cf, host->planned.place,
                   "\"%s\" goes to the server outside of lync_publish with server_name \"%V\", "
                   "which nginx prefers to \"%V\" of lync_publish \"%s\": to publish it, write its "
                   "full name in the block as well",
                   name.c_str(), first, last, host->publication.plan.publication.name.c_str());
        }
    }
}

/// nginx tries one size of table after the other until no bucket overflows, and a bucket takes the
/// memory of what is in it, not what it may hold. So buckets may be large; what matters is that
/// the first try succeeds. A higher setting in nginx.conf stays. Measured with 5,000 to 40,000
/// names: docs/benchmarks.md.
void size_name_hashes(ngx_conf_t* cf, ngx_http_core_main_conf_t* core) noexcept {
    std::size_t most_names = 0; // of one socket
    std::size_t longest_name = 0;
    each_socket(cf, [&](const ngx_http_conf_addr_t& address) {
        std::size_t names = 0;
        for (const Server* server : servers_of(address)) {
            for (const ngx_http_server_name_t& name : names_of(*server)) {
                names++;
                longest_name = std::max(longest_name, name.name.len);
            }
        }
        most_names = std::max(most_names, names);
    });

    constexpr std::size_t many = 1000;
    // From 10,001 on nginx begins its search 1,000 below the size allowed (ngx_hash_init): with a
    // bucket for each name at least.
    constexpr std::size_t search = 1000;
    constexpr std::size_t begins_high = 10000 + search;

    // A bucket holds a pointer and, for each name, a pointer, two bytes and the name.
    const std::size_t pointer = sizeof(void*);
    const std::size_t longest = ngx_align(longest_name + 2, pointer) + pointer;
    const std::size_t names_per_bucket = most_names > many ? 12 : 4;

    core->server_names_hash_bucket_size =
        std::max<ngx_uint_t>(core->server_names_hash_bucket_size,
                             ngx_align(names_per_bucket * longest + pointer, ngx_cacheline_size));
    core->server_names_hash_max_size = std::max<ngx_uint_t>(
        core->server_names_hash_max_size,
        most_names > many ? std::max(begins_high, most_names + search) : 4 * most_names);
}

/// What clients send is replaced by it, and no directive in a server can undo it.
ngx_int_t refuse_set_body(ngx_conf_t* cf, const MainConf& conf) {
    const Command set_body = find_command(cf->cycle, "proxy_set_body");
    if (!set_body || set_body.command->set != ngx_conf_set_str_slot ||
        set_body.value<ngx_str_t>(conf.http_loc_conf)->data == nullptr) {
        return NGX_OK;
    }
    const config::Publication& first = conf.publications.front()->plan.publication;
    log_at(NGX_LOG_EMERG, cf, first.place,
           "\"proxy_set_body\" directive at http level replaces what clients send, also in "
           "lync_publish \"%s\": move it into the servers that need it",
           first.name.c_str());
    return NGX_ERROR;
}

/// A server_name of a server_include would give each server of the publication the same name.
ngx_int_t refuse_more_names(ngx_conf_t* cf, const Server& server, const Host& host) {
    const std::size_t planned = std::max<std::size_t>(host.planned.names.size(), 1);
    if (server.server_names.nelts <= planned) {
        return NGX_OK;
    }
    const config::Publication& declared = host.publication.plan.publication;
    log_at(NGX_LOG_EMERG, cf, declared.place,
           "server_name \"%V\" in a server_include of lync_publish \"%s\": names are published by "
           "the block's own directives",
           &names_of(server)[planned].name, declared.name.c_str());
    return NGX_ERROR;
}

/// Where two servers of a socket have the same name, nginx gives it to the first and warns. That
/// would be half a publication.
ngx_int_t refuse_taken_names(ngx_conf_t* cf, const ngx_http_conf_addr_t& address) {
    std::unordered_map<std::string_view, const Server*> taken;
    for (const Server* server : servers_of(address)) {
        const Host* host = host_of(server);
        for (const ngx_http_server_name_t& name : names_of(*server)) {
            if (host == nullptr) {
                taken.emplace(view(name.name), server);
                continue;
            }
            const auto first = taken.find(view(name.name));
            if (first == taken.end()) {
                continue;
            }
            log_at(NGX_LOG_EMERG, cf, host->planned.place,
                   "\"%V\" is published by lync_publish \"%s\" and is a server_name of the server "
                   "in %s:%ui on the same socket: remove it from one of them",
                   &name.name, host->publication.plan.publication.name.c_str(),
                   first->second->file_name, first->second->line);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

ngx_int_t settle_servers(ngx_conf_t* cf, const ngx_http_core_main_conf_t& core) {
    for (const Server* server : elements<Server*>(core.servers)) {
        const Host* host = host_of(server);
        if (host != nullptr && (refuse_more_names(cf, *server, *host) != NGX_OK ||
                                settle_handshake(cf, server, *host) != NGX_OK)) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

ngx_int_t settle(ngx_conf_t* cf) {
    const MainConf& conf = main_conf_of(cf);
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
    if (conf.publications.empty()) {
        return NGX_OK;
    }
    if (refuse_set_body(cf, conf) != NGX_OK || settle_servers(cf, *core) != NGX_OK) {
        return NGX_ERROR;
    }
    std::set<std::string> warned;
    for (const auto& port : elements<ngx_http_conf_port_t>(*core->ports)) {
        for (ngx_http_conf_addr_t& address : elements<ngx_http_conf_addr_t>(port.addrs)) {
            if (refuse_taken_names(cf, address) != NGX_OK) {
                return NGX_ERROR;
            }
            const SharedSocket socket(address);
            choose_default(cf, socket);
            if (refuse_other_protocol(cf, socket) != NGX_OK) {
                return NGX_ERROR;
            }
            if (socket.ours) {
                settle_default_handshake(cf, address.default_server);
            }
            log_http2(cf, socket);
            warn_taken_patterns(cf, address, warned);
        }
        log_preferred(cf, port);
    }
    size_name_hashes(cf, core);
    return NGX_OK;
}

} // namespace

} // namespace lync::nginx

ngx_int_t lync_settle_sockets(ngx_conf_t* cf) {
    using namespace lync::nginx;
    return guarded<ngx_int_t>(cf->log, NGX_ERROR, [&] { return settle(cf); });
}
