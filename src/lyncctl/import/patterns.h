#pragma once

// Values of other products' files. Of patterns, the names that can be listed are; what can't isn't
// guessed.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync::lyncctl {

/// The hosts of a pattern, as far as they can be listed: "meet.contoso.com", "meet.*". `wildcard`:
/// IIS's wildcard syntax, where "*" and "?" are all there is; else a regular expression on the host
/// name. Empty where they can't.
std::vector<std::string> hosts_of_pattern(std::string_view pattern, bool wildcard);

/// What squid's mappings match URLs with: the host of the expression.
struct UrlPattern {
    std::vector<std::string> hosts; ///< empty where they can't be listed
    bool has_path = false;          ///< also asks for a path
};
UrlPattern hosts_of_url_pattern(std::string_view pattern);

/// Whether a word is in a list of words, each between blanks.
bool has_word(std::string_view list, std::string_view word);

/// A port, or 0.
std::uint16_t port_of(std::string_view text) noexcept;

/// A host name or address and a port, 0 where none is written: `[2001:db8::1]:4443`.
std::pair<std::string, std::uint16_t> split_endpoint(std::string_view text);

} // namespace lync::lyncctl
