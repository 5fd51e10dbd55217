#include "base/product.h"

#include <array>
#include <utility>

namespace lync {

namespace {

constexpr std::array<std::pair<std::string_view, Product>, 7> names{{
    {"sfb_se", Product::sfb_se},
    {"sfb_2019", Product::sfb_2019},
    {"sfb_2015", Product::sfb_2015},
    {"lync_2013", Product::lync_2013},
    {"lync_2010", Product::lync_2010},
    {"ocs_2007_r2", Product::ocs_2007_r2},
    {"ocs_2007", Product::ocs_2007},
}};

} // namespace

std::string_view product_name(Product product) noexcept {
    for (const auto& [name, value] : names) {
        if (value == product) {
            return name;
        }
    }
    return {};
}

std::optional<Product> product_from_name(std::string_view name) noexcept {
    for (const auto& [candidate, value] : names) {
        if (candidate == name) {
            return value;
        }
    }
    return std::nullopt;
}

std::string_view product_names() noexcept {
    return "sfb_se, sfb_2019, sfb_2015, lync_2013, lync_2010, ocs_2007_r2, ocs_2007";
}

} // namespace lync
