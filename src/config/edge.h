#pragma once

// The Edge Servers beside a publication, as far as a firewall has to know them. Planning only:
// nothing of it is proxied. The words and the five topologies are those of [Office Communications
// Server 2007 Edge Server Deployment Guide, "Step 2.3. Configure Firewalls"].

#include "base/product.h"
#include "config/block.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

enum class EdgeTopology : std::uint8_t {
    consolidated,         ///< all three roles on one computer
    single_site,          ///< Access and Web Conferencing Edge on one, A/V Edge on another
    scaled_single_site,   ///< load-balanced arrays on both sides
    multiple_site_remote, ///< the remote site of several: standalone Web Conferencing Edge Servers
    scaled_remote_site,   ///< the remote site with arrays
};

/// The word of the `topology` directive.
std::string_view edge_topology_name(EdgeTopology topology) noexcept;

/// Users of a remote site use the Access Edge Server of the central site.
constexpr bool is_remote_site(EdgeTopology topology) noexcept {
    return topology >= EdgeTopology::multiple_site_remote;
}

/// Whether arrays of servers stand behind load balancers' virtual addresses.
constexpr bool is_scaled(EdgeTopology topology) noexcept {
    return topology == EdgeTopology::scaled_single_site ||
           topology == EdgeTopology::scaled_remote_site;
}

enum class EdgeRole : std::uint8_t { access_edge, web_conferencing_edge, av_edge };
inline constexpr std::size_t edge_roles = 3;
/// "Access Edge Server": the words of the guide.
std::string_view edge_role_name(EdgeRole role) noexcept;
/// "access_edge"
std::string_view edge_role_directive(EdgeRole role) noexcept;

/// Where clients outside reach each service of an Edge Server, unless it shares its address, and
/// where federated partners reach the Access Edge service.
inline constexpr std::uint16_t edge_client_port = 443;
inline constexpr std::uint16_t federation_port = 5061;

/// The two sides of a server in the perimeter network; empty where not (yet) known.
struct Interfaces {
    std::string external; ///< IPv4 or IPv6 in its shortest spelling, no brackets
    std::string internal;
    Place place;
    std::uint16_t port = edge_client_port; ///< TCP, external, of an Edge service
};

/// The servers of one Edge role, and the load balancers' addresses in front of them.
struct EdgeServers {
    std::vector<Interfaces> servers;
    std::optional<Interfaces> vip;

    std::vector<Interfaces> all() const {
        std::vector<Interfaces> all = servers;
        if (vip) {
            all.push_back(*vip);
        }
        return all;
    }
};

/// One `edge` block.
struct Edge {
    std::string site;                     ///< its argument; may be empty
    std::optional<EdgeTopology> topology; ///< none: the reverse proxy's addresses alone
    Interfaces reverse_proxy;
    EdgeServers roles[edge_roles];              ///< indexed by EdgeRole
    std::vector<std::string> next_hops;         ///< empty: the Director, else the pool
    std::vector<std::string> internal_networks; ///< "10.0.0.0/8"; empty: not known
    Place place;

    const EdgeServers& of(EdgeRole role) const { return roles[static_cast<std::size_t>(role)]; }
};

/// Not for the Internet [RFC 1918, RFC 6598, RFC 4193], or never leaves a link or a host.
bool is_private(const std::string& address) noexcept;

} // namespace lync::config
