// `edge [SITE] { ... }`: the Edge Servers' addresses, read and checked.

#include "config/edge.h"

#include "base/ascii.h"
#include "base/names.h"
#include "config/declare.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace lync::config {

namespace {

/// In the order of the enumeration.
constexpr std::string_view topologies[] = {"consolidated", "single_site", "scaled_single_site",
                                           "multiple_site_remote", "scaled_remote_site"};

constexpr std::array<std::string_view, edge_roles> directives{"access_edge",
                                                              "web_conferencing_edge", "av_edge"};

using Bytes = std::array<unsigned char, 16>;

/// The bytes of an address: 4, 16, or 0 if it isn't one.
std::size_t parse_bytes(const std::string& text, Bytes& bytes) noexcept {
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1    ? 4
           : inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 ? 16
                                                                  : 0;
}

std::string read_address(std::string_view text, const Directive& directive) {
    std::string address = normal_address(text);
    if (address.empty()) {
        invalid_value(text, directive, "firewalls know addresses, write an IPv4 or IPv6 address");
    }
    return address;
}

/// `external=ADDRESS internal=ADDRESS [port=N]`, from the given argument on.
Interfaces read_interfaces(const Directive& directive, std::size_t first, bool has_port) {
    Interfaces interfaces;
    interfaces.place = directive.place;
    const auto address = [&](std::string& into) {
        return [&](const Parameter& parameter) { into = read_address(parameter.value, directive); };
    };
    std::vector<ParameterRule> rules{{"external", address(interfaces.external)},
                                     {"internal", address(interfaces.internal)},
                                     {"port", &interfaces.port}};
    if (!has_port) {
        rules.pop_back();
    }
    read_parameters(directive, first, rules);
    if (!interfaces.external.empty() && interfaces.external == interfaces.internal) {
        invalid_value(interfaces.external, directive,
                      "the external and the internal interface have addresses of their own");
    }
    return interfaces;
}

class EdgeReader {
public:
    EdgeReader(const Directive& block, Product product, std::vector<Diagnostic>& remarks)
        : block_(block), product_(product), remarks_(remarks) {}

    Edge read() {
        edge_.place = block_.place;
        read_site();
        if (const Directive* directive = find(block_, "topology")) {
            read_topology(*directive);
        }
        for (const auto& child : block_.children) {
            read_child(*child);
        }
        for (std::size_t role = 0; role < edge_roles; role++) {
            check_count(static_cast<EdgeRole>(role));
        }
        check_ports();
        check_public_address();
        return std::move(edge_);
    }

private:
    void read_site() {
        if (block_.arguments.empty()) {
            return;
        }
        edge_.site = block_.arguments.front();
        const bool plain = std::ranges::all_of(
            edge_.site, [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_'; });
        if (!plain || edge_.site.empty() || edge_.site.size() > 64) {
            invalid_value(
                edge_.site, block_,
                "the name of a site is made of up to 64 letters, digits, \"_\" and \"-\"");
        }
    }

    void read_topology(const Directive& directive) {
        const std::string_view word = directive.arguments.front();
        const auto* found = std::ranges::find(topologies, word);
        if (found == std::end(topologies)) {
            invalid_value(word, directive);
        }
        if (!is_ocs(product_)) {
            warn(remarks_, directive.place,
                 "\"topology\" does nothing in {}: since Lync Server 2010 an Edge Server has all "
                 "three services",
                 block_.title());
            return;
        }
        edge_.topology = static_cast<EdgeTopology>(found - topologies);
    }

    void read_child(const Directive& child) {
        if (child.name == "reverse_proxy") {
            edge_.reverse_proxy = read_interfaces(child, 0, false);
        } else if (child.name == "next_hop") {
            for (const std::string& text : child.arguments) {
                edge_.next_hops.push_back(read_address(text, child));
            }
        } else if (child.name == "internal_network") {
            for (const std::string& text : child.arguments) {
                edge_.internal_networks.push_back(read_network(text, child));
            }
        } else if (const auto role = std::ranges::find(directives, child.name);
                   role != directives.end()) {
            read_server(child, static_cast<EdgeRole>(role - directives.begin()));
        }
    }

    void read_server(const Directive& child, EdgeRole role) {
        if (!edge_.topology && is_ocs(product_)) {
            throw mistake(child.place,
                          "no \"topology\" in {}, and {} needs one: write \"topology "
                          "consolidated\" or what it is",
                          block_.title(), lync::quoted(child.name));
        }
        if (role == EdgeRole::access_edge && edge_.topology && is_remote_site(*edge_.topology)) {
            throw mistake(child.place,
                          "{} directive is not allowed in {}: users of a remote site use the "
                          "Access Edge Server of the central site",
                          lync::quoted(child.name), block_.title());
        }

        EdgeServers& servers = edge_.roles[static_cast<std::size_t>(role)];
        const bool vip = child.arguments.front() == "vip";
        if (vip && edge_.topology && !is_scaled(*edge_.topology)) {
            invalid_value("vip", child,
                          formatted("topology {} has no load balancers",
                                    edge_topology_name(*edge_.topology)));
        }
        if (vip && servers.vip) {
            throw mistake(child.place, "\"{} vip\" is duplicate in {}, the first stands at {}",
                          child.name, block_.title(), at(servers.vip->place));
        }
        Interfaces interfaces = read_interfaces(child, vip ? 1 : 0, true);
        if (is_ocs(product_) && interfaces.port != edge_client_port) {
            invalid_parameter(formatted("port={}", interfaces.port), child,
                              formatted("product {} has port {} alone", product_name(product_),
                                        edge_client_port));
        }
        if (interfaces.external.empty() && interfaces.internal.empty()) {
            throw mistake(child.place,
                          "no address in {}: write external=ADDRESS, internal=ADDRESS or both",
                          title(child));
        }
        if (vip) {
            servers.vip = std::move(interfaces);
        } else {
            servers.servers.push_back(std::move(interfaces));
        }
    }

    /// Several servers of a role are for arrays, and for the remote site's Web Conferencing Edge
    /// Servers, each reached by itself. Addresses are unique within a role.
    void check_count(EdgeRole role) const {
        const EdgeServers& servers = edge_.of(role);
        const std::string_view name = directives[static_cast<std::size_t>(role)];
        const bool several =
            !edge_.topology ||
            (is_scaled(*edge_.topology) || (role == EdgeRole::web_conferencing_edge &&
                                            *edge_.topology == EdgeTopology::multiple_site_remote));
        if (servers.servers.size() > 1 && !several) {
            throw mistake(
                servers.servers[1].place,
                "{} directive is duplicate in {}, the first stands at {}: topology {} has one {}",
                lync::quoted(name), block_.title(), at(servers.servers.front().place),
                edge_topology_name(*edge_.topology), edge_role_name(role));
        }
        std::set<std::string> seen;
        const Interfaces& proxy = edge_.reverse_proxy;
        for (const Interfaces& own : servers.all()) {
            for (const std::string& address : {own.external, own.internal}) {
                if (!address.empty() && !seen.insert(address).second) {
                    throw mistake(own.place,
                                  "address {} is duplicate among the {} directives of {}",
                                  lync::quoted(address), lync::quoted(name), block_.title());
                }
                // Firewall rules for the one would open the other.
                if (!address.empty() && (address == proxy.external || address == proxy.internal)) {
                    throw mistake(
                        own.place, "address {} in {} directive of {} is the reverse proxy's, at {}",
                        lync::quoted(address), lync::quoted(name), block_.title(), at(proxy.place));
                }
            }
        }
    }

    /// [Skype for Business Server, "Edge Server environmental requirements", IP Address
    /// requirements]: an address for each service, or one with each service on another port. The
    /// guide of Office Communications Server has the former alone, and no `port`.
    void check_ports() const {
        if (is_ocs(product_)) {
            return;
        }
        std::map<std::pair<std::string, std::uint16_t>, std::pair<std::string_view, Place>> taken;
        for (std::size_t role = 0; role < edge_roles; role++) {
            const std::string_view name = directives[role];
            const bool is_access = role == static_cast<std::size_t>(EdgeRole::access_edge);
            for (const Interfaces& own : edge_.roles[role].all()) {
                for (const auto port : {own.port, is_access ? federation_port : own.port}) {
                    const auto [found, is_new] =
                        taken.try_emplace({own.external, port}, name, own.place);
                    const auto& [other, place] = found->second;
                    if (is_new || other == name || own.external.empty()) {
                        continue;
                    }
                    throw mistake(own.place,
                                  "port {} of {} in {} directive of {} is taken by {} at {}{}: "
                                  "write another port=N or another address for one of them",
                                  port, lync::quoted(own.external), lync::quoted(name),
                                  block_.title(), lync::quoted(other), at(place),
                                  port == federation_port ? ", for federation" : "");
                }
            }
        }
    }

    /// [Office Communications Server 2007, "Step 2.3. Configure Firewalls"]: no NAT. [Skype for
    /// Business Server, "Edge Server environmental requirements"]: since Lync 2013 with DNS load
    /// balancing, not with a hardware load balancer.
    void check_public_address() {
        const EdgeServers& servers = edge_.of(EdgeRole::av_edge);
        if (product_ >= Product::lync_2013 && !servers.vip) {
            return;
        }
        for (const Interfaces& server : servers.servers) {
            if (is_private(server.external)) {
                remark(remarks_, Severity::notice, server.place,
                       "external address {} of the A/V Edge Server in {} is private: it must be "
                       "publicly routable, without NAT{}",
                       lync::quoted(server.external), block_.title(),
                       product_ >= Product::lync_2013 ? " behind a hardware load balancer" : "");
            }
        }
    }

    const Directive& block_;
    Product product_;
    std::vector<Diagnostic>& remarks_;
    Edge edge_;
};

} // namespace

std::string read_network(const std::string& text, const Directive& directive, bool or_address) {
    const std::size_t slash = text.find('/');
    Bytes bytes{};
    const std::string address = normal_address(std::string_view(text).substr(0, slash));
    const std::size_t size = parse_bytes(address, bytes);
    const auto all_bits = static_cast<unsigned>(size * 8);
    const auto bits = slash != std::string::npos
                          ? parse_number(std::string_view(text).substr(slash + 1), 0, all_bits)
                      : or_address ? std::optional(all_bits)
                                   : std::nullopt;
    const bool mapped = size == 4 && text.find(':') != std::string::npos;
    if (size == 0 || !bits || (mapped && slash != std::string::npos)) {
        invalid_value(
            text, directive,
            formatted("a network is written ADDRESS/BITS, such as 10.0.0.0/8{}",
                      or_address ? ", an account ken@contoso.com or CONTOSO\\\\ken" : ""));
    }
    for (unsigned bit = *bits; bit < size * 8; bit++) {
        if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            invalid_value(text, directive, formatted("it has bits beyond the network's {}", *bits));
        }
    }
    return formatted("{}/{}", address, *bits);
}

std::string_view edge_topology_name(EdgeTopology topology) noexcept {
    return topologies[static_cast<std::size_t>(topology)];
}

std::string_view edge_role_name(EdgeRole role) noexcept {
    constexpr std::array<std::string_view, edge_roles> names{
        "Access Edge Server", "Web Conferencing Edge Server", "A/V Edge Server"};
    return names[static_cast<std::size_t>(role)];
}

std::string_view edge_role_directive(EdgeRole role) noexcept {
    return directives[static_cast<std::size_t>(role)];
}

bool is_private(const std::string& address) noexcept {
    struct Network {
        std::size_t size;
        unsigned bits;
        Bytes first;
    };
    static constexpr Network networks[] = {
        {4, 8, {10}},
        {4, 12, {172, 16}},
        {4, 16, {192, 168}},
        {4, 10, {100, 64}},
        {4, 16, {169, 254}},
        {4, 8, {127}},
        {16, 7, {0xfc}},
        {16, 10, {0xfe, 0x80}},
        {16, 128, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    Bytes bytes{};
    const std::size_t size = parse_bytes(address, bytes);
    return std::ranges::any_of(networks, [&](const Network& network) {
        unsigned same = 0;
        while (same < network.bits &&
               ((network.first[same / 8] ^ bytes[same / 8]) >> (7 - same % 8) & 1) == 0) {
            same++;
        }
        return size == network.size && same == network.bits;
    });
}

Edge read_edge(const Directive& edge_block, Product product, std::vector<Diagnostic>& remarks) {
    return EdgeReader(edge_block, product, remarks).read();
}

} // namespace lync::config
