#pragma once

// Affinity in nginx: a request's client to the number that balance/affinity.h goes by, and the
// cookie MS-WSMAN into answers.

#include "config/publication.h"
#include "nginx/ngx.h"

#include <cstdint>

namespace lync::nginx {

/// Who is bound to a server.
struct Client {
    bool known = false; ///< false: nobody; balance without affinity
    std::uint64_t key = 0;
};

Client client_of(ngx_http_request_t* r, config::Affinity affinity) noexcept;

/// Sets the cookie, where the pool's affinity goes by it: on every answer whose request lacked it,
/// also a 401, also the proxy's own 503, also when an earlier answer on the connection has set it.
void bind_client(ngx_http_request_t* r) noexcept;

} // namespace lync::nginx
