#pragma once

#include <string>

namespace lync {

/// Reads the whole file into `bytes`, or says why not, an empty one included; `is_public`: whether
/// every user may read it. Never waits and never reads without end: pipes and devices are refused,
/// and a pipe would be empty for nginx afterwards.
std::string read_regular_file(const std::string& file, std::string& bytes,
                              bool* is_public = nullptr);

} // namespace lync
