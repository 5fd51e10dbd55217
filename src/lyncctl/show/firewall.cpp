// `show firewall`: rows of the port summaries, or rules of them.

#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/show/firewall_rows.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

Addresses networks_of(const Configuration& configuration) {
    Addresses networks;
    for (const Published& published : configuration.publications) {
        for (const config::Edge& edge : published.plan.publication.edges) {
            for (const std::string& network : edge.internal_networks) {
                add_once(networks, network);
            }
        }
    }
    return networks;
}

constexpr std::string_view where_addresses_stand =
    "write addresses into \"server\" and into an \"edge\" block, such as \"reverse_proxy "
    "external=ADDRESS internal=ADDRESS\"; --external and --internal give this machine's";

config::Interfaces proxy_of(const FirewallOptions& options) {
    const auto read = [](const char* option, const std::string& text) {
        std::string address = normal_address(text);
        if (address.empty() && !text.empty()) {
            throw Failure(formatted("invalid value {} of {}: firewalls know addresses, write an "
                                    "IPv4 or IPv6 address",
                                    lync::quoted(text), option));
        }
        return address;
    };
    return {read("--external", options.external), read("--internal", options.internal), {}};
}

int print_ruleset(const Configuration& configuration, const Options& options, Output& output) {
    std::vector<FirewallRow> rows;
    std::vector<std::string> notes;
    for (const Published& published : configuration.publications) {
        std::ranges::copy(firewall_rows(published.plan, proxy_of(options.firewall)),
                          std::back_inserter(rows));
        std::ranges::copy(nat_notes(published.plan.publication), std::back_inserter(notes));
    }
    const Ruleset made =
        ruleset(output.format(), rows, networks_of(configuration), addresses_of, notes);
    output.text(made.text);
    for (const std::string& what : made.missing) {
        output.note(formatted("no rule: {}", what));
    }
    if (!made.missing.empty()) {
        output.note(formatted("the ruleset isn't whole: {}", where_addresses_stand));
    }
    return made.missing.empty() ? exit_fine : exit_findings;
}

/// Takes what is let through already out of a destination; false if nothing is left of it. The
/// documents' tables overlap.
bool take_known(FirewallRow& row, std::set<std::vector<std::string>>& known) {
    Party& to = row.destination;
    const auto is_new = [&](const std::string& end) {
        std::vector<std::string> key = row.source.addresses;
        key.insert(key.end(), {std::string(firewall_side_name(row.side)), end, row.ports(),
                               row.tcp ? "TCP" : "UDP", row.source_port ? "from" : "to",
                               row.source.any ? "any" : ""});
        return known.insert(std::move(key)).second;
    };
    if (to.addresses.empty()) {
        return is_new(to.text);
    }
    std::erase_if(to.addresses, [&](const std::string& end) { return !is_new(end); });
    return !to.addresses.empty();
}

/// What the firewalls must let through, each once. Traffic inside the internal network is left out.
int print_plan(const Configuration& configuration, const Options& options, Output& output) {
    Table table{{"firewall", "source", "destination", "port", "protocol", "why"}, 0};
    bool is_whole = true;
    const auto end_of = [&](const Party& party, FirewallSide side) {
        if (party.any && side == FirewallSide::internal) {
            return Cell(Party{"internal network", networks_of(configuration)}.shown());
        }
        if (party.any || !party.addresses.empty()) {
            return Cell(party.any ? "any" : party.shown());
        }
        is_whole = false;
        return Cell(formatted("address not known: {}", party.text), Style::warning);
    };
    std::set<std::vector<std::string>> known;
    const auto add = [&](FirewallSide side, std::string_view title, const plan::Plan& plan) {
        for (FirewallRow& row : firewall_rows(plan, proxy_of(options.firewall))) {
            if (row.side == side && row.needed && take_known(row, known)) {
                table.rows.push_back(
                    {title, end_of(row.source, side), end_of(row.destination, side),
                     (row.source_port ? "from " : "") + row.ports(), row.tcp ? "TCP" : "UDP",
                     row.why.substr(0, row.why.find('.'))});
            }
        }
    };
    for (const Published& published : configuration.publications) {
        add(FirewallSide::external,
            "External firewall: between the Internet and the perimeter network", published.plan);
        table.title +=
            (table.title.empty() ? "Firewall rules for " : ", ") + published.plan.publication.name;
    }
    for (const Published& published : configuration.publications) {
        add(FirewallSide::internal,
            "Internal firewall: between the perimeter and the internal network", published.plan);
    }
    output.table(table);
    if (!is_whole) {
        output.note(formatted("some addresses aren't known: {}", where_addresses_stand));
    }
    return exit_fine;
}

} // namespace

void declare_firewall(CLI::App& app, Options& options) {
    add_configuration(app, options);
    app.add_flag("--plan", options.firewall.plan,
                 "One page for the firewall team: source, destination, port, protocol, why");
    app.add_option("--external", options.firewall.external,
                   "ADDRESS|This machine's address towards the Internet");
    app.add_option("--internal", options.firewall.internal,
                   "ADDRESS|This machine's address towards the servers");
}

int show_firewall(const Options& options, Output& output) {
    if (options.firewall.plan && output.is_text()) {
        throw Failure(formatted("--plan is a page for people, --format {} rules for a firewall: "
                                "leave out one of them",
                                output.format()));
    }
    const Configuration configuration = load_plans(options, output);
    if (output.is_text()) {
        return print_ruleset(configuration, options, output);
    }
    if (options.firewall.plan) {
        return print_plan(configuration, options, output);
    }

    Table table{{configuration.publications.size() > 1 ? "publication" : "publication=", "site",
                 "table", "firewall", "service=Port", "source", "source_addresses=", "destination",
                 "destination_addresses=", "needed", "why"},
                2};
    for (const Published& published : configuration.publications) {
        const std::string& name = published.plan.publication.name;
        for (const std::string& note : nat_notes(published.plan.publication)) {
            output.note(note);
        }
        for (const FirewallRow& row : firewall_rows(published.plan, proxy_of(options.firewall))) {
            table.rows.push_back({name, row.site, row.table, firewall_side_name(row.side),
                                  row.service, row.source.shown(), row.source.addresses,
                                  row.destination.shown(), row.destination.addresses,
                                  Cell(row.needed, row.needed ? Style::plain : Style::faint),
                                  row.why});
        }
    }
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
