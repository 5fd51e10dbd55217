// Who the ends of the lines are here.

#include "base/format.h"
#include "lyncctl/addresses.h"
#include "lyncctl/output.h"
#include "lyncctl/show/firewall_lines.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

namespace {

using config::Edge;
using config::EdgeRole;
using config::EdgeServers;
using config::EdgeTopology;
using config::Farm;
using config::Interfaces;
using config::Role;
using plan::Plan;
using namespace firewall;

void add_known(Addresses& all, const Addresses& more) {
    for (const std::string& address : more) {
        if (!address.empty()) {
            add_once(all, address);
        }
    }
}

bool is_web_services(const Farm& farm) {
    return config::is_web_services(farm.role);
}

bool is_pool(const Farm& farm) {
    return farm.role == Role::pool;
}

Party anybody(std::string text) {
    return {std::move(text), {}, true};
}

class Rows {
public:
    Rows(const Plan& plan, const Interfaces& given) : plan_(plan), proxy_(own_proxy()) {
        proxy_.external = given.external.empty() ? proxy_.external : given.external;
        proxy_.internal = given.internal.empty() ? proxy_.internal : given.internal;
    }

    std::vector<FirewallRow> make() {
        if (is_ocs(declared_.product)) {
            add_ocs();
        } else {
            add_listeners(declared_.http_sockets, "HTTP",
                          "redirects to https, Autodiscover over plain HTTP");
            add_listeners(declared_.https_sockets, "HTTPS", "all web services");
            add_farms();
            add_store();
            for (const Edge& edge : declared_.edges) {
                edges_.push_back(&edge);
            }
            for (const Farm& farm : declared_.farms) {
                director_ = &farm;
                add(single_director, farm.role == Role::director);
            }
            for (const Edge& edge : declared_.edges) {
                edges_ = {&edge};
                const bool has_servers = std::ranges::any_of(
                    edge.roles, [](const EdgeServers& role) { return !role.servers.empty(); });
                add(outer, has_servers); // else it says where the reverse proxy is
                add(inner, has_servers);
            }
        }
        return std::move(rows_);
    }

private:
    /// Which edge block says where this reverse proxy is: a remote site has one of its own.
    Interfaces own_proxy() const {
        const auto has_address = [](const Edge& edge) {
            return !(edge.topology && config::is_remote_site(*edge.topology)) &&
                   !(edge.reverse_proxy.external.empty() && edge.reverse_proxy.internal.empty());
        };
        const auto& edges = declared_.edges;
        const auto found = std::ranges::find_if(edges, has_address);
        return found == edges.end() ? Interfaces{} : found->reverse_proxy;
    }

    /// A row for each port that is listened on; 80 is in the documents even where it isn't.
    void add_listeners(const std::vector<config::Socket>& sockets, const char* protocol,
                       std::string_view why) {
        std::vector<std::uint16_t> ports;
        for (const config::Socket& socket : sockets) {
            if (const auto port = split_socket(socket.address).second;
                std::ranges::find(ports, port) == ports.end()) {
                ports.push_back(port);
            }
        }
        if (sockets.empty()) {
            ports = {80};
        }
        for (const std::uint16_t port : ports) {
            FirewallRow& row = rows_.emplace_back();
            row.table = proxy_external;
            row.side = external;
            row.source = anybody("Any");
            row.destination = {"Reverse proxy listener", listening_at(sockets, port)};
            row.why = why;
            row.needed = !sockets.empty();
            set_service(row, protocol, port, port);
        }
    }

    /// None if one of the sockets is at any address and those aren't declared: some would pass for
    /// all.
    Addresses listening_at(const std::vector<config::Socket>& sockets, std::uint16_t port) const {
        Addresses all;
        for (const config::Socket& socket : sockets) {
            const auto [host, own_port] = split_socket(socket.address);
            if (own_port != port) {
                continue;
            }
            const bool is_any = host.empty() || host == "[::]";
            const std::string address = is_any ? proxy_.external : bare(host);
            if (address.empty()) {
                return {};
            }
            add_once(all, address);
        }
        return all;
    }

    void add_farms() {
        for (const bool tls : {false, true}) {
            for (const Farm& farm : declared_.farms) {
                if (is_web_services(farm)) {
                    add_farm(farm, tls, "Front End Server, Front End pool, Director, Director pool",
                             tls ? "all web services" : "Autodiscover over plain HTTP");
                }
            }
        }
        for (const Farm& farm : declared_.farms) {
            if (farm.role == Role::office_web_apps) {
                add_farm(farm, true, "Office Web Apps for conferencing",
                         "presentations in meetings");
            } else if (farm.role == Role::exchange) {
                add_farm(farm, true, "Exchange", "mail and calendars for clients");
            }
        }
    }

    /// A row, or addresses of one that is the same but for them.
    void add_farm(const Farm& farm, bool tls, const char* text, std::string_view why) {
        FirewallRow row;
        row.table = proxy_internal;
        row.side = internal;
        row.source = reverse_proxy("Internal reverse proxy interface", false);
        row.destination = farms(text, [&](const Farm& each) { return &each == &farm; });
        row.why = why;
        row.needed = has_upstream(farm, tls);
        const std::uint16_t port = tls ? farm.ports.https : farm.ports.http;
        set_service(row, tls ? "HTTPS" : "HTTP", port, port);
        const auto same = std::ranges::find_if(rows_, [&](const FirewallRow& known) {
            return known.service == row.service && known.needed == row.needed &&
                   known.destination.text == text;
        });
        if (same == rows_.end()) {
            rows_.push_back(std::move(row));
        } else {
            add_known(same->destination.addresses, row.destination.addresses);
        }
    }

    /// No document has it: it is this module's own.
    void add_store() {
        const auto& store = declared_.lockout.store;
        if (!store || is_this_machine(store->host)) {
            return;
        }
        const std::uint16_t port = split_socket(store->address).second;
        FirewallRow& row = rows_.emplace_back();
        row.table = proxy_internal;
        row.side = internal;
        row.source = reverse_proxy("Internal reverse proxy interface", false);
        row.destination = {"Lockout store", {bare(split_socket(store->address).first)}};
        row.why = "failed sign-ins that several proxies count together";
        row.needed = true;
        set_service(row, "Redis", port, port);
    }

    static void set_service(FirewallRow& row, std::string_view protocol, std::uint16_t first,
                            std::uint16_t last) {
        row.first_port = first;
        row.last_port = last;
        row.service = formatted("{}/{}/{}", protocol, row.tcp ? "TCP" : "UDP", row.ports());
    }

    /// Whether requests to a farm by plain HTTP or by TLS are part of the plan: plain HTTP goes
    /// only where lyncdiscover does, the other farms' 8080 stays closed.
    bool has_upstream(const Farm& farm, bool tls) const {
        return std::ranges::any_of(plan_.upstreams, [&](const auto& u) {
            return u.tls == tls && &plan_.farm(u) == &farm;
        });
    }

    /// Where edge blocks have no topology (or there is none), the consolidated one's rows.
    void add_ocs() {
        Edge here;
        here.reverse_proxy = proxy_;
        for (const Edge& edge : declared_.edges) {
            if (edge.topology) {
                edges_ = {&edge};
                topology_ = *edge.topology;
                add(ocs_proxy, true);
                add(ocs_access, !config::is_remote_site(topology_));
                add(ocs_web, true);
                add(ocs_av, true);
            }
        }
        edges_ = {&here};
        add(ocs_proxy, rows_.empty());
        add_store();
    }

    void add(Summary summary, bool wanted) {
        for (const Line& line : lines) {
            if (wanted && line.summary == summary && declared_.product >= line.since &&
                declared_.product <= line.until) {
                for (const std::uint16_t port : ports(line)) {
                    rows_.push_back(filled(line, port));
                }
            }
        }
    }

    FirewallRow filled(const Line& line, std::uint16_t port) const {
        FirewallRow row;
        row.table = title(line.summary);
        row.site = line.summary == single_director ? "" : edges_.front()->site;
        row.side = line.side;
        row.source = party(line, line.from, port);
        row.destination = party(line, line.to, port);
        row.why = line.why;
        row.tcp = line.ports.tcp;
        set_service(row, line.protocol, port,
                    line.ports.first == line.ports.last ? port : line.ports.last);
        row.source_port = row.first_port != row.last_port && line.from == av;
        const bool of_director = line.summary == single_director;
        row.needed = line.needed &&
                     (line.ports.first != listening_http || has_upstream(*director_, false)) &&
                     !(of_director && line.from == access && row.source.addresses.empty());
        if (port == config::federation_port && is_client_line(line)) {
            row.why.insert(row.why.size() - 1, ", federation"); // a plan has either row's rule once
        }
        return row;
    }

    std::string title(Summary summary) const {
        const auto ocs = [&](std::string_view role) {
            return formatted(
                "Table {} Firewall Settings for the {}",
                ocs_numbers[static_cast<std::size_t>(topology_)][static_cast<std::size_t>(summary)],
                role);
        };
        switch (summary) {
        case ocs_proxy:
            return ocs("Reverse Proxy");
        case ocs_access:
            return ocs(config::edge_role_name(EdgeRole::access_edge));
        case ocs_web:
            return ocs(config::edge_role_name(EdgeRole::web_conferencing_edge));
        case ocs_av:
            return ocs(config::edge_role_name(EdgeRole::av_edge));
        case single_director:
            return "Single Director Ports and Protocols for Firewall Definitions";
        default:
            return formatted("Edge Server: {} port firewall summary table",
                             summary == outer ? "External" : "Internal");
        }
    }

    static bool is_edge(Who who) { return who >= access && who <= av; }

    static EdgeRole role_of(Who who) {
        return static_cast<EdgeRole>(static_cast<int>(who) - static_cast<int>(access));
    }

    /// Whether clients outside come in there, at a port that the server may have moved.
    static bool is_client_line(const Line& line) {
        return line.side == external && is_edge(line.to) &&
               line.ports.first == config::edge_client_port;
    }

    std::set<std::uint16_t> ports(const Line& line) const {
        std::set<std::uint16_t> all;
        if (is_client_line(line)) {
            for (const Interfaces& sides : meant(role_of(line.to), line.whose)) {
                all.insert(sides.port);
            }
        }
        if (all.empty()) {
            all.insert(line.ports.first == listening_http    ? director_->ports.http
                       : line.ports.first == listening_https ? director_->ports.https
                                                             : line.ports.first);
        }
        return all;
    }

    Party party(const Line& line, Who who, std::uint16_t port) const {
        const auto this_director = [&](const Farm& farm) { return &farm == director_; };
        switch (who) {
        case any:
            return anybody("Any");
        case clients:
            return anybody("Internal Clients");
        case proxy:
            return reverse_proxy(formatted("Reverse proxy {} interface",
                                           line.side == external ? "external" : "internal"),
                                 line.side == external);
        case access:
        case web:
        case av:
            return edge_servers(role_of(who), line, port);
        case edge: {
            // A server's services share its internal interface, unless they are on several.
            Party all{"Edge Server internal interface"};
            for (const Who each : {access, web, av}) {
                add_known(all.addresses, edge_servers(role_of(each), line, port).addresses);
            }
            return all;
        }
        case director_or_any:
            return std::ranges::any_of(declared_.farms,
                                       [](const Farm& farm) { return farm.role == Role::director; })
                       ? next_hop_servers()
                       : anybody("Any");
        case next_hop:
            return next_hop_servers();
        case director:
            return farms("Director", this_director, false, true);
        case director_vip:
            return farms("Director Hardware Load Balancer VIP", this_director);
        case pools:
            return farms("Front End pool or Front End Server", is_pool, true, true);
        case sip:
            return farms(every_sip, is_web_services, true, true);
        case front_ends:
            return farms("Front End Server, each Front End Server of the pool", is_pool, false,
                         true);
        case central_management:
            return farms("Front End Server or pool that holds the Central Management store",
                         is_pool, false, true);
        }
        return {};
    }

    Party next_hop_servers() const {
        const Farm& first = declared_.farms[declared_.first_contact()];
        Party party = is_ocs(declared_.product)
                          ? farms(every_sip, [&first](const Farm& farm) { return &farm == &first; })
                          : farms(every_sip, is_web_services, true, true);
        if (const Addresses& declared = edges_.front()->next_hops; !declared.empty()) {
            party.addresses = declared;
        }
        return party;
    }

    /// `balancers`: what `server` names; false: only where nothing stands behind it. What a farm is
    /// published as is this proxy: its servers have no address yet.
    template <typename Wanted>
    Party farms(std::string text, Wanted&& wanted, bool balancers = true,
                bool computers = false) const {
        Party party{std::move(text)};
        const auto add = [&](const Farm& farm, const std::string& address) {
            const bool unknown = std::ranges::find(farm.published, address) != farm.published.end();
            add_known(party.addresses, {unknown ? "" : bare(address)});
        };
        for (const Farm& farm : declared_.farms) {
            if (wanted(farm) && (balancers || farm.computers.empty())) {
                for (const config::Server& server : farm.servers) {
                    add(farm, server.address);
                }
            }
        }
        for (const Farm& farm : declared_.farms) {
            if (wanted(farm) && computers) {
                for (const std::string& computer : farm.computers) {
                    add(farm, computer);
                }
            }
        }
        return party;
    }

    Party reverse_proxy(std::string text, bool outside) const {
        const bool of_block = is_ocs(declared_.product);
        const Interfaces& proxy = of_block ? edges_.front()->reverse_proxy : proxy_;
        Party party{std::move(text)};
        add_known(party.addresses, {outside ? proxy.external : proxy.internal});
        return party;
    }

    static bool is_balanced(const Edge& edge, EdgeRole role) {
        return edge.of(role).vip || (edge.topology && config::is_scaled(*edge.topology));
    }

    std::vector<Interfaces> meant(EdgeRole role, Whose whose) const {
        std::vector<Interfaces> all;
        for (const Edge* edge : edges_) {
            const EdgeServers& found = edge->of(role);
            if (whose != vip || !is_balanced(*edge, role)) {
                all.insert(all.end(), found.servers.begin(), found.servers.end());
            }
            if (whose != servers && found.vip) {
                all.push_back(*found.vip);
            }
        }
        return all;
    }

    Party edge_servers(EdgeRole role, const Line& line, std::uint16_t port) const {
        const bool outside = line.side == external;
        Party party{outside ? std::string(config::edge_role_name(role))
                            : "Edge Server internal interface"};
        if (line.whose == vip && is_balanced(*edges_.front(), role)) {
            party.text += ", load balancer VIP";
        }
        for (const Interfaces& sides : meant(role, line.whose)) {
            if (!is_client_line(line) || sides.port == port) {
                add_known(party.addresses, {outside ? sides.external : sides.internal});
            }
        }
        return party;
    }

    static constexpr const char* every_sip =
        "Director, Director pool, Front End Server, Front End pool";

    const Plan& plan_;
    const config::Publication& declared_ = plan_.publication;
    Interfaces proxy_;
    std::vector<FirewallRow> rows_;

    // What the lines of a table are about.
    std::vector<const Edge*> edges_;
    EdgeTopology topology_ = EdgeTopology::consolidated;
    const Farm* director_ = nullptr;
};

} // namespace

std::string_view firewall_side_name(FirewallSide side) noexcept {
    return side == external ? "External" : side == internal ? "Internal" : "Inside";
}

std::string Party::shown() const {
    return addresses.empty() ? text : formatted("{} ({})", joined(addresses), text);
}

std::string FirewallRow::ports(char between) const {
    return first_port == last_port ? std::to_string(first_port)
                                   : formatted("{}{}{}", first_port, between, last_port);
}

std::vector<FirewallRow> firewall_rows(const Plan& plan, const Interfaces& proxy) {
    return Rows(plan, proxy).make();
}

std::vector<std::string> nat_notes(const config::Publication& publication) {
    std::vector<std::string> notes;
    for (const Edge& edge : publication.edges) {
        const EdgeServers& av = edge.of(EdgeRole::av_edge);
        const bool may = publication.product >= P::lync_2013 && !av.vip;
        for (const Interfaces& server : av.servers) {
            if (!server.internal.empty()) {
                notes.push_back(formatted("no NAT for {}: the internal address of an A/V Edge "
                                          "Server is routable from the internal network",
                                          server.internal));
            }
            if (!server.external.empty() && may) {
                notes.push_back(
                    formatted("NAT for {}: to a public address of its own, with DNS load balancing",
                              server.external));
            } else if (!server.external.empty()) {
                notes.push_back(formatted(
                    "no NAT for {}: the external address of an A/V Edge Server is publicly "
                    "routable",
                    server.external));
            }
        }
    }
    return notes;
}

} // namespace lync::lyncctl
