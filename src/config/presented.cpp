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

/// A certificate that may be presented; of two of a kind the greater one is.
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
    NameSet names;
    for (const Certificate& certificate : certificates) {
        for (const std::string& name : certificate.names) {
            names.add(name);
        }
    }
    names.freeze();

    Best first;
    std::vector<Best> best(names.size());
    const std::size_t exact_names = names.exact().size();
    for (std::uint32_t i = 0; i < certificates.size(); i++) {
        const Certificate& certificate = certificates[i];
        const auto kind = static_cast<std::size_t>(certificate.key_kind);
        const bool valid = certificate.not_before <= now && now <= certificate.not_after;
        take(first[kind], Candidate{valid, false, {}, i});
        for (const std::string& name : certificate.names) {
            if (const std::size_t at = names.position(name); at != NameSet::npos) {
                take(best[at][kind], Candidate{valid, at < exact_names, certificate.not_after, i});
            }
        }
    }
    for (std::size_t at = 0; at < exact_names; at++) {
        const std::string& name = names.exact()[at];
        const std::size_t dot = std::min(name.find('.'), name.size());
        const std::size_t wildcard = names.position("*" + name.substr(dot));
        for (std::size_t kind = 0; wildcard != NameSet::npos && kind < key_kinds; kind++) {
            take(best[at][kind], best[wildcard][kind]);
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
    set_of_name_.reserve(best.size());
    for (const Best& of : best) {
        set_of_name_.push_back(number(of));
    }
    names_ = std::make_shared<NameSet>(std::move(names));
}

std::size_t PresentedCertificates::set_for(std::string_view name) const noexcept {
    const std::size_t at = names_->find(name);
    return at == NameSet::npos ? 0 : set_of_name_[at];
}

std::span<const std::uint32_t>
PresentedCertificates::covering(std::string_view name) const noexcept {
    const std::size_t at = names_->find(name);
    return at == NameSet::npos ? std::span<const std::uint32_t>() : sets_[set_of_name_[at]];
}

std::vector<std::string> PresentedCertificates::names_of_pattern(std::string_view pattern) const {
    const std::string_view start = pattern.substr(0, pattern.size() - 1); // "meet."
    std::vector<std::string> found;
    const auto add = [&](std::string name) {
        if (name.size() > start.size() && name.starts_with(start)) {
            found.push_back(std::move(name));
        }
    };
    for (const std::string& name : names_->exact()) {
        add(name);
    }
    // "*.contoso.com" covers one label more: of "meet.*" it is meet.contoso.com.
    for (const std::string& parent : names_->wildcards()) {
        std::string name = std::string(start.substr(0, start.find('.') + 1)) + parent;
        if (names_->position(name) == NameSet::npos) {
            add(std::move(name));
        }
    }
    return found;
}

} // namespace lync::config
