#include "config/system_names.h"

#include "base/ascii.h"
#include "base/diagnostic.h"
#include "base/format.h"
#include "base/names.h"

#include <algorithm>

namespace lync::config {

namespace {

constexpr std::string_view blanks = " \t\r";

/// Takes the next line off a text, without its comment.
std::string_view next_line(std::string_view& text, std::string_view comments) noexcept {
    const std::string_view line = take_until(text, '\n');
    return line.substr(0, line.find_first_of(comments));
}

/// The address as nginx writes it; empty if it isn't one.
std::string server_address(std::string_view word) {
    std::string address = normal_address(word);
    return address.find(':') == std::string::npos ? address : formatted("[{}]", address);
}

} // namespace

NameServers parse_resolv_conf(std::string_view text) {
    NameServers found;
    while (!text.empty()) {
        std::string_view line = next_line(text, "#;");
        const std::string_view key = take_word(line, blanks);
        const std::string_view value = take_word(line, blanks);
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
        take_word(line, blanks); // the address
        for (std::string_view word = take_word(line, blanks); !word.empty();
             word = take_word(line, blanks)) {
            if (equal_ignore_case(word, name)) {
                return true;
            }
        }
    }
    return false;
}

} // namespace lync::config
