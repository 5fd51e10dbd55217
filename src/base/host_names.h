#pragma once

// Inside names*.cpp only: what a host name is made of, whatever it stands in.

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

/// A byte for a message: `"_"`, `a space`, `the byte 0x00`, `a character outside of ASCII`.
std::string describe_byte(char c);

/// The first byte of `text` that no name, address or URL may hold: a space or a control character.
/// npos if there is none.
std::size_t find_unprintable(std::string_view text) noexcept;

/// A host name in either spelling to lower-case A-labels. Knows nothing of ports or addresses
/// beyond refusing what isn't a label.
ParsedName parse_host(std::string_view text, HostRule rule);

/// The reason to refuse an IPv4 or IPv6 literal (brackets or not) where a name is needed, or empty.
std::string refuse_literal(std::string_view text, std::string_view subject);

/// inet_pton and back, so that equal addresses are equal texts; empty if it isn't an address.
std::string normal_ipv4(std::string_view text);
std::string normal_ipv6(std::string_view text);

} // namespace lync
