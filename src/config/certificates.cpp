// The certificates of a declaration: each file is loaded and checked while nginx can still refuse
// the configuration, and the names they cover are compared with the names that are published.

#include "config/declare.h"

#include <algorithm>
#include <set>
#include <utility>

namespace lync::config {

namespace {

using Names = std::vector<std::pair<std::string, const Place*>>;

/// The names that clients ask for over https, in the order an administrator wrote them, but for
/// lyncdiscover.
Names https_names(const Publication& publication) {
    Names names;
    std::set<std::string_view> seen;
    const auto add = [&](const std::string& name, const Place& place) {
        if (seen.insert(name).second) {
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

Names lyncdiscover_names(const Publication& publication) {
    Names names;
    for (std::size_t i = 0; i < publication.sip_domains.size(); i++) {
        names.emplace_back("lyncdiscover." + publication.sip_domains[i],
                           &publication.place_of_sip_domain(i));
    }
    return names;
}

using Warnings = std::vector<std::pair<std::string, const Place*>>;

/// One for each, up to a limit: a hoster may have thousands. `others`: the text after the number of
/// those left out.
void warn(const Warnings& warnings, const std::string& others, const Place& place,
          std::vector<Diagnostic>& remarks) {
    constexpr std::size_t most = 10;
    for (std::size_t i = 0; i < warnings.size() && i < most; i++) {
        remarks.push_back({Severity::warning, warnings[i].first, *warnings[i].second});
    }
    if (warnings.size() > most) {
        remarks.push_back(
            {Severity::warning, std::to_string(warnings.size() - most) + others, place});
    }
}

/// Patterns ("meet.*") are left out: it depends on the name that a client asks for.
void remark_uncovered(const Publication& publication, const Names& names, std::string_view kind,
                      const std::string& consequence, std::vector<Diagnostic>& remarks) {
    const std::string end = formatted(" not covered by a certificate of lync_publish {}: {}",
                                      lync::quoted(publication.name), consequence);
    Warnings warnings;
    for (const auto& [name, place] : names) {
        if (publication.coverage(name) == Coverage::uncovered) {
            warnings.emplace_back(formatted("{} is{}", lync::quoted(name), end), place);
        }
    }
    warn(warnings, formatted(" more {} are{}", kind, end), publication.place, remarks);
}

void remark_names(const Publication& publication, const Names& https, Names lyncdiscover,
                  std::vector<Diagnostic>& remarks) {
    constexpr std::string_view remedy =
        "add the name to the certificate's subject alternative names";
    remark_uncovered(publication, https, "names", formatted("clients refuse it, {}", remedy),
                     remarks);

    std::erase_if(lyncdiscover,
                  [&](const auto& name) { return publication.serves_over_http(name.first); });
    remark_uncovered(publication, lyncdiscover, "lyncdiscover names",
                     formatted("phones drop the connection, {} or {}", remedy,
                               publication.http_sockets.empty()
                                   ? "remove \"http_listen off\""
                                   : "set \"http_autodiscover\" to \"auto\""),
                     remarks);
}

/// The names that each certificate is presented for: those of certificates for a published pattern.
std::vector<std::vector<std::string>> presented_for(const PresentedCertificates& presented,
                                                    std::size_t certificates, const Names& names) {
    std::vector<std::vector<std::string>> all(certificates);
    std::set<std::string> seen;
    const auto add = [&](const std::string& name) {
        if (seen.insert(name).second) {
            for (const std::uint32_t certificate : presented.covering(name)) {
                all[certificate].push_back(name);
            }
        }
    };
    for (const auto& [name, place] : names) {
        if (!name.ends_with(".*")) {
            add(name);
            continue;
        }
        for (const std::string& one : presented.names_of_pattern(name)) {
            add(one);
        }
    }
    return all;
}

void remark_certificates(const Publication& publication, const Names& names,
                         const Environment& environment, std::vector<Diagnostic>& remarks) {
    const auto& loaded = publication.loaded_certificates;
    const auto all = presented_for(publication.presented, loaded.size(), names);
    Warnings useless;
    for (std::size_t i = 0; i < loaded.size(); i++) {
        const CertificateFiles& files = publication.certificates[i];
        const std::string title = formatted("certificate {}", lync::quoted(files.certificate));
        if (loaded[i] && all[i].empty()) {
            const PresentedCertificates alone({&loaded[i], 1}, environment.now);
            if (presented_for(alone, 1, names).front().empty()) {
                std::vector<std::string> own;
                for (const std::string& name : loaded[i].names) {
                    own.push_back(lync::quoted(name));
                }
                if (!own.empty()) { // one without names has a warning of its own
                    useless.emplace_back(formatted("{} covers no name of lync_publish {}, it is "
                                                   "for {}: publish one of its names, or take it "
                                                   "out",
                                                   title, lync::quoted(publication.name),
                                                   some_of(own)),
                                         &files.place);
                }
                continue;
            }
        }
        if (environment.lists_names && loaded.size() > 1) {
            remark(remarks, Severity::notice, files.place, "{} ({}) is presented for {}", title,
                   key_kind_name(loaded[i].key_kind),
                   all[i].empty() ? "no name: others are better for those that it covers"
                                  : some_of(all[i]));
        }
    }
    warn(useless,
         formatted(" more certificates cover no name of lync_publish {}: publish one of their "
                   "names, or take them out",
                   lync::quoted(publication.name)),
         publication.place, remarks);
}

/// An error refuses the configuration; for a plan it is one of the remarks.
void remark_file(const Findings& file, const Place& place, const Environment& environment,
                 std::vector<Diagnostic>& remarks) {
    if (!file) {
        report_missing(environment, remarks, place, file.error);
    }
    if (!file.alarm.empty()) {
        remarks.push_back({Severity::critical, file.alarm, place});
    }
    for (const std::string& warning : file.warnings) {
        remarks.push_back({Severity::warning, warning, place});
    }
}

} // namespace

std::string_view coverage_name(Coverage coverage) noexcept {
    constexpr std::string_view names[] = {"covered",    "uncovered",  "plain_http",
                                          "by_request", "not_needed", "unknown"};
    return names[static_cast<std::size_t>(coverage)];
}

Coverage Publication::coverage(std::string_view name,
                               std::optional<std::chrono::sys_seconds> time) const noexcept {
    if (name.ends_with(".*")) {
        return Coverage::by_request;
    }
    const auto covering = presented.covering(name);
    // A client may be presented any of them.
    if (!covering.empty() && (!time || std::ranges::all_of(covering, [&](std::uint32_t index) {
            return loaded_certificates[index].is_valid_at(*time);
        }))) {
        return Coverage::covered;
    }
    const bool unread = std::ranges::all_of(
        loaded_certificates, [](const Certificate& each) { return !each && each.names.empty(); });
    return unread ? Coverage::unknown : Coverage::uncovered;
}

std::string_view Publication::only_certificate(const Farm& farm) const noexcept {
    std::optional<std::uint32_t> only;
    for (const std::string& name : farm.published) {
        const auto covering = presented.covering(name);
        if (covering.size() != 1 || only.value_or(covering.front()) != covering.front()) {
            return {};
        }
        only = covering.front();
    }
    return only ? loaded_certificates[*only].digest : std::string_view();
}

void check_certificates(Publication& publication, const Environment& environment,
                        std::vector<Diagnostic>& remarks) {
    for (const CertificateFiles& files : publication.certificates) {
        Certificate certificate = load_certificate(
            files.certificate, environment.needs_everything ? files.key : "", environment.now);
        remark_file(certificate, files.place, environment, remarks);
        publication.loaded_certificates.push_back(std::move(certificate));
    }
    publication.presented = {publication.loaded_certificates, environment.now};
    publication.certificate_names = publication.presented.names();

    if (!publication.trusted_ca.empty()) {
        remark_file(load_trusted_ca(publication.trusted_ca, environment.now),
                    publication.trusted_ca_place, environment, remarks);
    }

    Names names = https_names(publication);
    Names lyncdiscover = lyncdiscover_names(publication);
    remark_names(publication, names, lyncdiscover, remarks);
    names.insert(names.end(), lyncdiscover.begin(), lyncdiscover.end());
    remark_certificates(publication, names, environment, remarks);
}

} // namespace lync::config
