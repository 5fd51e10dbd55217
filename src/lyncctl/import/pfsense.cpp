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
#include <memory>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

std::string text_of(pugi::xml_node parent, const char* name) {
    return std::string(trimmed(parent.child(name).child_value(), " \t\r\n"));
}

bool is_on(pugi::xml_node parent, const char* name) {
    return text_of(parent, name) == "on";
}

/// `peer "dc-https"`.
std::string title_of(std::string_view kind, pugi::xml_node node) {
    return std::string(kind) + " " + quoted(text_of(node, "name"));
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (std::string part(trimmed(text.substr(0, end), " \t\r\n")); !part.empty()) {
            parts.push_back(std::move(part));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

/// What stands in base64, or as much of it as is.
std::string decode_base64(std::string_view text) {
    std::string bytes(text.size(), '\0');
    const std::unique_ptr<EVP_ENCODE_CTX, decltype(&EVP_ENCODE_CTX_free)> context(
        EVP_ENCODE_CTX_new(), EVP_ENCODE_CTX_free);
    auto* out = reinterpret_cast<unsigned char*>(bytes.data());
    int size = 0;
    int rest = 0;
    EVP_DecodeInit(context.get());
    if (EVP_DecodeUpdate(context.get(), out, &size,
                         reinterpret_cast<const unsigned char*>(text.data()),
                         static_cast<int>(text.size())) < 0 ||
        EVP_DecodeFinal(context.get(), out + size, &rest) < 0) {
        return {};
    }
    bytes.resize(static_cast<std::size_t>(size + rest));
    return bytes;
}

/// "-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----" and the like [RFC 7468].
bool has_private_key(std::string_view pem) {
    constexpr std::string_view begin = "-----BEGIN ";
    for (std::size_t at = pem.find(begin); at != pem.npos; at = pem.find(begin, at + 1)) {
        const std::string_view line = pem.substr(at, pem.find('\n', at) - at);
        if (line.find("PRIVATE KEY-----") != line.npos) {
            return true;
        }
    }
    return false;
}

struct Peer {
    std::string name;
    std::string address;
    std::uint16_t port = 0;
    bool tls = false;
};

class PfsenseReader {
public:
    PfsenseReader(const XmlFile& file, const std::string& name, const std::string& directory,
                  const std::string& publication)
        : file_(file), base_(directory.empty() ? "" : directory + publication) {
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
        http_ = is_on(general_, "reverse_http");
        https_ = is_on(general_, "reverse_https");
        if (!http_ && !https_) {
            throw Mistake("neither \"reverse_http\" nor \"reverse_https\" is on: the reverse proxy "
                          "is switched off",
                          file_.place(general_));
        }
        read_general();
        if (const std::string id = text_of(general_, "reverse_ssl_cert");
            https_ && !id.empty() && id != "none") {
            read_certificate(id);
        }
        read_authorities();
        read_peers();
        read_mappings();
        read_redirects();
        read_other_packages();
        read_firewall();
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.remarks.add(kind, std::move(text), file_.place(node));
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
        const auto port = [this](const char* name, std::string_view usual) {
            const std::string text = text_of(general_, name);
            return port_of(text) == 0 ? std::string(usual) : text;
        };
        if (http_) {
            proxy_.http_sockets.push_back({port("reverse_http_port", "80")});
        }
        proxy_.https_sockets.push_back({port("reverse_https_port", "443")});
        if (!https_) {
            add(changed,
                "only plain HTTP was published; everything is https now, which needs a certificate",
                general_);
        }
        if (is_on(general_, "reverse_owa")) {
            add(lost,
                "Exchange of the package's own settings (\"reverse_owa\"): write an \"exchange\" "
                "block if Lync's clients need it",
                general_.child("reverse_owa"));
        }
        const std::string interface = text_of(general_, "reverse_interface");
        const std::string addresses = text_of(general_, "reverse_ip");
        add(check,
            "squid listened on " + quoted(interface.empty() ? "wan" : interface) +
                (addresses.empty() ? "" : " and " + quoted(addresses)) +
                " alone; here it is every address of the machine: \"https_listen ADDRESS:443\" is "
                "for one",
            general_);
        name_others(general_,
                    " reverse_interface reverse_ip reverse_external_fqdn deny_info_tcp_reset "
                    "reverse_http reverse_http_port reverse_http_defsite reverse_https "
                    "reverse_https_port reverse_https_defsite reverse_ssl_cert reverse_int_ca "
                    "reverse_ignore_ssl_valid reverse_compatibility_mode dhparams_size "
                    "disable_session_reuse reverse_owa reverse_owa_ip reverse_owa_activesync "
                    "reverse_owa_rpchttp reverse_owa_mapihttp reverse_owa_webservice "
                    "reverse_owa_autodiscover ",
                    restriction, "the reverse proxy's general settings");
    }

    // -- certificates ----------------------------------------------------------------------------

    enum class Pem : bool { certificate, key };

    /// What stands in base64 in config.xml, as PEM; empty with a remark if it isn't. A key never
    /// gets into a file for certificates, which everybody may read.
    std::string pem_of(Pem kind, const std::string& encoded, const std::string& what,
                       pugi::xml_node node) {
        std::string pem = decode_base64(encoded);
        std::erase(pem, '\r');
        const bool is_one = kind == Pem::key
                                ? has_private_key(pem)
                                : pem.find("-----BEGIN CERTIFICATE-----") != pem.npos &&
                                      pem.find("PRIVATE KEY-----") == pem.npos;
        if (!is_one || pem.find('\0') != pem.npos) {
            add(lost,
                what + " isn't a " + (kind == Pem::key ? "private key" : "certificate") +
                    " in PEM and base64",
                node);
            return {};
        }
        return pem.ends_with('\n') ? pem : pem + '\n';
    }

    std::string add_file(const std::string& ending, std::string content, bool secret) {
        proxy_.files.push_back({base_ + ending, std::move(content), secret});
        return base_ + ending;
    }

    void read_certificate(const std::string& id) {
        const pugi::xml_node found = file_.root().find_child([&](pugi::xml_node node) {
            return node.name() == std::string_view("cert") && text_of(node, "refid") == id;
        });
        if (found.empty()) {
            add(lost, "the certificate " + quoted(id) + " isn't in the file",
                general_.child("reverse_ssl_cert"));
            return;
        }
        const std::string title = "the certificate " + quoted(text_of(found, "descr"));
        std::string chain = pem_of(Pem::certificate, text_of(found, "crt"), title, found);
        std::string key = pem_of(Pem::key, text_of(found, "prv"), title + "'s key", found);
        if (const std::string encoded = text_of(general_, "reverse_int_ca");
            !chain.empty() && !encoded.empty()) {
            chain += pem_of(Pem::certificate, encoded, "the intermediate certificate",
                            general_.child("reverse_int_ca"));
        }
        certificate_authority_ = text_of(found, "caref");
        if (chain.empty() || key.empty()) {
            return;
        }
        if (base_.empty()) {
            add(check,
                title +
                    ", its intermediates and its key are in the old file: --out-dir writes them",
                found);
            return;
        }
        const std::string file = add_file(".pem", std::move(chain), false);
        proxy_.certificates.emplace_back(file, add_file(".key", std::move(key), true));
    }

    /// The certificate manager's authorities, without the one of the listener's certificate: one of
    /// them may have issued the servers' certificates.
    void read_authorities() {
        std::string bundle;
        std::string names;
        pugi::xml_node last;
        for (const pugi::xml_node authority : file_.root().children("ca")) {
            const std::string id = text_of(authority, "refid");
            if (!id.empty() && id == certificate_authority_) {
                continue;
            }
            const std::string pem = pem_of(Pem::certificate, text_of(authority, "crt"),
                                           "a certificate authority", authority);
            if (!pem.empty()) {
                bundle += pem;
                names += (names.empty() ? "" : ", ") + quoted(text_of(authority, "descr"));
                last = authority;
            }
        }
        if (bundle.empty()) {
            return;
        }
        add(check,
            base_.empty() ? "authorities that may have issued the servers' certificates are in the "
                            "old file (" +
                                names + "): --out-dir writes them"
                          : "the servers' certificates are verified against the certificate "
                            "manager's authorities (" +
                                names + "): leave only the one that issued them in the file",
            last);
        if (!base_.empty()) {
            proxy_.trusted_ca = add_file("-internal-ca.pem", std::move(bundle), false);
        }
    }

    // -- what is published -----------------------------------------------------------------------

    void read_peers() {
        for (const pugi::xml_node node : packages_.child("squidreversepeer").children("config")) {
            const std::string title = title_of("peer", node);
            const std::string port = text_of(node, "port");
            if (!is_on(node, "enable")) {
                add(check, title + " was switched off, so it gets no requests", node);
                continue;
            }
            if (port_of(port) == 0) {
                throw Mistake("invalid value " + quoted(port) + " of \"port\" of " + title +
                                  ": a port is a number from 1 to 65535",
                              file_.place(node));
            }
            const bool tls = text_of(node, "protocol") == "HTTPS";
            if (tls ? https_ : http_) {
                peers_.try_emplace(text_of(node, "name"),
                                   Peer{text_of(node, "name"), to_ascii_lower(text_of(node, "ip")),
                                        port_of(port), tls});
            }
            name_others(node, " enable name ip port protocol description ", lost, title);
        }
    }

    void read_mappings() {
        for (const pugi::xml_node node : packages_.child("squidreverseuri").children("config")) {
            const std::string title = title_of("mapping", node);
            if (!is_on(node, "enable")) {
                add(check, title + " was switched off, so its names aren't published", node);
                continue;
            }
            name_others(node, " enable name description peers row ", restriction, title);
            OldName name;
            name.group = proxy_.groups.size();
            if (!read_group(node, title, name)) {
                add(check, title + " has no peer that is in use, so its names aren't published",
                    node);
                continue;
            }
            for (const pugi::xml_node row : node.children("row")) {
                name_others(row, " uri ", restriction, title);
                read_row(title, row, name);
            }
        }
    }

    /// Peers are one address and port each; a pool is the addresses with the same two ports. Plain
    /// HTTP goes to the servers that https goes to.
    bool read_group(pugi::xml_node mapping, const std::string& title, OldName& name) {
        std::vector<const Peer*> peers;
        bool tls = false;
        for (const std::string& wanted : split(text_of(mapping, "peers"), ',')) {
            if (const auto known = peers_.find(wanted); known != peers_.end()) {
                peers.push_back(&known->second);
                tls = tls || known->second.tls;
            }
        }
        if (peers.empty()) {
            return false;
        }
        OldGroup& group = proxy_.groups.emplace_back();
        for (const Peer* peer : peers) {
            std::uint16_t& port = peer->tls ? name.https_port : name.http_port;
            if (port != 0 && port != peer->port) {
                add(lost,
                    "peer " + quoted(peer->name) + " has another port than the others of " + title,
                    mapping);
                continue;
            }
            port = peer->port;
            if (peer->tls == tls) {
                group.servers.push_back({peer->address, ""});
            }
        }
        return true;
    }

    void read_row(const std::string& title, pugi::xml_node row, const OldName& target) {
        std::string uri = text_of(row, "uri");
        if (uri.empty()) {
            uri = text_of(general_, "reverse_external_fqdn");
        }
        const UrlPattern pattern = hosts_of_url_pattern(uri);
        if (pattern.hosts.empty()) {
            add(lost,
                title + " is for the URLs " + quoted(uri) + ": write the names that are meant",
                row);
        } else if (pattern.has_path) {
            add(restriction,
                title + " was for the paths of " + quoted(uri) +
                    "; now it is the product's external paths",
                row);
        }
        for (const std::string& host : pattern.hosts) {
            OldName& name = proxy_.names.emplace_back(target);
            name.host = host;
            name.place = file_.place(row);
        }
    }

    void read_redirects() {
        for (const pugi::xml_node node : packages_.child("squidreverseredir").children("config")) {
            const std::string title =
                title_of("redirect", node) + " to " + quoted(text_of(node, "redirurl"));
            if (!text_of(node, "name").empty()) {
                add(check,
                    is_on(node, "enable") ? title + ": plain HTTP of published names is redirected "
                                                    "to https, nothing else is"
                                          : title + " was switched off",
                    node);
            }
        }
    }

    // -- what else decided who got in ------------------------------------------------------------

    /// Access lists, users and limits of the same squid, and its own lines.
    void read_other_packages() {
        constexpr std::string_view lines = " custom_options custom_options_squid3 "
                                           "custom_options2_squid3 custom_options3_squid3 ";
        for (const pugi::xml_node package : packages_.children()) {
            const std::string_view name = package.name();
            for (const pugi::xml_node config : package.children("config")) {
                if (name == "squid") {
                    for (const pugi::xml_node field : config.children()) {
                        if (has_word(lines, field.name()) && !field.first_child().empty()) {
                            add(restriction,
                                quoted(field.name()) + " of squid's general settings: look "
                                                       "whether it concerns the reverse proxy",
                                field);
                        }
                    }
                } else if (has_word(" squidnac squidauth squidusers squidtraffic ", name) ||
                           name.starts_with("squidguard")) {
                    name_others(config, " description ", restriction, quoted(name));
                }
            }
        }
    }

    /// The firewall before squid: rules that don't let everybody in.
    void read_firewall() {
        const std::string interface = text_of(general_, "reverse_interface");
        for (const pugi::xml_node rule : file_.root().child("filter").children("rule")) {
            const std::vector<std::string> interfaces = split(text_of(rule, "interface"), ',');
            const bool ours =
                !rule.child("floating").empty() || interfaces.empty() ||
                std::any_of(interfaces.begin(), interfaces.end(), [&](const std::string& name) {
                    return ("," + interface + ",").find("," + name + ",") != std::string::npos;
                });
            const std::string type = text_of(rule, "type");
            const pugi::xml_node source = rule.child("source");
            const pugi::xml_node destination = rule.child("destination");
            const std::string port = text_of(destination, "port");
            const bool web = port.empty() || port.find_first_not_of("0123456789") != port.npos ||
                             is_proxys(port);
            if (!ours || !rule.child("disabled").empty() || !web ||
                (type == "pass" && !source.child("any").empty())) {
                continue;
            }
            std::string from = text_of(source, "address") + text_of(source, "network");
            from = !source.child("any").empty() ? "anywhere" : quoted(from);
            add(restriction,
                "the firewall rule " + quoted(text_of(rule, "descr")) +
                    (type == "pass" ? " let in " : " kept out ") +
                    (source.child("not").empty() ? "" : "all but ") + from,
                rule);
        }
    }

    bool is_proxys(const std::string& port) const {
        return std::any_of(proxy_.http_sockets.begin(), proxy_.http_sockets.end(),
                           [&](const OldSocket& s) { return s.address == port; }) ||
               std::any_of(proxy_.https_sockets.begin(), proxy_.https_sockets.end(),
                           [&](const OldSocket& s) { return s.address == port; });
    }

    const XmlFile& file_;
    const std::string base_; ///< of files' paths; empty: none are written
    OldProxy proxy_;
    pugi::xml_node packages_;
    pugi::xml_node general_;
    bool http_ = false;
    bool https_ = false;
    std::string certificate_authority_;           ///< "caref" of the listener's certificate
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
    return PfsenseReader(file, name, directory, publication).read();
}

} // namespace lync::lyncctl
