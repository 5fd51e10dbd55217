#include "config/presented.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace lync::config {

namespace {

constexpr std::size_t key_kinds = static_cast<std::size_t>(KeyKind::other) + 1;

/// A certificate that may be presented: of two of a kind, the greater one.
struct Candidate {
    bool valid = false;
    bool exact = false;
    std::chrono::sys_seconds until{};
    std::uint32_t index = 0;

    bool operator<(const Candidate& other) const noexcept {
        return std::tie(valid, exact, until, other.index) <
               std::tie(other.valid, other.exact, other.until, index);
    }
};

/// The best certificate of each kind of key.
using Best = std::array<std::optional<Candidate>, key_kinds>;

void take(std::optional<Candidate>& best, const std::optional<Candidate>& other) noexcept {
    if (other && (!best || *best < *other)) {
        best = other;
    }
}

PresentedCertificates::Set set_of(const Best& best) {
    bool any_valid = false;
    for (const auto& candidate : best) {
        any_valid = any_valid || (candidate && candidate->valid);
    }
    PresentedCertificates::Set set;
    for (const auto& candidate : best) {
        if (candidate && candidate->valid == any_valid) {
            set.push_back(candidate->index);
        }
    }
    std::ranges::sort(set);
    return set;
}

} // namespace

PresentedCertificates::PresentedCertificates(std::span<const Certificate> certificates,
                                             std::chrono::sys_seconds now) {
    Best first;
    NameMap<Best> best;
    for (std::uint32_t i = 0; i < certificates.size(); i++) {
        const Certificate& certificate = certificates[i];
        const auto kind = static_cast<std::size_t>(certificate.key_kind);
        const bool valid = certificate.is_valid_at(now);
        take(first[kind], Candidate{valid, false, {}, i});
        for (const std::string& name : certificate.names) {
            if (Best* of = best.add(name)) {
                take((*of)[kind],
                     Candidate{valid, !name.starts_with('*'), certificate.not_after, i});
            }
        }
    }

    std::map<Set, std::uint32_t> known;
    const auto number = [&](const Best& of) {
        Set set = set_of(of);
        const auto [at, is_new] = known.try_emplace(set, static_cast<std::uint32_t>(sets_.size()));
        if (is_new) {
            sets_.push_back(std::move(set));
        }
        return at->second;
    };
    number(first);
    NameSet names;
    for (const auto& [name, exact] : best.entries()) {
        Best of = exact;
        if (const Best* wildcard = best.wildcard(name)) {
            for (std::size_t kind = 0; kind < key_kinds; kind++) {
                take(of[kind], (*wildcard)[kind]);
            }
        }
        *names.add(name.starts_with('.') ? "*" + name : name) = number(of);
    }
    names_ = std::make_shared<NameSet>(std::move(names));
}

std::size_t PresentedCertificates::set_for(std::string_view name) const noexcept {
    const std::uint32_t* set = names_->find(name);
    return set == nullptr ? 0 : *set;
}

std::span<const std::uint32_t>
PresentedCertificates::covering(std::string_view name) const noexcept {
    const std::uint32_t* set = names_->find(name);
    return set == nullptr ? std::span<const std::uint32_t>() : sets_[*set];
}

std::vector<std::string> PresentedCertificates::names_of_pattern(std::string_view pattern) const {
    const std::string_view start = pattern.substr(0, pattern.size() - 1); // "meet."
    const std::string label(start.substr(0, start.find('.')));
    std::vector<std::string> found;
    for (const auto& [entry, set] : names_->entries()) {
        // "*.contoso.com" covers one label more: of "meet.*" it is meet.contoso.com.
        const bool wildcard = entry.starts_with('.');
        std::string name = wildcard ? label + entry : entry;
        if (name.size() > start.size() && name.starts_with(start) &&
            !(wildcard && names_->entries().contains(name))) {
            found.push_back(std::move(name));
        }
    }
    std::ranges::sort(found);
    return found;
}

} // namespace lync::config
