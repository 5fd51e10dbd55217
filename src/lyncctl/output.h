#pragma once

// A command's output: one table in the requested format. Results go to stdout, progress and errors
// to stderr; colour and progress only on a terminal.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lync::lyncctl {

/// How a word looks on a terminal that knows colours.
enum class Style : std::uint8_t { plain, good, warning, bad, faint, strong };

/// A cell: text, a number, a boolean, or several texts. JSON keeps the type; elsewhere a boolean is
/// yes or no, and several texts are separated by commas.
class Cell {
public:
    using Value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

    template <std::convertible_to<std::string_view> Text>
    Cell(const Text& text, Style style = Style::plain)
        : value_(std::string(std::string_view(text))), style_(style) {}
    Cell(std::vector<std::string> texts, Style style = Style::plain)
        : value_(std::move(texts)), style_(style) {}
    template <std::integral Number>
    Cell(Number number, Style style = Style::plain) : style_(style) {
        if constexpr (std::same_as<Number, bool>) {
            value_ = number;
        } else {
            value_ = static_cast<std::int64_t>(number);
        }
    }

    const Value& value() const noexcept { return value_; }
    Style style() const noexcept { return style_; }
    std::string text() const;

private:
    Value value_;
    Style style_ = Style::plain;
};

using Row = std::vector<Cell>;

struct Column {
    /// "leads_to" has the title "Leads to"; "use=For" the title "For"; "presented=" none.
    Column(const char* words);

    std::string key;   ///< JSON's member and CSV's head
    std::string title; ///< the head for people; empty: in csv and json alone
};

/// Every row has a cell for each column.
struct Table {
    std::vector<Column> columns;
    /// In table, markdown and html, consecutive rows with the same text in this column stand under
    /// that text as a heading. In csv and json it is a column like any other.
    std::optional<std::size_t> group = {};
    std::vector<Row> rows = {};
    std::string title = {}; ///< of an HTML page
};

/// The capabilities of stdout and stderr.
struct Terminal {
    bool colour = false;     ///< stdout shows colours
    bool progress = false;   ///< stderr is a terminal: progress may be shown and wiped out
    std::size_t columns = 0; ///< of stdout; 0: it isn't a terminal
};

class Output {
public:
    /// `format` is a word of --format.
    Output(std::ostream& out, std::ostream& err, std::string_view format, Terminal terminal)
        : out_(out), err_(err), format_(format), terminal_(terminal) {}
    ~Output() { end_progress(); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    std::string_view format() const noexcept { return format_; }
    /// Whether the result isn't a table but text for another program.
    bool is_text() const noexcept;
    const Terminal& terminal() const noexcept { return terminal_; }

    void table(const Table& table);

    /// Prints text unchanged: what may contain control characters has to go through `styled` or
    /// `escaped` first.
    void text(std::string_view text);
    void line(const std::string& line) { text(line + "\n"); }

    /// A remark on stderr: `lyncctl: TEXT`.
    void note(std::string_view text);

    /// The current step, on a terminal only: each call replaces the previous text.
    void progress(std::string_view what);
    void end_progress();

    /// `text` with its control characters escaped, and coloured if stdout shows colours.
    std::string styled(std::string_view text, Style style) const;

private:
    void grid(const Table& table);
    void grid_line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                   const Row& like);

    std::ostream& out_;
    std::ostream& err_;
    std::string_view format_;
    Terminal terminal_;
    bool in_progress_ = false;
};

/// How many columns of a terminal a text takes: characters of UTF-8, one each.
std::size_t width_of(std::string_view text) noexcept;

std::string joined(const std::vector<std::string>& texts, const char* between = ", ");

/// A word as a shell reads it back: in quotes, if it needs them.
std::string shell_word(const std::string& text);

/// Breaks printable text into lines of at most `width` columns: at spaces; a longer word after one
/// of "./:-_" in its second half, or anywhere.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

} // namespace lync::lyncctl
