// Firewall rows as rules: whose addresses, of which family, and what "any" is. Rules name
// addresses, so those of another firewall never match.

#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/output.h"
#include "lyncctl/show/firewall_rows.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

namespace lync::lyncctl {

namespace {

/// One end of a rule: any address where there is none.
struct RuleEnd {
    Addresses addresses;
    bool except = false; ///< any but the internal networks, which are `addresses`
};

/// How a wall writes the rule of a row between addresses of one family.
struct RulesetFormat {
    std::string_view name;   ///< what --format takes
    std::string_view indent; ///< of a line
    std::string_view head;
    std::string (*rule)(const FirewallRow& row, bool ipv6, const RuleEnd& from, const RuleEnd& to);
    std::string_view tail;
};

/// `10.0.0.11` or `{ 10.0.0.11, 10.0.0.12 }`.
std::string one_of(const Addresses& addresses) {
    return addresses.size() == 1 ? addresses.front() : formatted("{{ {} }}", joined(addresses));
}

std::string ports_of(const FirewallRow& row) {
    return formatted("{} {} {}", row.tcp ? "tcp" : "udp", row.source_port ? "sport" : "dport",
                     row.ports());
}

/// A table for a Linux machine that forwards between the networks [nft(8)].
std::string nft_rule(const FirewallRow& row, bool ipv6, const RuleEnd& from, const RuleEnd& to) {
    const auto end = [&](const RuleEnd& each, const char* word) {
        return each.addresses.empty() ? std::string{}
                                      : formatted("{} {} {}{} ", ipv6 ? "ip6" : "ip", word,
                                                  each.except ? "!= " : "", one_of(each.addresses));
    };
    return formatted("{}{}{} accept", end(from, "saddr"), end(to, "daddr"), ports_of(row));
}

/// Rules for an anchor [pf.conf(5), GRAMMAR].
std::string pf_rule(const FirewallRow& row, bool ipv6, const RuleEnd& from, const RuleEnd& to) {
    const auto end = [](const RuleEnd& each) {
        return each.except              ? "! <lync_inside>"
               : each.addresses.empty() ? "any"
                                        : one_of(each.addresses);
    };
    const std::string port = formatted(" port {}", row.ports(':'));
    return formatted("pass quick {} proto {} from {}{} to {}{}{} keep state",
                     ipv6 ? "inet6" : "inet", row.tcp ? "tcp" : "udp", end(from),
                     row.source_port ? port : "", end(to), row.source_port ? "" : port,
                     row.tcp ? " flags S/SA" : "");
}

/// Rules for the Windows servers themselves [New-NetFirewallRule]: at the server that is connected
/// to; where that may be any address, at the one that connects.
std::string windows_rule(const FirewallRow& row, bool, const RuleEnd& from, const RuleEnd& to) {
    const bool outbound = to.addresses.empty() || to.except;
    const auto address = [](const char* option, const RuleEnd& end) {
        const Addresses all = end.except ? Addresses{"Internet"} : end.addresses;
        return all.empty() ? std::string() : formatted(" -{} '{}'", option, joined(all, "', '"));
    };
    const std::string_view protocol = row.tcp ? "TCP" : "UDP";
    return formatted("New-NetFirewallRule -Group 'lync_firewall' -DisplayName 'Lync {0} {1} {2}' "
                     "-Direction {3} -Action Allow -Protocol {0}{4}{5} -{6}Port {1}",
                     protocol, row.ports(), outbound ? "out" : "in",
                     outbound ? "Outbound" : "Inbound",
                     address("LocalAddress", outbound ? from : to),
                     address("RemoteAddress", outbound ? to : from),
                     outbound == row.source_port ? "Local" : "Remote");
}

constexpr RulesetFormat formats[] = {
    {"nft", "        ",
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
     "        ct state vmap { established : accept, related : accept, invalid : drop }\n",
     nft_rule, "    }\n}\n"},
    {"pf", "",
     "# The rows of \"lyncctl show firewall\" for pf, as an anchor: pfctl -a lync_firewall -f -\n"
     "# It lets pass; blocking everything else is for the ruleset around it, as pfSense does.\n"
     "\n",
     pf_rule, ""},
    {"windows", "",
     "# The rows of \"lyncctl show firewall\" for Windows' own firewall, in PowerShell as an\n"
     "# administrator. Each rule names the server's address: all servers may have all rules.\n"
     "# \"Internet\" is what Windows doesn't take for the organisation's own networks.\n"
     "\n"
     "Remove-NetFirewallRule -Group 'lync_firewall' -ErrorAction SilentlyContinue\n",
     windows_rule, ""},
};

Addresses of_family(const Addresses& all, bool ipv6) {
    Addresses some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some), [ipv6](const std::string& text) {
        return (text.find(':') != std::string::npos) == ipv6;
    });
    return some;
}

class RulesetWriter {
public:
    RulesetWriter(const RulesetFormat& format, const Addresses& internal_networks,
                  const Resolve& resolve)
        : format_(format), internal_(internal_networks), resolve_(resolve) {}

    Ruleset write(const std::vector<FirewallRow>& rows, const std::vector<std::string>& notes) {
        text_ = format_.head;
        if (format_.rule == pf_rule && !internal_.empty()) {
            line(formatted("table <lync_inside> const {{ {} }}", joined(internal_)));
        }
        for (const std::string& note : notes) {
            comment(note);
        }
        std::string last;
        for (const FirewallRow& row : rows) {
            if (const std::string title = (row.site.empty() ? "" : row.site + ": ") + row.table;
                title != last) {
                text_ += "\n";
                comment(title);
                last = title;
            }
            if (row.needed) {
                add(row);
            } else {
                comment(
                    formatted("not needed here: {} to {}", row.service, row.destination.shown()));
            }
        }
        text_ += format_.tail;
        return {std::move(text_), std::move(missing_)};
    }

private:
    void add(const FirewallRow& row) {
        const Addresses from = resolved(row.source, row);
        const Addresses to = resolved(row.destination, row);
        const bool any_from = row.source.any;
        const bool any_to = row.destination.any;
        if ((from.empty() && !any_from) || (to.empty() && !any_to)) {
            return;
        }
        if (row.side == FirewallSide::inside && internal_.empty() && (any_from || any_to)) {
            return comment(formatted("no rule for {} from {} to {}: no \"internal_network\" "
                                     "declares the inside",
                                     row.service, row.source.text, row.destination.shown()));
        }
        bool written = false;
        std::vector<std::string> left_out;
        for (const bool ipv6 : {false, true}) {
            const Addresses target = of_family(to, ipv6);
            const auto left = end_of(true, any_from, of_family(from, ipv6), row.side, ipv6);
            const auto right = end_of(false, any_to, target, row.side, ipv6);
            if (left && right) {
                const std::string rule = format_.rule(row, ipv6, *left, *right);
                if (rules_.insert(rule).second) { // the Director's summary repeats the proxy's
                    line(rule);
                }
                written = true;
            } else if (!target.empty()) {
                left_out.push_back(formatted("no rule for {} to {}: {} has no {} address here",
                                             ports_of(row), one_of(target), row.source.text,
                                             ipv6 ? "IPv6" : "IPv4"));
            }
        }
        if (!written) {
            return lacks(formatted("{}: \"{}\" and \"{}\" have no address of the same family",
                                   ports_of(row), row.source.shown(), row.destination.shown()));
        }
        for (const std::string& text : left_out) {
            comment(text);
        }
    }

    /// On the inside, "any" is the internal networks. On the outside a client may have any address,
    /// phones in the company's own network included, which use the external names; but what leaves
    /// the perimeter outwards doesn't go inside. Nothing: there is no such address.
    std::optional<RuleEnd> end_of(bool source, bool any, const Addresses& addresses,
                                  FirewallSide side, bool ipv6) const {
        if (!any) {
            return addresses.empty() ? std::nullopt : std::optional(RuleEnd{addresses, false});
        }
        const Addresses internal = of_family(internal_, ipv6);
        const bool external = side == FirewallSide::external;
        if (internal_.empty() || (external && (source || internal.empty()))) {
            return RuleEnd{};
        }
        return internal.empty() ? std::nullopt : std::optional(RuleEnd{internal, external});
    }

    /// Names replaced by what they resolve to; who has no address is missing.
    Addresses resolved(const Party& party, const FirewallRow& row) {
        const auto has_none = [&](const std::string& who) {
            lacks(formatted("{}: \"{}\" has no address", ports_of(row), who));
        };
        if (party.addresses.empty() && !party.any) {
            has_none(party.text);
        }
        Addresses all;
        for (const std::string& text : party.addresses) {
            const Addresses found = normal_address(text).empty() ? resolve_(text) : Addresses{text};
            if (found.empty()) {
                has_none(text);
            }
            for (const std::string& address : found) {
                add_once(all, address);
            }
        }
        return all;
    }

    void lacks(const std::string& what) {
        add_once(missing_, what);
        comment(formatted("no rule for {}", what));
    }

    void comment(const std::string& text) { line("# " + escaped(text)); }

    void line(const std::string& text) { text_.append(format_.indent).append(text).append("\n"); }

    const RulesetFormat& format_;
    const Addresses& internal_;
    const Resolve& resolve_;
    std::string text_;
    std::set<std::string> rules_;
    std::vector<std::string> missing_;
};

} // namespace

Ruleset ruleset(std::string_view format, const std::vector<FirewallRow>& rows,
                const Addresses& internal_networks, const Resolve& resolve,
                const std::vector<std::string>& notes) {
    const auto* found =
        std::ranges::find_if(formats, [format](const auto& each) { return each.name == format; });
    return RulesetWriter(*found, internal_networks, resolve).write(rows, notes);
}

} // namespace lync::lyncctl
