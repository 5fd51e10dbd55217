#pragma once

// Affinity in nginx: the number of a request's client, by which balance/affinity.h chooses, and
// the cookie MS-WSMAN in answers.

#include "config/publication.h"
#include "nginx/ngx.h"

#include <cstdint>

namespace lync::nginx {

/// Who is bound to a server.
struct Client {
    bool known = false; ///< false: balance without affinity
    std::uint64_t key = 0;
};

Client client_of(ngx_http_request_t* r, config::Affinity affinity) noexcept;

/// Sets the cookie, where the pool has affinity by cookie: on every answer whose request lacked it,
/// also a 401, also the proxy's own 503, also when an earlier answer on the connection has set it.
void bind_client(ngx_http_request_t* r) noexcept;

} // namespace lync::nginx
