#pragma once

// Values in other products' files. A pattern that isn't understood has no host.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace lync::lyncctl {

/// The host of a pattern that stands for one: "meet.contoso.com", "meet.*"; else empty. `wildcard`:
/// IIS's wildcard syntax; else a regular expression on the host name.
std::string host_of_pattern(std::string_view pattern, bool wildcard);

/// Whether a word is in a list of words separated by blanks. "gzip-" matches all with this prefix.
bool has_word(std::string_view list, std::string_view word);

/// Addresses by name, of a hosts file: `10.0.0.11  fepool.contoso.local  # comment`.
using Hosts = std::unordered_map<std::string, std::string>;
Hosts read_hosts(std::string_view text);

/// An address or name as `server` takes it, of IPv6 without brackets too; empty if it is none.
std::string server_address(const std::string& text);

/// The parts of "https://LYNC:4443/x". Empty for other schemes, Unix-domain sockets, and names with
/// a variable in them.
struct Target {
    bool tls = false;
    std::string name; ///< "lync:4443"
    std::string path; ///< "/x", "{R:0}", "$request_uri"
};
Target split_url(std::string_view url);

} // namespace lync::lyncctl
