// pfSense's config.xml with the reverse proxy of its squid package. The fields are those that the
// package's forms write (squid_reverse_general.xml, squid_reverse_peer.xml, squid_reverse_uri.xml,
// squid_reverse_redir.xml), and mean what squid_reverse.inc makes of them [pfsense/FreeBSD-ports,
// www/pfSense-pkg-squid].

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/import/xml_file.h"

#include <openssl/evp.h>

#include <algorithm>
#include <span>
#include <unordered_map>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

constexpr std::string_view blanks = " \t\r\n";

std::string text_of(pugi::xml_node parent, const char* name) {
    return std::string(trimmed(parent.child(name).child_value(), blanks));
}

bool is_on(pugi::xml_node parent, const char* name) {
    return text_of(parent, name) == "on";
}

/// `peer "dc-https"`.
std::string title_of(std::string_view kind, pugi::xml_node node) {
    return std::string(kind) + " " + quoted(text_of(node, "name"));
}

/// What stands in base64; empty if it isn't.
std::string decode_base64(const std::string& text) {
    std::string bytes(text.size(), '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    bytes.resize(static_cast<std::size_t>(std::max(size, 0)));
    return bytes.substr(0, bytes.find_last_not_of('\0') + 1); // it pads with them
}

/// What squid's mappings match URLs with: the host of the expression, empty where it isn't one, and
/// whether it also asks for a path.
std::pair<std::string, bool> host_of_url_pattern(std::string_view pattern) {
    pattern.remove_prefix(pattern.starts_with('^') ? 1 : 0);
    for (const std::string_view start : {"https?://", "http(s)?://", "https://", "http://"}) {
        pattern.remove_prefix(pattern.starts_with(start) ? start.size() : 0);
    }
    pattern.remove_suffix(pattern.ends_with('$') ? 1 : 0);
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view path = pattern.substr(end);
    std::string_view host = pattern.substr(0, std::min(end, pattern.find(':')));
    if (host.size() == pattern.size() && host.ends_with(".*")) {
        host.remove_suffix(2); // "meet.contoso.com.*": whatever follows the host
    }
    const std::string name = host_of_pattern(host, false);
    return {name.ends_with(".*") ? "" : name, !has_word("/ /.* /* /(.*)", path) && !path.empty()};
}

/// The one page that a path's expression is for: "/owa" of "^/owa$", and of "^/owa", which is for
/// all that begins so; empty where there is no such page.
std::string page_of_pattern(std::string_view pattern) {
    pattern.remove_prefix(pattern.starts_with('^') ? 1 : 0);
    for (const std::string_view end : {"$", "?", "/"}) {
        pattern.remove_suffix(pattern.size() > 1 && pattern.ends_with(end) ? 1 : 0);
    }
    constexpr std::string_view special = ".[](){}*+?|^$\\";
    std::string path;
    for (std::size_t i = 0; i < pattern.size(); i++) {
        const bool escaped =
            pattern[i] == '\\' && i + 1 < pattern.size() && !is_ascii_alnum(pattern[i + 1]);
        if (!escaped && special.find(pattern[i]) != special.npos) {
            return {};
        }
        path += pattern[i += escaped ? 1 : 0];
    }
    return path.starts_with('/') ? path : std::string();
}

struct Peer {
    std::string address;
    std::uint16_t port = 0;
    bool tls = false;
};

class PfsenseReader {
public:
    PfsenseReader(const XmlFile& file, const std::string& name, std::string base)
        : file_(file), base_(std::move(base)) {
        proxy_.product = "squid on pfSense";
        proxy_.file = name;
    }

    OldProxy read() {
        packages_ = file_.root().child("installedpackages");
        general_ = packages_.child("squidreversegeneral").child("config");
        if (general_.empty()) {
            throw Mistake("no \"squidreversegeneral\" in \"installedpackages\": is the squid "
                          "package's reverse proxy configured on this machine?",
                          file_.place(packages_.empty() ? file_.root() : packages_));
        }
        read_general();
        read_certificate();
        read_peers();
        read_mappings();
        read_redirects();
        read_others();
        read_firewall();
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.remarks.push_back({kind, std::move(text), file_.place(node)});
    }

    /// Fields of a form that nothing is read of, as far as they say something.
    void name_others(pugi::xml_node config, std::string_view known, RemarkKind kind,
                     const std::string& whose) {
        for (const pugi::xml_node field : config.children()) {
            const std::string_view value = field.child_value();
            const bool nothing = value.empty() || value == "none" || value == "off" || value == "0";
            if (field.type() == pugi::node_element && !nothing && !has_word(known, field.name())) {
                add(kind, quoted(field.name()) + " " + quoted(value) + " of " + whose, field);
            }
        }
    }

    void read_general() {
        for (const bool tls : {false, true}) {
            if (is_on(general_, tls ? "reverse_https" : "reverse_http")) {
                const std::uint16_t port =
                    port_of(text_of(general_, tls ? "reverse_https_port" : "reverse_http_port"));
                proxy_.listen(std::to_string(port != 0 ? port : tls ? 443 : 80), {tls, false});
            }
        }
        if (proxy_.sockets.empty()) {
            throw Mistake("neither \"reverse_http\" nor \"reverse_https\" is on: the reverse proxy "
                          "is switched off",
                          file_.place(general_));
        }
        add(check,
            "squid listened on " + quoted(text_of(general_, "reverse_interface")) + " " +
                quoted(text_of(general_, "reverse_ip")) + " alone: see \"https_listen\"",
            general_);
        name_others(general_,
                    "reverse_interface reverse_ip reverse_external_fqdn deny_info_tcp_reset "
                    "reverse_http reverse_http_port reverse_http_defsite reverse_https "
                    "reverse_https_port reverse_https_defsite reverse_ssl_cert reverse_int_ca "
                    "reverse_ignore_ssl_valid reverse_compatibility_mode dhparams_size "
                    "disable_session_reuse ",
                    restriction, "the reverse proxy's general settings");
    }

    // -- certificates ----------------------------------------------------------------------------

    /// What stands in base64 in a field, as PEM; empty with a remark if it isn't. A key never gets
    /// into a file for certificates, which everybody may read.
    std::string pem_of(pugi::xml_node node, const char* field, bool key, const std::string& what) {
        std::string pem = decode_base64(text_of(node, field));
        std::erase(pem, '\r');
        const auto has = [&](std::string_view text) { return pem.find(text) != pem.npos; };
        const bool is_one = key ? has("-----BEGIN ") && has("PRIVATE KEY-----")
                                : has("-----BEGIN CERTIFICATE-----") && !has("PRIVATE KEY-----");
        if (!is_one || pem.find('\0') != pem.npos) {
            add(lost,
                what + " isn't a " + (key ? "private key" : "certificate") + " in PEM and base64",
                node.child(field).empty() ? node : node.child(field));
            return {};
        }
        return pem.ends_with('\n') ? pem : pem + '\n';
    }

    void read_certificate() {
        const std::string id = text_of(general_, "reverse_ssl_cert");
        if (!is_on(general_, "reverse_https") || id.empty() || id == "none") {
            return;
        }
        const pugi::xml_node found = file_.root().find_child([&](pugi::xml_node node) {
            return node.name() == std::string_view("cert") && text_of(node, "refid") == id;
        });
        const std::string title =
            "the certificate " + quoted(found.empty() ? id : text_of(found, "descr"));
        std::string chain = pem_of(found, "crt", false, title);
        std::string key = pem_of(found, "prv", true, title + "'s key");
        if (!chain.empty() && !text_of(general_, "reverse_int_ca").empty()) {
            chain += pem_of(general_, "reverse_int_ca", false, "the intermediate certificate");
        }
        if (chain.empty() || key.empty()) {
            return;
        }
        if (base_.empty()) {
            add(check, title + " and its key are in the old file: --out-dir writes them", found);
            return;
        }
        proxy_.certificates.emplace_back(base_ + ".pem", base_ + ".key");
        proxy_.files.push_back({base_ + ".pem", std::move(chain), false});
        proxy_.files.push_back({base_ + ".key", std::move(key), true});
    }

    // -- what is published -----------------------------------------------------------------------

    void read_peers() {
        for (const pugi::xml_node node : packages_.child("squidreversepeer").children("config")) {
            const std::string title = title_of("peer", node);
            const std::string port = text_of(node, "port");
            const bool tls = text_of(node, "protocol") == "HTTPS";
            if (is_on(node, "enable") && port_of(port) != 0 &&
                is_on(general_, tls ? "reverse_https" : "reverse_http")) {
                peers_.try_emplace(text_of(node, "name"),
                                   Peer{to_ascii_lower(text_of(node, "ip")), port_of(port), tls});
            }
            name_others(node, "enable name ip port protocol description ", lost, title);
        }
    }

    void read_mappings() {
        for (const pugi::xml_node node : packages_.child("squidreverseuri").children("config")) {
            const std::string title = title_of("mapping", node);
            if (!is_on(node, "enable")) {
                continue;
            }
            name_others(node, "enable name description peers row ", restriction, title);
            const Route routes[] = {route_of(node, true), route_of(node, false)};
            for (const pugi::xml_node row : node.children("row")) {
                name_others(row, "uri ", restriction, title);
                read_row(title, row, routes);
            }
        }
    }

    /// The peers of a mapping with one protocol. They are one address and port each; a pool is
    /// addresses with the same port. Port 0: none.
    Route route_of(pugi::xml_node mapping, bool tls) {
        Route route{"", "", proxy_.groups.size(), 0, tls, {}, nullptr};
        OldGroup group;
        const std::string names = text_of(mapping, "peers");
        for (const std::string_view name : split(names, ',')) {
            const auto peer = peers_.find(std::string(trimmed(name, blanks)));
            if (peer == peers_.end() || peer->second.tls != tls) {
                continue;
            }
            if (route.port == 0 || route.port == peer->second.port) {
                route.port = peer->second.port;
                group.servers.push_back({peer->second.address, ""});
            } else {
                add(lost, "peer " + quoted(name) + " has another port than the first", mapping);
            }
        }
        proxy_.groups.push_back(std::move(group));
        return route;
    }

    void read_row(const std::string& title, pugi::xml_node row, std::span<const Route> routes) {
        std::string uri = text_of(row, "uri");
        if (uri.empty()) {
            uri = text_of(general_, "reverse_external_fqdn");
        }
        const auto [host, has_path] = host_of_url_pattern(uri);
        if (host.empty()) {
            add(lost, title + " is for " + quoted(uri) + ": write the names that are meant", row);
            return;
        }
        if (has_path) {
            add(restriction, title + " was for the paths of " + quoted(uri), row);
        }
        for (const Route& route : routes) {
            if (route.port != 0) {
                proxy_.routes.push_back(
                    {host, "", route.group, route.port, route.tls, file_.place(row), nullptr});
            }
        }
    }

    /// squid sends GET and HEAD, and all else, away from the pages of some hosts.
    void read_redirects() {
        for (const pugi::xml_node node : packages_.child("squidreverseredir").children("config")) {
            const std::string pattern = text_of(node, "pathregex");
            const std::string to = text_of(node, "redirurl");
            const std::string protocols = text_of(node, "protocol");
            if (!is_on(node, "enable") || pattern.empty() || to.empty() || protocols.empty()) {
                continue;
            }
            const std::string title = title_of("redirect", node);
            const std::string path = page_of_pattern(pattern);
            if (path.empty() || to.find('%') != to.npos) {
                add(lost,
                    title + " of " + quoted(pattern) + " to " + quoted(to) +
                        ": write the page that is meant, and a constant URL",
                    node);
                continue;
            }
            if (!pattern.starts_with('^') || !pattern.ends_with('$')) {
                add(lost,
                    title + " was for whatever matches " + quoted(pattern) + ", and is for " +
                        quoted(path) + " alone",
                    node);
            }
            for (const pugi::xml_node row : node.children("row")) {
                for (const std::string_view host : split(row.child_value("uri"), ' ')) {
                    if (!host.empty()) {
                        proxy_.redirects.push_back(
                            {to_ascii_lower(std::string(host)), path, to, file_.place(row)});
                    }
                }
            }
        }
    }

    // -- what else decided who got in ------------------------------------------------------------

    /// Access lists, users and limits of the same squid, and its own lines.
    void read_others() {
        for (const pugi::xml_node package : packages_.children()) {
            const std::string_view name = package.name();
            const bool lists =
                has_word("squidnac squidauth squidusers squidtraffic squidguard-", name);
            for (const pugi::xml_node config : package.children("config")) {
                for (const pugi::xml_node field : config.children()) {
                    const bool own = name == "squid" && has_word("custom_options-", field.name());
                    if ((lists || own) && !field.first_child().empty()) {
                        add(restriction, quoted(field.name()) + " of " + quoted(name), field);
                    }
                }
            }
        }
    }

    /// The firewall before squid: rules that don't let everybody in.
    void read_firewall() {
        const std::string ours = text_of(general_, "reverse_interface");
        for (const pugi::xml_node rule : file_.root().child("filter").children("rule")) {
            const std::string on = text_of(rule, "interface");
            const std::string port = text_of(rule.child("destination"), "port");
            const bool open =
                text_of(rule, "type") == "pass" && !rule.child("source").child("any").empty();
            const bool elsewhere = rule.child("floating").empty() && !on.empty() &&
                                   ("," + ours + ",").find("," + on + ",") == ours.npos &&
                                   on.find(',') == on.npos;
            if (!open && !elsewhere && rule.child("disabled").empty() &&
                (port_of(port) == 0 || proxy_.sockets.contains(port))) {
                add(restriction, "the firewall rule " + quoted(text_of(rule, "descr")), rule);
            }
        }
    }

    const XmlFile& file_;
    const std::string base_; ///< of files' paths; empty: none are written
    OldProxy proxy_;
    pugi::xml_node packages_;
    pugi::xml_node general_;
    std::unordered_map<std::string, Peer> peers_; ///< by name
};

} // namespace

OldProxy read_pfsense(std::string_view xml, const std::string& name, const std::string& directory,
                      const std::string& publication) {
    if (xml.substr(0, 100).find("---- BEGIN config.xml ----") != xml.npos) {
        throw Mistake("the backup is encrypted: make one without \"Encrypt this configuration "
                      "file\", or take /conf/config.xml",
                      {name, 1});
    }
    const XmlFile file(xml, name, "pfsense");
    return PfsenseReader(file, name, directory.empty() ? "" : directory + publication).read();
}

} // namespace lync::lyncctl
