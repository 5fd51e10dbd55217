// What names are called, and what they are then.

#include "base/ascii.h"
#include "lyncctl/import/pools.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl {

namespace {

constexpr std::array<std::pair<std::string_view, As>, 10> roles{{
    {"pool", As::pool},
    {"director", As::director},
    {"meet", As::meet},
    {"dialin", As::dialin},
    {"scheduler", As::scheduler},
    {"admin", As::admin},
    {"lyncdiscover", As::lyncdiscover},
    {"office_web_apps", As::office_web_apps},
    {"exchange", As::exchange},
    {"skip", As::skip},
}};

/// The first label of a name, as Microsoft's guides give them; "meet2" and "meet-eu" are "meet".
constexpr std::array<std::pair<std::string_view, As>, 24> labels{{
    {"lyncdiscover", As::lyncdiscover},
    {"meet", As::meet},
    {"dialin", As::dialin},
    {"scheduler", As::scheduler},
    {"admin", As::admin},
    {"cscp", As::admin},
    {"wac", As::office_web_apps},
    {"owas", As::office_web_apps},
    {"oos", As::office_web_apps},
    {"officewebapps", As::office_web_apps},
    {"autodiscover", As::exchange},
    {"mail", As::exchange},
    {"owa", As::exchange},
    {"webmail", As::exchange},
    {"outlook", As::exchange},
    {"exchange", As::exchange},
    {"ews", As::exchange},
    {"mapi", As::exchange},
    {"sip", As::skip},
    {"sipinternal", As::skip},
    {"sipexternal", As::skip},
    {"webcon", As::skip},
    {"av", As::skip},
    {"lyncdiscoverinternal", As::skip},
}};

} // namespace

std::string_view word_of(As as) noexcept {
    const auto known = std::find_if(roles.begin(), roles.end(),
                                    [as](const auto& role) { return role.second == as; });
    return known == roles.end() ? std::string_view{} : known->first;
}

std::optional<As> as_of_word(std::string_view word) noexcept {
    const auto known = std::find_if(roles.begin(), roles.end(),
                                    [word](const auto& role) { return role.first == word; });
    return known == roles.end() ? std::nullopt : std::optional(known->second);
}

As as_of_label(std::string_view label) {
    for (const auto& [word, as] : labels) {
        const bool begins = label.starts_with(word);
        const char next = begins && label.size() > word.size() ? label[word.size()] : '-';
        if (begins && !(is_ascii_alnum(next) && !is_ascii_digit(next))) {
            return as;
        }
    }
    for (const std::string_view part : {"lync", "sfb", "skype", "webext", "webdir"}) {
        if (label.find(part) != label.npos) {
            return label.find("dir") != label.npos ? As::director : As::pool;
        }
    }
    return As::unknown;
}

} // namespace lync::lyncctl
