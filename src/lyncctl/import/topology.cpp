// A topology as written by `Get-CsTopology -AsXml` or saved by Topology Builder. Both have the same
// clusters and services, linked by site and number in the former, by identifiers in the latter.
// Files of Export-Clixml add what isn't in it: simple URLs of Get-CsSimpleUrlConfiguration,
// external FQDNs and ports of Get-CsService -WebServer.

#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/powershell.h"
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

constexpr std::string_view schemas = "urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2008 "
                                     "urn:schema:Microsoft.Rtc.Management.Deploy."
                                     "TopologyBuilder.2008";

/// Services that have nothing to publish.
constexpr std::string_view other_roles =
    "ApplicationServer ApplicationStore ArchivingServer ArchivingStore CentralMgmt "
    "CentralMgmtStore ConfServices ExternalServer FileStore LocalMgmtServices ManagementServices "
    "MediationServer MonitoringServer MonitoringStore PersistentChatCompliance "
    "PersistentChatComplianceStore PersistentChatServer PersistentChatStore "
    "PstnGateway Registrar ReportingServer UserServices UserStore VideoGateway VideoInterop";

/// `ServiceVersion`: what Topology Builder calls the version of a pool.
std::optional<Product> product_of_version(int version) {
    constexpr int oldest = 5; // one after the other
    constexpr int newest = 8;
    if (version < oldest || version > newest) {
        return std::nullopt;
    }
    return static_cast<Product>(static_cast<int>(Product::lync_2010) + version - oldest);
}

/// The name of a site as an argument of `edge`.
std::string site_word(std::string_view name) {
    std::string word;
    for (const char c : name.substr(0, 56)) { // of 64: several have numbers
        word += is_ascii_alnum(c) || c == '-' || c == '_' ? c : '_';
    }
    return word;
}

bool is_true(pugi::xml_node node, const char* name) {
    return equal_ignore_case(node.attribute(name).value(), "true");
}

/// A pool of computers.
struct Cluster {
    std::string fqdn; ///< in lower case; empty: not valid
    std::string site; ///< its name
    std::vector<pugi::xml_node> machines;
    bool is_director = false;
    bool has_users = false;
};

/// `<ClusterId SiteId="1" Number="2"/>` as a key, or the identifier that Topology Builder uses.
std::string cluster_key(pugi::xml_node node, const char* unique, pugi::xml_node id) {
    const std::string key = attribute(node, unique);
    return key.empty() ? attribute(id, "SiteId") + ":" + attribute(id, "Number") : key;
}

std::string service_role(pugi::xml_node service) {
    const std::string role = attribute(service, "RoleName");
    return role.empty() ? attribute(service.child("ServiceId"), "RoleName") : role;
}

/// The address of a machine on one side; empty if it is 0.0.0.0, which means all of them.
std::string address_of(pugi::xml_node machine, std::string_view side, std::string_view number) {
    for (const pugi::xml_node interface : machine.children("NetInterface")) {
        std::string address = normal_address(attribute(interface, "IPAddress"));
        if (attribute(interface, "InterfaceSide") == side &&
            attribute(interface, "InterfaceNumber") == number && !address.empty() &&
            address != "0.0.0.0" && address != "::") {
            return address;
        }
    }
    return {};
}

/// One URL of Get-CsSimpleUrlConfiguration.
struct SimpleUrl {
    std::string component; ///< "Meet", "Dialin", "Cscp", "WebScheduler"
    std::string url;
    std::string scope; ///< "Global", "Site:Redmond"
    Place place;
};

/// The web services of a pool, from Get-CsService -WebServer. Port 0: not known.
struct WebServer {
    std::string external;
    std::uint16_t https = 0;
    std::uint16_t published_https = 0;
};

class TopologyReader {
public:
    TopologyReader(const std::vector<TopologyFile>& files, Hosts hosts) {
        draft_.hosts = std::move(hosts);
        for (const TopologyFile& file : files) {
            open(file);
        }
        if (topology_ == nullptr) {
            throw Failure("none of the files is a topology: write it with \"(Get-CsTopology "
                          "-AsXml).ToString() | Set-Content topology.xml\"");
        }
        draft_.source = "Topology Builder";
        draft_.sockets = {{"443", {true, false}}, {"80", {}}};
    }

    Draft read() {
        pugi::xml_node root = topology_->root();
        if (const std::string schema = attribute(root, "xmlns"); !has_word(schemas, schema)) {
            add(check, root, "the schema {} isn't known: what is common was read", quoted(schema));
        }
        if (const pugi::xml_node changed = root.child("NewTopology")) {
            add(check, root, "a file of Topology Builder: it may not be published yet");
            root = changed;
        }
        read_clusters(root);
        for (const auto& found : root.select_nodes(".//Service")) {
            const pugi::xml_node service = found.node();
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
        if (!without_address_.empty()) {
            add(check, root,
                "the topology doesn't hold the addresses of {} and maybe others: their names stand "
                "here, for nginx to look up; --hosts FILE, or write addresses",
                without_address_);
        }
        return std::move(draft_);
    }

private:
    template <typename... T>
    void add(RemarkKind kind, pugi::xml_node node, fmt::format_string<T...> format,
             const T&... arguments) {
        draft_.add<T...>(kind, topology_->place(node), format, arguments...);
    }

    void open(const TopologyFile& file) {
        const XmlFile& opened = files_.emplace_back(text_of_powershell(file.content, file.name),
                                                    file.name, "Topology TopologyBuilder Objs");
        const bool found = read_objects(opened);
        if (std::string_view(opened.root().name()) != "Objs") {
            if (topology_ != nullptr) {
                throw mistake(opened.place(opened.root()),
                              "the file is a second topology beside {}", quoted(draft_.file));
            }
            topology_ = &opened;
            draft_.file = file.name;
        } else if (!found) {
            throw mistake(opened.place(opened.root()),
                          "the file holds neither simple URLs nor web servers: write it with "
                          "\"Get-CsSimpleUrlConfiguration | Export-Clixml -Depth 4 FILE\"");
        }
    }

    bool read_objects(const XmlFile& file) {
        bool found = false;
        std::string scope;     // of the object around
        std::string component; // likewise
        const auto take = [&](const std::string& url, pugi::xml_node node) {
            if (!url.empty()) {
                simple_urls_.push_back({component, url, scope, file.place(node)});
                found = true;
            }
        };
        for (const auto& each : file.root().select_nodes("//SimpleUrl")) {
            component = attribute(each.node(), "Component");
            take(attribute(each.node(), "ActiveUrl"), each.node());
            for (const pugi::xml_node entry : each.node().children("SimpleUrlEntry")) {
                take(attribute(entry, "Url"), entry);
            }
        }
        component.clear();
        for (const auto& each : file.root().select_nodes("//Obj")) {
            const pugi::xml_node object = each.node();
            const std::string identity = property(object, "Identity");
            scope = identity.empty() ? scope : identity;
            const std::string own = property(object, "Component");
            component = own.empty() ? component : own;
            take(property(object, own.empty() ? "Url" : "ActiveUrl"), object);
            const std::string external = property(object, "ExternalFqdn");
            if (!external.empty()) {
                found = true;
                web_servers_[to_ascii_lower(property(object, "PoolFqdn"))] = {
                    external, port_of(property(object, "ExternalHttpsPort")),
                    port_of(property(object, "PublishedExternalHttpsPort"))};
            }
        }
        return found;
    }

    void read_clusters(pugi::xml_node root) {
        std::map<std::string, std::string> sites; // names by SiteId
        for (const auto& found : root.select_nodes(".//*[@SiteId][Name]")) {
            sites[attribute(found.node(), "SiteId")] = found.node().child("Name").text().get();
        }
        for (const auto& found : root.select_nodes(".//Cluster")) {
            const pugi::xml_node node = found.node();
            const pugi::xml_node id = node.child("ClusterId");
            Cluster& cluster = clusters_[cluster_key(node, "UniqueId", id)];
            cluster.fqdn = parse_fqdn(attribute(node, "Fqdn")).name;
            cluster.site = sites[attribute(id ? id : node.parent().parent(), "SiteId")];
            cluster.machines.clear();
            for (const auto& machine : node.select_nodes("Machine | Machines/Machine")) {
                cluster.machines.push_back(machine.node());
            }
        }
        for (const auto& found : root.select_nodes(".//Service")) {
            const pugi::xml_node service = found.node();
            if (Cluster* cluster = cluster_of(service)) {
                cluster->has_users = cluster->has_users || service_role(service) == "UserServices";
                cluster->is_director = cluster->is_director ||
                                       is_true(service.child("RegistrarService"), "IsDirector");
            }
        }
    }

    Cluster* cluster_of(pugi::xml_node service) {
        const auto found = clusters_.find(
            cluster_key(service, "InstalledOn", service.child("InstalledOn").child("ClusterId")));
        return found == clusters_.end() ? nullptr : &found->second;
    }

    /// The cluster that a service runs on; null, with a remark, if there is none, or if it has such
    /// a service already.
    const Cluster* first_on(pugi::xml_node service) {
        const Cluster* cluster = cluster_of(service);
        if (cluster == nullptr || cluster->fqdn.empty() ||
            !served_.insert(service_role(service) + " " + cluster->fqdn).second) {
            add(lost, service, "{} of no computers with an FQDN, or a second time",
                quoted(service_role(service)));
            return nullptr;
        }
        return cluster;
    }

    std::vector<Server> servers_of(const Cluster& cluster) {
        constexpr std::size_t longest_name = 63;
        std::vector<Server> servers;
        std::set<std::string> addresses;
        for (const pugi::xml_node machine : cluster.machines) {
            const ParsedName parsed = parse_fqdn(attribute(machine, "Fqdn"));
            const std::string fqdn = parsed ? parsed.name : cluster.fqdn;
            const auto known = draft_.hosts.find(fqdn);
            const std::string address = server_address(
                known == draft_.hosts.end() ? address_of(machine, "Primary", "1") : known->second);
            if (!address.empty() && !addresses.insert(address).second) {
                add(check, machine, "{} has the address of another server, {}", quoted(fqdn),
                    address);
            } else if (address.empty()) {
                without_address_ += without_address_.empty() ? quoted(fqdn) : "";
                servers.push_back({fqdn, ""});
            } else {
                servers.push_back({address, fqdn.size() > longest_name ? "" : " name=" + fqdn});
            }
        }
        return servers;
    }

    void read_web_services(pugi::xml_node service) {
        const Cluster* cluster = first_on(service);
        if (cluster == nullptr) {
            return;
        }
        const auto product = product_of_version(service.attribute("ServiceVersion").as_int());
        if (!product) {
            add(lost, service, "pool {} is of version {}", quoted(cluster->fqdn),
                quoted(attribute(service, "ServiceVersion")));
            return;
        }
        if (draft_.product && *draft_.product != *product) {
            add(check, service,
                "pools of several products, {} is that of {}: the oldest is written here, newer "
                "paths are \"allow_path\", or each product gets a publication",
                product_name(*product), quoted(cluster->fqdn));
        }
        draft_.product = std::min(draft_.product.value_or(*product), *product);

        Farm& pool = draft_.farms.emplace_back();
        const bool director = cluster->is_director || !cluster->has_users;
        pool.role = director ? Role::director : Role::pool;
        pool.fqdn = cluster->fqdn;
        pool.servers = servers_of(*cluster);
        draft_.pools.push_back(&pool);
        Farm*& of_site = pool_of_site_[to_ascii_lower(cluster->site)];
        if (of_site == nullptr || (director && of_site->role == Role::pool)) {
            of_site = &pool;
        }
        read_external(pool, service);
        for (const auto& url : service.select_nodes("WebService/ExternalSettings/OverrideUrls/*")) {
            add(lost, url.node(), "pool {}: {}", quoted(pool.fqdn), tag_of(url.node()));
        }
    }

    /// External FQDN and ports, of the topology or of Get-CsService.
    void read_external(Farm& pool, pugi::xml_node service) {
        const WebServer& other = web_servers_[pool.fqdn];
        std::string external =
            attribute(service.child("WebService").child("ExternalSettings"), "Host");
        external = external.empty() ? other.external : external;
        const ParsedName parsed = parse_fqdn(external);
        if (!parsed || parsed.name == pool.fqdn) {
            add(check, service, "the external FQDN of pool {} is {}: {}", quoted(pool.fqdn),
                quoted(external), parsed ? "the pool needs one that isn't its own" : parsed.error);
        } else {
            pool.external = parsed.name;
        }
        pool.ports.https = other.https;
        publish_at(other.published_https, true);
        for (const auto& found :
             service.select_nodes("Ports/Port[@Usage='WebSite'][@InterfaceSide='External']")) {
            const pugi::xml_node port = found.node();
            const bool tls = attribute(port, "Protocol") == "Https";
            pool.port(tls) = port_of(attribute(port, "Port"));
            publish_at(port_of(attribute(port, "ConfiguredPort")), tls);
        }
    }

    /// Clients connect to the published port, so the proxy listens on it, too.
    void publish_at(std::uint16_t port, bool tls) {
        if (port != 0 && port != port_or_usual(0, tls)) {
            draft_.sockets[std::to_string(port)] = {tls, false};
        }
    }

    void settle_pools(pugi::xml_node root) {
        auto& pools = draft_.pools;
        if (pools.empty()) {
            throw mistake(topology_->place(root),
                          "the topology has no pool with web services that could be published");
        }
        std::ranges::stable_sort(pools,
                                 [](const Farm* a, const Farm* b) { return a->role < b->role; });
        const Role most = pools.back()->role; // Directors answer first
        const auto is_first = [&](const Farm* pool) { return pool->role == most; };
        draft_.first = *std::ranges::find_if(pools, is_first);
        if (std::ranges::count_if(pools, is_first) > 1) {
            add(check, root,
                "lyncdiscover and simple URLs go to {}, the first of several: put another first if "
                "that is the one",
                quoted(draft_.first->fqdn));
        }
    }

    void add_name(Role role, std::string host, std::string path, Farm* farm, const Place& place) {
        if (names_.insert(formatted("{} {}{}", word_of(role), host, path)).second) {
            draft_.names.push_back({std::move(host), farm, place, role, std::move(path)});
        }
    }

    void read_sip_domains(pugi::xml_node root) {
        for (const auto& found : root.select_nodes(".//InternalDomain")) {
            const pugi::xml_node node = found.node();
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

    /// The pool or Director of a site; for the global scope the one of lyncdiscover.
    Farm* pool_of_scope(const std::string& identity) {
        constexpr std::string_view site = "site:";
        const std::string scope = to_ascii_lower(identity);
        const auto found = scope.starts_with(site) ? pool_of_site_.find(scope.substr(site.size()))
                                                   : pool_of_site_.end();
        return found == pool_of_site_.end() ? draft_.first : found->second;
    }

    void read_simple_urls(pugi::xml_node root) {
        static const std::map<std::string, Role, std::less<>> components{
            {"meet", Role::meet},
            {"dialin", Role::dialin},
            {"webscheduler", Role::scheduler},
            {"cscp", Role::admin},
        };
        for (const auto& [component, text, scope, place] : simple_urls_) {
            const auto known = components.find(to_ascii_lower(component));
            if (const ParsedUrl url = parse_https_url(text); known == components.end() || !url) {
                draft_.add(lost, place, "simple URL {} of component {}: {}", quoted(text),
                           quoted(component), url ? "it isn't known" : url.error);
            } else {
                add_name(known->second, url.host, url.path, pool_of_scope(scope), place);
            }
        }
        if (simple_urls_.empty()) {
            add(check, root,
                "no simple URLs: add them, or give the file of \"Get-CsSimpleUrlConfiguration | "
                "Export-Clixml -Depth 4 FILE\" beside the topology");
        }
    }

    void read_office_web_apps(pugi::xml_node service) {
        const std::string url = attribute(service.child("WacService"), "DiscoveryUrl");
        const policy::RedirectTo parsed = policy::read_redirect_to(url);
        if (!parsed.error.empty() || is_true(service.child("WacService"), "IsExternal")) {
            add(lost, service, "Office Web Apps at {}: {}", quoted(url),
                parsed.error.empty() ? "they are another network's" : parsed.error);
        } else if (const Cluster* cluster = first_on(service)) {
            Farm& farm = draft_.farms.emplace_back();
            farm.role = Role::office_web_apps;
            farm.external = parsed.host;
            farm.servers = servers_of(*cluster);
            add(check, service,
                "{} is the host of Office Web Apps' discovery URL: clients outside are told the "
                "farm's -ExternalUrl, which the topology doesn't hold",
                quoted(parsed.host));
        }
    }

    /// The addresses of a role on each machine of the Edge pool, and its port for clients.
    void read_edge_role(pugi::xml_node service, const Cluster& cluster, const char* component,
                        const char* usage, config::EdgeRole role, config::Edge& edge) {
        const pugi::xml_node port =
            service
                .select_node(formatted("Ports/Port[@Owner='urn:component:{}'][@Usage='{}']"
                                       "[@InterfaceSide='External'][not(@Protocol='Udp')]",
                                       component, usage)
                                 .c_str())
                .node();
        std::string number = port ? attribute(port, "InterfaceNumber") : "1";
        std::uint16_t outside = port ? port_of(attribute(port, "Port")) : config::edge_client_port;
        if (outside == 0) {
            add(lost, service, "the port of the {} outside", config::edge_role_name(role));
            outside = config::edge_client_port;
            number.clear(); // nor its address
        }
        for (const pugi::xml_node machine : cluster.machines) {
            config::Interfaces sides{address_of(machine, "External", number),
                                     address_of(machine, "Internal", "1"),
                                     {},
                                     outside};
            if (!sides.external.empty() || !sides.internal.empty()) {
                edge.roles[static_cast<std::size_t>(role)].servers.push_back(std::move(sides));
            }
        }
    }

    void read_edge(pugi::xml_node service) {
        const Cluster* cluster = first_on(service);
        if (cluster == nullptr) {
            return;
        }
        config::Edge& edge = draft_.edges.emplace_back();
        edge.site = site_word(cluster->site);
        if (const unsigned times = ++edges_of_site_[edge.site]; times > 1) {
            edge.site += formatted("-{}", times);
        }
        using enum config::EdgeRole;
        read_edge_role(service, *cluster, "AccessEdge", "SipClient", access_edge, edge);
        read_edge_role(service, *cluster, "DataEdge", "PsomClient", web_conferencing_edge, edge);
        read_edge_role(service, *cluster, "MediaRelayEdge", "TURNServer", av_edge, edge);
        if (edge.of(config::EdgeRole::access_edge).servers.empty()) {
            add(check, service,
                "the topology doesn't hold the addresses of the Edge Servers of {}: an \"edge\" "
                "block does",
                quoted(cluster->fqdn));
            draft_.edges.pop_back();
        }
    }

    std::deque<XmlFile> files_;
    const XmlFile* topology_ = nullptr;
    std::map<std::string, unsigned> edges_of_site_;
    Draft draft_;
    std::vector<SimpleUrl> simple_urls_;
    std::map<std::string, WebServer> web_servers_; ///< by the pool's FQDN
    std::map<std::string, Cluster> clusters_;
    std::map<std::string, Farm*> pool_of_site_; ///< the Director before a pool, by lower case
    std::set<std::string> served_;              ///< "WebServices fepool.contoso.local"
    std::set<std::string> names_;
    std::string without_address_; ///< the first one
};

} // namespace

Draft read_topology(const std::vector<TopologyFile>& files, Hosts hosts) {
    return TopologyReader(files, std::move(hosts)).read();
}

} // namespace lync::lyncctl
