#pragma once

// DNS records that a publication needs, outside and inside, and names that must not resolve outside
// [Lync Server 2013, "DNS requirements for simple URLs", "DNS summary - reverse proxy",
// "Technical requirements for mobility"].

#include "plan/plan.h"

#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

enum class DnsView { outside, inside, never_outside };
std::string_view dns_view_name(DnsView view) noexcept;

/// One name in one view of DNS. Its addresses are those of `addresses`; for the reverse proxy, only
/// the administrator knows them.
struct DnsName {
    DnsView view = DnsView::outside;
    std::string name;   ///< "lyncdiscover.contoso.com", "meet.*"
    bool proxy = false; ///< leads to the reverse proxy's address for clients
    /// The servers' addresses: "10.0.0.11", "2001:db8::11", or a host name.
    std::vector<std::string> addresses;
    std::string purpose; ///< "lyncdiscover of a SIP domain"
};

/// Outside first, then inside, then what must not resolve outside. Each name once in a view.
std::vector<DnsName> dns_names(const plan::Plan& plan);

} // namespace lync::lyncctl
