#pragma once

#include "nginx/conf.h"

namespace lync::nginx {

/// Kept with a request from its first verdict on. An internal redirect forgets it; what is judged
/// then is the same.
struct RequestState {
    policy::Verdict verdict;
    bool form_read;
    bool waits_for_form;
};

/// NULL before the first verdict.
RequestState* state_of(ngx_http_request_t* r) noexcept;

/// The verdict on a request to one of our hosts, judged once and kept with the request.
policy::Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept;

/// Whether the pool is asked to hold the request until there is something to tell: UCWA's event
/// channel. Sent twice, the first one is answered 409 [UCWA, "Events"].
bool is_pending_get(ngx_http_request_t* r) noexcept;

/// Makes the verdict a refusal, and logs it. Returns the status to answer with.
ngx_int_t refuse(ngx_http_request_t* r, const Host& host, policy::Reason reason) noexcept;

} // namespace lync::nginx
