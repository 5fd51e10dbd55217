#include "base/diagnostic.h"

#include "base/format.h"
#include "base/utf8.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace lync {

namespace {

/// C0, DEL and, in UTF-8, C1: a terminal may interpret them.
bool is_control(std::string_view character) noexcept {
    const auto lead = static_cast<unsigned char>(character.front());
    return lead < 0x20 || lead == 0x7f ||
           (lead == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

} // namespace

std::string escaped(std::string_view text, std::size_t most) {
    std::string result;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
        if (result.size() + character.size() > most) {
            return result + "...";
        }
        if (length == 0 || is_control(character)) {
            for (const char byte : character) {
                result += formatted("\\x{:02x}", static_cast<unsigned char>(byte));
            }
        } else {
            result += character;
        }
        text.remove_prefix(character.size());
    }
    return result;
}

std::string quoted(std::string_view text) {
    return "\"" + escaped(text, 255) + "\"";
}

std::string some_of(const std::vector<std::string>& words, std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < words.size() && i < most; i++) {
        text += (i == 0 ? "" : ", ") + words[i];
    }
    return words.size() > most ? formatted("{} and {} more", text, words.size() - most) : text;
}

void add_once(std::vector<std::string>& all, std::string text) {
    if (std::find(all.begin(), all.end(), text) == all.end()) {
        all.push_back(std::move(text));
    }
}

} // namespace lync
