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
    const auto add = [&](std::size_t upstream, std::string path) {
        const plan::Upstream& to = plan.upstreams[upstream];
        const config::Farm& farm = plan.farm(to);
        targets.push_back({farm.role, farm.name, to.port, std::move(path)});
    };
    if (host.upstreams.size() > 1) {
        for (const policy::SimpleUrlPath& url : host.site.simple_urls) {
            add(host.upstreams[url.target], url.prefix);
        }
    } else if (!host.upstreams.empty()) {
        add(host.upstreams.front(), {});
    }
    return targets;
}

void judge_coverage(Name& name, const Published& published, const config::Publication& declared,
                    std::chrono::sys_seconds now) {
    if (name.https == none || published.rules[name.https].targets.empty()) {
        return; // nothing is published there: the handshake is all that a client gets
    }
    if (declared.coverage(name.name) == config::Coverage::by_request) {
        name.coverage = Coverage::by_request;
        return;
    }
    name.certificates = declared.presented.covering(name.name);
    // A client may be presented any of them.
    const bool valid = std::ranges::all_of(name.certificates, [&](std::uint32_t index) {
        return declared.loaded_certificates[index].is_valid_at(now);
    });
    name.coverage = valid && !name.certificates.empty() ? Coverage::covered : Coverage::uncovered;
    if (name.coverage == Coverage::uncovered && name.http != none &&
        !published.rules[name.http].targets.empty()) {
        name.coverage = Coverage::plain_http;
    }
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
        }
    }

    for (Name& name : published.names) {
        judge_coverage(name, published, declared, now);
    }
    return published;
}

} // namespace lync::status
