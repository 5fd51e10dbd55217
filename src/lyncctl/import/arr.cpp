// IIS with Application Request Routing: the webFarms section tells where, the rewrite module's
// globalRules which requests [IIS configuration reference: webFarms, rewrite/globalRules, security;
// Lync Server 2013, "Configure web publishing rules for a single internal pool": IIS ARR].

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/hosts_file.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/import/xml_file.h"

#include <algorithm>
#include <optional>
#include <set>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

std::string attribute(pugi::xml_node node, const char* name) {
    return node.attribute(name).value();
}

bool is_true(pugi::xml_node node, const char* name, bool otherwise) {
    const pugi::xml_attribute found = node.attribute(name);
    return found.empty() ? otherwise : equal_ignore_case(found.value(), "true");
}

struct Farm {
    std::string name;
    std::size_t group = 0;
    std::uint16_t http = 80;
    std::uint16_t https = 443;
    bool enabled = true;
    bool used = false;
    pugi::xml_node node;
};

/// One rewrite rule, read.
struct Rule {
    std::string title; ///< rule "ARR_meet"
    bool wildcard = false;
    std::vector<std::string> host_patterns;
    std::optional<bool> https; ///< condition on {HTTPS} or the port
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
            const std::string path = attribute(location, "path");
            read_web_server(location.child("system.webServer"), path == "." ? "" : path);
            read_other(location, " of " + quoted(path));
        }
        read_other(root, "");
        if (farms_.empty() && proxy_.names.empty()) {
            throw Mistake("no \"webFarms\" and no rewrite rules that pass requests on: is "
                          "Application Request Routing configured on this machine?",
                          file_.place(root));
        }
        for (const Farm& farm : farms_) {
            if (!farm.used) {
                add(check,
                    "no rule passes requests to farm " + quoted(farm.name) +
                        ", so nothing of it is published",
                    farm.node);
            }
        }
        add(check,
            "the web.config files of the sites weren't read: they can hold rules and restrictions "
            "of their own",
            root);
        if (proxy_.https_sockets.empty()) {
            proxy_.https_sockets = {{"443"}};
        }
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.remarks.add(kind, std::move(text), file_.place(node));
    }

    // -- farms -------------------------------------------------------------------------------

    void read_farm(pugi::xml_node node) {
        Farm& farm = farms_.emplace_back();
        farm.node = node;
        farm.name = attribute(node, "name");
        farm.enabled = is_true(node, "enabled", true);
        farm.group = proxy_.groups.size();
        farm_index_.try_emplace(to_ascii_lower(farm.name), farms_.size() - 1);
        OldGroup& group = proxy_.groups.emplace_back();
        for (const pugi::xml_node child : node.children("server")) {
            const pugi::xml_node routing = child.child("applicationRequestRouting");
            const auto http = port_in(routing, "httpPort", 80);
            const auto https = port_in(routing, "httpsPort", 443);
            if (group.servers.empty()) {
                farm.http = http;
                farm.https = https;
            } else if (http != farm.http || https != farm.https) {
                add(lost,
                    "server " + quoted(attribute(child, "address")) + " of farm " +
                        quoted(farm.name) +
                        " has other ports than the first one: a pool's servers have the same",
                    child);
                continue;
            }
            if (const std::string weight = attribute(routing, "weight");
                !weight.empty() && weight != "100") {
                add(lost, "weight " + quoted(weight) + " of " + tag_of(child), child);
            }
            group.servers.push_back({to_ascii_lower(attribute(child, "address")),
                                     is_true(child, "enabled", true) ? "" : " down"});
        }
        resolve(group);
        for (const char* section : {"affinity", "loadBalancing", "healthCheck"}) {
            const pugi::xml_node found = node.child("applicationRequestRouting").child(section);
            const bool usual = found.attributes().empty() || !is_true(found, "useCookie", true) ||
                               attribute(found, "algorithm") == "WeightedRoundRobin" ||
                               attribute(found, "algorithm") == "LeastRequests";
            if (!usual) {
                add(lost, tag_of(found) + " of farm " + quoted(farm.name), found);
            }
        }
    }

    /// Addresses in place of the names that the hosts file has. The one name that it has for all
    /// of them, or that all were written by, is the group's.
    void resolve(OldGroup& group) {
        std::set<std::string> common;
        for (OldServer& server : group.servers) {
            const bool first = &server == &group.servers.front();
            std::set<std::string> names;
            if (const auto known = hosts_.addresses.find(server.address);
                known != hosts_.addresses.end()) {
                names = group.servers.size() == 1 ? std::set{server.address}
                                                  : hosts_.names[known->second];
                server.address = known->second;
            }
            std::erase_if(names, [&](const std::string& name) {
                return name.find('.') == name.npos || (!first && !common.contains(name));
            });
            common = std::move(names);
        }
        group.name = common.size() == 1 ? *common.begin() : "";
    }

    std::uint16_t port_in(pugi::xml_node node, const char* name, std::uint16_t otherwise) {
        const pugi::xml_attribute written = node.attribute(name);
        if (!written.empty() && port_of(written.value()) == 0) {
            throw Mistake("invalid value " + quoted(written.value()) + " of " + quoted(name) +
                              ": a port is a number from 1 to 65535",
                          file_.place(node));
        }
        return written.empty() ? otherwise : port_of(written.value());
    }

    // -- sites and sections --------------------------------------------------------------------

    /// Which sockets IIS listens on.
    void read_sites(pugi::xml_node sites) {
        for (const pugi::xml_node site : sites.children("site")) {
            sites_++;
            for (const pugi::xml_node binding : site.child("bindings").children("binding")) {
                const std::string protocol = attribute(binding, "protocol");
                if (protocol == "http" || protocol == "https") {
                    add_binding(binding, protocol == "https", attribute(site, "name"));
                }
            }
        }
    }

    /// `*:443:` or `10.0.0.5:443:meet.contoso.com` or `[2001:db8::1]:443:`
    void add_binding(pugi::xml_node binding, bool tls, const std::string& site) {
        const std::string text = attribute(binding, "bindingInformation");
        const std::size_t host = text.rfind(':');
        auto [address, port] =
            split_endpoint(text.substr(0, host == text.npos ? text.size() : host));
        if (host == text.npos || port == 0) {
            add(lost, "binding " + quoted(text), binding);
            return;
        }
        if (host + 1 != text.size()) {
            add(restriction,
                "binding " + quoted(text) + " of site " + quoted(site) + " took that name alone",
                binding);
        }
        const bool any = address.empty() || address == "*" || address == "0.0.0.0";
        (tls ? proxy_.https_sockets : proxy_.http_sockets)
            .push_back({(any ? "" : address + ":") + std::to_string(port)});
    }

    /// `where` is a site, or one of its folders: "Default Web Site/lync".
    void read_web_server(pugi::xml_node server, const std::string& where) {
        constexpr std::string_view harmless =
            " applicationInitialization asp caching cgi defaultDocument directoryBrowse "
            "diskCache fastCgi globalModules handlers httpCompression httpErrors httpLogging "
            "httpProtocol httpTracing management modules odbcLogging proxy rewrite security "
            "serverRuntime serverSideInclude staticContent tracing urlCompression validation "
            "webSocket webdav ";
        const std::string whose = where.empty() ? "" : " of " + quoted(where);
        for (const pugi::xml_node section : server.children()) {
            const bool filters = section.name() == std::string_view("isapiFilters");
            const bool empty = section.attributes().empty() && section.first_child().empty();
            if (filters || (!empty && !has_word(harmless, section.name()))) {
                read_section(section, filters ? restriction : lost, whose);
            }
        }
        read_security(server.child("security"), whose);
        for (const char* section : {"globalRules", "rules"}) {
            for (const pugi::xml_node rule : server.child("rewrite").child(section).children()) {
                read_rule(rule, where);
            }
        }
        for (const pugi::xml_node rule :
             server.child("rewrite").child("outboundRules").children("rule")) {
            add(lost, "outbound rule " + quoted(attribute(rule, "name")), rule);
        }
    }

    /// Sections beside those that are read, in a location or the file itself.
    void read_other(pugi::xml_node parent, const std::string& whose) {
        constexpr std::string_view harmless =
            " configSections configProtectedData location moduleProviders "
            "system.applicationHost system.ftpServer system.webServer webFarms ";
        for (const pugi::xml_node section : parent.children()) {
            if (section.type() == pugi::node_element && !has_word(harmless, section.name())) {
                read_section(section, lost, whose);
            }
        }
    }

    /// An element and what stands directly in it, in one remark.
    void read_section(pugi::xml_node section, RemarkKind kind, const std::string& whose) {
        std::string inner;
        std::size_t more = 0;
        for (const pugi::xml_node child : section.children()) {
            const bool usual = std::string_view(child.attribute("name").value())
                                   .starts_with("ASP.Net_"); // filters that come with .NET
            if (child.type() != pugi::node_element || usual) {
                continue;
            }
            if (inner.size() < 300) {
                inner += " " + tag_of(child);
            } else {
                more++;
            }
        }
        if (section.name() == std::string_view("isapiFilters") && inner.empty()) {
            return;
        }
        add(kind,
            tag_of(section) + inner + (more == 0 ? "" : " and " + std::to_string(more) + " more") +
                whose,
            section);
    }

    /// The security section: everything that isn't IIS's default keeps somebody out.
    void read_security(pugi::xml_node security, const std::string& whose) {
        for (const pugi::xml_node node : security.children()) {
            const std::string_view name = node.name();
            if (name == "applicationDependencies" || name == "isapiCgiRestriction" ||
                node.type() != pugi::node_element) {
                continue;
            }
            if (name == "authentication") {
                for (const pugi::xml_node method : node.children()) {
                    const bool anonymous =
                        method.name() == std::string_view("anonymousAuthentication");
                    if (is_true(method, "enabled", anonymous) != anonymous) {
                        read_section(method, restriction, whose);
                    }
                }
            } else if (name == "requestFiltering") {
                if (!is_default(node)) {
                    add(restriction, tag_of(node) + whose, node);
                }
                for (const pugi::xml_node part : node.children()) {
                    read_filter(part, whose);
                }
            } else {
                read_filter(node, whose);
            }
        }
    }

    void read_filter(pugi::xml_node node, const std::string& whose) {
        constexpr std::string_view own_files =
            " web.config bin App_code App_GlobalResources App_LocalResources App_WebReferences "
            "App_Data App_Browsers ";
        bool plain = is_default(node);
        for (const pugi::xml_node child : node.children()) {
            const bool everybody = child.name() == std::string_view("add") &&
                                   attribute(child, "accessType") == "Allow" &&
                                   attribute(child, "users") == "*" &&
                                   attribute(child, "verbs").empty();
            const bool own_file = child.name() == std::string_view("clear") ||
                                  has_word(own_files, attribute(child, "segment"));
            const bool off = !is_true(child, "enabled", true);
            plain = plain && (everybody || own_file || off || child.type() != pugi::node_element);
        }
        if (!plain) {
            read_section(node, restriction, whose);
        }
    }

    /// Whether an element's own attributes restrict nothing.
    static bool is_default(pugi::xml_node node) {
        constexpr std::string_view sizes =
            " maxAllowedContentLength maxUrl maxQueryString applyToWebDAV ";
        return std::all_of(node.attributes().begin(), node.attributes().end(),
                           [&](pugi::xml_attribute part) {
                               const std::string_view name = part.name();
                               const std::string value = to_ascii_lower(part.value());
                               return has_word(sizes, name) || value.empty() ||
                                      (name == "sslFlags"          ? value == "none" || value == "0"
                                       : name.starts_with("allow") ? value == "true"
                                                                   : value == "false");
                           });
    }

    // -- rules -----------------------------------------------------------------------------------

    void read_rule(pugi::xml_node node, const std::string& where) {
        if (node.name() != std::string_view("rule")) {
            return;
        }
        Rule rule;
        rule.node = node;
        rule.title = "rule " + quoted(attribute(node, "name"));
        const pugi::xml_node action = node.child("action");
        const std::string type = attribute(action, "type");
        if (!is_true(node, "enabled", true)) {
            add(check, rule.title + " was switched off, so it isn't carried over", node);
        } else if (type == "None" || type.empty()) {
            if (is_true(node, "stopProcessing", false)) {
                add(restriction,
                    rule.title + " keeps requests from the rules behind it: what must stay closed "
                                 "is \"deny_path\"",
                    node);
            }
        } else if (type == "Redirect") {
            add(check,
                rule.title + " redirects to " + quoted(attribute(action, "url")) +
                    ": plain HTTP of published names is redirected to https anyway",
                node);
        } else if (type != "Rewrite") {
            add(restriction, rule.title + " answers by itself: " + tag_of(action), node);
        } else if (attribute(action, "url").find("://") != std::string::npos) {
            read_rewrite(rule, action, where);
        }
    }

    void read_rewrite(Rule& rule, pugi::xml_node action, const std::string& where) {
        const std::string syntax = attribute(rule.node, "patternSyntax");
        rule.wildcard = syntax == "Wildcard";
        if (syntax == "ExactMatch") {
            add(lost, rule.title + " has exact patterns", rule.node);
            return;
        }
        if (!where.empty() && (sites_ > 1 || where.find('/') != std::string::npos)) {
            add(restriction, rule.title + " was for " + quoted(where) + " only", rule.node);
        }
        if (const pugi::xml_node variables = rule.node.child("serverVariables");
            !variables.first_child().empty()) {
            read_section(variables, lost, " of " + rule.title);
        }
        read_match(rule, rule.node.child("match"));
        if (read_conditions(rule, rule.node.child("conditions"))) {
            publish(rule, attribute(action, "url"));
        }
    }

    void read_match(Rule& rule, pugi::xml_node match) {
        constexpr std::string_view every = " * .* (.*) ^(.*)$ ^.*$ ^(.*) ";
        const std::string url = attribute(match, "url");
        const bool negated = is_true(match, "negate", false);
        if ((url.empty() || has_word(every, url)) && !negated) {
            return;
        }
        add(restriction,
            rule.title + " was for " + (negated ? "all paths but " : "the paths ") + quoted(url) +
                "; now it is the product's external paths",
            rule.node);
    }

    /// False: the rule matches nothing that can be told.
    bool read_conditions(Rule& rule, pugi::xml_node conditions) {
        const bool any = equal_ignore_case(attribute(conditions, "logicalGrouping"), "MatchAny");
        for (const pugi::xml_node condition : conditions.children("add")) {
            const std::string input = to_ascii_lower(attribute(condition, "input"));
            const std::string pattern = attribute(condition, "pattern");
            const bool negated = is_true(condition, "negate", false);
            if (input == "{http_host}" && !negated) {
                rule.host_patterns.push_back(pattern);
            } else if (input == "{https}" && !any) {
                rule.https = (to_ascii_lower(pattern).find("on") != pattern.npos) != negated;
            } else if (input == "{server_port}" && !any && !negated) {
                rule.https = pattern.find("443") != pattern.npos;
            } else {
                add(restriction,
                    rule.title + " has the condition " + tag_of(condition) +
                        ", and here its names are published without it",
                    condition);
            }
        }
        if (rule.host_patterns.size() > 1 && !any) {
            add(lost, rule.title + " wants several host names at once", rule.node);
            return false;
        }
        return true;
    }

    /// `https://meet.contoso.com/{R:0}`: the host is a farm, or a server.
    void publish(const Rule& rule, const std::string& url) {
        const std::size_t begin = url.find("://") + 3;
        const std::string scheme = to_ascii_lower(url.substr(0, begin - 3));
        const std::size_t end = std::min({url.find('/', begin), url.find('{', begin), url.size()});
        const std::string target = to_ascii_lower(url.substr(begin, end - begin));
        if ((scheme != "http" && scheme != "https") || target.empty()) {
            add(lost, rule.title + " passes requests to " + quoted(url), rule.node);
            return;
        }
        constexpr std::string_view same =
            " / /{R:0} /{R:1} {REQUEST_URI} /{REQUEST_URI} {UNENCODED_URL} ";
        if (end != url.size() && !has_word(same, url.substr(end))) {
            add(lost,
                rule.title + " changes the path to " + quoted(url.substr(end)) +
                    ": paths pass as they came",
                rule.node);
        }
        Farm& farm = farm_of(target);
        farm.used = true;
        if (!farm.enabled || proxy_.groups[farm.group].servers.empty()) {
            add(check,
                "farm " + quoted(farm.name) +
                    (farm.enabled ? " has no server" : " was switched off") +
                    ", so its names aren't published",
                rule.node);
            return;
        }
        OldName name;
        name.place = file_.place(rule.node);
        name.group = farm.group;
        // Without a condition on the protocol, the scheme that is written is what it was made for.
        const bool https = rule.https.value_or(scheme == "https");
        (https ? name.https_port : name.http_port) = https ? farm.https : farm.http;
        if (https && scheme == "http") {
            name.https_port = farm.node.empty() ? std::uint16_t{4443} : farm.https;
            add(changed,
                rule.title +
                    " passes https requests on unencrypted (SSL offloading); now they go "
                    "encrypted to port " +
                    std::to_string(name.https_port),
                rule.node);
        }
        for (const std::string& host : hosts_of(rule, target)) {
            OldName& one = proxy_.names.emplace_back(name);
            one.host = host;
            if (host.ends_with(".*") &&
                target.starts_with(std::string_view(host).substr(0, host.size() - 1))) {
                one.fqdn = target;
            }
        }
    }

    /// A server that is written in place of a farm is one of its own.
    Farm& farm_of(const std::string& target) {
        const auto [known, is_new] = farm_index_.try_emplace(target, farms_.size());
        if (is_new) {
            Farm& farm = farms_.emplace_back();
            auto [host, port] = split_endpoint(target);
            farm.name = target;
            farm.http = port == 0 ? 80 : port;
            farm.https = port == 0 ? 443 : port;
            farm.group = proxy_.groups.size();
            OldGroup& group = proxy_.groups.emplace_back();
            group.servers.push_back({std::move(host), ""});
            resolve(group);
        }
        return farms_[known->second];
    }

    std::vector<std::string> hosts_of(const Rule& rule, const std::string& target) {
        if (rule.host_patterns.empty()) {
            add(changed,
                rule.title + " has no condition on the host and takes every request; now " +
                    quoted(target) + " alone is published",
                rule.node);
            return {split_endpoint(target).first};
        }
        std::vector<std::string> all;
        for (const std::string& pattern : rule.host_patterns) {
            const std::vector<std::string> hosts = hosts_of_pattern(pattern, rule.wildcard);
            if (hosts.empty()) {
                add(lost,
                    rule.title + " is for the hosts " + quoted(pattern) +
                        ": write the names that are meant",
                    rule.node);
            }
            all.insert(all.end(), hosts.begin(), hosts.end());
        }
        return all;
    }

    const XmlFile& file_;
    OldProxy proxy_;
    std::vector<Farm> farms_;
    std::unordered_map<std::string, std::size_t> farm_index_; ///< by name
    HostsFile hosts_;
    std::size_t sites_ = 0;
};

} // namespace

OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts) {
    const XmlFile file(xml, name, "configuration");
    return ArrReader(file, name, hosts).read();
}

} // namespace lync::lyncctl
