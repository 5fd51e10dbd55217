#include "base/name_set.h"

#include "base/ascii.h"
#include "base/host_names.h"

#include <algorithm>
#include <cassert>

namespace lync {

namespace {

/// `stored` is lower case already.
bool less_than(std::string_view stored, std::string_view asked) noexcept {
    return std::lexicographical_compare(
        stored.begin(), stored.end(), asked.begin(), asked.end(),
        [](char x, char y) { return ascii_lower(x) < ascii_lower(y); });
}

std::size_t position_in(const std::vector<std::string>& sorted, std::string_view name) noexcept {
    const auto found = std::lower_bound(sorted.begin(), sorted.end(), name, less_than);
    return found != sorted.end() && equal_ignore_case(*found, name)
               ? static_cast<std::size_t>(found - sorted.begin())
               : NameSet::npos;
}

void sort_once(std::vector<std::string>& names) {
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    names.shrink_to_fit();
}

} // namespace

void NameSet::add(std::string_view name) {
    const bool wildcard = name.starts_with("*.");
    const std::string_view rest = wildcard ? name.substr(2) : name;
    if (!is_plain_name(rest) || (wildcard && rest.find('.') == std::string_view::npos)) {
        return;
    }
    (wildcard ? wildcard_ : exact_).push_back(to_ascii_lower(rest));
    frozen_ = false;
}

void NameSet::freeze() {
    sort_once(exact_);
    sort_once(wildcard_);
    frozen_ = true;
}

std::size_t NameSet::position(std::string_view added) const noexcept {
    assert(frozen_);
    if (!added.starts_with("*.")) {
        return position_in(exact_, added);
    }
    const std::size_t wildcard = position_in(wildcard_, added.substr(2));
    return wildcard == npos ? npos : exact_.size() + wildcard;
}

std::size_t NameSet::find(std::string_view name) const noexcept {
    assert(frozen_);
    if (const std::size_t exact = position_in(exact_, name); exact != npos) {
        return exact;
    }
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
        return npos;
    }
    const std::size_t wildcard = position_in(wildcard_, name.substr(dot + 1));
    // What is kept is plain, so only a first label may not be.
    return wildcard != npos && is_plain_name(name) ? exact_.size() + wildcard : npos;
}

} // namespace lync
