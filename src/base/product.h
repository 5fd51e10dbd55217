#pragma once

// The server products, in Topology Builder's words, and what follows from the choice.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lync {

/// In the order of their age: comparisons such as `product >= Product::lync_2013` make sense.
enum class Product : std::uint8_t {
    ocs_2007,
    ocs_2007_r2,
    lync_2010,
    lync_2013,
    sfb_2015,
    sfb_2019,
    sfb_se,
};

/// Office Communications Server has one web site, reached by 443, that tells inside from outside
/// by path (`/Ext`, `/Int`); no autodiscover and no simple URLs.
constexpr bool is_ocs(Product product) noexcept {
    return product <= Product::ocs_2007_r2;
}

/// "Listening ports" of the EXTERNAL web site: [Lync Server 2013, "Define web farm FQDNs"].
struct Ports {
    std::uint16_t http = 8080;
    std::uint16_t https = 4443;
};

constexpr Ports default_ports(Product product) noexcept {
    return is_ocs(product) ? Ports{80, 443} : Ports{};
}

/// The word of the `product` directive, and back.
std::string_view product_name(Product product) noexcept;
std::optional<Product> product_from_name(std::string_view name) noexcept;

/// All words of the `product` directive, the newest first, for messages.
std::string product_names();

} // namespace lync
