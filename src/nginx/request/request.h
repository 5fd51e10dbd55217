#pragma once

#include "base/build.h"
#include "nginx/conf/conf.h"
#include "policy/multipart.h"

namespace lync::nginx {

/// Kept with a request from its first verdict on. An internal redirect forgets it, and what is
/// judged then is judged anew; the one that the request was treated by is found again for logs and
/// counters, in a cleanup of the request's pool.
struct RequestState {
    const ngx_http_request_t* request; ///< whose it is: subrequests have the same pool
    policy::Verdict verdict{};
    bool body_read = false;
    bool reads_body = false;            ///< as a whole, before it is passed on
    policy::PartHeads* parts = nullptr; ///< of a multipart body that is looked at
    bool ruled = false; ///< the request was treated by the verdict, which variables alone don't do
    policy::Doors sign_in = policy::no_door;   ///< of the credentials read so far
    policy::Door refused = policy::Door::none; ///< the closed one of them
    ngx_atomic_uint_t owned_connection = 0;
    Attempt* attempt = nullptr;   ///< to sign in, where `lockout` counts them
    BuildComment* page = nullptr; ///< of a page of the scheduler, while it is sent
};

/// NULL before the first verdict.
RequestState* state_of(const ngx_http_request_t* r) noexcept;

/// What the policy is asked about: what will be forwarded.
policy::Request request_of(ngx_http_request_t* r) noexcept;

/// The verdict on a request to one of our hosts, judged once and kept with the request.
policy::Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept;

/// The verdict that a request was treated by; NULL if it was by none: nginx answered
/// before, or a location of the administrator's own did.
const policy::Verdict* ruled_verdict(ngx_http_request_t* r) noexcept;

/// The door that a request signs in by, the closed one if it was refused for that.
policy::Door sign_in_door(ngx_http_request_t* r) noexcept;

/// The number of the server connection that belongs to the client and carried the request, 0 if it
/// was none's own.
void note_owned_connection(ngx_http_request_t* r, ngx_atomic_uint_t number) noexcept;
ngx_atomic_uint_t owned_connection(ngx_http_request_t* r) noexcept;

/// The client's address: from the PROXY header if the socket accepts one (the connection's address
/// is its sender), otherwise the connection's, which realip may have replaced.
std::string_view client_address(const ngx_connection_t* c) noexcept;

/// $lync_* are evaluated anew from now on.
void forget_variables(ngx_http_request_t* r) noexcept;

/// Whether a request's query may hold people's addresses: autodiscover, of whichever product.
bool has_addresses(policy::Service service) noexcept;

/// Whether the pool holds the request until there is an event: UCWA's event channel. If it is sent
/// twice, the first one is answered 409 [UCWA, "Events"].
bool is_pending_get(ngx_http_request_t* r) noexcept;

/// Makes the verdict a refusal, and logs it. Returns the status to answer with.
ngx_int_t refuse(ngx_http_request_t* r, const Host& host, policy::Reason reason) noexcept;

/// Logs a request that a row of the shield would have refused if it weren't set to `log`.
void log_shield(ngx_http_request_t* r, const Host& host, const RequestState& state) noexcept;

/// The row of the shield that a verdict names, the meeting URL guard's included; NULL if it is
/// none.
const policy::Shield* shield_of(const Host& host, const policy::Verdict& verdict) noexcept;

/// For the header filter: what has passed is answered 503, since no server could answer. A 503 of
/// limit_req or of the pool itself is left as it is. False without memory.
bool add_retry_after(ngx_http_request_t* r) noexcept;

/// The status that a refusal is answered with.
ngx_int_t refusal_status(policy::Reason reason) noexcept;

} // namespace lync::nginx
