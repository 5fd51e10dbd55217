#include "plan/names.h"

#include <algorithm>
#include <unordered_set>

namespace lync::plan {

namespace {

using policy::SiteKind;

std::string_view use_of(const VirtualHost& host) noexcept {
    switch (host.site.kind) {
    case SiteKind::web_services:
        return "external web services";
    case SiteKind::autodiscover:
        return "lyncdiscover";
    case SiteKind::office_web_apps:
        return "office web apps";
    case SiteKind::exchange:
        return "exchange";
    case SiteKind::blocked:
        return "admin";
    default:
        return "";
    }
}

Coverage coverage_of(const Plan& plan, const std::string& name) {
    return name.ends_with(".*")                          ? Coverage::unknown
           : plan.publication.common_names->covers(name) ? Coverage::covered
                                                         : Coverage::uncovered;
}

/// The bit of the policy's table for a kind of host.
policy::Hosts hosts_of(SiteKind kind) noexcept {
    switch (kind) {
    case SiteKind::web_services:
        return policy::on_pool;
    case SiteKind::autodiscover:
        return policy::on_discovery;
    case SiteKind::simple_urls:
        return policy::on_pages;
    case SiteKind::exchange:
        return policy::on_exchange;
    default:
        return 0;
    }
}

bool passes_row(const policy::SiteSpec& site, const policy::PathRow& row) {
    if (row.exposure != policy::Exposure::published || site.rules->spec.product < row.first ||
        site.rules->spec.product > row.last) {
        return false;
    }
    if (site.kind == SiteKind::exchange) {
        return (row.hosts & policy::on_exchange) != 0 &&
               std::find(site.exchange_services.begin(), site.exchange_services.end(),
                         row.service) != site.exchange_services.end();
    }
    const bool own_page =
        (row.hosts & policy::on_own_pages) != 0 &&
        std::any_of(site.simple_urls.begin(), site.simple_urls.end(),
                    [&](const policy::SimpleUrlPath& url) { return url.service == row.service; });
    return (row.hosts & hosts_of(site.kind)) != 0 || own_page;
}

} // namespace

std::string_view coverage_name(Coverage coverage) noexcept {
    return coverage == Coverage::covered     ? "yes"
           : coverage == Coverage::uncovered ? "no"
                                             : "unknown";
}

std::vector<PublishedName> published_names(const Plan& plan) {
    std::vector<PublishedName> names;
    for (const VirtualHost& host : plan.hosts) {
        if (!host.tls || host.catch_all) {
            continue;
        }
        for (const std::string& name : host.names) {
            PublishedName published;
            published.name = name;
            published.coverage = coverage_of(plan, name);
            if (host.site.simple_urls.empty()) {
                published.use = use_of(host);
                if (!host.upstreams.empty()) {
                    published.upstream = host.upstreams.front();
                }
                names.push_back(std::move(published));
                continue;
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

CertificateNames certificate_names(const Plan& plan) {
    CertificateNames result;
    result.subject = plan.publication.farms.front().published.front();

    std::unordered_set<std::string> seen;
    for (const PublishedName& name : published_names(plan)) {
        if (!name.upstream || !seen.insert(name.name).second) {
            continue;
        }
        auto& list = name.coverage == Coverage::unknown ? result.patterns : result.names;
        list.push_back({name.name, name.use, name.coverage});
    }
    return result;
}

std::vector<std::string> passing_paths(const VirtualHost& host) {
    const policy::SiteSpec& site = host.site;
    if (host.upstreams.empty()) {
        return {};
    }
    if (site.kind == SiteKind::office_web_apps ||
        (!site.rules->spec.strict && site.kind != SiteKind::exchange &&
         site.kind != SiteKind::plain_http)) {
        return {"/*"};
    }

    // What is on demand elsewhere is so here; everything else passes.
    if (std::any_of(site.simple_urls.begin(), site.simple_urls.end(),
                    [](const policy::SimpleUrlPath& url) { return url.prefix.empty(); })) {
        return {"/*"};
    }

    const bool plain = site.kind == SiteKind::plain_http;
    std::vector<std::string> paths;
    if (!plain) {
        paths = site.rules->spec.allow_paths;
    }
    for (const policy::PathRow& row : policy::path_rows()) {
        if (plain ? row.service == policy::Service::autodiscover : passes_row(site, row)) {
            paths.emplace_back(row.prefix);
        }
    }
    for (const policy::SimpleUrlPath& url : site.simple_urls) {
        paths.push_back(url.prefix);
    }
    if (plain || site.kind == SiteKind::autodiscover) {
        paths.emplace_back("/");
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

} // namespace lync::plan
