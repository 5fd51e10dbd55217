// A topology as `Get-CsTopology -AsXml` writes it and as Topology Builder saves it: the same
// clusters and services, bound to each other by site and number in the one, by identifiers in the
// other. What it doesn't hold may come beside it, in what Export-Clixml wrote: simple URLs of
// Get-CsSimpleUrlConfiguration, external FQDNs and ports of Get-CsService -WebServer.

#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/import/topology_clusters.h"
#include "lyncctl/import/topology_objects.h"
#include "lyncctl/import/xml_file.h"
#include "policy/redirect.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

constexpr std::string_view namespaces = "urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2008 "
                                        "urn:schema:Microsoft.Rtc.Management.Deploy."
                                        "TopologyBuilder.2008";

/// Services beside those that are read, and which have nothing to publish.
constexpr std::string_view other_roles =
    "ApplicationServer ApplicationStore ArchivingServer ArchivingStore CentralMgmt "
    "CentralMgmtStore ConfServices ExternalServer FileStore LocalMgmtServices ManagementServices "
    "MediationServer MonitoringServer MonitoringStore PersistentChatCompliance "
    "PersistentChatComplianceStore PersistentChatServer PersistentChatStore "
    "PstnGateway Registrar ReportingServer UserServices UserStore VideoGateway VideoInterop";

/// `ServiceVersion`: what Topology Builder calls the version of a pool.
std::optional<Product> product_of_version(int version) {
    constexpr std::array known{Product::lync_2010, Product::lync_2013, Product::sfb_2015,
                               Product::sfb_2019};
    constexpr int first = 5;
    const bool is_known = version >= first && version < first + static_cast<int>(known.size());
    return is_known ? std::optional(known[static_cast<std::size_t>(version - first)])
                    : std::nullopt;
}

/// A word as `edge` takes it for a site.
std::string site_word(std::string_view name) {
    std::string word;
    for (const char c : name.substr(0, 56)) { // of 64: several have numbers
        word += is_ascii_alnum(c) || c == '-' || c == '_' ? c : '_';
    }
    return word;
}

class TopologyReader {
public:
    TopologyReader(const std::vector<TopologyFile>& files, std::string_view hosts)
        : hosts_(read_hosts(hosts)) {
        for (const TopologyFile& file : files) {
            open(file);
        }
        if (topology_ == nullptr) {
            throw Failure("none of the files is a topology: write it with \"(Get-CsTopology "
                          "-AsXml).ToString() | Set-Content topology.xml\"");
        }
        draft_.proxy.listen("443", {true, false});
        draft_.proxy.listen("80", {});
    }

    Draft read() {
        pugi::xml_node root = topology_->root();
        check_kind(root);
        if (const pugi::xml_node changed = root.child("NewTopology")) {
            root = changed;
        }
        clusters_.read(root);
        for (const pugi::xml_node service : clusters_.services()) {
            const std::string role = service_role(service);
            if (role == "WebServices") {
                read_web_services(service);
            } else if (role == "WacService") {
                read_office_web_apps(service);
            } else if (role == "EdgeServer") {
                read_edge(service);
            } else if (!has_word(other_roles, role)) {
                add(lost, service, "services {} aren't known", quoted(role));
            }
        }
        settle_pools(root);
        read_sip_domains(root);
        read_simple_urls(root);
        tell_addresses(root);
        return std::move(draft_);
    }

private:
    template <typename... T>
    void add(RemarkKind kind, pugi::xml_node node, fmt::format_string<T...> format,
             const T&... arguments) {
        draft_.proxy.remarks.push_back(
            {kind, formatted<T...>(format, arguments...), topology_->place(node)});
    }

    // -- files -----------------------------------------------------------------------------------

    /// The cluster that a service runs on; null, with a remark, where there is none, or where it
    /// has such a service already.
    const Cluster* first_on(pugi::xml_node service, const std::string& what) {
        const Cluster* cluster = clusters_.of(service);
        if (cluster == nullptr) {
            add(lost, service, "{} of no computers with an FQDN", what);
        } else if (!served_.insert(what + " " + cluster->fqdn).second) {
            add(lost, service, "{} of {} a second time", what, quoted(cluster->fqdn));
            return nullptr;
        }
        return cluster;
    }

    void open(const TopologyFile& file) {
        constexpr std::string_view roots =
            "Topology TopologyBuilder Objs SimpleUrlConfiguration DocItemSet AnchoredXml";
        const XmlFile& opened =
            files_.emplace_back(text_of_powershell(file.content, file.name), file.name, roots);
        if (const pugi::xml_node type = opened.document_type()) {
            throw mistake(opened.place(type),
                          "the file has a document type, \"<!DOCTYPE\": PowerShell writes none");
        }
        const std::string_view root = opened.root().name();
        if (!root.starts_with("Topology")) {
            read_objects(opened, objects_);
            return;
        }
        if (topology_ != nullptr) {
            throw mistake(opened.place(opened.root()), "the file is a second topology beside {}",
                          quoted(draft_.proxy.file));
        }
        topology_ = &opened;
        draft_.proxy.file = file.name;
        read_objects(opened, objects_);
    }

    void check_kind(pugi::xml_node root) {
        const std::string space = attribute(root, "xmlns");
        if (!has_word(namespaces, space)) {
            add(check, root, "the schema {} isn't known: what is common was read", quoted(space));
        }
        if (std::string_view(root.name()) == "TopologyBuilder") {
            add(check, root, "a file of Topology Builder: it may not be published yet");
        }
    }

    // -- servers ---------------------------------------------------------------------------------

    std::vector<OldServer> servers_of(const Cluster& cluster) {
        constexpr std::size_t longest_name = 63;
        std::vector<OldServer> servers;
        for (const pugi::xml_node machine : cluster.machines) {
            const ParsedName parsed = parse_fqdn(attribute(machine, "Fqdn"));
            const std::string fqdn = parsed ? parsed.name : cluster.fqdn;
            const auto known = hosts_.find(fqdn);
            const std::string text =
                known == hosts_.end() ? address_of(machine, "Primary") : known->second;
            const ParsedName address =
                parse_address(text.find(':') == text.npos ? text : "[" + text + "]");
            if (!address) {
                without_address_ += without_address_.empty() ? quoted(fqdn) : "";
                servers.push_back({fqdn, ""});
            } else {
                servers.push_back(
                    {address.name, fqdn.size() > longest_name ? "" : " name=" + fqdn});
            }
        }
        return servers;
    }

    // -- pools -----------------------------------------------------------------------------------

    struct WebSite {
        std::uint16_t port = 0;      ///< where the pool listens
        std::uint16_t published = 0; ///< where clients come to
    };

    static WebSite external_site(pugi::xml_node service, std::string_view protocol) {
        for (const pugi::xml_node port : service.child("Ports").children("Port")) {
            if (attribute(port, "Usage") == "WebSite" && attribute(port, "Protocol") == protocol &&
                attribute(port, "InterfaceSide") == "External") {
                const std::uint16_t listening = port_of(attribute(port, "Port"));
                const std::uint16_t published = port_of(attribute(port, "ConfiguredPort"));
                return {listening, published == 0 ? listening : published};
            }
        }
        return {};
    }

    void read_web_services(pugi::xml_node service) {
        const Cluster* cluster = first_on(service, "web services");
        if (cluster == nullptr) {
            return;
        }
        const int version = service.attribute("ServiceVersion").as_int();
        const auto product = product_of_version(version);
        if (!product) {
            add(lost, service, "pool {} is of version {}{}", quoted(cluster->fqdn),
                quoted(attribute(service, "ServiceVersion")),
                version < 5 ? ": Office Communications Server needs a publication of its own"
                            : ", which isn't known");
            return;
        }
        if (draft_.product && *draft_.product != *product) {
            add(check, service, "pools of several products: {} is that of {}",
                product_name(*product), quoted(cluster->fqdn));
        }
        draft_.product = std::max(draft_.product.value_or(*product), *product);

        Farm& pool = draft_.farms.emplace_back();
        const bool director = cluster->is_director || !cluster->roles.contains("UserServices");
        pool.role = director ? Role::director : Role::pool;
        pool.fqdn = cluster->fqdn;
        pool.servers = servers_of(*cluster);
        draft_.pools.push_back(&pool);
        Farm*& of_site = pool_of_site_[to_ascii_lower(cluster->site)];
        if (of_site == nullptr || (director && of_site->role == Role::pool)) {
            of_site = &pool;
        }
        read_external(pool, service);

        for (const pugi::xml_node each : service.child("WebService")
                                             .child("ExternalSettings")
                                             .child("OverrideUrls")
                                             .children()) {
            add(lost, each, "pool {}: {}", quoted(pool.fqdn), tag_of(each));
        }
    }

    /// External FQDN and ports, here or in what Get-CsService told.
    void read_external(Farm& pool, pugi::xml_node service) {
        WebSite https = external_site(service, "Https");
        WebSite http = external_site(service, "Http");
        std::string external =
            attribute(service.child("WebService").child("ExternalSettings"), "Host");
        if (const auto told = objects_.web_servers.find(pool.fqdn);
            told != objects_.web_servers.end()) {
            const auto take = [&](auto& ours, const auto& theirs, const std::string& what) {
                if (ours == std::decay_t<decltype(ours)>{}) {
                    ours = theirs;
                } else if (theirs != std::decay_t<decltype(ours)>{} && ours != theirs) {
                    add(check, service,
                        "{} of pool {} isn't that of the web server that was exported: one of the "
                        "files is older",
                        what, quoted(pool.fqdn));
                }
            };
            take(external, told->second.external_fqdn, "the external FQDN");
            take(https.port, told->second.https, "the port");
            take(https.published, told->second.published_https, "the published port");
        }
        const ParsedName parsed = parse_fqdn(external);
        pool.external = parsed.name;
        if (!parsed || parsed.name == pool.fqdn) {
            pool.external = unknown_external;
            add(check, service,
                "the external FQDN of pool {} is {}: the pool needs one that isn't its own",
                quoted(pool.fqdn), quoted(external));
        }
        pool.https = https.port;
        pool.http = http.port;
        publish_at(https.published, 443, true);
        publish_at(http.published, 80, false);
    }

    /// Clients are told the published port, whichever it is.
    void publish_at(std::uint16_t port, std::uint16_t usual, bool tls) {
        if (port != 0 && port != usual) {
            draft_.proxy.listen(std::to_string(port), {tls, false});
        }
    }

    void settle_pools(pugi::xml_node root) {
        auto& pools = draft_.pools;
        if (pools.empty()) {
            throw mistake(topology_->place(root),
                          "the topology has no pool with web services that could be published");
        }
        std::stable_sort(pools.begin(), pools.end(),
                         [](const Farm* a, const Farm* b) { return a->role < b->role; });
        if (pools.front()->role == Role::director) {
            pools.front()->role = Role::pool; // a publication has one
            add(check, root, "only Directors have web services here: a pool's are needed");
        }
        const auto director = std::find_if(pools.begin(), pools.end(), [](const Farm* pool) {
            return pool->role == Role::director;
        });
        draft_.first = director == pools.end() ? pools.front() : *director;
        unsigned unknown = 0;
        for (Farm* pool : pools) {
            if (pool->external == unknown_external && ++unknown > 1) {
                pool->external += "-" + std::to_string(unknown);
            }
        }
        const auto rivals = std::count_if(pools.begin(), pools.end(), [&](const Farm* pool) {
            return pool->role == draft_.first->role;
        });
        if (rivals > 1) {
            add(check, root,
                "lyncdiscover and simple URLs go to {}, the first of several: put another first if "
                "that is the one",
                quoted(draft_.first->fqdn));
        }
        draft_.proxy.product = "Topology Builder";
    }

    // -- names -----------------------------------------------------------------------------------

    void add_name(Role role, std::string host, std::string path, Farm* farm, const Place& place) {
        if (names_.insert(std::string(word_of(role)) + " " + host + path).second) {
            Name& name = draft_.names.emplace_back();
            name.role = role;
            name.host = std::move(host);
            name.path = std::move(path);
            name.farm = farm;
            name.place = place;
        }
    }

    void read_sip_domains(pugi::xml_node root) {
        for (auto node = root; node; node = next_element(node, root)) {
            const std::string_view element = node.name();
            if (element == "InternalDomains" && is_true(node, "AllowAllDomains")) {
                add(check, node, "every domain is allowed: write those of your users");
            }
            if (element != "InternalDomain") {
                continue;
            }
            const ParsedName domain = parse_sip_domain(attribute(node, "Name"));
            if (!domain) {
                add(lost, node, "SIP domain {}: {}", quoted(attribute(node, "Name")), domain.error);
                continue;
            }
            if (is_true(node, "AllowSubDomains")) {
                add(check, node, "subdomains of {} are SIP domains too: write them",
                    quoted(domain.name));
            }
            add_name(Role::lyncdiscover, "lyncdiscover." + domain.name, "", draft_.first,
                     topology_->place(node));
        }
    }

    /// The pool or Director of a site; the first contact for the global scope.
    Farm* pool_of_scope(const std::string& identity) {
        constexpr std::string_view site = "site:";
        const std::string scope = to_ascii_lower(identity);
        const auto found = scope.starts_with(site) ? pool_of_site_.find(scope.substr(site.size()))
                                                   : pool_of_site_.end();
        return found == pool_of_site_.end() ? draft_.first : found->second;
    }

    void read_simple_urls(pugi::xml_node root) {
        constexpr std::array<std::pair<std::string_view, Role>, 4> components{{
            {"meet", Role::meet},
            {"dialin", Role::dialin},
            {"webscheduler", Role::scheduler},
            {"cscp", Role::admin},
        }};
        for (const SimpleUrlObject& object : objects_.simple_urls) {
            const auto known =
                std::find_if(components.begin(), components.end(), [&](const auto& component) {
                    return equal_ignore_case(component.first, object.component);
                });
            const ParsedUrl url = parse_https_url(object.url);
            if (known == components.end() || !url) {
                draft_.proxy.remarks.push_back(
                    {lost,
                     formatted("simple URL {} of component {}{}{}", quoted(object.url),
                               quoted(object.component), url ? "" : ": ", url.error),
                     object.place});
                continue;
            }
            const Role role = known->second;
            add_name(role, url.host, url.path,
                     role == Role::admin ? nullptr : pool_of_scope(object.scope), object.place);
        }
        draft_.knows_simple_urls = !objects_.simple_urls.empty();
        if (!draft_.knows_simple_urls) {
            add(check, root,
                "no simple URLs: add them, or give the file of \"Get-CsSimpleUrlConfiguration | "
                "Export-Clixml -Depth 4 FILE\" beside the topology");
        }
    }

    // -- others ----------------------------------------------------------------------------------

    void read_office_web_apps(pugi::xml_node service) {
        const std::string url = attribute(service.child("WacService"), "DiscoveryUrl");
        const policy::RedirectTo parsed = policy::read_redirect_to(url);
        if (!parsed.error.empty() || is_true(service.child("WacService"), "IsExternal")) {
            add(lost, service, "Office Web Apps at {}: {}", quoted(url),
                parsed.error.empty() ? "they are another network's" : parsed.error);
            return;
        }
        const Cluster* cluster = first_on(service, "Office Web Apps");
        if (cluster == nullptr) {
            return;
        }
        Farm& farm = draft_.farms.emplace_back();
        farm.role = Role::office_web_apps;
        farm.external = parsed.host;
        farm.servers = servers_of(*cluster);
        add(check, service,
            "{} is the host of Office Web Apps' discovery URL: clients outside are told the farm's "
            "-ExternalUrl, which the topology doesn't hold",
            quoted(parsed.host));
    }

    void read_edge(pugi::xml_node service) {
        constexpr std::array<std::pair<std::string_view, config::EdgeRole>, 3> owners{{
            {"urn:component:AccessEdge", config::EdgeRole::access_edge},
            {"urn:component:DataEdge", config::EdgeRole::web_conferencing_edge},
            {"urn:component:MediaRelayEdge", config::EdgeRole::av_edge},
        }};
        const Cluster* cluster = first_on(service, "Edge services");
        if (cluster == nullptr) {
            return;
        }
        config::Edge& edge = draft_.edges.emplace_back();
        const std::string word = site_word(cluster->site);
        edge.site = word;
        for (unsigned& times = edges_[word]; !served_.insert("edge " + edge.site).second;) {
            edge.site = word + "-" + std::to_string(++times + 1);
        }
        for (const pugi::xml_node machine : cluster->machines) {
            for (const pugi::xml_node interface : machine.children("NetInterface")) {
                const std::string own = attribute(interface, "IPAddress");
                if (interface.attribute("ConfiguredIPAddress") && own != "0.0.0.0") {
                    add(check, interface,
                        "NAT: {} outside is the Edge Server's {}, which the rows of firewalls have",
                        quoted(attribute(interface, "ConfiguredIPAddress")), quoted(own));
                }
            }
        }
        for (const auto& [owner, role] : owners) {
            std::string number = "1";
            std::uint16_t outside = config::edge_client_port;
            for (const pugi::xml_node port : service.child("Ports").children("Port")) {
                const std::string usage = attribute(port, "Usage");
                if (attribute(port, "Owner") != owner || attribute(port, "Protocol") == "Udp" ||
                    attribute(port, "InterfaceSide") != "External" ||
                    (usage != "SipClient" && usage != "PsomClient" && usage != "TURNServer")) {
                    continue;
                }
                number = attribute(port, "InterfaceNumber");
                outside = port_of(attribute(port, "Port"));
                if (outside == 0) {
                    add(lost, port,
                        "port {} of the {} outside isn't one, nor its address carried over",
                        quoted(attribute(port, "Port")), config::edge_role_name(role));
                    outside = config::edge_client_port;
                    number.clear();
                }
            }
            for (const pugi::xml_node machine : cluster->machines) {
                config::Interfaces sides{address_of(machine, "External", number),
                                         address_of(machine, "Internal"),
                                         {},
                                         outside};
                const auto valid = [](const std::string& text) {
                    return config::network_holds("0.0.0.0/0", text) ||
                           config::network_holds("::/0", text);
                };
                sides.external = valid(sides.external) ? sides.external : "";
                sides.internal = valid(sides.internal) ? sides.internal : "";
                if (!sides.external.empty() || !sides.internal.empty()) {
                    edge.roles[static_cast<std::size_t>(role)].servers.push_back(std::move(sides));
                }
            }
        }
        if (edge.of(config::EdgeRole::access_edge).servers.empty()) {
            add(check, service,
                "the topology doesn't tell the addresses of the Edge Servers of {}: an \"edge\" "
                "block holds them",
                quoted(cluster->fqdn));
            draft_.edges.pop_back();
        }
    }

    void tell_addresses(pugi::xml_node root) {
        if (!without_address_.empty()) {
            add(check, root,
                "the topology doesn't tell the addresses of {} and maybe others: their names stand "
                "here, for nginx to look up; --hosts FILE, or write addresses",
                without_address_);
        }
    }

    std::unordered_map<std::string, std::string> hosts_;
    std::deque<XmlFile> files_;
    const XmlFile* topology_ = nullptr;
    TopologyObjects objects_;
    Draft draft_;
    Clusters clusters_;
    std::map<std::string, Farm*> pool_of_site_; ///< the Director before a pool, by lower case
    std::set<std::string> served_;              ///< "web services fepool.contoso.local"
    std::map<std::string, unsigned> edges_;     ///< by site
    std::set<std::string> names_;
    std::string without_address_;
};

} // namespace

Draft read_topology(const std::vector<TopologyFile>& files, std::string_view hosts) {
    return TopologyReader(files, hosts).read();
}

} // namespace lync::lyncctl
