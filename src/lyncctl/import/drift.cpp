// `drift`: compares a topology with the publications of nginx.conf. Both are turned into facts;
// each fact that only one of them has is a row.

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/draft.h"
#include "lyncctl/output.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

using Texts = std::set<std::string>;

/// A server, known by name, by address, or both.
struct Machine {
    std::string shown;
    Texts names;     ///< none: known by its address alone
    Texts addresses; ///< those that are written, else what the names resolve to
};

struct Site {
    std::map<std::string, std::string> values; ///< "kind": "pool"
    std::vector<Machine> machines;
};

struct Facts {
    Texts products;
    Texts domains;
    std::map<std::string, Site> sites; ///< by the pool's FQDN; all Office Web Apps are one
    Texts urls;                        ///< "meet https://meet.contoso.com"
    Texts ports;                       ///< published ports: "https 443"
    Texts edges;                       ///< "access_edge external 203.0.113.11 port 443"
};

void add_machine(const std::string& address, const std::string& name, Site& site) {
    Machine& machine = site.machines.emplace_back();
    machine.shown = name == address ? name : formatted("{} {}", name, address);
    if (name != address) {
        machine.names.insert(to_ascii_lower(name));
    }
    if (const std::string plain = normal_address(address); !plain.empty()) {
        machine.addresses = {plain};
    } else {
        machine.names.insert(to_ascii_lower(address));
        const std::vector<std::string> resolved = addresses_of(address);
        machine.addresses = {resolved.begin(), resolved.end()};
    }
}

Site& add_site(std::string_view kind, const std::string& fqdn, const std::string& external,
               Ports ports, Facts& facts) {
    const bool office = kind == "office_web_apps"; // its published name isn't in a topology
    Site& site = facts.sites[office ? std::string(kind) : fqdn];
    site.values["listening port for https"] = std::to_string(ports.https);
    if (!office) {
        site.values["listening port for http"] = std::to_string(ports.http);
        site.values["kind"] = kind;
        site.values["external web services"] = external;
    }
    return site;
}

void add_edges(const std::vector<config::Edge>& edges, Facts& facts) {
    for (const config::Edge& edge : edges) {
        for (std::size_t role = 0; role < config::edge_roles; role++) {
            const std::string_view word =
                config::edge_role_directive(static_cast<config::EdgeRole>(role));
            for (const config::Interfaces& server : edge.roles[role].servers) {
                if (!server.external.empty()) {
                    facts.edges.insert(
                        formatted("{} external {} port {}", word, server.external, server.port));
                }
                if (!server.internal.empty()) {
                    facts.edges.insert(formatted("{} internal {}", word, server.internal));
                }
            }
        }
    }
}

Facts facts_of(const Draft& draft) {
    Facts facts;
    facts.products.emplace(product_name(draft.product.value_or(Product::sfb_se)));
    for (const Farm& farm : draft.farms) {
        Site& site =
            add_site(word_of(farm.role), farm.fqdn, farm.external, draft.ports_of(farm), facts);
        for (const Server& server : farm.servers) {
            const std::size_t equals = server.parameters.find('=');
            add_machine(server.address,
                        equals == std::string::npos ? server.address
                                                    : server.parameters.substr(equals + 1),
                        site);
        }
    }
    for (const Name& name : draft.names) {
        if (name.role == Role::lyncdiscover) {
            facts.domains.insert(name.host.substr(name.host.find('.') + 1));
        } else {
            facts.urls.insert(
                formatted("{} https://{}{}", word_of(name.role), name.host, name.path));
        }
    }
    for (const auto& [address, socket] : draft.sockets) {
        facts.ports.insert((socket.tls ? "https " : "http ") + address);
    }
    add_edges(draft.edges, facts);
    return facts;
}

void add_publication(const config::Publication& publication, Facts& facts) {
    // Subscription Edition has the version of 2019.
    const bool se = publication.product == Product::sfb_se;
    facts.products.emplace(product_name(se ? Product::sfb_2019 : publication.product));
    facts.domains.insert(publication.sip_domains.begin(), publication.sip_domains.end());
    for (const config::Farm& farm : publication.farms) {
        if (farm.role == config::Role::exchange) {
            continue;
        }
        Site& site = add_site(config::role_name(farm.role), farm.name, farm.published.front(),
                              farm.ports, facts);
        for (const std::string& computer : farm.computers) {
            add_machine(computer, computer, site);
        }
        for (const config::Server& server : farm.servers) {
            if (farm.computers.empty()) {
                add_machine(server.address, server.name, site);
            }
        }
    }
    for (const config::SimpleUrl& url : publication.simple_urls) {
        facts.urls.insert(formatted("{} https://{}{}", config::simple_url_kind_name(url.kind),
                                    url.host, url.path));
    }
    for (const auto& [scheme, sockets] : {std::pair("https ", &publication.https_sockets),
                                          std::pair("http ", &publication.http_sockets)}) {
        for (const config::Socket& socket : *sockets) {
            facts.ports.insert(scheme + std::to_string(split_socket(socket.address).second));
        }
    }
    add_edges(publication.edges, facts);
}

/// "meet https://meet.*/path", the pattern that publishes a URL, too.
std::string pattern_of(const std::string& url) {
    const std::size_t dot = std::min(url.find('.'), url.size());
    return url.substr(0, dot) + ".*" + url.substr(std::min(url.find('/', dot), url.size()));
}

bool overlap(const Texts& some, const Texts& others) {
    return std::ranges::any_of(some,
                               [&](const std::string& each) { return others.contains(each); });
}

/// By addresses if both sides know them. "fe1" on one side is fe1.contoso.local on the other.
bool is_same(const Machine& one, const Machine& other) {
    if (!one.addresses.empty() && !other.addresses.empty()) {
        return overlap(one.addresses, other.addresses);
    }
    return overlap(one.names, other.names) ||
           std::ranges::any_of(one.names, [&](const std::string& name) {
               return other.names.contains(name.substr(0, name.find('.')));
           });
}

class Comparison {
public:
    Comparison(Facts topology, Facts published, Output& output)
        : topology_(std::move(topology)), published_(std::move(published)), output_(output) {}

    Table table() {
        compare("product", topology_.products, published_.products, false);
        if (!published_.domains.contains("*")) {
            compare("SIP domain", topology_.domains, published_.domains, true);
        }
        compare_sites();
        if (!topology_.urls.empty()) { // else they weren't given
            std::erase_if(topology_.urls, [&](const std::string& url) {
                return published_.urls.contains(pattern_of(url));
            });
            std::erase_if(published_.urls,
                          [](const std::string& url) { return url == pattern_of(url); });
            compare("simple URL", topology_.urls, published_.urls, true);
        }
        const auto plain = [](const std::string& port) { return port.starts_with("http "); };
        if (std::ranges::none_of(published_.ports, plain)) {
            std::erase_if(topology_.ports, plain); // "http_listen off", on purpose
        }
        compare("published port", topology_.ports, published_.ports, false);
        if (!published_.edges.empty()) {
            compare("Edge Server", topology_.edges, published_.edges, true);
        }
        return std::move(table_);
    }

private:
    void row(const std::string& what, const std::string& name, const std::string& topology,
             const std::string& configuration) {
        table_.rows.push_back({what, name, topology, configuration});
    }

    void compare(const std::string& what, const Texts& topology, const Texts& published,
                 bool both) {
        for (const std::string& each : topology) {
            if (!published.contains(each)) {
                row(what, each, "there", "");
            }
        }
        for (const std::string& each : published) {
            if (both && !topology.contains(each)) {
                row(what, each, "", "there");
            }
        }
    }

    void compare_sites() {
        for (auto& [fqdn, site] : topology_.sites) {
            const auto other = published_.sites.find(fqdn);
            if (other == published_.sites.end()) {
                row("pool", fqdn, "there", "");
                continue;
            }
            for (const auto& [what, value] : site.values) {
                const std::string& theirs = other->second.values[what];
                if (value != theirs && !value.empty()) { // an external FQDN may not be known
                    row(what, fqdn, value, theirs);
                }
            }
            compare_machines(fqdn, site.machines, other->second.machines);
        }
        for (const auto& [fqdn, site] : published_.sites) {
            if (!topology_.sites.contains(fqdn)) {
                row("pool", fqdn, "", "there");
            }
        }
    }

    /// Removes the servers of both sides; each that is left is a row.
    void compare_machines(const std::string& pool, std::vector<Machine>& ours,
                          std::vector<Machine>& theirs) {
        const bool one_for_all = ours.size() > 1 && theirs.size() == 1;
        std::erase_if(ours, [&](const Machine& one) {
            const auto other = std::ranges::find_if(
                theirs, [&](const Machine& each) { return is_same(one, each); });
            if (other == theirs.end()) {
                return false;
            }
            theirs.erase(other);
            return true;
        });
        if (one_for_all && !theirs.empty()) {
            output_.note(formatted("{}: {} is taken for a load balancer; a pool declares the "
                                   "servers behind it by \"computer\"",
                                   pool, theirs.front().shown));
            return;
        }
        // A topology seldom holds addresses, and a proxy seldom resolves names of the inside.
        const auto unknown =
            std::ranges::find_if(ours, [](const Machine& each) { return each.addresses.empty(); });
        if (unknown != ours.end() && ours.size() == theirs.size() &&
            std::ranges::all_of(theirs, [](const Machine& each) { return each.names.empty(); })) {
            output_.note(formatted("{}: no address is known for {}, so servers were only counted: "
                                   "give addresses by --hosts FILE",
                                   pool, unknown->shown));
            return;
        }
        for (const Machine& machine : ours) {
            row("server", pool, machine.shown, "");
        }
        for (const Machine& machine : theirs) {
            row("server", pool, "", machine.shown);
        }
    }

    Facts topology_;
    Facts published_;
    Output& output_;
    Table table_{{"what", "name=Of", "topology", "configuration"}};
};

} // namespace

int drift(const Options& options, Output& output) {
    const Draft draft = topology_of(options.import);
    const Configuration configuration = load_publications(options, Needs::plan);
    Facts published;
    for (const Published& each : configuration.publications) {
        add_publication(each.plan.publication, published);
    }
    const Table table = Comparison(facts_of(draft), std::move(published), output).table();
    if (!table.rows.empty() || output.format() != "table") {
        output.table(table);
    }
    return table.rows.empty() ? exit_fine : exit_findings;
}

} // namespace lync::lyncctl
