#pragma once

#include "nginx/conf.h"

namespace lync::nginx {

/// The verdict on a request to one of our hosts, judged once and kept with the request.
policy::Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept;

/// Whether the pool is asked to hold the request until there is something to tell: UCWA's event
/// channel. Sent twice, the first one is answered 409 [UCWA, "Events"].
bool is_pending_get(ngx_http_request_t* r) noexcept;

} // namespace lync::nginx
