// What names are called, and what they are then.

#include "lyncctl/import/arrangement.h"

#include "base/names.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl {

namespace {

constexpr std::array<std::pair<std::string_view, As>, 10> words{{
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

template <std::size_t Size>
bool begins_with_any(std::string_view text, const std::array<std::string_view, Size>& starts) {
    return std::any_of(starts.begin(), starts.end(),
                       [text](std::string_view start) { return text.starts_with(start); });
}

} // namespace

std::string_view word_of(As as) noexcept {
    for (const auto& [word, value] : words) {
        if (value == as) {
            return word;
        }
    }
    return "never";
}

/// The first label of a host: what people tell services by.
std::string_view first_label(std::string_view host) noexcept {
    return host.substr(0, host.find('.'));
}

std::string_view domain_of(std::string_view host) noexcept {
    const std::size_t dot = host.find('.');
    return dot == host.npos ? std::string_view{} : host.substr(dot + 1);
}

std::string normal_host(const std::string& host) {
    if (host.ends_with(".*")) {
        const ParsedUrl url = parse_https_url("https://" + host);
        return url ? url.host : std::string{};
    }
    const ParsedName name = parse_fqdn(host);
    return name ? name.name : std::string{};
}

std::optional<As> as_of_word(std::string_view text) noexcept {
    for (const auto& [word, value] : words) {
        if (word == text) {
            return value;
        }
    }
    return std::nullopt;
}

As guess(std::string_view host) {
    constexpr std::array<std::string_view, 5> office{"wac", "owas", "oos", "officewebapps",
                                                     "office"};
    constexpr std::array<std::string_view, 8> exchange{"mail",    "autodiscover", "owa", "webmail",
                                                       "outlook", "exchange",     "ews", "mapi"};
    const std::string_view label = first_label(host);
    if (label == "lyncdiscover") {
        return As::lyncdiscover;
    }
    if (label == "lyncdiscoverinternal" || label == "sip" || label == "sipinternal" ||
        label == "sipexternal" || label == "webcon" || label == "av") {
        return As::never;
    }
    if (label == "admin" || label == "cscp") {
        return As::admin;
    }
    if (label.starts_with("meet")) {
        return As::meet;
    }
    if (label.starts_with("dialin")) {
        return As::dialin;
    }
    if (label.starts_with("scheduler")) {
        return As::scheduler;
    }
    if (begins_with_any(label, office)) {
        return As::office_web_apps;
    }
    if (begins_with_any(label, exchange)) {
        return As::exchange;
    }
    return label.find("dir") != label.npos ? As::director : As::pool;
}

} // namespace lync::lyncctl
