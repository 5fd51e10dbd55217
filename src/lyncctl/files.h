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

/// Writes new files, all or none. One that is there already is never replaced: that is a Failure.
void write_files(const std::vector<NewFile>& files);

/// The content of a file ("-" for stdin) of at most `most` bytes; a Failure if it can't be read or
/// is larger.
std::string read_file(const std::string& path, std::size_t most);

} // namespace lync::lyncctl
