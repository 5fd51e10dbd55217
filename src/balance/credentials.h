#pragma once

#include <string_view>

namespace lync::balance {

/// Whether an Authorization header carries a credential of a scheme that authenticates the
/// connection: NTLM, Negotiate, Nego2 or Kerberos, in any letter case [MS-NTHT, RFC 4559]. Basic,
/// Bearer and the like authenticate the request.
bool is_connection_bound(std::string_view authorization) noexcept;

/// What a WWW-Authenticate header asks for, as far as such schemes go.
enum class Challenge : unsigned char {
    none,
    bare,  ///< "NTLM": an offer to any client
    token, ///< "NTLM TlRMTVNT...": part of a handshake with one client
};

/// A header may hold several challenges; the strongest counts, and what can't be told apart counts
/// as a token.
Challenge challenge_of(std::string_view www_authenticate) noexcept;

} // namespace lync::balance
