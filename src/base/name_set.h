#pragma once

// The DNS names that certificates cover, made to be asked at every request.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lync {

/// Exact names and wildcards of one label. Filled at load with `add`, sorted once with `freeze`,
/// then only read; reading takes no lock and no memory.
class NameSet {
public:
    /// Adds a dNSName as a certificate carries it: "lyncwebext.contoso.com" or "*.contoso.com", in
    /// any letter case. What no client would match is left out: a "*" that isn't the whole first
    /// label or has less than two labels after it, bytes outside of A-labels (U-labels, NUL), a
    /// dot at either end [RFC 6125, 6.4; as OpenSSL's X509_check_host does].
    void add(std::string_view name);

    /// Sorts the set. To be called after the last `add` and before the first `covers`.
    void freeze();

    /// Whether a client that asked for `name` (no port, no trailing dot; any letter case) accepts
    /// a certificate with these names. O(log n), no allocation.
    bool covers(std::string_view name) const noexcept { return find(name) != npos; }

    /// The position of the entry that covers `name`: the name itself before a wildcard. npos: none.
    /// Exact names have the first positions, wildcards the rest.
    std::size_t find(std::string_view name) const noexcept;
    /// The position of an entry as it was added, "*.contoso.com" included.
    std::size_t position(std::string_view added) const noexcept;
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

    /// In lower case. A wildcard is what follows its "*.".
    const std::vector<std::string>& exact() const noexcept { return exact_; }
    const std::vector<std::string>& wildcards() const noexcept { return wildcard_; }

    std::size_t size() const noexcept { return exact_.size() + wildcard_.size(); }
    bool empty() const noexcept { return size() == 0; }

private:
    std::vector<std::string> exact_;
    std::vector<std::string> wildcard_;
    bool frozen_ = true;
};

} // namespace lync
