#pragma once

// What hangs on nginx's configuration contexts. All of it lives in, and dies with, the pool of
// the cycle whose configuration it is.

#include "nginx/counters.h"
#include "nginx/peer.h"
#include "plan/plan.h"
#include "policy/site.h"
#include "syntax/block.h"
#include "topology/publication.h"

#include <array>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace lync::nginx {

struct Publication;

/// A virtual host at run time: nothing but what a request needs.
struct Host {
    Host(const Publication& of, const plan::VirtualHost& as, policy::SiteSpec rules)
        : publication(of), planned(as), site(std::move(rules)) {}

    const Publication& publication;
    const plan::VirtualHost& planned;
    policy::Site site;
};

/// A publication at run time.
struct Publication {
    explicit Publication(plan::Plan made) : plan(std::move(made)) {
        for (plan::VirtualHost& host : plan.hosts) {
            hosts.emplace_back(*this, host, std::move(host.site));
        }
        for (const plan::Upstream& upstream : plan.upstreams) {
            groups.push_back(group_of(upstream));
        }
    }
    Publication(const Publication&) = delete;

    Group group_of(const plan::Upstream& upstream) const {
        const topology::ConnectionAuth& auth = plan.publication.connection_auth;
        const auto msec = [](std::chrono::seconds s) {
            return static_cast<ngx_msec_t>(std::chrono::milliseconds(s).count());
        };
        Group group;
        group.name = upstream.name;
        group.binds = auth.on;
        group.shares = auth.on || upstream.anonymous;
        group.limits.owned_idle = msec(auth.idle);
        group.limits.age = msec(auth.age);
        group.limits.owned = auth.most;
        return group;
    }

    const topology::Farm* farm(const Host& host, std::uint16_t target) const noexcept {
        return target < host.planned.upstreams.size()
                   ? &plan.farm(plan.upstreams[host.planned.upstreams[target]])
                   : nullptr;
    }

    plan::Plan plan;
    std::deque<Host> hosts;   ///< in the order of plan.hosts
    std::deque<Group> groups; ///< in the order of plan.upstreams

    /// When a refusal was last logged, by reason: a worker's own, so that a line a second of each
    /// kind comes from each worker.
    mutable std::array<time_t, static_cast<std::size_t>(policy::Reason::malformed) + 1> told{};

    Tally tally; ///< what is counted of it; this process's own view
    std::unique_ptr<status::Published> published; ///< for the status; else NULL
};

struct LocConf;

/// http level. Owned by the cycle's pool (guard.h, create_in).
struct MainConf {
    std::vector<std::unique_ptr<Publication>> publications;
    topology::Registry registry;

    void** http_loc_conf = nullptr; ///< the location configurations of http level

    Counters counters;
    std::vector<LocConf*> status_locations; ///< those that say `lync_status`
    std::string page_policy;                ///< Content-Security-Policy of the status page
    time_t loaded = 0;                      ///< when this configuration was read

    /// While a block is being read: the directives from lync_publish down to the current block.
    std::vector<syntax::Directive*> reading;
    /// While generated text is being parsed: the publication that it belongs to.
    const Publication* feeding = nullptr;
};

/// A generated server or upstream; of anybody else's both are NULL.
struct SrvConf {
    const Host* host;
    Group* group;
};

/// Whether requests of this location are judged: only `location /` of a generated server, so
/// that a location from server_include is the administrator's own.
struct LocConf {
    ngx_flag_t judged;

    ngx_flag_t status;      ///< says `lync_status`
    ngx_flag_t status_open; ///< and who may see it
    void** own;             ///< location configurations of this location, while it is parsed
    void* parent;           ///< the context it stands in (ngx_http_conf_ctx_t)
};

inline MainConf& main_conf_of(ngx_http_request_t* r) noexcept {
    return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_lync_module));
}

/// NULL where there is no http block.
inline MainConf* main_conf_of(ngx_cycle_t* cycle) noexcept {
    return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_lync_module));
}

inline const Host* host_of(ngx_http_request_t* r) noexcept {
    return static_cast<SrvConf*>(ngx_http_get_module_srv_conf(r, ngx_lync_module))->host;
}

} // namespace lync::nginx
