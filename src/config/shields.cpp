// `shield` and `shield_file`: which rows are in use. The format of the file is described in
// docs/shield.md.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/regular_file.h"
#include "policy/shield.h"

#include <algorithm>
#include <stdexcept>

namespace lync::config {

namespace {

using policy::Shield;
using policy::ShieldAction;

constexpr std::string_view blanks = " \t";

/// Reads a row file, line by line, and adds its rows to the others.
class RowFile {
public:
    RowFile(std::string file, std::vector<Shield>& rows) : rows_(rows) {
        place_.file = std::move(file);
    }

    void read(std::string_view rest) {
        rest.remove_prefix(rest.starts_with("\xef\xbb\xbf") ? 3 : 0);
        while (!rest.empty()) {
            place_.line++;
            const std::string_view text = trimmed(take_until(rest, '\n'), " \t\r");
            if (text.find('\r') != std::string_view::npos) {
                wrong("a line ends in a carriage return alone: save the file with line feeds");
            }
            if (!text.empty() && text.front() != '#') {
                read_row(text);
            }
        }
    }

private:
    template <typename... T>
    [[noreturn]] void wrong(fmt::format_string<T...> format, const T&... arguments) const {
        throw mistake<T...>(place_, format, arguments...);
    }

    void read_row(std::string_view text) {
        const std::string_view name = take_word(text, blanks);
        const auto known = std::ranges::find_if(
            rows_, [&](const Shield& row) { return equal_ignore_case(row.name, name); });
        if (text == "off" || text == "log") {
            change(known, name, text);
            return;
        }
        if (known != rows_.end()) {
            wrong("shield {} is duplicate, the first is {}", lync::quoted(name),
                  known->defined == "built in" ? known->defined
                                               : formatted("at {}", known->defined));
        }
        check_name(name);
        if (rows_.size() == policy::max_shields) {
            wrong("shield {} is one too many, the maximum is {}", lync::quoted(name),
                  policy::max_shields);
        }
        Shield row;
        row.name = name;
        row.on = "all";
        row.defined = at(place_);
        read_places(row, take_word(text, blanks));
        std::vector<std::string_view> fields;
        while (!text.starts_with("~* ")) {
            read_field(row, fields, take_word(text, blanks));
        }
        read_pattern(row, trimmed(text.substr(2), blanks));
        rows_.push_back(std::move(row));
    }

    void check_name(std::string_view name) const {
        constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-";
        if (name.size() > 64 ||
            to_ascii_lower(name).find_first_not_of(allowed) != std::string::npos) {
            wrong("invalid name {} of a shield: it is made of up to 64 letters, digits, \".\", "
                  "\"_\" and \"-\"",
                  lync::quoted(name));
        }
    }

    void read_pattern(Shield& row, std::string_view text) const {
        row.pattern_text = text;
        if ((text.size() > 1 && text.front() == '"' && text.back() == '"') ||
            text.starts_with("\xe2\x80\x9c")) { // it would match quotes
            wrong("pattern {} of shield {} stands without quotes, to the end of its line",
                  lync::quoted(text), lync::quoted(row.name));
        }
        try {
            row.pattern = policy::Pattern::probed(text, row.places == policy::in_path
                                                            ? policy::Pattern::Needs::nothing
                                                            : policy::Pattern::Needs::literal);
        } catch (const std::invalid_argument& error) {
            wrong("pattern {} of shield {} {}", lync::quoted(text), lync::quoted(row.name),
                  error.what());
        }
    }

    /// "NAME off" or "NAME log": for a row that stops ordinary requests.
    void change(std::vector<Shield>::iterator row, std::string_view name, std::string_view to) {
        if (row == rows_.end()) {
            wrong("there is no shield {} before this line", lync::quoted(name));
        }
        if (row->places == policy::in_meeturl) {
            wrong("shield {} is changed by \"meeting_url_guard\"", lync::quoted(name));
        }
        if (row->places == policy::in_answer && to == "log") {
            wrong("shield {} matches no request, there is nothing to log: it can be off",
                  lync::quoted(name));
        }
        row->action = to == "off" ? ShieldAction::off : ShieldAction::log;
    }

    void read_places(Shield& row, std::string_view words) const {
        constexpr std::string_view one_header = "header:";
        constexpr std::string_view in_no_name = "\"(),/:;<=>?@[\\]{}"; // [RFC 9110, 5.6.2]
        if (words.starts_with(one_header) && words.size() > one_header.size() &&
            std::ranges::all_of(words.substr(one_header.size()), [&](char c) {
                return c > ' ' && c < 0x7f && in_no_name.find(c) == in_no_name.npos;
            })) {
            row.places = policy::in_header;
            row.header = to_ascii_lower(words.substr(one_header.size()));
            return;
        }
        while (!words.empty()) {
            const std::string_view word = take_until(words, ',');
            const policy::ShieldPlaces place = policy::shield_place(word);
            if (place == 0) {
                wrong(
                    "invalid place {} of shield {}: the places are path, query, url, header, "
                    "header:NAME, cookie, file and form, several with a comma and without a space",
                    lync::quoted(word), lync::quoted(row.name));
            }
            row.places |= place;
        }
    }

    void read_field(Shield& row, std::vector<std::string_view>& fields,
                    std::string_view field) const {
        const Parameter parameter(field);
        const std::string of = formatted(" of shield {}", lync::quoted(row.name));
        if (field.empty()) {
            wrong("no pattern{}: a row is written \"NAME PLACE [FIELD=VALUE ...] ~* PATTERN\"", of);
        }
        if (std::find(fields.begin(), fields.end(), parameter.name) != fields.end()) {
            wrong("field {}{} is duplicate", lync::quoted(field), of);
        }
        fields.push_back(parameter.name);
        if (parameter.name == "on" && policy::services_of(parameter.value) != 0) {
            row.on = parameter.value;
        } else if (parameter.name == "action" &&
                   (parameter.value == "refuse" || parameter.value == "log")) {
            row.action = parameter.value == "log" ? ShieldAction::log : ShieldAction::refuse;
        } else if (parameter.name == "source" && !parameter.value.empty()) {
            row.source = parameter.value;
        } else {
            wrong("{}{}{}: the fields are on=all|lync|exchange|uploads or a service, "
                  "action=refuse|log and source=URL, then \"~*\" and the pattern",
                  parameter.name == "on" || parameter.name == "action" || parameter.name == "source"
                      ? "invalid value "
                      : "unknown field ",
                  lync::quoted(field), of);
        }
    }

    std::vector<Shield>& rows_;
    Place place_;
};

} // namespace

void read_shields(const Directive& block, const Environment& environment, Publication& publication,
                  std::vector<Diagnostic>& remarks) {
    ShieldAction most = ShieldAction::refuse;
    if (const Directive* directive = find(block, "shield")) {
        most = read_word<ShieldAction>(
            *directive,
            {{"on", ShieldAction::refuse}, {"off", ShieldAction::off}, {"log", ShieldAction::log}});
    }
    for (const policy::ShieldRow& row : policy::shield_rows()) {
        if (row.places != policy::in_meeturl || publication.meeting_url_guard) {
            publication.shields.push_back(policy::make_shield(row));
        }
    }
    each(block, "shield_file", [&](const Directive& line) {
        const std::string file = environment.full_path(line.arguments.front());
        std::string text;
        if (const std::string why = read_regular_file(file, text); !why.empty()) {
            report_missing(environment, remarks, line.place,
                           formatted("cannot load \"shield_file\" {} of {}: {}", lync::quoted(file),
                                     block.title(), why));
            return;
        }
        RowFile(file, publication.shields).read(text);
    });
    for (Shield& row : publication.shields) {
        row.action = row.places == policy::in_meeturl ? row.action : std::min(row.action, most);
    }
}

} // namespace lync::config
