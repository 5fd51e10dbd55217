#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace lync::lyncctl {

/// The hosts file of a machine, names in lower case: `10.0.0.11  fepool.contoso.local  # comment`.
struct HostsFile {
    std::map<std::string, std::string> addresses;       ///< by name; the first line counts
    std::map<std::string, std::set<std::string>> names; ///< by address
};

/// Any text is one; what isn't an address and names behind it means nothing.
HostsFile read_hosts(std::string_view text);

} // namespace lync::lyncctl
