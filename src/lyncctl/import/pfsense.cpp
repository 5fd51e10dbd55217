// pfSense's config.xml with the reverse proxy of its squid package. The fields are those that the
// package's forms write (squid_reverse_general.xml, squid_reverse_peer.xml, squid_reverse_uri.xml,
// squid_reverse_redir.xml), and mean what squid_reverse.inc makes of them [pfsense/FreeBSD-ports,
// www/pfSense-pkg-squid].

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

constexpr std::string_view blanks = " \t\r\n";

std::string text_of(pugi::xml_node parent, const char* name) {
    return std::string(trimmed(parent.child(name).child_value(), blanks));
}

bool is_on(pugi::xml_node parent, const char* name) {
    return text_of(parent, name) == "on";
}

/// `peer "dc-https"`.
std::string title_of(std::string_view kind, pugi::xml_node node) {
    return formatted("{} {}", kind, quoted(text_of(node, "name")));
}

/// The host of a regular expression for URLs in squid's mappings, empty if it has no single one,
/// and whether it asks for a path, too.
std::pair<std::string, bool> host_of_url_pattern(std::string_view pattern) {
    pattern.remove_prefix(pattern.starts_with('^') ? 1 : 0);
    for (const std::string_view start : {"https?://", "http(s)?://", "https://", "http://"}) {
        pattern.remove_prefix(pattern.starts_with(start) ? start.size() : 0);
    }
    pattern.remove_suffix(pattern.ends_with('$') ? 1 : 0);
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view path = pattern.substr(end);
    const std::string name =
        host_of_pattern(pattern.substr(0, std::min(end, pattern.find(':'))), false);
    return {name.ends_with(".*") ? "" : name, !has_word("/ /.* /* /(.*)", path) && !path.empty()};
}

struct Peer {
    std::string address;
    std::uint16_t port = 0;
    bool tls = false;
};

class PfsenseReader {
public:
    explicit PfsenseReader(const XmlFile& file) : file_(file) {
        draft_.source = "squid on pfSense";
        draft_.file = file.place(file.root()).file;
        packages_ = file.root().child("installedpackages");
        general_ = packages_.child("squidreversegeneral").child("config");
    }

    Draft read() {
        if (!general_) {
            throw Mistake("no \"squidreversegeneral\" in \"installedpackages\": is the squid "
                          "package's reverse proxy configured on this machine?",
                          file_.place(packages_ ? packages_ : file_.root()));
        }
        read_general();
        read_peers();
        for (const auto& node : packages_.select_nodes("squidreverseuri/config[enable='on']")) {
            read_mapping(node.node());
        }
        for (const auto& node : packages_.select_nodes("squidreverseredir/config[enable='on']")) {
            draft_.add(lost, file_.place(node.node()), "{} of {} to {}: see \"redirect\"",
                       title_of("redirect", node.node()), quoted(text_of(node.node(), "pathregex")),
                       quoted(text_of(node.node(), "redirurl")));
        }
        read_restrictions();
        return std::move(draft_);
    }

private:
    /// Remarks on the fields of a form that are set and aren't read.
    void add_others(pugi::xml_node config, std::string_view known, RemarkKind kind,
                    const std::string& whose) {
        for (const pugi::xpath_node each :
             config.select_nodes("*[not(.='' or .='none' or .='off' or .='0')]")) {
            const pugi::xml_node field = each.node();
            if (!has_word(known, field.name())) {
                draft_.add(kind, file_.place(field), "{} {} of {}", quoted(field.name()),
                           quoted(field.child_value()), whose);
            }
        }
    }

    void read_general() {
        for (const bool tls : {false, true}) {
            if (is_on(general_, tls ? "reverse_https" : "reverse_http")) {
                const std::uint16_t port =
                    port_of(text_of(general_, tls ? "reverse_https_port" : "reverse_http_port"));
                add_socket(draft_.sockets, std::to_string(port_or_usual(port, tls)), {tls, false});
            }
        }
        draft_.add(check, file_.place(general_),
                   "squid listened on {} {} alone: see \"https_listen\"; firewall rules, which may "
                   "keep clients out, weren't read",
                   quoted(text_of(general_, "reverse_interface")),
                   quoted(text_of(general_, "reverse_ip")));
        add_others(general_,
                   "reverse_interface reverse_ip reverse_external_fqdn deny_info_tcp_reset "
                   "reverse_http reverse_http_port reverse_http_defsite reverse_https "
                   "reverse_https_port reverse_https_defsite reverse_ssl_cert reverse_int_ca "
                   "reverse_ignore_ssl_valid reverse_compatibility_mode dhparams_size "
                   "disable_session_reuse",
                   restriction, "the reverse proxy's general settings");
    }

    void read_peers() {
        for (const pugi::xml_node node : packages_.child("squidreversepeer").children("config")) {
            const std::uint16_t port = port_of(text_of(node, "port"));
            const bool tls = text_of(node, "protocol") == "HTTPS";
            if (is_on(node, "enable") && port != 0 &&
                is_on(general_, tls ? "reverse_https" : "reverse_http")) {
                peers_.try_emplace(text_of(node, "name"),
                                   Peer{to_ascii_lower(text_of(node, "ip")), port, tls});
            }
            add_others(node, "enable name ip port protocol description", lost,
                       title_of("peer", node));
        }
    }

    void read_mapping(pugi::xml_node mapping) {
        const std::string title = title_of("mapping", mapping);
        add_others(mapping, "enable name description peers row", restriction, title);
        Farm& farm = draft_.farms.emplace_back();
        farm.place = file_.place(mapping);
        read_servers(mapping, farm);
        for (const pugi::xml_node row : mapping.children("row")) {
            add_others(row, "uri", restriction, title);
            std::string uri = text_of(row, "uri");
            uri = uri.empty() ? text_of(general_, "reverse_external_fqdn") : uri;
            const auto [host, has_path] = host_of_url_pattern(uri);
            if (host.empty() || has_path) {
                draft_.add(host.empty() ? lost : restriction, file_.place(row), "{} was for {}",
                           title, quoted(uri));
            }
            if (!host.empty()) {
                draft_.names.push_back({host, &farm, file_.place(row)});
            }
        }
    }

    /// The peers of a mapping. Each has its own port and protocol; in a pool all servers have the
    /// same ports.
    void read_servers(pugi::xml_node mapping, Farm& farm) {
        const std::string names = text_of(mapping, "peers");
        for (std::string_view rest = names; !rest.empty();) {
            const std::string_view name = trimmed(take_until(rest, ','), blanks);
            const auto peer = peers_.find(std::string(name));
            if (peer == peers_.end()) {
                continue;
            }
            const auto& [address, port, tls] = peer->second;
            if (std::uint16_t& known = farm.port(tls); known == 0 || known == port) {
                known = port;
                farm.servers.push_back({address, ""});
            } else {
                draft_.add(lost, file_.place(mapping), "peer {} has another port than the first",
                           quoted(name));
            }
        }
    }

    /// Other restrictions of the same squid: access lists, users, limits, and its custom options.
    void read_restrictions() {
        for (const pugi::xpath_node each : packages_.select_nodes(
                 "*[contains(' squidnac squidauth squidusers squidtraffic ',"
                 "concat(' ', name(), ' ')) or starts-with(name(), 'squidguard')]/config/*[node()]"
                 " | squid/config/*[starts-with(name(), 'custom_options')][node()]")) {
            const pugi::xml_node node = each.node();
            draft_.add(restriction, file_.place(node), "{} of {}", quoted(node.name()),
                       quoted(node.parent().parent().name()));
        }
    }

    const XmlFile& file_;
    Draft draft_;
    pugi::xml_node packages_;
    pugi::xml_node general_;
    std::unordered_map<std::string, Peer> peers_; ///< by name
};

} // namespace

Draft read_pfsense(std::string_view xml, const std::string& name) {
    if (xml.substr(0, 100).find("---- BEGIN config.xml ----") != xml.npos) {
        throw Mistake("the backup is encrypted: make one without \"Encrypt this configuration "
                      "file\", or take /conf/config.xml",
                      {name, 1});
    }
    const XmlFile file(xml, name, "pfsense");
    return PfsenseReader(file).read();
}

} // namespace lync::lyncctl
