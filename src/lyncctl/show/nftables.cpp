// Firewall rows as an nftables table, for a Linux machine that forwards between the networks: the
// external firewall, the internal one, or one with three legs. Rules name addresses, so those of
// the other firewall never match.

#include "lyncctl/show/firewall_rows.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

using Addresses = std::vector<std::string>;

constexpr std::array<std::pair<bool, std::string_view>, 2> families{{{false, "ip"}, {true, "ip6"}}};

bool is_ipv6(std::string_view text) noexcept {
    return text.find(':') != std::string_view::npos;
}

/// An address, in either family: what a name never is.
bool is_address(std::string_view text) noexcept {
    return config::network_holds("0.0.0.0/0", text) || config::network_holds("::/0", text);
}

Addresses of_family(const Addresses& all, bool ipv6) {
    Addresses some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                 [ipv6](const std::string& text) { return is_ipv6(text) == ipv6; });
    return some;
}

/// `10.0.0.11` or `{ 10.0.0.11, 10.0.0.12 }`.
std::string one_of(const Addresses& addresses) {
    if (addresses.size() == 1) {
        return addresses.front();
    }
    std::string text = "{ ";
    for (const std::string& address : addresses) {
        text += (text.size() > 2 ? ", " : "") + address;
    }
    return text + " }";
}

/// A comment stays in its line.
std::string one_line(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return line;
}

class NftWriter {
public:
    NftWriter(const Addresses& internal_networks, const Resolve& resolve)
        : internal_(internal_networks), resolve_(resolve) {}

    Ruleset write(const std::vector<FirewallRow>& rows) {
        text_ =
            "# The rows of \"lyncctl show firewall\", for the machine that forwards between\n"
            "# the Internet, the perimeter network and the internal network. It replaces the\n"
            "# table of this name, and no other.\n"
            "\n"
            "table inet lync_firewall\n"
            "delete table inet lync_firewall\n"
            "\n"
            "table inet lync_firewall {\n"
            "    chain forward {\n"
            "        type filter hook forward priority filter; policy drop;\n"
            "\n"
            "        ct state vmap { established : accept, related : accept, invalid : drop }\n";
        for (const FirewallRow& row : rows) {
            write_row(row);
        }
        text_ += "    }\n}\n";
        return {std::move(text_), std::move(missing_)};
    }

private:
    void write_row(const FirewallRow& row) {
        const std::string title = (row.site.empty() ? "" : row.site + ": ") + row.table;
        if (title != title_) {
            line("");
            line("# " + one_line(title));
            title_ = title;
        }
        if (!row.needed) {
            line("# not needed here: " + row.service + " to " + one_line(row.destination.shown()));
            return;
        }
        for (const Flow& flow : row.flows) {
            write_flow(row, flow);
        }
    }

    void write_flow(const FirewallRow& row, const Flow& flow) {
        const Addresses from = resolved(flow.from, flow);
        const Addresses to = resolved(flow.to, flow);
        if ((from.empty() && !flow.from.anybody) || (to.empty() && !flow.to.anybody)) {
            return;
        }
        if (row.side == FirewallSide::inside && internal_.empty() &&
            (flow.from.anybody || flow.to.anybody)) {
            line("# no rule for " + row.service + " from " + flow.from.text + " to " +
                 one_line(flow.to.shown()) + ": no \"internal_network\" declares the inside");
            return;
        }

        bool written = false;
        std::vector<std::pair<bool, Addresses>> left_out; ///< family and targets without a rule
        for (const auto& [ipv6, keyword] : families) {
            const Addresses source = of_family(from, ipv6);
            const Addresses target = of_family(to, ipv6);
            if ((source.empty() && !flow.from.anybody) || (target.empty() && !flow.to.anybody)) {
                left_out.emplace_back(ipv6, target);
                continue;
            }
            const std::string left =
                match(keyword, true, flow.from.anybody, source, row.side, ipv6);
            const std::string right =
                match(keyword, false, flow.to.anybody, target, row.side, ipv6);
            if (left == none || right == none) {
                left_out.emplace_back(ipv6, target);
                continue; // "any" is the inside, and the inside has no network of this family
            }
            rule(left + right + ports(flow));
            written = true;
        }
        if (!written) {
            lacks(ports(flow) + ": \"" + flow.from.shown() + "\" and \"" + flow.to.shown() +
                  "\" have no address of the same family");
            return;
        }
        for (const auto& [ipv6, target] : left_out) {
            if (!target.empty()) {
                line("# no rule for " + ports(flow) + " to " + one_of(target) + ": " +
                     one_line(flow.from.text) + " has no " + (ipv6 ? "IPv6" : "IPv4") +
                     " address here");
            }
        }
    }

    static constexpr std::string_view none = "none";

    /// `ip saddr 172.16.0.10 `. On the inside, "any" is the internal networks. On the outside
    /// whoever comes may be anybody, phones in the company's own network included, which use the
    /// external names; but what leaves the perimeter outwards doesn't go inside.
    std::string match(std::string_view keyword, bool source, bool anybody,
                      const Addresses& addresses, FirewallSide side, bool ipv6) const {
        const std::string start = std::string(keyword) + (source ? " saddr " : " daddr ");
        if (!anybody) {
            return start + one_of(addresses) + " ";
        }
        const Addresses internal = of_family(internal_, ipv6);
        if (internal_.empty() || (side == FirewallSide::external && source)) {
            return {};
        }
        if (side == FirewallSide::external) {
            return internal.empty() ? std::string{} : start + "!= " + one_of(internal) + " ";
        }
        return internal.empty() ? std::string(none) : start + one_of(internal) + " ";
    }

    static std::string ports(const Flow& flow) {
        std::string text = flow.tcp ? "tcp " : "udp ";
        text += flow.source_port ? "sport " : "dport ";
        text += std::to_string(flow.first_port);
        if (flow.last_port != flow.first_port) {
            text += "-" + std::to_string(flow.last_port);
        }
        return text;
    }

    /// Names replaced by what they resolve to; who has no address is missing.
    Addresses resolved(const Party& party, const Flow& flow) {
        const auto has_none = [&](const std::string& who) {
            lacks(ports(flow) + ": \"" + who + "\" has no address");
        };
        if (party.addresses.empty() && !party.anybody) {
            has_none(party.text);
        }
        Addresses all;
        for (const std::string& text : party.addresses) {
            const Addresses found = is_address(text) ? Addresses{text} : resolve_(text);
            if (found.empty()) {
                has_none(text);
            }
            for (const std::string& address : found) {
                if (std::find(all.begin(), all.end(), address) == all.end()) {
                    all.push_back(address);
                }
            }
        }
        return all;
    }

    /// The summaries of the proxy and of the Director share rows.
    void rule(const std::string& text) {
        if (rules_.insert(text).second) {
            line(text + " accept");
        } else {
            line("# as above: " + text);
        }
    }

    void lacks(const std::string& what) {
        if (std::find(missing_.begin(), missing_.end(), what) == missing_.end()) {
            missing_.push_back(what);
        }
        line("# no rule for " + one_line(what));
    }

    void line(const std::string& text) { text_ += (text.empty() ? "" : "        ") + text + "\n"; }

    const Addresses& internal_;
    const Resolve& resolve_;
    std::string text_;
    std::string title_;
    std::set<std::string> rules_;
    Addresses missing_;
};

} // namespace

Ruleset nft_ruleset(const std::vector<FirewallRow>& rows,
                    const std::vector<std::string>& internal_networks, const Resolve& resolve) {
    return NftWriter(internal_networks, resolve).write(rows);
}

} // namespace lync::lyncctl
