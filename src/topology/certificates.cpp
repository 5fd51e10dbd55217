// The certificates of a declaration: each file loaded and checked while nginx can still refuse
// the configuration, and the names they cover held against the names that are published.

#include "topology/declare.h"

#include <set>
#include <utility>

namespace lync::topology {

namespace {

/// The names clients will ask for over https, in the order an administrator wrote them. Patterns
/// ("meet.*") can't be held against a certificate before somebody asks for a name.
std::vector<std::pair<std::string, const Place*>> https_names(const Publication& publication) {
    std::vector<std::pair<std::string, const Place*>> names;
    std::set<std::string_view> seen;
    const auto add = [&](const std::string& name, const Place& place) {
        if (!name.ends_with(".*") && seen.insert(name).second) {
            names.emplace_back(name, &place);
        }
    };

    for (const Farm& farm : publication.farms) {
        for (const std::string& name : farm.published) {
            add(name, farm.published_place);
        }
    }
    for (const SimpleUrl& url : publication.simple_urls) {
        if (url.kind != SimpleUrlKind::admin) {
            add(url.host, url.place);
        }
    }
    return names;
}

/// One warning for each name, but no flood: a hoster may have thousands of SIP domains.
constexpr std::size_t most_lyncdiscover_warnings = 10;

void remark_lyncdiscover(const Publication& publication, std::vector<Diagnostic>& remarks) {
    const bool over_http =
        publication.http_autodiscover != HttpAutodiscover::off && !publication.http_sockets.empty();
    const std::string consequence =
        over_http ? ": clients find it over plain HTTP only (http_autodiscover " +
                        std::string(
                            publication.http_autodiscover == HttpAutodiscover::on ? "on" : "auto") +
                        "), add the name to the certificate's subject alternative names for https"
                  : ": phones drop the connection, add the name to the certificate's subject "
                    "alternative names or " +
                        std::string(publication.http_sockets.empty()
                                        ? "take \"http_listen off\" out"
                                        : "set \"http_autodiscover\" to \"auto\"");

    std::size_t uncovered = 0;
    for (std::size_t i = 0; i < publication.sip_domains.size(); i++) {
        const std::string& domain = publication.sip_domains[i];
        const std::string name = "lyncdiscover." + domain;
        if (domain == "*" || publication.certificate_names->covers(name)) {
            continue;
        }
        if (++uncovered <= most_lyncdiscover_warnings) {
            remarks.push_back({Severity::warning,
                               quoted(name) + " is not covered by a certificate of lync_publish " +
                                   quoted(publication.name) + consequence,
                               publication.place_of_sip_domain(i)});
        }
    }
    if (uncovered > most_lyncdiscover_warnings) {
        remarks.push_back({Severity::warning,
                           std::to_string(uncovered - most_lyncdiscover_warnings) +
                               " more lyncdiscover names are not covered by a certificate of "
                               "lync_publish " +
                               quoted(publication.name) + consequence,
                           publication.place});
    }
}

} // namespace

void check_certificates(Publication& publication, const Environment& environment,
                        std::vector<Diagnostic>& remarks) {
    auto names = std::make_shared<NameSet>();
    std::set<KeyKind> kinds;

    for (const CertificateFiles& files : publication.certificates) {
        Certificate certificate =
            load_certificate(files.certificate, files.key, environment.now);
        if (!certificate.error.empty()) {
            throw Mistake(certificate.error, files.place);
        }
        if (!kinds.insert(certificate.key_kind).second) {
            throw Mistake("certificate " + quoted(files.certificate) +
                              " has the same kind of key (" +
                              std::string(key_kind_name(certificate.key_kind)) +
                              ") as another one of lync_publish " + quoted(publication.name) +
                              ": a listener presents one certificate of each kind",
                          files.place);
        }
        for (const std::string& warning : certificate.warnings) {
            remarks.push_back({Severity::warning, warning, files.place});
        }
        for (const std::string& name : certificate.names) {
            names->add(name);
        }
        publication.loaded_certificates.push_back(std::move(certificate));
    }
    names->freeze();
    publication.certificate_names = std::move(names);

    if (!publication.trusted_ca.empty()) {
        const TrustedCa ca = load_trusted_ca(publication.trusted_ca, environment.now);
        if (!ca.error.empty()) {
            throw Mistake(ca.error, publication.trusted_ca_place);
        }
        for (const std::string& warning : ca.warnings) {
            remarks.push_back({Severity::warning, warning, publication.trusted_ca_place});
        }
    }

    for (const auto& [name, place] : https_names(publication)) {
        if (!publication.certificate_names->covers(name)) {
            remarks.push_back({Severity::warning,
                               quoted(name) + " is not covered by a certificate of lync_publish " +
                                   quoted(publication.name) +
                                   ": clients refuse it, add the name to the certificate's subject "
                                   "alternative names",
                               *place});
        }
    }
    remark_lyncdiscover(publication, remarks);
}

} // namespace lync::topology
