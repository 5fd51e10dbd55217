// The Edge Servers of Lync Server and Skype for Business Server: [Skype for Business Server, "Edge
// Server environmental requirements", external and internal port firewall summary table; "Hardware
// load balancers for Edge port tables"]. The document's own words for the roles are kept.

#include "lyncctl/show/firewall_rows.h"

#include <algorithm>
#include <array>
#include <set>

namespace lync::lyncctl {

namespace {

using config::Edge;
using config::EdgeRole;
using config::EdgeServers;
using P = Product;

constexpr std::string_view external_table = "Edge Server: External port firewall summary table";
constexpr std::string_view internal_table = "Edge Server: Internal port firewall summary table";

/// Who an end of a row is.
enum class Who : std::uint8_t {
    any,
    access, ///< outside: Access Edge service; `av`, `web` likewise
    web,
    av,
    edge_access, ///< inside: the interface of the Edge Server that has this service
    edge_web,
    edge_av,
    edge, ///< each Edge Server itself
    next_hop,
    sip,
    front_ends,
    central_management,
};

/// Behind a load balancer: whether its virtual address is meant, the servers', or both.
enum class Whose : std::uint8_t { servers, vip, both };

struct EdgeRow {
    FirewallSide side;
    std::string_view service;
    bool tcp;
    std::uint16_t first;
    std::uint16_t last;
    Who from;
    Who to;
    Whose whose; ///< addresses of the Edge Server
    std::string_view notes;
    P since = P::lync_2010;
    P until = P::sfb_se;
    bool needed = true;
};

using enum FirewallSide;
constexpr std::string_view xmpp = "XMPP federation, where it is deployed: not since 2019.";
constexpr std::string_view revocation = "Certificate revocation lists.";
constexpr std::string_view names = "Names of federated partners.";
constexpr std::string_view clients = "Clients outside.";
constexpr std::string_view partners = "Federation, public instant messaging.";
constexpr std::string_view conferences = "Web conferences.";
constexpr std::string_view media = "Relayed media. It leaves from this range.";
constexpr std::string_view stun = "Candidates for media are negotiated.";
constexpr std::string_view stun_out =
    "Media between Edge Servers, federation, the version of other Edge Servers.";
constexpr std::string_view sip_out = "From each Director and Front End to the Edge Server.";
constexpr std::string_view sip_in = "From the Edge Server to its next hop and the Front Ends.";
constexpr std::string_view authentication = "Authentication of A/V users.";
constexpr std::string_view preferred = "Media between internal and external users: preferred path.";
constexpr std::string_view fallback =
    "Media where UDP doesn't pass; file transfer, desktop sharing.";
constexpr std::string_view replication = "Replication of the Central Management store. Not to be "
                                         "confused with the 4443 from the reverse "
                                         "proxy to the pools.";
constexpr std::string_view logging = "Centralized Logging Service: commands and log collection.";

constexpr std::array edge_table{
    EdgeRow{external, "XMPP/TCP/5269", true, 5269, 5269, Who::any, Who::access, Whose::both, xmpp,
            P::lync_2013, P::sfb_2015, false},
    EdgeRow{external, "Access/HTTP/TCP/80", true, 80, 80, Who::access, Who::any, Whose::servers,
            revocation},
    EdgeRow{external, "Access/DNS/TCP/53", true, 53, 53, Who::access, Who::any, Whose::servers,
            names},
    EdgeRow{external, "Access/DNS/UDP/53", false, 53, 53, Who::access, Who::any, Whose::servers,
            names},
    EdgeRow{external, "Access/SIP(TLS)/TCP/443", true, 443, 443, Who::any, Who::access, Whose::vip,
            clients},
    EdgeRow{external, "Access/SIP(MTLS)/TCP/5061", true, 5061, 5061, Who::any, Who::access,
            Whose::vip, partners},
    EdgeRow{external, "Access/SIP(MTLS)/TCP/5061", true, 5061, 5061, Who::access, Who::any,
            Whose::both, partners},
    EdgeRow{external, "Web conferencing/PSOM(TLS)/TCP/443", true, 443, 443, Who::any, Who::web,
            Whose::vip, conferences},
    EdgeRow{external, "A/V/RTP/TCP/50000-59999", true, 50000, 59999, Who::av, Who::any,
            Whose::servers, media},
    EdgeRow{external, "A/V/RTP/UDP/50000-59999", false, 50000, 59999, Who::av, Who::any,
            Whose::servers, media},
    EdgeRow{external, "A/V/STUN.MSTURN/UDP/3478", false, 3478, 3478, Who::av, Who::any,
            Whose::servers, stun_out},
    EdgeRow{external, "A/V/STUN.MSTURN/UDP/3478", false, 3478, 3478, Who::any, Who::av, Whose::both,
            stun},
    EdgeRow{external, "A/V/STUN.MSTURN/TCP/443", true, 443, 443, Who::any, Who::av, Whose::both,
            stun},
    EdgeRow{external, "A/V/STUN.MSTURN/TCP/443", true, 443, 443, Who::av, Who::any, Whose::servers,
            stun},

    EdgeRow{internal, "XMPP/MTLS/TCP/23456", true, 23456, 23456, Who::front_ends, Who::edge_access,
            Whose::servers, xmpp, P::lync_2013, P::sfb_2015, false},
    EdgeRow{internal, "SIP/MTLS/TCP/5061", true, 5061, 5061, Who::sip, Who::edge_access, Whose::vip,
            sip_out},
    EdgeRow{internal, "SIP/MTLS/TCP/5061", true, 5061, 5061, Who::edge_access, Who::next_hop,
            Whose::both, sip_in},
    EdgeRow{internal, "PSOM/MTLS/TCP/8057", true, 8057, 8057, Who::front_ends, Who::edge_web,
            Whose::servers, conferences},
    EdgeRow{internal, "SIP/MTLS/TCP/5062", true, 5062, 5062, Who::front_ends, Who::edge_av,
            Whose::vip, authentication},
    EdgeRow{internal, "STUN/MSTURN/UDP/3478", false, 3478, 3478, Who::any, Who::edge_av,
            Whose::both, preferred},
    EdgeRow{internal, "STUN/MSTURN/TCP/443", true, 443, 443, Who::any, Who::edge_av, Whose::both,
            fallback},
    EdgeRow{internal, "HTTPS/TCP/4443", true, 4443, 4443, Who::central_management, Who::edge,
            Whose::servers, replication},
    EdgeRow{internal, "MTLS/TCP/50001", true, 50001, 50001, Who::any, Who::edge, Whose::servers,
            logging, P::lync_2013},
    EdgeRow{internal, "MTLS/TCP/50002", true, 50002, 50002, Who::any, Who::edge, Whose::servers,
            logging, P::lync_2013},
    EdgeRow{internal, "MTLS/TCP/50003", true, 50003, 50003, Who::any, Who::edge, Whose::servers,
            logging, P::lync_2013},
};

class Parties {
public:
    Parties(const Edge& edge, const InternalServers& inside) : edge_(edge), inside_(inside) {}

    /// `port`: only servers whose clients come in there, where that differs; 0: all.
    Party party(Who who, Whose whose, std::uint16_t port = 0) const {
        switch (who) {
        case Who::any:
            return {"Any", {}, true};
        case Who::access:
            return of(EdgeRole::access_edge, true, whose, "Edge Server Access Edge service", port);
        case Who::web:
            return of(EdgeRole::web_conferencing_edge, true, whose,
                      "Edge Server Web Conferencing Edge service", port);
        case Who::av:
            return of(EdgeRole::av_edge, true, whose, "Edge Server A/V Edge service", port);
        case Who::edge_access:
            return of(EdgeRole::access_edge, false, whose, interface);
        case Who::edge_web:
            return of(EdgeRole::web_conferencing_edge, false, whose, interface);
        case Who::edge_av:
            return of(EdgeRole::av_edge, false, whose, interface);
        case Who::edge:
            return every();
        case Who::next_hop:
            return {"Director, Director pool, Front End Server, Front End pool",
                    edge_.next_hops.empty() ? inside_.next_hops : edge_.next_hops, false};
        case Who::sip:
            return {"Director, Director pool, Front End Server, Front End pool", inside_.sip,
                    false};
        case Who::front_ends:
            return {"Front End Server, each Front End Server of the pool", inside_.front_ends,
                    false};
        case Who::central_management:
            return {"Front End Server or pool that holds the Central Management store",
                    inside_.front_ends, false};
        }
        return {};
    }

    /// Where clients outside come in, by the servers that a row is about; 0: at the row's own port.
    std::set<std::uint16_t> client_ports(const EdgeRow& row) const {
        std::set<std::uint16_t> ports;
        if (row.side == internal || row.to == Who::any || row.first != config::edge_client_port) {
            return {0};
        }
        const auto role = row.to == Who::access ? EdgeRole::access_edge
                          : row.to == Who::web  ? EdgeRole::web_conferencing_edge
                                                : EdgeRole::av_edge;
        for (const config::Interfaces& sides : meant(role, row.whose)) {
            ports.insert(sides.port);
        }
        return ports.empty() ? std::set<std::uint16_t>{0} : ports;
    }

private:
    static constexpr const char* interface = "Edge Server internal interface";

    std::vector<config::Interfaces> meant(EdgeRole role, Whose whose) const {
        const EdgeServers& servers = edge_.of(role);
        std::vector<config::Interfaces> all;
        if (whose != Whose::servers && servers.vip) {
            all.push_back(*servers.vip);
        }
        if (whose != Whose::vip || !servers.vip) {
            all.insert(all.end(), servers.servers.begin(), servers.servers.end());
        }
        return all;
    }

    Party of(EdgeRole role, bool external, Whose whose, std::string text,
             std::uint16_t port = 0) const {
        Party party{std::move(text), {}, false};
        for (const config::Interfaces& sides : meant(role, whose)) {
            const std::string& address = external ? sides.external : sides.internal;
            if (!address.empty() && (port == 0 || port == sides.port)) {
                party.addresses.push_back(address);
            }
        }
        return party;
    }

    /// All services of a server share its internal interface, unless they are on servers of their
    /// own.
    Party every() const {
        Party party{interface, {}, false};
        for (const EdgeRole role :
             {EdgeRole::access_edge, EdgeRole::web_conferencing_edge, EdgeRole::av_edge}) {
            for (std::string& address : of(role, false, Whose::servers, "").addresses) {
                if (std::find(party.addresses.begin(), party.addresses.end(), address) ==
                    party.addresses.end()) {
                    party.addresses.push_back(std::move(address));
                }
            }
        }
        return party;
    }

    const Edge& edge_;
    const InternalServers& inside_;
};

} // namespace

std::vector<FirewallRow> lync_edge_rows(const Edge& edge, Product product,
                                        const InternalServers& inside) {
    std::vector<FirewallRow> rows;
    if (edge.of(EdgeRole::access_edge).servers.empty() &&
        edge.of(EdgeRole::web_conferencing_edge).servers.empty() &&
        edge.of(EdgeRole::av_edge).servers.empty()) {
        return rows; // it says where the reverse proxy is
    }
    const Parties parties(edge, inside);
    for (const EdgeRow& each : edge_table) {
        if (product < each.since || product > each.until) {
            continue;
        }
        for (const std::uint16_t client_port : parties.client_ports(each)) {
            const std::uint16_t port = client_port == 0 ? each.first : client_port;
            const bool moved = port != each.first;
            FirewallRow& row = rows.emplace_back();
            row.table = each.side == external ? external_table : internal_table;
            row.site = edge.site;
            row.side = each.side;
            row.role = "Edge Server";
            row.service = each.service;
            row.source = parties.party(each.from, each.whose);
            row.destination = parties.party(each.to, each.whose, client_port);
            row.notes = each.notes;
            row.why = each.notes.substr(0, each.notes.find('.'));
            row.needed = each.needed;
            row.flows.push_back({row.source, row.destination, each.tcp, port,
                                 moved ? port : each.last, each.first != each.last});
            if (moved) {
                row.service.replace(row.service.rfind('/') + 1, row.service.npos,
                                    std::to_string(port));
            }
            if (moved && port == config::federation_port && each.to == Who::access) {
                row.why += ", federation"; // a plan has either row's rule once
            }
        }
    }
    return rows;
}

std::vector<std::string> nat_notes(const config::Publication& publication) {
    std::vector<std::string> notes;
    for (const Edge& edge : publication.edges) {
        const EdgeServers& av = edge.of(EdgeRole::av_edge);
        const bool may = publication.product >= P::lync_2013 && !av.vip;
        for (const config::Interfaces& server : av.servers) {
            if (!server.internal.empty()) {
                notes.push_back("no NAT for " + server.internal +
                                ": the internal address of an A/V Edge Server is routable from the "
                                "internal network");
            }
            if (!server.external.empty()) {
                notes.push_back(
                    may ? "NAT for " + server.external +
                              ": to a public address of its own, with DNS load balancing"
                        : "no NAT for " + server.external +
                              ": the external address of an A/V Edge Server is publicly "
                              "routable");
            }
        }
    }
    return notes;
}

} // namespace lync::lyncctl
