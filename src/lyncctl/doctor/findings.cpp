#include "lyncctl/doctor/findings.h"

#include "base/format.h"

#include <algorithm>
#include <fmt/args.h>

namespace lync::lyncctl::doctor {

std::span<const Kind> kinds() {
    static const std::vector<Kind> all = [] {
        std::vector<Kind> kinds{
#define LYNC_FINDING(id, severity, found, cause, remedy)                                           \
    {Id::id, #severity, #id, found, cause, remedy},
#include "lyncctl/doctor/finding_catalog.inc"
#undef LYNC_FINDING
        };
        for (Kind& kind : kinds) {
            std::ranges::replace(kind.name, '_', '-');
        }
        return kinds;
    }();
    return all;
}

const Kind& kind_of(Id id) {
    return kinds()[static_cast<std::size_t>(id)];
}

std::string found_text(Id id, const Words& words) {
    fmt::dynamic_format_arg_store<fmt::format_context> shown_words;
    for (const std::string& word : words) {
        shown_words.push_back(shown(word));
    }
    return formatted_by(kind_of(id).found, shown_words);
}

void Findings::add(Id id, const std::string& where, const std::string& key, const Words& words) {
    const auto known = std::ranges::find_if(
        findings_, [&](const Finding& f) { return f.kind->id == id && f.key == key; });
    if (known == findings_.end()) {
        findings_.push_back({&kind_of(id), key, {shown(where)}, found_text(id, words)});
    } else {
        add_once(known->where, shown(where));
    }
}

std::vector<Finding> Findings::worst_first() const {
    std::vector<Finding> sorted = findings_;
    std::ranges::stable_sort(
        sorted, [](const Finding& a, const Finding& b) { return a.kind->id < b.kind->id; });
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
