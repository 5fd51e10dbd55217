// IIS with Application Request Routing: the webFarms section tells where, the rewrite module's
// globalRules which requests [IIS configuration reference: webFarms, rewrite/globalRules, security;
// Lync Server 2013, "Configure web publishing rules for a single internal pool": IIS ARR].

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/import/xml_file.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

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

// -- what restricts ------------------------------------------------------------------------------

/// What IIS's own applicationHost.config refuses: no word of the administrator's.
constexpr std::string_view refused_by_default =
    ".asa .asax .ascx .master .skin .browser .sitemap .config .cs .csproj .vb .vbproj .webinfo "
    ".licx .resx .resources .mdb .vjsproj .java .jsl .ldb .dsdgm .ssdgm .lsad .ssmap .cd "
    ".dsprototype .lsaprototype .sdm .sdmDocument .mdf .ldf .ad .dd .ldd .sd .adprototype "
    ".lddprototype .exclude .refresh .compiled .msgx .vsdisco .rules web.config bin App_code "
    "App_GlobalResources App_LocalResources App_WebReferences App_Data App_Browsers";

/// Whether an element's own attributes are IIS's defaults, or let in more than they do.
bool is_default(pugi::xml_node node) {
    constexpr std::string_view harmless =
        "maxAllowedContentLength maxUrl maxQueryString applyToWebDAV userName removeServerHeader";
    return std::all_of(
        node.attributes().begin(), node.attributes().end(), [&](pugi::xml_attribute part) {
            const std::string_view name = part.name();
            const std::string value = to_ascii_lower(part.value());
            const bool off = value.empty() || value == "false" || value == "none" || value == "0";
            const bool open = name.starts_with("allow") && value == "true";
            return has_word(harmless, name) || name.starts_with("lock") || open ||
                   (off && name != "allowUnlisted");
        });
}

/// Whether an element of the security section itself keeps somebody out who gets into IIS as it is
/// installed.
bool restricts(pugi::xml_node node) {
    const std::string_view name = node.name();
    const bool anonymous = name == "anonymousAuthentication";
    if (name.ends_with("Authentication") || node.attribute("enabled")) {
        return is_true(node, "enabled", anonymous) != anonymous;
    }
    if (name == "add") {
        const bool everybody = attribute(node, "accessType") == "Allow" &&
                               attribute(node, "users") == "*" && attribute(node, "verbs").empty();
        return !everybody && !is_true(node, "allowed", false) &&
               !has_word(refused_by_default, attribute(node, "fileExtension")) &&
               !has_word(refused_by_default, attribute(node, "segment"));
    }
    return !is_default(node);
}

struct Farm {
    std::string name;
    std::size_t group = 0;
    std::uint16_t http = 0; ///< 0: 80
    std::uint16_t https = 0;
};

/// What is common to all names of a rewrite rule.
struct Rule {
    std::string title; ///< rule "ARR_meet"
    pugi::xml_node node;
    std::vector<std::string> hosts; ///< patterns
    std::optional<bool> https;      ///< condition on {HTTPS} or the port
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
        const auto sites = root.child("system.applicationHost").child("sites").children("site");
        for (const pugi::xml_node site : sites) {
            sites_++;
            for (const pugi::xml_node binding : site.child("bindings").children("binding")) {
                read_binding(binding, attribute(site, "name"));
            }
        }
        read_server(root, "");
        for (const pugi::xml_node location : root.children("location")) {
            const std::string path = attribute(location, "path");
            read_server(location, path == "." ? "" : path);
        }
        if (farms_.empty() && proxy_.routes.empty()) {
            throw Mistake("no \"webFarms\" and no rewrite rules that pass requests on: is "
                          "Application Request Routing configured on this machine?",
                          file_.place(root));
        }
        add(check, "the sites' web.config files weren't read: they may hold rules and restrictions",
            root);
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.remarks.push_back({kind, std::move(text), file_.place(node)});
    }
    /// The element itself is what has to be looked at.
    void add_tag(RemarkKind kind, pugi::xml_node node, const std::string& whose) {
        add(kind, tag_of(node) + whose, node);
    }

    // -- farms -----------------------------------------------------------------------------------

    void read_farm(pugi::xml_node node) {
        Farm& farm = add_farm(to_ascii_lower(attribute(node, "name")));
        const std::string whose = "of farm " + quoted(farm.name);
        OldGroup& group = proxy_.groups[farm.group];
        for (const pugi::xml_node server : node.children("server")) {
            const pugi::xml_node routing = server.child("applicationRequestRouting");
            const std::uint16_t http = port_of(attribute(routing, "httpPort"));
            const std::uint16_t https = port_of(attribute(routing, "httpsPort"));
            if (group.servers.empty()) {
                farm.http = http;
                farm.https = https;
            } else if (http != farm.http || https != farm.https) {
                add_tag(lost, server, whose + ": a pool's servers have the same ports");
                continue;
            }
            if (routing.attribute("weight").as_int(100) != 100) {
                add_tag(lost, routing, whose);
            }
            add_server(group, to_ascii_lower(attribute(server, "address")),
                       is_true(server, "enabled", true) ? "" : " down");
        }
        const pugi::xml_node routing = node.child("applicationRequestRouting");
        for (const pugi::xml_node part :
             {routing.child("affinity"), routing.child("healthCheck")}) {
            if (!part.attributes().empty() && is_true(part, "useCookie", true)) {
                add_tag(lost, part, whose);
            }
        }
        if (!is_true(node, "enabled", true)) {
            group.servers.clear();
        }
    }

    Farm& add_farm(const std::string& name) {
        farm_index_.try_emplace(name, farms_.size());
        Farm& farm = farms_.emplace_back();
        farm.name = name;
        farm.group = proxy_.groups.size();
        proxy_.groups.emplace_back();
        return farm;
    }

    /// By its address where the hosts file tells it; one server's name is that of its pool then.
    void add_server(OldGroup& group, const std::string& name, const char* parameters) {
        const auto known = hosts_.find(name);
        group.servers.push_back({known == hosts_.end() ? name : known->second, parameters});
        group.name = group.servers.size() == 1 ? name : "";
    }

    // -- sites and sections ----------------------------------------------------------------------

    /// `*:443:` or `10.0.0.5:443:meet.contoso.com` or `[2001:db8::1]:443:`
    void read_binding(pugi::xml_node binding, const std::string& site) {
        const std::string protocol = attribute(binding, "protocol");
        const std::string text = attribute(binding, "bindingInformation");
        const std::size_t host = std::min(text.rfind(':'), text.size());
        const std::string where = text.starts_with(':') ? "*" : "";
        if (protocol != "http" && protocol != "https") {
            return;
        }
        if (proxy_.listen(where + text.substr(0, host), {protocol == "https", false}).empty()) {
            add(lost, "binding " + quoted(text), binding);
        } else if (host + 1 < text.size()) {
            add(restriction, "binding " + quoted(text) + " of site " + quoted(site), binding);
        }
    }

    /// The file itself, or a location: a site, or one of its folders ("Default Web Site/lync").
    void read_server(pugi::xml_node parent, const std::string& where) {
        constexpr std::string_view harmless =
            "applicationInitialization asp caching cgi configProtectedData configSections "
            "defaultDocument directoryBrowse diskCache fastCgi globalModules handlers "
            "httpCompression httpErrors httpLogging httpProtocol httpTracing isapiFilters location "
            "management moduleProviders modules odbcLogging proxy rewrite security serverRuntime "
            "serverSideInclude staticContent system.applicationHost system.ftpServer "
            "system.webServer tracing urlCompression validation webFarms webSocket webdav";
        const std::string whose = where.empty() ? "" : " of " + quoted(where);
        const pugi::xml_node server = parent.child("system.webServer");
        for (const pugi::xml_node sections : {parent, server}) {
            for (const pugi::xml_node section : sections.children()) {
                const bool empty = section.attributes().empty() && section.first_child().empty();
                if (!empty && !has_word(harmless, section.name())) {
                    add_tag(lost, section, whose);
                }
            }
        }
        for (const pugi::xml_node filter : server.child("isapiFilters").children("filter")) {
            if (!attribute(filter, "name").starts_with("ASP.Net_")) { // those come with .NET
                add_tag(restriction, filter, whose);
            }
        }
        read_security(server.child("security"), whose, 4);
        const pugi::xml_node rewrite = server.child("rewrite");
        for (const char* section : {"globalRules", "rules"}) {
            for (const pugi::xml_node rule : rewrite.child(section).children("rule")) {
                read_rule(rule, where);
            }
        }
        for (const pugi::xml_node rule : rewrite.child("outboundRules").children("rule")) {
            add_tag(lost, rule, " of the outbound rules");
        }
    }

    void read_security(pugi::xml_node parent, const std::string& whose, unsigned depth) {
        constexpr std::string_view harmless =
            "applicationDependencies clear isapiCgiRestriction remove";
        for (const pugi::xml_node node : parent.children()) {
            if (node.type() != pugi::node_element || has_word(harmless, node.name())) {
                continue;
            }
            if (restricts(node)) {
                add_tag(restriction, node, " in " + quoted(parent.name()) + whose);
            }
            if (depth > 0 && is_true(node, "enabled", true) &&
                !std::string_view(node.name()).ends_with("Authentication")) {
                read_security(node, whose, depth - 1);
            }
        }
    }

    // -- rules -----------------------------------------------------------------------------------

    void read_rule(pugi::xml_node node, const std::string& where) {
        const std::string title = "rule " + quoted(attribute(node, "name"));
        const pugi::xml_node action = node.child("action");
        const std::string type = attribute(action, "type");
        const bool passes =
            type == "Rewrite" && attribute(action, "url").find("://") != std::string::npos;
        if (!is_true(node, "enabled", true)) {
            return;
        }
        if (passes) {
            if (!where.empty() && (sites_ > 1 || where.find('/') != where.npos)) {
                add(restriction, title + " was for " + quoted(where) + " only", node);
            }
            if (!node.child("serverVariables").first_child().empty()) {
                add_tag(lost, node.child("serverVariables"), " of " + title);
            }
            Rule rule{title, node, {}, {}};
            read_match(rule);
            publish(rule, attribute(action, "url"));
        } else if (type == "Rewrite" || type == "Redirect") {
            add_tag(lost, action, " of " + title);
        } else if ((type != "None" && !type.empty()) || is_true(node, "stopProcessing", false)) {
            add_tag(restriction, action,
                    " of " + title + ": what must stay closed is \"deny_path\"");
        }
    }

    /// For which requests it is.
    void read_match(Rule& rule) {
        constexpr std::string_view every = "* .* (.*) ^(.*)$ ^.*$ ^(.*)";
        const std::string whose = " of " + rule.title + " isn't asked any more";
        const pugi::xml_node match = rule.node.child("match");
        const std::string url = attribute(match, "url");
        if ((!url.empty() && !has_word(every, url)) || is_true(match, "negate", false)) {
            add_tag(restriction, match, whose + "; now it is the product's external paths");
        }
        const pugi::xml_node conditions = rule.node.child("conditions");
        const bool any = equal_ignore_case(attribute(conditions, "logicalGrouping"), "MatchAny");
        for (const pugi::xml_node condition : conditions.children("add")) {
            const std::string input = to_ascii_lower(attribute(condition, "input"));
            const std::string pattern = to_ascii_lower(attribute(condition, "pattern"));
            const bool negated = is_true(condition, "negate", false);
            if (input == "{http_host}" && !negated && (any || rule.hosts.empty())) {
                rule.hosts.push_back(pattern);
            } else if (input == "{https}" && !any) {
                rule.https = (pattern.find("on") != pattern.npos) != negated;
            } else if (input == "{server_port}" && !any && !negated) {
                rule.https = pattern.find("443") != pattern.npos;
            } else {
                add_tag(restriction, condition, whose);
            }
        }
    }

    /// `https://meet.contoso.com/{R:0}`: the host is a farm, or a server.
    void publish(Rule& rule, const std::string& url) {
        constexpr std::string_view same =
            "/ /{R:0} /{R:1} {REQUEST_URI} /{REQUEST_URI} {UNENCODED_URL}";
        const std::size_t begin = url.find("://") + 3;
        const std::size_t end = std::min(url.find_first_of("/{", begin), url.size());
        const std::string scheme = to_ascii_lower(url.substr(0, begin));
        const std::string target = to_ascii_lower(url.substr(begin, end - begin));
        if ((scheme != "http://" && scheme != "https://") || target.empty()) {
            add(lost, rule.title + " passes requests to " + quoted(url), rule.node);
            return;
        }
        if (end != url.size() && !has_word(same, url.substr(end))) {
            add(lost, rule.title + " changes the path: " + quoted(url), rule.node);
        }
        const Farm& farm = farm_of(target);
        // Without a condition on the protocol, the scheme that is written is what it was made for.
        const bool https = rule.https.value_or(scheme == "https://");
        const std::uint16_t written = https ? farm.https : farm.http;
        const std::uint16_t port = written != 0 ? written : https ? 443 : 80;
        if (https && scheme == "http://") {
            add(changed, rule.title + " passed https requests on unencrypted", rule.node);
        }
        if (rule.hosts.empty()) {
            rule.hosts.push_back(split_endpoint(target).first);
            add(changed, rule.title + " took every request; now it is one name's", rule.node);
        }
        const std::string syntax = to_ascii_lower(attribute(rule.node, "patternSyntax"));
        for (const std::string& pattern : rule.hosts) {
            const std::string host =
                host_of_pattern(pattern, !syntax.empty() && syntax != "ecmascript");
            if (host.empty()) {
                add(lost, rule.title + " is for the hosts " + quoted(pattern), rule.node);
                continue;
            }
            const bool stands_for_it =
                host.ends_with(".*") &&
                target.starts_with(std::string_view(host).substr(0, host.size() - 1));
            proxy_.routes.push_back({host, stands_for_it ? target : "", farm.group, port, https,
                                     file_.place(rule.node), nullptr});
        }
    }

    /// A server that is written in place of a farm is one of its own.
    const Farm& farm_of(const std::string& target) {
        if (const auto known = farm_index_.find(target); known != farm_index_.end()) {
            return farms_[known->second];
        }
        Farm& farm = add_farm(target);
        const auto [host, port] = split_endpoint(target);
        farm.http = farm.https = port;
        add_server(proxy_.groups[farm.group], host, "");
        return farm;
    }

    const XmlFile& file_;
    OldProxy proxy_;
    std::vector<Farm> farms_;
    std::unordered_map<std::string, std::size_t> farm_index_; ///< by name
    std::unordered_map<std::string, std::string> hosts_;      ///< addresses by name
    std::size_t sites_ = 0;
};

} // namespace

OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts) {
    const XmlFile file(xml, name, "configuration");
    return ArrReader(file, name, hosts).read();
}

} // namespace lync::lyncctl
