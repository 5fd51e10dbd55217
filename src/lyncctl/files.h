#pragma once

// Files that commands read and write.

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

struct NewFile {
    std::string path;
    std::string_view content;
    mode_t mode; ///< it never has more rights, not even for a moment
};

/// Writes new files, whole: under other names beside their own until all of them are there, and the
/// first is the last to get its name. A file that is there already is replaced only if `force` says
/// so; otherwise that is a Failure which names --force, and nothing is written.
void write_files(const std::vector<NewFile>& files, bool force);

/// Throws the Failure that write_files would throw for a file that is there already.
void require_new(const std::string& path, bool force);

/// The content of a file ("-" for stdin) of at most `most` bytes; a Failure if it can't be read or
/// is larger.
std::string read_file(const std::string& path, std::size_t most);

} // namespace lync::lyncctl
