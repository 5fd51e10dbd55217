// `show dns`: the DNS records that a publication needs, outside and inside, and names that must not
// resolve outside [Lync Server 2013, "DNS requirements for simple URLs", "DNS summary - reverse
// proxy", "Technical requirements for mobility"]; as a table, or as a zone fragment (RFC 1035, 5).

#include "base/diagnostic.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/show/show.h"
#include "plan/names.h"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

using config::Farm;
using config::Role;
using config::SimpleUrl;
using config::SimpleUrlKind;
using plan::Plan;
using plan::PublishedName;

enum class DnsView { outside, inside, never_outside };

/// One name in one view of DNS. Its addresses are those of `addresses`; for the reverse proxy, only
/// the administrator knows them.
struct DnsName {
    DnsView view = DnsView::outside;
    std::string name;   ///< "lyncdiscover.contoso.com", "meet.*"
    bool proxy = false; ///< leads to the reverse proxy's address for clients
    /// The servers' addresses: "10.0.0.11", "2001:db8::11", or a host name.
    std::vector<std::string> addresses;
    std::string purpose; ///< "lyncdiscover of a SIP domain"
};

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

/// What clients call a name by, with the pool behind it where there may be several.
std::string purpose_of(const Plan& plan, const PublishedName& name) {
    std::string purpose(name.use);
    if (name.use == "external web services" && name.upstream) {
        purpose += " of " + config::title(plan.farm(plan.upstreams[*name.upstream]));
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
            if (is_web_services(farm.role)) {
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
            if (is_web_services(farm.role)) {
                add(DnsView::never_outside, farm.name,
                    "the own name of the " + std::string(role_name(farm.role)));
            } else if (std::find(farm.published.begin(), farm.published.end(),
                                 farm.certificate_name) == farm.published.end()) {
                add(DnsView::never_outside, farm.certificate_name,
                    "the servers' own name of " + config::title(farm));
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

/// Outside first, then inside, then what must not resolve outside. Each name once in a view.
std::vector<DnsName> dns_names(const Plan& plan) {
    return Records(plan).take();
}

/// "A", "AAAA"; empty for a host name.
std::string_view type_of(const std::string& address) noexcept {
    unsigned char bytes[16];
    return ::inet_pton(AF_INET, address.c_str(), bytes) == 1    ? "A"
           : ::inet_pton(AF_INET6, address.c_str(), bytes) == 1 ? "AAAA"
                                                                : "";
}

bool is_pattern(const DnsName& name) noexcept {
    return name.name.ends_with('*');
}

void require_addresses(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
        if (type_of(address).empty()) {
            throw Failure("invalid address " + lync::quoted(address) +
                          " in \"--address\": it is an IPv4 or IPv6 address, without brackets");
        }
    }
}

/// The addresses of a record, once for each type; one empty entry where they aren't known.
std::vector<std::pair<std::string_view, std::vector<std::string>>>
by_type(const std::vector<std::string>& addresses) {
    std::vector<std::pair<std::string_view, std::vector<std::string>>> types;
    for (const std::string& address : addresses) {
        const std::string_view type = type_of(address);
        auto known = std::find_if(types.begin(), types.end(),
                                  [type](const auto& entry) { return entry.first == type; });
        if (known == types.end()) {
            known = types.insert(types.end(), {type, {}});
        }
        known->second.push_back(address);
    }
    return types;
}

void add_rows(const DnsName& name, const std::string& publication, const DnsOptions& options,
              Table& table) {
    const auto add = [&](std::string_view type, Cell value) {
        table.rows.push_back({publication, dns_view_name(name.view), name.name, type,
                              std::move(value), name.purpose});
    };
    if (name.view == DnsView::never_outside) {
        add("none", "");
        return;
    }
    const std::vector<std::string>& addresses = name.proxy ? options.addresses : name.addresses;
    if (addresses.empty()) {
        add("A", name.proxy ? "the reverse proxy's address" : "the servers' addresses");
        return;
    }
    for (auto& [type, values] : by_type(addresses)) {
        if (type.empty()) {
            for (std::string& value : values) {
                add("A", "the addresses of " + value);
            }
        } else {
            add(type, std::move(values));
        }
    }
}

/// A comment line: never more than one.
std::string comment(const std::string& text) {
    return "; " + printable(text) + "\n";
}

void write_record(std::string& zone, const DnsName& name, const DnsOptions& options) {
    const std::vector<std::string>& addresses = name.proxy ? options.addresses : name.addresses;
    if (is_pattern(name)) {
        zone += comment(name.name.substr(0, name.name.size() - 1) +
                        "DOMAIN, for each domain: " + name.purpose + ", as the records beside it");
        return;
    }
    std::string lines;
    const std::string unknown = name.name + ". IN A: the addresses of ";
    for (const std::string& address : addresses) {
        if (const std::string_view type = type_of(address); type.empty()) {
            lines += comment(unknown + address);
        } else {
            std::string owner = name.name + ".";
            owner.resize(std::max<std::size_t>(owner.size(), 39), ' ');
            lines +=
                owner + " IN " + std::string(type) + (type == "A" ? "    " : " ") + address + "\n";
        }
    }
    zone += comment(name.purpose);
    zone += lines.empty() ? comment(unknown + "its servers") : lines;
}

/// The zone that a name belongs to, as far as a publication tells: a SIP domain, or else what
/// follows the first label.
std::string_view zone_of_name(std::string_view name, const std::vector<std::string>& sip_domains) {
    const std::size_t dot = name.find('.');
    std::string_view zone = dot == name.npos ? name : name.substr(dot + 1);
    std::size_t longest = 0;
    for (const std::string& domain : sip_domains) {
        const bool within =
            name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                               name[name.size() - domain.size() - 1] == '.');
        if (within && domain.size() > longest) {
            longest = domain.size();
            zone = domain;
        }
    }
    return zone;
}

/// The names of one view, those of a zone together, as they are to be appended to its file.
std::string zones_of(const std::vector<DnsName>& names, DnsView view,
                     const std::vector<std::string>& sip_domains, const DnsOptions& options) {
    std::vector<std::pair<std::string_view, std::string>> zones;
    for (const DnsName& name : names) {
        if (name.view != view) {
            continue;
        }
        const std::string_view own = is_pattern(name) ? "" : zone_of_name(name.name, sip_domains);
        auto known = std::find_if(zones.begin(), zones.end(),
                                  [own](const auto& zone) { return zone.first == own; });
        if (known == zones.end()) {
            known = zones.insert(zones.end(), {own, {}});
        }
        write_record(known->second, name, options);
    }
    std::string text;
    for (const auto& [zone, records] : zones) {
        if (!zone.empty()) {
            text += comment("zone " + std::string(zone));
        }
        text += records;
    }
    return text;
}

std::string zone_of(const Configuration& configuration, const DnsOptions& options) {
    const DnsView view = options.inside ? DnsView::inside : DnsView::outside;
    std::string zone;
    for (const Published& published : configuration.publications) {
        zone += comment("lync_publish " + published.plan.publication.name + ": records for the " +
                        std::string(dns_view_name(view)));
        const std::vector<DnsName> names = dns_names(published.plan);
        zone += zones_of(names, view, published.plan.publication.sip_domains, options);
        for (const DnsName& name : names) {
            if (view == DnsView::outside && name.view == DnsView::never_outside) {
                zone +=
                    comment("must not resolve outside: " + name.name + " (" + name.purpose + ")");
            }
        }
    }
    return zone;
}

} // namespace

void declare_dns(CLI::App& app, Options& options) {
    add_configuration(app, options);
    app.add_option("--address", options.dns.addresses,
                   "The reverse proxy's address for clients; repeatable, IPv4 or IPv6")
        ->type_name("ADDRESS");
    app.add_flag("--inside", options.dns.inside,
                 "With --format zone: the records for the inside instead of the outside");
}

int show_dns(const Options& options, Output& output) {
    require_addresses(options.dns.addresses);
    const Configuration configuration = load_plans(options, output);
    if (output.format() == Format::own) {
        if (options.dns.addresses.empty()) {
            throw Failure("a zone needs the address by which clients reach the reverse proxy: "
                          "--address ADDRESS, as often as it has one");
        }
        output.text(zone_of(configuration, options.dns));
        return exit_fine;
    }

    Table table;
    table.columns = {{"publication", "Publication", configuration.publications.size() > 1},
                     {"view", "View"},
                     {"name", "Name"},
                     {"type", "Type"},
                     {"value", "Value"},
                     {"purpose", "For"}};
    table.group = 1;
    for (const Published& published : configuration.publications) {
        for (const DnsName& name : dns_names(published.plan)) {
            add_rows(name, published.plan.publication.name, options.dns, table);
        }
    }
    // The views of several publications come together under one heading each.
    std::stable_sort(table.rows.begin(), table.rows.end(), [](const Row& a, const Row& b) {
        const auto rank = [](const Row& row) {
            const std::string view = row[1].text();
            return view == "outside" ? 0 : view == "inside" ? 1 : 2;
        };
        return rank(a) < rank(b);
    });
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
