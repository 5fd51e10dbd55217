#pragma once

// The module's data in nginx's configuration contexts. All of it belongs to the pool of the cycle
// of its configuration.

#include "config/block.h"
#include "config/certificate_on_disk.h"
#include "config/publication.h"
#include "nginx/conf/handshake.h"
#include "nginx/lockout/lockout.h"
#include "nginx/lockout/store.h"
#include "nginx/servers/group.h"
#include "nginx/shared/zone.h"
#include "plan/plan.h"
#include "policy/site.h"
#include "status/snapshot.h"

#include <array>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lync::nginx {

struct Publication;

/// A virtual host at run time: nothing but what a request needs.
struct Host {
    Host(const Publication& of, const plan::VirtualHost& as)
        : publication(of), planned(as), site(as.site) {}

    const Publication& publication;
    const plan::VirtualHost& planned;
    policy::Site site;
    bool sets_cookie = false;          ///< some group behind it has affinity by cookie
    mutable void** loc_conf = nullptr; ///< of its `location /`, in a configuration being made
};

/// A publication at run time.
struct Publication {
    /// Throws only if there is no memory.
    Publication(plan::Plan made, Transports& transports);
    Publication(const Publication&) = delete;

    const config::Farm* farm(const Host& host, std::uint16_t target) const noexcept {
        return target < host.planned.upstreams.size()
                   ? &plan.farm(plan.upstreams[host.planned.upstreams[target]])
                   : nullptr;
    }
    Group* group(const Host& host, std::uint16_t target) const noexcept {
        return target < host.planned.upstreams.size() ? &groups[host.planned.upstreams[target]]
                                                      : nullptr;
    }

    plan::Plan plan;
    /// By set of certificates: a TLS session is resumed by handshakes of its own context alone.
    std::vector<SessionContext> session_contexts;
    std::deque<Host> hosts; ///< in the order of plan.hosts
    std::unordered_map<std::string_view, Host*> by_id;
    mutable std::deque<Group>
        groups; ///< in the order of plan.upstreams; they live as requests come

    /// When a refusal was last logged, by reason: a worker's own, so that a line a second of each
    /// kind comes from each worker.
    mutable std::array<time_t, static_cast<std::size_t>(policy::Reason::malformed) + 1>
        last_logged{};

    PublicationRecord* record = nullptr;          ///< what is counted of it; NULL: nothing
    std::unique_ptr<status::Published> published; ///< for the status; else NULL
    /// By this worker, of plan.publication.certificates; empty where no status shows it.
    std::vector<config::CertificateOnDisk> on_disk;
    std::unique_ptr<const Lockout> lockout; ///< NULL: off

private:
    void add_group(const plan::Upstream& upstream, Transports& transports);
};

struct LocConf;
class WaitingRequests;
struct Worker;

/// http level. Owned by the cycle's pool (guard.h, create_in).
struct MainConf {
    MainConf() = default;
    MainConf(const MainConf&) = delete;

    /// Finds all records in shared memory: at load, and in each worker.
    void bind() noexcept;

    Zone zone;
    LockoutZone lockout;
    std::unique_ptr<StoreSettings> store_settings; ///< NULL: there is no `lockout_store`
    Transports transports{zone};
    std::vector<std::unique_ptr<Publication>> publications;
    config::Registry registry;

    void** http_loc_conf = nullptr; ///< the location configurations of http level
    /// By module, for generated servers: such a configuration with nothing in it.
    std::vector<std::pair<ngx_uint_t, void*>> blank_confs;

    std::vector<LocConf*>
        status_locations; ///< those that say `lync_status`; none: nothing is counted
    std::vector<LocConf*> control_locations; ///< those that say `lync_control`
    std::string page_policy;                 ///< Content-Security-Policy of the status page
    time_t loaded = 0;                       ///< when this configuration was read

    /// While a block is being read: the directives from lync_publish down to the current block.
    std::vector<config::Directive*> reading;
    /// While generated text is being parsed: the publication that it belongs to.
    const Publication* feeding = nullptr;

    ngx_resolver_t* resolver = nullptr; ///< for servers given by name; NULL: that of http level

    // A worker's own, made when it begins (process.cpp); some by shared_ptr, since the types are
    // incomplete here.
    std::shared_ptr<Worker> worker;
    std::shared_ptr<WaitingRequests> waiting;
    std::unique_ptr<Store> store; ///< NULL: there is no `lockout_store`
};

/// A generated server or upstream; of other servers both are NULL.
struct SrvConf {
    const Host* host;
    Group* group;
};

/// Whether requests of this location are judged: only `location /` of a generated server, so
/// that a location from server_include is the administrator's own.
struct LocConf {
    ngx_flag_t judged;
    ngx_flag_t challenges; ///< of ACME: GET and HEAD are nginx's to answer, of a file

    // Of one that says `lync_status` or `lync_control`:
    ngx_flag_t status_open;      ///< and who may see it
    void** own;                  ///< location configurations of this location, while it is parsed
    ngx_http_conf_ctx_t* parent; ///< the context it stands in
    ngx_str_t file;              ///< where it says so
    ngx_uint_t line;
};

inline MainConf& main_conf_of(ngx_conf_t* cf) noexcept {
    return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_lync_module));
}

inline MainConf& main_conf_of(ngx_http_request_t* r) noexcept {
    return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_lync_module));
}

/// NULL where there is no http block.
inline MainConf* main_conf_of(ngx_cycle_t* cycle) noexcept {
    return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_lync_module));
}

/// NULL of a server that isn't ours.
inline const Host* host_of(ngx_http_request_t* r) noexcept {
    return static_cast<SrvConf*>(ngx_http_get_module_srv_conf(r, ngx_lync_module))->host;
}
inline const Host* host_of(const ngx_http_core_srv_conf_t* server) noexcept {
    return conf_of<SrvConf>(server->ctx->srv_conf, ngx_lync_module).host;
}

/// As nginx's own messages about a configuration: with the place behind.
template <typename... Values>
void log_at(ngx_uint_t level, ngx_conf_t* cf, const Place& place, const char* text,
            Values... values) noexcept {
    u_char line[NGX_MAX_ERROR_STR];
    const u_char* end = ngx_slprintf(line, line + sizeof(line), text, values...);
    ngx_log_error(level, cf->log, 0, "%*s in %s:%ui", static_cast<std::size_t>(end - line), line,
                  place.file.c_str(), static_cast<ngx_uint_t>(place.line));
}

} // namespace lync::nginx
