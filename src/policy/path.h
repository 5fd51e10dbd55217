#pragma once

// How IIS will read a path.
//
// IIS (http.sys, then ASP.NET) is case-insensitive, takes "\" for "/", decodes percent and %u
// escapes, collapses dot segments and double slashes, and, depending on version and module,
// ignores trailing dots and spaces of a segment, strips ";" parameters, decodes a second time and
// maps look-alike Unicode characters to ASCII. Which of the lenient habits a pool has is unknown
// here, so a path is read twice: once strictly and once with every lenient habit at once. A
// verdict holds if it is the same for both readings. That two readings suffice rests on refusing
// outright the shapes in which habits could hide each other's work; no client sends any of them:
//
//   - a ".." together with any other trick, or above the root: a ".." is resolved only in a path
//     that is literal in every other respect;
//   - an encoded slash or a backslash together with a ";" parameter or an encoded "#"; an encoded
//   "?";
//   - bytes that aren't UTF-8 (overlong forms among them), %00 and other control characters;
//   - segments of dots and spaces alone, other than "." and "..";
//   - ASP.NET's cookieless "(S(...))" and NTFS's "::$DATA" and the like;
//   - more than a handful of nested encodings.
//
// Without a "..", decoding more can only split segments, never glue or remove what is there, so
// whatever a lesser degree of leniency finds at the head of a path, the most lenient one finds too.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::policy {

/// Longer paths are malformed (IIS itself takes 260 characters of a segment and 16 KB of a URL).
inline constexpr std::size_t max_path = 8192;

/// A path in normal form: lower case (ASCII), each segment with a "/" before it, nothing at the
/// end; the root is "". Lives in the caller's stack frame.
class Reading {
public:
    std::string_view path() const noexcept { return {text_, size_}; }
    /// False if there is no ".", "_", "~" or "b" in it: every name of a file that is never
    /// published has one of them (find_never).
    bool may_name_file() const noexcept { return may_name_file_; }

private:
    friend class PathReader;
    std::size_t size_ = 0;
    bool may_name_file_ = true;
    char text_[max_path + 1]; // not initialised: written as far as size_ only
};

enum class PathState : std::uint8_t {
    fine,
    malformed, ///< no server could make sense of it: bad escapes, control characters, too long
    ambiguous, ///< servers would differ in a way that can't be followed
};

/// What the second reading of a path is.
enum class Second : std::uint8_t {
    none,       ///< there is one reading only
    lenient,    ///< the most lenient one
    unresolved, ///< with its ".." left in: counts for what is never published only
};

struct Readings {
    Reading strict;
    Reading other;
    Second second = Second::none;
};

/// Reads `raw`, the path as it stands in the request line (without query; "" is taken for "/").
PathState read_path(std::string_view raw, Readings& readings) noexcept;

/// The plain reading of a path that is passed on whatever it holds (Office Web Apps): decoded
/// once, lower case, slashes and dots resolved, without dots and spaces at the ends of segments.
/// What can't be decoded is kept.
PathState read_plain(std::string_view raw, Reading& reading) noexcept;

} // namespace lync::policy
