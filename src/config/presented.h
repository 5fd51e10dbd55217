#pragma once

// Which certificates clients are presented, by the name in their handshake. Decided once, when the
// files are loaded; the listener, the checks, the status and the tool all go by it.

#include "base/name_set.h"
#include "config/certificate.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

/// Of the certificates that cover a name, one of each kind of key: one that is valid before one
/// that isn't, one that has the name itself before a wildcard, then the one that lasts longest,
/// then the one written first. A kind of which none is valid is left out while there is another.
class PresentedCertificates {
public:
    /// Indices of certificates, in the order written.
    using Set = std::vector<std::uint32_t>;

    PresentedCertificates() : PresentedCertificates({}, {}) {}
    PresentedCertificates(std::span<const Certificate> certificates, std::chrono::sys_seconds now);

    /// All different sets. The first is for clients that send no name, or one that none covers: of
    /// each kind of key the first one written.
    const std::vector<Set>& sets() const noexcept { return sets_; }

    /// Index into sets() for a name in the handshake, in any letter case. O(log n), no allocation.
    std::size_t set_for(std::string_view name) const noexcept;

    /// The certificates that cover the name and are presented for it; nothing if none covers it.
    std::span<const std::uint32_t> covering(std::string_view name) const noexcept;

    /// The names that the certificates cover, all together.
    const std::shared_ptr<const NameSet>& names() const noexcept { return names_; }

    /// The names that a published pattern ("meet.*") stands for and a certificate covers.
    std::vector<std::string> names_of_pattern(std::string_view pattern) const;

private:
    std::shared_ptr<const NameSet> names_; ///< of each the index into sets_
    std::vector<Set> sets_;
};

} // namespace lync::config
