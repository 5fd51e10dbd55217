// pfSense's config.xml with the reverse proxy of its squid package. The fields are those that the
// package's forms write (squid_reverse_general.xml, squid_reverse_peer.xml, squid_reverse_uri.xml,
// squid_reverse_redir.xml), and mean what squid_reverse.inc makes of them [pfsense/FreeBSD-ports,
// www/pfSense-pkg-squid].

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/import/base64.h"
#include "lyncctl/import/xml_file.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace lync::lyncctl {

namespace {

std::string text_of(pugi::xml_node parent, const char* name) {
    return parent.child(name).child_value();
}

bool is_on(pugi::xml_node parent, const char* name) {
    return text_of(parent, name) == "on";
}

std::string trimmed(std::string_view text) {
    return std::string(lync::trimmed(text, " \t\r\n"));
}

/// "-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----" and the like [RFC 7468].
bool has_private_key(std::string_view pem) {
    constexpr std::string_view begin = "-----BEGIN ";
    for (std::size_t at = pem.find(begin); at != pem.npos; at = pem.find(begin, at + 1)) {
        const std::string_view label = pem.substr(at + begin.size());
        if (label.substr(0, label.find('\n')).find("PRIVATE KEY-----") != label.npos) {
            return true;
        }
    }
    return false;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (std::string part = trimmed(text.substr(0, end)); !part.empty()) {
            parts.push_back(std::move(part));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::uint16_t port_of(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() ? port : std::uint16_t{0};
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
        : file_(file), directory_(directory), publication_(publication) {
        proxy_.product = "squid on pfSense";
        proxy_.file = name;
    }

    OldProxy read() {
        const pugi::xml_node root = file_.root();
        packages_ = root.child("installedpackages");
        general_ = packages_.child("squidreversegeneral").child("config");
        if (general_.empty()) {
            throw Mistake("no \"squidreversegeneral\" in \"installedpackages\": is the "
                          "squid package's reverse proxy configured on this machine?",
                          file_.place(packages_.empty() ? root : packages_));
        }
        http_ = is_on(general_, "reverse_http");
        https_ = is_on(general_, "reverse_https");
        if (!http_ && !https_) {
            throw Mistake("neither \"reverse_http\" nor \"reverse_https\" is on: the "
                          "reverse proxy is switched off",
                          file_.place(general_));
        }
        read_sockets();
        read_certificate();
        read_authorities();
        read_general();
        read_peers();
        read_mappings();
        read_exchange();
        read_redirects();
        // squid's own read_timeout, which the package leaves as it is.
        proxy_.timeout = std::chrono::minutes(15);
        return std::move(proxy_);
    }

private:
    void remark(RemarkKind kind, std::string text, pugi::xml_node node) {
        proxy_.remarks.push_back({kind, std::move(text), file_.place(node)});
    }

    void read_sockets() {
        const auto port = [this](const char* name, std::uint16_t otherwise) {
            const std::uint16_t said = port_of(text_of(general_, name));
            return std::to_string(said == 0 ? otherwise : said);
        };
        if (http_) {
            proxy_.http_sockets.push_back(port("reverse_http_port", 80));
        }
        proxy_.https_sockets.push_back(port("reverse_https_port", 443));
        if (!https_) {
            remark(RemarkKind::changed,
                   "only plain HTTP was published; everything is https now, which needs a "
                   "certificate",
                   general_);
        }
        std::string where = text_of(general_, "reverse_interface");
        if (const std::string more = text_of(general_, "reverse_ip"); !more.empty()) {
            where += (where.empty() ? "" : ", ") + more;
        }
        remark(RemarkKind::check,
               "squid listened on " + lync::quoted(where.empty() ? "wan" : where) +
                   "; here it is every address of the machine: \"https_listen ADDRESS:443\" is "
                   "for one",
               general_);
    }

    enum class Pem : bool { certificate, key };

    /// What stands in base64 in config.xml, as PEM; empty with a remark if it isn't. A key never
    /// gets into a file for certificates, which everybody may read.
    std::string pem_of(Pem kind, const std::string& encoded, std::string_view what,
                       pugi::xml_node node) {
        std::string pem = decode_base64(encoded).value_or("");
        std::erase(pem, '\r');
        const bool is_one = kind == Pem::key
                                ? has_private_key(pem)
                                : pem.find("-----BEGIN CERTIFICATE-----") != pem.npos &&
                                      pem.find("PRIVATE KEY-----") == pem.npos;
        if (!is_one || pem.find('\0') != pem.npos) {
            remark(RemarkKind::lost,
                   std::string(what) + " isn't a " +
                       (kind == Pem::key ? "private key" : "certificate") + " in PEM and base64",
                   node);
            return {};
        }
        if (!pem.ends_with('\n')) {
            pem += '\n';
        }
        return pem;
    }

    std::string add_file(const std::string& ending, std::string content, bool secret) {
        std::string path = directory_ + publication_ + ending;
        proxy_.files.push_back({path, std::move(content), secret});
        return path;
    }

    void read_certificate() {
        const std::string id = text_of(general_, "reverse_ssl_cert");
        if (!https_ || id.empty() || id == "none") {
            return;
        }
        pugi::xml_node found;
        for (const pugi::xml_node certificate : file_.root().children("cert")) {
            if (text_of(certificate, "refid") == id) {
                found = certificate;
                break;
            }
        }
        if (found.empty()) {
            remark(RemarkKind::lost, "the certificate " + lync::quoted(id) + " isn't in the file",
                   general_.child("reverse_ssl_cert"));
            return;
        }
        std::string chain =
            pem_of(Pem::certificate, text_of(found, "crt"), "the certificate", found);
        const std::string key =
            pem_of(Pem::key, text_of(found, "prv"), "the certificate's key", found);
        if (chain.empty() || key.empty()) {
            return;
        }
        if (const std::string encoded = text_of(general_, "reverse_int_ca"); !encoded.empty()) {
            chain += pem_of(Pem::certificate, encoded, "the intermediate certificate",
                            general_.child("reverse_int_ca"));
        }
        certificate_authority_ = text_of(found, "caref");
        if (directory_.empty()) {
            proxy_.has_certificate = true;
            remark(RemarkKind::check,
                   "the certificate " + lync::quoted(text_of(found, "descr")) +
                       ", its intermediates and its key are in the old file: --out-dir writes them",
                   found);
            return;
        }
        proxy_.certificates.emplace_back(add_file(".pem", std::move(chain), false),
                                         add_file(".key", key, true));
    }

    /// The certificate manager's authorities, without the one of the listener's certificate: one of
    /// them may have issued the servers' certificates. Nobody says which.
    void read_authorities() {
        std::string bundle;
        std::string names;
        pugi::xml_node first;
        for (const pugi::xml_node authority : file_.root().children("ca")) {
            if (!certificate_authority_.empty() &&
                text_of(authority, "refid") == certificate_authority_) {
                continue;
            }
            const std::string pem = pem_of(Pem::certificate, text_of(authority, "crt"),
                                           "a certificate authority", authority);
            if (pem.empty()) {
                continue;
            }
            bundle += pem;
            names += (names.empty() ? "" : ", ") + lync::quoted(text_of(authority, "descr"));
            first = first.empty() ? authority : first;
        }
        if (bundle.empty()) {
            return;
        }
        if (directory_.empty()) {
            remark(RemarkKind::check,
                   "certificate authorities that the servers' certificates may come from are in "
                   "the old file (" +
                       names + "): --out-dir writes them",
                   first);
            return;
        }
        remark(RemarkKind::check,
               "the servers' certificates are verified against the authorities of the certificate "
               "manager (" +
                   names + "): leave only the one that issued them in the file",
               first);
        proxy_.trusted_ca = add_file("-internal-ca.pem", std::move(bundle), false);
    }

    void read_general() {
        if (is_on(general_, "reverse_ignore_ssl_valid")) {
            remark(RemarkKind::changed,
                   "the servers' certificates weren't verified (DONT_VERIFY_PEER); now chain and "
                   "name are, against \"trusted_ca\" and the pool's FQDN",
                   general_.child("reverse_ignore_ssl_valid"));
        }
        if (is_on(general_, "reverse_check_clientca")) {
            remark(RemarkKind::lost,
                   "clients had to show a certificate of " +
                       lync::quoted(text_of(general_, "reverse_ssl_clientca")) +
                       ": clients of Lync have no certificate to show",
                   general_.child("reverse_check_clientca"));
        }
        if (text_of(general_, "reverse_compatibility_mode") == "intermediate") {
            remark(RemarkKind::changed,
                   "TLS 1.0 and 3DES were offered to clients; now TLS 1.2 and later are",
                   general_.child("reverse_compatibility_mode"));
        }
        if (!text_of(packages_.child("squid").child("config"), "custom_options").empty()) {
            remark(RemarkKind::lost,
                   "custom options of squid's general settings: look whether one of them concerns "
                   "the reverse proxy",
                   packages_.child("squid").child("config").child("custom_options"));
        }
    }

    void read_peers() {
        for (const pugi::xml_node node : packages_.child("squidreversepeer").children("config")) {
            Peer peer;
            peer.name = text_of(node, "name");
            peer.address = to_ascii_lower(trimmed(text_of(node, "ip")));
            peer.tls = text_of(node, "protocol") == "HTTPS";
            const std::string port = trimmed(text_of(node, "port"));
            if (!is_on(node, "enable") && !peer.name.empty()) {
                remark(RemarkKind::check,
                       "peer " + lync::quoted(peer.name) +
                           " was switched off, so it gets no requests",
                       node);
            }
            if (!is_on(node, "enable") || peer.name.empty() || peer.address.empty() ||
                port.empty()) {
                continue; // as squid_reverse.inc has it
            }
            peer.port = port_of(port);
            if (peer.port == 0) {
                throw Mistake("invalid value " + lync::quoted(port) + " of \"port\" of peer " +
                                  lync::quoted(peer.name) + ": a port is a number from 1 to 65535",
                              file_.place(node));
            }
            if (peer.tls ? https_ : http_) {
                peers_.push_back(std::move(peer));
            }
        }
    }

    void read_mappings() {
        for (const pugi::xml_node node : packages_.child("squidreverseuri").children("config")) {
            const std::vector<std::string> wanted = split(text_of(node, "peers"), ',');
            if (!is_on(node, "enable") && !text_of(node, "name").empty()) {
                remark(RemarkKind::check,
                       "mapping " + lync::quoted(text_of(node, "name")) +
                           " was switched off, so its names aren't published",
                       node);
            }
            if (!is_on(node, "enable") || text_of(node, "name").empty() || wanted.empty()) {
                continue;
            }
            std::vector<const Peer*> peers;
            for (const std::string& name : wanted) {
                const auto known =
                    std::find_if(peers_.begin(), peers_.end(),
                                 [&](const Peer& peer) { return peer.name == name; });
                if (known != peers_.end()) {
                    peers.push_back(&*known);
                }
            }
            if (peers.empty()) {
                remark(RemarkKind::check,
                       "mapping " + lync::quoted(text_of(node, "name")) +
                           " has no peer that is in use, so its names aren't published",
                       node);
                continue;
            }
            for (const pugi::xml_node row : node.children("row")) {
                read_row(node, row, peers);
            }
        }
    }

    void read_row(pugi::xml_node mapping, pugi::xml_node row,
                  const std::vector<const Peer*>& peers) {
        const std::string written = trimmed(text_of(row, "uri"));
        const std::string uri =
            written.empty() ? trimmed(text_of(general_, "reverse_external_fqdn")) : written;
        const UrlPattern pattern = hosts_of_url_pattern(uri);
        const std::string where = "mapping " + lync::quoted(text_of(mapping, "name"));
        if (pattern.hosts.empty()) {
            remark(RemarkKind::lost,
                   where + " is for the URLs " + lync::quoted(uri) +
                       ": write the names that are meant",
                   row);
            return;
        }
        if (!pattern.anchored) {
            remark(RemarkKind::changed,
                   where + " matches " + lync::quoted(uri) +
                       " anywhere in a URL, also in the path of another host's; now it is the host "
                       "name alone",
                   row);
        }
        if (pattern.has_path) {
            remark(RemarkKind::lost,
                   where + " is for a path (" + lync::quoted(uri) +
                       "): here the product's external paths are published",
                   row);
        }
        for (const std::string& host : pattern.hosts) {
            publish(host, peers, row);
        }
    }

    /// Peers are one address and port each; a pool is the addresses with the same two ports.
    void publish(const std::string& host, const std::vector<const Peer*>& peers,
                 pugi::xml_node node) {
        OldRule rule;
        rule.host = host;
        rule.place = file_.place(node);
        bool has_tls = false;
        for (const Peer* peer : peers) {
            has_tls = has_tls || peer->tls;
        }
        for (const Peer* peer : peers) {
            std::uint16_t& port = peer->tls ? rule.https_port : rule.http_port;
            if (port != 0 && port != peer->port) {
                remark(RemarkKind::lost,
                       "peer " + lync::quoted(peer->name) +
                           " has another port than the others of " + lync::quoted(host),
                       node);
                continue;
            }
            port = peer->port;
            // Plain HTTP goes to the servers that https goes to.
            if (peer->tls == has_tls) {
                rule.servers.push_back({peer->address, ""});
            }
        }
        proxy_.rules.push_back(std::move(rule));
    }

    /// The package's own Exchange publication [squid_reverse.inc, OWA_URI_pfs].
    void read_exchange() {
        const std::string addresses = text_of(general_, "reverse_owa_ip");
        const std::string fqdn =
            to_ascii_lower(trimmed(text_of(general_, "reverse_external_fqdn")));
        if (!is_on(general_, "reverse_owa") || addresses.empty() || !https_) {
            return;
        }
        const pugi::xml_node node = general_.child("reverse_owa");
        OldRule rule;
        rule.host = fqdn;
        rule.https_port = 443;
        rule.place = file_.place(node);
        for (const std::string& address : split(addresses, ';')) {
            rule.servers.push_back({to_ascii_lower(address), ""});
        }
        const bool taken = std::any_of(proxy_.rules.begin(), proxy_.rules.end(),
                                       [&](const OldRule& other) { return other.host == fqdn; });
        if (taken) {
            remark(RemarkKind::lost,
                   "Exchange was published under " + lync::quoted(fqdn) +
                       ", which is Lync's name as well: give it a name of its own",
                   node);
            return;
        }
        std::vector<std::string> services{"owa", "oab"};
        const auto service = [&](const char* field, const char* word) {
            if (!text_of(general_, field).empty()) {
                services.emplace_back(word);
            }
        };
        service("reverse_owa_activesync", "activesync");
        service("reverse_owa_mapihttp", "mapi");
        service("reverse_owa_webservice", "ews");
        if (!text_of(general_, "reverse_owa_rpchttp").empty()) {
            remark(RemarkKind::lost,
                   "Outlook Anywhere (/rpc): Outlook 2013 and later use MAPI over "
                   "HTTP",
                   general_.child("reverse_owa_rpchttp"));
        }
        remark(RemarkKind::changed,
               "the administrative surface /ecp of Exchange was published; it never is here", node);
        const bool with_autodiscover = is_on(general_, "reverse_owa_autodiscover");
        if (with_autodiscover) {
            services.emplace_back("autodiscover");
        }
        rule.services = std::move(services);
        OldRule autodiscover = rule;
        if (with_autodiscover) {
            const bool deep = std::count(fqdn.begin(), fqdn.end(), '.') > 1;
            autodiscover.host = "autodiscover" + (deep ? fqdn.substr(fqdn.find('.')) : "." + fqdn);
        }
        proxy_.rules.push_back(std::move(rule));
        if (with_autodiscover) {
            proxy_.rules.push_back(std::move(autodiscover));
        }
    }

    void read_redirects() {
        for (const pugi::xml_node node : packages_.child("squidreverseredir").children("config")) {
            if (!is_on(node, "enable")) {
                continue;
            }
            const bool plain = text_of(node, "protocol") == "HTTP" &&
                               text_of(node, "redirurl").starts_with("https://");
            remark(
                plain ? RemarkKind::check : RemarkKind::lost,
                "redirect " + lync::quoted(text_of(node, "name")) + " to " +
                    lync::quoted(text_of(node, "redirurl")) +
                    (plain ? ": plain HTTP of published names is redirected to https anyway" : ""),
                node);
        }
    }

    const XmlFile& file_;
    const std::string& directory_;
    const std::string& publication_;
    OldProxy proxy_;
    pugi::xml_node packages_;
    pugi::xml_node general_;
    bool http_ = false;
    bool https_ = false;
    std::string certificate_authority_; ///< "caref" of the listener's certificate
    std::vector<Peer> peers_;
};

} // namespace

OldProxy read_pfsense(std::string_view xml, const std::string& name, const std::string& directory,
                      const std::string& publication) {
    if (xml.substr(0, 100).find("---- BEGIN config.xml ----") != xml.npos) {
        throw Mistake("the backup is encrypted: make one without \"Encrypt this "
                      "configuration file\", or take /conf/config.xml",
                      {name, 1});
    }
    const XmlFile file(xml, name, "pfsense");
    return PfsenseReader(file, name, directory, publication).read();
}

} // namespace lync::lyncctl
