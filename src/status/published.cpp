#include "status/published.h"

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_map>

namespace lync::status {

namespace {

using policy::SiteKind;

std::vector<Rule::Target> targets_of(const plan::Plan& plan, const plan::VirtualHost& host) {
    std::vector<Rule::Target> targets;
    for (const auto& [path, upstream] : host.routes()) {
        const plan::Upstream& to = plan.upstreams[upstream];
        const config::Farm& farm = plan.farm(to);
        targets.push_back({farm.role, farm.name, to.port, std::string(path)});
    }
    return targets;
}

std::vector<policy::Service> services_of(const plan::Plan& plan) {
    std::set<policy::Service> services;
    for (const plan::VirtualHost& host : plan.hosts) {
        if (host.site.kind == SiteKind::office_web_apps) {
            services.insert(policy::Service::office_web_apps);
        }
        const policy::Site site(host.site);
        for (const policy::PathRow& row : policy::path_rows()) {
            if (site.publishes(row)) {
                services.insert(row.service);
            }
        }
    }
    return {services.begin(), services.end()};
}

} // namespace

Published describe(const plan::Plan& plan, std::int64_t unix_now) {
    const std::chrono::sys_seconds now{std::chrono::seconds(unix_now)};
    const config::Publication& declared = plan.publication;
    Published published;
    published.name = declared.name;
    published.product = product_name(declared.product);
    published.services = services_of(plan);

    published.until = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < declared.loaded_certificates.size(); i++) {
        const config::Certificate& loaded = declared.loaded_certificates[i];
        published.certificates.push_back({declared.certificates[i].certificate, &loaded});
        if (loaded.not_before > now) {
            published.until = std::min(published.until, unix_time(loaded.not_before) - 1);
        } else if (loaded.not_after >= now) {
            published.until = std::min(published.until, unix_time(loaded.not_after));
        }
    }

    std::unordered_map<std::string_view, std::size_t> index;
    for (const plan::VirtualHost& host : plan.hosts) {
        if (host.catch_all) {
            continue;
        }
        const auto rule = static_cast<std::uint32_t>(published.rules.size());
        published.rules.push_back({host.id, host.tls, host.what, targets_of(plan, host)});
        for (const std::string& name : host.names) {
            const auto [known, is_new] = index.try_emplace(name, published.names.size());
            if (is_new) {
                published.names.emplace_back().name = name;
            }
            Name& entry = published.names[known->second];
            (host.tls ? entry.https : entry.http) = rule;
            if (host.tls) {
                entry.coverage = plan.coverage(host, name, now);
                entry.certificates = entry.coverage == Coverage::not_needed
                                         ? std::span<const std::uint32_t>()
                                         : declared.presented.covering(name);
            }
        }
    }
    return published;
}

} // namespace lync::status
