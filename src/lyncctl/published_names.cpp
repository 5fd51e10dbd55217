#include "lyncctl/published_names.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace lync::lyncctl {

namespace {

using plan::Plan;
using plan::VirtualHost;
using policy::SiteKind;

/// By SiteKind.
constexpr std::string_view uses[] = {
    "external web services", "lyncdiscover", "", "office web apps", "exchange", "", "admin", ""};

} // namespace

std::string_view yes_or_no(config::Coverage coverage) noexcept {
    using enum config::Coverage;
    return coverage == covered                               ? "yes"
           : coverage == uncovered || coverage == plain_http ? "no"
                                                             : "unknown";
}

std::vector<PublishedName> published_names(const Plan& plan) {
    std::vector<PublishedName> names;
    for (const VirtualHost& host : plan.hosts) {
        if (!host.tls || host.catch_all) {
            continue;
        }
        for (const std::string& name : host.names) {
            PublishedName published{.name = name,
                                    .path = {},
                                    .kind = host.site.kind,
                                    .use = uses[static_cast<std::size_t>(host.site.kind)],
                                    .upstream = {},
                                    .coverage = plan.coverage(host, name)};
            if (host.site.simple_urls.empty()) {
                if (!host.upstreams.empty()) {
                    published.upstream = host.upstreams.front();
                }
                names.push_back(std::move(published));
            }
            for (const policy::SimpleUrlPath& url : host.site.simple_urls) {
                published.path = url.prefix;
                published.use = policy::service_name(url.service);
                published.upstream = host.upstreams.at(url.target);
                names.push_back(published);
            }
        }
    }
    return names;
}

std::vector<PublishedName> certificate_names(const Plan& plan) {
    std::vector<PublishedName> names = published_names(plan);
    std::unordered_set<std::string> seen;
    std::erase_if(names, [&](const PublishedName& name) {
        return !name.upstream || !seen.insert(name.name).second;
    });
    std::ranges::stable_partition(names,
                                  [](const PublishedName& name) { return !name.is_pattern(); });
    return names;
}

std::vector<std::vector<std::string>> split_names(const Plan& plan) {
    const std::vector<std::string>& domains = plan.publication.sip_domains;
    std::unordered_map<std::string_view, std::size_t> groups; // 0: none's
    for (std::size_t i = 0; i < domains.size(); i++) {
        groups.emplace(domains[i], i + 1);
    }
    std::vector<std::vector<std::string>> grouped(domains.size() + 1);
    for (const PublishedName& name : certificate_names(plan)) {
        if (name.is_pattern()) {
            break;
        }
        std::size_t group = 0;
        std::string_view rest = name.name;
        while (name.kind != SiteKind::web_services && group == 0 && !rest.empty()) {
            if (const auto found = groups.find(rest); found != groups.end()) {
                group = found->second;
            }
            rest.remove_prefix(std::min(rest.find('.'), rest.size() - 1) + 1);
        }
        grouped[group].push_back(name.name);
    }

    std::vector<std::vector<std::string>> parts(1);
    for (std::vector<std::string>& group : grouped) {
        const bool fits = parts.back().size() + group.size() <= most_names;
        if (!fits && !parts.back().empty()) {
            parts.emplace_back();
        }
        for (std::string& name : group) {
            if (parts.back().size() == most_names) {
                parts.emplace_back();
            }
            parts.back().push_back(std::move(name));
        }
    }
    return parts;
}

} // namespace lync::lyncctl
