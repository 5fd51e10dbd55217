#include "policy/pattern.h"

#include "base/ascii.h"
#include "base/format.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace lync::policy {

namespace {

template <auto function>
struct Free {
    template <typename T>
    void operator()(T* object) const noexcept {
        function(object);
    }
};
using Code = std::unique_ptr<pcre2_code, Free<pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>>;

PCRE2_SPTR units(std::string_view text) noexcept {
    return reinterpret_cast<PCRE2_SPTR>(text.data());
}

/// From rare to frequent in what clients send; any other byte is rarer still.
constexpr std::string_view by_frequency = "jqzxwvkybgfpdulhmscrnoiat0987654321e-_.=&/%:;, ";

/// A text that every match of a pattern contains.
class Literal {
public:
    explicit Literal(std::string text) : text_(to_ascii_lower(text)) {
        const auto rank = [](char c) { return by_frequency.find(c) + 1; };
        const auto rarest = std::min_element(text_.begin(), text_.end(),
                                             [&](char a, char b) { return rank(a) < rank(b); });
        at_ = static_cast<std::size_t>(rarest - text_.begin());
    }

    const std::string& text() const noexcept { return text_; }
    std::size_t size() const noexcept { return text_.size(); }
    char rarest() const noexcept { return text_[at_]; }

    /// Whether no token, ticket or identifier holds it by chance.
    bool is_distinctive() const noexcept {
        const auto count = [this](auto&& is) {
            return static_cast<std::size_t>(std::count_if(text_.begin(), text_.end(), is));
        };
        const std::size_t others = count([](char c) { return !is_ascii_alnum(c); });
        const std::size_t never = count([](char c) {
            return !is_ascii_alnum(c) &&
                   std::string_view("-._~+/=").find(c) == std::string_view::npos;
        });
        return size() >= 6 || (size() >= 3 && others > 0) || (size() >= 2 && never > 0);
    }

    /// The position in a text: the next places of its rarest byte, in either letter case. So each
    /// byte is looked at twice, however often the literal is found.
    struct Cursor {
        const char* lower = nullptr;
        const char* upper = nullptr;
        std::size_t candidates = 0;
        bool gave_up() const noexcept { return candidates > Pattern::max_candidates; }
    };

    /// The next place of the literal, or the first one with a new cursor; npos if there is none.
    std::size_t next(std::string_view text, Cursor& cursor) const noexcept {
        if (text.size() < text_.size()) {
            return std::string_view::npos;
        }
        const char* const end = text.data() + text.size() - (text_.size() - at_ - 1);
        const auto find = [end](const char* from, char byte) {
            const void* found = std::memchr(from, byte, static_cast<std::size_t>(end - from));
            return found == nullptr ? end : static_cast<const char*>(found);
        };
        const char lower = text_[at_];
        const char upper = lower >= 'a' && lower <= 'z' ? static_cast<char>(lower - 32) : lower;
        if (cursor.lower == nullptr) {
            cursor.lower = find(text.data() + at_, lower);
            cursor.upper = upper == lower ? end : find(text.data() + at_, upper);
        }
        while (std::min(cursor.lower, cursor.upper) != end &&
               ++cursor.candidates <= max_candidates) {
            const bool is_lower = cursor.lower < cursor.upper;
            const char*& next = is_lower ? cursor.lower : cursor.upper;
            const char* const begin = next - at_;
            next = find(next + 1, is_lower ? lower : upper);
            if (equal_ignore_case({begin, text_.size()}, text_)) {
                return static_cast<std::size_t>(begin - text.data());
            }
        }
        return std::string_view::npos;
    }

private:
    static constexpr std::size_t max_candidates = Pattern::max_candidates;

    std::string text_; // lower case
    std::size_t at_;   // of its rarest byte
};

/// Finds the literals of a pattern: runs of plain characters outside of all brackets. Whatever
/// isn't known to be plain ends a run.
class LiteralReader {
public:
    explicit LiteralReader(std::string_view pattern) : pattern_(pattern) {}

    std::vector<Literal> read() {
        while (at_ < pattern_.size()) {
            read_one();
        }
        end_run();
        return alternatives_ ? std::vector<Literal>{} : std::move(found_);
    }
    /// After `read`: whether every match is shorter than half of a text that is tried, and doesn't
    /// depend on where the text ends.
    bool is_bounded() const noexcept { return bounded_; }

private:
    void read_one() {
        const char c = pattern_[at_++];
        switch (c) {
        case '\\':
            read_escape();
            return;
        case '(':
            begin_group();
            return;
        case ')':
            end_run();
            depth_ -= depth_ > 0 ? 1 : 0;
            return;
        case '[':
            end_run();
            skip_class();
            return;
        case '|':
            end_run();
            alternatives_ = alternatives_ || depth_ == 0;
            return;
        case '+':
            bounded_ = false;
            end_run();
            return;
        case '*':
            bounded_ = false;
            [[fallthrough]];
        case '?':
            drop_last();
            return;
        case '{':
            if (read_repetition()) {
                return;
            }
            break;
        case '.':
        case '^':
        case '$':
            end_run();
            return;
        default:
            break;
        }
        add(c);
    }

    void begin_group() {
        end_run();
        depth_++;
        if (pattern_.substr(at_, 1) == "*" || is_option()) {
            throw std::invalid_argument(
                "has an option or verb, \"(?i)\" or \"(*...)\": letter case never counts, and the "
                "others can't be used here");
        }
    }

    /// "{2,5}" from behind its brace on; anything else stands for itself. Blanks are allowed in it
    /// from PCRE2 10.43 on.
    bool read_repetition() {
        const std::size_t end = pattern_.find_first_not_of("0123456789, \t", at_);
        if (end == std::string_view::npos || end == at_ || pattern_[end] != '}') {
            return false;
        }
        drop_last();
        const std::string_view most = pattern_.substr(at_, end - at_);
        const std::string_view number = most.substr(most.find(',') + 1);
        const bool is_small = !number.empty() && number.size() <= 2 && // up to 99
                              number.find_first_of(" \t") == std::string_view::npos;
        bounded_ =
            bounded_ && is_small && ++repetitions_ == 1 && (at_ < 2 || pattern_[at_ - 2] != ')');
        at_ = end + 1;
        return true;
    }

    void read_escape() {
        const char c = at_ < pattern_.size() ? pattern_[at_++] : '\0';
        if (!is_ascii_alnum(c)) {
            add(c);
            return;
        }
        end_run();
        bounded_ = bounded_ && c != 'z' && c != 'Z';
        if (std::string_view("bBdDsSwWhHvVRAzZ").find(c) == std::string_view::npos) {
            throw std::invalid_argument(
                formatted("has \"\\{}\", which can't be used here", std::string(1, c)));
        }
    }

    /// Whether "(?" begins options, as "(?i)" and "(?x:" do.
    bool is_option() const {
        return pattern_.substr(at_, 1) == "?" && at_ + 1 < pattern_.size() &&
               (is_ascii_alnum(pattern_[at_ + 1]) || pattern_[at_ + 1] == '-' ||
                pattern_[at_ + 1] == '^') &&
               pattern_[at_ + 1] != 'P';
    }

    /// The size of "[:alpha:]" or "[:^alpha:]" here; 0: there is none.
    std::size_t posix_class() const {
        const std::string_view rest = pattern_.substr(at_);
        const std::size_t end = rest.find_first_not_of("^abcdefghijklmnopqrstuvwxyz",
                                                       std::min<std::size_t>(2, rest.size()));
        return rest.starts_with("[:") && rest.substr(std::min(end, rest.size())).starts_with(":]")
                   ? end + 2
                   : 0;
    }

    void skip_class() {
        at_ += pattern_.substr(at_, 1) == "^" ? 1 : 0;
        at_ += pattern_.substr(at_, 1) == "]" ? 1 : 0;
        while (at_ < pattern_.size() && pattern_[at_] != ']') {
            if (const std::size_t size = posix_class(); size != 0) {
                at_ += size;
            } else {
                at_ += pattern_[at_] == '\\' ? 2 : 1;
            }
        }
        at_++;
    }

    void add(char c) {
        if (depth_ == 0) {
            run_ += c;
        }
    }
    void end_run() {
        if (!run_.empty()) {
            found_.emplace_back(std::exchange(run_, {}));
        }
    }
    void drop_last() {
        if (!run_.empty()) {
            run_.pop_back();
        }
        end_run();
    }

    std::string_view pattern_;
    std::size_t at_ = 0;
    unsigned depth_ = 0;
    bool alternatives_ = false;
    bool bounded_ = true;
    unsigned repetitions_ = 0;
    std::string run_;
    std::vector<Literal> found_;
};

} // namespace

struct Pattern::Compiled {
    std::string text;
    std::vector<Literal> literals; // the longest first
    Code code;
    MatchData data; // written by each match: a worker does one at a time
    MatchContext context;
    bool is_bounded = false;

    Result run(std::string_view subject, std::size_t from = 0,
               std::uint32_t options = 0) const noexcept {
        const int found = pcre2_match(code.get(), units(subject), subject.size(), from, options,
                                      data.get(), context.get());
        return found >= 0 ? Result::yes : found == PCRE2_ERROR_NOMATCH ? Result::no : Result::limit;
    }

    /// In a long text: around each place of its longest literal, a few of them at most.
    Result run_around(std::string_view text) const noexcept {
        constexpr std::size_t most_places = 16;
        constexpr std::size_t around = max_text / 2;
        const Literal& literal = literals.front();
        Literal::Cursor cursor;
        std::size_t places = 0;
        for (std::size_t at; (at = literal.next(text, cursor)) != std::string_view::npos;) {
            const std::size_t end = std::min(text.size(), at + literal.size() + around);
            const Result result =
                ++places > most_places
                    ? Result::limit
                    : run(text.substr(0, end), at - std::min(at, around),
                          end == text.size() ? 0 : static_cast<std::uint32_t>(PCRE2_NOTEOL));
            if (result != Result::no) {
                return result;
            }
        }
        return cursor.gave_up() ? Result::limit : Result::no;
    }

    /// Whether it backtracks without end on a text made for that: pieces of the pattern, repeated,
    /// behind a literal that lets it begin and before those that PCRE2 looks for first.
    bool is_catastrophic() const {
        std::vector<std::string> parts{"0", "a", " ", "/", text};
        for (std::size_t size = 1; size <= 3; size++) {
            for (std::size_t i = 0; i + size <= text.size(); i++) {
                parts.push_back(text.substr(i, size));
            }
        }
        std::vector<std::string> begins{""};
        std::string end = "!";
        for (const Literal& literal : literals) {
            begins.push_back(literal.text());
            end += literal.text();
        }
        begins.push_back(end.substr(1));
        for (const std::string& begin : begins) {
            for (const std::string& part : parts) {
                std::string probe = begin;
                while (probe.size() < max_text) {
                    probe += part;
                }
                probe.resize(max_text - std::min(end.size(), max_text / 2));
                if (run((probe + end).substr(0, max_text)) == Result::limit) {
                    return true;
                }
            }
        }
        return false;
    }
};

Pattern::Pattern(std::string_view text, Needs needs) {
    if (text.empty() || text.size() > max_text) {
        throw std::invalid_argument(formatted("must have 1 to {} characters", max_text));
    }
    auto compiled = std::make_shared<Compiled>();
    compiled->text = text;

    int error = 0;
    std::size_t offset = 0;
    compiled->code.reset(pcre2_compile(units(text), text.size(),
                                       PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                                           PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C |
                                           PCRE2_NO_AUTO_CAPTURE,
                                       &error, &offset, nullptr));
    if (compiled->code == nullptr) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(error, why, sizeof(why));
        throw std::invalid_argument(formatted("isn't a regular expression: {} at character {}",
                                              reinterpret_cast<char*>(why), offset));
    }
    LiteralReader reader(text);
    compiled->literals = reader.read();
    compiled->is_bounded = reader.is_bounded() && !compiled->literals.empty();
    std::stable_sort(compiled->literals.begin(), compiled->literals.end(),
                     [](const Literal& a, const Literal& b) { return a.size() > b.size(); });
    if (needs == Needs::literal &&
        std::none_of(compiled->literals.begin(), compiled->literals.end(),
                     [](const Literal& literal) { return literal.is_distinctive(); })) {
        throw std::invalid_argument(
            "has no text that every match contains and no ticket does by chance: six characters "
            "outside of brackets, or three with one that is neither letter nor digit");
    }

    pcre2_jit_compile(compiled->code.get(), PCRE2_JIT_COMPLETE); // without it, it is slower
    compiled->data.reset(pcre2_match_data_create(1, nullptr));
    compiled->context.reset(pcre2_match_context_create(nullptr));
    if (compiled->data == nullptr || compiled->context == nullptr) {
        throw std::bad_alloc();
    }
    pcre2_set_match_limit(compiled->context.get(), match_limit);
    if (compiled->run({"", 0}) == Result::yes || compiled->run("/0q~") == Result::yes) {
        throw std::invalid_argument("matches every text");
    }
    compiled_ = std::move(compiled);
}

Pattern Pattern::probed(std::string_view text, Needs needs) {
    Pattern pattern(text, needs);
    if (pattern.compiled_->is_catastrophic()) {
        throw std::invalid_argument(formatted("backtracks without end over a text of {} "
                                              "characters: avoid repetitions within repetitions",
                                              max_text));
    }
    return pattern;
}

Pattern::Result Pattern::match(std::string_view text) const noexcept {
    for (const Literal& literal : compiled_->literals) {
        Literal::Cursor cursor;
        if (literal.next(text, cursor) == std::string_view::npos) {
            return cursor.gave_up() ? Result::limit : Result::no;
        }
    }
    return text.size() <= max_text ? compiled_->run(text)
           : compiled_->is_bounded ? compiled_->run_around(text)
                                   : Result::limit;
}

char Pattern::telltale() const noexcept {
    return compiled_->literals.empty() ? '\0' : compiled_->literals.front().rarest();
}

const std::string& Pattern::text() const noexcept {
    return compiled_->text;
}

} // namespace lync::policy
