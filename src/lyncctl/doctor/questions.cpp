#include "lyncctl/doctor/questions.h"

#include "base/ascii.h"

#include <algorithm>

namespace lync::lyncctl::doctor {

namespace {

using config::Farm;
using config::Role;
using plan::Plan;
using plan::VirtualHost;
using policy::SiteKind;

constexpr std::string_view discovery_label = "lyncdiscover.";

bool is_pattern(std::string_view name) {
    return name.ends_with(".*");
}

bool publishes(const VirtualHost& host) {
    return host.tls && !host.catch_all && host.site.kind != SiteKind::blocked;
}

void add_published(const Plan& plan, std::vector<std::string>& names) {
    for (const VirtualHost& host : plan.hosts) {
        if (publishes(host)) {
            names.insert(names.end(), host.names.begin(), host.names.end());
        }
    }
}

/// What the servers of a farm are asked, under its published name. `windows`: what is expected
/// where the product has Windows authentication.
std::vector<Question> farm_questions(const Farm& farm, Product product, Expect windows) {
    std::vector<Question> questions;
    const auto ask = [&](Expect expect, const char* path) { questions.push_back({expect, path}); };
    if (farm.role == Role::office_web_apps) {
        ask(Expect::office_discovery, "/hosting/discovery");
    } else if (farm.role == Role::exchange) {
        for (const auto& [service, timeout, max_upload] : farm.services) {
            if (service == policy::Service::ews) {
                ask(windows, "/EWS/Exchange.asmx");
            } else if (service == policy::Service::exchange_autodiscover) {
                ask(windows, "/autodiscover/autodiscover.xml");
            }
        }
    } else if (is_ocs(product)) {
        ask(windows, product == Product::ocs_2007 ? "/abs/ext" : "/abs/ext/handler");
        ask(windows, "/groupexpansion/ext/service.asmx");
    } else {
        ask(Expect::autodiscover, "/Autodiscover/AutodiscoverService.svc/root");
        if (farm.role == Role::pool) { // a Director's users have their address book at their pool
            ask(windows, "/abs/handler");
        }
        ask(windows, "/WebTicket/WebTicketService.svc");
        ask(Expect::service_metadata, "/WebTicket/WebTicketService.svc/mex");
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
                names.push_back(name.substr(0, name.size() - 1) + domain);
            }
        } else if (host.site.kind != SiteKind::autodiscover || domains.empty() ||
                   std::ranges::find(domains, name.substr(discovery_label.size())) !=
                       domains.end()) {
            names.push_back(name);
        }
    }
    return names;
}

/// What plain HTTP of a lyncdiscover name or a simple URL's host answers.
void set_plain_http(const config::Publication& publication, bool discovery, Name& name) {
    using config::HttpAutodiscover;
    if (publication.http_sockets.empty()) {
        return;
    }
    const HttpAutodiscover autodiscover =
        discovery ? publication.http_autodiscover : HttpAutodiscover::off;
    const PlainHttp redirect = publication.https_redirect ? PlainHttp::redirect : PlainHttp::unused;
    name.http = autodiscover == HttpAutodiscover::on ? PlainHttp::unused : redirect;
    name.http_uncovered =
        autodiscover == HttpAutodiscover::off ? redirect : PlainHttp::autodiscover;
}

void add_names(const Plan& plan, const VirtualHost& host, const std::vector<std::string>& domains,
               OutsideSteps& steps) {
    const SiteKind kind = host.site.kind;
    const Farm* farm =
        host.upstreams.empty() ? nullptr : &plan.farm(plan.upstreams[host.upstreams.front()]);
    for (const std::string& host_name : names_to_ask(host, domains, steps.patterns)) {
        Name& name = steps.names.emplace_back();
        name.host = host_name;
        name.farm = farm == nullptr ? "" : farm->name;
        name.sign_in = kind == SiteKind::web_services;
        if (kind == SiteKind::autodiscover) {
            name.questions = {{Expect::autodiscover, "/"}};
            name.sip_domain = host_name.substr(discovery_label.size());
            steps.internal_names.push_back("lyncdiscoverinternal." + name.sip_domain);
        } else if (kind == SiteKind::simple_urls) {
            for (const policy::SimpleUrlPath& url : host.site.simple_urls) {
                if (policy::find_redirect(plan.publication.redirects, host_name,
                                          to_ascii_lower(url.prefix)) == nullptr) {
                    name.questions.push_back({Expect::page, url.prefix + "/"});
                }
            }
        } else if (farm != nullptr) {
            const bool is_open = (host.site.sign_in.open & bit(policy::Door::windows)) != 0;
            name.questions =
                farm_questions(*farm, plan.publication.product,
                               is_open ? Expect::windows_challenge : Expect::closed_windows);
            if (name.sign_in && !is_ocs(plan.publication.product)) {
                name.questions.push_back({Expect::refusal, "/cscp/"});
            }
        }
        if (kind == SiteKind::autodiscover || kind == SiteKind::simple_urls) {
            set_plain_http(plan.publication, kind == SiteKind::autodiscover, name);
        }
    }
}

/// The lyncdiscover name that servers are asked for over plain HTTP.
std::string discovery_host(const config::Publication& declared,
                           const std::vector<std::string>& domains) {
    const auto& known = declared.has_wildcard_sip_domain() ? domains : declared.sip_domains;
    return known.empty() ? "" : std::string(discovery_label) + known.front();
}

} // namespace

const Question* sign_in_question(const std::vector<Question>& questions) {
    const auto found = std::ranges::find(questions, Expect::windows_challenge, &Question::expect);
    return found == questions.end() ? nullptr : &*found;
}

bool is_published(const std::vector<std::string>& names, std::string_view host) {
    return std::ranges::any_of(names, [&](std::string_view name) {
        const std::string_view begin = name.substr(0, name.size() - 1);
        return is_pattern(name) ? host.size() > begin.size() && host.starts_with(begin)
                                : host == name;
    });
}

OutsideSteps outside_steps(const std::vector<const Plan*>& plans,
                           const std::vector<std::string>& domains) {
    OutsideSteps steps;
    for (const Plan* plan : plans) {
        add_published(*plan, steps.published);
        for (const Farm& farm : plan->publication.farms) {
            for (const config::Server& server : farm.servers) {
                steps.server_addresses.push_back(server.address);
            }
            if (config::is_web_services(farm.role)) {
                steps.internal_names.push_back(farm.name);
            }
        }
        // Clients find lyncdiscover first, then the pools' web services, then what users click.
        for (const SiteKind kind :
             {SiteKind::autodiscover, SiteKind::web_services, SiteKind::simple_urls,
              SiteKind::office_web_apps, SiteKind::exchange}) {
            for (const VirtualHost& host : plan->hosts) {
                if (publishes(host) && host.site.kind == kind) {
                    add_names(*plan, host, domains, steps);
                }
            }
        }
    }
    return steps;
}

ProxySteps proxy_steps(const std::vector<const Plan*>& plans,
                       const std::vector<std::string>& domains) {
    ProxySteps steps;
    for (const Plan* plan : plans) {
        add_published(*plan, steps.published);
        const config::Publication& declared = plan->publication;
        steps.publications.push_back(&declared);
        const std::string discovery = discovery_host(declared, domains);
        for (std::size_t i = 0; i < declared.farms.size(); i++) {
            const Farm& farm = declared.farms[i];
            for (const config::Server& server : farm.servers) {
                if (server.down) {
                    continue;
                }
                ServerStep& step = steps.servers.emplace_back();
                step.address = server.address;
                step.farm = &farm;
                step.publication = &declared;
                if (config::is_web_services(farm.role) && !is_ocs(declared.product) &&
                    !declared.http_sockets.empty() &&
                    declared.http_autodiscover != config::HttpAutodiscover::off) {
                    step.http = farm.ports.http;
                }
                step.http_in_use = std::ranges::any_of(
                    plan->upstreams, [&](const auto& u) { return u.farm == i && !u.tls; });
                step.discovery_host = discovery.empty() ? farm.published.front() : discovery;
                step.questions = farm_questions(farm, declared.product, Expect::windows_challenge);
            }
        }
    }
    return steps;
}

} // namespace lync::lyncctl::doctor
