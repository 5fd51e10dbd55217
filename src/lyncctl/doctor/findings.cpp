#include "lyncctl/doctor/findings.h"

#include <algorithm>

namespace lync::lyncctl::doctor {

std::string_view severity_name(Severity severity) noexcept {
    return severity == Severity::error ? "error" : "warning";
}

const Kind& kind_of(Id id) noexcept {
    return kinds()[static_cast<std::size_t>(id)];
}

void Findings::add(Id id, std::string_view where, std::string_view key, std::string what) {
    const Kind& kind = kind_of(id);
    const auto known = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& f) {
        return f.kind == &kind && f.key == key;
    });
    if (known == findings_.end()) {
        findings_.push_back({&kind, std::string(key), {std::string(where)}, std::move(what)});
        return;
    }
    if (std::find(known->where.begin(), known->where.end(), where) == known->where.end()) {
        known->where.emplace_back(where);
    }
}

bool Findings::has(Id id, std::string_view key) const noexcept {
    const Kind& kind = kind_of(id);
    return std::any_of(findings_.begin(), findings_.end(),
                       [&](const Finding& f) { return f.kind == &kind && f.key == key; });
}

std::vector<Finding> Findings::worst_first() const {
    std::vector<Finding> sorted = findings_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Finding& a, const Finding& b) {
        if (a.kind->severity != b.kind->severity) {
            return a.kind->severity < b.kind->severity;
        }
        return a.kind->id < b.kind->id;
    });
    return sorted;
}

std::string shown(std::string_view text, std::size_t most) {
    std::string out;
    for (const char c : text) {
        if (out.size() >= most) {
            return out + "...";
        }
        out += c >= 0x20 && c < 0x7f ? c : '?';
    }
    return out;
}

} // namespace lync::lyncctl::doctor
