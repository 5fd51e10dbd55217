#pragma once

// Closed doors: credentials that aren't passed on, and challenges that are removed.
//
// A body that may sign in is read whole by body.h's `read_body`; `sign_in_text` is what the policy
// is asked with then. `lockout` asks with the same.

#include "nginx/request/request.h"

namespace lync::nginx {

/// Whether a body that may sign in is still to be read: small enough, and of a request that says
/// that it has one.
bool lacks_sign_in_body(const ngx_http_request_t* r, const RequestState& state) noexcept;

/// What the request may sign in with beside its Authorization field; its texts live as long as the
/// request.
policy::SignInText sign_in_text(ngx_http_request_t* r, const RequestState& state) noexcept;

/// For a request that passes otherwise. NGX_DECLINED: its doors are open; NGX_DONE: its body is
/// being read; or what its refusal came to.
ngx_int_t judge_sign_in(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept;

/// Takes challenges for closed doors out of an answer. False if there is no memory.
bool hide_closed_doors(ngx_http_request_t* r) noexcept;

} // namespace lync::nginx
