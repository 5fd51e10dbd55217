#pragma once

// The status endpoint, to the other files of this folder. What it says: src/status.

#include "nginx/ngx.h"

namespace lync::nginx {

/// Puts into each answer at a location of `lync_status` what keeps browsers from storing, framing
/// or guessing it: also into nginx's own, 401 and 403 and 405. False if there is no memory.
bool protect_status(ngx_http_request_t* r) noexcept;

} // namespace lync::nginx
