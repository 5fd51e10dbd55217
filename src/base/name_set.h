#pragma once

// The DNS names that certificates cover, looked up for every request.

#include "base/ascii.h"
#include "base/names.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lync {

/// Letter case doesn't matter.
struct NameLess {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept {
        return std::lexicographical_compare(
            a.begin(), a.end(), b.begin(), b.end(),
            [](char x, char y) { return ascii_lower(x) < ascii_lower(y); });
    }
};

/// A map of exact names and of wildcards of one label. Filled at load, then only read; a look-up
/// takes no lock, allocates nothing and is O(log n).
template <typename T>
class NameMap {
public:
    /// By name in lower case; a wildcard is ".contoso.com".
    using Entries = std::map<std::string, T, NameLess>;

    /// Adds a dNSName as a certificate carries it, "lyncwebext.contoso.com" or "*.contoso.com", in
    /// any letter case. NULL for what no client would match: a "*" that isn't the whole first
    /// label or has less than two labels after it, bytes outside of A-labels (U-labels, NUL), a
    /// dot at either end [RFC 6125, 6.4; as OpenSSL's X509_check_host does].
    T* add(std::string_view name) {
        const bool wildcard = name.starts_with("*.");
        const std::string_view rest = name.substr(wildcard ? 2 : 0);
        return !is_plain_name(rest) || (wildcard && rest.find('.') == std::string_view::npos)
                   ? nullptr
                   : &entries_.try_emplace(to_ascii_lower(name.substr(wildcard ? 1 : 0)))
                          .first->second;
    }

    /// Of the entry by which a client that asked for `name` (no port, no trailing dot) accepts the
    /// certificate: the name itself before a wildcard. NULL: none.
    const T* find(std::string_view name) const noexcept {
        const auto exact = name.starts_with('.') ? entries_.end() : entries_.find(name);
        return exact != entries_.end() ? &exact->second : wildcard(name);
    }
    const T* wildcard(std::string_view name) const noexcept {
        const std::size_t dot = name.find('.');
        const auto found =
            dot == std::string_view::npos ? entries_.end() : entries_.find(name.substr(dot));
        // What is kept is plain, so only a first label may not be.
        return found != entries_.end() && is_plain_name(name) ? &found->second : nullptr;
    }
    bool covers(std::string_view name) const noexcept { return find(name) != nullptr; }

    bool empty() const noexcept { return entries_.empty(); }
    const Entries& entries() const noexcept { return entries_; }

private:
    Entries entries_;
};

/// Of each name a number (config::PresentedCertificates).
using NameSet = NameMap<std::uint32_t>;

} // namespace lync
