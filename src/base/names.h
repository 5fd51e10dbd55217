#pragma once

// Names as an administrator writes them: FQDNs, SIP domains, simple URLs, server addresses.
//
// Every function accepts untrusted bytes and has no state. A refusal is a fragment that continues a
// sentence with the rejected text, `invalid FQDN "x" in "pool" directive: `, and says what would be
// right; "it" is that text. Fragments are printable: other bytes are written as 0x00.
//
// Internationalized names are taken in both spellings, UTF-8 ("büro.contoso.com") and A-labels
// ("xn--bro-hoa.contoso.com"), and always given back in A-labels: UTS 46 non-transitional mapping,
// IDNA2008 validity [RFC 5891, Unicode TR46].

#include <cstddef>
#include <string>
#include <string_view>

namespace lync {

/// A name, or the reason why it isn't one.
struct ParsedName {
    std::string name;  ///< lower-case A-labels without trailing dot; empty on error
    std::string error; ///< why the text is refused and what would be right; empty on success

    explicit operator bool() const noexcept { return error.empty(); }
};

/// A simple URL, or the reason why it isn't one.
struct ParsedUrl {
    std::string host;          ///< FQDN as in ParsedName, or "meet.*"
    std::string path;          ///< "/contoso/Meet" in the case written, no slash at the end;
                               ///< empty for the root
    bool wildcard_tld = false; ///< host ends in ".*": these labels under any domain
    std::string error;

    explicit operator bool() const noexcept { return error.empty(); }
};

/// A fully qualified name: at least two labels of letters, digits and hyphens (63 characters
/// each, 253 in all). Addresses, ports, URLs, wildcards and trailing dots are refused.
ParsedName parse_fqdn(std::string_view text);

/// As parse_fqdn, or exactly "*". Leaves room for "lyncdiscover." before it.
ParsedName parse_sip_domain(std::string_view text);

/// `https://HOST[/PATH]`, where HOST is an FQDN or ends in ".*". No port, user, query, fragment,
/// percent-escapes, empty or dot segments [Lync Server 2013, "Planning for simple URLs"].
ParsedUrl parse_https_url(std::string_view text);

/// Where a server is reached: an IPv4 address, an IPv6 address in brackets (both given back in
/// their shortest spelling), or a host name, which may have one label. Never a port.
ParsedName parse_address(std::string_view text);

constexpr std::size_t longest_name = 253; // RFC 1035 2.3.4, without the root's dot
constexpr std::size_t longest_label = 63;

/// Whether `name` is labels between single dots. Names of Windows hosts have underscores at times,
/// and certificates are issued for them. Lengths of labels don't matter here: what is too long for
/// DNS is never asked for.
bool is_plain_name(std::string_view name) noexcept;

/// inet_pton and back, so that equal addresses are equal texts; empty if it isn't an address.
std::string normal_ipv4(std::string_view text);
std::string normal_ipv6(std::string_view text);
/// Either, an IPv6 address in brackets or not; given back without them, and as IPv4 where it is
/// ::ffff:10.0.0.11: so nginx and firewalls see such a source.
std::string normal_address(std::string_view text);

} // namespace lync
