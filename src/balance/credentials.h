#pragma once

#include <string_view>

namespace lync::balance {

/// Whether an Authorization header carries a credential of a scheme that authenticates the
/// connection: NTLM, Negotiate, Nego2 or Kerberos, in any letter case [MS-NTHT, RFC 4559]. Basic,
/// Bearer and the like authenticate the request.
bool is_connection_bound(std::string_view authorization) noexcept;

/// Whether a WWW-Authenticate header carries a token of such a scheme ("NTLM TlRMTVNT..."). A bare
/// challenge ("NTLM") is an invitation to anybody and carries none. A header may hold several
/// challenges; a text that can't be told apart counts as a token.
bool carries_token(std::string_view www_authenticate) noexcept;

} // namespace lync::balance
