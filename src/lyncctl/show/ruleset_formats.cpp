// nft: a table for a Linux machine that forwards between the networks [nft(8)]. pf: rules for an
// anchor [pf.conf(5), GRAMMAR]. windows: rules for the Windows servers themselves
// [New-NetFirewallRule].

#include "lyncctl/show/ruleset_formats.h"

#include "base/format.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl {

namespace {

std::string joined(const Addresses& addresses, std::string_view before, std::string_view after) {
    std::string text;
    for (const std::string& address : addresses) {
        text.append(text.empty() ? "" : ", ").append(before).append(address).append(after);
    }
    return text;
}

std::string port_range(const Flow& flow, char between) {
    return std::to_string(flow.first_port) +
           (flow.last_port == flow.first_port ? "" : between + std::to_string(flow.last_port));
}

// -- nft -----------------------------------------------------------------------------------------

std::string nft_head(const Addresses& /*internal_networks*/) {
    return "# The rows of \"lyncctl show firewall\", for the machine that forwards between\n"
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
}

std::string nft_rule(const Rule& rule) {
    const auto end = [&](const RuleEnd& each, std::string_view word) {
        return each.addresses.empty()
                   ? std::string{}
                   : (rule.ipv6 ? "ip6 " : "ip ") + std::string(word) + (each.except ? "!= " : "") +
                         one_of(each.addresses) + " ";
    };
    return end(rule.from, "saddr ") + end(rule.to, "daddr ") + ports_of(rule.flow) + " accept";
}

// -- pf ------------------------------------------------------------------------------------------

std::string pf_head(const Addresses& internal_networks) {
    std::string text =
        "# The rows of \"lyncctl show firewall\" for pf, as an anchor: pfctl -a lync_firewall -f "
        "-\n"
        "# It lets pass; blocking everything else is for the ruleset around it, as pfSense does.\n"
        "\n";
    if (!internal_networks.empty()) {
        text += "table <lync_inside> const { " + joined(internal_networks, "", "") + " }\n";
    }
    return text;
}

std::string pf_rule(const Rule& rule) {
    const auto end = [](const RuleEnd& each) {
        return each.except              ? std::string("! <lync_inside>")
               : each.addresses.empty() ? std::string("any")
                                        : one_of(each.addresses);
    };
    const Flow& flow = rule.flow;
    const std::string port = " port " + port_range(flow, ':');
    return formatted("pass quick {} proto {} from {}{} to {}{}{} keep state",
                     rule.ipv6 ? "inet6" : "inet", flow.tcp ? "tcp" : "udp", end(rule.from),
                     flow.source_port ? port : "", end(rule.to), flow.source_port ? "" : port,
                     flow.tcp ? " flags S/SA" : "");
}

// -- Windows -------------------------------------------------------------------------------------

std::string windows_head(const Addresses& /*internal_networks*/) {
    return "# The rows of \"lyncctl show firewall\" for Windows' own firewall, in PowerShell as "
           "an\n"
           "# administrator. Each rule names the server's address: all servers may have all "
           "rules.\n"
           "# \"Internet\" is what Windows doesn't take for the organisation's own networks.\n"
           "\n"
           "Remove-NetFirewallRule -Group 'lync_firewall' -ErrorAction SilentlyContinue\n";
}

/// At the server that is connected to; where that may be anybody, at the one that connects.
std::string windows_rule(const Rule& rule) {
    const Flow& flow = rule.flow;
    const bool outbound = rule.to.addresses.empty() || rule.to.except;
    const auto address = [](const char* option, const RuleEnd& end) {
        return end.except              ? option + std::string("'Internet'")
               : end.addresses.empty() ? std::string{}
                                       : option + joined(end.addresses, "'", "'");
    };
    const std::string ports = port_range(flow, '-');
    const bool local = outbound == flow.source_port;
    const std::string_view protocol = flow.tcp ? "TCP" : "UDP";
    return formatted("New-NetFirewallRule -Group 'lync_firewall' -DisplayName 'Lync {0} {1} {2}' "
                     "-Direction {3} -Action Allow -Protocol {0}{4}{5} {6} {1}",
                     protocol, ports, outbound ? "out" : "in", outbound ? "Outbound" : "Inbound",
                     address(" -LocalAddress ", outbound ? rule.from : rule.to),
                     address(" -RemoteAddress ", outbound ? rule.to : rule.from),
                     local ? "-LocalPort" : "-RemotePort");
}

constexpr std::array<RulesetFormat, 3> formats{{
    {"nft", "        ", nft_head, nft_rule, "    }\n}\n"},
    {"pf", "", pf_head, pf_rule, ""},
    {"windows", "", windows_head, windows_rule, ""},
}};

} // namespace

const RulesetFormat& ruleset_format(std::string_view name) noexcept {
    const auto found = std::find_if(formats.begin(), formats.end(),
                                    [name](const auto& each) { return each.name == name; });
    return found == formats.end() ? formats.front() : *found;
}

std::string ports_of(const Flow& flow) {
    return formatted("{} {} {}", flow.tcp ? "tcp" : "udp", flow.source_port ? "sport" : "dport",
                     port_range(flow, '-'));
}

std::string one_of(const Addresses& addresses) {
    return addresses.size() == 1 ? addresses.front() : "{ " + joined(addresses, "", "") + " }";
}

} // namespace lync::lyncctl
