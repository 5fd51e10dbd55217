// The tables 9 to 26 of [Office Communications Server 2007, "Step 2.3. Configure Firewalls"].
//
// Eighteen tables say the same four things in five topologies. What differs is whose address it
// is: one server's, those of an array behind a load balancer, or a remote site's.

#include "base/format.h"
#include "lyncctl/show/firewall_rows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync::lyncctl {

namespace {

using config::Edge;
using config::EdgeRole;
using config::EdgeServers;
using config::EdgeTopology;
using config::Interfaces;

// Directions with their purpose, in the guide's words.
constexpr std::string_view web_conferences =
    "Inbound (for external user access to Web conferences)";
constexpr std::string_view access_inbound = "Inbound (for remote user access and federation)";
constexpr std::string_view access_outbound = "Outbound (for remote user access and federation)";
constexpr std::string_view federation = "Inbound/Outbound (federation)";
constexpr std::string_view remote_access = "Inbound (for remote user access)";
constexpr std::string_view psom_outbound =
    "Outbound (for traffic between internal Web Conferencing Servers and the Web Conferencing Edge "
    "Servers)";
constexpr std::string_view psom_inbound =
    "Inbound (for access of remote, anonymous, and federated users to internal Web conferences)";
constexpr std::string_view stun_outbound =
    "Outbound (for internal users to send media to external users)";
constexpr std::string_view stun_outbound_consolidated = "Outbound STUN/TCP media communications";
constexpr std::string_view authentication_consolidated =
    "Outbound (For authentication of A/V users)";
constexpr std::string_view authentication = "Outbound (For A/V authentication of users)";
constexpr std::string_view media_inbound =
    "Inbound (for external users access to media and A/V sessions)";
constexpr std::string_view stun_inbound =
    "Inbound (for external users connecting to media or A/V sessions)";
constexpr std::string_view media_transfer = "Inbound/Outbound (for media transfer)";

constexpr std::string_view on_proxy =
    "If you want your users to be able to connect from inside your intranet to external "
    "conferences hosted by other companies, then you will also need to open port 443 outbound.";
constexpr std::string_view on_stun =
    "If you are using ISA Server as your firewall, you must configure the rule for send/receive.";

/// A port or a range with its protocol: "443 TCP (PSOM/TLS)".
struct Port {
    std::uint16_t first;
    std::uint16_t last;
    bool tcp;
    std::string_view text;
};

constexpr Port https{443, 443, true, "443 TCP (HTTP(S))"};
constexpr Port https_called_sip{443, 443, true, "443 TCP (SIP/TLS)"}; // of tables 13 and 24
constexpr Port sip_mtls{5061, 5061, true, "5061 TCP (SIP/MTLS)"};
constexpr Port sip_tls{443, 443, true, "443 TCP (SIP/TLS)"};
constexpr Port psom_mtls{8057, 8057, true, "8057 TCP (PSOM/MTLS)"};
constexpr Port psom_tls{443, 443, true, "443 TCP (PSOM/TLS)"};
constexpr Port stun_tcp{443, 443, true, "443 TCP (STUN/TCP)"};
constexpr Port av_sip{5062, 5062, true, "5062 TCP (SIP/MTLS)"};
constexpr Port stun_udp{3478, 3478, false, "3478 UDP (STUN/UDP)"};
constexpr Port rtp_tcp{50000, 59999, true, "50,000-59,999 TCP (RTP/TCP)"};
constexpr Port rtp_udp{50000, 59999, false, "50,000-59,999 UDP (RTP/UDP)"};

/// The guide's numbers of the tables: reverse proxy, Access, Web Conferencing, A/V Edge.
constexpr std::array<std::array<unsigned, 4>, 5> numbers{{
    {9, 10, 11, 12},
    {13, 14, 15, 16},
    {17, 18, 19, 20},
    {21, 0, 22, 23},
    {24, 0, 25, 26},
}};

/// Whose addresses: those of the servers themselves, the load balancer's, or both.
enum class Whose : std::uint8_t { servers, vip, both };

enum class Table : std::uint8_t { proxy, access, web_conferencing, av };

/// The other end.
enum class Remote : std::uint8_t {
    any,
    any_word,        ///< "Any"
    next_hop,        ///< the Director, else the pool
    director_or_any, ///< the Director, else anybody
};

/// A row of a table, of any topology. `inward`: from the perimeter into the internal network, to
/// the remote's port; else connections are to the local port.
struct EdgeRow {
    Table table;
    FirewallSide side;
    const Port& port;
    std::string_view direction;
    Whose whose; ///< of an array; a server that stands alone has its own address
    Remote remote;
    std::string_view figure;
    std::string_view notes = "";
    bool inward = false;
};

constexpr auto external = FirewallSide::external;
constexpr auto internal = FirewallSide::internal;
constexpr EdgeRow edge_table[] = {
    {Table::proxy, internal, https, web_conferences, Whose::servers, Remote::any_word, "2", "",
     true},
    {Table::proxy, external, https, "Inbound", Whose::servers, Remote::any_word, "1", on_proxy},
    {Table::access, internal, sip_mtls, access_inbound, Whose::servers, Remote::next_hop, "5", "",
     true},
    {Table::access, internal, sip_mtls, access_outbound, Whose::servers, Remote::director_or_any,
     "5"},
    {Table::access, external, sip_mtls, federation, Whose::vip, Remote::any, "3"},
    {Table::access, external, sip_tls, remote_access, Whose::vip, Remote::any, "4"},
    // Each server is told by internal servers by its own name; only the outside is balanced.
    {Table::web_conferencing, internal, psom_mtls, psom_outbound, Whose::servers, Remote::any, "7"},
    {Table::web_conferencing, external, psom_tls, psom_inbound, Whose::vip, Remote::any, "6"},
    {Table::av, internal, stun_tcp, stun_outbound, Whose::vip, Remote::any, "12"},
    {Table::av, internal, av_sip, authentication, Whose::vip, Remote::any, "13"},
    {Table::av, internal, stun_udp, stun_outbound, Whose::both, Remote::any, "14", on_stun},
    {Table::av, external, stun_tcp, media_inbound, Whose::vip, Remote::any, "8"},
    // Media goes to and from the server itself, balanced or not.
    {Table::av, external, rtp_tcp, media_transfer, Whose::servers, Remote::any, "9"},
    {Table::av, external, stun_udp, stun_inbound, Whose::both, Remote::any, "10", on_stun},
    {Table::av, external, rtp_udp, media_transfer, Whose::servers, Remote::any, "11"},
};

/// What differs between topologies.
class Tables {
public:
    Tables(const Edge& edge, EdgeTopology topology, bool has_director,
           const std::vector<std::string>& next_hop)
        : edge_(edge), topology_(topology), has_director_(has_director),
          hops_(edge.next_hops.empty() ? next_hop : edge.next_hops) {}

    FirewallRow row(const EdgeRow& each) const {
        const bool alone = topology_ == EdgeTopology::consolidated;
        const bool called_sip = each.table == Table::proxy && each.inward &&
                                (topology_ == EdgeTopology::single_site ||
                                 topology_ == EdgeTopology::scaled_remote_site);
        const Port& port = called_sip ? https_called_sip : each.port;
        const auto which = static_cast<std::size_t>(each.table);
        FirewallRow row;
        row.role = each.table == Table::proxy ? "Reverse Proxy" : edge_role_name(role_of(each));
        row.table = formatted("Table {} Firewall Settings for the {}",
                              numbers[static_cast<std::size_t>(topology_)][which], row.role);
        row.site = edge_.site;
        row.side = each.side;
        row.local_port = each.inward ? "Any" : port.text;
        row.direction = !alone                             ? each.direction
                        : each.figure == "12"              ? stun_outbound_consolidated
                        : each.direction == authentication ? authentication_consolidated
                                                           : each.direction;
        row.remote_port = each.inward ? port.text : "Any";
        row.figure = each.figure;
        row.source = local(each);
        row.destination = remote(each.remote);
        row.notes = each.notes;
        // "Inbound (for remote user access)", "Outbound STUN/TCP media communications"
        row.why = row.direction.substr(std::min(row.direction.find(' ') + 1, row.direction.size()));
        if (row.why.starts_with('(')) {
            row.why = row.why.substr(1, row.why.size() - 2);
        }
        add_flows(row, port, each.inward);
        return row;
    }

private:
    static EdgeRole role_of(const EdgeRow& each) {
        return each.table == Table::access             ? EdgeRole::access_edge
               : each.table == Table::web_conferencing ? EdgeRole::web_conferencing_edge
                                                       : EdgeRole::av_edge;
    }

    /// [ibid.]: "outbound" is from the internal network to the server on the internal firewall, and
    /// from the server to the Internet on the external one.
    static void add_flows(FirewallRow& row, const Port& port, bool inward) {
        if (inward) {
            row.flows.push_back(
                {row.source, row.destination, port.tcp, port.first, port.last, false});
            return;
        }
        row.flows.push_back({row.destination, row.source, port.tcp, port.first, port.last, false});
        if (row.direction.starts_with("Inbound/Outbound")) {
            // A federated partner listens on the same port; media leaves from the server's range.
            row.flows.push_back({row.source, row.destination, port.tcp, port.first, port.last,
                                 port.first != port.last});
        }
    }

    Party remote(Remote remote) const {
        switch (remote) {
        case Remote::any:
            return {"Any IP address", {}, true};
        case Remote::any_word:
            return {"Any", {}, true};
        case Remote::next_hop:
            return {
                "The IP address of the next hop server. If a Director is deployed, use the IP "
                "address of the Director or VIP of the load balancer, if the Directors are load "
                "balanced",
                hops_, false};
        default:
            return {"If no Director is deployed, you must use any IP address. If a Director is "
                    "deployed, use the IP address of the Director or VIP of the load balancer, if "
                    "the Directors are load balanced",
                    has_director_ ? hops_ : std::vector<std::string>{}, !has_director_};
        }
    }

    /// This end: words and addresses.
    Party local(const EdgeRow& each) const {
        const bool outside = each.side == external;
        const bool remote_site = topology_ == EdgeTopology::multiple_site_remote;
        const std::string_view side = outside ? "external" : "internal";
        Party party;
        const auto add = [&](const Interfaces& interfaces) {
            const std::string& address = outside ? interfaces.external : interfaces.internal;
            if (!address.empty()) {
                party.addresses.push_back(address);
            }
        };
        if (each.table == Table::proxy) {
            party.text =
                formatted("The {} IP address of the {}reverse proxy{}", side,
                          outside ? "HTTP " : "", remote_site ? " in the remote site" : "");
            add(edge_.reverse_proxy);
            return party;
        }
        const bool scaled = config::is_scaled(topology_);
        const Whose whose = scaled ? each.whose : Whose::servers;
        const EdgeRole role = role_of(each);
        const bool media = each.figure == "9" || each.figure == "11";
        const bool array_of_web =
            role == EdgeRole::web_conferencing_edge && (scaled || remote_site);
        const std::string own =
            array_of_web && remote_site
                ? formatted("The {} IP address of each {}", side, edge_role_name(role))
            : array_of_web ? formatted("The {} IP addresses of the {}s", side, edge_role_name(role))
                           : formatted("The {} IP address of the {}", side, edge_role_name(role));
        const std::string vip = formatted(
            "VIP address used by the {} array on the {} load balancer", edge_role_name(role), side);
        // In table 23 the row of UDP media doesn't repeat where the server is.
        const bool says_site = remote_site && role != EdgeRole::access_edge && each.figure != "11";
        party.text = whose == Whose::vip    ? "The " + vip
                     : whose == Whose::both ? own + " and the " + vip
                                            : own + (says_site ? " in the remote site" : "");
        party.text += media ? ". This IP address must be a publicly routable IP address" : "";
        const EdgeServers& servers = edge_.of(role);
        if (whose != Whose::vip) {
            std::for_each(servers.servers.begin(), servers.servers.end(), add);
        }
        if (whose != Whose::servers && servers.vip) {
            add(*servers.vip);
        }
        return party;
    }

    const Edge& edge_;
    EdgeTopology topology_;
    bool has_director_;
    const std::vector<std::string>& hops_;
};

} // namespace

std::vector<FirewallRow> edge_rows(const Edge& edge, EdgeTopology topology, bool proxy,
                                   bool has_director, const std::vector<std::string>& next_hop) {
    const Tables tables(edge, topology, has_director, next_hop);
    std::vector<FirewallRow> rows;
    for (const EdgeRow& each : edge_table) {
        if ((each.table == Table::proxy) == proxy &&
            (each.table != Table::access || !config::is_remote_site(topology))) {
            rows.push_back(tables.row(each));
        }
    }
    return rows;
}

} // namespace lync::lyncctl
