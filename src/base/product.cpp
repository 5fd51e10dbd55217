#include "base/product.h"

#include <algorithm>
#include <iterator>

namespace lync {

namespace {

/// In the order of the enumeration.
constexpr std::string_view names[] = {"ocs_2007", "ocs_2007_r2", "lync_2010", "lync_2013",
                                      "sfb_2015", "sfb_2019",    "sfb_se"};

} // namespace

std::string_view product_name(Product product) noexcept {
    return names[static_cast<std::size_t>(product)];
}

std::optional<Product> product_from_name(std::string_view name) noexcept {
    const auto* found = std::ranges::find(names, name);
    return found == std::end(names) ? std::nullopt
                                    : std::optional(static_cast<Product>(found - names));
}

std::string product_names() {
    std::string all;
    for (auto name = std::rbegin(names); name != std::rend(names); ++name) {
        all.append(all.empty() ? "" : ", ").append(*name);
    }
    return all;
}

} // namespace lync
