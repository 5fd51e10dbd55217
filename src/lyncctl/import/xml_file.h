#pragma once

// XML from an untrusted source, by pugixml, in bounded memory. Only the five entities of XML itself
// are known, and nothing is fetched.

#include "base/diagnostic.h"

#include <pugixml.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

inline constexpr std::size_t largest_xml = 16 * 1024 * 1024;
inline constexpr int deepest_xml = 256; ///< elements within each other

/// A parsed file. Nodes live as long as it does.
class XmlFile {
public:
    /// Throws Mistake with the line if it isn't well-formed XML of bounded depth without a document
    /// type, or if the root element isn't one of `root_names`.
    XmlFile(std::string_view content, std::string name, std::string_view root_names);

    pugi::xml_node root() const { return document_.document_element(); }
    Place place(pugi::xml_node node) const;

private:
    Place place_at(std::ptrdiff_t offset) const;

    std::string name_;
    std::vector<std::size_t> line_ends_;
    pugi::xml_document document_;
};

std::string attribute(pugi::xml_node node, const char* name);

/// The start tag of an element: `<add ipAddress="10.0.0.1">`.
std::string tag_of(pugi::xml_node node);

} // namespace lync::lyncctl
