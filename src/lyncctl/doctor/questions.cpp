#include "lyncctl/doctor/questions.h"

#include <algorithm>

namespace lync::lyncctl::doctor {

namespace {

using config::Farm;
using config::Role;
using plan::Plan;
using plan::VirtualHost;
using policy::Service;
using policy::SiteKind;

constexpr std::string_view discovery_label = "lyncdiscover.";

bool is_pattern(std::string_view name) {
    return name.ends_with(".*");
}

/// "meet.*" for contoso.com.
std::string expanded(std::string_view pattern, std::string_view domain) {
    return std::string(pattern.substr(0, pattern.size() - 1)) + std::string(domain);
}

/// What the web services of a pool are asked.
std::vector<Question> web_service_questions(Product product) {
    if (product == Product::ocs_2007) {
        return {{Expect::windows_challenge, "/abs/ext"},
                {Expect::windows_challenge, "/groupexpansion/ext/service.asmx"}};
    }
    if (product == Product::ocs_2007_r2) {
        return {{Expect::windows_challenge, "/abs/ext/handler"},
                {Expect::windows_challenge, "/groupexpansion/ext/service.asmx"}};
    }
    return {{Expect::autodiscover, autodiscover_root},
            {Expect::windows_challenge, "/abs/handler"},
            {Expect::windows_challenge, "/WebTicket/WebTicketService.svc"},
            {Expect::service_metadata, "/WebTicket/WebTicketService.svc/mex"},
            {Expect::refusal, "/cscp/"}};
}

std::vector<Question> exchange_questions(const std::vector<policy::Service>& services) {
    std::vector<Question> questions;
    for (const policy::Service service : services) {
        if (service == policy::Service::ews) {
            questions.push_back({Expect::windows_challenge, "/EWS/Exchange.asmx"});
        } else if (service == policy::Service::exchange_autodiscover) {
            questions.push_back({Expect::windows_challenge, "/autodiscover/autodiscover.xml"});
        }
    }
    return questions;
}

std::vector<Question> farm_questions(const Farm& farm, Product product) {
    switch (farm.role) {
    case Role::office_web_apps:
        return {{Expect::office_discovery, "/hosting/discovery"}};
    case Role::exchange:
        return exchange_questions(farm.services);
    case Role::pool:
    case Role::director:
        break;
    }
    std::vector<Question> questions = web_service_questions(product);
    if (farm.role == Role::director) {
        // Users sign in there; their address book is at their home pool.
        std::erase_if(questions, [](const Question& q) { return q.path == "/abs/handler"; });
    }
    return questions;
}

std::vector<Question> page_questions(const VirtualHost& host) {
    std::vector<Question> questions;
    for (const policy::SimpleUrlPath& url : host.site.simple_urls) {
        questions.push_back({Expect::page, url.prefix.empty() ? "/" : url.prefix + "/"});
    }
    return questions;
}

/// The names of a host that are asked: patterns expanded, others as they are.
std::vector<std::string> names_to_ask(const VirtualHost& host,
                                      const std::vector<std::string>& domains,
                                      std::vector<std::string>& patterns) {
    std::vector<std::string> names;
    for (const std::string& name : host.names) {
        if (is_pattern(name)) {
            if (domains.empty()) {
                patterns.push_back(name);
            }
            for (const std::string& domain : domains) {
                names.push_back(expanded(name, domain));
            }
            continue;
        }
        const bool discovery = host.site.kind == SiteKind::autodiscover;
        const auto asked = [&](const std::string& domain) {
            return name == std::string(discovery_label) + domain;
        };
        if (!discovery || domains.empty() || std::any_of(domains.begin(), domains.end(), asked)) {
            names.push_back(name);
        }
    }
    return names;
}

/// How plain HTTP of a published name is meant to be answered.
class PlainHttpRules {
public:
    explicit PlainHttpRules(const Plan& plan) : plan_(plan) {
        for (const VirtualHost& host : plan.hosts) {
            if (!host.tls && host.site.kind == SiteKind::plain_http && !host.upstreams.empty()) {
                const bool asks =
                    host.site.plain_autodiscover == policy::PlainAutodiscover::unless_covered;
                auto& names = asks ? unless_covered_ : always_;
                names.insert(host.names.begin(), host.names.end());
            }
        }
    }

    PlainHttp of(const std::string& name, const std::string& pattern) const {
        if (plan_.publication.http_sockets.empty()) {
            return PlainHttp::unused;
        }
        const bool covered = plan_.publication.certificate_names &&
                             plan_.publication.certificate_names->covers(name);
        const auto in = [&](const auto& names) {
            return names.contains(name) || names.contains(pattern);
        };
        const bool declared = in(always_) || (in(unless_covered_) && !covered);
        // A name that is covered is asked over https, also where http_autodiscover is on.
        if (declared && !covered) {
            return PlainHttp::autodiscover;
        }
        return plan_.publication.https_redirect && !declared ? PlainHttp::redirect
                                                             : PlainHttp::unused;
    }

private:
    const Plan& plan_;
    std::set<std::string, std::less<>> always_;         ///< answered over plain HTTP
    std::set<std::string, std::less<>> unless_covered_; ///< so, if no certificate covers the name
};

void add_names(const Plan& plan, const VirtualHost& host, const PlainHttpRules& rules,
               const std::vector<std::string>& domains, OutsideSteps& steps) {
    const Farm* farm =
        host.upstreams.empty() ? nullptr : &plan.farm(plan.upstreams[host.upstreams.front()]);
    for (const std::string& host_name : names_to_ask(host, domains, steps.patterns)) {
        Name name;
        name.host = host_name;
        name.plan = &plan;
        name.farm = farm == nullptr ? "" : farm->name;
        name.ntlm = host.site.kind != SiteKind::office_web_apps;
        switch (host.site.kind) {
        case SiteKind::autodiscover:
            name.questions = {{Expect::autodiscover, "/"}};
            name.sip_domain = host_name.substr(discovery_label.size());
            name.http = rules.of(host_name, std::string(discovery_label) + "*");
            break;
        case SiteKind::simple_urls:
            name.questions = page_questions(host);
            name.http = rules.of(host_name, "");
            break;
        default:
            if (farm != nullptr) {
                name.questions = farm_questions(*farm, plan.publication.product);
            }
            name.sign_in = host.site.kind == SiteKind::web_services;
            break;
        }
        steps.names.push_back(std::move(name));
    }
}

/// Clients find lyncdiscover first, then the pools' web services, then what users click.
int order_of(SiteKind kind) {
    switch (kind) {
    case SiteKind::autodiscover:
        return 0;
    case SiteKind::web_services:
        return 1;
    case SiteKind::simple_urls:
        return 2;
    case SiteKind::office_web_apps:
        return 3;
    default:
        return 4;
    }
}

} // namespace

void PublishedNames::add(const Plan& plan) {
    for (const VirtualHost& host : plan.hosts) {
        if (!host.tls || host.catch_all || host.site.kind == SiteKind::blocked) {
            continue;
        }
        for (const std::string& name : host.names) {
            if (is_pattern(name)) {
                prefixes_.push_back(name.substr(0, name.size() - 1));
            } else {
                exact_.insert(name);
            }
        }
    }
    certificates_.push_back(plan.publication.certificate_names);
}

bool PublishedNames::has(std::string_view host) const {
    return exact_.contains(host) ||
           std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) {
               return host.size() > prefix.size() && host.starts_with(prefix);
           });
}

bool PublishedNames::covered(std::string_view host) const {
    return std::any_of(certificates_.begin(), certificates_.end(),
                       [&](const auto& names) { return names && names->covers(host); });
}

OutsideSteps outside_steps(const std::vector<const Plan*>& plans,
                           const std::vector<std::string>& domains) {
    OutsideSteps steps;
    for (const Plan* plan : plans) {
        steps.published.add(*plan);
        const PlainHttpRules rules(*plan);
        std::vector<const VirtualHost*> hosts;
        for (const VirtualHost& host : plan->hosts) {
            if (host.tls && !host.catch_all && host.site.kind != SiteKind::blocked) {
                hosts.push_back(&host);
            }
        }
        std::stable_sort(hosts.begin(), hosts.end(),
                         [](const VirtualHost* a, const VirtualHost* b) {
                             return order_of(a->site.kind) < order_of(b->site.kind);
                         });
        for (const VirtualHost* host : hosts) {
            add_names(*plan, *host, rules, domains, steps);
        }
        for (const Farm& farm : plan->publication.farms) {
            for (const config::Server& server : farm.servers) {
                steps.server_addresses.push_back(server.address);
            }
            if (farm.role == Role::pool || farm.role == Role::director) {
                steps.internal_names.push_back(farm.name);
            }
        }
    }
    for (const Name& name : steps.names) {
        if (!name.sip_domain.empty()) {
            steps.internal_names.push_back("lyncdiscoverinternal." + name.sip_domain);
        }
    }
    return steps;
}

ProxySteps proxy_steps(const std::vector<const Plan*>& plans,
                       const std::vector<std::string>& domains) {
    ProxySteps steps;
    for (const Plan* plan : plans) {
        steps.published.add(*plan);
        const config::Publication& declared = plan->publication;
        std::string discovery_host;
        for (const std::string& domain : declared.sip_domains) {
            if (domain != "*") {
                discovery_host = std::string(discovery_label) + domain;
                break;
            }
        }
        if (discovery_host.empty() && !domains.empty() && !declared.sip_domains.empty()) {
            discovery_host = std::string(discovery_label) + domains.front();
        }
        for (std::size_t i = 0; i < declared.farms.size(); i++) {
            const Farm& farm = declared.farms[i];
            const bool lync = farm.role == Role::pool || farm.role == Role::director;
            for (const config::Server& server : farm.servers) {
                if (server.down) {
                    continue;
                }
                ServerStep step;
                step.address = server.address;
                step.farm = &farm;
                step.plan = plan;
                step.https = farm.ports.https;
                step.http = lync && !is_ocs(declared.product) ? farm.ports.http : 0;
                step.http_in_use =
                    std::any_of(plan->upstreams.begin(), plan->upstreams.end(),
                                [&](const plan::Upstream& u) { return u.farm == i && !u.tls; });
                step.host = farm.published.front();
                step.discovery_host = discovery_host.empty() ? step.host : discovery_host;
                step.questions = farm_questions(farm, declared.product);
                step.sign_in = lync;
                // The Control Panel answers on the server itself; outside it must not.
                std::erase_if(step.questions,
                              [](const Question& q) { return q.expect == Expect::refusal; });
                steps.servers.push_back(std::move(step));
            }
        }
    }
    return steps;
}

} // namespace lync::lyncctl::doctor
