// `show firewall`: rows of the port summaries, or an nftables ruleset of them.

#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/show/firewall_rows.h"
#include "lyncctl/show/show.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

namespace lync::lyncctl {

namespace {

/// What the system's resolver says now; nftables knows addresses only.
std::vector<std::string> addresses_of(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) {
        return {};
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);

    std::vector<std::string> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) == 0) {
            addresses.emplace_back(text.data());
        }
    }
    return addresses;
}

void add_networks(const config::Publication& publication, std::vector<std::string>& networks) {
    for (const config::Edge& edge : publication.edges) {
        for (const std::string& network : edge.internal_networks) {
            if (std::find(networks.begin(), networks.end(), network) == networks.end()) {
                networks.push_back(network);
            }
        }
    }
}

int print_nft(const Configuration& configuration, Output& output) {
    std::vector<FirewallRow> rows;
    std::vector<std::string> networks;
    for (const Published& published : configuration.publications) {
        std::vector<FirewallRow> more = firewall_rows(published.plan);
        std::move(more.begin(), more.end(), std::back_inserter(rows));
        add_networks(published.plan.publication, networks);
    }

    const Ruleset ruleset = nft_ruleset(rows, networks, addresses_of);
    if (!ruleset.missing.empty()) {
        std::string text = "the ruleset would not be whole: " + ruleset.missing.front();
        if (ruleset.missing.size() > 1) {
            text += ", and " + std::to_string(ruleset.missing.size() - 1) + " more";
        }
        throw Failure(text + "; write addresses into the \"edge\" block, such as \"reverse_proxy "
                             "external=ADDRESS internal=ADDRESS\"");
    }
    output.text(ruleset.text);
    return exit_fine;
}

/// The heading above the rows of a table, where people read.
std::string heading(const std::string& publication, const FirewallRow& row) {
    return publication + (row.site.empty() ? "" : ", " + row.site) + ": " + row.table;
}

/// What people read: the port with the end that has it, and the purpose without its brackets.
Row short_row(const std::string& publication, const FirewallRow& row) {
    const bool older = row.service.empty();
    const std::size_t bracket = row.direction.find(" (");
    std::string direction = row.direction.substr(0, bracket);
    std::string why = bracket == std::string::npos
                          ? std::string{}
                          : row.direction.substr(bracket + 2, row.direction.size() - bracket - 3);
    if (older && direction.find(' ') != std::string::npos) {
        why = direction.substr(direction.find(' ') + 1); // "Outbound STUN/TCP media communications"
        direction.resize(direction.find(' '));
    }
    why += (why.empty() || row.notes.empty() ? "" : ". ") + row.notes;
    std::string port = row.service;
    if (older) {
        port = row.local_port == "Any" ? "remote " + row.remote_port : "local " + row.local_port;
    }
    return {heading(publication, row),
            firewall_side_name(row.side),
            std::move(port),
            std::move(direction),
            row.source.shown(),
            row.destination.shown(),
            row.figure,
            Cell(row.needed, row.needed ? Style::plain : Style::faint),
            std::move(why)};
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

int show_firewall(const Options& options, Output& output) {
    const Configuration configuration = load_publications(options);
    if (output.format() == Format::own) {
        return print_nft(configuration, output);
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
        for (const FirewallRow& row : firewall_rows(published.plan)) {
            table.rows.push_back(whole ? full_row(name, row) : short_row(name, row));
        }
    }
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
