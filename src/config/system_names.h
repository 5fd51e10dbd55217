#pragma once

// The system's own files about names: the name servers of /etc/resolv.conf, and the names of
// /etc/hosts. Pure: they are given the text of the file.

#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

struct NameServers {
    std::vector<std::string> addresses; ///< as nginx's `resolver` takes them: "10.0.0.1", "[::1]"
    std::string search;                 ///< the first search domain, or empty

    static constexpr std::size_t most = 3; ///< as many as the system itself asks
};

/// resolv.conf(5). Addresses that need an interface's name (fe80::1%eth0) are left out.
NameServers parse_resolv_conf(std::string_view text);

/// hosts(5): whether a line has `name`. Such a name isn't looked up in DNS.
bool hosts_file_has(std::string_view text, std::string_view name) noexcept;

/// The notice where names can't be resolved again after the load.
inline constexpr std::string_view addresses_stay =
    "servers given by name keep their present addresses: there is neither a \"resolver\" at "
    "http "
    "level nor a name server in /etc/resolv.conf";

} // namespace lync::config
