// Asks whose a connection becomes by a header. A reader of its own, lenient and slow, must never
// see a credential or a token where the module sees none: that is how identities cross.

#include "balance/credentials.h"
#include "frame.h"

#include <string>

namespace {

using lync::balance::Challenge;

bool continues_a_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/// Where a bound scheme stands as a word of its own after nothing but blanks; npos if none does.
std::size_t end_of_scheme(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    for (const std::string scheme : {"ntlm", "negotiate", "nego2", "kerberos"}) {
        if (begin != std::string::npos && text.compare(begin, scheme.size(), scheme) == 0) {
            return begin + scheme.size();
        }
    }
    return std::string::npos;
}

} // namespace

FUZZ(value) {
    const std::string text = fuzz::lower(value);

    // a credential
    const std::size_t end = end_of_scheme(text);
    const bool bound = lync::balance::is_connection_bound(value);
    if (bound) {
        fuzz::require(end != std::string::npos, "a credential begins with a scheme", value);
    } else if (end != std::string::npos) {
        // "ntlmv2" and "negotiate-x" are other words; "!#$%&'*+.^`|~" may stand in one, too.
        const bool other_word = end < text.size() &&
                                (continues_a_word(text[end]) ||
                                 std::string("!#$%&'*+.^`|~").find(text[end]) != std::string::npos);
        fuzz::require(other_word, "what begins with a scheme is a credential", value);
    }

    // challenges, split at every comma
    const Challenge found = lync::balance::challenge_of(value);
    bool any = false;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string part(fuzz::take_until(rest, ','));
        const std::size_t after = end_of_scheme(part);
        if (after == std::string::npos) {
            continue;
        }
        any = true;
        const bool blank = after < part.size() && (part[after] == ' ' || part[after] == '\t');
        if (blank && part.find_first_not_of(" \t", after) != std::string::npos) {
            fuzz::require(found == Challenge::token, "a scheme and more is a token", value);
        }
        if (after == part.size()) {
            fuzz::require(found != Challenge::none, "a scheme alone is a challenge", value);
        }
    }
    if (found != Challenge::none) {
        fuzz::require(any, "a challenge names a scheme", value);
    }
}
