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
using plan::Plan;
using policy::SiteKind;

constexpr std::string_view outside = "outside";
constexpr std::string_view inside = "inside";
constexpr std::string_view never_outside = "must not resolve outside";

/// One name in one view of DNS.
struct DnsName {
    std::string_view view; ///< one of these three
    std::string name;      ///< "lyncdiscover.contoso.com", "meet.*"
    std::string purpose;   ///< "autodiscover"
    /// Where it leads: "10.0.0.11", "2001:db8::11", or a host name.
    std::vector<std::string> addresses;
    std::string_view unknown; ///< what stands in their place
};

/// What clients call a name by, with the pool behind it where there may be several.
std::string purpose_of(const Plan& plan, const PublishedName& name) {
    switch (name.kind) {
    case SiteKind::web_services:
        return formatted("{} of {}", name.use,
                         config::title(plan.farm(plan.upstreams[*name.upstream])));
    case SiteKind::simple_urls:
        return formatted("simple URL {}", name.use);
    case SiteKind::autodiscover:
        return "autodiscover";
    case SiteKind::blocked:
        return "administrative access URL";
    default:
        return std::string(name.use);
    }
}

class Records {
public:
    /// `proxy`: the reverse proxy's addresses for clients, which the administrator alone knows.
    Records(const Plan& plan, const std::vector<std::string>& proxy)
        : plan_(plan), published_(published_names(plan)), proxy_(proxy) {}

    std::vector<DnsName> take() {
        for (const PublishedName& name : published_) {
            if (name.upstream) {
                add_proxy(outside, name.name, purpose_of(plan_, name));
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
                            formatted("{}, internal web services", role_name(farm.role)));
            }
        }
        for (const PublishedName& name : published_) {
            const std::string purpose = purpose_of(plan_, name);
            if (!name.upstream) {
                add_servers(inside, name.name, first_contact(), purpose);
            } else if (name.kind == SiteKind::web_services || name.kind == SiteKind::autodiscover) {
                add_proxy(inside, name.name, formatted("{}, for mobile clients inside", purpose));
            } else {
                add_servers(inside, name.name, plan_.farm(plan_.upstreams[*name.upstream]),
                            purpose);
            }
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
                    formatted("the own name of the {}", role_name(farm.role)));
            } else if (std::ranges::find(farm.published, farm.certificate_name) ==
                       farm.published.end()) {
                add(never_outside, farm.certificate_name,
                    formatted("the servers' own name of {}", config::title(farm)));
            }
        }
        for (const PublishedName& name : published_) {
            if (!name.upstream) {
                add(never_outside, name.name, "administration");
            }
        }
    }

    const Farm& first_contact() const { return declared().farms[declared().first_contact()]; }

    /// Each name once in a view.
    void add(std::string_view view, const std::string& name, std::string purpose,
             std::vector<std::string> addresses = {}, std::string_view unknown = {}) {
        if (seen_.emplace(view, name).second) {
            names_.push_back({view, name, std::move(purpose), std::move(addresses), unknown});
        }
    }
    void add_proxy(std::string_view view, const std::string& name, std::string purpose) {
        add(view, name, std::move(purpose), proxy_, "the reverse proxy's address");
    }
    void add_servers(std::string_view view, const std::string& name, const Farm& farm,
                     std::string purpose) {
        std::vector<std::string> addresses;
        for (const config::Server& server : farm.servers) {
            if (server.address != name) {
                addresses.push_back(bare(server.address));
            }
        }
        add(view, name, std::move(purpose), std::move(addresses), "the servers' addresses");
    }

    const Plan& plan_;
    std::vector<PublishedName> published_;
    const std::vector<std::string>& proxy_;
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

void add_rows(const DnsName& name, const std::string& publication, Table& table) {
    const auto add = [&](std::string_view type, Cell value) {
        table.rows.push_back(
            {publication, name.view, name.name, type, std::move(value), name.purpose});
    };
    if (name.view == never_outside) {
        add("none", "");
    } else if (name.addresses.empty()) {
        add("A", name.unknown);
    }
    for (const std::string_view type : {"A", "AAAA"}) {
        std::vector<std::string> values = name.addresses;
        std::erase_if(values, [type](const std::string& each) { return type_of(each) != type; });
        if (!values.empty()) {
            add(type, std::move(values));
        }
    }
    for (const std::string& address : name.addresses) {
        if (type_of(address).empty()) {
            add("A", formatted("the addresses of {}", address));
        }
    }
}

/// A comment line: never more than one.
std::string comment(const std::string& text) {
    return formatted("; {}\n", escaped(text));
}

void write_record(std::string& zone, const DnsName& name) {
    if (is_pattern(name)) {
        zone += comment(formatted("{}DOMAIN, for each domain: {}, as the records beside it",
                                  name.name.substr(0, name.name.size() - 1), name.purpose));
        return;
    }
    zone += comment(name.purpose);
    for (const std::string& address : name.addresses) {
        const std::string_view type = type_of(address);
        zone += type.empty()
                    ? comment(formatted("{}. IN A: the addresses of {}", name.name, address))
                    : formatted("{:<39} IN {:<4} {}\n", name.name + ".", type, address);
    }
    if (name.addresses.empty()) {
        zone += comment(formatted("{}. IN A: {}", name.name, name.unknown));
    }
}

/// The zone that a name belongs to, as far as a publication shows it: a SIP domain, or else what
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
                     const std::vector<std::string>& sip_domains) {
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
        write_record(zones[zone->second].second, name);
    }
    std::string text;
    for (const auto& [zone, records] : zones) {
        if (!zone.empty()) {
            text += comment(formatted("zone {}", zone));
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
        const std::vector<DnsName> names = Records(published.plan, options.addresses).take();
        zone += zones_of(names, view, published.plan.publication.sip_domains);
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
            for (const DnsName& name : Records(published.plan, options.dns.addresses).take()) {
                if (name.view == view) {
                    add_rows(name, published.plan.publication.name, table);
                }
            }
        }
    }
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
