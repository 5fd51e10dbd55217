// `show dns`: as a table, or as a zone fragment (RFC 1035, 5).

#include "base/diagnostic.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/show/dns_records.h"
#include "lyncctl/show/show.h"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>

#include <algorithm>

namespace lync::lyncctl {

namespace {


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
    const Configuration configuration = load_publications(options);
    if (output.format() == Format::own) {
        if (options.dns.addresses.empty()) {
            throw Failure("a zone needs the address by which clients reach the reverse proxy: "
                          "--address ADDRESS, as often as it has one");
        }
        output.text(zone_of(configuration, options.dns));
        return exit_fine;
    }

    Table table;
    table.columns = {{"publication", "Publication"},
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
