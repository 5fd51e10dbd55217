// The verdict in nginx's phases: a request as it will be sent to the policy, its answer back to
// nginx.

#include "nginx/request/request.h"

#include "base/ascii.h"
#include "nginx/request/attempt.h"
#include "nginx/request/body.h"
#include "nginx/request/sign_in.h"
#include "nginx/request/target.h"
#include "nginx/respond.h"

namespace lync::nginx {

namespace {

using policy::Action;
using policy::Reason;
using policy::Verdict;

void keep_state(void*) {}

RequestState* make_state(ngx_http_request_t* r) noexcept {
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(RequestState));
    if (cleanup == nullptr) {
        return nullptr;
    }
    auto* state = new (cleanup->data) RequestState{.request = r};
    cleanup->handler = keep_state;
    ngx_http_set_ctx(r, state, ngx_lync_module);
    return state;
}

/// What the request was treated by, also after an internal redirect; NULL if by nothing.
RequestState* ruled_state(ngx_http_request_t* r) noexcept {
    RequestState* state = state_of(r);
    if (state != nullptr && state->ruled) {
        return state;
    }
    for (const ngx_pool_cleanup_t* c = r->pool->cleanup; c != nullptr; c = c->next) {
        state = c->handler == keep_state ? static_cast<RequestState*>(c->data) : nullptr;
        if (state != nullptr && state->request == r && state->ruled) {
            return state;
        }
    }
    return nullptr;
}

/// Whether the head announces a body that nginx has thrown away, refused, or sent before: the
/// request is what an `error_page` makes of one that has been answered.
bool has_lost_body(const ngx_http_request_t* r) noexcept {
    const RequestState* state = state_of(r);
    const bool own_body = state != nullptr && state->body_read;
    return r == r->main && announces_body(r) &&
           (r->error_page || r->err_status != 0 || r->discard_body ||
            (r->request_body != nullptr && !own_body));
}

bool cookies_pass(const ngx_http_request_t* r, const policy::Site& site) noexcept {
    return !any_cookie_header(
        r, [&](std::string_view header) { return !site.parameters_pass(header); });
}

/// The row of the shield that a header is, and nothing where no row looks at headers.
policy::ShieldHit find_in_headers(const ngx_http_request_t* r, const policy::Shields& shields,
                                  policy::Service service) noexcept {
    policy::ShieldHit found;
    const auto ask = [&](const policy::ShieldHit hit) {
        found = hit && (!found || shields.refuses(hit)) ? hit : found;
        return shields.refuses(hit);
    };
    if (shields.look(policy::in_header, service) &&
        any_header(r->headers_in.headers, {}, [&](const ngx_table_elt_t& header) {
            return ask(
                shields.find_in(policy::in_header, service, view(header.value), view(header.key)));
        })) {
        return found;
    }
    if (shields.look(policy::in_cookie, service)) {
        any_cookie_header(r, [&](std::string_view header) {
            return ask(shields.find_in_each(policy::in_cookie, service, header, ';'));
        });
    }
    return found;
}

/// Whether a header has a name that servers take for another one's: "X_Original_URL". nginx drops
/// these, but before it knows Host by the word of the server that the connection began with.
bool has_underscores(const ngx_http_request_t* r) noexcept {
    const auto& began = conf_of<ngx_http_core_srv_conf_t>(
        r->main->http_connection->conf_ctx->srv_conf, ngx_http_core_module);
    return (began.underscores_in_headers || !began.ignore_invalid_headers) &&
           any_header(r->headers_in.headers, {}, [](const ngx_table_elt_t& header) {
               return view(header.key).find('_') != std::string_view::npos;
           });
}

Verdict judge(ngx_http_request_t* r, const Host& host) noexcept {
    const policy::Request request = request_of(r);
    Verdict verdict = host.site.judge(request);
    if (verdict.action == Action::refuse) {
        return verdict;
    }
    if (!has_head(r) || !host_is_sound(r) || request.target.path.empty() || has_underscores(r)) {
        verdict.action = Action::refuse;
        verdict.reason = Reason::malformed;
    } else if (verdict.guarded && !(is_read_as_utf8(r) && cookies_pass(r, host.site))) {
        verdict.action = Action::refuse;
        verdict.reason = Reason::meeting_url;
    } else if (verdict.action == Action::pass) {
        host.site.apply(find_in_headers(r, host.site.shields(), verdict.service), verdict);
    }
    return verdict;
}

/// The state of a request, judged once; NULL if there is no memory.
RequestState* judged_state(ngx_http_request_t* r, const Host& host) noexcept {
    RequestState* state = state_of(r);
    if (state == nullptr && (state = make_state(r)) != nullptr) {
        state->verdict = judge(r, host);
    }
    return state;
}

/// To a page's own URL; else to the same host, path and query by https, where the method of
/// anything but GET and HEAD is kept.
ngx_int_t redirect(ngx_http_request_t* r, std::string_view page) noexcept {
    const std::string_view target = forwarded_target(r);
    const ngx_str_t location = page.empty()
                                   ? join(r->pool, {"https://", view(r->headers_in.server), target})
                                   : join(r->pool, {page});
    if (target.empty() || location.data == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->headers_out.location = add_header(r, "Location", view(location));
    if (r->headers_out.location == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return !page.empty()                                       ? NGX_HTTP_MOVED_TEMPORARILY
           : (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0 ? NGX_HTTP_MOVED_PERMANENTLY
                                                               : NGX_HTTP_PERMANENT_REDIRECT;
}

/// Whether the client hasn't finished its handshake: then an attacker may have recorded the request
/// and be sending it a second time [RFC 8446, 8]. Generated servers take no such data, but the
/// handshake follows the socket's default server, which may be a foreign one.
bool is_early_data(const ngx_connection_t* c) noexcept {
    return c->ssl != nullptr && !SSL_is_init_finished(c->ssl->connection);
}

constexpr ngx_int_t too_early = 425; ///< [RFC 8470, 5.2], of which nginx has no name

/// The state of a request that is treated by its verdict from now on; NULL if there is no memory.
RequestState* rule(ngx_http_request_t* r, const Host& host) noexcept {
    RequestState* state = state_of(r);
    if (state != nullptr && !state->ruled && !r->valid_unparsed_uri) {
        // A `set` or `if` has asked for a variable, and a `rewrite` behind it has changed the
        // target.
        forget_variables(r);
        state->verdict = judge(r, host);
    }
    state = judged_state(r, host);
    if (state != nullptr) {
        state->ruled = true;
    }
    return state;
}

/// A challenge of ACME, which nginx answers of a file.
ngx_int_t pass_challenge(ngx_http_request_t* r) noexcept {
    RequestState* state = state_of(r) != nullptr ? state_of(r) : make_state(r);
    if (state == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    state->verdict = {Action::pass, Reason::none};
    state->ruled = true;
    return NGX_DECLINED;
}

/// The server doesn't learn what encodings the client takes: its pages are looked at
/// (patch_watch.h).
void ask_uncompressed(ngx_http_request_t* r) noexcept {
    any_header(r->headers_in.headers, "accept-encoding", [](ngx_table_elt_t& header) {
        header.value.len = 0; // none but identity [RFC 9110, 12.5.3]
        return false;
    });
}

/// What its path lets pass: its body and its credential are judged.
ngx_int_t pass(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    if (state.attempt != nullptr) { // it has been judged, and waits for its turn
        return admit_sign_in(r, host, state);
    }
    if (state.verdict.shield) {
        log_shield(r, host, state);
    }
    if (state.verdict.service == policy::Service::scheduler) {
        ask_uncompressed(r);
    }
    if (const ngx_int_t result = judge_body(r, host, state); result != NGX_DECLINED) {
        return result;
    }
    const ngx_int_t result = judge_sign_in(r, host, state);
    return result == NGX_DECLINED ? admit_sign_in(r, host, state) : result;
}

/// Does what the verdict says.
ngx_int_t carry_out(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    Verdict& verdict = state.verdict;
    if (verdict.action == Action::pass && has_lost_body(r)) {
        verdict.action = Action::refuse;
        verdict.reason = Reason::malformed;
    }
    if (verdict.reason == Reason::malformed && r->err_status >= NGX_HTTP_BAD_REQUEST) {
        return static_cast<ngx_int_t>(r->err_status); // nginx's own refusal stays as it is
    }
    switch (verdict.action) {
    case Action::pass:
        return pass(r, host, state);
    case Action::redirect:
        return redirect(r, verdict.location);
    case Action::refuse:
        break;
    }
    return refuse(r, host, verdict.reason);
}

} // namespace

RequestState* state_of(const ngx_http_request_t* r) noexcept {
    return static_cast<RequestState*>(ngx_http_get_module_ctx(r, ngx_lync_module));
}

policy::Request request_of(ngx_http_request_t* r) noexcept {
    return {forwarded_method(r), policy::split_target(forwarded_target(r)),
            view(r->headers_in.server)};
}

Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept {
    const RequestState* state = judged_state(r, host);
    return state == nullptr ? judge(r, host) : state->verdict;
}

const Verdict* ruled_verdict(ngx_http_request_t* r) noexcept {
    const RequestState* state = ruled_state(r);
    return state == nullptr ? nullptr : &state->verdict;
}

policy::Door sign_in_door(ngx_http_request_t* r) noexcept {
    const RequestState* state = ruled_state(r);
    return state == nullptr                       ? policy::Door::none
           : state->refused != policy::Door::none ? state->refused
                                                  : policy::first_of(state->sign_in);
}

void note_owned_connection(ngx_http_request_t* r, ngx_atomic_uint_t number) noexcept {
    if (RequestState* state = ruled_state(r)) {
        state->owned_connection = number;
    }
}

ngx_atomic_uint_t owned_connection(ngx_http_request_t* r) noexcept {
    const RequestState* state = ruled_state(r);
    return state == nullptr ? 0 : state->owned_connection;
}

bool has_addresses(policy::Service service) noexcept {
    return service == policy::Service::autodiscover ||
           service == policy::Service::exchange_autodiscover;
}

bool is_pending_get(ngx_http_request_t* r) noexcept {
    constexpr std::string_view channel = "/events";
    const Host* host = host_of(r);
    const std::string_view path = view(r->uri);
    return host != nullptr && path.size() >= channel.size() &&
           equal_ignore_case(path.substr(path.size() - channel.size()), channel) &&
           verdict_of(r, *host).service == policy::Service::ucwa;
}

} // namespace lync::nginx

using namespace lync;
using namespace lync::nginx;

ngx_int_t lync_request_handler(ngx_http_request_t* r) {
    const auto& location = conf_of<LocConf>(r->loc_conf, ngx_lync_module);
    const Host* host = host_of(r);
    if (!location.judged || host == nullptr) {
        return NGX_DECLINED;
    }

    // A foreign server on the same socket may offer HTTP/2, and a browser may then ask for our
    // names on its connection: they are to be asked for on one of their own [RFC 9110, 15.5.20].
    if (r->http_version >= NGX_HTTP_VERSION_20) {
        return NGX_HTTP_MISDIRECTED_REQUEST;
    }

    // Nor is it for replays: a client that gets this asks again after the handshake.
    if (is_early_data(r->connection)) {
        return too_early;
    }

    // What was refused stays refused: the page of an `error_page` is asked for with another path,
    // which the rules may well let pass.
    if (RequestState* before = ruled_state(r);
        before != nullptr && before->verdict.action == policy::Action::refuse) {
        ngx_http_set_ctx(r, before, ngx_lync_module);
        return refusal_status(before->verdict.reason);
    }

    if (location.challenges && (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0) {
        return pass_challenge(r);
    }

    RequestState* state = rule(r, *host);
    return state == nullptr ? NGX_HTTP_INTERNAL_SERVER_ERROR : carry_out(r, *host, *state);
}
