#include "lyncctl/doctor/findings.h"

#include "lyncctl/addresses.h"

#include <algorithm>

namespace lync::lyncctl::doctor {

std::string_view severity_name(Severity severity) noexcept {
    return severity == Severity::error ? "error" : "warning";
}

std::span<const Kind> kinds() {
    static const std::vector<Kind> all = [] {
        std::vector<Kind> kinds{
#define LYNC_FINDING(id, severity, found, cause, remedy)                                           \
    {Id::id, Severity::severity, #id, found, cause, remedy},
#include "lyncctl/doctor/finding_catalog.inc"
#undef LYNC_FINDING
        };
        for (Kind& kind : kinds) {
            std::replace(kind.name.begin(), kind.name.end(), '_', '-');
        }
        return kinds;
    }();
    return all;
}

const Kind& kind_of(Id id) {
    return kinds()[static_cast<std::size_t>(id)];
}

std::string found_text(Id id, const Words& words) {
    std::string text(kind_of(id).found);
    std::size_t at = 0;
    while ((at = text.find('{', at)) != std::string::npos) {
        const std::string word = shown(words.at(static_cast<std::size_t>(text.at(at + 1) - '0')));
        text.replace(at, 3, word);
        at += word.size();
    }
    return text;
}

void Findings::add_text(Id id, const std::string& where, const std::string& key, std::string what) {
    const auto known = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& f) {
        return f.kind->id == id && f.key == key;
    });
    if (known == findings_.end()) {
        findings_.push_back({&kind_of(id), key, {shown(where)}, std::move(what)});
    } else {
        add_once(known->where, shown(where));
    }
}

bool Findings::has(Id id, std::string_view key) const {
    return std::any_of(findings_.begin(), findings_.end(),
                       [&](const Finding& f) { return f.kind->id == id && f.key == key; });
}

std::vector<Finding> Findings::worst_first() const {
    std::vector<Finding> sorted = findings_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Finding& a, const Finding& b) { return a.kind->id < b.kind->id; });
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
