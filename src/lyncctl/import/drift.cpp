// `drift`: a topology beside the publications of nginx.conf. Both become facts: what is published,
// and where it leads. What only one of them holds is a row.

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/draft.h"
#include "lyncctl/output.h"
#include "lyncctl/show/addresses.h"

#include <algorithm>
#include <map>
#include <set>

namespace lync::lyncctl {

namespace {

constexpr std::string_view office_web_apps = "office_web_apps";

/// A server as either side knows it: by name, by address, or by both.
struct Machine {
    std::string shown;
    std::set<std::string> names;
    std::set<std::string> addresses; ///< those that are written, else what the names resolve to
    bool found = false;              ///< on the other side
};

/// A pool, a Director, or a farm of Office Web Apps.
struct Site {
    std::string kind;
    std::string external;
    Ports ports;
    std::vector<Machine> machines;
};

struct Facts {
    std::set<std::string> products;
    std::set<std::string> domains;
    std::map<std::string, Site> sites; ///< by the pool's FQDN; of a farm the published name
    std::set<std::string> urls;        ///< "meet https://meet.contoso.com"
    std::set<std::string> ports;       ///< published ports: "https 443"
    std::set<std::string> edges;       ///< "access_edge external 203.0.113.11 port 443"
};

bool is_address(const std::string& text) {
    return config::network_holds("0.0.0.0/0", text) || config::network_holds("::/0", text);
}

Machine machine_of(const std::string& address, const std::string& name) {
    Machine machine;
    machine.shown = name;
    const std::string plain =
        address.starts_with('[') ? address.substr(1, address.size() - 2) : address;
    if (is_address(plain)) {
        machine.addresses = {plain};
    } else {
        machine.names = {to_ascii_lower(plain)};
        for (const std::string& each : addresses_of(plain)) {
            machine.addresses.insert(each);
        }
    }
    if (name != address) {
        machine.names.insert(to_ascii_lower(name));
    }
    return machine;
}

void add_edge(const config::Edge& edge, Facts& facts) {
    for (const auto role : {config::EdgeRole::access_edge, config::EdgeRole::web_conferencing_edge,
                            config::EdgeRole::av_edge}) {
        const std::string word(config::edge_role_directive(role));
        for (const config::Interfaces& server : edge.of(role).servers) {
            if (!server.external.empty()) {
                facts.edges.insert(
                    formatted("{} external {} port {}", word, server.external, server.port));
            }
            if (!server.internal.empty()) {
                facts.edges.insert(word + " internal " + server.internal);
            }
        }
    }
}

Facts facts_of(const Draft& draft) {
    Facts facts;
    facts.products.insert(std::string(product_name(draft.product.value_or(Product::sfb_se))));
    for (const Farm& farm : draft.farms) {
        const bool office = farm.role == Role::office_web_apps;
        Site site{std::string(word_of(farm.role)), farm.external, draft.usual_ports(), {}};
        site.ports.https = farm.https != 0 ? farm.https : office ? 443 : site.ports.https;
        site.ports.http = office ? 80 : farm.http != 0 ? farm.http : site.ports.http;
        for (const OldServer& server : farm.servers) {
            const std::size_t equals = server.parameters.find('=');
            site.machines.push_back(
                machine_of(server.address, equals == std::string::npos
                                               ? server.address
                                               : server.parameters.substr(equals + 1)));
        }
        facts.sites.emplace(office ? farm.external : farm.fqdn, std::move(site));
    }
    for (const Name& name : draft.names) {
        if (name.role == Role::lyncdiscover) {
            facts.domains.insert(name.host.substr(name.host.find('.') + 1));
        } else {
            facts.urls.insert(std::string(word_of(name.role)) + " https://" + name.host +
                              name.path);
        }
    }
    for (const auto& [address, socket] : draft.proxy.sockets) {
        facts.ports.insert((socket.tls ? "https " : "http ") + address);
    }
    for (const config::Edge& edge : draft.edges) {
        add_edge(edge, facts);
    }
    return facts;
}

void add_publication(const config::Publication& publication, Facts& facts) {
    // Subscription Edition has the version of 2019.
    const bool se = publication.product == Product::sfb_se;
    facts.products.insert(std::string(product_name(se ? Product::sfb_2019 : publication.product)));
    facts.domains.insert(publication.sip_domains.begin(), publication.sip_domains.end());
    for (const config::Farm& farm : publication.farms) {
        if (farm.role == config::Role::exchange) {
            continue;
        }
        Site site{
            std::string(config::role_name(farm.role)), farm.published.front(), farm.ports, {}};
        if (farm.computers.empty()) {
            for (const config::Server& server : farm.servers) {
                site.machines.push_back(machine_of(server.address, server.name));
            }
        }
        for (const std::string& computer : farm.computers) {
            site.machines.push_back(machine_of(computer, computer));
        }
        facts.sites.emplace(farm.name, std::move(site));
    }
    for (const config::SimpleUrl& url : publication.simple_urls) {
        facts.urls.insert(std::string(config::simple_url_kind_name(url.kind)) + " https://" +
                          url.host + url.path);
    }
    for (const auto& [scheme, sockets] : {std::pair("https ", &publication.https_sockets),
                                          std::pair("http ", &publication.http_sockets)}) {
        for (const config::Socket& socket : *sockets) {
            facts.ports.insert(scheme + socket.address.substr(socket.address.rfind(':') + 1));
        }
    }
    for (const config::Edge& edge : publication.edges) {
        add_edge(edge, facts);
    }
}

class Comparison {
public:
    Comparison(Facts topology, Facts published, Output& output)
        : topology_(std::move(topology)), published_(std::move(published)), output_(output) {}

    Table table(bool urls) {
        table_.columns = {{"what", "what"},
                          {"name", "of"},
                          {"topology", "topology"},
                          {"configuration", "configuration"}};
        sets("product", topology_.products, published_.products, false);
        if (!published_.domains.contains("*")) {
            sets("SIP domain", topology_.domains, published_.domains, true);
        }
        sites();
        if (urls) {
            match_patterns();
            sets("simple URL", topology_.urls, published_.urls, true);
        }
        const auto plain = [](const std::string& port) { return port.starts_with("http "); };
        if (std::none_of(published_.ports.begin(), published_.ports.end(), plain)) {
            std::erase_if(topology_.ports, plain); // "http_listen off", on purpose
        }
        sets("published port", topology_.ports, published_.ports, false);
        if (!published_.edges.empty()) {
            sets("Edge Server", topology_.edges, published_.edges, true);
        }
        return std::move(table_);
    }

private:
    void row(const std::string& what, const std::string& name, const std::string& topology,
             const std::string& configuration) {
        table_.rows.push_back({what, name, topology, configuration});
    }

    void sets(const std::string& what, const std::set<std::string>& topology,
              const std::set<std::string>& published, bool both) {
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

    /// "https://meet.*" publishes what the topology says of that label.
    void match_patterns() {
        for (auto pattern = published_.urls.begin(); pattern != published_.urls.end();) {
            const std::size_t star = pattern->find(".*");
            if (star == pattern->npos) {
                ++pattern;
                continue;
            }
            const std::string start = pattern->substr(0, star + 1);
            const std::string path = pattern->substr(star + 2);
            std::erase_if(topology_.urls, [&](const std::string& url) {
                const std::size_t slash = url.find('/', start.size());
                return url.starts_with(start) &&
                       (slash == url.npos ? path.empty() : url.substr(slash) == path);
            });
            pattern = published_.urls.erase(pattern);
        }
    }

    /// The same by its FQDN; else, renamed, by its external one. Office Web Apps' external URL
    /// isn't in a topology: they are any that are published.
    const std::string* published_name(const std::string& fqdn, const Site& site,
                                      const std::set<std::string>& seen) const {
        if (const auto same = published_.sites.find(fqdn); same != published_.sites.end()) {
            return &same->first;
        }
        for (const auto& [name, other] : published_.sites) {
            if ((other.external == site.external ||
                 (site.kind == office_web_apps && other.kind == site.kind)) &&
                !topology_.sites.contains(name) && !seen.contains(name)) {
                return &name;
            }
        }
        return nullptr;
    }

    void sites() {
        std::set<std::string> seen;
        for (auto& [fqdn, site] : topology_.sites) {
            const std::string* name = published_name(fqdn, site, seen);
            if (name == nullptr) {
                row(site.kind, fqdn, "there", "");
                continue;
            }
            seen.insert(*name);
            Site& other = published_.sites.at(*name);
            const auto compare = [&](const std::string& what, const std::string& ours,
                                     const std::string& theirs) {
                if (ours != theirs) {
                    row(what, *name, ours, theirs);
                }
            };
            const bool office = site.kind == office_web_apps;
            if (!office) {
                compare("FQDN", fqdn, *name);
            }
            compare("kind", site.kind, other.kind);
            if (!office && !site.external.starts_with(unknown_external)) {
                compare("external web services", site.external, other.external);
            }
            compare("listening port for https", std::to_string(site.ports.https),
                    std::to_string(other.ports.https));
            if (!office) {
                compare("listening port for http", std::to_string(site.ports.http),
                        std::to_string(other.ports.http));
            }
            machines(*name, site.machines, other.machines);
        }
        for (const auto& [name, site] : published_.sites) {
            if (!seen.contains(name)) {
                row(site.kind, name, "", "there");
            }
        }
    }

    void machines(const std::string& pool, std::vector<Machine>& ours,
                  std::vector<Machine>& theirs) {
        for (Machine& one : ours) {
            for (Machine& other : theirs) {
                if (other.found || !same(one, other)) {
                    continue;
                }
                one.found = other.found = true;
                if (!one.addresses.empty() && !other.addresses.empty() &&
                    !overlap(one.addresses, other.addresses)) {
                    row("address of " + one.shown, pool, *one.addresses.begin(),
                        *other.addresses.begin());
                }
                break;
            }
        }
        const auto missing = [](const std::vector<Machine>& all) {
            return std::count_if(all.begin(), all.end(), [](const Machine& m) { return !m.found; });
        };
        const auto unknown = [](const Machine& m) { return !m.found && m.addresses.empty(); };
        if (ours.size() > 1 && theirs.size() == 1 && missing(theirs) == 1) {
            output_.note(pool + ": " + theirs.front().shown +
                         " is taken for a load balancer; a pool declares the servers behind it by "
                         "\"computer\"");
            return;
        }
        if (missing(ours) == missing(theirs) && std::any_of(ours.begin(), ours.end(), unknown)) {
            output_.note(pool + ": no address is known for " +
                         std::find_if(ours.begin(), ours.end(), unknown)->shown +
                         ", so servers were only counted: --hosts FILE tells addresses");
            return;
        }
        for (const Machine& machine : ours) {
            if (!machine.found) {
                row("server", pool, machine.shown, "");
            }
        }
        for (const Machine& machine : theirs) {
            if (!machine.found) {
                row("server", pool, "", machine.shown);
            }
        }
    }

    static bool overlap(const std::set<std::string>& some, const std::set<std::string>& others) {
        return std::any_of(some.begin(), some.end(),
                           [&](const std::string& each) { return others.contains(each); });
    }

    /// "fe1" on one side is fe1.contoso.local on the other.
    static bool same(const Machine& one, const Machine& other) {
        return overlap(one.names, other.names) || overlap(one.addresses, other.addresses) ||
               std::any_of(one.names.begin(), one.names.end(), [&](const std::string& name) {
                   return other.names.contains(name.substr(0, name.find('.')));
               });
    }

    Facts topology_;
    Facts published_;
    Output& output_;
    Table table_;
};

} // namespace

int drift(const Options& options, Output& output) {
    const Draft draft = read_topology(options.import);
    const Configuration configuration = load_publications(options, Needs::plan);
    Facts published;
    for (const Published& each : configuration.publications) {
        add_publication(each.plan.publication, published);
    }
    const Table table =
        Comparison(facts_of(draft), std::move(published), output).table(draft.knows_simple_urls);
    if (!table.rows.empty() || output.format() != Format::table) {
        output.table(table);
    }
    return table.rows.empty() ? exit_fine : exit_findings;
}

} // namespace lync::lyncctl
