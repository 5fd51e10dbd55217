#pragma once

// A request that tries to sign in, where `lockout` counts such attempts (lockout/lockout.h).

#include "nginx/request/request.h"

namespace lync::nginx {

/// For a request that passes otherwise. NGX_DECLINED: it goes on to the server; NGX_DONE: it waits,
/// the phases go on later; else it has been answered.
ngx_int_t admit_sign_in(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept;

/// An admitted one is about to be sent, maybe later than it counts (`limit_req`, a server that
/// accepted no connection): it counts from now on. False if others have come first, and it isn't to
/// be sent.
bool renew_sign_in(const ngx_http_request_t* r) noexcept;

/// Around each try of a server: while an attempt counts there, nginx doesn't notice that the client
/// closes, since the answer shows what came of it.
void ignore_client_abort(ngx_http_request_t* r) noexcept;
void heed_client_abort(ngx_http_request_t* r) noexcept;

/// The answer begins: called by the header filter, for any request. One that is a wrong password's
/// is kept back until it is due.
void note_sign_in(ngx_http_request_t* r) noexcept;

// --- wrong_password.cpp

/// Answers as the server has answered a wrong password lately; else with the usual answer.
ngx_int_t answer_wrong_password(Attempt& attempt) noexcept;
/// The answer of the server, which is one, is kept for later.
void remember_wrong_password(const Attempt& attempt) noexcept;
/// Nothing leaves until a wrong password's answer would.
void keep_back(Attempt& attempt) noexcept;

} // namespace lync::nginx
