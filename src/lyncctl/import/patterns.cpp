#include "lyncctl/import/patterns.h"

#include "base/ascii.h"
#include "base/names.h"
#include "lyncctl/addresses.h"

#include <algorithm>

namespace lync::lyncctl {

std::string host_of_pattern(std::string_view pattern, bool wildcard) {
    std::string host(pattern);
    if (!wildcard) {
        pattern.remove_suffix(pattern.ends_with('$') ? 1 : 0);
        pattern.remove_prefix(pattern.starts_with('^') ? 1 : 0);
        host.clear();
        for (std::size_t at = 0; at < pattern.size(); at++) {
            const std::string_view rest = pattern.substr(at);
            at += rest.starts_with("\\.") || rest.starts_with("\\-") ? 1 : 0;
            host += pattern[at];
        }
        if (host.ends_with("..*")) {
            host.erase(host.size() - 2, 1); // "meet\..*" and "meet.*" are meant alike
        } else if (host.ends_with(".*") && std::ranges::count(host, '.') > 2) {
            host.resize(host.size() - 2); // "meet\.contoso\.com.*": whatever follows the host
        }
    }
    host = to_ascii_lower(host);
    const std::string_view labels(host.data(), host.size() - (host.ends_with(".*") ? 2 : 0));
    const bool plain =
        labels.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == labels.npos;
    return plain && !labels.empty() && labels.front() != '.' ? host : "";
}

bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const std::string_view one = take_until(list, ' ');
        if (one == word ||
            (one.ends_with('-') && word.starts_with(one.substr(0, one.size() - 1)))) {
            return true;
        }
    }
    return false;
}

Hosts read_hosts(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\v\f";
    Hosts addresses;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        line = line.substr(0, line.find('#'));
        const std::string address(take_word(line, blanks));
        while (!line.empty()) {
            addresses.try_emplace(to_ascii_lower(take_word(line, blanks)), address);
        }
    }
    return addresses;
}

std::string server_address(const std::string& text) {
    const ParsedName address = parse_address(text);
    return address ? address.name : parse_address("[" + text + "]").name;
}

Target split_url(std::string_view url) {
    const std::string_view scheme = url.substr(0, url.find("://"));
    const bool tls = equal_ignore_case(scheme, "https");
    if (!tls && !equal_ignore_case(scheme, "http")) {
        return {};
    }
    url.remove_prefix(std::min(scheme.size() + 3, url.size()));
    const std::size_t end = std::min(url.find_first_of("/{$"), url.size());
    const std::string_view path = url.substr(end);
    if (url.starts_with("unix:") ||
        (path.starts_with('$') && !path.starts_with("$request_uri") && !path.starts_with("$uri"))) {
        return {};
    }
    return {tls, to_ascii_lower(url.substr(0, end)), std::string(path)};
}

} // namespace lync::lyncctl
