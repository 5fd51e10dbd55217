// Refusals: their status, log line and row on the status page.

#include "nginx/request/request.h"
#include "nginx/request/target.h"
#include "nginx/respond.h"

#include <utility>

namespace lync::nginx {

namespace {

using policy::Reason;

/// For the status page, with the line in the log: without the query.
void remember_refusal(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    const MainConf& conf = main_conf_of(r);
    status::RefusalRing* refusals = conf.zone.refusals();
    if (conf.status_locations.empty() || refusals == nullptr) {
        return;
    }
    const ngx_time_t* now = ngx_timeofday();
    const RequestState* state = state_of(r);
    refusals->write(
        {.time = static_cast<std::int64_t>(now->sec) * 1000 + static_cast<std::int64_t>(now->msec),
         .reason = reason,
         .service = state == nullptr ? policy::Service::unknown : state->verdict.service,
         .tls = r->connection->ssl != nullptr,
         .publication = host.publication.plan.publication.name,
         .client = client_address(r->connection),
         .method = forwarded_method(r),
         .host = view(r->headers_in.server),
         .path = policy::split_target(forwarded_target(r)).path});
}

/// What is said behind a row's name.
const char* given_up(const policy::Verdict& verdict) noexcept {
    return verdict.shield.gave_up ? ", whose pattern gave up" : "";
}

/// One line a second for each publication and reason: a scanner must not fill a disk. Names that
/// aren't published are asked for all day, so they are logged at a level of their own.
void log_refusal(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    const config::Publication& declared = host.publication.plan.publication;
    time_t& logged = host.publication.last_logged[static_cast<std::size_t>(reason)];
    if (logged == ngx_time()) {
        return;
    }
    logged = ngx_time();
    remember_refusal(r, host, reason);

    const ngx_uint_t level = reason == Reason::unknown_host ? NGX_LOG_INFO : NGX_LOG_ERR;
    const std::string_view name = policy::reason_name(reason);
    if (reason == Reason::sign_in) {
        const std::string_view door = policy::door_name(sign_in_door(r));
        ngx_log_error(level, r->connection->log, 0,
                      "lync_refused: lync_publish \"%s\" refused: %*s, which closes \"%*s\"",
                      declared.name.c_str(), name.size(), name.data(), door.size(), door.data());
        return;
    }
    const RequestState* state = state_of(r);
    const policy::Shield* shield = state == nullptr ? nullptr : shield_of(host, state->verdict);
    const std::string_view remedy =
        reason == Reason::path ? host.site.allow_path_remedy(request_of(r)) : std::string_view();
    if (!remedy.empty()) {
        ngx_log_error(
            level, r->connection->log, 0,
            "lync_refused: lync_publish \"%s\" refused: %*s, \"allow_path %*s\" would publish it",
            declared.name.c_str(), name.size(), name.data(), remedy.size(), remedy.data());
    } else if (shield != nullptr) {
        ngx_log_error(level, r->connection->log, 0,
                      "lync_refused: lync_publish \"%s\" refused: %*s, shield \"%s\"%s",
                      declared.name.c_str(), name.size(), name.data(), shield->name.c_str(),
                      given_up(state->verdict));
    } else {
        ngx_log_error(level, r->connection->log, 0,
                      "lync_refused: lync_publish \"%s\" refused: %*s%s", declared.name.c_str(),
                      name.size(), name.data(), state == nullptr ? "" : given_up(state->verdict));
    }
}

} // namespace

bool add_retry_after(ngx_http_request_t* r) noexcept {
    if (r->err_status != NGX_HTTP_SERVICE_UNAVAILABLE || r->upstream == nullptr || r != r->main) {
        return true;
    }
    const policy::Verdict* verdict = ruled_verdict(r);
    return verdict == nullptr || verdict->action != policy::Action::pass ||
           add_header(r, "Retry-After", "30") != nullptr;
}

ngx_int_t refusal_status(Reason reason) noexcept {
    switch (reason) {
    case Reason::unknown_host:
        return NGX_HTTP_CLOSE;
    case Reason::malformed:
        return NGX_HTTP_BAD_REQUEST;
    case Reason::sign_in:
        return NGX_HTTP_FORBIDDEN;
    case Reason::lockout: // where an error_page has it asked again
        return NGX_HTTP_UNAUTHORIZED;
    case Reason::body:
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    default: // to the outside there is no difference between closed and absent
        return NGX_HTTP_NOT_FOUND;
    }
}

const policy::Shield* shield_of(const Host& host, const policy::Verdict& verdict) noexcept {
    const policy::Shields& shields = host.site.shields();
    policy::ShieldHit hit;
    if (verdict.reason == Reason::meeting_url) {
        hit = shields.meeting_url();
    } else if (verdict.reason == Reason::shield || verdict.reason == Reason::none) {
        hit = verdict.shield;
    }
    return hit ? &shields.rows()[hit.row] : nullptr;
}

/// One line a second for each publication, of whichever row.
void log_shield(ngx_http_request_t* r, const Host& host, const RequestState& state) noexcept {
    time_t& logged = host.publication.last_logged[static_cast<std::size_t>(Reason::none)];
    const policy::Shield* shield = shield_of(host, state.verdict);
    if (shield != nullptr && std::exchange(logged, ngx_time()) != ngx_time()) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "lync_shield: lync_publish \"%s\" would refuse, shield \"%s\"%s",
                      host.publication.plan.publication.name.c_str(), shield->name.c_str(),
                      given_up(state.verdict));
    }
}

ngx_int_t refuse(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    if (RequestState* state = state_of(r)) {
        state->verdict.action = policy::Action::refuse;
        state->verdict.reason = reason;
    }
    log_refusal(r, host, reason);
    return refusal_status(reason);
}

} // namespace lync::nginx
