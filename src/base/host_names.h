#pragma once

// What a host name is made of, whatever it stands in; and addresses in one spelling.

#include "base/names.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace lync {

constexpr std::size_t longest_name = 253; // RFC 1035 2.3.4, without the root's dot
constexpr std::size_t longest_label = 63;

/// How a fragment speaks of the host ("it", "its host"), and how many labels it needs.
struct HostRule {
    std::string_view subject = "it";
    std::size_t least_labels = 2;
};

inline ParsedName refused(std::string error) {
    return {{}, std::move(error)};
}

/// A host name in either spelling to lower-case A-labels. Knows nothing of ports or addresses
/// beyond refusing what isn't a label.
ParsedName parse_host(std::string_view text, HostRule rule);

/// Whether `name` is labels between single dots. Names of Windows hosts have underscores at times,
/// and certificates are issued for them. Lengths of labels don't matter here: what is too long for
/// DNS is never asked for.
bool is_plain_name(std::string_view name) noexcept;

/// inet_pton and back, so that equal addresses are equal texts; empty if it isn't an address.
std::string normal_ipv4(std::string_view text);
std::string normal_ipv6(std::string_view text);
/// Either, an IPv6 address in brackets or not; given back without them.
std::string normal_address(std::string_view text);

} // namespace lync
