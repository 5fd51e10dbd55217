#include "lyncctl/reader.h"

#include "base/format.h"
#include "config/editor_traces.h"
#include "config/explain_nginx_message.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"

#include <glob.h>

#include <algorithm>

namespace lync::lyncctl {

namespace {

using config::Directive;

constexpr std::size_t deepest_include = 50; ///< a file that includes itself ends here
constexpr std::size_t deepest_block = 500;
constexpr std::size_t most_directives = 500'000; ///< of all files: a tree is many times its text
constexpr std::size_t most_words = 2'000'000;
constexpr std::size_t largest_file = 256 * 1024 * 1024;

enum class Token { line_end, block_start, block_end, word, file_end }; // the first are ";{}"

bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// A word of the file with its escapes resolved.
std::string unescaped(std::string_view raw) {
    constexpr std::string_view written = "\"'\\trn";
    constexpr std::string_view meant = "\"'\\\t\r\n";
    std::string word;
    for (std::size_t i = 0; i < raw.size(); i++) {
        const std::size_t escape = raw[i] == '\\' && i + 1 < raw.size() ? written.find(raw[i + 1])
                                                                        : std::string_view::npos;
        word += escape == std::string_view::npos ? raw[i] : meant[escape];
        i += escape == std::string_view::npos ? 0 : 1;
    }
    return word;
}

/// The position of the "}" that ends a block of Lua code, ignoring those in quoted strings and in
/// comments to the end of the line; npos if there is none.
std::size_t end_of_lua(std::string_view text, std::size_t at) {
    for (std::size_t depth = 1; at < text.size(); at++) {
        const char c = text[at];
        if (text.substr(at).starts_with("--")) {
            at = std::min(text.find('\n', at), text.size());
        } else if (c == '"' || c == '\'') {
            // The end of the line ends it, too: it was an apostrophe in a long comment.
            for (at++; at < text.size() && text[at] != c && text[at] != '\n'; at++) {
                at += text[at] == '\\' ? 1 : 0;
            }
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            return at;
        }
    }
    return std::string_view::npos;
}

/// The tokens of one file, and the position in it.
class Words {
public:
    Words(std::string_view name, std::string_view text) : name_(name), text_(text) {}

    Place here() const { return {std::string(name_), line_}; }

    /// The next token; `word` is filled with a word. Throws Mistake.
    Token next(std::string& word) {
        skip_blanks();
        if (at_ == text_.size()) {
            return Token::file_end;
        }
        if (const std::size_t mark = std::string_view(";{}").find(text_[at_]); mark < 3) {
            at_++;
            return static_cast<Token>(mark);
        }
        word = text_[at_] == '"' || text_[at_] == '\'' ? quoted_word() : plain_word();
        return Token::word;
    }

    /// The code of a Lua block whose "{" was read, without its "}".
    std::string lua_code() {
        const std::size_t end = end_of_lua(text_, at_);
        if (end == std::string_view::npos) {
            throw Mistake("unexpected end of file, expecting \"}\" of the Lua code", here());
        }
        std::string code(text_.substr(at_, end - at_));
        move_to(end + 1);
        return code;
    }

private:
    void move_to(std::size_t at) {
        const std::string_view passed = text_.substr(at_, at - at_);
        line_ += static_cast<unsigned>(std::count(passed.begin(), passed.end(), '\n'));
        at_ = at;
    }

    void skip_blanks() {
        std::size_t at = at_;
        while (at < text_.size() && (is_space(text_[at]) || text_[at] == '#')) {
            at = text_[at] == '#' ? std::min(text_.find('\n', at), text_.size()) : at + 1;
        }
        move_to(at);
    }

    std::string quoted_word() {
        const char quote = text_[at_];
        std::size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != quote) {
            end += text_[end] == '\\' ? 2 : 1;
        }
        if (end >= text_.size()) {
            throw mistake(here(), "unexpected end of file, missing terminating \"{}\" character",
                          quote);
        }
        std::string word = unescaped(text_.substr(at_ + 1, end - at_ - 1));
        move_to(end + 1);
        return word;
    }

    /// Up to a blank, ";" or "{", except for the "{" of "${name}".
    std::string plain_word() {
        std::size_t end = at_;
        while (end < text_.size() && !is_space(text_[end]) && text_[end] != ';' &&
               (text_[end] != '{' || (end > at_ && text_[end - 1] == '$'))) {
            end += text_[end] == '\\' ? 2 : 1;
        }
        end = std::min(end, text_.size());
        std::string word = unescaped(text_.substr(at_, end - at_));
        move_to(end);
        return word;
    }

    std::string_view name_;
    std::string_view text_;
    std::size_t at_ = 0;
    unsigned line_ = 1;
};

class Reader {
public:
    Reader(std::string prefix, const Sources& sources)
        : prefix_(std::move(prefix)), sources_(sources) {}

    std::unique_ptr<Directive> read(const std::string& name, std::string_view text) {
        auto root = std::make_unique<Directive>();
        root->is_block = true;
        root->place.file = name;
        Words words(name, text);
        read_block(words, *root, true);
        return root;
    }

private:
    /// Reads up to the "}" of the block, or a `whole` file. A block ends in the file it began in.
    void read_block(Words& words, Directive& block, bool whole) {
        std::vector<std::string> line;
        std::string word;
        for (Token token = words.next(word);; token = words.next(word)) {
            switch (token) {
            case Token::word:
                if (++words_ > most_words) {
                    throw mistake(words.here(), "more than {} words", most_words);
                }
                line.push_back(std::move(word));
                break;
            case Token::line_end:
            case Token::block_start:
                if (line.empty()) {
                    throw Mistake(token == Token::line_end ? "unexpected \";\""
                                                           : "unexpected \"{\"",
                                  words.here());
                }
                add(line, token == Token::block_start, words, block);
                line.clear();
                break;
            case Token::block_end:
                if (!line.empty() || whole) {
                    throw Mistake("unexpected \"}\"", words.here());
                }
                return;
            case Token::file_end:
                if (!line.empty()) {
                    throw Mistake("unexpected end of file, expecting \";\" or \"}\"", words.here());
                }
                if (!whole) {
                    throw mistake(words.here(), "unexpected end of file, expecting \"}}\" {}",
                                  config::missing_end(block));
                }
                return;
            }
        }
    }

    void add(std::vector<std::string>& line, bool is_block, Words& words, Directive& block) {
        if (++directives_ > most_directives) {
            throw mistake(words.here(), "the configuration has more than {} directives",
                          most_directives);
        }
        auto directive = std::make_unique<Directive>();
        directive->name = std::move(line.front());
        directive->arguments.assign(std::make_move_iterator(line.begin() + 1),
                                    std::make_move_iterator(line.end()));
        directive->place = words.here();
        if (const auto trace = config::encoding_trace(directive->name); !trace.empty()) {
            throw mistake(directive->place, "unknown directive \"{}\": {}", directive->name, trace);
        }
        if (directive->name == "include") {
            include(*directive, is_block, block);
            return;
        }
        const bool is_lua = is_block && directive->name.ends_with("_by_lua_block");
        if (is_lua) {
            directive->arguments.push_back(words.lua_code());
        }
        directive->is_block = is_block && !is_lua;
        Directive& added = *block.children.emplace_back(std::move(directive));
        added.block = &block;
        if (added.is_block) {
            if (open_blocks_++ == deepest_block) {
                throw Mistake("too many blocks in each other", words.here());
            }
            read_block(words, added, false);
            open_blocks_--;
        }
    }

    void include(const Directive& directive, bool is_block, Directive& around) {
        if (is_block || directive.arguments.size() != 1) {
            throw Mistake("invalid \"include\" directive: it is written \"include FILE;\"",
                          directive.place);
        }
        if (depth_ == deepest_include) {
            throw Mistake("too many files include each other", directive.place);
        }
        const std::string path = full_name(directive.arguments.front().c_str(), prefix_);
        const bool pattern = path.find_first_of("*?[") != std::string::npos;
        depth_++;
        for (const std::string& file :
             pattern ? sources_.expand(path) : std::vector<std::string>{path}) {
            std::string text;
            try {
                text = sources_.open(file);
            } catch (const Failure& failure) {
                throw Mistake(failure.what(), directive.place);
            }
            Words words(file, text);
            read_block(words, around, true);
        }
        depth_--;
    }

    std::string prefix_;
    const Sources& sources_;
    std::size_t words_ = 0;
    std::size_t directives_ = 0;
    std::size_t open_blocks_ = 0;
    std::size_t depth_ = 0; ///< of includes
};

std::vector<std::string> expand_pattern(const std::string& pattern) {
    std::vector<std::string> files;
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    return files;
}

} // namespace

Sources Sources::of_system() {
    return {[](const std::string& path) { return lyncctl::read_file(path, largest_file); },
            expand_pattern};
}

std::string full_name(std::string_view path, std::string_view prefix) {
    return path.starts_with('/') ? std::string(path) : std::string(prefix).append(path);
}

std::string directory_of(std::string_view file) {
    const std::size_t slash = file.rfind('/');
    return slash == std::string_view::npos ? std::string("./")
                                           : std::string(file.substr(0, slash + 1));
}

std::unique_ptr<Directive> read_configuration(const std::string& file, const Sources& sources) {
    return read_text(sources.open(file), file, directory_of(file), sources);
}

std::unique_ptr<Directive> read_text(std::string_view text, const std::string& name,
                                     const std::string& prefix, const Sources& sources) {
    return Reader(prefix, sources).read(name, text);
}

} // namespace lync::lyncctl
