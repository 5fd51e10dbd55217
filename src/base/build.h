#pragma once

// Builds as Microsoft's servers report them, "15.1.2507.6": in a header of Exchange, in a comment
// of the meeting scheduler's page.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lync {

/// Four numbers of 16 bits, the first one the highest; 0: none.
using Build = std::uint64_t;

/// The longest text that is read as a build.
inline constexpr std::size_t max_build = 31;

/// 0 if the text is anything but four numbers with dots between them.
Build build_of(std::string_view text) noexcept;
std::string build_text(Build build);

/// The header of Exchange that has it.
inline constexpr std::string_view build_header = "x-owa-version";

/// Finds the build in the scheduler's page, `<!-- Web Scheduler Version: 7.0.2046.530 -->`, which
/// may come in pieces of any size.
class BuildComment {
public:
    /// With `hide` it is overwritten with blanks.
    void feed(char* piece, std::size_t size, bool hide) noexcept;
    /// 0 as long as there was none.
    Build found() const noexcept { return found_; }

private:
    std::size_t matched_ = 0; ///< of the words before it
    std::size_t between_ = 0; ///< characters behind these
    std::size_t size_ = 0;
    Build found_ = 0;
    char text_[max_build + 1];
};

} // namespace lync
