// `show firewall`: rows of the port summaries, or rules of them.

#include "base/format.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/show/addresses.h"
#include "lyncctl/show/firewall_rows.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

void add_networks(const config::Publication& publication, std::vector<std::string>& networks) {
    for (const config::Edge& edge : publication.edges) {
        for (const std::string& network : edge.internal_networks) {
            if (std::find(networks.begin(), networks.end(), network) == networks.end()) {
                networks.push_back(network);
            }
        }
    }
}

constexpr std::string_view where_addresses_stand =
    "write addresses into \"server\" and into an \"edge\" block, such as \"reverse_proxy "
    "external=ADDRESS internal=ADDRESS\"; --external and --internal tell this machine's";

/// --external and --internal.
config::Interfaces proxy_of(const FirewallOptions& options) {
    for (const auto& [option, text] :
         {std::pair("--external", &options.external), std::pair("--internal", &options.internal)}) {
        if (!text->empty() && !config::network_holds("0.0.0.0/0", *text) &&
            !config::network_holds("::/0", *text)) {
            throw Failure(formatted("invalid value {} of {}: firewalls know addresses, write an "
                                    "IPv4 or IPv6 address",
                                    lync::quoted(*text), option));
        }
    }
    return {options.external, options.internal, {}};
}

int print_ruleset(const Configuration& configuration, const Options& options, Output& output) {
    std::vector<FirewallRow> rows;
    std::vector<std::string> networks;
    std::vector<std::string> notes;
    for (const Published& published : configuration.publications) {
        std::vector<FirewallRow> more = firewall_rows(published.plan, proxy_of(options.firewall));
        std::move(more.begin(), more.end(), std::back_inserter(rows));
        add_networks(published.plan.publication, networks);
        std::vector<std::string> nat = nat_notes(published.plan.publication);
        std::move(nat.begin(), nat.end(), std::back_inserter(notes));
    }

    const Ruleset made = ruleset(options.own_format, rows, networks, addresses_of, notes);
    output.text(made.text);
    for (const std::string& what : made.missing) {
        output.note("no rule: " + what);
    }
    if (!made.missing.empty()) {
        output.note("the ruleset isn't whole: " + std::string(where_addresses_stand));
    }
    return made.missing.empty() ? exit_fine : exit_findings;
}

/// One end of a row, for those who have nothing but this page: the documents' words, but for what
/// they advise.
Cell end_of(Party party) {
    party.text.resize(std::min(party.text.find(". "), party.text.size()));
    if (party.addresses.empty() && !party.anybody) {
        return {"address not known: " + party.text, Style::warning};
    }
    return party.text.starts_with("If ") ? Cell(party.addresses) : Cell(party.shown());
}

std::string port_of(const Flow& flow) {
    const std::string range = flow.first_port == flow.last_port
                                  ? std::to_string(flow.first_port)
                                  : formatted("{}-{}", flow.first_port, flow.last_port);
    return flow.source_port ? "from " + range : range;
}

/// Takes what is let through already out of a destination; false if nothing is left of it. The
/// documents' tables overlap.
bool take_known(Flow& flow, FirewallSide side, std::set<std::vector<std::string>>& known) {
    const bool named = flow.to.addresses.empty();
    std::vector<std::string> ends = named ? std::vector{flow.to.text} : flow.to.addresses;
    std::erase_if(ends, [&](const std::string& end) {
        std::vector<std::string> key = flow.from.addresses;
        key.insert(key.end(), {std::string(firewall_side_name(side)), end, port_of(flow),
                               flow.tcp ? "TCP" : "UDP", flow.from.anybody ? "any" : ""});
        return !known.insert(std::move(key)).second;
    });
    const bool is_new = !ends.empty();
    if (!named) {
        flow.to.addresses = std::move(ends);
    }
    return is_new;
}

/// What the firewalls have to let through, each once. What lies inside is other people's.
int print_plan(const Configuration& configuration, const Options& options, Output& output) {
    Table table;
    table.columns = {{"firewall", "Firewall"},       {"source", "Source"},
                     {"destination", "Destination"}, {"port", "Port"},
                     {"protocol", "Protocol"},       {"why", "Why"}};
    table.group = 0;
    std::set<std::vector<std::string>> known;
    std::vector<std::string> networks;
    for (const Published& published : configuration.publications) {
        add_networks(published.plan.publication, networks);
    }
    bool is_whole = true;
    for (const auto& [side, title] :
         {std::pair{FirewallSide::external,
                    "External firewall: between the Internet and the perimeter network"},
          std::pair{FirewallSide::internal,
                    "Internal firewall: between the perimeter and the internal network"}}) {
        for (const Published& published : configuration.publications) {
            for (const FirewallRow& row :
                 firewall_rows(published.plan, proxy_of(options.firewall))) {
                for (Flow flow : row.flows) {
                    if (row.side != side || !row.needed || !take_known(flow, side, known)) {
                        continue;
                    }
                    for (Party* party : {&flow.from, &flow.to}) {
                        is_whole = is_whole && (party->anybody || !party->addresses.empty());
                        if (party->anybody) {
                            const bool inside = side == FirewallSide::internal;
                            *party = inside ? Party{"internal network", networks, true}
                                            : Party{"any", {}, true};
                        }
                    }
                    table.rows.push_back({title, end_of(flow.from), end_of(flow.to), port_of(flow),
                                          flow.tcp ? "TCP" : "UDP", row.why});
                }
            }
        }
    }
    for (const Published& published : configuration.publications) {
        table.title +=
            (table.title.empty() ? "Firewall rules for " : ", ") + published.plan.publication.name;
    }
    output.table(table);
    if (!is_whole) {
        output.note("some addresses aren't known: " + std::string(where_addresses_stand));
    }
    return exit_fine;
}

/// The heading above the rows of a table, where people read.
std::string heading(const std::string& publication, const FirewallRow& row) {
    return publication + (row.site.empty() ? "" : ", " + row.site) + ": " + row.table;
}

/// What people read: the port with the end that has it, and the purpose without its brackets.
Row short_row(const std::string& publication, const FirewallRow& row) {
    const bool older = row.service.empty();
    const std::string why = older ? row.why : "";
    std::string port = row.service;
    if (older) {
        port = row.local_port == "Any" ? "remote " + row.remote_port : "local " + row.local_port;
    }
    return {heading(publication, row),
            firewall_side_name(row.side),
            std::move(port),
            row.direction.substr(0, row.direction.find(' ')),
            row.source.shown(),
            row.destination.shown(),
            row.figure,
            Cell(row.needed, row.needed ? Style::plain : Style::faint),
            why + (why.empty() || row.notes.empty() ? "" : ". ") + row.notes};
}

/// Every cell of the documents by itself, and the addresses beside the words.
Row full_row(const std::string& publication, const FirewallRow& row) {
    return {publication,
            row.site,
            row.table,
            row.role,
            firewall_side_name(row.side),
            row.service,
            row.local_port,
            row.direction,
            row.remote_port,
            row.source.text,
            row.source.addresses,
            row.destination.text,
            row.destination.addresses,
            row.figure,
            row.needed,
            row.notes};
}

} // namespace

void declare_firewall(CLI::App& app, Options& options) {
    add_configuration(app, options);
    app.add_flag("--plan", options.firewall.plan,
                 "One page for the firewall team: source, destination, port, protocol, why");
    app.add_option("--external", options.firewall.external,
                   "This machine's address towards the Internet")
        ->type_name("ADDRESS");
    app.add_option("--internal", options.firewall.internal,
                   "This machine's address towards the servers")
        ->type_name("ADDRESS");
}

int show_firewall(const Options& options, Output& output) {
    if (options.firewall.plan && output.format() == Format::own) {
        throw Failure(formatted("--plan is a page for people, --format {} rules for a firewall: "
                                "leave out one of them",
                                options.own_format));
    }
    const Configuration configuration = load_plans(options, output);
    if (output.format() == Format::own) {
        return print_ruleset(configuration, options, output);
    }
    if (options.firewall.plan) {
        return print_plan(configuration, options, output);
    }

    const bool whole = output.format() == Format::csv || output.format() == Format::json;
    Table table;
    if (whole) {
        table.columns = {{"publication", "publication"},
                         {"site", "site"},
                         {"table", "table"},
                         {"role", "role"},
                         {"firewall", "firewall"},
                         {"service", "service"},
                         {"local_port", "local port"},
                         {"direction", "direction"},
                         {"remote_port", "remote port"},
                         {"local", "local IP or source"},
                         {"local_addresses", "its addresses"},
                         {"remote", "remote IP or destination"},
                         {"remote_addresses", "its addresses"},
                         {"figure", "figure mapping"},
                         {"needed", "needed"},
                         {"notes", "notes"}};
    } else {
        table.columns = {{"table", "table"},
                         {"firewall", "firewall"},
                         {"port", "port"},
                         {"direction", "direction"},
                         {"local", "source, local IP"},
                         {"remote", "destination, remote IP"},
                         {"figure", "figure"},
                         {"needed", "needed"},
                         {"notes", "notes"}};
        table.group = 0;
    }
    for (const Published& published : configuration.publications) {
        const std::string& name = published.plan.publication.name;
        for (const std::string& note : nat_notes(published.plan.publication)) {
            output.note(note);
        }
        for (const FirewallRow& row : firewall_rows(published.plan, proxy_of(options.firewall))) {
            table.rows.push_back(whole ? full_row(name, row) : short_row(name, row));
        }
    }
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
