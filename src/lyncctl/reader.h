#pragma once

// nginx's syntax without nginx: for lyncctl, which reads an nginx.conf with its includes. Words,
// quoting, escapes, comments, `include` with globs, lines and the wording of mistakes are those of
// ngx_conf_file.c, 1.22 to 1.31; t/92-tool-check.t holds one against the other.
//
// The reader knows no directive but `include` and the *_by_lua_block of lua-nginx-module, whose
// bodies are Lua. Everything else is a word list that ends in ";" or opens a block. What a
// directive means, and whether it may stand where it does, is the listener's business.

#include "config/block.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

/// The blocks around a directive, outermost first. The first is the configuration itself: a
/// Directive without name or arguments.
using Blocks = std::vector<Directive*>;

/// Hears of each directive in the order in which nginx acts on them.
class Listener {
public:
    virtual ~Listener() = default;

    /// A line was read, up to its ";" or "{". The result is what is wrong with it, in nginx's
    /// words and without the place; empty if nothing is.
    virtual std::string opened(const Directive& directive, const Blocks& blocks) {
        (void)directive, (void)blocks;
        return {};
    }

    /// The block has been read to its end; `blocks` are those around it. May throw Mistake.
    virtual void closed(const Directive& block, const Blocks& blocks) { (void)block, (void)blocks; }

    /// The sentence about a line inside of `blocks`, from nginx's own words.
    virtual std::string retold(std::string text, const Blocks& blocks) {
        (void)blocks;
        return text;
    }
};

/// What the reader asks of the world.
struct Sources {
    /// The bytes of a file, or the reason why there are none, as nginx gives it:
    /// `open() "/etc/nginx/x.conf" failed (2: No such file or directory)`.
    struct File {
        std::string text;
        std::string error;
    };
    std::function<File(const std::string& path)> open;
    /// The files of a pattern, sorted; none is no mistake.
    std::function<std::vector<std::string>(const std::string& pattern)> expand;

    static Sources of_system();
};

/// Reads `file` with all that it includes; relative names are looked up beside it. Throws Mistake
/// for the first thing that nginx's parser or the listener refuses. `file` is shown in places as
/// it is written: give an absolute path.
std::unique_ptr<Directive> read_configuration(const std::string& file, Listener& listener,
                                              const Sources& sources = Sources::of_system());
std::unique_ptr<Directive> read_configuration(const std::string& file);

/// The same for text that is called `name` in places; `prefix` (with the slash at its end) is
/// where relative names of includes are looked up. A word of text may be of any length, as where
/// the module feeds nginx from memory; one of a file may not.
std::unique_ptr<Directive> read_text(std::string_view text, const std::string& name,
                                     const std::string& prefix, Listener& listener,
                                     const Sources& sources = Sources::of_system());

/// A path as nginx makes it absolute: what doesn't begin with a slash follows `prefix`.
std::string full_name(std::string_view path, std::string_view prefix);

/// The directory of a file with the slash at its end: the prefix of what its directives name.
std::string directory_of(std::string_view file);

} // namespace lync::config
