// IIS with Application Request Routing: servers are in the webFarms section, published names in the
// rewrite module's globalRules [IIS configuration reference: webFarms, rewrite/globalRules,
// security; Lync Server 2013, "Configure web publishing rules for a single internal pool": IIS
// ARR].

#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/addresses.h"
#include "lyncctl/import/xml_file.h"

#include <algorithm>
#include <unordered_map>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

/// Elements outside of `security` that may restrict access.
constexpr const char* restrictions =
    "//system.webServer/isapiFilters/filter[not(starts-with(@name, 'ASP.Net_'))] | "
    "//rewrite/*/rule[not(@enabled='false')]/match[@negate='true'] | "
    "//rewrite/*/rule[not(@enabled='false')]/action[not(@type='Rewrite')]";

/// Attributes that restrict nothing.
constexpr std::string_view harmless =
    "sslFlags=None sslFlags= allowUnlisted=true allowDoubleEscaping=true "
    "allowHighBitCharacters=true applyToWebDAV- accessType=Allow users=* roles= verbs= "
    "maxAllowedContentLength- maxUrl- maxQueryString- removeServerHeader- lock- userName- "
    "enableLoggingOnlyMode-";

class ArrReader {
public:
    explicit ArrReader(const XmlFile& file) : file_(file) {
        draft_.source = "IIS with Application Request Routing";
        draft_.file = file.place(file.root()).file;
    }

    Draft read() {
        const pugi::xml_node root = file_.root();
        for (const pugi::xml_node farm : root.child("webFarms").children("webFarm")) {
            read_farm(farm);
        }
        for (const auto& binding :
             root.select_nodes("system.applicationHost/sites/site[not(@serverAutoStart='false')]"
                               "/bindings/binding[@protocol='http' or @protocol='https']")) {
            read_binding(binding.node());
        }
        for (const auto& rule :
             root.select_nodes("//rewrite/globalRules/rule[not(@enabled='false')] | "
                               "//rewrite/rules/rule[not(@enabled='false')]")) {
            read_rule(rule.node());
        }
        read_restrictions();
        if (draft_.farms.empty()) {
            throw Mistake("no \"webFarms\" and no rewrite rules that pass requests on: is "
                          "Application Request Routing configured on this machine?",
                          file_.place(root));
        }
        draft_.add(check, file_.place(root),
                   "other sections, fileExtensions, hiddenSegments and the sites' web.config files "
                   "weren't read: they may hold rules and restrictions");
        return std::move(draft_);
    }

private:
    /// A remark with the element as it is written, and the rule or section around it.
    void add_tag(RemarkKind kind, pugi::xml_node node) {
        const std::string location =
            node.select_node("ancestor-or-self::location/@path").attribute().value();
        const pugi::xml_node rule = node.select_node("ancestor-or-self::rule").node();
        draft_.add(kind, file_.place(node), "{} in {}{}{}", tag_of(node), rule ? "rule " : "",
                   quoted(rule ? attribute(rule, "name") : node.parent().name()),
                   location.empty() ? "" : formatted(" of {}", quoted(location)));
    }

    void read_farm(pugi::xml_node node) {
        Farm& farm = add_farm(attribute(node, "name"), node);
        for (const pugi::xml_node server : node.children("server")) {
            const pugi::xml_node routing = server.child("applicationRequestRouting");
            const std::uint16_t http = port_of(attribute(routing, "httpPort"));
            const std::uint16_t https = port_of(attribute(routing, "httpsPort"));
            if (farm.servers.empty()) {
                farm.ports = {http, https};
            } else if (http != farm.ports.http || https != farm.ports.https) {
                add_tag(lost, server);
                continue;
            }
            const bool down =
                attribute(server, "enabled") == "false" || attribute(node, "enabled") == "false";
            farm.servers.push_back({attribute(server, "address"), down ? " down" : ""});
        }
        for (const auto& part : node.select_nodes(
                 "applicationRequestRouting/affinity[@* and not(@useCookie='false')] | "
                 "server/applicationRequestRouting[@weight and not(@weight='100')] | "
                 "applicationRequestRouting/healthCheck[@*]")) {
            add_tag(lost, part.node());
        }
    }

    Farm& add_farm(const std::string& name, pugi::xml_node node) {
        Farm& farm = draft_.farms.emplace_back();
        farm.place = file_.place(node);
        farms_[to_ascii_lower(name)] = &farm;
        return farm;
    }

    /// `*:443:` or `10.0.0.5:443:meet.contoso.com` or `[2001:db8::1]:443:`
    void read_binding(pugi::xml_node binding) {
        const std::string text = attribute(binding, "bindingInformation");
        const std::size_t host = std::min(text.rfind(':'), text.size());
        const std::string socket = (text.starts_with(':') ? "*" : "") + text.substr(0, host);
        if (!add_socket(draft_.sockets, socket,
                        {attribute(binding, "protocol") == "https", false})) {
            add_tag(lost, binding);
        } else if (host + 1 < text.size()) {
            add_tag(restriction, binding);
        }
    }

    void add_restriction(pugi::xml_node node) {
        if (std::ranges::any_of(node.attributes(), [](pugi::xml_attribute part) {
                return !has_word(harmless, std::string(part.name()) + "=" + part.value());
            })) {
            add_tag(restriction, node);
        }
    }

    /// What is in a `security` section, of the machine or of a location, unless it is disabled. The
    /// lists that IIS is installed with are left to the administrator.
    void read_security(pugi::xml_node section) {
        constexpr std::string_view left =
            "clear remove applicationDependencies isapiCgiRestriction";
        for (const pugi::xml_node node : section.children()) {
            const std::string_view name = node.name();
            const bool off = attribute(node, "enabled") == "false";
            if (has_word(left, name)) {
                continue;
            }
            if (off == (name == "anonymousAuthentication")) {
                add_restriction(node);
            }
            if (!off && !has_word("fileExtensions hiddenSegments", name) &&
                name.find("Authentication") == name.npos) {
                read_security(node);
            }
        }
    }

    void read_restrictions() {
        for (const auto& section :
             file_.root().select_nodes("//system.webServer/security[not(ancestor::security)]")) {
            read_security(section.node());
        }
        for (const auto& found : file_.root().select_nodes(restrictions)) {
            add_restriction(found.node());
        }
        for (const auto& lines : file_.root().select_nodes(
                 "//rewrite/outboundRules/rule | //rewrite/*/rule/serverVariables[*]")) {
            add_tag(lost, lines.node());
        }
    }

    void read_rule(pugi::xml_node rule) {
        constexpr std::string_view every = "* .* (.*) ^(.*)$ ^.*$ ^(.*)";
        constexpr std::string_view same =
            "/ /{R:0} /{R:1} {REQUEST_URI} /{REQUEST_URI} {UNENCODED_URL}";
        const pugi::xml_node action = rule.child("action");
        if (attribute(action, "type") != "Rewrite") {
            return; // a restriction, see above
        }
        const Target target = split_url(attribute(action, "url"));
        if (target.name.empty() || (!target.path.empty() && !has_word(same, target.path))) {
            add_tag(lost, action);
        }
        if (target.name.empty()) {
            return;
        }
        const pugi::xml_node match = rule.child("match");
        if (const std::string path = attribute(match, "url");
            !path.empty() && !has_word(every, path)) {
            add_tag(restriction, match);
        }
        if (rule.select_node("ancestor::location")) {
            add_tag(restriction, rule);
        }
        publish(rule, target);
    }

    /// Publishes the hosts of a rule's conditions; a target that isn't a farm is a server.
    void publish(pugi::xml_node rule, const Target& target) {
        const auto known = farms_.find(target.name);
        Farm& farm = known != farms_.end() ? *known->second : add_farm(target.name, rule);
        std::uint16_t& port = farm.port(target.tls);
        if (known == farms_.end()) {
            const auto [host, written] = split_socket(target.name);
            port = written;
            farm.servers.push_back({host, ""});
        }
        port = port_or_usual(port, target.tls);
        const std::string syntax = to_ascii_lower(attribute(rule, "patternSyntax"));
        const bool any =
            equal_ignore_case(attribute(rule.child("conditions"), "logicalGrouping"), "MatchAny");
        bool named = false;
        for (const pugi::xml_node condition : rule.child("conditions").children("add")) {
            const std::string input = to_ascii_lower(attribute(condition, "input"));
            const bool scheme = input == "{https}" || input == "{server_port_secure}" ||
                                (input == "{server_port}" &&
                                 has_word("443 ^443$ 80 ^80$", attribute(condition, "pattern")));
            const std::string host = host_of_pattern(attribute(condition, "pattern"),
                                                     !syntax.empty() && syntax != "ecmascript");
            const bool negated = attribute(condition, "negate") == "true";
            if (input == "{http_host}" && !negated && !host.empty() && (any || !named)) {
                named = true;
                draft_.names.push_back({host, &farm, file_.place(rule)});
            } else if (!scheme || any) {
                add_tag(restriction, condition);
            }
        }
        if (!named) {
            add_tag(lost, rule); // for every name, or only for patterns
        }
    }

    const XmlFile& file_;
    Draft draft_;
    std::unordered_map<std::string, Farm*> farms_; ///< by name
};

} // namespace

Draft read_arr(std::string_view xml, const std::string& name) {
    const XmlFile file(xml, name, "configuration");
    return ArrReader(file).read();
}

} // namespace lync::lyncctl
