// Asks the meeting URL guard about any parameters, of a query or a form. What passes holds, to a
// plain reader of query strings, no meeturl that leads anywhere but to a published host.

#include "../unit/policy_sites.h"
#include "frame.h"

#include <optional>
#include <string>
#include <vector>

using namespace policy_sites;
using fuzz::lower;
using fuzz::plain_decode;
using fuzz::require;

namespace {

/// As .NET reads base64: white space is skipped; the product turns "-_!" into "+/=" before.
std::optional<std::string> plain_base64(const std::string& text) {
    static const std::string digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0;
    int held = 0;
    bool ended = false;
    for (char c : text) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            continue;
        }
        c = c == '-' ? '+' : c == '_' ? '/' : c == '!' ? '=' : c;
        if (c == '=') {
            ended = true;
            continue;
        }
        const std::size_t digit = digits.find(c);
        if (digit == std::string::npos || ended) {
            return std::nullopt;
        }
        bits = bits << 6 | static_cast<unsigned>(digit);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out += static_cast<char>(bits >> held & 255);
        }
    }
    return out;
}

/// Whether a URL leads to a published host: "/" or "?" ends a host [RFC 3986, 3.2].
bool leads_to_published(const std::string& decoded) {
    const std::string url = lower(decoded);
    for (const std::string begin : {"https://meet.contoso.com", "https://lync.contoso.com/meet"}) {
        if (url.starts_with(begin) &&
            (url.size() == begin.size() || url[begin.size()] == '/' || url[begin.size()] == '?')) {
            return true;
        }
    }
    return false;
}

} // namespace

FUZZ(input) {
    static const std::vector<policy::MeetUrl> published = {{"meet.contoso.com", ""},
                                                           {"lync.contoso.com", "/meet"}};

    // the input as a decoded URL
    if (policy::is_meeting_url(input, published)) {
        const std::string url = lower(input);
        require(leads_to_published(url), "a published host, which ends there", input);
        // The authority ends at "/" or "?" [RFC 3986, 3.2]; an "@" behind that is the query's.
        require(url.find('@') == std::string::npos || url.find('@') > url.find_first_of("/?", 8),
                "no user information", input);
    }

    // and as parameters
    if (policy::meeting_urls_pass(input, published)) {
        for (int decodings = 0; decodings < 2; decodings++) {
            const std::string text = decodings == 0 ? std::string(input) : plain_decode(input);
            for (std::string_view rest = text; !rest.empty();) {
                const std::string parameter(fuzz::take_until(rest, '&'));
                const std::size_t sign = parameter.find('=');
                if (sign == std::string::npos ||
                    lower(plain_decode(parameter.substr(0, sign))) != "meeturl") {
                    continue;
                }
                const auto url = plain_base64(plain_decode(parameter.substr(sign + 1)));
                // A reader that decodes twice drops an escaped "+", and all behind it is another
                // text. The digit "+" is a "~" or a ">", so the host is in front of it.
                const bool plus = decodings == 1 && parameter.find('+') != std::string::npos;
                require(!url || policy::is_meeting_url(*url, published) ||
                            (plus && leads_to_published(*url)),
                        "every meeturl is published", input);
            }
        }
    }
}
