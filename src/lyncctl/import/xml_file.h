#pragma once

// XML that somebody else wrote, by pugixml, in bounded memory. A document type is skipped, and no
// entity but the five of XML itself means anything; nothing is fetched.

#include "base/diagnostic.h"

#include <pugixml.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

inline constexpr std::size_t largest_xml = 16 * 1024 * 1024;
/// Tags and attributes: a tree costs many times its bytes.
inline constexpr std::size_t most_xml_marks = 2'000'000;

/// A parsed file. Nodes live as long as it does.
class XmlFile {
public:
    /// Throws Mistake with the line for what isn't XML of bounded size with one element called
    /// `root_name` around all.
    XmlFile(std::string_view content, std::string name, std::string_view root_name);

    pugi::xml_node root() const { return document_.document_element(); }
    Place place(pugi::xml_node node) const;

private:
    Place place_at(std::ptrdiff_t offset) const;

    std::string name_;
    std::vector<std::size_t> line_ends_;
    pugi::xml_document document_;
};

/// An element as it is written, without what is in it: `<add ipAddress="10.0.0.1">`.
std::string tag_of(pugi::xml_node node);

} // namespace lync::lyncctl
