#pragma once

// Keeps interim responses (1xx), and what isn't HTTP, from being taken for the response.

#include "nginx/ngx.h"

namespace lync::nginx {

/// Stands before the proxy module's own reader of answers' heads. nginx takes an interim answer for
/// the answer itself (103, from 1.29.0 on, for hints to pass on, however many there are), and what
/// has no status line for one of HTTP/0.9, which clients get as it is.
struct InterimResponses {
    ngx_int_t (*read)(ngx_http_request_t* r);   ///< the proxy module's next step
    ngx_int_t (*reinit)(ngx_http_request_t* r); ///< its reinit_request, before another try
    unsigned interim;                           ///< such answers so far
};

/// Before the request is sent. `head` lives as long as the request.
void skip_interim_responses(ngx_http_request_t* r, InterimResponses& head) noexcept;

/// Of a request to a generated upstream: see peer.cpp.
InterimResponses* interim_responses_of(ngx_http_request_t* r) noexcept;

} // namespace lync::nginx
