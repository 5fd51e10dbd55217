#include "lyncctl/output.h"

#include "base/diagnostic.h"
#include "base/format.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

namespace lync::lyncctl {

namespace {

constexpr std::string_view escapes[] = {"",         "\x1b[32m", "\x1b[33m",
                                        "\x1b[31m", "\x1b[2m",  "\x1b[1m"}; ///< by Style

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

std::string shown(const Cell& cell) {
    return escaped(cell.text());
}

constexpr std::size_t gap = 2; ///< spaces between columns

/// If stdout isn't a terminal: fits into mail and on paper.
constexpr std::size_t widest_page = 100;

/// A table for people: its rows under their headings, without the column of headings and without
/// empty columns.
struct Page {
    struct Section {
        std::string heading; ///< empty: none
        std::vector<Row> rows;
    };
    std::vector<std::string> titles;
    std::vector<Section> sections;

    explicit Page(const Table& table) {
        std::vector<std::size_t> columns;
        for (std::size_t c = 0; c < table.columns.size(); c++) {
            const bool has_text =
                table.rows.empty() ||
                std::ranges::any_of(table.rows, [c](auto& row) { return !row[c].text().empty(); });
            if (c != table.group && !table.columns[c].title.empty() && has_text) {
                columns.push_back(c);
                titles.push_back(table.columns[c].title);
            }
        }
        if (!table.group) {
            sections.emplace_back();
        }
        for (const Row& row : table.rows) {
            const std::string heading = table.group ? shown(row[*table.group]) : "";
            if (sections.empty() || sections.back().heading != heading) {
                sections.push_back({heading, {}});
            }
            Row& cells = sections.back().rows.emplace_back();
            for (const std::size_t c : columns) {
                cells.push_back(row[c]);
            }
        }
    }
};

/// Narrows the widest columns until the table fits: first those that break between words.
std::vector<std::size_t> fitted(const Page& page, std::size_t room) {
    constexpr std::size_t least = 4;
    constexpr std::size_t widest_word = 36; // a longer one would take the room of other columns
    std::vector<std::size_t> widths, floors;
    std::size_t total = 0;
    for (std::size_t c = 0; c < page.titles.size(); c++) {
        std::size_t width = width_of(page.titles[c]);
        std::size_t floor = std::max(width, least);
        for (const Page::Section& section : page.sections) {
            for (const Row& row : section.rows) {
                const std::string text = shown(row[c]);
                width = std::max(width, width_of(text));
                std::istringstream words(text);
                for (std::string word; words >> word;) {
                    floor = std::max(floor, std::min(width_of(word), widest_word));
                }
            }
        }
        widths.push_back(width);
        floors.push_back(floor);
        total += width + (total == 0 ? 0 : gap);
    }
    for (bool breaks_words = false; total > room;) {
        std::size_t* widest = nullptr;
        for (std::size_t i = 0; i < widths.size(); i++) {
            if (widths[i] > (breaks_words ? least : floors[i]) &&
                (widest == nullptr || widths[i] > *widest)) {
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
    return widths;
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
    for (const char c : escaped(text)) {
        safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    }
    return safe;
}

std::string markdown_cell(const Cell& cell) {
    std::string text;
    for (const char c : shown(cell)) {
        if (c == '|' || c == '\\' || c == '*' || c == '<' || c == '[' || c == '`') {
            text += '\\';
        }
        text += c;
    }
    return text;
}

std::string csv(const Table& table) {
    std::string text;
    const auto line = [&text](const auto& fields, const auto& text_of) {
        for (const auto& field : fields) {
            text += (&field == &fields.front() ? "" : ",") + csv_field(text_of(field));
        }
        text += '\n';
    };
    line(table.columns, [](const Column& column) { return column.key; });
    for (const Row& row : table.rows) {
        line(row, [](const Cell& cell) { return cell.text(); });
    }
    return text;
}

std::string json(const Table& table) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const Row& row : table.rows) {
        nlohmann::ordered_json object = nlohmann::ordered_json::object();
        for (std::size_t c = 0; c < table.columns.size(); c++) {
            object[table.columns[c].key] = std::visit(
                [](const auto& value) { return nlohmann::ordered_json(value); }, row[c].value());
        }
        rows.push_back(std::move(object));
    }
    // JSON is UTF-8; other bytes become U+FFFD.
    return rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string markdown(const Table& table) {
    const Page page(table);
    std::string text;
    for (const auto& [heading, rows] : page.sections) {
        text += heading.empty()
                    ? ""
                    : formatted("{}## {}\n\n", text.empty() ? "" : "\n", markdown_cell(heading));
        std::string rule = "|";
        text += "|";
        for (const std::string& title : page.titles) {
            text += " " + title + " |";
            rule += "---|";
        }
        text += "\n" + rule + "\n";
        for (const Row& row : rows) {
            text += "|";
            for (const Cell& cell : row) {
                text += " " + markdown_cell(cell) + " |";
            }
            text += "\n";
        }
    }
    return text;
}

/// A self-contained page, to be printed by a browser.
std::string html(const Table& table) {
    constexpr std::string_view style =
        "@page { size: A4 landscape; margin: 12mm }\n"
        "body { font: 10pt sans-serif }\n"
        "h1 { font-size: 14pt } h2 { font-size: 11pt }\n"
        "table { border-collapse: collapse; width: 100% }\n"
        "th, td { border: 1px solid #999; padding: 2pt 4pt; text-align: left; "
        "vertical-align: top; overflow-wrap: anywhere }\n"
        "tr { break-inside: avoid }\n";
    const std::string name = html_text(table.title);
    std::string text = formatted("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                                 "<title>{}</title>\n<style>\n{}</style>\n{}",
                                 name.empty() ? "lyncctl" : name, style,
                                 name.empty() ? "" : "<h1>" + name + "</h1>\n");
    const Page page(table);
    for (const auto& [heading, rows] : page.sections) {
        text += heading.empty() ? "" : "<h2>" + html_text(heading) + "</h2>\n";
        text += "<table>\n<thead><tr>";
        for (const std::string& title : page.titles) {
            text += "<th>" + html_text(title);
        }
        text += "</thead>\n<tbody>\n";
        for (const Row& row : rows) {
            text += "<tr>";
            for (const Cell& cell : row) {
                text += "<td>" + html_text(cell.text());
            }
            text += "\n";
        }
        text += "</table>\n";
    }
    return text + "</html>\n";
}

constexpr struct {
    std::string_view format;
    std::string (*write)(const Table& table);
} writers[] = {{"csv", csv}, {"json", json}, {"markdown", markdown}, {"html", html}};

const auto* find_writer(std::string_view format) noexcept {
    return std::ranges::find_if(writers,
                                [format](const auto& writer) { return writer.format == format; });
}

} // namespace

std::size_t width_of(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
    std::string all;
    for (const std::string& text : texts) {
        all.append(all.empty() ? "" : between).append(text);
    }
    return all;
}

std::string shell_word(const std::string& text) {
    if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "/._-") == text.npos) {
        return text;
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

Column::Column(const char* words) : key(words), title(words) {
    if (const std::size_t equals = key.find('='); equals != std::string::npos) {
        title.erase(0, equals + 1);
        key.resize(equals);
    } else {
        std::ranges::replace(title, '_', ' ');
        title.front() = static_cast<char>(std::toupper(title.front()));
    }
}

std::string Cell::text() const {
    struct Text {
        std::string operator()(const std::string& text) const { return text; }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(bool truth) const { return truth ? "yes" : "no"; }
        std::string operator()(const std::vector<std::string>& texts) const {
            return joined(texts);
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

std::string Output::styled(std::string_view text, Style style) const {
    const std::string safe = escaped(text);
    const std::string_view escape =
        terminal_.colour ? escapes[static_cast<std::size_t>(style)] : "";
    return escape.empty() ? safe : std::string(escape) + safe + "\x1b[0m";
}

bool Output::is_text() const noexcept {
    return format_ != "table" && find_writer(format_) == std::end(writers);
}

void Output::table(const Table& table) {
    end_progress();
    if (const auto* writer = find_writer(format_); writer != std::end(writers)) {
        out_ << writer->write(table);
    } else {
        grid(table);
    }
}

/// One row, on as many lines as its longest cell needs. Numbers are aligned to the right.
void Output::grid_line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                       const Row& like) {
    std::vector<std::vector<std::string>> parts;
    std::size_t height = 1;
    for (std::size_t c = 0; c < cells.size(); c++) {
        parts.push_back(wrapped(shown(cells[c]), widths[c]));
        height = std::max(height, parts.back().size());
    }
    for (std::size_t line = 0; line < height; line++) {
        std::string written;
        for (std::size_t c = 0; c < cells.size(); c++) {
            const std::string text = line < parts[c].size() ? parts[c][line] : "";
            const std::string padding(widths[c] - std::min(widths[c], width_of(text)), ' ');
            const std::string styled_text = text.empty() ? text : styled(text, cells[c].style());
            const bool right = c < like.size() && is_number(like[c]);
            written += (c > 0 ? std::string(gap, ' ') : "") +
                       (right ? padding + styled_text : styled_text + padding);
        }
        written.erase(written.find_last_not_of(' ') + 1);
        out_ << written << '\n';
    }
}

void Output::grid(const Table& table) {
    const Page page(table);
    const std::vector<std::size_t> widths =
        fitted(page, terminal_.columns > 0 ? terminal_.columns : widest_page);
    Row titles, rule;
    for (std::size_t c = 0; c < widths.size(); c++) {
        titles.emplace_back(page.titles[c], Style::strong);
        rule.emplace_back(std::string(widths[c], '-'), Style::faint);
    }
    for (const auto& section : page.sections) {
        if (!section.heading.empty()) {
            out_ << (&section == &page.sections.front() ? "" : "\n")
                 << styled(section.heading, Style::strong) << "\n\n";
        }
        grid_line(titles, widths, section.rows.empty() ? Row{} : section.rows.front());
        grid_line(rule, widths, {});
        for (const Row& row : section.rows) {
            grid_line(row, widths, row);
        }
    }
}

void Output::text(std::string_view text) {
    end_progress();
    out_ << text;
}

void Output::note(std::string_view text) {
    end_progress();
    out_.flush();
    err_ << "lyncctl: " << escaped(text) << '\n';
}

void Output::progress(std::string_view what) {
    if (terminal_.progress) {
        err_ << "\r\x1b[K" << escaped(what) << " ..." << std::flush;
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
