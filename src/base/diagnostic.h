#pragma once

// The lowest room, on which all others stand: text, names, and diagnostics.
//
//     diagnostic.h   where a thing was written, and a message about it
//     format.h       messages by format strings
//     ascii.h        letters as DNS and HTTP compare them
//     utf8.h         characters of UTF-8
//     names.h        FQDNs, SIP domains, simple URLs, addresses
//     name_set.h     the names that a certificate covers
//     product.h      the seven server products and what follows from the choice
//     regular_file.h reads a whole file
//     utc.h          dates and times
//     version.h      of the module and of lyncctl
//
// Nothing here, nor in any room but src/nginx, knows nginx.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync {

/// A control character and what isn't UTF-8 as "\x01", a text of more than `most` bytes cut off.
std::string escaped(std::string_view text, std::size_t most = std::string_view::npos);

/// A word of a configuration as messages show it: in double quotes, and cut off at 255 bytes
/// ("..."), so that the end of the line, which says where, always reaches the log.
std::string quoted(std::string_view text);

/// "a, b, c and 19997 more": enough to recognise a list by.
std::string some_of(const std::vector<std::string>& words, std::size_t most = 3);

/// Adds a text that isn't among them yet.
void add_once(std::vector<std::string>& all, std::string text);

/// Where a directive was written: the file as nginx names it, and the line of its `;` or `{`.
struct Place {
    std::string file;
    unsigned line = 0;
};

/// "FILE:LINE"
inline std::string at(const Place& place) {
    return place.file + ":" + std::to_string(place.line);
}

/// What nginx logs as emerg, crit, warn and notice. `error` refuses the configuration, the others
/// accept it; `critical`: clients fail until it is fixed.
enum class Severity { error, critical, warning, notice };

/// One sentence about one place. The text has nginx's form: lower case, names in double quotes,
/// no full stop; " in FILE:LINE" is appended when it is printed.
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
