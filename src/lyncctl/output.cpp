#include "lyncctl/output.h"

#include "base/diagnostic.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

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

/// How wide each column has to be; the one of the headings is left out.
std::vector<std::size_t> natural_widths(const Table& table) {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < table.columns.size(); c++) {
        if (c == table.group) {
            continue;
        }
        std::size_t width = width_of(table.columns[c].title);
        for (const Row& row : table.rows) {
            width = std::max(width, natural_width(row[c]));
        }
        widths.push_back(width);
    }
    return widths;
}

/// Takes from the widest columns what a terminal doesn't have.
void fit(std::vector<std::size_t>& widths, std::size_t columns) {
    constexpr std::size_t least = 12;
    std::size_t total = std::accumulate(widths.begin(), widths.end(), std::size_t{0}) +
                        gap * (std::max<std::size_t>(widths.size(), 1) - 1);
    while (total > columns) {
        auto widest = std::max_element(widths.begin(), widths.end());
        if (*widest <= least) {
            break;
        }
        --*widest;
        --total;
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
        const std::size_t space = text.substr(0, end + 1).rfind(' ');
        const bool breaks = space != std::string_view::npos && space > 0;
        lines.emplace_back(text.substr(0, breaks ? space : end));
        text.remove_prefix(breaks ? space + 1 : end);
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

void Output::grid_head(const Table& table, const std::vector<std::size_t>& widths) {
    std::vector<GridCell> titles, rule;
    for (std::size_t c = 0; c < table.columns.size(); c++) {
        if (c != table.group) {
            const bool right = !table.rows.empty() && is_number(table.rows.front()[c]);
            rule.push_back({std::string(widths[rule.size()], '-'), Style::faint, false});
            titles.push_back({table.columns[c].title, Style::strong, right});
        }
    }
    grid_line(titles, widths);
    grid_line(rule, widths);
}

void Output::grid(const Table& table) {
    std::vector<std::size_t> widths = natural_widths(table);
    if (terminal_.columns > 0) {
        fit(widths, terminal_.columns);
    }
    if (!table.group) {
        grid_head(table, widths);
    }
    std::optional<std::string> heading;
    for (const Row& row : table.rows) {
        if (table.group && row[*table.group].text() != heading) {
            out_ << (heading ? "\n" : "");
            heading = row[*table.group].text();
            out_ << styled(*heading, Style::strong) << "\n\n";
            grid_head(table, widths);
        }
        std::vector<GridCell> cells;
        for (std::size_t c = 0; c < row.size(); c++) {
            if (c != table.group) {
                cells.push_back({shown(row[c]), row[c].style(), is_number(row[c])});
            }
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
    const auto head = [&] {
        std::string titles = "|", rule = "|";
        for (std::size_t c = 0; c < table.columns.size(); c++) {
            if (c != table.group) {
                titles += " " + table.columns[c].title + " |";
                rule += "---|";
            }
        }
        out_ << titles << '\n' << rule << '\n';
    };

    if (!table.group) {
        head();
    }
    for (std::size_t r = 0; r < table.rows.size(); r++) {
        const Row& row = table.rows[r];
        if (table.group) {
            const std::string heading = row[*table.group].text();
            if (r == 0 || table.rows[r - 1][*table.group].text() != heading) {
                out_ << (r == 0 ? "## " : "\n## ") << markdown_cell(row[*table.group]) << "\n\n";
                head();
            }
        }
        out_ << '|';
        for (std::size_t c = 0; c < table.columns.size(); c++) {
            if (c != table.group) {
                out_ << ' ' << markdown_cell(row[c]) << " |";
            }
        }
        out_ << '\n';
    }
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
