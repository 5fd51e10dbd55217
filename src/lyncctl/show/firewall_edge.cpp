// The tables 9 to 26 of [Office Communications Server 2007, "Step 2.3. Configure Firewalls"].
//
// Eighteen tables say the same four things in five topologies. What differs is whose address it
// is: one server's, those of an array behind a load balancer, or a remote site's.

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

std::string table_title(EdgeTopology topology, std::size_t which, std::string_view role) {
    return "Table " + std::to_string(numbers[static_cast<std::size_t>(topology)][which]) +
           " Firewall Settings for the " + std::string(role);
}

enum class Side : bool { external, internal };

std::vector<std::string> addresses_of(const EdgeServers& servers, Side side, bool of_servers,
                                      bool of_vip) {
    std::vector<std::string> all;
    const auto add = [&](const Interfaces& interfaces) {
        const std::string& address =
            side == Side::external ? interfaces.external : interfaces.internal;
        if (!address.empty()) {
            all.push_back(address);
        }
    };
    if (of_servers) {
        for (const Interfaces& server : servers.servers) {
            add(server);
        }
    }
    if (of_vip && servers.vip) {
        add(*servers.vip);
    }
    return all;
}

constexpr std::string_view side_word(Side side) noexcept {
    return side == Side::external ? "external" : "internal";
}

/// Whose addresses: those of the servers themselves, the load balancer's, or both.
enum class Whose { servers, vip, both };

class Tables {
public:
    Tables(const Edge& edge, EdgeTopology topology) : edge_(edge), topology_(topology) {}

    void proxy() {
        begin(0, "Reverse Proxy");
        const std::string site =
            topology_ == EdgeTopology::multiple_site_remote ? " in the remote site" : "";
        const bool slip =
            topology_ == EdgeTopology::single_site || topology_ == EdgeTopology::scaled_remote_site;
        Party internal{"The internal IP address of the reverse proxy" + site, {}, false};
        Party external{"The external IP address of the HTTP reverse proxy" + site, {}, false};
        if (!edge_.reverse_proxy.internal.empty()) {
            internal.addresses = {edge_.reverse_proxy.internal};
        }
        if (!edge_.reverse_proxy.external.empty()) {
            external.addresses = {edge_.reverse_proxy.external};
        }
        inbound_to_inside(slip ? https_called_sip : https, web_conferences, std::move(internal),
                          {"Any", {}, true}, "2");
        at_local_port(FirewallSide::external, https, "Inbound", std::move(external),
                      {"Any", {}, true}, on_proxy, "1");
    }

    void access(bool has_director, const std::vector<std::string>& next_hop) {
        begin(1, edge_role_name(EdgeRole::access_edge));
        const std::vector<std::string>& hop = edge_.next_hops.empty() ? next_hop : edge_.next_hops;
        const Party internal = party(EdgeRole::access_edge, Side::internal, Whose::servers,
                                     "The internal IP address of the Access Edge Server");
        inbound_to_inside(sip_mtls, access_inbound, internal,
                          {"The IP address of the next hop server. If a Director is deployed, use "
                           "the IP address of the Director or VIP of the load balancer, if the "
                           "Directors are load balanced",
                           hop, false},
                          "5");
        at_local_port(FirewallSide::internal, sip_mtls, access_outbound, internal,
                      {"If no Director is deployed, you must use any IP address. If a Director is "
                       "deployed, use the IP address of the Director or VIP of the load balancer, "
                       "if the Directors are load balanced",
                       has_director ? hop : std::vector<std::string>{}, !has_director},
                      "", "5");
        const Party external =
            scaled() ? party(EdgeRole::access_edge, Side::external, Whose::vip,
                             "The VIP address used by the Access Edge Server array on the external "
                             "load balancer")
                     : party(EdgeRole::access_edge, Side::external, Whose::servers,
                             "The external IP address of the Access Edge Server");
        at_local_port(FirewallSide::external, sip_mtls, federation, external, any(), "", "3");
        at_local_port(FirewallSide::external, sip_tls, remote_access, external, any(), "", "4");
    }

    void web_conferencing() {
        begin(2, edge_role_name(EdgeRole::web_conferencing_edge));
        at_local_port(FirewallSide::internal, psom_mtls, psom_outbound,
                      web_conferencing_party(Side::internal), any(), "", "7");
        at_local_port(FirewallSide::external, psom_tls, psom_inbound,
                      web_conferencing_party(Side::external), any(), "", "6");
    }

    void av() {
        begin(3, edge_role_name(EdgeRole::av_edge));
        const bool consolidated = topology_ == EdgeTopology::consolidated;
        at_local_port(FirewallSide::internal, stun_tcp,
                      consolidated ? stun_outbound_consolidated : stun_outbound,
                      av_party(Side::internal, Whose::vip), any(), "", "12");
        at_local_port(FirewallSide::internal, av_sip,
                      consolidated ? authentication_consolidated : authentication,
                      av_party(Side::internal, Whose::vip), any(), "", "13");
        at_local_port(FirewallSide::internal, stun_udp, stun_outbound,
                      av_party(Side::internal, Whose::both), any(), on_stun, "14");
        at_local_port(FirewallSide::external, stun_tcp, media_inbound,
                      av_party(Side::external, Whose::vip), any(), "", "8");
        at_local_port(FirewallSide::external, rtp_tcp, media_transfer, av_media_party(true), any(),
                      "", "9");
        at_local_port(FirewallSide::external, stun_udp, stun_inbound,
                      av_party(Side::external, Whose::both), any(), on_stun, "10");
        at_local_port(FirewallSide::external, rtp_udp, media_transfer, av_media_party(false), any(),
                      "", "11");
    }

    std::vector<FirewallRow> take() { return std::move(rows_); }

private:
    bool scaled() const { return config::is_scaled(topology_); }
    static Party any() { return {"Any IP address", {}, true}; }

    void begin(std::size_t which, std::string_view role) {
        table_ = table_title(topology_, which, role);
        role_ = role;
    }

    Party party(EdgeRole role, Side side, Whose whose, std::string text) const {
        return {std::move(text),
                addresses_of(edge_.of(role), side, whose != Whose::vip, whose != Whose::servers),
                false};
    }

    Party web_conferencing_party(Side side) const {
        const std::string word(side_word(side));
        constexpr EdgeRole role = EdgeRole::web_conferencing_edge;
        if (topology_ == EdgeTopology::multiple_site_remote) {
            return party(role, side, Whose::servers,
                         "The " + word +
                             " IP address of each Web Conferencing Edge Server in the "
                             "remote site");
        }
        if (!scaled()) {
            return party(role, side, Whose::servers,
                         "The " + word + " IP address of the Web Conferencing Edge Server");
        }
        // Each server is told by internal servers by its own name; only the outside is balanced.
        return side == Side::internal
                   ? party(role, side, Whose::servers,
                           "The internal IP addresses of the Web Conferencing Edge Servers")
                   : party(role, side, Whose::vip,
                           "The VIP address used by the Web Conferencing Edge Server array on the "
                           "external load balancer");
    }

    /// `whose` is for arrays; a server that stands alone has its own address.
    Party av_party(Side side, Whose whose) const {
        const std::string word(side_word(side));
        const std::string own = "The " + word + " IP address of the A/V Edge Server";
        const std::string vip =
            "VIP address used by the A/V Edge Server array on the " + word + " load balancer";
        if (!scaled()) {
            const bool remote = topology_ == EdgeTopology::multiple_site_remote;
            return party(EdgeRole::av_edge, side, Whose::servers,
                         own + (remote ? " in the remote site" : ""));
        }
        return party(EdgeRole::av_edge, side, whose,
                     whose == Whose::vip ? "The " + vip : own + " and the " + vip);
    }

    /// Media goes to and from the server itself, balanced or not. In table 23 the row of UDP
    /// doesn't repeat where the server is.
    Party av_media_party(bool tcp) const {
        const bool remote = tcp && topology_ == EdgeTopology::multiple_site_remote;
        return party(EdgeRole::av_edge, Side::external, Whose::servers,
                     std::string("The external IP address of the A/V Edge Server") +
                         (remote ? " in the remote site" : "") +
                         ". This IP address must be a publicly routable IP address");
    }

    FirewallRow& add(FirewallSide side, std::string_view local_port, std::string_view direction,
                     std::string_view remote_port, Party local, Party remote,
                     std::string_view notes, std::string_view figure) {
        FirewallRow row;
        row.table = table_;
        row.site = edge_.site;
        row.side = side;
        row.role = role_;
        row.local_port = local_port;
        row.direction = direction;
        row.remote_port = remote_port;
        row.figure = figure;
        row.source = std::move(local);
        row.destination = std::move(remote);
        row.notes = notes;
        // "Inbound (for remote user access)", "Outbound STUN/TCP media communications"
        row.why = direction.substr(std::min(direction.find(' ') + 1, direction.size()));
        if (row.why.starts_with('(')) {
            row.why = row.why.substr(1, row.why.size() - 2);
        }
        rows_.push_back(std::move(row));
        return rows_.back();
    }

    /// From the perimeter into the internal network, to the remote's port.
    void inbound_to_inside(const Port& port, std::string_view direction, Party local, Party remote,
                           std::string_view figure) {
        FirewallRow& row = add(FirewallSide::internal, "Any", direction, port.text,
                               std::move(local), std::move(remote), "", figure);
        row.flows.push_back({row.source, row.destination, port.tcp, port.first, port.last, false});
    }

    /// Connections to the local port; where the direction says both, also from the server out.
    ///
    /// [ibid.]: "outbound" is from the internal network to the server on the internal firewall, and
    /// from the server to the Internet on the external one.
    void at_local_port(FirewallSide side, const Port& port, std::string_view direction, Party local,
                       Party remote, std::string_view notes, std::string_view figure) {
        FirewallRow& row = add(side, port.text, direction, "Any", std::move(local),
                               std::move(remote), notes, figure);
        row.flows.push_back({row.destination, row.source, port.tcp, port.first, port.last, false});
        if (direction.starts_with("Inbound/Outbound")) {
            // A federated partner listens on the same port; media leaves from the server's range.
            const bool range = port.first != port.last;
            row.flows.push_back(
                {row.source, row.destination, port.tcp, port.first, port.last, range});
        }
    }

    const Edge& edge_;
    EdgeTopology topology_;
    std::string table_;
    std::string role_;
    std::vector<FirewallRow> rows_;
};

} // namespace

std::vector<FirewallRow> edge_proxy_rows(const Edge& edge, EdgeTopology topology) {
    Tables tables(edge, topology);
    tables.proxy();
    return tables.take();
}

std::vector<FirewallRow> edge_rows(const Edge& edge, bool has_director,
                                   const std::vector<std::string>& next_hop) {
    if (!edge.topology) {
        return {};
    }
    Tables tables(edge, *edge.topology);
    if (!config::is_remote_site(*edge.topology)) {
        tables.access(has_director, next_hop);
    }
    tables.web_conferencing();
    tables.av();
    return tables.take();
}

} // namespace lync::lyncctl
