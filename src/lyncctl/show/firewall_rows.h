#pragma once

// The firewall rules that follow from a plan: the rows of Microsoft's port summaries, each filled
// in with the addresses of this topology.
//
//     [Port summary - Reverse proxy in Lync Server 2013]
//     [Port summary - DNS and HLB load balanced in Lync Server 2013]: the Director
//     [Office Communications Server 2007, "Step 2.3. Configure Firewalls"], tables 9 to 26: the
//         reverse proxy and the Edge Servers of an `edge` block
//     [Skype for Business Server, "Edge Server environmental requirements", external and internal
//         port firewall summary table; "Hardware load balancers for Edge port tables"]: the Edge
//         Servers since Lync Server 2010

#include "plan/plan.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

using Addresses = std::vector<std::string>;

/// Which firewall a row is for: the one between the perimeter network and the Internet, the one
/// between the perimeter and the internal network, or, for `inside`, any between internal hosts.
enum class FirewallSide : std::uint8_t { external, internal, inside };
std::string_view firewall_side_name(FirewallSide side) noexcept;

/// One end of a connection: the documents' words, and who that is here.
struct Party {
    std::string text;         ///< "Internal reverse proxy interface"
    Addresses addresses = {}; ///< without brackets; a name where the server has only that
    bool any = false;         ///< "Any": no address is meant

    /// "172.16.0.10 (Internal reverse proxy interface)", or the words alone.
    std::string shown() const;
};

/// What a row lets pass. Its port is the destination's, but the source's for media that leaves an
/// A/V Edge Server.
struct FirewallRow {
    std::string table; ///< the document's heading of the table
    std::string site;  ///< of the edge block; empty outside of one
    FirewallSide side = FirewallSide::external;
    std::string service; ///< "HTTPS/TCP/4443"
    Party source;
    Party destination;
    std::string why;    ///< the first sentence in a few words
    bool needed = true; ///< false: the documents list it, this publication does without
    bool tcp = true;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 0;
    bool source_port = false;

    /// "443", or "50000-59999" with `between` in the middle.
    std::string ports(char between = '-') const;
};

/// Rows in the documents' order: the reverse proxy's, the Director's, then each edge block's.
/// `proxy`: where this reverse proxy is, in place of what edge blocks say.
std::vector<FirewallRow> firewall_rows(const plan::Plan& plan,
                                       const config::Interfaces& proxy = {});

/// Which addresses must not be translated [Office Communications Server 2007, "Step 2.3. Configure
/// Firewalls"; Skype for Business Server, "Edge Server environmental requirements"].
std::vector<std::string> nat_notes(const config::Publication& publication);

/// What a firewall can load: rules for what needed rows let pass.
struct Ruleset {
    std::string text;
    /// Why a needed row has no rule but a comment, which says the same.
    std::vector<std::string> missing;
};

using Resolve = std::function<Addresses(const std::string& name)>;

/// `format`: "nft", "pf" or "windows". `internal_networks`: what "any" means on the inside; empty
/// where not declared. `notes` become comments.
Ruleset ruleset(std::string_view format, const std::vector<FirewallRow>& rows,
                const Addresses& internal_networks, const Resolve& resolve,
                const std::vector<std::string>& notes = {});

} // namespace lync::lyncctl
