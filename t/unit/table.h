#pragma once

// Tables in tests: a row is a line, what is written beside what comes of it.
//
//     for (const auto& [text, expected] : rows(R"(
//         contoso..com   | it has an empty label
//         b\xfcro.com    | it is not valid UTF-8
//     )")) { ... }

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lync::testing {

/// A cell as it is meant: without spaces around it, "//" between spaces for the end of a line,
/// `\xNN` for a byte.
inline std::string cell(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    text = text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
    std::string result;
    while (!text.empty()) {
        std::size_t taken = 1;
        if (text.starts_with(" // ")) {
            result += '\n';
            taken = 4;
        } else if (text.starts_with("\\x") && text.size() >= 4) {
            result += static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16));
            taken = 4;
        } else {
            result += text.front();
        }
        text.remove_prefix(taken);
    }
    return result;
}

/// Throws where `what` isn't there.
inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
    return text.replace(text.find(what), what.size(), with);
}

/// `written`, where a text begins and ends as that does around its " ... ", otherwise the text: a
/// wording is asserted in one test, elsewhere its place and a key word.
inline std::string shown_as(std::string text, const std::string& written) {
    const std::size_t gap = written.find(" ... ");
    const bool fits = gap != std::string::npos && text.starts_with(written.substr(0, gap)) &&
                      text.ends_with(written.substr(gap + 5));
    return fits ? written : text;
}

/// The words of a list, `\x20` for a space in one.
inline std::vector<std::string> words(std::string_view list) {
    std::istringstream in{std::string(list)};
    std::vector<std::string> all;
    for (std::string word; in >> word;) {
        all.push_back(cell(word));
    }
    return all;
}

/// The rows of a table with so many columns; empty lines are left out. Behind a "#" that stands
/// alone between two spaces is a comment.
template <std::size_t columns = 2>
std::vector<std::array<std::string, columns>> rows(std::string_view table) {
    std::vector<std::array<std::string, columns>> all;
    while (!table.empty()) {
        std::string_view line = table.substr(0, table.find('\n'));
        table.remove_prefix(std::min(line.size() + 1, table.size()));
        line = line.substr(0, line.find("  # "));
        if (line.find_first_not_of(' ') == line.npos) {
            continue;
        }
        auto& row = all.emplace_back();
        for (std::size_t i = 0; i < columns; i++) {
            const std::size_t bar = i + 1 < columns ? line.find('|') : line.size();
            if (bar == line.npos) {
                throw std::runtime_error("no bar in: " + std::string(line));
            }
            row[i] = cell(line.substr(0, bar));
            line.remove_prefix(std::min(bar + 1, line.size()));
        }
    }
    return all;
}

} // namespace lync::testing
