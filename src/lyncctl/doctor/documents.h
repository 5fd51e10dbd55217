#pragma once

// The documents that clients read, as far as the doctor reads them: where they send a client.
// Everything is untrusted; no external entity is ever loaded.

#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

struct Link {
    std::string token; ///< "User", "External/Ucwa"; for other documents what kind of address it is
    std::string href;
};

/// Where a document sends a client, or why it isn't that document.
struct Document {
    std::string error; ///< empty if it could be read
    std::vector<Link> links;
    std::string access_location; ///< Autodiscover: "External", "Internal" or what stands there
    std::string kind;            ///< likewise: "Root", "Domain", "User"

    const Link* link(std::string_view token) const noexcept;
};
/// An Autodiscover answer in XML [MS-OCDISCWS].
Document parse_autodiscover(std::string_view body);
/// WSDL of the web ticket service (/mex): its ports.
Document parse_service_metadata(std::string_view body);
/// Office Web Apps' discovery: the pages of the external https zone, one per host.
Document parse_wopi_discovery(std::string_view body);

/// "Welcome to nginx!": the title of a page, or empty. For telling what answered.
std::string title_of(std::string_view body);

} // namespace lync::lyncctl::doctor
