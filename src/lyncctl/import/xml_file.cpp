#include "lyncctl/import/xml_file.h"

#include <algorithm>

namespace lync::lyncctl {

XmlFile::XmlFile(std::string_view content, std::string name, std::string_view root_name)
    : name_(std::move(name)) {
    for (std::size_t at = content.find('\n'); at != content.npos; at = content.find('\n', at + 1)) {
        line_ends_.push_back(at);
    }
    if (content.size() > largest_xml) {
        throw Mistake("the file is larger than " + std::to_string(largest_xml / 1024 / 1024) +
                          " MB",
                      {name_, 1});
    }
    if (const std::size_t nul = content.find('\0'); nul != content.npos) {
        throw Mistake("the file holds a byte 0x00: if it is UTF-16, save it as UTF-8",
                      place_at(static_cast<std::ptrdiff_t>(nul)));
    }
    const auto marks =
        std::count_if(content.begin(), content.end(), [](char c) { return c == '<' || c == '='; });
    if (static_cast<std::size_t>(marks) > most_xml_marks) {
        throw Mistake("the file has more than " + std::to_string(most_xml_marks) +
                          " tags and attributes",
                      {name_, 1});
    }
    const pugi::xml_parse_result result =
        document_.load_buffer(content.data(), content.size(),
                              pugi::parse_default | pugi::parse_trim_pcdata, pugi::encoding_utf8);
    if (!result) {
        throw Mistake("the file isn't well-formed XML: " + std::string(result.description()),
                      place_at(result.offset));
    }
    if (root().name() != root_name) {
        throw Mistake("the outermost element is " + quoted(root().name()) + " and not " +
                          quoted(root_name) + ": is it the right file?",
                      place(root()));
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

std::string tag_of(pugi::xml_node node) {
    std::string text = "<" + std::string(node.name());
    for (const pugi::xml_attribute attribute : node.attributes()) {
        text += " " + std::string(attribute.name()) + "=" + quoted(attribute.value());
    }
    return text + ">";
}

} // namespace lync::lyncctl
