#include "lyncctl/import/xml_file.h"

#include "base/format.h"
#include "lyncctl/import/patterns.h"

#include <algorithm>
#include <utility>

namespace lync::lyncctl {

XmlFile::XmlFile(std::string_view content, std::string name, std::string_view root_names)
    : name_(std::move(name)) {
    for (std::size_t at = content.find('\n'); at != content.npos; at = content.find('\n', at + 1)) {
        line_ends_.push_back(at);
    }
    const pugi::xml_parse_result result = document_.load_buffer(
        content.data(), content.size(),
        pugi::parse_default | pugi::parse_trim_pcdata | pugi::parse_doctype, pugi::encoding_utf8);
    if (!result) {
        throw mistake(place_at(result.offset), "the file isn't well-formed XML in UTF-8: {}",
                      result.description());
    }
    for (const pugi::xml_node node : document_.children()) {
        if (node.type() == pugi::node_doctype) {
            throw Mistake("the file has a document type, \"<!DOCTYPE\"", place(node));
        }
    }
    if (!has_word(root_names, root().name())) {
        throw mistake(place(root()),
                      "the outermost element is {} and not {}: is it the right file?",
                      quoted(root().name()), quoted(root_names.substr(0, root_names.find(' '))));
    }
    struct Depth : pugi::xml_tree_walker {
        bool for_each(pugi::xml_node&) override { return depth() <= deepest_xml; }
    } depth;
    if (!document_.traverse(depth)) {
        throw mistake({name_, 1}, "elements are nested more than {} deep", deepest_xml);
    }
}

Place XmlFile::place(pugi::xml_node node) const {
    return place_at(node.offset_debug());
}

Place XmlFile::place_at(std::ptrdiff_t offset) const {
    const auto at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0));
    const auto before = std::lower_bound(line_ends_.begin(), line_ends_.end(), at);
    return {name_, static_cast<unsigned>(before - line_ends_.begin()) + 1};
}

std::string attribute(pugi::xml_node node, const char* name) {
    return node.attribute(name).value();
}

std::string tag_of(pugi::xml_node node) {
    std::string attributes;
    for (const pugi::xml_attribute attribute : node.attributes()) {
        attributes += formatted(" {}={}", attribute.name(), quoted(attribute.value()));
    }
    return formatted("<{}{}>", node.name(), attributes);
}

} // namespace lync::lyncctl
