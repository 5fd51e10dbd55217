#pragma once

// What editors, word processors and habits from Windows leave in a file. nginx reads the bytes as
// they are, so its own message names a word that looks right.

#include <string>
#include <string_view>

namespace lync::config {

/// Why this word of a configuration can't be meant as it stands, with the remedy; empty if nothing
/// gives an editor away. A byte order mark, UTF-16, a no-break space, typographic quotes, "//",
/// "=", a path of Windows.
std::string_view editor_trace(std::string_view word) noexcept;

/// The same for the first bytes of a file: "it is UTF-16, save it as UTF-8".
std::string_view encoding_trace(std::string_view bytes) noexcept;

} // namespace lync::config
