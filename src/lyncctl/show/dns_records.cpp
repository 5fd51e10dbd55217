#include "lyncctl/show/dns_records.h"

#include "plan/names.h"

#include <algorithm>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

using plan::Plan;
using plan::PublishedName;
using config::Farm;
using config::Role;
using config::SimpleUrl;
using config::SimpleUrlKind;

bool is_web_services(const Farm& farm) noexcept {
    return farm.role == Role::pool || farm.role == Role::director;
}

/// What clients call a name by, with the pool behind it where there may be several.
std::string purpose_of(const Plan& plan, const PublishedName& name) {
    std::string purpose(name.use);
    if (name.use == "external web services" && name.upstream) {
        purpose += " of " + plan::title(plan.farm(plan.upstreams[*name.upstream]));
    } else if (name.use == "meet" || name.use == "dialin" || name.use == "scheduler") {
        purpose = "simple URL " + purpose;
    } else if (name.use == "lyncdiscover") {
        purpose = "autodiscover";
    }
    return purpose;
}

class Records {
public:
    explicit Records(const Plan& plan) : plan_(plan) {}

    std::vector<DnsName> take() {
        for (const PublishedName& name : plan::published_names(plan_)) {
            if (name.upstream) {
                add_proxy(DnsView::outside, name.name, purpose_of(plan_, name));
            }
        }
        inside();
        never_outside();
        return std::move(names_);
    }

private:
    const config::Publication& declared() const { return plan_.publication; }

    /// Mobile clients inside use the external names, too; everything else goes straight to the
    /// servers.
    void inside() {
        for (const std::string& domain : declared().sip_domains) {
            add_servers(DnsView::inside, "lyncdiscoverinternal." + domain, first_contact(),
                        "autodiscover, inside");
        }
        for (const Farm& farm : declared().farms) {
            if (is_web_services(farm)) {
                add_servers(DnsView::inside, farm.name, farm,
                            std::string(role_name(farm.role)) + ", internal web services");
            }
        }
        for (const PublishedName& name : plan::published_names(plan_)) {
            if (!name.upstream) {
                continue;
            }
            const Farm& farm = plan_.farm(plan_.upstreams[*name.upstream]);
            const bool by_proxy = name.use == "external web services" || name.use == "lyncdiscover";
            if (by_proxy) {
                add_proxy(DnsView::inside, name.name,
                          purpose_of(plan_, name) + ", for mobile clients inside");
            } else {
                add_servers(DnsView::inside, name.name, farm, purpose_of(plan_, name));
            }
        }
        for (const std::string& host : admin_hosts()) {
            add_servers(DnsView::inside, host, first_contact(), "administrative access URL");
        }
    }

    void never_outside() {
        for (const std::string& domain : declared().sip_domains) {
            add(DnsView::never_outside, "lyncdiscoverinternal." + domain,
                "clients ask for it first and take its answer for the inside");
        }
        for (const Farm& farm : declared().farms) {
            if (is_web_services(farm)) {
                add(DnsView::never_outside, farm.name,
                    "the own name of the " + std::string(role_name(farm.role)));
            } else if (std::find(farm.published.begin(), farm.published.end(),
                                 farm.certificate_name) == farm.published.end()) {
                add(DnsView::never_outside, farm.certificate_name,
                    "the servers' own name of " + plan::title(farm));
            }
        }
        for (const std::string& host : admin_hosts()) {
            add(DnsView::never_outside, host, "administration");
        }
    }

    /// Hosts of admin simple URLs that publish nothing else.
    std::vector<std::string> admin_hosts() const {
        std::vector<std::string> hosts;
        for (const SimpleUrl& url : declared().simple_urls) {
            const bool shared =
                std::any_of(declared().simple_urls.begin(), declared().simple_urls.end(),
                            [&](const SimpleUrl& other) {
                                return other.kind != SimpleUrlKind::admin && other.host == url.host;
                            });
            if (url.kind == SimpleUrlKind::admin && !shared) {
                hosts.push_back(url.host);
            }
        }
        return hosts;
    }

    const Farm& first_contact() const { return declared().farms[declared().first_contact()]; }

    DnsName* add(DnsView view, std::string name, std::string purpose) {
        if (!seen_.emplace(view, name).second) {
            return nullptr;
        }
        DnsName record;
        record.view = view;
        record.name = std::move(name);
        record.purpose = std::move(purpose);
        names_.push_back(std::move(record));
        return &names_.back();
    }
    void add_proxy(DnsView view, const std::string& name, std::string purpose) {
        if (DnsName* record = add(view, name, std::move(purpose))) {
            record->proxy = true;
        }
    }
    void add_servers(DnsView view, const std::string& name, const Farm& farm, std::string purpose) {
        DnsName* record = add(view, name, std::move(purpose));
        if (record == nullptr) {
            return;
        }
        for (const config::Server& server : farm.servers) {
            std::string address = server.address;
            if (address.starts_with('[')) {
                address = address.substr(1, address.size() - 2);
            }
            if (address != name) {
                record->addresses.push_back(std::move(address));
            }
        }
    }

    const Plan& plan_;
    std::vector<DnsName> names_;
    std::set<std::pair<DnsView, std::string>> seen_;
};

} // namespace

std::string_view dns_view_name(DnsView view) noexcept {
    switch (view) {
    case DnsView::outside:
        return "outside";
    case DnsView::inside:
        return "inside";
    default:
        return "must not resolve outside";
    }
}

std::vector<DnsName> dns_names(const Plan& plan) {
    return Records(plan).take();
}

} // namespace lync::lyncctl
