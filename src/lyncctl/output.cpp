#include "lyncctl/output.h"

#include "base/diagnostic.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <utility>

namespace lync::lyncctl {

namespace {

std::string_view escape_of(Style style) noexcept {
    switch (style) {
    case Style::good:
        return "\x1b[32m";
    case Style::warning:
        return "\x1b[33m";
    case Style::bad:
        return "\x1b[31m";
    case Style::faint:
        return "\x1b[2m";
    case Style::strong:
        return "\x1b[1m";
    default:
        return "";
    }
}

/// How many columns of a terminal printable text takes: characters of UTF-8, one each.
std::size_t width_of(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

/// Where the first `width` columns of printable text end.
std::size_t end_of(std::string_view text, std::size_t width) noexcept {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && seen++ == width) {
            return i;
        }
    }
    return text.size();
}

bool is_number(const Cell& cell) noexcept {
    return std::holds_alternative<std::int64_t>(cell.value());
}

/// What stands in a cell of people's formats, safe to print.
std::string shown(const Cell& cell) {
    return printable(cell.text());
}

constexpr std::size_t gap = 2; ///< spaces between columns

/// Where stdout is no terminal, so that mail and paper have room for it.
constexpr std::size_t widest_page = 100;

/// A list becomes several lines rather than one too long to read.
constexpr std::size_t widest_list = 48;

/// How wide a cell wants to be.
std::size_t natural_width(const Cell& cell) {
    const std::size_t width = width_of(shown(cell));
    const auto* list = std::get_if<std::vector<std::string>>(&cell.value());
    if (list == nullptr || width <= widest_list) {
        return width;
    }
    std::size_t longest = widest_list;
    for (const std::string& text : *list) {
        longest = std::max(longest, width_of(printable(text)) + 1); // and its comma
    }
    return longest;
}

/// What people read: neither the column of the headings nor one without a word in it.
std::vector<std::size_t> shown_columns(const Table& table) {
    std::vector<std::size_t> columns;
    for (std::size_t c = 0; c < table.columns.size(); c++) {
        const bool says = table.rows.empty() ||
                          std::any_of(table.rows.begin(), table.rows.end(),
                                      [c](const Row& row) { return !row[c].text().empty(); });
        if (c != table.group && table.columns[c].for_people && says) {
            columns.push_back(c);
        }
    }
    return columns;
}

/// The heading that a row begins, if it begins one.
std::optional<std::string> heading(const Table& table, std::size_t row) {
    if (!table.group) {
        return std::nullopt;
    }
    std::string text = shown(table.rows[row][*table.group]);
    const bool goes_on = row > 0 && text == shown(table.rows[row - 1][*table.group]);
    return goes_on ? std::nullopt : std::optional(std::move(text));
}

/// How wide each column has to be.
std::vector<std::size_t> natural_widths(const Table& table,
                                        const std::vector<std::size_t>& columns) {
    std::vector<std::size_t> widths;
    for (const std::size_t c : columns) {
        std::size_t width = width_of(table.columns[c].title);
        for (const Row& row : table.rows) {
            width = std::max(width, natural_width(row[c]));
        }
        widths.push_back(width);
    }
    return widths;
}

/// A longer word may as well be broken: it would take the room of the other columns.
constexpr std::size_t widest_word = 36;

/// How wide the longest word of each column is.
std::vector<std::size_t> word_widths(const Table& table, const std::vector<std::size_t>& columns) {
    std::vector<std::size_t> widths;
    for (const std::size_t c : columns) {
        std::string text = table.columns[c].title;
        for (const Row& row : table.rows) {
            text += " " + shown(row[c]);
        }
        std::size_t longest = 0;
        std::istringstream words(text);
        for (std::string word; words >> word;) {
            longest = std::max(longest, width_of(word));
        }
        widths.push_back(std::min(longest, widest_word));
    }
    return widths;
}

/// Takes from the widest columns what isn't there: from those that break between words first.
void fit(std::vector<std::size_t>& widths, const std::vector<std::size_t>& words,
         std::size_t columns) {
    constexpr std::size_t least = 4;
    std::size_t total = std::accumulate(widths.begin(), widths.end(), std::size_t{0}) +
                        gap * (std::max<std::size_t>(widths.size(), 1) - 1);
    for (bool breaks_words = false; total > columns;) {
        std::size_t* widest = nullptr;
        for (std::size_t i = 0; i < widths.size(); i++) {
            const std::size_t floor = breaks_words ? least : std::max(words[i], least);
            if (widths[i] > floor && (widest == nullptr || widths[i] > *widest)) {
                widest = &widths[i];
            }
        }
        if (widest != nullptr) {
            --*widest;
            --total;
        } else if (std::exchange(breaks_words, true)) {
            break;
        }
    }
}

std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string field = "\"";
    for (const char c : text) {
        field += c == '"' ? "\"\"" : std::string(1, c);
    }
    return field + "\"";
}

std::string html_text(std::string_view text) {
    std::string safe;
    for (const char c : printable(text)) {
        safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    }
    return safe;
}

std::string markdown_cell(const Cell& cell) {
    std::string text;
    for (const char c : shown(cell)) {
        if (c == '|' || c == '\\' || c == '*' || c == '<' || c == '`') {
            text += '\\';
        }
        text += c;
    }
    return text;
}

nlohmann::ordered_json json_of(const Cell& cell) {
    return std::visit([](const auto& value) { return nlohmann::ordered_json(value); },
                      cell.value());
}

} // namespace

std::string Cell::text() const {
    struct Text {
        std::string operator()(const std::string& text) const { return text; }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(bool truth) const { return truth ? "yes" : "no"; }
        std::string operator()(const std::vector<std::string>& texts) const {
            std::string all;
            for (const std::string& text : texts) {
                all += (all.empty() ? "" : ", ") + text;
            }
            return all;
        }
    };
    return std::visit(Text{}, value_);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    std::size_t end = end_of(text, width);
    while (end < text.size()) {
        const std::string_view fits = text.substr(0, end);
        const std::size_t space = text.substr(0, end + 1).rfind(' ');
        const std::size_t seam = fits.find_last_of("./:-_") + 1; // 0: none
        const bool breaks = space != std::string_view::npos && space > 0;
        end = breaks ? space : 2 * seam > end ? seam : end;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(breaks ? end + 1 : end);
        end = end_of(text, width);
    }
    lines.emplace_back(text);
    return lines;
}

std::string printable(std::string_view text) {
    return escaped(text);
}

std::string Output::styled(std::string_view text, Style style) const {
    const std::string safe = printable(text);
    const std::string_view escape = terminal_.colour ? escape_of(style) : std::string_view();
    return escape.empty() ? safe : std::string(escape) + safe + "\x1b[0m";
}

void Output::table(const Table& table) {
    end_progress();
    switch (format_) {
    case Format::csv:
        csv(table);
        break;
    case Format::json:
        json(table);
        break;
    case Format::markdown:
        markdown(table);
        break;
    case Format::html:
        html(table);
        break;
    default:
        grid(table);
    }
}

/// One line of the table, which its longest cell may break into several.
void Output::grid_line(const std::vector<GridCell>& cells, const std::vector<std::size_t>& widths) {
    std::vector<std::vector<std::string>> parts;
    std::size_t height = 1;
    for (std::size_t c = 0; c < cells.size(); c++) {
        parts.push_back(wrapped(cells[c].text, widths[c]));
        height = std::max(height, parts.back().size());
    }
    for (std::size_t line = 0; line < height; line++) {
        std::string written;
        for (std::size_t c = 0; c < cells.size(); c++) {
            const std::string text = line < parts[c].size() ? parts[c][line] : "";
            const std::string padding(widths[c] - std::min(widths[c], width_of(text)), ' ');
            const std::string shown = text.empty() ? text : styled(text, cells[c].style);
            written += c > 0 ? std::string(gap, ' ') : "";
            written += cells[c].right         ? padding + shown
                       : c + 1 < cells.size() ? shown + padding
                                              : shown;
        }
        written.erase(written.find_last_not_of(' ') + 1);
        out_ << written << '\n';
    }
}

void Output::grid_head(const Table& table, const std::vector<std::size_t>& columns,
                       const std::vector<std::size_t>& widths) {
    std::vector<GridCell> titles, rule;
    for (std::size_t i = 0; i < columns.size(); i++) {
        const bool right = !table.rows.empty() && is_number(table.rows.front()[columns[i]]);
        titles.push_back({table.columns[columns[i]].title, Style::strong, right});
        rule.push_back({std::string(widths[i], '-'), Style::faint, false});
    }
    grid_line(titles, widths);
    grid_line(rule, widths);
}

void Output::grid(const Table& table) {
    const std::vector<std::size_t> columns = shown_columns(table);
    std::vector<std::size_t> widths = natural_widths(table, columns);
    fit(widths, word_widths(table, columns),
        terminal_.columns > 0 ? terminal_.columns : widest_page);
    if (!table.group) {
        grid_head(table, columns, widths);
    }
    for (std::size_t r = 0; r < table.rows.size(); r++) {
        if (const auto title = heading(table, r)) {
            out_ << (r == 0 ? "" : "\n") << styled(*title, Style::strong) << "\n\n";
            grid_head(table, columns, widths);
        }
        std::vector<GridCell> cells;
        for (const std::size_t c : columns) {
            const Cell& cell = table.rows[r][c];
            cells.push_back({shown(cell), cell.style(), is_number(cell)});
        }
        grid_line(cells, widths);
    }
}

void Output::csv(const Table& table) {
    for (std::size_t c = 0; c < table.columns.size(); c++) {
        out_ << (c == 0 ? "" : ",") << csv_field(table.columns[c].key);
    }
    out_ << '\n';
    for (const Row& row : table.rows) {
        for (std::size_t c = 0; c < table.columns.size(); c++) {
            out_ << (c == 0 ? "" : ",") << csv_field(row[c].text());
        }
        out_ << '\n';
    }
}

void Output::json(const Table& table) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const Row& row : table.rows) {
        nlohmann::ordered_json object = nlohmann::ordered_json::object();
        for (std::size_t c = 0; c < table.columns.size(); c++) {
            object[table.columns[c].key] = json_of(row[c]);
        }
        rows.push_back(std::move(object));
    }
    // What isn't UTF-8 can't stand in JSON; it is shown as U+FFFD.
    out_ << rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

void Output::markdown(const Table& table) {
    const std::vector<std::size_t> columns = shown_columns(table);
    const auto head = [&] {
        std::string titles = "|", rule = "|";
        for (const std::size_t c : columns) {
            titles += " " + table.columns[c].title + " |";
            rule += "---|";
        }
        out_ << titles << '\n' << rule << '\n';
    };

    if (!table.group) {
        head();
    }
    for (std::size_t r = 0; r < table.rows.size(); r++) {
        if (const auto title = heading(table, r)) {
            out_ << (r == 0 ? "## " : "\n## ") << markdown_cell(*title) << "\n\n";
            head();
        }
        out_ << '|';
        for (const std::size_t c : columns) {
            out_ << ' ' << markdown_cell(table.rows[r][c]) << " |";
        }
        out_ << '\n';
    }
}

/// A page that needs nothing else, for a browser to print.
void Output::html(const Table& table) {
    const std::vector<std::size_t> columns = shown_columns(table);
    const auto head = [&] {
        out_ << "<table>\n<thead><tr>";
        for (const std::size_t c : columns) {
            out_ << "<th>" << html_text(table.columns[c].title);
        }
        out_ << "</thead>\n<tbody>\n";
    };
    const std::string title = html_text(table.title.empty() ? "lyncctl" : table.title);
    out_ << "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>" << title
         << "</title>\n<style>\n"
            "@page { size: A4 landscape; margin: 12mm }\n"
            "body { font: 10pt sans-serif }\n"
            "h1 { font-size: 14pt } h2 { font-size: 11pt }\n"
            "table { border-collapse: collapse; width: 100% }\n"
            "th, td { border: 1px solid #999; padding: 2pt 4pt; text-align: left; "
            "vertical-align: top; overflow-wrap: anywhere }\n"
            "tr { break-inside: avoid }\n"
            "</style>\n"
         << (table.title.empty() ? "" : "<h1>" + title + "</h1>\n");
    if (!table.group) {
        head();
    }
    for (std::size_t r = 0; r < table.rows.size(); r++) {
        if (const auto name = heading(table, r)) {
            out_ << (r == 0 ? "" : "</table>\n") << "<h2>" << html_text(*name) << "</h2>\n";
            head();
        }
        out_ << "<tr>";
        for (const std::size_t c : columns) {
            out_ << "<td>" << html_text(table.rows[r][c].text());
        }
        out_ << '\n';
    }
    out_ << (table.group && table.rows.empty() ? "" : "</table>\n") << "</html>\n";
}

void Output::line(std::string_view text) {
    end_progress();
    out_ << text << '\n';
}

void Output::text(std::string_view text) {
    end_progress();
    out_ << text;
    if (!text.empty() && text.back() != '\n') {
        out_ << '\n';
    }
}

void Output::note(std::string_view text) {
    end_progress();
    out_.flush();
    err_ << "lyncctl: " << printable(text) << '\n';
}

void Output::progress(std::string_view what) {
    if (terminal_.progress) {
        err_ << "\r\x1b[K" << printable(what) << " ..." << std::flush;
        in_progress_ = true;
    }
}

void Output::end_progress() {
    if (in_progress_) {
        err_ << "\r\x1b[K" << std::flush;
        in_progress_ = false;
    }
}

} // namespace lync::lyncctl
