#include "plan/plan.h"

#include "base/format.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace lync::plan {

namespace {

using config::Farm;
using config::Role;
using config::SimpleUrl;
using config::SimpleUrlKind;
using policy::PlainAutodiscover;
using policy::Service;
using policy::SiteKind;

Service service_of(SimpleUrlKind kind) noexcept {
    return kind == SimpleUrlKind::dialin      ? Service::dialin
           : kind == SimpleUrlKind::scheduler ? Service::scheduler
                                              : Service::meet;
}

/// Puts a plan together, one kind of virtual host after the other.
class Planner {
public:
    explicit Planner(config::Publication publication) {
        plan_.publication = std::move(publication);
        plan_.rules = std::make_shared<const policy::Rules>(declared());
    }

    Plan make() {
        plan_catch_all(false);
        plan_catch_all(true);
        plan_farms();
        plan_lyncdiscover();
        plan_simple_urls();
        plan_plain_http();
        return std::move(plan_);
    }

private:
    const config::Publication& declared() const { return plan_.publication; }

    std::size_t upstream(std::size_t farm, bool tls) {
        const Farm& servers = declared().farms[farm];
        const std::uint16_t port = tls ? servers.ports.https : servers.ports.http;
        const auto [known, is_new] = upstreams_.try_emplace({farm, port}, plan_.upstreams.size());
        if (!is_new) {
            return known->second;
        }
        plan_.upstreams.push_back(
            {.name = formatted("{}_{}_{}", declared().name, servers.name, port),
             .farm = farm,
             .port = port,
             .tls = tls,
             .anonymous = !tls || servers.role == Role::office_web_apps});
        return known->second;
    }

    /// "pool fepool.contoso.local, port 4443"
    std::string destination(std::size_t upstream) const {
        const Upstream& to = plan_.upstreams[upstream];
        return formatted("{}, port {}", title(plan_.farm(to)), to.port);
    }

    VirtualHost& add(SiteKind kind, bool tls, std::string id, std::vector<std::string> names,
                     const Place& place) {
        VirtualHost host;
        host.id = std::move(id);
        host.tls = tls;
        host.names = std::move(names);
        host.site.rules = plan_.rules;
        host.site.kind = kind;
        host.site.sign_in = declared().sign_in;
        host.place = place;
        const auto& sockets = tls ? declared().https_sockets : declared().http_sockets;
        for (std::size_t i = 0; i < sockets.size(); i++) {
            host.sockets.push_back(i);
        }
        plan_.hosts.push_back(std::move(host));
        return plan_.hosts.back();
    }

    void plan_catch_all(bool tls) {
        const auto& sockets = tls ? declared().https_sockets : declared().http_sockets;
        std::vector<std::size_t> unattended;
        for (std::size_t i = 0; i < sockets.size(); i++) {
            if (sockets[i].needs_catch_all) {
                unattended.push_back(i);
            }
        }
        if (unattended.empty()) {
            return;
        }
        VirtualHost& host = add(SiteKind::unknown_host, tls,
                                tls ? "unknown_host" : "unknown_host_http", {}, declared().place);
        host.catch_all = true;
        host.sockets = std::move(unattended);
        host.what = "connection closed";
    }

    void plan_farms() {
        for (std::size_t i = 0; i < declared().farms.size(); i++) {
            const Farm& farm = declared().farms[i];
            const SiteKind kind = farm.role == Role::office_web_apps ? SiteKind::office_web_apps
                                  : farm.role == Role::exchange      ? SiteKind::exchange
                                                                     : SiteKind::web_services;
            VirtualHost& host = add(kind, true, farm.published.front(), farm.published, farm.place);
            for (const config::FarmService& service : farm.services) {
                host.site.exchange_services.push_back(service.service);
            }
            host.site.sign_in = farm.role == Role::office_web_apps ? policy::SignInRule{}
                                                                   : declared().sign_in_of(farm);
            host.upstreams = {upstream(i, true)};
            host.what = destination(host.upstreams.front());
        }
    }

    void plan_lyncdiscover() {
        if (declared().sip_domains.empty()) {
            return;
        }
        std::vector<std::string> names;
        names.reserve(declared().sip_domains.size());
        for (const std::string& domain : declared().sip_domains) {
            names.push_back("lyncdiscover." + domain);
        }
        VirtualHost& host =
            add(SiteKind::autodiscover, true, "lyncdiscover", std::move(names), declared().place);
        host.upstreams = {upstream(declared().first_contact(), true)};
        host.what = destination(host.upstreams.front());
    }

    /// Hosts with the same simple URLs on the same pools make one rule: meet.contoso.com and
    /// meet.fabrikam.com. A shared host is a rule of its own.
    struct SimpleHost {
        std::vector<std::string> names;
        std::vector<policy::SimpleUrlPath> paths;
        std::vector<std::size_t> upstreams;
        Place place;

        /// Equal for two hosts that make one rule.
        std::string rule() const {
            std::string rule;
            for (const policy::SimpleUrlPath& path : paths) {
                rule += formatted("{} {} {}\n", policy::service_name(path.service), path.prefix,
                                  upstreams[path.target]);
            }
            return rule;
        }
    };

    SimpleHost simple_host(const std::vector<const SimpleUrl*>& urls) {
        SimpleHost host;
        std::unordered_map<std::size_t, std::uint16_t> targets; ///< index in host.upstreams
        host.names = {urls.front()->host};
        for (const SimpleUrl* url : urls) {
            if (url->kind == SimpleUrlKind::admin) {
                continue;
            }
            const std::size_t to = upstream(url->farm, true);
            const auto [target, is_new] =
                targets.try_emplace(to, static_cast<std::uint16_t>(host.upstreams.size()));
            if (is_new) {
                host.upstreams.push_back(to);
            }
            host.paths.push_back({url->path, service_of(url->kind), target->second});
            if (host.place.line == 0) {
                host.place = url->place;
            }
        }
        return host;
    }

    /// The simple URLs of each host, hosts in the order written.
    std::vector<std::vector<const SimpleUrl*>> simple_urls_by_host() const {
        std::vector<std::vector<const SimpleUrl*>> hosts;
        std::unordered_map<std::string_view, std::size_t> index;
        for (const SimpleUrl& url : declared().simple_urls) {
            const auto [host, is_new] = index.try_emplace(url.host, hosts.size());
            if (is_new) {
                hosts.emplace_back();
            }
            hosts[host->second].push_back(&url);
        }
        return hosts;
    }

    /// Whether a host that has admin simple URLs only matches a published pattern: then they close
    /// their paths, but not the host, unless one has no path.
    static bool pattern_serves(const std::unordered_set<std::string_view>& patterns,
                               const std::vector<const SimpleUrl*>& admin_urls) {
        const auto whole_host = [](const SimpleUrl* url) { return url->path.empty(); };
        if (std::ranges::any_of(admin_urls, whole_host)) {
            return false;
        }
        const std::string_view host = admin_urls.front()->host;
        for (std::size_t dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1)) {
            if (patterns.contains(host.substr(0, dot))) {
                return true;
            }
        }
        return false;
    }

    /// "meet" for each published "meet.*".
    std::unordered_set<std::string_view> published_patterns() const {
        std::unordered_set<std::string_view> patterns;
        for (const SimpleUrl& url : declared().simple_urls) {
            if (url.kind != SimpleUrlKind::admin && url.host.ends_with(".*")) {
                patterns.insert(std::string_view(url.host).substr(0, url.host.size() - 2));
            }
        }
        return patterns;
    }

    void plan_simple_urls() {
        std::vector<SimpleHost> groups;
        std::unordered_map<std::string, std::size_t> by_rule;
        const std::unordered_set<std::string_view> patterns = published_patterns();

        for (const auto& urls : simple_urls_by_host()) {
            SimpleHost host = simple_host(urls);
            if (host.paths.empty()) {
                if (pattern_serves(patterns, urls)) {
                    continue; // the admin path is refused there as on every host
                }
                admin_hosts_.push_back(urls.front()->host);
                admin_place_ = urls.front()->place;
                continue;
            }
            const auto [twin, is_new] = by_rule.try_emplace(host.rule(), groups.size());
            if (is_new) {
                groups.push_back(std::move(host));
            } else {
                groups[twin->second].names.push_back(urls.front()->host);
            }
        }

        for (SimpleHost& group : groups) {
            const std::string id = group.names.front();
            VirtualHost& host =
                add(SiteKind::simple_urls, true, id, std::move(group.names), group.place);
            host.site.simple_urls = std::move(group.paths);
            host.upstreams = std::move(group.upstreams);
            if (host.upstreams.size() == 1) {
                host.what = destination(host.upstreams.front());
                continue;
            }
            for (const auto& [path, upstream] : host.routes()) {
                host.what += formatted("{}{} to {}", host.what.empty() ? "" : "; ",
                                       path.empty() ? "/" : path, destination(upstream));
            }
        }
        plan_admin_hosts(true);
    }

    void plan_admin_hosts(bool tls) {
        if (!admin_hosts_.empty()) {
            VirtualHost& host = add(SiteKind::blocked, tls, tls ? "admin" : "admin_http",
                                    admin_hosts_, admin_place_);
            host.what = "refused, the admin simple URL is for the inside";
        }
    }

    /// Port 80: autodiscover of the names that no certificate covers goes to 8080, everything
    /// else to https.
    void plan_plain_http() {
        if (declared().http_sockets.empty()) {
            return;
        }
        plan_admin_hosts(false);

        std::vector<std::string> over_http;
        std::vector<std::string> others;
        for (const VirtualHost& host : plan_.hosts) {
            if (!host.tls || host.catch_all || host.site.kind == SiteKind::blocked) {
                continue;
            }
            for (const std::string& name : host.names) {
                const bool travels =
                    host.site.kind == SiteKind::autodiscover && declared().serves_over_http(name);
                (travels ? over_http : others).push_back(name);
            }
        }

        const std::string rest = declared().https_redirect ? "redirected to https" : "refused";

        if (!over_http.empty()) {
            VirtualHost& host = add(SiteKind::plain_http, false, "http_autodiscover",
                                    std::move(over_http), declared().place);
            const bool by_request =
                declared().http_autodiscover == config::HttpAutodiscover::automatic &&
                declared().has_wildcard_sip_domain();
            host.site.plain_autodiscover =
                by_request ? PlainAutodiscover::unless_covered : PlainAutodiscover::always;
            host.upstreams = {upstream(declared().first_contact(), false)};
            host.what =
                formatted("autodiscover to {}{}; the rest {}", destination(host.upstreams.front()),
                          by_request ? ", unless a certificate covers the name" : "", rest);
        }
        if (!others.empty()) {
            VirtualHost& host = add(SiteKind::plain_http, false, "https_redirect",
                                    std::move(others), declared().place);
            host.what = rest;
        }
    }

    Plan plan_;
    std::map<std::pair<std::size_t, std::uint16_t>, std::size_t> upstreams_; ///< by farm and port
    std::vector<std::string> admin_hosts_;
    Place admin_place_;
};

} // namespace

std::vector<VirtualHost::Route> VirtualHost::routes() const {
    std::vector<Route> routes;
    if (upstreams.size() == 1) {
        routes.push_back({"", upstreams.front()});
    } else if (upstreams.size() > 1) {
        for (const policy::SimpleUrlPath& url : site.simple_urls) {
            routes.push_back({url.prefix, upstreams[url.target]});
        }
    }
    return routes;
}

config::Coverage Plan::coverage(const VirtualHost& host, std::string_view name,
                                std::optional<std::chrono::sys_seconds> time) const noexcept {
    if (host.upstreams.empty()) {
        return config::Coverage::not_needed;
    }
    const config::Coverage coverage = publication.coverage(name, time);
    return coverage == config::Coverage::uncovered && host.site.kind == SiteKind::autodiscover &&
                   publication.serves_over_http(name)
               ? config::Coverage::plain_http
               : coverage;
}

Plan make_plan(config::Publication publication) {
    return Planner(std::move(publication)).make();
}

} // namespace lync::plan
