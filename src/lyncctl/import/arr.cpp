// IIS with Application Request Routing: the webFarms section says where, the rewrite module's
// globalRules say which requests [IIS configuration reference: webFarms, rewrite/globalRules;
// Lync Server 2013, "Configure web publishing rules for a single internal pool": IIS ARR].

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/hosts_file.h"
#include "lyncctl/import/xml_file.h"
#include "lyncctl/import/xml_values.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

namespace {

std::string attribute(pugi::xml_node node, const char* name) {
    return node.attribute(name).value();
}

bool is_true(pugi::xml_node node, const char* name, bool otherwise) {
    const pugi::xml_attribute found = node.attribute(name);
    return found.empty() ? otherwise : equal_ignore_case(found.value(), "true");
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    const auto port = number_of<std::uint16_t>(text);
    return port && *port != 0 ? port : std::nullopt;
}

struct Farm {
    std::string name;
    std::vector<OldServer> servers;
    std::uint16_t http = 80;
    std::uint16_t https = 443;
    std::chrono::seconds timeout{30}; ///< of arr_schema.xml
    bool enabled = true;
    pugi::xml_node node;
};

/// One rewrite rule, read.
struct Rule {
    std::string name;
    bool wildcard = false; ///< patternSyntax
    std::vector<std::string> host_patterns;
    std::optional<bool> https;                        ///< condition on {HTTPS} or the port
    std::string scheme;                               ///< of the action's URL
    std::string target;                               ///< farm or host
    std::uint16_t port = 0;                           ///< of a target that isn't a farm
    std::optional<std::vector<std::string>> services; ///< as of OldRule
    pugi::xml_node node;
};

class ArrReader {
public:
    ArrReader(const XmlFile& file, const std::string& name, std::string_view hosts)
        : file_(file), hosts_(read_hosts(hosts)) {
        proxy_.product = "IIS with Application Request Routing";
        proxy_.file = name;
    }

    OldProxy read() {
        const pugi::xml_node root = file_.root();
        for (const pugi::xml_node farm : root.child("webFarms").children("webFarm")) {
            read_farm(farm);
        }
        read_sites(root.child("system.applicationHost").child("sites"));
        read_web_server(root.child("system.webServer"), "");
        for (const pugi::xml_node location : root.children("location")) {
            read_web_server(location.child("system.webServer"), attribute(location, "path"));
        }
        for (const Rule& rule : rules_) {
            publish(rule);
        }
        tell_idle_farms();
        if (farms_.empty() && rules_.empty()) {
            throw Mistake("no \"webFarms\" and no rewrite rules that pass requests on: "
                          "is Application Request Routing configured on this machine?",
                          file_.place(root));
        }
        if (proxy_.https_sockets.empty()) {
            proxy_.https_sockets = {"443"};
        }
        return std::move(proxy_);
    }

private:
    void remark(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.remarks.push_back({kind, std::move(text), file_.place(node)});
    }

    /// A server's address, by the hosts file where it is a name there. The name is then what its
    /// certificate carries.
    std::string address_of(const std::string& written) {
        const auto known = hosts_.addresses.find(to_ascii_lower(written));
        if (known == hosts_.addresses.end()) {
            return to_ascii_lower(written);
        }
        proxy_.pool_names.try_emplace(known->second, to_ascii_lower(written));
        return known->second;
    }

    void read_farm(pugi::xml_node node) {
        Farm farm;
        farm.node = node;
        farm.name = attribute(node, "name");
        farm.enabled = is_true(node, "enabled", true);
        bool first = true;
        std::set<std::string> weights;
        for (const pugi::xml_node child : node.children("server")) {
            const pugi::xml_node routing = child.child("applicationRequestRouting");
            OldServer server{address_of(attribute(child, "address")), ""};
            const auto http = port_in(routing, "httpPort", 80);
            const auto https = port_in(routing, "httpsPort", 443);
            if (!first && (http != farm.http || https != farm.https)) {
                remark(RemarkKind::lost,
                       "server " + lync::quoted(server.address) + " of farm " +
                           lync::quoted(farm.name) +
                           " has other ports than the first one: a pool's servers have the same",
                       child);
            } else {
                farm.http = http;
                farm.https = https;
            }
            first = false;
            const auto weight = number_of<unsigned>(attribute(routing, "weight"));
            weights.insert(std::to_string(weight.value_or(100)));
            if (weight && *weight != 100 && *weight > 0 && *weight <= 1000000) {
                server.parameters += " weight=" + std::to_string(*weight);
            }
            if (!is_true(child, "enabled", true)) {
                server.parameters += " down";
            }
            farm.servers.push_back(std::move(server));
        }
        if (weights.size() > 1) {
            // 100 is ARR's default and must be said beside others.
            for (OldServer& server : farm.servers) {
                if (server.parameters.find(" weight=") == std::string::npos) {
                    server.parameters = " weight=100" + server.parameters;
                }
            }
        }
        name_by_hosts(farm);
        read_farm_settings(farm, node.child("applicationRequestRouting"));
        farms_.push_back(std::move(farm));
    }

    /// The one name that the hosts file has for all servers of a farm is the pool's.
    void name_by_hosts(const Farm& farm) {
        if (farm.servers.size() < 2) {
            return; // by its own name, or by its address
        }
        std::set<std::string> common;
        for (const OldServer& server : farm.servers) {
            std::set<std::string> names;
            for (const std::string& name : hosts_.names[server.address]) {
                if (name.find('.') != std::string::npos &&
                    (&server == &farm.servers.front() || common.contains(name))) {
                    names.insert(name);
                }
            }
            common = std::move(names);
        }
        if (common.size() == 1) {
            for (const OldServer& server : farm.servers) {
                proxy_.pool_names[server.address] = *common.begin();
            }
        }
    }

    std::uint16_t port_in(pugi::xml_node node, const char* name, std::uint16_t otherwise) {
        const pugi::xml_attribute said = node.attribute(name);
        if (said.empty()) {
            return otherwise;
        }
        const auto port = port_of(said.value());
        if (!port) {
            throw Mistake("invalid value " + lync::quoted(said.value()) + " of " +
                              lync::quoted(name) + ": a port is a number from 1 to 65535",
                          file_.place(node));
        }
        return *port;
    }

    void read_farm_settings(Farm& farm, pugi::xml_node settings) {
        const pugi::xml_node protocol = settings.child("protocol");
        if (const pugi::xml_attribute said = protocol.attribute("timeout"); !said.empty()) {
            const auto time = time_span(said.value());
            if (!time) {
                throw Mistake("invalid value " + lync::quoted(said.value()) +
                                  " of \"timeout\": it is written hours:minutes:seconds",
                              file_.place(protocol));
            }
            farm.timeout = *time;
        }
        const std::string where = " of farm " + lync::quoted(farm.name);
        if (is_true(protocol.child("cache"), "enabled", true)) {
            remark(RemarkKind::changed,
                   "the disk cache" + where +
                       " was on: answers that are meant for one user are "
                       "no longer kept",
                   protocol.empty() ? settings : protocol);
        }
        if (is_true(settings.child("affinity"), "useCookie", false)) {
            remark(RemarkKind::lost,
                   "client affinity by cookie" + where +
                       ": external web services of Lync Server 2013 and later need none",
                   settings.child("affinity"));
        }
        const std::string algorithm = attribute(settings.child("loadBalancing"), "algorithm");
        if (!algorithm.empty() && algorithm != "WeightedRoundRobin" &&
            algorithm != "LeastRequests" && farm.servers.size() > 1) {
            remark(RemarkKind::lost,
                   "load balancing by " + lync::quoted(algorithm) + where +
                       ": requests go to the server with the fewest",
                   settings.child("loadBalancing"));
        }
        if (const pugi::xml_node health = settings.child("healthCheck");
            !attribute(health, "url").empty()) {
            remark(RemarkKind::lost,
                   "the health test of " + lync::quoted(attribute(health, "url")) + where, health);
        }
    }

    /// Which sockets IIS listens on. A host name in a binding only chooses the site.
    void read_sites(pugi::xml_node sites) {
        for (const pugi::xml_node site : sites.children("site")) {
            for (const pugi::xml_node binding : site.child("bindings").children("binding")) {
                const std::string protocol = attribute(binding, "protocol");
                if (protocol == "http" || protocol == "https") {
                    add_binding(binding, protocol == "https");
                }
            }
        }
    }

    /// `*:443:` or `10.0.0.5:443:meet.contoso.com` or `[2001:db8::1]:443:`
    void add_binding(pugi::xml_node binding, bool tls) {
        const std::string text = attribute(binding, "bindingInformation");
        const std::size_t host = text.rfind(':');
        const std::size_t colon =
            host == std::string::npos || host == 0 ? host : text.rfind(':', host - 1);
        const auto port = colon == std::string::npos || host <= colon
                              ? std::nullopt
                              : port_of(std::string_view(text).substr(colon + 1, host - colon - 1));
        if (!port) {
            remark(RemarkKind::lost, "binding " + lync::quoted(text), binding);
            return;
        }
        const std::string address = text.substr(0, colon);
        const bool any = address.empty() || address == "*" || address == "0.0.0.0";
        const bool plain = std::all_of(address.begin(), address.end(), [](char c) {
            return is_ascii_alnum(c) || c == '[' || c == ']' || c == ':' || c == '.';
        });
        if (!any && !plain) {
            remark(RemarkKind::lost, "binding " + lync::quoted(text), binding);
            return;
        }
        const std::string socket = (any ? "" : address + ":") + std::to_string(*port);
        std::vector<std::string>& sockets = tls ? proxy_.https_sockets : proxy_.http_sockets;
        if (std::find(sockets.begin(), sockets.end(), socket) == sockets.end()) {
            sockets.push_back(socket);
        }
    }

    /// `where` is a site, or one of its folders: "Default Web Site/lync".
    void read_web_server(pugi::xml_node server, const std::string& where) {
        if (const pugi::xml_node proxy = server.child("proxy");
            is_true(proxy, "enabled", false) && !proxy.attribute("timeout").empty()) {
            if (const auto time = time_span(attribute(proxy, "timeout"))) {
                proxy_timeout_ = *time;
            }
        }
        const pugi::xml_node rewrite = server.child("rewrite");
        for (const char* section : {"globalRules", "rules"}) {
            for (const pugi::xml_node rule : rewrite.child(section).children("rule")) {
                const std::size_t known = rules_.size();
                read_rule(rule);
                if (rules_.size() != known && where.find('/') != std::string::npos) {
                    remark(RemarkKind::lost,
                           "rule " + lync::quoted(attribute(rule, "name")) + " is for " +
                               lync::quoted(where) +
                               " only: here the product's external paths are published",
                           rule);
                }
            }
        }
        for (const pugi::xml_node rule : rewrite.child("outboundRules").children("rule")) {
            remark(RemarkKind::lost,
                   "outbound rule " + lync::quoted(attribute(rule, "name")) +
                       ": answers pass as the servers give them",
                   rule);
        }
    }

    void read_rule(pugi::xml_node node) {
        Rule rule;
        rule.node = node;
        rule.name = attribute(node, "name");
        const pugi::xml_node action = node.child("action");
        const std::string type = attribute(action, "type");
        if (!is_true(node, "enabled", true)) {
            remark(RemarkKind::check,
                   "rule " + lync::quoted(rule.name) +
                       " was switched off, so it isn't carried over",
                   node);
            return;
        }
        if (type == "None" || type.empty()) {
            if (is_true(node, "stopProcessing", false)) {
                remark(RemarkKind::lost,
                       "rule " + lync::quoted(rule.name) +
                           " keeps requests from the rules behind it, and here nothing does: what "
                           "must stay closed is \"deny_path\"",
                       node);
            }
            return;
        }
        if (type != "Rewrite") {
            const bool redirect = type == "Redirect";
            remark(redirect ? RemarkKind::check : RemarkKind::lost,
                   "rule " + lync::quoted(rule.name) +
                       (redirect ? " redirects to " + lync::quoted(attribute(action, "url")) +
                                       ": plain HTTP of published names is redirected to https "
                                       "anyway"
                                 : " of type " + lync::quoted(type)),
                   node);
            return;
        }
        const std::string syntax = attribute(node, "patternSyntax");
        rule.wildcard = syntax == "Wildcard";
        if (!read_action(rule, attribute(action, "url"))) {
            return;
        }
        if (syntax == "ExactMatch") {
            remark(RemarkKind::lost, "rule " + lync::quoted(rule.name) + " has exact patterns",
                   node);
            return;
        }
        read_match(rule, node.child("match"));
        if (read_conditions(rule, node.child("conditions"))) {
            rules_.push_back(std::move(rule));
        }
    }

    /// `https://meet.contoso.com/{R:0}`
    bool read_action(Rule& rule, const std::string& url) {
        const std::size_t scheme = url.find("://");
        if (scheme == std::string::npos) {
            return false; // a rewrite within IIS itself
        }
        rule.scheme = to_ascii_lower(url.substr(0, scheme));
        // Variables that begin with the slash themselves.
        const std::size_t slash =
            std::min({url.find('/', scheme + 3), url.find("{REQUEST_URI}", scheme + 3),
                      url.find("{UNENCODED_URL}", scheme + 3)});
        std::string host = url.substr(scheme + 3, slash == std::string::npos ? std::string::npos
                                                                             : slash - scheme - 3);
        const std::string path = slash == std::string::npos ? "" : url.substr(slash);
        if ((rule.scheme != "http" && rule.scheme != "https") || host.empty() ||
            host.find('{') != std::string::npos) {
            remark(RemarkKind::lost,
                   "rule " + lync::quoted(rule.name) + " passes requests to " + lync::quoted(url),
                   rule.node);
            return false;
        }
        if (!path.empty() && path != "/" && path != "/{R:0}" && path != "/{R:1}" &&
            path != "{REQUEST_URI}" && path != "/{REQUEST_URI}" && path != "{UNENCODED_URL}") {
            remark(RemarkKind::lost,
                   "rule " + lync::quoted(rule.name) + " changes the path to " +
                       lync::quoted(path) + ": paths pass as they came",
                   rule.node);
        }
        if (find_farm(host) == nullptr) {
            const std::size_t colon = host.rfind(':');
            if (colon != std::string::npos && host.back() != ']') {
                const auto port = port_of(std::string_view(host).substr(colon + 1));
                if (!port) {
                    remark(RemarkKind::lost,
                           "rule " + lync::quoted(rule.name) + " passes requests to " +
                               lync::quoted(url),
                           rule.node);
                    return false;
                }
                rule.port = *port;
                host.resize(colon);
            }
        }
        rule.target = host;
        return true;
    }

    void read_match(Rule& rule, pugi::xml_node match) {
        const std::string url = attribute(match, "url");
        const bool all = url == "*" || url == ".*" || url == "(.*)" || url == "^(.*)$" ||
                         url == "^.*$" || url == "^(.*)" || url.empty();
        if (!all && !is_true(match, "negate", false)) {
            rule.services = exchange_services_of(url);
            if (const auto path = exchange_admin_path(url); !path.empty()) {
                remark(RemarkKind::changed,
                       "rule " + lync::quoted(rule.name) + " is for " + std::string(path) +
                           " of Exchange as well; as an administrative surface it never is "
                           "published here",
                       rule.node);
            }
        }
        if (!all || is_true(match, "negate", false)) {
            remark(RemarkKind::lost,
                   "rule " + lync::quoted(rule.name) + " is for the paths " + lync::quoted(url) +
                       " only: here the product's external paths are published",
                   rule.node);
        }
    }

    /// False: the rule matches nothing that can be told.
    bool read_conditions(Rule& rule, pugi::xml_node conditions) {
        const bool any = equal_ignore_case(attribute(conditions, "logicalGrouping"), "MatchAny");
        for (const pugi::xml_node condition : conditions.children("add")) {
            const std::string input = attribute(condition, "input");
            const std::string pattern = attribute(condition, "pattern");
            const bool negated = is_true(condition, "negate", false);
            if (equal_ignore_case(input, "{HTTP_HOST}") && !negated) {
                rule.host_patterns.push_back(pattern);
            } else if (equal_ignore_case(input, "{HTTPS}") && !any) {
                const bool on = to_ascii_lower(pattern).find("on") != std::string::npos;
                rule.https = on != negated;
            } else if (equal_ignore_case(input, "{SERVER_PORT}") && !any && !negated) {
                rule.https = pattern.find("443") != std::string::npos;
            } else {
                remark(RemarkKind::lost,
                       "rule " + lync::quoted(rule.name) + " has the condition " +
                           lync::quoted(input) + (negated ? " not " : " ") + lync::quoted(pattern) +
                           ", and here its names are published without it",
                       condition);
            }
        }
        if (rule.host_patterns.size() > 1 && !any) {
            remark(RemarkKind::lost,
                   "rule " + lync::quoted(rule.name) + " wants several host names at once",
                   rule.node);
            return false;
        }
        return true;
    }

    const Farm* find_farm(std::string_view name) const {
        const auto found = std::find_if(farms_.begin(), farms_.end(), [name](const Farm& farm) {
            return equal_ignore_case(farm.name, name);
        });
        return found == farms_.end() ? nullptr : &*found;
    }

    /// Whether another rule takes the https requests of this rule's farm.
    bool has_https_twin(const Rule& rule) const {
        return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& other) {
            return other.scheme == "https" && equal_ignore_case(other.target, rule.target);
        });
    }

    void publish(const Rule& rule) {
        const Farm* farm = find_farm(rule.target);
        if (farm != nullptr && !farm->enabled) {
            remark(RemarkKind::check,
                   "farm " + lync::quoted(farm->name) +
                       " was switched off, so its names aren't published",
                   rule.node);
            return;
        }
        if (farm != nullptr && farm->servers.empty()) {
            remark(RemarkKind::lost, "farm " + lync::quoted(farm->name) + " has no server",
                   rule.node);
            return;
        }

        OldRule published;
        published.place = file_.place(rule.node);
        published.services = rule.services;
        if (farm != nullptr) {
            published.servers = farm->servers;
            published.fqdn = to_ascii_lower(farm->name);
            lower_timeout(farm->timeout);
        } else {
            published.servers = {{address_of(rule.target), ""}};
            lower_timeout(proxy_timeout_);
        }
        set_ports(published, rule, farm);
        for (const std::string& host : hosts_of(rule)) {
            published.host = host;
            OldRule one = published;
            if (host.ends_with(".*") &&
                !one.fqdn.starts_with(std::string_view(host).substr(0, host.size() - 1))) {
                one.fqdn.clear(); // the farm is called otherwise
            }
            proxy_.rules.push_back(std::move(one));
        }
    }

    void tell_idle_farms() {
        for (const Farm& farm : farms_) {
            const bool used = std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
                return find_farm(rule.target) == find_farm(farm.name);
            });
            if (!used) {
                remark(RemarkKind::check,
                       "no rule passes requests to farm " + lync::quoted(farm.name) +
                           ", so nothing of it is published",
                       farm.node);
            }
        }
    }

    void set_ports(OldRule& published, const Rule& rule, const Farm* farm) {
        const bool by_http = rule.scheme == "http";
        const std::uint16_t https = farm != nullptr              ? farm->https
                                    : rule.port != 0 && !by_http ? rule.port
                                                                 : 443;
        const std::uint16_t http = farm != nullptr             ? farm->http
                                   : rule.port != 0 && by_http ? rule.port
                                                               : 80;
        // Without a condition a rule with http:// takes both protocols, unless the farm has a rule
        // of its own for https, which stands before it.
        const bool takes_https =
            rule.https.value_or(!by_http || (farm != nullptr && !has_https_twin(rule)));
        const bool takes_http = !rule.https.value_or(!by_http);
        if (takes_https) {
            published.https_port = https;
            if (by_http) {
                remark(RemarkKind::changed,
                       "rule " + lync::quoted(rule.name) +
                           " passes https requests on without encryption (SSL offloading), which "
                           "isn't supported; now they go encrypted to port " +
                           std::to_string(https),
                       rule.node);
            }
        }
        if (takes_http) {
            published.http_port = http;
        }
    }

    std::vector<std::string> hosts_of(const Rule& rule) {
        if (rule.host_patterns.empty()) {
            std::string own = to_ascii_lower(rule.target);
            remark(RemarkKind::changed,
                   "rule " + lync::quoted(rule.name) +
                       " has no condition on the host and takes every request; now " +
                       lync::quoted(own) + " alone is published",
                   rule.node);
            return {own};
        }
        std::vector<std::string> all;
        for (const std::string& pattern : rule.host_patterns) {
            const std::vector<std::string> hosts = hosts_of_pattern(pattern, rule.wildcard);
            if (hosts.empty()) {
                remark(RemarkKind::lost,
                       "rule " + lync::quoted(rule.name) + " is for the hosts " +
                           lync::quoted(pattern) + ": write the names that are meant",
                       rule.node);
            }
            all.insert(all.end(), hosts.begin(), hosts.end());
        }
        return all;
    }

    void lower_timeout(std::chrono::seconds timeout) {
        proxy_.timeout = std::min(proxy_.timeout.value_or(timeout), timeout);
    }

    const XmlFile& file_;
    OldProxy proxy_;
    std::vector<Farm> farms_;
    std::vector<Rule> rules_;
    HostsFile hosts_;
    std::chrono::seconds proxy_timeout_{120}; ///< of the proxy section
};

} // namespace

OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts) {
    const XmlFile file(xml, name, "configuration");
    return ArrReader(file, name, hosts).read();
}

} // namespace lync::lyncctl
