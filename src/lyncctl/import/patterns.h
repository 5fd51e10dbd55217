#pragma once

// From the patterns of other products to names: what can be listed is, what can't isn't guessed.

#include <string>
#include <string_view>
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

} // namespace lync::lyncctl
