#include "plan/names.h"

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

} // namespace

std::string_view coverage_name(config::Coverage coverage) noexcept {
    return coverage == config::Coverage::covered ? "yes"
           : coverage == config::Coverage::by_request || coverage == config::Coverage::unknown
               ? "unknown"
               : "no";
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
            published.coverage = plan.publication.coverage(name);
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
        auto& list = name.coverage == config::Coverage::by_request ? result.patterns : result.names;
        list.push_back({name.name, name.use, name.coverage});
    }
    return result;
}

} // namespace lync::plan
