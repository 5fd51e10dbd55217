#pragma once

// What the system's resolver says now.

#include <string>
#include <vector>

namespace lync::lyncctl {

/// The addresses of a host name, or none.
std::vector<std::string> addresses_of(const std::string& name);

} // namespace lync::lyncctl
