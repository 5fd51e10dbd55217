#pragma once

// How each wall writes a rule.

#include "lyncctl/show/firewall_rows.h"

#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

using Addresses = std::vector<std::string>;

/// One end of a rule: anybody where there is no address.
struct RuleEnd {
    Addresses addresses;
    bool except = false; ///< anybody but the internal networks, which are `addresses`
};

/// A flow between addresses of one family.
struct Rule {
    bool ipv6;
    const RuleEnd& from;
    const RuleEnd& to;
    const Flow& flow;
    const FirewallRow& row;
};

struct RulesetFormat {
    std::string_view name;   ///< what --format takes
    std::string_view indent; ///< of a line
    std::string (*head)(const Addresses& internal_networks);
    std::string (*rule)(const Rule& rule);
    std::string_view tail;
};

/// The format of a name; "nft" for one that there isn't.
const RulesetFormat& ruleset_format(std::string_view name) noexcept;

/// "tcp dport 4443"
std::string ports_of(const Flow& flow);

/// `10.0.0.11` or `{ 10.0.0.11, 10.0.0.12 }`.
std::string one_of(const Addresses& addresses);

} // namespace lync::lyncctl
