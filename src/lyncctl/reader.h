#pragma once

// A plain reader of nginx.conf: directives with their places, blocks, quoting, comments and
// `include` with patterns. It knows no directive but `include` and the *_by_lua_block of
// lua-nginx-module, whose bodies are Lua. Errors in a configuration are reported by nginx (`lyncctl
// check`); the reader rejects only what it can't parse into a tree.

#include "config/block.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// How the reader gets files; tests have their own.
struct Sources {
    /// The bytes of a file; throws Failure.
    std::function<std::string(const std::string& path)> open;
    /// The files that match a pattern, sorted; there may be none.
    std::function<std::vector<std::string>(const std::string& pattern)> expand;

    static Sources of_system();
};

/// The tree of `file` with all that it includes, under a directive without a name; relative names
/// are looked up beside it. `file` is shown in places as it is written: give an absolute path.
/// Throws Mistake, and the Failure of `open` for `file` itself.
std::unique_ptr<config::Directive>
read_configuration(const std::string& file, const Sources& sources = Sources::of_system());

/// The same for text, with `name` as the file in places; relative names in includes follow
/// `prefix`, which ends in a slash.
std::unique_ptr<config::Directive> read_text(std::string_view text, const std::string& name,
                                             const std::string& prefix,
                                             const Sources& sources = Sources::of_system());

/// A path as nginx makes it absolute: what doesn't begin with a slash follows `prefix`.
std::string full_name(std::string_view path, std::string_view prefix);

/// The directory of a file with the slash at its end: the prefix of what its directives name.
std::string directory_of(std::string_view file);

} // namespace lync::lyncctl
