#include "lyncctl/doctor/documents.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/doctor/findings.h"

#include <algorithm>
#include <pugixml.hpp>

namespace lync::lyncctl::doctor {

namespace {

/// Reads a body, which has an error if it isn't XML, its root isn't named so (empty: any name), or
/// `read` objects.
template <class Read>
Document parse(std::string_view body, std::string_view root, const Read& read) {
    constexpr std::size_t most = 100; // real documents have up to 25
    Document document;
    pugi::xml_document xml;
    const auto result =
        xml.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_auto);
    const std::string_view found = xml.document_element().name();
    if (!result) {
        document.error = formatted("it isn't well-formed XML: {}", result.description());
    } else if (found.empty()) {
        document.error = "it is empty";
    } else if (!root.empty() && found.substr(found.find(':') + 1) != root) {
        document.error =
            formatted("it is a document \"{}\" in place of {}", shown(found, 40), root);
    }
    read(xml, document);
    if (document.links.size() > most) {
        document.error = formatted("it has more than {} links", most);
    }
    return document;
}

} // namespace

const Link* Document::link(std::string_view token) const noexcept {
    const auto found =
        std::ranges::find_if(links, [&](const Link& link) { return link.token == token; });
    return found == links.end() ? nullptr : &*found;
}

Document parse_autodiscover(std::string_view body) {
    return parse(
        body, "AutodiscoverResponse", [](const pugi::xml_document& xml, Document& document) {
            document.access_location = xml.document_element().attribute("AccessLocation").value();
            document.kind = pugi::xpath_query("local-name(/*/*[1])").evaluate_string(xml);
            for (const auto& link : xml.select_nodes("/*/*[1]/*[local-name()='Link']")) {
                document.links.push_back({link.node().attribute("token").value(),
                                          link.node().attribute("href").value()});
            }
        });
}

Document parse_service_metadata(std::string_view body) {
    return parse(body, "", [](const pugi::xml_document& xml, Document& document) {
        for (const auto& address : xml.select_nodes("//*[local-name()='address'][@location!='']")) {
            document.links.push_back({address.node().parent().attribute("name").value(),
                                      address.node().attribute("location").value()});
        }
        // Metadata exchange wraps it; a plain WSDL has it at the top.
        if (document.error.empty() &&
            !xml.select_node("//*[local-name()='service' or local-name()='definitions']")) {
            document.error = "it describes no service";
        }
    });
}

Document parse_wopi_discovery(std::string_view body) {
    return parse(body, "wopi-discovery", [](const pugi::xml_document& xml, Document& document) {
        for (const auto& zone : xml.select_nodes("/*/net-zone[starts-with(@name, 'external-')]")) {
            for (const auto& action : zone.node().select_nodes(".//*/@urlsrc")) {
                const std::string url = action.attribute().value();
                const auto host = url.find("://");
                const std::string origin =
                    url.substr(0, host == url.npos ? host : url.find_first_of("/?#", host + 3));
                if (std::ranges::none_of(document.links,
                                         [&](const Link& link) { return link.href == origin; })) {
                    document.links.push_back({zone.node().attribute("name").value(), origin});
                }
            }
        }
    });
}

std::string title_of(std::string_view body) {
    const std::string lower = to_ascii_lower(body);
    const auto tag = lower.find("<title");
    const auto begin = tag == std::string::npos ? tag : lower.find('>', tag);
    if (begin == std::string::npos) {
        return "";
    }
    const auto end = lower.find("</title", begin);
    return shown(trimmed(body.substr(begin + 1, end - begin - 1), " \t\r\n"), 80);
}

} // namespace lync::lyncctl::doctor
