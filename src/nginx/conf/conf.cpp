#include "nginx/conf/conf.h"

#include <utility>

namespace lync::nginx {

namespace {

/// The CAs that servers' certificates are verified against; empty, as no path is: they aren't.
std::string trust_of(const config::Publication& declared) {
    return declared.backend_verify ? declared.trusted_ca : std::string();
}

} // namespace

Publication::Publication(plan::Plan made, Transports& transports)
    : plan(std::move(made)), session_contexts(contexts_of(plan.publication)) {
    for (const plan::Upstream& upstream : plan.upstreams) {
        add_group(upstream, transports);
    }
    for (const plan::VirtualHost& host : plan.hosts) {
        Host& added = hosts.emplace_back(*this, host);
        by_id.emplace(host.id, &added);
        for (const std::size_t upstream : host.upstreams) {
            added.sets_cookie =
                added.sets_cookie || groups[upstream].affinity == config::Affinity::cookie;
        }
    }
}

void Publication::add_group(const plan::Upstream& upstream, Transports& transports) {
    const config::ConnectionAuth& auth = plan.publication.connection_auth;
    const config::Farm& farm = plan.farm(upstream);
    const std::string verified_as = farm.certificate_name + " " + trust_of(plan.publication);
    Group& group = groups.emplace_back();
    group.name = upstream.name;
    group.binds = auth.on || upstream.anonymous;
    group.affinity = farm.affinity;
    group.limits.owned_idle = msec(auth.idle);
    group.limits.age = msec(auth.age);
    group.limits.owned = auth.most;
    // What must be equal for two groups to mean the same server by an address and port.
    group.transport =
        &transports.transport(upstream.tls ? "tls " + verified_as : "plain", group.binds);
    // One or two for each: whose connection is closed to make room starts with a handshake.
    group.transport->shared.reserve(group.limits.shared + 2 * farm.servers.size());
    group.servers.declare(*group.transport, farm, upstream.port, verified_as);
}

void MainConf::bind() noexcept {
    transports.bind();
    for (const auto& publication : publications) {
        const std::string& name = publication->plan.publication.name;
        publication->record = status_locations.empty()
                                  ? nullptr
                                  : zone.find_publication(Key(Subject::publication).add(name));
        for (Group& group : publication->groups) {
            group.servers.bind();
            group.record = zone.find(group.key());
        }
    }
}

} // namespace lync::nginx
