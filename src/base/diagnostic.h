#pragma once

// The first room: what stands in the text of nginx.conf, before anybody asks what it means.
//
//     place.h        where a thing was written, and what is said about it there
//     directives.h   every directive that may stand inside lync_publish, once
//     block.h        the tree of directives that nginx's parser (or the tool's reader) filled
//
// Nothing here, nor in any room but src/nginx, knows nginx.

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync {

/// A word of a configuration as messages show it: in double quotes, a control character and what
/// isn't UTF-8 as "\x01", a long text cut off at 255 bytes ("..."), so that the end of the line,
/// which says where, always reaches the log.
std::string quoted(std::string_view text);

/// The same without the quotes, and whole however long it is.
std::string escaped(std::string_view text);

/// Where a directive was written: the file as nginx names it, and the line of its `;` or `{`.
struct Place {
    std::string file;
    unsigned line = 0;
};

/// nginx's log levels, as far as a configuration needs them. `error` refuses the configuration,
/// the others accept it.
enum class Severity { error, warning, notice };

/// One sentence about one place. The text has nginx's form: lower case, names in double quotes,
/// no full stop; " in FILE:LINE" is appended by whoever prints it.
struct Diagnostic {
    Severity severity = Severity::error;
    std::string text;
    Place place;
};

/// The first mistake of a configuration ends its reading, as everywhere in nginx. Thrown only
/// while a configuration is read, and caught at the border (src/nginx/conf/publish.cpp, the tool).
class Mistake : public std::runtime_error {
public:
    Mistake(std::string text, Place place)
        : std::runtime_error(text), diagnostic_{Severity::error, std::move(text),
                                                std::move(place)} {}

    const Diagnostic& diagnostic() const noexcept { return diagnostic_; }

private:
    Diagnostic diagnostic_;
};

} // namespace lync
