// IIS with Application Request Routing: the webFarms section tells where, the rewrite module's
// globalRules which requests [IIS configuration reference: webFarms, rewrite/globalRules, security;
// Lync Server 2013, "Configure web publishing rules for a single internal pool": IIS ARR].

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "base/format.h"
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

/// What IIS's own applicationHost.config refuses: no word of the administrator's.
constexpr std::string_view refused_by_default =
    ".asa .asax .ascx .master .skin .browser .sitemap .config .cs .csproj .vb .vbproj .webinfo "
    ".licx .resx .resources .mdb .vjsproj .java .jsl .ldb .dsdgm .ssdgm .lsad .ssmap .cd "
    ".dsprototype .lsaprototype .sdm .sdmDocument .mdf .ldf .ad .dd .ldd .sd .adprototype "
    ".lddprototype .exclude .refresh .compiled .msgx .vsdisco .rules web.config bin App_code "
    "App_GlobalResources App_LocalResources App_WebReferences App_Data App_Browsers";

/// Elements that may keep somebody out: of security sections, of the machine and of each location,
/// unless one around them is switched off.
constexpr const char* security =
    "(/*/system.webServer | /*/location/system.webServer)"
    "/security//*[not(self::clear or self::remove)]"
    "[not(ancestor-or-self::applicationDependencies or ancestor-or-self::isapiCgiRestriction)]"
    "[not(ancestor::*[@enabled='false' or contains(name(), 'Authentication')])]";

/// Whether such an element does so by itself, beyond what IIS does as it is installed.
bool restricts(pugi::xml_node node) {
    constexpr std::string_view harmless =
        "maxAllowedContentLength maxUrl maxQueryString applyToWebDAV userName removeServerHeader "
        "lock-";
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
    const auto attributes = node.attributes();
    return std::any_of(attributes.begin(), attributes.end(), [&](pugi::xml_attribute part) {
        const std::string_view said = part.name();
        const std::string value = to_ascii_lower(part.value());
        const bool open = said.starts_with("allow") && value == "true";
        const bool off = value.empty() || value == "false" || value == "none" || value == "0";
        return !has_word(harmless, said) && !open && (!off || said == "allowUnlisted");
    });
}

struct Farm {
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
    ArrReader(const XmlFile& file, std::string_view hosts)
        : file_(file), hosts_(read_hosts(hosts)) {
        proxy_.product = "IIS with Application Request Routing";
        proxy_.file = file.place(file.root()).file;
    }

    OldProxy read() {
        const pugi::xml_node root = file_.root();
        for (const pugi::xml_node farm : root.child("webFarms").children("webFarm")) {
            read_farm(farm);
        }
        const auto sites = root.child("system.applicationHost").child("sites").children("site");
        sites_ = static_cast<std::size_t>(std::distance(sites.begin(), sites.end()));
        for (const pugi::xml_node site : sites) {
            for (const pugi::xml_node binding : site.child("bindings").children("binding")) {
                read_binding(binding);
            }
        }
        read_sections();
        for (const auto& rule :
             root.select_nodes("//rewrite/globalRules/rule[not(@enabled='false')] | "
                               "//rewrite/rules/rule[not(@enabled='false')]")) {
            read_rule(rule.node());
        }
        if (farms_.empty() && proxy_.routes.empty()) {
            throw Mistake("no \"webFarms\" and no rewrite rules that pass requests on: is "
                          "Application Request Routing configured on this machine?",
                          file_.place(root));
        }
        proxy_.add(check,
                   "the sites' web.config files weren't read: they may hold rules and restrictions",
                   file_.place(root));
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.add(kind, std::move(text), file_.place(node));
    }

    /// The element as it is written is what has to be looked at, and the location that it is for.
    void add_tag(RemarkKind kind, pugi::xml_node node, const std::string& more = "") {
        const std::string where = location_of(node);
        add(kind, tag_of(node) + more + (where.empty() ? "" : " of " + quoted(where)), node);
    }

    /// A site, or one of its folders ("Default Web Site/lync"); empty for the machine.
    static std::string location_of(pugi::xml_node node) {
        const std::string path =
            node.select_node("ancestor-or-self::location/@path").attribute().value();
        return path == "." ? "" : path;
    }

    // -- farms, sites and sections ---------------------------------------------------------------

    void read_farm(pugi::xml_node node) {
        const std::string name = to_ascii_lower(attribute(node, "name"));
        const std::string whose = " of farm " + quoted(name);
        Farm& farm = add_farm(name);
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
            add_server(group, to_ascii_lower(attribute(server, "address")),
                       is_true(server, "enabled", true) ? "" : " down");
        }
        for (const auto& part : node.select_nodes(
                 "applicationRequestRouting/affinity[@* and not(@useCookie='false')] | "
                 "applicationRequestRouting/healthCheck[@*] | "
                 "server/applicationRequestRouting[@weight and not(@weight='100')]")) {
            add_tag(lost, part.node(), whose);
        }
        if (!is_true(node, "enabled", true)) {
            group.servers.clear();
        }
    }

    Farm& add_farm(const std::string& name) {
        const auto known = farms_.try_emplace(name, Farm{proxy_.groups.size()}).first;
        proxy_.groups.emplace_back();
        return known->second;
    }

    /// By its address where the hosts file tells it; one server's name is that of its pool then.
    void add_server(OldGroup& group, const std::string& name, const char* parameters) {
        const auto known = hosts_.find(name);
        group.servers.push_back({known == hosts_.end() ? name : known->second, parameters});
        group.name = group.servers.size() == 1 ? name : "";
    }

    /// `*:443:` or `10.0.0.5:443:meet.contoso.com` or `[2001:db8::1]:443:`
    void read_binding(pugi::xml_node binding) {
        const std::string protocol = attribute(binding, "protocol");
        const std::string text = attribute(binding, "bindingInformation");
        const std::size_t host = std::min(text.rfind(':'), text.size());
        if (protocol != "http" && protocol != "https") {
            return;
        }
        const std::string socket = (text.starts_with(':') ? "*" : "") + text.substr(0, host);
        if (proxy_.listen(socket, {protocol == "https", false}).empty()) {
            add(lost, "binding " + quoted(text), binding);
        } else if (host + 1 < text.size()) {
            add(restriction,
                formatted("binding {} of site {}", quoted(text),
                          quoted(attribute(binding.parent().parent(), "name"))),
                binding);
        }
    }

    void read_sections() {
        constexpr std::string_view harmless =
            "applicationInitialization asp caching cgi configProtectedData configSections "
            "defaultDocument directoryBrowse diskCache fastCgi globalModules handlers "
            "httpCompression httpErrors httpLogging httpProtocol httpTracing isapiFilters location "
            "management moduleProviders modules odbcLogging proxy rewrite security serverRuntime "
            "serverSideInclude staticContent system.applicationHost system.ftpServer "
            "system.webServer tracing urlCompression validation webFarms webSocket webdav";
        for (const auto& section : file_.root().select_nodes(
                 "/*/*[@* or *] | /*/location/*[@* or *] | //system.webServer/*[@* or *]")) {
            if (!has_word(harmless, section.node().name())) {
                add_tag(lost, section.node());
            }
        }
        for (const auto& filter : file_.root().select_nodes(
                 "//system.webServer/isapiFilters/filter[not(starts-with(@name, 'ASP.Net_'))]")) {
            add_tag(restriction, filter.node());
        }
        for (const auto& element : file_.root().select_nodes(security)) {
            if (restricts(element.node())) {
                add_tag(restriction, element.node(),
                        " in " + quoted(element.node().parent().name()));
            }
        }
        for (const auto& rule : file_.root().select_nodes("//rewrite/outboundRules/rule")) {
            add_tag(lost, rule.node(), " of the outbound rules");
        }
    }

    // -- rules -----------------------------------------------------------------------------------

    void read_rule(pugi::xml_node node) {
        Rule rule{"rule " + quoted(attribute(node, "name")), node, {}, {}};
        const pugi::xml_node action = node.child("action");
        const std::string type = attribute(action, "type");
        const std::string url = attribute(action, "url");
        if (type == "Rewrite" && url.find("://") != url.npos) {
            const std::string where = location_of(node);
            if (!where.empty() && (sites_ > 1 || where.find('/') != where.npos)) {
                add(restriction, formatted("{} was for {} only", rule.title, quoted(where)), node);
            }
            if (node.child("serverVariables").first_child()) {
                add_tag(lost, node.child("serverVariables"), " of " + rule.title);
            }
            read_match(rule);
            publish(rule, url);
        } else if (type == "Rewrite" || type == "Redirect") {
            add_tag(lost, action, " of " + rule.title);
        } else if ((type != "None" && !type.empty()) || is_true(node, "stopProcessing", false)) {
            add_tag(restriction, action,
                    " of " + rule.title + ": what must stay closed is \"deny_path\"");
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
            add(lost, formatted("{} passes requests to {}", rule.title, quoted(url)), rule.node);
            return;
        }
        if (end != url.size() && !has_word(same, url.substr(end))) {
            add(lost, formatted("{} changes the path: {}", rule.title, quoted(url)), rule.node);
        }
        const Farm& farm = farm_of(target);
        // Without a condition on the protocol, the scheme that is written is what it was made for.
        const bool https = rule.https.value_or(scheme == "https://");
        const std::uint16_t written = https ? farm.https : farm.http;
        const std::uint16_t port = written != 0 ? written : https ? 443 : 80;
        if (rule.hosts.empty()) {
            rule.hosts.push_back(split_endpoint(target).first);
            add(changed, rule.title + " took every request; now it is one name's", rule.node);
        }
        const std::string syntax = to_ascii_lower(attribute(rule.node, "patternSyntax"));
        for (const std::string& pattern : rule.hosts) {
            const std::string host =
                host_of_pattern(pattern, !syntax.empty() && syntax != "ecmascript");
            if (host.empty()) {
                add(lost, formatted("{} is for the hosts {}", rule.title, quoted(pattern)),
                    rule.node);
                continue;
            }
            const bool stands_for_it =
                host.ends_with(".*") &&
                target.starts_with(std::string_view(host).substr(0, host.size() - 1));
            proxy_.routes.push_back({host, stands_for_it ? target : "", farm.group, port, https,
                                     scheme == "https://", file_.place(rule.node), nullptr});
        }
    }

    /// A server that is written in place of a farm is one of its own.
    const Farm& farm_of(const std::string& target) {
        if (const auto known = farms_.find(target); known != farms_.end()) {
            return known->second;
        }
        Farm& farm = add_farm(target);
        const auto [host, port] = split_endpoint(target);
        farm.http = farm.https = port;
        add_server(proxy_.groups[farm.group], host, "");
        return farm;
    }

    const XmlFile& file_;
    OldProxy proxy_;
    std::unordered_map<std::string, Farm> farms_;        ///< by name
    std::unordered_map<std::string, std::string> hosts_; ///< addresses by name
    std::size_t sites_ = 0;
};

} // namespace

OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts) {
    const XmlFile file(xml, name, "configuration");
    return ArrReader(file, hosts).read();
}

} // namespace lync::lyncctl
