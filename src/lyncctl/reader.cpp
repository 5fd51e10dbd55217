#include "lyncctl/reader.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace lync::config {

namespace {

constexpr std::size_t buffer_size = 4096;     ///< NGX_CONF_BUFFER: no word is longer
constexpr std::size_t longest_message = 1024; ///< NGX_MAX_CONF_ERRSTR
constexpr std::size_t most_files_open = 500;  ///< a file that includes itself ends here
constexpr std::size_t deepest = 500;          ///< blocks in blocks: nobody nests them so
constexpr std::size_t most_words = 2000000; ///< of all files: a hundred times the largest hoster's
constexpr off_t largest_file = 256 * 1024 * 1024;

/// One file that is being read.
struct Source {
    std::string name;
    std::string text;
    std::size_t depth = 0; ///< how many blocks were open when it began
    std::size_t at = 0;
    /// nginx reads through a buffer. What it says of a word that doesn't fit depends on where the
    /// buffer ends.
    std::size_t buffered = 0;
    unsigned line = 1;
    /// Files of a pattern that are still to be read at this point, the next one last.
    std::vector<std::string> pending;
};

enum class Ending { line, block_start, block_end, file_end };

bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// A word as it stands in the file, its backslashes undone.
std::string unescaped(std::string_view raw) {
    std::string word;
    word.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); i++) {
        if (raw[i] == '\\' && i + 1 < raw.size()) {
            switch (raw[i + 1]) {
            case '"':
            case '\'':
            case '\\':
                i++;
                break;
            case 't':
                word += '\t';
                i++;
                continue;
            case 'r':
                word += '\r';
                i++;
                continue;
            case 'n':
                word += '\n';
                i++;
                continue;
            default:
                break;
            }
        }
        word += raw[i];
    }
    return word;
}

class Reader {
public:
    Reader(std::string prefix, Listener& listener, const Sources& sources)
        : prefix_(std::move(prefix)), listener_(listener), source_of_(sources) {}

    std::unique_ptr<Directive> read(Source first) {
        auto root = std::make_unique<Directive>();
        root->is_block = true;
        root->place.file = first.name;
        blocks_.push_back(root.get());
        first.depth = blocks_.size();
        sources_.push_back(std::move(first));

        std::vector<std::string> words;
        while (!sources_.empty()) {
            if (!source().pending.empty()) {
                const std::string next = std::move(source().pending.back());
                source().pending.pop_back();
                open(next);
                continue;
            }
            switch (read_line(words)) {
            case Ending::file_end:
                end_file();
                break;
            case Ending::block_end:
                end_block();
                break;
            case Ending::line:
                add(words, false);
                break;
            case Ending::block_start:
                add(words, true);
                break;
            }
        }
        return root;
    }

    [[noreturn]] void fail(std::string text) {
        text.resize(std::min(text.size(), longest_message));
        text = listener_.retold(std::move(text), blocks_);
        throw Mistake(std::move(text), sources_.empty() ? Place{} : here());
    }

private:
    Source& source() noexcept { return sources_.back(); }
    Place here() { return {source().name, source().line}; }

    [[noreturn]] void fail_unexpected(char c) { fail("unexpected \"" + std::string(1, c) + "\""); }

    /// Whether there is a character at `at`; a word that began at `start` and doesn't fit into
    /// nginx's buffer is a mistake at the line where it began.
    bool has_more(std::size_t start, unsigned start_line, char quote) {
        Source& in = source();
        if (in.at < in.buffered) {
            return true;
        }
        if (in.buffered >= in.text.size()) {
            return false;
        }
        if (in.at - start == buffer_size) {
            in.line = start_line;
            fail(quote == 0 ? "too long parameter \"" + in.text.substr(start, 10) + "...\" started"
                            : std::string("too long parameter, probably missing terminating \"") +
                                  quote + "\" character");
        }
        in.buffered = std::min(start + buffer_size, in.text.size());
        return true;
    }

    Ending read_line(std::vector<std::string>& words);
    void add(std::vector<std::string>& words, bool is_block);
    void end_block();
    void end_file();
    void include(const Directive& directive);
    void open(const std::string& path);
    void read_lua(Directive& directive);

    std::string prefix_;
    Listener& listener_;
    const Sources& source_of_;
    std::vector<Source> sources_;
    Blocks blocks_;         ///< open ones; they belong to the tree
    std::size_t words_ = 0; ///< read so far
};

/// ngx_conf_read_token, state by state.
Ending Reader::read_line(std::vector<std::string>& words) {
    Source& in = source();
    bool need_space = false;
    bool last_space = true;
    bool comment = false;
    bool variable = false;
    bool backslash = false;
    char quote = 0;
    std::size_t start = in.at;
    unsigned start_line = in.line;
    words.clear();

    for (;;) {
        if (!has_more(start, start_line, quote)) {
            if (!words.empty() || !last_space) {
                fail("unexpected end of file, expecting \";\" or \"}\"");
            }
            return Ending::file_end;
        }

        const char c = in.text[in.at++];
        if (c == '\n') {
            in.line++;
            comment = false;
        }
        if (comment) {
            continue;
        }
        if (backslash) {
            backslash = false;
            continue;
        }

        if (need_space) {
            if (is_space(c)) {
                last_space = true;
                need_space = false;
                continue;
            }
            if (c == ';' || c == '{') {
                return c == ';' ? Ending::line : Ending::block_start;
            }
            if (c != ')') {
                fail_unexpected(c);
            }
            last_space = true;
            need_space = false;
        }

        if (last_space) {
            start = in.at - 1;
            start_line = in.line;
            if (is_space(c)) {
                continue;
            }
            switch (c) {
            case ';':
            case '{':
                if (words.empty()) {
                    fail_unexpected(c);
                }
                return c == ';' ? Ending::line : Ending::block_start;
            case '}':
                if (!words.empty()) {
                    fail_unexpected(c);
                }
                return Ending::block_end;
            case '#':
                comment = true;
                continue;
            case '\\':
                backslash = true;
                break;
            case '"':
            case '\'':
                start++;
                quote = c;
                break;
            case '$':
                variable = true;
                break;
            default:
                break;
            }
            last_space = false;
            continue;
        }

        if (c == '{' && variable) {
            continue;
        }
        variable = false;
        if (c == '\\') {
            backslash = true;
            continue;
        }
        if (c == '$') {
            variable = true;
            continue;
        }

        bool found = false;
        if (quote != 0) {
            if (c == quote) {
                quote = 0;
                need_space = true;
                found = true;
            }
        } else if (is_space(c) || c == ';' || c == '{') {
            last_space = true;
            found = true;
        }
        if (found) {
            if (words.size() >= most_words) {
                fail("more than " + std::to_string(most_words) + " words");
            }
            words.push_back(unescaped(std::string_view(in.text).substr(start, in.at - 1 - start)));
            if (c == ';' || c == '{') {
                return c == ';' ? Ending::line : Ending::block_start;
            }
        }
    }
}

void Reader::add(std::vector<std::string>& words, bool is_block) {
    words_ += words.size();
    if (words_ > most_words) {
        fail("more than " + std::to_string(most_words) + " words");
    }
    auto directive = std::make_unique<Directive>();
    directive->name = std::move(words.front());
    directive->arguments.assign(std::make_move_iterator(words.begin() + 1),
                                std::make_move_iterator(words.end()));
    directive->place = here();
    directive->is_block = is_block;

    if (directive->name == "include") {
        include(*directive);
        return;
    }
    if (is_block && directive->name.ends_with("_by_lua_block")) {
        read_lua(*directive);
    }

    if (std::string wrong = listener_.opened(*directive, blocks_); !wrong.empty()) {
        fail(std::move(wrong));
    }
    blocks_.back()->children.push_back(std::move(directive));
    Directive& added = *blocks_.back()->children.back();
    if (added.is_block) {
        if (blocks_.size() > deepest) {
            fail("too many blocks in each other");
        }
        blocks_.push_back(&added);
    }
}

void Reader::end_block() {
    if (blocks_.size() == source().depth) {
        fail_unexpected('}');
    }
    const Directive& block = *blocks_.back();
    blocks_.pop_back();
    listener_.closed(block, blocks_);
}

void Reader::end_file() {
    if (blocks_.size() > source().depth) {
        fail("unexpected end of file, expecting \"}\"");
    }
    sources_.pop_back();
}

void Reader::include(const Directive& directive) {
    if (directive.is_block) {
        fail("directive \"include\" is not terminated by \";\"");
    }
    if (directive.arguments.size() != 1) {
        fail("invalid number of arguments in \"include\" directive");
    }
    // Names end at a NUL byte for nginx.
    const std::string path = full_name(directive.arguments.front().c_str(), prefix_);
    if (path.find_first_of("*?[") == std::string::npos) {
        open(path);
        return;
    }
    std::vector<std::string> files = source_of_.expand(path);
    std::reverse(files.begin(), files.end());
    source().pending = std::move(files);
}

void Reader::open(const std::string& path) {
    if (sources_.size() >= most_files_open) {
        fail("open() \"" + path + "\" failed (24: Too many open files)");
    }
    Sources::File file = source_of_.open(path);
    if (!file.error.empty()) {
        if (file.error.starts_with("open()")) {
            fail(std::move(file.error));
        }
        throw Mistake(std::move(file.error), Place{}); // nginx has no place for it either
    }
    Source opened;
    opened.name = path;
    opened.text = std::move(file.text);
    opened.depth = blocks_.size();
    sources_.push_back(std::move(opened));
}

/// What lua-nginx-module takes as one argument: everything up to the "}" that ends the block,
/// those in Lua's strings and comments left out.
void Reader::read_lua(Directive& directive) {
    Source& in = source();
    const std::size_t start = in.at;
    const std::string_view text = in.text;
    std::size_t depth = 1;
    std::size_t at = start;

    // `[[`, `[=[` ...: where the long bracket that begins at `from` ends; npos if none does.
    const auto long_bracket = [&](std::size_t from) {
        std::size_t level = from + 1;
        while (level < text.size() && text[level] == '=') {
            level++;
        }
        if (level >= text.size() || text[level] != '[') {
            return std::string_view::npos;
        }
        const std::string closing = "]" + std::string(level - from - 1, '=') + "]";
        const std::size_t end = text.find(closing, level);
        return end == std::string_view::npos ? text.size() : end + closing.size();
    };

    while (at < text.size() && depth > 0) {
        const char c = text[at];
        if (c == '-' && text.substr(at).starts_with("--")) {
            const std::size_t end = at + 2 < text.size() && text[at + 2] == '['
                                        ? long_bracket(at + 2)
                                        : std::string_view::npos;
            at = end != std::string_view::npos ? end : std::min(text.find('\n', at), text.size());
            continue;
        }
        if (c == '[') {
            const std::size_t end = long_bracket(at);
            at = end != std::string_view::npos ? end : at + 1;
            continue;
        }
        if (c == '"' || c == '\'') {
            at++;
            while (at < text.size() && text[at] != c) {
                at += text[at] == '\\' ? 2 : 1;
            }
            at = std::min(at + 1, text.size());
            continue;
        }
        depth += c == '{' ? 1 : 0;
        depth -= c == '}' ? 1 : 0;
        at++;
    }

    in.line +=
        static_cast<unsigned>(std::count(text.begin() + static_cast<std::ptrdiff_t>(start),
                                         text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    in.at = at;
    in.buffered = std::max(in.buffered, at);
    if (depth > 0) {
        fail("unexpected end of file, expecting \"}\" of the Lua code");
    }
    directive.arguments.emplace_back(text.substr(start, at - 1 - start));
    directive.is_block = false;
}

std::string failed(std::string_view call, const std::string& path, int error) {
    return std::string(call) + " \"" + path + "\" failed (" + std::to_string(error) + ": " +
           std::generic_category().message(error) + ")";
}

/// All that somebody writes into a pipe, as a shell's <(...) does.
void read_pipe(int fd, const std::string& path, Sources::File& file) {
    char buffer[65536];
    for (;;) {
        const ssize_t got = ::read(fd, buffer, sizeof(buffer));
        if (got == -1 && errno == EAGAIN) {
            pollfd wait{fd, POLLIN, 0};
            ::poll(&wait, 1, -1);
        } else if (got == -1 && errno != EINTR) {
            file.error = failed("read()", path, errno);
            return;
        } else if (got == 0) {
            return;
        } else if (got > 0) {
            file.text.append(buffer, static_cast<std::size_t>(got));
        }
        if (file.text.size() > static_cast<std::size_t>(largest_file)) {
            file.text.clear();
            file.error = "\"" + path + "\" is larger than any configuration";
            return;
        }
    }
}

/// As nginx does, as many bytes as the file has when it is opened, so that a device is empty. A
/// pipe, which nginx finds empty as well, is read to its end.
Sources::File open_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1) {
        return {{}, failed("open()", path, errno)};
    }

    Sources::File file;
    struct stat info {};
    if (::fstat(fd, &info) != 0) {
        file.error = failed("fstat()", path, errno);
    } else if (info.st_size > largest_file && S_ISREG(info.st_mode)) {
        file.error = "\"" + path + "\" is larger than any configuration";
    } else if (S_ISFIFO(info.st_mode)) {
        read_pipe(fd, path, file);
    } else if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) {
        file.text.resize(static_cast<std::size_t>(S_ISDIR(info.st_mode) ? 1 : info.st_size));
        std::size_t got = 0;
        while (got < file.text.size()) {
            const ssize_t n = ::pread(fd, file.text.data() + got, file.text.size() - got,
                                      static_cast<off_t>(got));
            if (n == -1 && errno == EINTR) {
                continue;
            }
            if (n == -1) {
                file.error = failed("pread()", path, errno);
            }
            if (n <= 0) {
                file.text.resize(got);
                break;
            }
            got += static_cast<std::size_t>(n);
        }
    }
    ::close(fd);
    return file;
}

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
    return {open_file, expand_pattern};
}

std::string full_name(std::string_view path, std::string_view prefix) {
    return path.starts_with('/') ? std::string(path) : std::string(prefix).append(path);
}

std::string directory_of(std::string_view file) {
    const std::size_t slash = file.rfind('/');
    return slash == std::string_view::npos ? std::string("./")
                                           : std::string(file.substr(0, slash + 1));
}

std::unique_ptr<Directive> read_configuration(const std::string& file, Listener& listener,
                                              const Sources& sources) {
    Sources::File opened = sources.open(file);
    if (!opened.error.empty()) {
        throw Mistake(std::move(opened.error), Place{});
    }
    Source source;
    source.name = file;
    source.text = std::move(opened.text);
    return Reader(directory_of(file), listener, sources).read(std::move(source));
}

std::unique_ptr<Directive> read_configuration(const std::string& file) {
    Listener nobody;
    return read_configuration(file, nobody);
}

std::unique_ptr<Directive> read_text(std::string_view text, const std::string& name,
                                     const std::string& prefix, Listener& listener,
                                     const Sources& sources) {
    Source source;
    source.name = name;
    source.text = text;
    source.buffered = text.size();
    return Reader(prefix, listener, sources).read(std::move(source));
}

} // namespace lync::config
