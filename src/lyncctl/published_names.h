#pragma once

// Published names: where each goes, whether a certificate covers it, and what the certificate must
// contain. Derived from the virtual hosts, so that everything published is listed here.

#include "plan/plan.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// Whether a certificate covers a name: "yes", "no", "unknown" (a pattern, or no certificate).
std::string_view yes_or_no(config::Coverage coverage) noexcept;

/// A name that clients ask for over https, with the path where only that is meant.
struct PublishedName {
    std::string name;                    ///< "lyncwebext.contoso.com", "lyncdiscover.*"
    std::string path;                    ///< of a simple URL: "/Meet"; empty: the whole host
    policy::SiteKind kind;               ///< of its host
    std::string_view use;                ///< "external web services", "lyncdiscover", "meet", ...
    std::optional<std::size_t> upstream; ///< where it leads; nothing: it is refused (admin)
    config::Coverage coverage = config::Coverage::unknown;

    /// "lyncdiscover.*": stands for any domain, so no certificate can contain it.
    bool is_pattern() const noexcept { return coverage == config::Coverage::by_request; }
};

/// In the order of the virtual hosts. A host with several simple URLs has a row for each.
std::vector<PublishedName> published_names(const plan::Plan& plan);

/// What a certificate for this publication carries [Lync Server 2013, "Certificate requirements for
/// reverse proxy"]: the external web services FQDN of the first pool, which comes first and is its
/// subject, too; of all other pools and Directors; the hosts of meet, dialin and scheduler;
/// lyncdiscover of each SIP domain; Office Web Apps and Exchange. No admin simple URL. Each once;
/// patterns come last.
std::vector<PublishedName> certificate_names(const plan::Plan& plan);

/// The most names that public CAs accept in a certificate.
inline constexpr std::size_t most_names = 100;

/// The same names, without patterns, for several certificates if they are too many for one: first
/// those of pools and others without a SIP domain, then each SIP domain's together. A domain added
/// at the end of the block changes only the last certificate.
std::vector<std::vector<std::string>> split_names(const plan::Plan& plan);

} // namespace lync::lyncctl
