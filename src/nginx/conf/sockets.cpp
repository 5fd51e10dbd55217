// What can be settled only once every server of nginx.conf is known, whoever wrote it and in
// whatever order: the default server of each socket, the size of the name hashes, TLS.

#include "nginx/conf/commands.h"
#include "nginx/conf/conf.h"
#include "nginx/guard.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lync::nginx {

namespace {

const Host* host_of(const ngx_http_core_srv_conf_t* server) noexcept {
    return static_cast<SrvConf*>(server->ctx->srv_conf[ngx_lync_module.ctx_index])->host;
}

/// One socket of nginx's, with the servers on it told apart.
struct SharedSocket {
    explicit SharedSocket(ngx_http_conf_addr_t& of) : address(of) {
        auto** servers = static_cast<ngx_http_core_srv_conf_t**>(of.servers.elts);
        for (ngx_uint_t i = 0; i < of.servers.nelts; i++) {
            const Host* host = host_of(servers[i]);
            if (host == nullptr) {
                foreign = foreign == nullptr ? servers[i] : foreign;
                continue;
            }
            ours = true;
            const config::Publication& declared = host->publication.plan.publication;
            refuses = refuses || declared.unknown_host == config::UnknownHost::refuse;
            if (host->planned.catch_all) {
                catch_all = servers[i];
            }
        }
    }

    ngx_http_conf_addr_t& address;
    bool ours = false;
    bool refuses = false;                        ///< some publication here says unknown_host refuse
    ngx_http_core_srv_conf_t* foreign = nullptr; ///< the first server that isn't ours
    ngx_http_core_srv_conf_t* catch_all = nullptr;
};

/// Never one of our publishing servers: a name that nobody published must not reach a pool.
void choose_default(ngx_conf_t* cf, const SharedSocket& socket) noexcept {
    ngx_http_conf_addr_t& address = socket.address;
    if (!socket.ours || socket.catch_all == nullptr) {
        return;
    }

    if (address.opt.default_server) {
        if (socket.refuses) {
            const ngx_http_core_srv_conf_t* chosen = address.default_server;
            ngx_log_error(NGX_LOG_NOTICE, cf->log, 0,
                          "requests to %V for names that no lync_publish publishes go to the "
                          "server that says \"default_server\" in %s:%ui",
                          &address.opt.addr_text, chosen->file_name, chosen->line);
        }
        return;
    }

    address.default_server =
        socket.refuses || socket.foreign == nullptr ? socket.catch_all : socket.foreign;
}

/// A `listen` with "http2" speaks for every server of the socket.
void log_http2(ngx_conf_t* cf, const SharedSocket& socket) noexcept {
    if (socket.ours && socket.foreign != nullptr && socket.address.opt.http2) {
        ngx_log_error(NGX_LOG_NOTICE, cf->log, 0,
                      "a server outside of lync_publish switches HTTP/2 on for %V: published names "
                      "go on with HTTP/1.1 alone, which NTLM needs, and are answered 421 on HTTP/2 "
                      "connections of other names in %s:%ui",
                      &socket.address.opt.addr_text, socket.foreign->file_name,
                      socket.foreign->line);
    }
}

/// Where a foreign server has an address of its own, nginx asks it alone and not those of the
/// wildcard.
void log_preferred(ngx_conf_t* cf, const ngx_http_conf_port_t& port) noexcept {
    const std::span addresses(static_cast<ngx_http_conf_addr_t*>(port.addrs.elts),
                              port.addrs.nelts);
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
            ngx_log_error(NGX_LOG_NOTICE, cf->log, 0,
                          "connections to %V go to servers outside of lync_publish alone, since "
                          "these have that very address, not %V: to publish names there as well, "
                          "write \"%s %V;\" beside \"%s %V;\" in %s:%ui",
                          &address.opt.addr_text, &wildcard->opt.addr_text, directive,
                          &address.opt.addr_text, directive, &wildcard->opt.addr_text,
                          socket.foreign->file_name, socket.foreign->line);
        }
    }
}

std::span<const ngx_http_server_name_t> names_of(const ngx_http_core_srv_conf_t* server) noexcept {
    return {static_cast<const ngx_http_server_name_t*>(server->server_names.elts),
            server->server_names.nelts};
}

/// The name that both patterns stand for, "meet.contoso.com" for `*.contoso.com` and `meet.*`;
/// empty if one of them is no such pattern.
std::string name_in_common(std::string_view leading, std::string_view trailing) {
    // ".contoso.com" is "*.contoso.com" and "contoso.com".
    if (leading.starts_with('*')) {
        leading.remove_prefix(1);
    }
    if (leading.size() < 2 || !leading.starts_with('.') || !trailing.ends_with(".*")) {
        return {};
    }
    trailing.remove_suffix(2);
    return std::string(trailing).append(leading);
}

/// nginx asks for names that begin with a wildcard before those that end in one. `warned`: the
/// names warned of on other sockets.
void warn_taken_patterns(ngx_conf_t* cf, const ngx_http_conf_addr_t& address,
                         std::set<std::string>& warned) {
    const std::span servers(static_cast<ngx_http_core_srv_conf_t**>(address.servers.elts),
                            address.servers.nelts);
    const auto is_stated = [&](std::string_view name) {
        return std::any_of(servers.begin(), servers.end(), [&](const auto* server) {
            const auto names = names_of(server);
            return std::any_of(names.begin(), names.end(),
                               [&](const auto& stated) { return view(stated.name) == name; });
        });
    };
    for (const ngx_http_core_srv_conf_t* foreign : servers) {
        if (host_of(foreign) != nullptr) {
            continue;
        }
        for (const ngx_http_server_name_t& leading : names_of(foreign)) {
            for (const ngx_http_core_srv_conf_t* server : servers) {
                const Host* host = host_of(server);
                if (host == nullptr || leading.name.len == 0 ||
                    (leading.name.data[0] != '*' && leading.name.data[0] != '.')) {
                    continue;
                }
                for (const ngx_http_server_name_t& trailing : names_of(server)) {
                    const std::string name =
                        name_in_common(view(leading.name), view(trailing.name));
                    if (name.empty() || is_stated(name) || !warned.insert(name).second) {
                        continue;
                    }
                    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                                  "\"%s\" goes to the server outside of lync_publish with "
                                  "server_name \"%V\", which nginx prefers to \"%V\" of "
                                  "lync_publish \"%s\": to publish it, write its full name in the "
                                  "block as well in %s:%ui",
                                  name.c_str(), &leading.name, &trailing.name,
                                  host->publication.plan.publication.name.c_str(),
                                  host->planned.place.file.c_str(),
                                  static_cast<ngx_uint_t>(host->planned.place.line));
                }
            }
        }
    }
}

/// What nginx's hashes of server names must hold. An administrator who tuned them higher keeps
/// that; nobody has to.
struct NameCount {
    std::size_t names = 0;
    std::size_t longest = 0;

    void add(const ngx_http_conf_addr_t& address) noexcept {
        std::size_t here = 0;
        auto** servers = static_cast<ngx_http_core_srv_conf_t**>(address.servers.elts);
        for (ngx_uint_t i = 0; i < address.servers.nelts; i++) {
            const auto* name = static_cast<ngx_http_server_name_t*>(servers[i]->server_names.elts);
            here += servers[i]->server_names.nelts;
            for (ngx_uint_t n = 0; n < servers[i]->server_names.nelts; n++) {
                longest = std::max(longest, name[n].name.len);
            }
        }
        names = std::max(names, here);
    }
};

/// nginx tries one size of table after the other until no bucket overflows, and a bucket takes the
/// memory of what is in it, not what it may hold. So buckets may be large; what matters is that
/// the first try succeeds. Measured with 5,000 to 40,000 names: docs/benchmarks.md.
void size_name_hashes(ngx_http_core_main_conf_t* core, const NameCount& count) noexcept {
    constexpr std::size_t many = 1000;
    // From 10,001 on nginx begins its search 1,000 below the size allowed (ngx_hash_init): with a
    // bucket for each name at least.
    constexpr std::size_t search = 1000;
    constexpr std::size_t begins_high = 10000 + search;

    // A bucket holds a pointer and, for each name, a pointer, two bytes and the name.
    const std::size_t pointer = sizeof(void*);
    const std::size_t longest = ngx_align(count.longest + 2, pointer) + pointer;
    const std::size_t names_per_bucket = count.names > many ? 12 : 4;

    core->server_names_hash_bucket_size =
        std::max<ngx_uint_t>(core->server_names_hash_bucket_size,
                             ngx_align(names_per_bucket * longest + pointer, ngx_cacheline_size));
    core->server_names_hash_max_size = std::max<ngx_uint_t>(
        core->server_names_hash_max_size,
        count.names > many ? std::max(begins_high, count.names + search) : 4 * count.names);
}

/// What clients send is replaced by it, and no directive in a server can undo it.
ngx_int_t refuse_set_body(ngx_conf_t* cf, const MainConf& conf) {
    const Command set_body = find_command(cf->cycle, "proxy_set_body");
    if (!set_body || set_body.command->set != ngx_conf_set_str_slot ||
        set_body.value<ngx_str_t>(conf.http_loc_conf)->data == nullptr) {
        return NGX_OK;
    }
    const config::Publication& first = conf.publications.front()->plan.publication;
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"proxy_set_body\" directive at http level replaces what clients send, also in "
                  "lync_publish \"%s\": move it into the servers that need it in %s:%ui",
                  first.name.c_str(), first.place.file.c_str(),
                  static_cast<ngx_uint_t>(first.place.line));
    return NGX_ERROR;
}

/// A server_name of a server_include would give each server of the publication the same name.
ngx_int_t refuse_more_names(ngx_conf_t* cf, const ngx_http_core_srv_conf_t* server) {
    const Host* host = host_of(server);
    const std::size_t planned = std::max<std::size_t>(host->planned.names.size(), 1);
    if (server->server_names.nelts <= planned) {
        return NGX_OK;
    }
    const auto* name = static_cast<ngx_http_server_name_t*>(server->server_names.elts) + planned;
    const config::Publication& declared = host->publication.plan.publication;
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "server_name \"%V\" in a server_include of lync_publish \"%s\": names are "
                  "published by the block's own directives in %s:%ui",
                  &name->name, declared.name.c_str(), declared.place.file.c_str(),
                  static_cast<ngx_uint_t>(declared.place.line));
    return NGX_ERROR;
}

/// Where two servers of a socket have the same name, nginx gives it to the first and warns. That
/// would be half a publication.
ngx_int_t refuse_taken_names(ngx_conf_t* cf, const ngx_http_conf_addr_t& address) {
    std::unordered_map<std::string_view, const ngx_http_core_srv_conf_t*> taken;
    auto** servers = static_cast<ngx_http_core_srv_conf_t**>(address.servers.elts);

    for (ngx_uint_t i = 0; i < address.servers.nelts; i++) {
        const Host* host = host_of(servers[i]);
        const auto* name = static_cast<ngx_http_server_name_t*>(servers[i]->server_names.elts);
        for (ngx_uint_t n = 0; n < servers[i]->server_names.nelts; n++) {
            if (host == nullptr) {
                taken.emplace(view(name[n].name), servers[i]);
                continue;
            }
            const auto first = taken.empty() ? taken.end() : taken.find(view(name[n].name));
            if (first == taken.end() || host->planned.catch_all) {
                continue;
            }
            ngx_log_error(
                NGX_LOG_EMERG, cf->log, 0,
                "\"%V\" is published by lync_publish \"%s\" and is a server_name of the "
                "server in %s:%ui on the same socket: remove it from one of them in %s:%ui",
                &name[n].name, host->publication.plan.publication.name.c_str(),
                first->second->file_name, first->second->line, host->planned.place.file.c_str(),
                static_cast<ngx_uint_t>(host->planned.place.line));
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

ngx_int_t settle(ngx_conf_t* cf) {
    const auto* conf =
        static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_lync_module));
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
    if (conf->publications.empty()) {
        return NGX_OK;
    }
    if (refuse_set_body(cf, *conf) != NGX_OK) {
        return NGX_ERROR;
    }

    auto** servers = static_cast<ngx_http_core_srv_conf_t**>(core->servers.elts);
    for (ngx_uint_t i = 0; i < core->servers.nelts; i++) {
        if (host_of(servers[i]) == nullptr) {
            continue;
        }
        if (refuse_more_names(cf, servers[i]) != NGX_OK) {
            return NGX_ERROR;
        }
        if (settle_handshake(cf, servers[i], *host_of(servers[i])) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    NameCount count;
    std::set<std::string> warned;
    auto* ports = static_cast<ngx_http_conf_port_t*>(core->ports->elts);
    for (ngx_uint_t p = 0; p < core->ports->nelts; p++) {
        auto* addresses = static_cast<ngx_http_conf_addr_t*>(ports[p].addrs.elts);
        for (ngx_uint_t a = 0; a < ports[p].addrs.nelts; a++) {
            if (refuse_taken_names(cf, addresses[a]) != NGX_OK) {
                return NGX_ERROR;
            }
            const SharedSocket socket(addresses[a]);
            choose_default(cf, socket);
            if (socket.ours) {
                settle_default_handshake(cf, addresses[a].default_server);
            }
            log_http2(cf, socket);
            warn_taken_patterns(cf, addresses[a], warned);
            count.add(addresses[a]);
        }
        log_preferred(cf, ports[p]);
    }
    size_name_hashes(core, count);
    return NGX_OK;
}

} // namespace

} // namespace lync::nginx

ngx_int_t lync_settle_sockets(ngx_conf_t* cf) {
    using namespace lync::nginx;
    return guarded<ngx_int_t>(cf->log, NGX_ERROR, [&] { return settle(cf); });
}
