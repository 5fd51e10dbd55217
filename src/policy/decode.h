#pragma once

// One layer of encoding taken off: percent and %u escapes, and the Unicode characters that lenient
// servers take for ASCII ones.

#include <cstddef>
#include <cstdint>

namespace lync::policy {

/// Length of the escape at `text` ("%41", "%u0041"), 0 if there is none; `code` is what it means:
/// a byte for the short form, a UTF-16 unit for the long one.
std::size_t escape_at(const char* text, std::size_t available, long& code) noexcept;

/// What `decode_once` does with what it decodes.
enum class Decoding : std::uint8_t {
    exact,     ///< percent and %u escapes
    folding,   ///< and look-alikes of ASCII characters become those, invisible ones vanish
    forgiving, ///< and so do control characters and bytes that aren't UTF-8
    generous,  ///< but overlong UTF-8 becomes the ASCII character that it stands for
};

enum class TextState : std::uint8_t { fine, not_utf8, has_controls };

struct Decoded {
    TextState state = TextState::fine;
    std::size_t size = 0;
};

/// Decodes `text` in place, one layer of encoding, for parameters of a query as well as for paths.
/// Bad escapes are kept. Reports whether the result isn't UTF-8 or has control characters (never
/// when forgiving). The text never gets longer.
Decoded decode_once(char* text, std::size_t size, Decoding decoding) noexcept;

/// How many times something may be encoded before it is refused.
inline constexpr int max_encodings = 5;

} // namespace lync::policy
