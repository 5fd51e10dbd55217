#include "lyncctl/import/powershell.h"

#include "base/ascii.h"
#include "base/diagnostic.h"
#include "lyncctl/output.h"

#include <iconv.h>

#include <algorithm>
#include <utility>

namespace lync::lyncctl {

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
