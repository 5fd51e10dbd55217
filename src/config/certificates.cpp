// The certificates of a declaration: each file loaded and checked while nginx can still refuse
// the configuration, and the names they cover held against the names that are published.

#include "config/declare.h"

#include <algorithm>
#include <set>
#include <utility>

namespace lync::config {

namespace {

/// The names clients will ask for over https, in the order an administrator wrote them. Patterns
/// ("meet.*") can't be held against a certificate before a client asks for a name.
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

/// One warning for each name, but no flood: a hoster may have thousands of them.
constexpr std::size_t most_warnings = 10;

/// "a certificate"; or the one that lacks the name, where another has it.
std::string lacking(const Publication& publication, std::string_view name) {
    if (publication.coverage(name) == Coverage::uncovered) {
        return "a certificate";
    }
    const auto& loaded = publication.loaded_certificates;
    const auto found = std::find_if(loaded.begin(), loaded.end(), [&](const Certificate& each) {
        return !each.covered.covers(name);
    });
    const auto index = static_cast<std::size_t>(found - loaded.begin());
    return "the " + std::string(key_kind_name(found->key_kind)) + " certificate " +
           lync::quoted(publication.certificates[index].certificate);
}

/// "NAME is not covered by a certificate of lync_publish ..."
std::string not_covered(const Publication& publication, const std::string& name) {
    return lync::quoted(name) + " is not covered by " + lacking(publication, name) +
           " of lync_publish " + lync::quoted(publication.name);
}

/// What becomes of a lyncdiscover name that not every certificate covers, and that plain HTTP
/// doesn't serve. `partly`: one does, so that "auto" leaves it to https.
std::string lyncdiscover_consequence(const Publication& publication, bool partly) {
    return ": phones drop the connection, add the name to the certificate's subject alternative "
           "names or " +
           std::string(publication.http_sockets.empty() ? "take \"http_listen off\" out"
                       : partly                         ? "set \"http_autodiscover\" to \"on\""
                                                        : "set \"http_autodiscover\" to \"auto\"");
}

void remark_lyncdiscover(const Publication& publication, std::vector<Diagnostic>& remarks) {
    std::size_t uncovered = 0;
    bool partly = true; // those that aren't listed
    for (std::size_t i = 0; i < publication.sip_domains.size(); i++) {
        const std::string& domain = publication.sip_domains[i];
        const std::string name = "lyncdiscover." + domain;
        const Coverage coverage = publication.coverage(name);
        if (coverage == Coverage::covered || coverage == Coverage::by_request ||
            coverage == Coverage::unknown || publication.serves_over_http(name)) {
            continue;
        }
        const bool by_one = coverage == Coverage::partly;
        if (++uncovered <= most_warnings) {
            remarks.push_back(
                {Severity::warning,
                 not_covered(publication, name) + lyncdiscover_consequence(publication, by_one),
                 publication.place_of_sip_domain(i)});
        } else {
            partly = partly && by_one;
        }
    }
    if (uncovered > most_warnings) {
        remarks.push_back({Severity::warning,
                           std::to_string(uncovered - most_warnings) +
                               " more lyncdiscover names are not covered by " +
                               (partly ? "each" : "a") + " certificate of lync_publish " +
                               lync::quoted(publication.name) +
                               lyncdiscover_consequence(publication, partly),
                           publication.place});
    }
}

void remark_https(const Publication& publication, std::vector<Diagnostic>& remarks) {
    constexpr std::string_view consequence =
        ": clients refuse it, add the name to the certificate's subject alternative names";
    std::size_t uncovered = 0;
    for (const auto& [name, place] : https_names(publication)) {
        const Coverage coverage = publication.coverage(name);
        if (coverage != Coverage::covered && coverage != Coverage::unknown &&
            ++uncovered <= most_warnings) {
            remarks.push_back({Severity::warning,
                               not_covered(publication, name) + std::string(consequence), *place});
        }
    }
    if (uncovered > most_warnings) {
        remarks.push_back({Severity::warning,
                           std::to_string(uncovered - most_warnings) +
                               " more names are not covered by each certificate of lync_publish " +
                               lync::quoted(publication.name) + std::string(consequence),
                           publication.place});
    }
}

void remark_file(const std::string& alarm, const std::vector<std::string>& warnings,
                 const Place& place, std::vector<Diagnostic>& remarks) {
    if (!alarm.empty()) {
        remarks.push_back({Severity::critical, alarm, place});
    }
    for (const std::string& warning : warnings) {
        remarks.push_back({Severity::warning, warning, place});
    }
}

} // namespace

Coverage Publication::coverage(std::string_view name) const noexcept {
    if (name.ends_with(".*")) {
        return Coverage::by_request;
    }
    const auto by = static_cast<std::size_t>(
        std::count_if(loaded_certificates.begin(), loaded_certificates.end(),
                      [&](const Certificate& each) { return each.covered.covers(name); }));
    const auto unread = static_cast<std::size_t>(
        std::count_if(loaded_certificates.begin(), loaded_certificates.end(),
                      [](const Certificate& each) { return !each && each.names.empty(); }));
    return unread == loaded_certificates.size()        ? Coverage::unknown
           : by == 0                                   ? Coverage::uncovered
           : by + unread == loaded_certificates.size() ? Coverage::covered
                                                       : Coverage::partly;
}

void check_certificates(Publication& publication, const Environment& environment,
                        std::vector<Diagnostic>& remarks) {
    std::set<KeyKind> kinds;
    const auto refuse = [&](const std::string& error, const Place& place) {
        if (environment.needs_everything) {
            throw Mistake(error, place);
        }
        remarks.push_back({Severity::error, error, place});
    };

    for (const CertificateFiles& files : publication.certificates) {
        Certificate certificate = load_certificate(
            files.certificate, environment.needs_everything ? files.key : "", environment.now);
        if (!certificate.error.empty()) {
            refuse(certificate.error, files.place);
        } else if (!kinds.insert(certificate.key_kind).second) {
            throw Mistake("certificate " + lync::quoted(files.certificate) +
                              " has the same kind of key (" +
                              std::string(key_kind_name(certificate.key_kind)) +
                              ") as another one of lync_publish " + lync::quoted(publication.name) +
                              ": a listener presents one certificate of each kind",
                          files.place);
        }
        remark_file(certificate.alarm, certificate.warnings, files.place, remarks);
        publication.loaded_certificates.push_back(std::move(certificate));
    }
    NameSet together;
    for (const Certificate& certificate : publication.loaded_certificates) {
        for (const std::string& name : certificate.names) {
            together.add(name);
        }
    }
    together.freeze();
    publication.certificate_names = std::make_shared<NameSet>(std::move(together));

    if (!publication.trusted_ca.empty()) {
        const TrustedCa ca = load_trusted_ca(publication.trusted_ca, environment.now);
        if (!ca.error.empty()) {
            refuse(ca.error, publication.trusted_ca_place);
        }
        remark_file(ca.alarm, ca.warnings, publication.trusted_ca_place, remarks);
    }

    remark_https(publication, remarks);
    remark_lyncdiscover(publication, remarks);
}

} // namespace lync::config
