// `show dns`: the DNS records that a publication needs, outside and inside, and names that must not
// resolve outside [Lync Server 2013, "DNS requirements for simple URLs", "DNS summary - reverse
// proxy", "Technical requirements for mobility"]; as a table, or as a zone fragment (RFC 1035, 5).

#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/published_names.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace lync::lyncctl {

namespace {

using config::Farm;
using config::Role;
using config::SimpleUrl;
using config::SimpleUrlKind;
using plan::Plan;

constexpr std::string_view outside = "outside";
constexpr std::string_view inside = "inside";
constexpr std::string_view never_outside = "must not resolve outside";

/// One name in one view of DNS. Its addresses are those of `addresses`; for the reverse proxy, only
/// the administrator knows them.
struct DnsName {
    std::string_view view; ///< one of these three
    std::string name;      ///< "lyncdiscover.contoso.com", "meet.*"
    bool proxy = false;    ///< leads to the reverse proxy's address for clients
    /// The servers' addresses: "10.0.0.11", "2001:db8::11", or a host name.
    std::vector<std::string> addresses;
    std::string purpose; ///< "lyncdiscover of a SIP domain"
};

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
        for (const PublishedName& name : published_names(plan_)) {
            if (name.upstream) {
                add(outside, name.name, purpose_of(plan_, name), true);
            }
        }
        add_inside();
        add_never_outside();
        return std::move(names_);
    }

private:
    const config::Publication& declared() const { return plan_.publication; }

    /// Mobile clients inside use the external names, too; everything else goes straight to the
    /// servers.
    void add_inside() {
        for (const std::string& domain : declared().sip_domains) {
            add_servers(inside, "lyncdiscoverinternal." + domain, first_contact(),
                        "autodiscover, inside");
        }
        for (const Farm& farm : declared().farms) {
            if (is_web_services(farm.role)) {
                add_servers(inside, farm.name, farm,
                            std::string(role_name(farm.role)) + ", internal web services");
            }
        }
        for (const PublishedName& name : published_names(plan_)) {
            if (!name.upstream) {
                continue;
            }
            const Farm& farm = plan_.farm(plan_.upstreams[*name.upstream]);
            const bool by_proxy = name.use == "external web services" || name.use == "lyncdiscover";
            if (by_proxy) {
                add(inside, name.name, purpose_of(plan_, name) + ", for mobile clients inside",
                    true);
            } else {
                add_servers(inside, name.name, farm, purpose_of(plan_, name));
            }
        }
        for (const std::string& host : admin_hosts()) {
            add_servers(inside, host, first_contact(), "administrative access URL");
        }
    }

    void add_never_outside() {
        for (const std::string& domain : declared().sip_domains) {
            add(never_outside, "lyncdiscoverinternal." + domain,
                "clients ask for it first and take its answer for the inside");
        }
        for (const Farm& farm : declared().farms) {
            if (is_web_services(farm.role)) {
                add(never_outside, farm.name,
                    "the own name of the " + std::string(role_name(farm.role)));
            } else if (std::ranges::find(farm.published, farm.certificate_name) ==
                       farm.published.end()) {
                add(never_outside, farm.certificate_name,
                    "the servers' own name of " + config::title(farm));
            }
        }
        for (const std::string& host : admin_hosts()) {
            add(never_outside, host, "administration");
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

    DnsName* add(std::string_view view, const std::string& name, std::string purpose,
                 bool proxy = false) {
        return seen_.emplace(view, name).second
                   ? &names_.emplace_back(DnsName{view, name, proxy, {}, std::move(purpose)})
                   : nullptr;
    }
    void add_servers(std::string_view view, const std::string& name, const Farm& farm,
                     std::string purpose) {
        if (DnsName* record = add(view, name, std::move(purpose))) {
            for (const config::Server& server : farm.servers) {
                if (server.address != name) {
                    record->addresses.push_back(bare(server.address));
                }
            }
        }
    }

    const Plan& plan_;
    std::vector<DnsName> names_;
    std::set<std::pair<std::string_view, std::string>> seen_;
};

/// "A", "AAAA"; empty for a host name.
std::string_view type_of(const std::string& address) {
    return !normal_ipv4(address).empty() ? "A" : !normal_ipv6(address).empty() ? "AAAA" : "";
}

bool is_pattern(const DnsName& name) noexcept {
    return name.name.ends_with('*');
}

void require_addresses(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
        const std::string_view type = type_of(address);
        const ParsedName parsed = parse_address(type == "AAAA" ? "[" + address + "]" : address);
        if (type.empty() || !parsed) {
            throw Failure(formatted(
                "invalid address {} in \"--address\": {}", lync::quoted(address),
                type.empty() ? "it is an IPv4 or IPv6 address, without brackets" : parsed.error));
        }
    }
}

void add_rows(const DnsName& name, const std::string& publication, const DnsOptions& options,
              Table& table) {
    const auto add = [&](std::string_view type, Cell value) {
        table.rows.push_back(
            {publication, name.view, name.name, type, std::move(value), name.purpose});
    };
    const std::vector<std::string>& addresses = name.proxy ? options.addresses : name.addresses;
    if (name.view == never_outside) {
        add("none", "");
    } else if (addresses.empty()) {
        add("A", name.proxy ? "the reverse proxy's address" : "the servers' addresses");
    }
    for (const std::string_view type : {"A", "AAAA"}) {
        std::vector<std::string> values;
        std::copy_if(addresses.begin(), addresses.end(), std::back_inserter(values),
                     [type](const std::string& address) { return type_of(address) == type; });
        if (!values.empty()) {
            add(type, std::move(values));
        }
    }
    for (const std::string& address : addresses) {
        if (type_of(address).empty()) {
            add("A", "the addresses of " + address);
        }
    }
}

/// A comment line: never more than one.
std::string comment(const std::string& text) {
    return "; " + escaped(text) + "\n";
}

void write_record(std::string& zone, const DnsName& name, const DnsOptions& options) {
    if (is_pattern(name)) {
        zone += comment(formatted("{}DOMAIN, for each domain: {}, as the records beside it",
                                  name.name.substr(0, name.name.size() - 1), name.purpose));
        return;
    }
    const std::vector<std::string>& addresses = name.proxy ? options.addresses : name.addresses;
    const std::string unknown = name.name + ". IN A: the addresses of ";
    zone += comment(name.purpose);
    for (const std::string& address : addresses) {
        const std::string_view type = type_of(address);
        zone += type.empty() ? comment(unknown + address)
                             : formatted("{:<39} IN {:<4} {}\n", name.name + ".", type, address);
    }
    zone += addresses.empty() ? comment(unknown + "its servers") : "";
}

/// The zone that a name belongs to, as far as a publication tells: a SIP domain, or else what
/// follows the first label.
std::string_view zone_of_name(std::string_view name,
                              const std::unordered_set<std::string_view>& sip_domains) {
    const std::string_view parent = name.substr(name.find('.') + 1);
    while (!sip_domains.contains(name)) {
        const std::size_t dot = name.find('.');
        if (dot == name.npos) {
            return parent;
        }
        name.remove_prefix(dot + 1);
    }
    return name;
}

/// The names of one view, those of a zone together, as they are to be appended to its file.
std::string zones_of(const std::vector<DnsName>& names, std::string_view view,
                     const std::vector<std::string>& sip_domains, const DnsOptions& options) {
    const std::unordered_set<std::string_view> domains(sip_domains.begin(), sip_domains.end());
    std::vector<std::pair<std::string_view, std::string>> zones;
    std::unordered_map<std::string_view, std::size_t> known;
    for (const DnsName& name : names) {
        if (name.view != view) {
            continue;
        }
        const std::string_view own = is_pattern(name) ? "" : zone_of_name(name.name, domains);
        const auto [zone, is_new] = known.try_emplace(own, zones.size());
        if (is_new) {
            zones.emplace_back(own, std::string());
        }
        write_record(zones[zone->second].second, name, options);
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
    const std::string_view view = options.inside ? inside : outside;
    std::string zone;
    for (const Published& published : configuration.publications) {
        zone += comment(formatted("lync_publish {}: records for the {}",
                                  published.plan.publication.name, view));
        const std::vector<DnsName> names = Records(published.plan).take();
        zone += zones_of(names, view, published.plan.publication.sip_domains, options);
        for (const DnsName& name : names) {
            if (view == outside && name.view == never_outside) {
                zone += comment(
                    formatted("must not resolve outside: {} ({})", name.name, name.purpose));
            }
        }
    }
    return zone;
}

} // namespace

void declare_dns(CLI::App& app, Options& options) {
    add_configuration(app, options);
    app.add_option("--address", options.dns.addresses,
                   "ADDRESS|The reverse proxy's address for clients; repeatable, IPv4 or IPv6");
    app.add_flag("--inside", options.dns.inside,
                 "With --format zone: the records for the inside instead of the outside");
}

int show_dns(const Options& options, Output& output) {
    require_addresses(options.dns.addresses);
    const Configuration configuration = load_plans(options, output);
    if (output.is_text()) {
        if (options.dns.addresses.empty()) {
            throw Failure("a zone needs the address by which clients reach the reverse proxy: "
                          "--address ADDRESS, as often as it has one");
        }
        output.text(zone_of(configuration, options.dns));
        return exit_fine;
    }

    Table table{{configuration.publications.size() > 1 ? "publication" : "publication=", "view",
                 "name", "type", "value", "purpose=For"},
                1};
    // The views of several publications come together under one heading each.
    for (const std::string_view view : {outside, inside, never_outside}) {
        for (const Published& published : configuration.publications) {
            for (const DnsName& name : Records(published.plan).take()) {
                if (name.view == view) {
                    add_rows(name, published.plan.publication.name, options.dns, table);
                }
            }
        }
    }
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
