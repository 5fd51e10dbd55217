#pragma once

// The firewall rules that follow from a plan, in the rows and words of Microsoft's port summaries:
//
//     [Port summary - Reverse proxy in Lync Server 2013]
//     [Port summary - DNS and HLB load balanced in Lync Server 2013]: the Director
//     [Office Communications Server 2007, "Step 2.3. Configure Firewalls"], tables 9 to 26: the
//         reverse proxy and the Edge Servers of an `edge` block
//     [Skype for Business Server, "Edge Server environmental requirements"]: the Edge Servers since
//         Lync Server 2010
//
// each filled in with the addresses of this topology.

#include "plan/plan.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// Which firewall a row is for: the one between the perimeter network and the Internet, the one
/// between the perimeter and the internal network, or, for `inside`, any between internal hosts.
enum class FirewallSide : std::uint8_t { external, internal, inside };
std::string_view firewall_side_name(FirewallSide side) noexcept;

/// One end of a connection: the documents' words, and who that is here.
struct Party {
    std::string text;                   ///< "The internal IP address of the reverse proxy"
    std::vector<std::string> addresses; ///< without brackets; a name where the server has only that
    bool anybody = false;               ///< "Any": no address is meant

    /// "172.16.0.10 (The internal IP ...)", or the words alone.
    std::string shown() const;
};

/// What a row lets pass. A connection is named by the port that is fixed: the destination's, but
/// the source's for media that leaves an A/V Edge Server.
struct Flow {
    Party from;
    Party to;
    bool tcp = true;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 0;
    bool source_port = false;
};

struct FirewallRow {
    std::string table; ///< the document's heading of the table
    std::string site;  ///< of the edge block; empty outside of one
    FirewallSide side = FirewallSide::external;
    std::string role; ///< "Reverse proxy", "Director", "Access Edge Server", ...

    // The cells of a Lync Server 2013 row; empty in the older tables.
    std::string service; ///< "HTTPS/TCP/4443"

    // The cells of an Office Communications Server 2007 row; empty in the newer tables.
    std::string local_port;
    std::string direction;
    std::string remote_port;
    std::string figure; ///< "Figure Mapping": the arrow's number in the guide's figure 7

    Party source;      ///< "Source IP address", or "Local IP": the server in the perimeter network
    Party destination; ///< "Destination IP address", or "Remote IP"
    std::string notes;
    std::string why;    ///< in a few words: "Office Web Apps"
    bool needed = true; ///< false: the documents list it, this publication does without
    std::vector<Flow> flows;
};

/// Rows in the documents' order: the reverse proxy's, the Director's, then each edge block's.
/// `proxy`: where this reverse proxy is, in place of what edge blocks say.
std::vector<FirewallRow> firewall_rows(const plan::Plan& plan,
                                       const config::Interfaces& proxy = {});

/// Which addresses must not be translated [Office Communications Server 2007, "Step 2.3. Configure
/// Firewalls"; Skype for Business Server, "Edge Server environmental requirements"].
std::vector<std::string> nat_notes(const config::Publication& publication);

/// Servers as an edge block's rows name them: addresses of farms, without brackets.
struct InternalServers {
    std::vector<std::string> next_hops; ///< Director or pool, or their load balancer
    std::vector<std::string> sip;       ///< every Director and Front End, and their load balancers
    std::vector<std::string> front_ends;
};

/// The rows of one edge block of Lync Server or Skype for Business Server.
std::vector<FirewallRow> lync_edge_rows(const config::Edge& edge, Product product,
                                        const InternalServers& inside);

/// The rows of one edge block of Office Communications Server: the tables of its topology, the
/// reverse proxy's alone or all others. `next_hop`: the addresses it has where the block names
/// none.
std::vector<FirewallRow> edge_rows(const config::Edge& edge, config::EdgeTopology topology,
                                   bool proxy, bool has_director = false,
                                   const std::vector<std::string>& next_hop = {});

/// What a firewall can load: rules for what needed rows let pass.
struct Ruleset {
    std::string text;
    /// Why a needed row has no rule but a comment, which says the same.
    std::vector<std::string> missing;
};

/// The addresses of a host name, or none.
using Resolve = std::function<std::vector<std::string>(const std::string& name)>;

/// `format`: "nft", "pf" or "windows". `internal_networks`: what "any" means on the inside; empty
/// where not declared. `notes` become comments.
Ruleset ruleset(std::string_view format, const std::vector<FirewallRow>& rows,
                const std::vector<std::string>& internal_networks, const Resolve& resolve,
                const std::vector<std::string>& notes = {});

} // namespace lync::lyncctl
