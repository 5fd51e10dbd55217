#pragma once

// The lines of Microsoft's port summaries (firewall_rows.h names them), for every product at once.

#include "config/edge.h"
#include "lyncctl/show/firewall_rows.h"

#include <array>

namespace lync::lyncctl::firewall {

using P = Product;
using enum FirewallSide;

/// Whose rows a line is among.
enum class Summary : std::uint8_t {
    ocs_proxy,
    ocs_access,
    ocs_web,
    ocs_av,
    single_director,
    outer,
    inner
};
using enum Summary;

inline constexpr std::string_view proxy_external =
    "Firewall Details for Reverse Proxy Server: External Interface";
inline constexpr std::string_view proxy_internal =
    "Firewall Details for Reverse Proxy Server: Internal Interface";

/// The numbers of [Office Communications Server 2007, "Step 2.3. Configure Firewalls"]: reverse
/// proxy, Access, Web Conferencing and A/V Edge Server of each EdgeTopology.
inline constexpr std::array<std::array<unsigned, 4>, 5> ocs_numbers{
    {{9, 10, 11, 12}, {13, 14, 15, 16}, {17, 18, 19, 20}, {21, 0, 22, 23}, {24, 0, 25, 26}}};

/// Who an end of a line is. Edge Servers have two interfaces: which one is meant, the firewall
/// says.
enum class Who : std::uint8_t {
    any,
    clients,
    proxy,
    access,
    web,
    av,
    edge, ///< each Edge Server itself, whatever services it has
    next_hop,
    director_or_any,
    director, ///< the computers themselves
    director_vip,
    pools,
    sip, ///< every Director and Front End, and their load balancers
    front_ends,
    central_management,
};
using enum Who;

/// Of Edge Servers behind a load balancer: whose addresses are meant.
enum class Whose : std::uint8_t { servers, vip, both };
using enum Whose;

struct Ports {
    bool tcp;
    std::uint16_t first;
    std::uint16_t last;
};
constexpr Ports tcp(std::uint16_t port) {
    return {true, port, port};
}
constexpr Ports udp(std::uint16_t port) {
    return {false, port, port};
}
inline constexpr Ports media_tcp{true, 50000, 59999};
inline constexpr Ports media_udp{false, 50000, 59999};
inline constexpr std::uint16_t listening_http = 1; ///< stand for the Director's own ports
inline constexpr std::uint16_t listening_https = 2;

struct Line {
    Summary summary;
    FirewallSide side;
    std::string_view protocol;
    Ports ports;
    Who from;
    Who to;
    Whose whose;
    std::string_view why;
    P since = P::ocs_2007;
    P until = P::sfb_se;
    bool needed = true;
};

inline constexpr std::string_view conferences = "Web conferences.";
inline constexpr std::string_view federation = "Federation, public instant messaging.";
inline constexpr std::string_view stun = "Candidates for media are negotiated.";
inline constexpr std::string_view stun_isa =
    "Candidates for media are negotiated. ISA Server: configure the rule for send/receive.";
inline constexpr std::string_view media = "Media.";
inline constexpr std::string_view authentication = "Authentication of A/V users.";
inline constexpr std::string_view relayed = "Relayed media. It leaves from this range.";
inline constexpr std::string_view xmpp = "XMPP federation, where it is deployed: not since 2019.";
inline constexpr std::string_view web_services = "The Director's web services.";
inline constexpr std::string_view logging =
    "Centralized Logging Service: commands and log collection.";

inline constexpr Line lines[] = {
    {ocs_proxy, internal, "HTTP(S)", tcp(443), proxy, any, servers, conferences},
    {ocs_proxy, external, "HTTP(S)", tcp(443), any, proxy, servers,
     "Web services. Users inside who join other companies' conferences need it outbound, too."},
    {ocs_access, internal, "SIP/MTLS", tcp(5061), access, next_hop, servers,
     "Remote users, federation."},
    {ocs_access, internal, "SIP/MTLS", tcp(5061), director_or_any, access, servers,
     "Remote users, federation."},
    {ocs_access, external, "SIP/MTLS", tcp(5061), any, access, vip, federation},
    {ocs_access, external, "SIP/MTLS", tcp(5061), access, any, vip, federation},
    {ocs_access, external, "SIP/TLS", tcp(443), any, access, vip, "Remote users."},
    // Internal servers connect to each by its own name; only the outside is balanced.
    {ocs_web, internal, "PSOM/MTLS", tcp(8057), any, web, servers, conferences},
    {ocs_web, external, "PSOM/TLS", tcp(443), any, web, vip, conferences},
    {ocs_av, internal, "STUN", tcp(443), any, av, vip, media},
    {ocs_av, internal, "SIP/MTLS", tcp(5062), any, av, vip, authentication},
    {ocs_av, internal, "STUN", udp(3478), any, av, both, stun_isa},
    {ocs_av, external, "STUN", tcp(443), any, av, vip, media},
    // Media goes to and from the server itself, balanced or not.
    {ocs_av, external, "RTP", media_tcp, any, av, servers, media},
    {ocs_av, external, "RTP", media_tcp, av, any, servers, relayed},
    {ocs_av, external, "STUN", udp(3478), any, av, both, stun_isa},
    {ocs_av, external, "RTP", media_udp, any, av, servers, media},
    {ocs_av, external, "RTP", media_udp, av, any, servers, relayed},

    {single_director, internal, "HTTP", tcp(listening_http), proxy, director_vip, servers,
     web_services},
    {single_director, internal, "HTTPS", tcp(listening_https), proxy, director_vip, servers,
     web_services},
    {single_director, inside, "HTTPS", tcp(444), director, pools, servers,
     "Between Director and Front Ends."},
    {single_director, inside, "HTTP", tcp(80), clients, director_vip, servers, web_services},
    {single_director, inside, "HTTPS", tcp(443), clients, director_vip, servers, web_services},
    {single_director, internal, "SIP/MTLS", tcp(5061), access, director, servers,
     "SIP of users outside."},
    {single_director, inside, "MTLS", tcp(50001), any, director, servers, logging},
    {single_director, inside, "MTLS", tcp(50002), any, director, servers, logging},
    {single_director, inside, "MTLS", tcp(50003), any, director, servers, logging},

    {outer, external, "XMPP", tcp(5269), any, access, both, xmpp, P::lync_2013, P::sfb_2015, false},
    {outer, external, "Access/HTTP", tcp(80), access, any, servers,
     "Certificate revocation lists."},
    {outer, external, "Access/DNS", tcp(53), access, any, servers, "Names of federated partners."},
    {outer, external, "Access/DNS", udp(53), access, any, servers, "Names of federated partners."},
    {outer, external, "Access/SIP(TLS)", tcp(443), any, access, vip, "Clients outside."},
    {outer, external, "Access/SIP(MTLS)", tcp(5061), any, access, vip, federation},
    {outer, external, "Access/SIP(MTLS)", tcp(5061), access, any, both, federation},
    {outer, external, "Web conferencing/PSOM(TLS)", tcp(443), any, web, vip, conferences},
    {outer, external, "A/V/RTP", media_tcp, av, any, servers, relayed},
    {outer, external, "A/V/RTP", media_udp, av, any, servers, relayed},
    {outer, external, "A/V/STUN.MSTURN", udp(3478), av, any, servers,
     "Media between Edge Servers, federation, the version of other Edge Servers."},
    {outer, external, "A/V/STUN.MSTURN", udp(3478), any, av, both, stun},
    {outer, external, "A/V/STUN.MSTURN", tcp(443), any, av, both, stun},
    {outer, external, "A/V/STUN.MSTURN", tcp(443), av, any, servers, stun},

    {inner, internal, "XMPP/MTLS", tcp(23456), front_ends, access, servers, xmpp, P::lync_2013,
     P::sfb_2015, false},
    {inner, internal, "SIP/MTLS", tcp(5061), sip, access, vip,
     "From each Director and Front End to the Edge Server."},
    {inner, internal, "SIP/MTLS", tcp(5061), access, next_hop, both,
     "From the Edge Server to its next hop and the Front Ends."},
    {inner, internal, "PSOM/MTLS", tcp(8057), front_ends, web, servers, conferences},
    {inner, internal, "SIP/MTLS", tcp(5062), front_ends, av, vip, authentication},
    {inner, internal, "STUN/MSTURN", udp(3478), any, av, both,
     "Media between internal and external users: preferred path."},
    {inner, internal, "STUN/MSTURN", tcp(443), any, av, both,
     "Media where UDP doesn't pass; file transfer, desktop sharing."},
    {inner, internal, "HTTPS", tcp(4443), central_management, edge, servers,
     "Replication of the Central Management store. Not to be confused with the 4443 from the "
     "reverse proxy to the pools."},
    {inner, internal, "MTLS", tcp(50001), any, edge, servers, logging, P::lync_2013},
    {inner, internal, "MTLS", tcp(50002), any, edge, servers, logging, P::lync_2013},
    {inner, internal, "MTLS", tcp(50003), any, edge, servers, logging, P::lync_2013},
};

} // namespace lync::lyncctl::firewall
