#include "lyncctl/doctor/documents.h"

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

std::string load(pugi::xml_document& document, std::string_view body) {
    const auto result =
        document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_auto);
    if (!result) {
        return std::string("it isn't well-formed XML: ") + result.description();
    }
    return document.document_element() ? "" : "it is empty";
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
std::string_view origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) {
        return url;
    }
    return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

} // namespace

const Link* AutodiscoverDocument::link(std::string_view token) const noexcept {
    const auto found = std::find_if(links.begin(), links.end(),
                                    [&](const Link& link) { return link.token == token; });
    return found == links.end() ? nullptr : &*found;
}

AutodiscoverDocument parse_autodiscover(std::string_view body) {
    AutodiscoverDocument document;
    pugi::xml_document xml;
    document.error = load(xml, body);
    if (!document.error.empty()) {
        return document;
    }
    const pugi::xml_node root = xml.document_element();
    if (local_name(root) != "AutodiscoverResponse") {
        document.error =
            "it is a document \"" + shown(root.name(), 40) + "\" in place of AutodiscoverResponse";
        return document;
    }
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

AddressList parse_service_metadata(std::string_view body) {
    AddressList list;
    pugi::xml_document xml;
    list.error = load(xml, body);
    if (!list.error.empty()) {
        return list;
    }
    // Metadata exchange wraps it; a plain WSDL has it at the top.
    bool has_service = local_name(xml.document_element()) == "definitions";
    walk(xml, [&](const pugi::xml_node& node) {
        const std::string_view name = local_name(node);
        has_service |= name == "service" || name == "definitions";
        if (name == "address" && !node.attribute("location").empty()) {
            list.links.push_back(
                {node.parent().attribute("name").value(), node.attribute("location").value()});
        }
    });
    if (!has_service) {
        list.error = "it describes no service";
    }
    return list;
}

AddressList parse_wopi_discovery(std::string_view body) {
    AddressList list;
    pugi::xml_document xml;
    list.error = load(xml, body);
    if (!list.error.empty()) {
        return list;
    }
    if (local_name(xml.document_element()) != "wopi-discovery") {
        list.error = "it is a document \"" + shown(xml.document_element().name(), 40) +
                     "\" in place of wopi-discovery";
        return list;
    }
    for (const pugi::xml_node& zone : xml.document_element().children("net-zone")) {
        const std::string_view zone_name = zone.attribute("name").value();
        if (!zone_name.starts_with("external-")) {
            continue;
        }
        walk(zone, [&](const pugi::xml_node& node) {
            const std::string_view urlsrc = node.attribute("urlsrc").value();
            if (urlsrc.empty()) {
                return;
            }
            const std::string origin(origin_of(urlsrc));
            const auto known = std::find_if(list.links.begin(), list.links.end(),
                                            [&](const Link& link) { return link.href == origin; });
            if (known == list.links.end()) {
                list.links.push_back({std::string(zone_name), origin});
            }
        });
    }
    return list;
}

std::string title_of(std::string_view body) {
    const auto find = [&](std::string_view what, std::size_t from) {
        const auto at = std::search(
            body.begin() + static_cast<std::ptrdiff_t>(from), body.end(), what.begin(), what.end(),
            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
        return at == body.end() ? std::string_view::npos
                                : static_cast<std::size_t>(at - body.begin());
    };
    auto begin = find("<title", 0);
    if (begin == std::string_view::npos) {
        return "";
    }
    begin = body.find('>', begin);
    if (begin == std::string_view::npos) {
        return "";
    }
    const auto end = find("</title", begin);
    std::string_view title = body.substr(
        begin + 1, end == std::string_view::npos ? std::string_view::npos : end - begin - 1);
    const auto first = title.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return "";
    }
    title = title.substr(first, title.find_last_not_of(" \t\r\n") - first + 1);
    return shown(title, 80);
}

} // namespace lync::lyncctl::doctor
