#include "lyncctl/import/patterns.h"

#include "base/ascii.h"

#include <algorithm>
#include <charconv>

namespace lync::lyncctl {

namespace {

/// More alternatives in one expression are a list that nobody wrote by hand.
constexpr std::size_t most_hosts = 100;
constexpr std::size_t longest_pattern = 2000;

/// "meet.contoso.com", or "meet.*": labels, and perhaps ".*" behind them.
std::string plain_host(std::string_view text) {
    const std::string_view labels = text.ends_with(".*") ? text.substr(0, text.size() - 2) : text;
    const bool plain = std::all_of(labels.begin(), labels.end(), [](char c) {
        return is_ascii_alnum(c) || c == '-' || c == '.';
    });
    return plain && !labels.empty() && labels.size() <= 253 && labels.front() != '.' &&
                   labels.back() != '.'
               ? to_ascii_lower(text)
               : std::string{};
}

/// The parts between the "|" that stand in no parentheses.
std::vector<std::string_view> alternatives(std::string_view text) {
    std::vector<std::string_view> parts;
    unsigned depth = 0;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size(); at++) {
        depth += text[at] == '(' ? 1 : text[at] == ')' && depth > 0 ? -1 : 0;
        if (text[at] == '|' && depth == 0) {
            parts.push_back(text.substr(begin, at - begin));
            begin = at + 1;
        }
    }
    parts.push_back(text.substr(begin));
    return parts;
}

std::size_t closing_parenthesis(std::string_view text, std::size_t open) {
    unsigned depth = 0;
    for (std::size_t at = open; at < text.size(); at++) {
        depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
        if (depth == 0) {
            return at;
        }
    }
    return text.npos;
}

/// "(a|b)\.com" as "a\.com" and "b\.com"; empty where there are too many, or the parentheses mean
/// something else.
std::vector<std::string> without_choices(std::string_view pattern) {
    std::vector<std::string> open{std::string(pattern)};
    std::vector<std::string> done;
    for (std::size_t steps = 0; !open.empty(); steps++) {
        const std::string text = std::move(open.back());
        open.pop_back();
        if (steps > 10 * most_hosts || done.size() + open.size() > most_hosts ||
            text.size() > longest_pattern) {
            return {};
        }
        const std::size_t begin = text.find('(');
        const std::string_view all = text;
        if (begin == text.npos) {
            for (const std::string_view part : alternatives(all)) {
                done.emplace_back(part);
            }
            continue;
        }
        const std::size_t end = closing_parenthesis(text, begin);
        if (end == text.npos || all.substr(end + 1).find_first_of("*+?{") == 0) {
            return {};
        }
        std::string_view inner = all.substr(begin + 1, end - begin - 1);
        inner.remove_prefix(inner.starts_with("?:") ? 2 : 0);
        const std::vector<std::string_view> parts = alternatives(inner);
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            open.push_back(std::string(all.substr(0, begin)).append(*part) +
                           std::string(all.substr(end + 1)));
        }
    }
    return done;
}

/// An expression without choices as a host: "^meet\.contoso\.com$", "meet\..*", "^meet\.".
std::string literal_host(std::string_view text, bool whole) {
    std::string host;
    const bool any = text.ends_with(".*") || text.ends_with(".+");
    if (any) {
        text.remove_suffix(2);
    }
    for (std::size_t at = 0; at < text.size(); at++) {
        if (text[at] == '\\') {
            at++;
            if (at == text.size() || (text[at] != '.' && text[at] != '-')) {
                return {};
            }
        }
        host += text[at];
    }
    if (any || (!whole && host.ends_with('.'))) { // "meet.*" and "meet\..*" are meant alike
        host += host.ends_with('.') ? "*" : ".*";
    }
    return plain_host(host);
}

} // namespace

std::vector<std::string> hosts_of_pattern(std::string_view pattern, bool wildcard) {
    std::vector<std::string> hosts;
    if (!wildcard) {
        pattern.remove_prefix(pattern.starts_with('^') ? 1 : 0);
    }
    const bool whole = wildcard || (pattern.ends_with('$') && !pattern.ends_with("\\$"));
    if (whole && !wildcard) {
        pattern.remove_suffix(1);
    }
    const std::vector<std::string> texts =
        wildcard ? std::vector{std::string(pattern)} : without_choices(pattern);
    for (const std::string& text : texts) {
        std::string host = wildcard ? plain_host(text) : literal_host(text, whole);
        if (host.empty()) {
            return {};
        }
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) {
            hosts.push_back(std::move(host));
        }
    }
    return hosts;
}

UrlPattern hosts_of_url_pattern(std::string_view pattern) {
    UrlPattern result;
    pattern.remove_prefix(pattern.starts_with('^') ? 1 : 0);
    for (const std::string_view start : {"https?://", "http(s)?://", "(http|https)://",
                                         "(https|http)://", "https://", "http://"}) {
        if (pattern.starts_with(start)) {
            pattern.remove_prefix(start.size());
            break;
        }
    }
    if (pattern.find("://") != pattern.npos) {
        return result; // several URLs in one expression
    }
    pattern.remove_suffix(pattern.ends_with('$') ? 1 : 0);
    if (const std::size_t slash = pattern.find('/'); slash != pattern.npos) {
        const std::string_view path = pattern.substr(slash);
        result.has_path = path != "/" && path != "/.*" && path != "/*" && path != "/(.*)";
        pattern = pattern.substr(0, slash);
    } else if (pattern.ends_with(".*")) {
        pattern.remove_suffix(2); // "meet.contoso.com.*": whatever follows the host
    }
    result.hosts = hosts_of_pattern(pattern.substr(0, pattern.find(':')), false);
    std::erase_if(result.hosts, [](const std::string& host) { return host.ends_with(".*"); });
    return result;
}

bool has_word(std::string_view list, std::string_view word) {
    return word.find(' ') == word.npos && list.find(" " + std::string(word) + " ") != list.npos;
}

std::uint16_t port_of(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() ? port : std::uint16_t{0};
}

std::pair<std::string, std::uint16_t> split_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const std::uint16_t port = colon == text.npos ? 0 : port_of(text.substr(colon + 1));
    return {to_ascii_lower(port == 0 ? text : text.substr(0, colon)), port};
}

} // namespace lync::lyncctl
