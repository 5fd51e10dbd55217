// From the patterns of other products to names: what can be listed is, what can't isn't guessed.

#include "lyncctl/import/old_proxy.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lync::lyncctl {

namespace {

/// Alternatives of one expression: more are a list that nobody wrote by hand.
constexpr std::size_t most_hosts = 100;

bool is_host_byte(char c) {
    return is_ascii_alnum(c) || c == '-' || c == '.';
}

/// "meet.contoso.com" or "meet.*": labels, and at the end ".*" if `star`.
std::string plain_host(std::string_view text) {
    std::string host;
    std::string_view rest = text;
    const bool star = rest.ends_with(".*");
    if (star) {
        rest.remove_suffix(2);
    }
    if (rest.empty() || rest.size() > 253 || rest.front() == '.' || rest.back() == '.' ||
        !std::all_of(rest.begin(), rest.end(), is_host_byte)) {
        return {};
    }
    for (const char c : rest) {
        host += ascii_lower(c);
    }
    return star ? host + ".*" : host;
}

/// A regular expression that is a name, or a choice of names; recursive descent over
///     choice := sequence ("|" sequence)*
///     sequence := (byte | "\" byte | "(" choice ")")*
/// with ".*" and ".+" kept as a mark at the end only. Anything else isn't listed.
class HostExpression {
public:
    explicit HostExpression(std::string_view text) : text_(text) {}

    std::vector<std::string> read() {
        std::vector<std::string> found = choice(0);
        if (bad_ || at_ != text_.size()) {
            return {};
        }
        return found;
    }

private:
    static constexpr unsigned deepest = 8;
    static constexpr char any_mark = '*';

    std::vector<std::string> choice(unsigned depth) {
        std::vector<std::string> all;
        if (depth > deepest) {
            bad_ = true;
            return all;
        }
        for (;;) {
            std::vector<std::string> some = sequence(depth);
            all.insert(all.end(), some.begin(), some.end());
            bad_ = bad_ || all.size() > most_hosts;
            if (bad_ || at_ >= text_.size() || text_[at_] != '|') {
                return all;
            }
            at_++;
        }
    }

    std::vector<std::string> sequence(unsigned depth) {
        std::vector<std::string> texts{""};
        while (!bad_ && at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
            const std::vector<std::string> next = item(depth);
            std::vector<std::string> joined;
            for (const std::string& left : texts) {
                for (const std::string& right : next) {
                    joined.push_back(left + right);
                    bad_ = bad_ || joined.size() > most_hosts || joined.back().size() > 300;
                }
                if (bad_) {
                    return {};
                }
            }
            texts = std::move(joined);
        }
        return texts;
    }

    std::vector<std::string> item(unsigned depth) {
        const char c = text_[at_++];
        if (c == '(') {
            if (text_.substr(at_).starts_with("?:")) {
                at_ += 2;
            }
            std::vector<std::string> inner = choice(depth + 1);
            if (at_ >= text_.size() || text_[at_] != ')') {
                bad_ = true;
                return {};
            }
            at_++;
            refuse_repetition();
            return inner;
        }
        if (c == '\\') {
            if (at_ >= text_.size() || !(text_[at_] == '.' || text_[at_] == '-')) {
                bad_ = true;
                return {};
            }
            const char literal = text_[at_++];
            refuse_repetition();
            return {std::string(1, literal)};
        }
        if (c == '.') {
            if (at_ < text_.size() && (text_[at_] == '*' || text_[at_] == '+')) {
                at_++;
                return {std::string(1, any_mark)};
            }
            refuse_repetition();
            return {"."}; // people forget the backslash
        }
        if (!is_host_byte(c)) {
            bad_ = true;
            return {};
        }
        refuse_repetition();
        return {std::string(1, c)};
    }

    void refuse_repetition() {
        bad_ = bad_ || (at_ < text_.size() &&
                        std::string_view("*+?{").find(text_[at_]) != std::string_view::npos);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool bad_ = false;
};

void add_new(std::vector<std::string>& all, std::string text) {
    if (std::find(all.begin(), all.end(), text) == all.end()) {
        all.push_back(std::move(text));
    }
}

/// Whether a word stands in a pattern by itself: "owa" in "^/(owa|ews)", not in "/showall".
bool has_path_word(std::string_view pattern, std::string_view word) {
    const std::string text = to_ascii_lower(pattern);
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !is_ascii_alnum(text[at - 1])) &&
            (end == text.size() || !is_ascii_alnum(text[end]))) {
            return true;
        }
    }
    return false;
}

} // namespace

std::vector<std::string> hosts_of_pattern(std::string_view pattern, bool wildcard) {
    if (wildcard) {
        std::string host = plain_host(pattern);
        return host.empty() ? std::vector<std::string>{} : std::vector{host};
    }

    if (pattern.starts_with('^')) {
        pattern.remove_prefix(1);
    }
    const bool whole = pattern.ends_with('$') && !pattern.ends_with("\\$");
    if (whole) {
        pattern.remove_suffix(1);
    }
    std::vector<std::string> hosts;
    for (const std::string& text : HostExpression(pattern).read()) {
        // "meet.*" of a regular expression and "meet\..*" mean the same to whoever wrote it.
        std::string read = text;
        if (read.ends_with('*') && !read.ends_with(".*")) {
            read.back() = '.';
            read += '*';
        } else if (!whole && read.ends_with('.')) {
            read += '*'; // "^meet\.": whatever follows
        }
        std::string host = plain_host(read);
        if (host.empty()) {
            return {};
        }
        add_new(hosts, std::move(host));
    }
    return hosts;
}

UrlPattern hosts_of_url_pattern(std::string_view pattern) {
    UrlPattern result;
    const bool caret = pattern.starts_with('^');
    if (caret) {
        pattern.remove_prefix(1);
    }
    bool scheme = false;
    for (const std::string_view start : {"https?://", "http(s)?://", "(http|https)://",
                                         "(https|http)://", "https://", "http://"}) {
        if (pattern.starts_with(start)) {
            pattern.remove_prefix(start.size());
            scheme = true;
            break;
        }
    }
    result.anchored = caret && scheme;
    if (pattern.find("://") != pattern.npos) {
        return result; // several URLs in one expression
    }
    if (pattern.ends_with('$')) {
        pattern.remove_suffix(1);
    }
    const std::size_t slash = pattern.find('/');
    if (slash != pattern.npos) {
        const std::string_view path = pattern.substr(slash);
        result.has_path = path != "/" && path != "/.*" && path != "/*" && path != "/(.*)";
        pattern = pattern.substr(0, slash);
    } else if (pattern.ends_with(".*")) {
        pattern.remove_suffix(2); // "meet.contoso.com.*": whatever follows the host
    }
    if (const std::size_t colon = pattern.find(':'); colon != pattern.npos) {
        pattern = pattern.substr(0, colon);
    }
    for (const std::string& host : hosts_of_pattern(pattern, false)) {
        if (!host.ends_with(".*")) {
            add_new(result.hosts, host);
        }
    }
    return result;
}

std::string_view remark_word(RemarkKind kind) noexcept {
    switch (kind) {
    case RemarkKind::changed:
        return "CHANGED";
    case RemarkKind::lost:
        return "NOT CARRIED OVER";
    case RemarkKind::check:
        return "CHECK";
    }
    return {};
}

std::vector<std::string> exchange_services_of(std::string_view pattern) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> paths{
        {{"ews", "ews"},
         {"autodiscover", "autodiscover"},
         {"owa", "owa"},
         {"microsoft-server-activesync", "activesync"},
         {"mapi", "mapi"},
         {"oab", "oab"}}};
    std::vector<std::string> services;
    for (const auto& [path, service] : paths) {
        if (has_path_word(pattern, path)) {
            services.emplace_back(service);
        }
    }
    return services;
}

std::string_view exchange_admin_path(std::string_view pattern) {
    return has_path_word(pattern, "ecp")          ? "/ecp"
           : has_path_word(pattern, "powershell") ? "/powershell"
                                                  : std::string_view{};
}

} // namespace lync::lyncctl
