#include "lyncctl/doctor/documents.h"

#include "base/ascii.h"
#include "lyncctl/doctor/findings.h"

#include <algorithm>
#include <pugixml.hpp>

namespace lync::lyncctl::doctor {

namespace {

constexpr int deepest = 64; ///< of elements that are looked at; real documents have six levels

/// "{prefix}:name" without its prefix.
std::string_view local_name(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    const auto colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The error if it isn't XML, or its root isn't named so (empty: any name).
std::string load(pugi::xml_document& document, std::string_view body, std::string_view root) {
    const auto result =
        document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_auto);
    if (!result) {
        return std::string("it isn't well-formed XML: ") + result.description();
    }
    const pugi::xml_node found = document.document_element();
    return !found ? "it is empty"
           : root.empty() || local_name(found) == root
               ? ""
               : "it is a document \"" + shown(found.name(), 40) + "\" in place of " +
                     std::string(root);
}

/// Calls `visit` with every element.
template <class Visit>
void walk(const pugi::xml_node& node, const Visit& visit, int depth = 0) {
    for (const pugi::xml_node& child : node.children()) {
        if (child.type() == pugi::node_element && depth < deepest) {
            visit(child);
            walk(child, visit, depth + 1);
        }
    }
}

/// "https://wac.contoso.com" of a URL with whatever comes after it.
std::string origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    return std::string(scheme == std::string_view::npos
                           ? url
                           : url.substr(0, url.find_first_of("/?#", scheme + 3)));
}

} // namespace

const Link* Document::link(std::string_view token) const noexcept {
    const auto found = std::find_if(links.begin(), links.end(),
                                    [&](const Link& link) { return link.token == token; });
    return found == links.end() ? nullptr : &*found;
}

Document parse_autodiscover(std::string_view body) {
    Document document;
    pugi::xml_document xml;
    document.error = load(xml, body, "AutodiscoverResponse");
    if (!document.error.empty()) {
        return document;
    }
    const pugi::xml_node root = xml.document_element();
    document.access_location = root.attribute("AccessLocation").value();
    const pugi::xml_node kind = root.find_child(
        [](const pugi::xml_node& node) { return node.type() == pugi::node_element; });
    document.kind = std::string(local_name(kind));
    for (const pugi::xml_node& child : kind.children()) {
        if (local_name(child) == "Link") {
            document.links.push_back(
                {child.attribute("token").value(), child.attribute("href").value()});
        }
    }
    return document;
}

Document parse_service_metadata(std::string_view body) {
    Document document;
    pugi::xml_document xml;
    document.error = load(xml, body, "");
    // Metadata exchange wraps it; a plain WSDL has it at the top.
    bool has_service = false;
    walk(xml, [&](const pugi::xml_node& node) {
        const std::string_view name = local_name(node);
        has_service |= name == "service" || name == "definitions";
        if (name == "address" && !node.attribute("location").empty()) {
            document.links.push_back(
                {node.parent().attribute("name").value(), node.attribute("location").value()});
        }
    });
    if (document.error.empty() && !has_service) {
        document.error = "it describes no service";
    }
    return document;
}

Document parse_wopi_discovery(std::string_view body) {
    Document document;
    pugi::xml_document xml;
    document.error = load(xml, body, "wopi-discovery");
    for (const pugi::xml_node& zone : xml.document_element().children("net-zone")) {
        const std::string_view zone_name = zone.attribute("name").value();
        if (!zone_name.starts_with("external-")) {
            continue;
        }
        walk(zone, [&](const pugi::xml_node& node) {
            const std::string origin = origin_of(node.attribute("urlsrc").value());
            if (!origin.empty() &&
                std::none_of(document.links.begin(), document.links.end(),
                             [&](const Link& link) { return link.href == origin; })) {
                document.links.push_back({std::string(zone_name), origin});
            }
        });
    }
    return document;
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
