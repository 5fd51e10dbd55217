#include "config/system_names.h"

#include "base/ascii.h"
#include "base/diagnostic.h"
#include "base/format.h"

#include <arpa/inet.h>

#include <algorithm>

namespace lync::config {

namespace {

constexpr std::string_view blanks = " \t\r";

/// The next word of a line, which it is taken from; empty at its end.
std::string_view next_word(std::string_view& line) noexcept {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

/// The next line of a text, without its comment; the text loses it.
std::string_view next_line(std::string_view& text, std::string_view comments) noexcept {
    const std::string_view line = take_until(text, '\n');
    return line.substr(0, line.find_first_of(comments));
}

/// The address as nginx writes it; empty if it is none.
std::string server_address(std::string_view word) {
    const std::string text(word);
    in_addr four{};
    in6_addr six{};
    if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
        return text;
    }
    return inet_pton(AF_INET6, text.c_str(), &six) == 1 ? formatted("[{}]", text) : std::string();
}

} // namespace

NameServers parse_resolv_conf(std::string_view text) {
    NameServers found;
    while (!text.empty()) {
        std::string_view line = next_line(text, "#;");
        const std::string_view key = next_word(line);
        const std::string_view value = next_word(line);
        if (key == "nameserver" && found.addresses.size() < NameServers::most) {
            if (std::string address = server_address(value); !address.empty()) {
                found.addresses.push_back(std::move(address));
            }
        } else if (key == "search" || key == "domain") {
            found.search = value; // the last of such lines counts
        }
    }
    return found;
}

bool hosts_file_has(std::string_view text, std::string_view name) noexcept {
    while (!text.empty()) {
        std::string_view line = next_line(text, "#");
        next_word(line); // the address
        for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
            if (equal_ignore_case(word, name)) {
                return true;
            }
        }
    }
    return false;
}

} // namespace lync::config
