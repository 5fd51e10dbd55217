#include "status/published.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace lync::status {

namespace {

using policy::SiteKind;

/// "Director dirpool.contoso.local, 4443"
std::string destination(const plan::Plan& plan, std::size_t upstream) {
    const plan::Upstream& to = plan.upstreams[upstream];
    const config::Farm& farm = plan.farm(to);
    return std::string(role_words(farm.role)) + " " + farm.name + ", " + std::to_string(to.port);
}

std::string rest_of_plain_http(const plan::VirtualHost& host) {
    return host.site.rules->spec.redirect_to_https ? "redirected to https" : "refused";
}

/// Where one host's requests go, as a person says it.
std::string words_of(const plan::Plan& plan, const plan::VirtualHost& host) {
    if (host.site.kind == SiteKind::blocked) {
        return "refused, the admin simple URL is for the inside";
    }
    if (host.upstreams.empty()) {
        return rest_of_plain_http(host);
    }
    const std::string first = destination(plan, host.upstreams.front());
    if (host.site.kind == SiteKind::plain_http) {
        return "autodiscover to " + first +
               (host.site.plain_autodiscover == policy::PlainAutodiscover::unless_covered
                    ? " unless a certificate covers the name"
                    : "") +
               "; the rest " + rest_of_plain_http(host);
    }
    if (host.upstreams.size() == 1) {
        return first;
    }
    std::string words;
    for (const policy::SimpleUrlPath& url : host.site.simple_urls) {
        words += (words.empty() ? "" : "; ") + (url.prefix.empty() ? "/" : url.prefix) + " to " +
                 destination(plan, host.upstreams[url.target]);
    }
    return words;
}

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

std::int64_t end_of(const config::Certificate& certificate) noexcept {
    return certificate.not_after.time_since_epoch().count();
}

/// The certificates' names, each by itself: which of them cover a name.
class Covers {
public:
    Covers(const std::vector<config::Certificate>& certificates, std::int64_t now) {
        for (const config::Certificate& certificate : certificates) {
            NameSet& set = sets_.emplace_back();
            ended_.push_back(end_of(certificate) < now);
            for (const std::string& name : certificate.names) {
                set.add(name);
            }
            set.freeze();
        }
    }

    /// Which one a client gets is a matter of its ciphers, so each has to cover the name, in time.
    void judge(Name& name) const noexcept {
        bool by_all = true;
        for (std::size_t i = 0; i < sets_.size(); i++) {
            const bool covers = sets_[i].covers(name.name);
            if (covers && name.certificate == none) {
                name.certificate = static_cast<std::uint32_t>(i);
            }
            by_all = by_all && covers && !ended_[i];
        }
        name.coverage = by_all && !sets_.empty() ? Coverage::covered : Coverage::uncovered;
    }

private:
    std::vector<NameSet> sets_;
    std::vector<bool> ended_;
};

void judge_coverage(Name& name, const Published& published, const Covers& covers) {
    if (name.https == none || published.rules[name.https].targets.empty()) {
        return; // nothing is published there: the handshake is all that a client gets
    }
    if (name.name.ends_with(".*")) {
        name.coverage = Coverage::by_request;
        return;
    }
    covers.judge(name);
}

/// What the table publishes for the product, and what is published beside it.
std::vector<policy::Service> services_of(const config::Publication& declared) {
    std::vector<policy::Service> services;
    const auto add = [&](policy::Service service) {
        if (std::find(services.begin(), services.end(), service) == services.end()) {
            services.push_back(service);
        }
    };
    for (const policy::PathRow& row : policy::path_rows()) {
        if (row.exposure == policy::Exposure::published && (row.hosts & policy::on_lync) != 0 &&
            row.first <= declared.product && declared.product <= row.last) {
            add(row.service);
        }
    }
    for (const config::Farm& farm : declared.farms) {
        if (farm.role == config::Role::office_web_apps) {
            add(policy::Service::office_web_apps);
        }
        std::for_each(farm.services.begin(), farm.services.end(), add);
    }
    std::sort(services.begin(), services.end());
    return services;
}

} // namespace

Published describe(const plan::Plan& plan, std::int64_t now) {
    const config::Publication& declared = plan.publication;
    Published published;
    published.name = declared.name;
    published.product = product_name(declared.product);
    published.services = services_of(declared);

    published.until = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < declared.loaded_certificates.size(); i++) {
        const config::Certificate& loaded = declared.loaded_certificates[i];
        published.certificates.push_back({declared.certificates[i].certificate, loaded.subject,
                                          config::key_kind_name(loaded.key_kind), loaded.key_bits,
                                          &loaded.names, end_of(loaded)});
        if (end_of(loaded) >= now) {
            published.until = std::min(published.until, end_of(loaded));
        }
    }

    std::unordered_map<std::string_view, std::size_t> index;
    for (const plan::VirtualHost& host : plan.hosts) {
        if (host.catch_all) {
            continue;
        }
        const auto rule = static_cast<std::uint32_t>(published.rules.size());
        published.rules.push_back(
            {host.id, host.tls, words_of(plan, host), targets_of(plan, host)});
        for (const std::string& name : host.names) {
            const auto [known, is_new] = index.try_emplace(name, published.names.size());
            if (is_new) {
                published.names.emplace_back().name = name;
            }
            Name& entry = published.names[known->second];
            (host.tls ? entry.https : entry.http) = rule;
        }
    }

    const Covers covers(declared.loaded_certificates, now);
    for (Name& name : published.names) {
        judge_coverage(name, published, covers);
    }
    return published;
}

} // namespace lync::status
