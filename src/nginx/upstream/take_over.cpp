// What is left to do when the configuration has been read: the module's balancer takes the place of
// those of the upstreams that were generated, names of servers can be resolved, and shared memory
// is asked for.

#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/upstream/peer.h"
#include "nginx/upstream/resolve.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace lync::nginx {

namespace {

void take_over(ngx_http_upstream_srv_conf_t* upstream, Group& group, bool resolve_at_start) {
    const auto parsed = elements<ngx_http_upstream_server_t>(*upstream->servers);
    std::vector<std::span<const ngx_addr_t>> addresses;
    for (const Line& line : group.servers.lines()) {
        const ngx_http_upstream_server_t& server = parsed[addresses.size()];
        const bool known = resolve_at_start || !line.declared->by_name;
        addresses.emplace_back(server.addrs, known ? server.naddrs : 0);
    }
    group.servers.set_all(addresses);
    group.title = upstream->host;
    upstream->peer.init = init_peer;
    conf_of<SrvConf>(upstream->srv_conf, ngx_lync_module).group = &group;
}

/// nginx calls this after all built-in modules have put their layers over the upstreams.
void take_over_upstreams(ngx_conf_t* cf, const MainConf& conf) {
    struct Owner {
        const Publication* publication;
        Group* group;
    };
    std::map<std::string_view, Owner> groups;
    for (const auto& publication : conf.publications) {
        for (Group& group : publication->groups) {
            groups.emplace(group.name, Owner{publication.get(), &group});
        }
    }
    const auto* main = static_cast<ngx_http_upstream_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module));
    for (auto* upstream : elements<ngx_http_upstream_srv_conf_t*>(main->upstreams)) {
        const auto group = groups.find(view(upstream->host));
        if (group != groups.end() && upstream->srv_conf != nullptr) {
            take_over(upstream, *group->second.group,
                      group->second.publication->plan.publication.resolve_at_start);
        }
    }
}

/// Records in shared memory of what a configuration counts and watches.
std::size_t records_of(const MainConf& conf) {
    std::size_t records = 0;
    for (const auto& publication : conf.publications) {
        for (Group& group : publication->groups) {
            // The group; of each server the endpoint, its check, its counters; of each line its
            // name.
            const std::size_t servers =
                std::max(group.servers.all().size(), group.servers.lines().size());
            records += 1 + 3 * servers + group.servers.lines().size();
        }
    }
    return records;
}

ngx_int_t declare_zones(ngx_conf_t* cf, MainConf& conf) {
    const auto bind = [](void* data) { static_cast<MainConf*>(data)->bind(); };
    if (conf.zone.declare(cf, records_of(conf), conf.publications.size(), bind, &conf) != NGX_OK) {
        return NGX_ERROR;
    }
    StoreSettings* store = conf.store_settings.get();
    bool counts_attempts = false;
    for (const auto& publication : conf.publications) {
        if (const Lockout* lockout = publication->lockout.get()) {
            counts_attempts = true;
            if (store != nullptr) {
                store->longest.window = std::max(store->longest.window, lockout->limits.window);
                store->longest.hold = std::max(store->longest.hold, lockout->limits.hold);
            }
        }
    }
    return counts_attempts ? conf.lockout.declare(cf, store == nullptr ? nullptr : &store->key)
                           : NGX_OK;
}

} // namespace

} // namespace lync::nginx

using namespace lync::nginx;

char* lync_init_main_conf(ngx_conf_t* cf, void* conf) {
    auto* const failed = static_cast<char*>(NGX_CONF_ERROR);
    return guarded(cf->log, failed, [&]() -> char* {
        auto& main = *static_cast<MainConf*>(conf);
        if (main.publications.empty()) {
            return NGX_CONF_OK;
        }
        take_over_upstreams(cf, main);
        return prepare_resolving(cf, main) == NGX_OK && declare_zones(cf, main) == NGX_OK
                   ? NGX_CONF_OK
                   : failed;
    });
}
