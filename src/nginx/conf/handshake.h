#pragma once

// The TLS handshake of generated servers: which certificates they present, which sessions they
// resume, and HTTP/1.1 alone in ALPN.
//
// nginx chooses the server by the name that the client sends, and the server its certificates, from
// those that were read at load. A client that resumes a session is presented none, so a session
// carries the digest of the certificates that it began with, and is resumed for names with the same
// ones alone. OpenSSL looks for the session before nginx looks at the name (up to nginx 1.29.1), so
// the name is looked at here when the ClientHello comes.

#include "config/publication.h"
#include "nginx/ngx.h"

#include <array>
#include <vector>

namespace lync::nginx {

struct Host;

using SessionContext = std::array<unsigned char, 32>;

/// One for each set of certificates that a publication presents.
std::vector<SessionContext> contexts_of(const config::Publication& declared);

/// Prepares a generated server, unless it is one of plain HTTP. Logs an error if OpenSSL won't
/// present one of its certificates.
ngx_int_t settle_handshake(ngx_conf_t* cf, const ngx_http_core_srv_conf_t* server,
                           const Host& host);

/// Whether a server can begin handshakes: nginx gives an SSL_CTX to those that have certificates,
/// or reject all names.
bool has_tls(const ngx_http_core_srv_conf_t& server) noexcept;

/// Prepares the server that a connection has until its client sends a name, also a foreign one.
void settle_default_handshake(const ngx_conf_t* cf, const ngx_http_core_srv_conf_t* server);

} // namespace lync::nginx
