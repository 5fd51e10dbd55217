#include "balance/credentials.h"

#include "base/auth_scheme.h"

#include <algorithm>

namespace lync::balance {

namespace {

constexpr std::string_view bound_schemes[] = {"ntlm", "negotiate", "nego2", "kerberos"};
constexpr std::string_view blank = " \t";

bool is_bound_scheme(std::string_view scheme) noexcept {
    return std::ranges::any_of(
        bound_schemes, [scheme](std::string_view s) { return equal_ignore_case(s, scheme); });
}

} // namespace

bool is_connection_bound(std::string_view authorization) noexcept {
    return is_bound_scheme(auth_scheme(authorization));
}

Challenge challenge_of(std::string_view www_authenticate) noexcept {
    Challenge strongest = Challenge::none;
    while (!www_authenticate.empty()) {
        const std::size_t comma = std::min(www_authenticate.find(','), www_authenticate.size());
        const std::string_view challenge = trimmed(www_authenticate.substr(0, comma), blank);
        const std::string_view scheme = auth_scheme(challenge);
        if (is_bound_scheme(scheme)) {
            strongest = Challenge::bare;
            if (challenge.size() > scheme.size()) {
                return Challenge::token;
            }
        }
        www_authenticate.remove_prefix(std::min(comma + 1, www_authenticate.size()));
    }
    return strongest;
}

} // namespace lync::balance
