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
    director,
    outer,
    inner
};

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

/// Of Edge Servers behind a load balancer: whose addresses are meant.
enum class Whose : std::uint8_t { servers, vip, both };

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

inline constexpr auto servers = Whose::servers;
inline constexpr auto vip = Whose::vip;
inline constexpr auto both = Whose::both;
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
    {Summary::ocs_proxy, internal, "HTTP(S)", tcp(443), Who::proxy, Who::any, servers, conferences},
    {Summary::ocs_proxy, external, "HTTP(S)", tcp(443), Who::any, Who::proxy, servers,
     "Web services. Users inside who join other companies' conferences need it outbound, too."},
    {Summary::ocs_access, internal, "SIP/MTLS", tcp(5061), Who::access, Who::next_hop, servers,
     "Remote users, federation."},
    {Summary::ocs_access, internal, "SIP/MTLS", tcp(5061), Who::director_or_any, Who::access,
     servers, "Remote users, federation."},
    {Summary::ocs_access, external, "SIP/MTLS", tcp(5061), Who::any, Who::access, vip, federation},
    {Summary::ocs_access, external, "SIP/MTLS", tcp(5061), Who::access, Who::any, vip, federation},
    {Summary::ocs_access, external, "SIP/TLS", tcp(443), Who::any, Who::access, vip,
     "Remote users."},
    // Each server is told by internal servers by its own name; only the outside is balanced.
    {Summary::ocs_web, internal, "PSOM/MTLS", tcp(8057), Who::any, Who::web, servers, conferences},
    {Summary::ocs_web, external, "PSOM/TLS", tcp(443), Who::any, Who::web, vip, conferences},
    {Summary::ocs_av, internal, "STUN", tcp(443), Who::any, Who::av, vip, media},
    {Summary::ocs_av, internal, "SIP/MTLS", tcp(5062), Who::any, Who::av, vip, authentication},
    {Summary::ocs_av, internal, "STUN", udp(3478), Who::any, Who::av, both, stun_isa},
    {Summary::ocs_av, external, "STUN", tcp(443), Who::any, Who::av, vip, media},
    // Media goes to and from the server itself, balanced or not.
    {Summary::ocs_av, external, "RTP", media_tcp, Who::any, Who::av, servers, media},
    {Summary::ocs_av, external, "RTP", media_tcp, Who::av, Who::any, servers, relayed},
    {Summary::ocs_av, external, "STUN", udp(3478), Who::any, Who::av, both, stun_isa},
    {Summary::ocs_av, external, "RTP", media_udp, Who::any, Who::av, servers, media},
    {Summary::ocs_av, external, "RTP", media_udp, Who::av, Who::any, servers, relayed},

    {Summary::director, internal, "HTTP", tcp(listening_http), Who::proxy, Who::director_vip,
     servers, web_services},
    {Summary::director, internal, "HTTPS", tcp(listening_https), Who::proxy, Who::director_vip,
     servers, web_services},
    {Summary::director, inside, "HTTPS", tcp(444), Who::director, Who::pools, servers,
     "Between Director and Front Ends."},
    {Summary::director, inside, "HTTP", tcp(80), Who::clients, Who::director_vip, servers,
     web_services},
    {Summary::director, inside, "HTTPS", tcp(443), Who::clients, Who::director_vip, servers,
     web_services},
    {Summary::director, internal, "SIP/MTLS", tcp(5061), Who::access, Who::director, servers,
     "SIP of users outside."},
    {Summary::director, inside, "MTLS", tcp(50001), Who::any, Who::director, servers, logging},
    {Summary::director, inside, "MTLS", tcp(50002), Who::any, Who::director, servers, logging},
    {Summary::director, inside, "MTLS", tcp(50003), Who::any, Who::director, servers, logging},

    {Summary::outer, external, "XMPP", tcp(5269), Who::any, Who::access, both, xmpp, P::lync_2013,
     P::sfb_2015, false},
    {Summary::outer, external, "Access/HTTP", tcp(80), Who::access, Who::any, servers,
     "Certificate revocation lists."},
    {Summary::outer, external, "Access/DNS", tcp(53), Who::access, Who::any, servers,
     "Names of federated partners."},
    {Summary::outer, external, "Access/DNS", udp(53), Who::access, Who::any, servers,
     "Names of federated partners."},
    {Summary::outer, external, "Access/SIP(TLS)", tcp(443), Who::any, Who::access, vip,
     "Clients outside."},
    {Summary::outer, external, "Access/SIP(MTLS)", tcp(5061), Who::any, Who::access, vip,
     federation},
    {Summary::outer, external, "Access/SIP(MTLS)", tcp(5061), Who::access, Who::any, both,
     federation},
    {Summary::outer, external, "Web conferencing/PSOM(TLS)", tcp(443), Who::any, Who::web, vip,
     conferences},
    {Summary::outer, external, "A/V/RTP", media_tcp, Who::av, Who::any, servers, relayed},
    {Summary::outer, external, "A/V/RTP", media_udp, Who::av, Who::any, servers, relayed},
    {Summary::outer, external, "A/V/STUN.MSTURN", udp(3478), Who::av, Who::any, servers,
     "Media between Edge Servers, federation, the version of other Edge Servers."},
    {Summary::outer, external, "A/V/STUN.MSTURN", udp(3478), Who::any, Who::av, both, stun},
    {Summary::outer, external, "A/V/STUN.MSTURN", tcp(443), Who::any, Who::av, both, stun},
    {Summary::outer, external, "A/V/STUN.MSTURN", tcp(443), Who::av, Who::any, servers, stun},

    {Summary::inner, internal, "XMPP/MTLS", tcp(23456), Who::front_ends, Who::access, servers, xmpp,
     P::lync_2013, P::sfb_2015, false},
    {Summary::inner, internal, "SIP/MTLS", tcp(5061), Who::sip, Who::access, vip,
     "From each Director and Front End to the Edge Server."},
    {Summary::inner, internal, "SIP/MTLS", tcp(5061), Who::access, Who::next_hop, both,
     "From the Edge Server to its next hop and the Front Ends."},
    {Summary::inner, internal, "PSOM/MTLS", tcp(8057), Who::front_ends, Who::web, servers,
     conferences},
    {Summary::inner, internal, "SIP/MTLS", tcp(5062), Who::front_ends, Who::av, vip,
     authentication},
    {Summary::inner, internal, "STUN/MSTURN", udp(3478), Who::any, Who::av, both,
     "Media between internal and external users: preferred path."},
    {Summary::inner, internal, "STUN/MSTURN", tcp(443), Who::any, Who::av, both,
     "Media where UDP doesn't pass; file transfer, desktop sharing."},
    {Summary::inner, internal, "HTTPS", tcp(4443), Who::central_management, Who::edge, servers,
     "Replication of the Central Management store. Not to be confused with the 4443 from the "
     "reverse proxy to the pools."},
    {Summary::inner, internal, "MTLS", tcp(50001), Who::any, Who::edge, servers, logging,
     P::lync_2013},
    {Summary::inner, internal, "MTLS", tcp(50002), Who::any, Who::edge, servers, logging,
     P::lync_2013},
    {Summary::inner, internal, "MTLS", tcp(50003), Who::any, Who::edge, servers, logging,
     P::lync_2013},
};

} // namespace lync::lyncctl::firewall
