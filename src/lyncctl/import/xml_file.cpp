#include "lyncctl/import/xml_file.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/output.h"

#include <iconv.h>

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
        throw Mistake(
            formatted("the file isn't well-formed XML in UTF-8: {}", result.description()),
            place_at(result.offset));
    }
    for (const pugi::xml_node node : document_.children()) {
        if (node.type() == pugi::node_doctype) {
            throw Mistake("the file has a document type, \"<!DOCTYPE\"", place(node));
        }
    }
    if (!has_word(root_names, root().name())) {
        throw Mistake("the outermost element is " + quoted(root().name()) + " and not " +
                          quoted(root_names.substr(0, root_names.find(' '))) +
                          ": is it the right file?",
                      place(root()));
    }
    struct Depth : pugi::xml_tree_walker {
        bool for_each(pugi::xml_node&) override { return depth() <= deepest_xml; }
    } depth;
    if (!document_.traverse(depth)) {
        throw Mistake(formatted("elements are nested more than {} deep", deepest_xml), {name_, 1});
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

namespace {

std::string utf8_of_utf16(std::string content, const std::string& name) {
    const iconv_t converter = iconv_open("UTF-8", "UTF-16"); // by the byte order mark
    std::string text(content.size() / 2 * 3 + 4, '\0');
    char* in = content.data();
    char* out = text.data();
    std::size_t in_left = content.size();
    std::size_t out_left = text.size();
    bool fine = false;
    if (converter != reinterpret_cast<iconv_t>(-1)) { // without it, it is refused as well
        fine = iconv(converter, &in, &in_left, &out, &out_left) != static_cast<std::size_t>(-1);
        iconv_close(converter);
    }
    if (!fine) {
        throw Mistake("the file isn't well-formed UTF-16", {name, 1});
    }
    text.resize(text.size() - out_left);
    return text;
}

} // namespace

std::string text_of_powershell(std::string content, const std::string& name) {
    constexpr std::size_t narrowest = 40; // of a console
    if (content.starts_with("\xff\xfe") || content.starts_with("\xfe\xff")) {
        content = utf8_of_utf16(std::move(content), name);
    }
    std::erase(content, '\r');
    std::size_t width = 0;
    for (std::string_view rest = content; !rest.empty();) {
        width = std::max(width, width_of(take_until(rest, '\n')));
    }
    // A line of the greatest width goes on in the next one. Where it doesn't, XML doesn't mind.
    std::string text;
    std::size_t owed = 0; ///< ends of lines that come after the whole line
    for (std::string_view rest = content; !rest.empty();) {
        const std::string_view line = take_until(rest, '\n');
        text += line;
        owed++;
        if (width < narrowest || width_of(line) < width) {
            text.append(std::exchange(owed, 0), '\n');
        }
    }
    return text;
}

std::string tag_of(pugi::xml_node node) {
    std::string text = "<" + std::string(node.name());
    for (const pugi::xml_attribute attribute : node.attributes()) {
        text += " " + std::string(attribute.name()) + "=" + quoted(attribute.value());
    }
    return text + ">";
}

} // namespace lync::lyncctl
