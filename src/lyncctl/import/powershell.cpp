#include "lyncctl/import/powershell.h"

#include "base/ascii.h"
#include "base/diagnostic.h"
#include "lyncctl/output.h"

#include <uniconv.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

namespace lync::lyncctl {

namespace {

std::string utf8_of_utf16(const std::string& content, const std::string& name) {
    std::size_t size = 0; // "UTF-16": by the byte order mark
    const std::unique_ptr<uint8_t, void (*)(void*)> text(
        u8_conv_from_encoding("UTF-16", iconveh_error, content.data(), content.size(), nullptr,
                              nullptr, &size),
        std::free);
    if (!text) {
        throw Mistake("the file isn't well-formed UTF-16", {name, 1});
    }
    return {reinterpret_cast<const char*>(text.get()), size};
}

} // namespace

std::string text_of_powershell(std::string content, const std::string& name) {
    constexpr std::size_t narrowest = 40; // of a console
    if (content.starts_with("\xff\xfe") || content.starts_with("\xfe\xff")) {
        content = utf8_of_utf16(content, name);
    }
    std::erase(content, '\r');
    std::size_t width = 0;
    for (std::string_view rest = content; !rest.empty();) {
        width = std::max(width, width_of(take_until(rest, '\n')));
    }
    // A line of the greatest width continues in the next one. If it doesn't, XML ignores it.
    std::string text;
    std::size_t owed = 0; ///< line breaks to append after the joined line
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

std::string property(pugi::xml_node object, std::string_view name) {
    for (const char* kind : {"Props", "MS"}) {
        for (const pugi::xml_node member : object.child(kind).children()) {
            if (member.attribute("N").value() == name) {
                const pugi::xml_node printed = member.child("ToString");
                return (printed ? printed : member).text().get();
            }
        }
    }
    return {};
}

} // namespace lync::lyncctl
