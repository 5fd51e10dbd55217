#pragma once

// XML that somebody else wrote, by pugixml, in bounded memory: no document type, no entities but
// the five of XML itself, nothing fetched.

#include "base/diagnostic.h"

#include <pugixml.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

inline constexpr std::size_t largest_xml = 16 * 1024 * 1024;
/// Elements, attributes and pieces of text: what a tree costs more than its bytes.
inline constexpr std::size_t most_xml_nodes = 1'000'000;

/// A parsed file. Nodes live as long as it does.
class XmlFile {
public:
    /// Throws Mistake with the line for what isn't well-formed UTF-8 XML of bounded size
    /// with one element called `root_name` around all.
    XmlFile(std::string_view content, std::string name, std::string_view root_name);

    pugi::xml_node root() const { return document_.document_element(); }
    Place place(pugi::xml_node node) const;

private:
    Place place_at(std::ptrdiff_t offset) const;

    std::string content_;
    std::string name_;
    std::vector<std::size_t> line_ends_;
    pugi::xml_document document_;
};

} // namespace lync::lyncctl
