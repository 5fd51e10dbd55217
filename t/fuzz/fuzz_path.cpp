// Reads any path; what comes out is in normal form, and reading that again changes nothing.

#include "frame.h"
#include "policy/path.h"

#include <string>

using namespace lync::policy;
using fuzz::require;

namespace {

void require_normal(std::string_view path, bool resolved) {
    require(path.empty() || path.front() == '/', "a path begins with a slash", path);
    require(path.empty() || path.back() != '/', "a path doesn't end in a slash", path);
    require(path.find("//") == std::string_view::npos, "no empty segment", path);
    require(path.find('\\') == std::string_view::npos, "no backslash", path);
    const std::string bounded = std::string(path) + "/";
    require(bounded.find("/./") == std::string::npos, "no single dot", path);
    require(!resolved || bounded.find("/../") == std::string::npos, "no double dot", path);
    for (const char c : path) {
        require(c < 'A' || c > 'Z', "lower case", path);
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control character", path);
    }
}

} // namespace

FUZZ(raw) {
    Readings readings;
    if (read_path(raw, readings) == PathState::fine) {
        require_normal(readings.strict.path(), true);
        if (readings.second != Second::none) {
            require_normal(readings.other.path(), readings.second == Second::lenient);
            require(readings.strict.path() != readings.other.path(), "two readings differ", raw);
        }
        if (readings.second == Second::lenient) {
            // The most lenient reading has nothing left to be read in another way.
            Readings again;
            const std::string lenient(readings.other.path());
            if (lenient.find('%') == std::string::npos && lenient.find(' ') == std::string::npos) {
                require(read_path(lenient, again) == PathState::fine, "still readable", lenient);
                require(again.second == Second::none && again.strict.path() == lenient,
                        "a fixed point", lenient);
            }
        }
    }
    Reading plain;
    if (read_plain(raw, plain) == PathState::fine) {
        require(plain.path().empty() || plain.path().front() == '/', "begins with a slash", raw);
    }
}
