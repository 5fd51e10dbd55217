#pragma once

#include "nginx/conf.h"

namespace lync::nginx {

/// The verdict on a request to one of our hosts, judged once and kept with the request.
policy::Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept;

} // namespace lync::nginx
