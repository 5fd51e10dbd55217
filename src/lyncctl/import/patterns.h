#pragma once

// Values of other products' files. What a pattern stands for isn't guessed.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace lync::lyncctl {

/// The host of a pattern that stands for one: "meet.contoso.com", "meet.*"; else empty. `wildcard`:
/// IIS's wildcard syntax; else a regular expression on the host name.
std::string host_of_pattern(std::string_view pattern, bool wildcard);

/// Whether a word is in a list with a blank between words. "gzip-" in it is all that begin so.
bool has_word(std::string_view list, std::string_view word);

/// Addresses by name, of a hosts file: `10.0.0.11  fepool.contoso.local  # comment`.
using Hosts = std::unordered_map<std::string, std::string>;
Hosts read_hosts(std::string_view text);

/// An address or name as `server` takes it, of IPv6 without brackets too; empty if it is none.
std::string server_address(const std::string& text);

/// "https://LYNC:4443/x" apart. A scheme of its own, a socket of the file system and a name that a
/// variable is a part of have no target.
struct Target {
    bool tls = false;
    std::string name; ///< "lync:4443"
    std::string path; ///< "/x", "{R:0}", "$request_uri"
};
Target split_url(std::string_view url);

} // namespace lync::lyncctl
