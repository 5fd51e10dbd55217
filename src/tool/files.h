#pragma once

// Files that commands read and write.

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace lync::tool {

/// Writes a new file, whole or not at all. A file that is there already is replaced only if `force`
/// says so (by renaming, so that nobody reads half of it); otherwise that is a Failure which names
/// --force. The file never has more rights than `mode`, not even for a moment.
void write_file(const std::string& path, std::string_view content, mode_t mode, bool force);

/// Throws the Failure that write_file would throw for a file that is there already: for commands
/// that write several files, all or none.
void require_new(const std::string& path, bool force);

/// The content of a file ("-" for stdin) of at most `most` bytes; a Failure if it can't be read or
/// is larger.
std::string read_file(const std::string& path, std::size_t most);

} // namespace lync::tool
