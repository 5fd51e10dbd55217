#include "nginx/request/attempt.h"

#include "balance/credentials.h"
#include "base/ascii.h"
#include "nginx/lockout/store.h"
#include "nginx/request/body.h"
#include "nginx/request/sign_in.h"
#include "nginx/request/target.h"

#include <algorithm>
#include <utility>

namespace lync::nginx {

using accounts::Account;
using accounts::Admission;
using accounts::Finding;
using policy::AccountForm;

namespace {

Attempt* attempt_of(const ngx_http_request_t* r) noexcept {
    const RequestState* state = state_of(r);
    return state == nullptr ? nullptr : state->attempt;
}

// --- the source of an attempt

bool is_exempt(const Lockout& lockout, sockaddr* from) noexcept {
    ngx_array_t networks{};
    networks.elts = const_cast<ngx_cidr_t*>(lockout.exempt_networks.data());
    networks.nelts = lockout.exempt_networks.size();
    return ngx_cidr_match(from, &networks) == NGX_OK;
}

bool is_exempt(const Lockout& lockout, const Account& account) noexcept {
    return std::ranges::find(lockout.exempt_accounts, account.text(), &Account::text) !=
           lockout.exempt_accounts.end();
}

Way way_of(AccountForm form, policy::SignInBody kind) noexcept {
    return form == AccountForm::ntlm || form == AccountForm::basic ? Way::header
           : kind == policy::SignInBody::page                      ? Way::page
           : form == AccountForm::text                             ? Way::soap
                                                                   : Way::token;
}

void log_held(const Attempt& attempt, LockoutZone::Failed failed) noexcept {
    const accounts::Limits& limits = attempt.limits;
    ngx_log_t* log = attempt.request->connection->log;
    if (failed.holds_account) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "lync_lockout: account %V is held for %uL s, failures=%ud is reached",
                      &attempt.name, limits.hold / 1000, limits.failures);
    }
    if (failed.holds_source) {
        const std::string_view address = client_address(attempt.request->connection);
        const ngx_str_t source = str(address);
        ngx_log_error(
            NGX_LOG_WARN, log, 0,
            "lync_lockout: address %V%s is held for %uL s, source_accounts=%ud is reached", &source,
            address.find(':') == std::string_view::npos ? "" : "/64", limits.hold / 1000,
            limits.source_accounts);
    }
}

Store* store_of(const Attempt& attempt) noexcept {
    return main_conf_of(attempt.request).store.get();
}

void report_account(const Attempt& attempt) noexcept {
    if (Store* store = store_of(attempt)) {
        store->report(false, attempt.account, attempt.limits, attempt.flight);
    }
}

/// `gone`: the account that has signed in; 0: it has failed.
void report_source(const Attempt& attempt, std::uint64_t gone) noexcept {
    if (Store* store = store_of(attempt); store != nullptr && attempt.source != 0) {
        store->report(true, attempt.source, attempt.limits, gone);
    }
}

void count_failure(const Attempt& attempt) noexcept {
    log_held(attempt, attempt.lockout->zone.fail(attempt));
    report_account(attempt);
    report_source(attempt, 0);
}

/// It ended without a verdict on the password.
void end_flight(Attempt& attempt) noexcept {
    attempt.lockout->zone.end(attempt);
    if (attempt.flight != 0) {
        report_account(attempt);
    }
}

/// It isn't sent to a server, or not yet.
void withdraw(Attempt& attempt) noexcept {
    attempt.is_counted = false;
    attempt.flight = 0;
    attempt.lockout->zone.end(attempt);
}

constexpr bool is_within(ngx_uint_t status, ngx_uint_t first) noexcept {
    return status >= first && status < first + 100;
}

/// For how long the answer to a password that a server has is still waited for, in msec.
ngx_msec_int_t left_of(const Attempt& attempt) noexcept {
    const ngx_http_upstream_t* u = attempt.request->upstream;
    const ngx_msec_t end = attempt.begun + attempt.limits.patience;
    return u != nullptr && u->request_sent ? static_cast<ngx_msec_int_t>(end - ngx_current_msec)
                                           : 0;
}

/// Like `proxy_ignore_client_abort`, while the attempt counts: the response is awaited even if the
/// client closes. A client that the server keeps waiting longer has signed in.
void on_client_event(ngx_event_t* event) {
    const auto* c = static_cast<ngx_connection_t*>(event->data);
    ngx_http_request_t* r = static_cast<ngx_http_request_t*>(c->data)->main;
    const Attempt* attempt = attempt_of(r); // none after an internal redirect
    const bool counts = attempt != nullptr && attempt->is_counted;
    const ngx_msec_int_t left = counts ? left_of(*attempt) : 0;
    if (left <= 0 || r->reading_body || c->close) {
        c->write->handler(event); // nginx has one for both directions
        return;
    }
    if (!event->timer_set) {
        event->delayed = 1; // no timeout of the client's
        ngx_add_timer(event, static_cast<ngx_msec_t>(left));
    }
    ngx_http_block_reading(r);
}

void begin(Attempt& attempt) noexcept {
    attempt.begun = ngx_current_msec;
    attempt.due = attempt.begun + attempt.lockout->zone.answer_after(attempt.way);
}

void end_attempt(void* data) {
    auto& attempt = *static_cast<Attempt*>(data);
    if (attempt.is_asked) {
        store_of(attempt)->forget(attempt);
    }
    if (std::exchange(attempt.is_counted, false)) {
        // The server may have tried the password without the rest of the body.
        const ngx_http_request_t* r = attempt.request;
        if (r->reading_body && is_within(r->headers_out.status, 400) && left_of(attempt) > 0) {
            count_failure(attempt);
        } else {
            end_flight(attempt);
        }
    }
    if (attempt.release.timer_set) {
        ngx_del_timer(&attempt.release);
        attempt.request->connection->write->delayed = 0;
    }
}

Attempt* make_attempt(ngx_http_request_t* r, const Lockout& lockout, AccountForm form,
                      Way way) noexcept {
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(Attempt));
    if (cleanup == nullptr) {
        return nullptr;
    }
    auto* attempt = new (cleanup->data) Attempt{};
    attempt->request = r;
    attempt->lockout = &lockout;
    attempt->form = form;
    attempt->way = way;
    attempt->limits = lockout.limits;
    attempt->limits.patience =
        way == Way::header ? accounts::flight_patience : accounts::body_patience;
    begin(*attempt);
    attempt->waiting_since = attempt->begun;
    const char of_way[] = {static_cast<char>(way), form == AccountForm::basic ? 'b' : 'n'};
    attempt->answer = lockout.zone.tag_of_answer(view(r->headers_in.server), view(r->uri),
                                                 view(r->method_name), {of_way, sizeof(of_way)});
    cleanup->handler = end_attempt;
    return attempt;
}

struct Credential {
    Finding finding = Finding::none;
    AccountForm form = AccountForm::none;
};

/// Of the Authorization field, or of the body or query. A request with two of them tries two
/// passwords, which no client does.
Credential credential_of(ngx_http_request_t* r, const RequestState& state, const Lockout& lockout,
                         Account& account) noexcept {
    constexpr policy::Doors by_password = bit(policy::Door::windows) | bit(policy::Door::password);
    const auto read = [&](const policy::SignIn& sign_in, Account& named) -> Credential {
        if ((sign_in.doors & by_password) == 0) {
            return {};
        }
        return {accounts::read_account(sign_in.form, sign_in.account, lockout.domains, named),
                sign_in.form};
    };
    Credential first;
    if (const ngx_table_elt_t* field = r->headers_in.authorization; field != nullptr) {
        first = read(policy::sign_in_of_header(view(field->value)), account);
    }
    if (state.verdict.sign_in == policy::SignInBody::none) {
        return first;
    }
    Account second_account;
    const Credential second = read(policy::sign_in_of_text(sign_in_text(r, state)), second_account);
    if (first.finding == Finding::none) {
        account = second_account;
        return second;
    }
    return second.finding == Finding::none ? first : Credential{Finding::unreadable, second.form};
}

ngx_str_t name_for_log(ngx_pool_t* pool, const Lockout& lockout, std::uint64_t tag,
                       const Account& account) noexcept {
    if (lockout.log_accounts) { // within quotes, which stand in no name
        ngx_str_t name = join(pool, {"\"", account.text(), "\""});
        if (name.data != nullptr) {
            std::replace(name.data + 1, name.data + name.len - 1, u_char{'"'}, u_char{'_'});
        }
        return name;
    }
    std::array<char, 17> digits{};
    ngx_sprintf(reinterpret_cast<u_char*>(digits.data()), "%016xL", tag);
    return copy(pool, {digits.data(), 16});
}

// --- waiting while as many attempts are on their way as may fail

constexpr ngx_msec_t turn = 50;
constexpr ngx_msec_t patience = 30000;

void resume_waiting(ngx_http_request_t* r) {
    ngx_event_t* write = r->connection->write;
    if (write->delayed) {
        if (ngx_handle_write_event(write, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }
        return;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r); // the verdict's handler first, which asks admit_sign_in again
}

/// As nginx's limit_req module does it.
ngx_int_t suspend(ngx_http_request_t* r, ngx_msec_t until) noexcept {
    ngx_connection_t* c = r->connection;
    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = resume_waiting;
    c->write->delayed = 1;
    ngx_add_timer(c->write, until);
    return NGX_DONE;
}

/// Until one of those has been answered.
ngx_int_t wait_for_turn(const Attempt& attempt) noexcept {
    return ngx_current_msec - attempt.waiting_since > patience ? NGX_HTTP_SERVICE_UNAVAILABLE
                                                               : suspend(attempt.request, turn);
}

// --- the outcome

enum class Outcome : std::uint8_t { unknown, failed, succeeded };

bool ends_with(const ngx_str_t& path, std::string_view end) noexcept {
    const std::string_view text = view(path);
    return text.size() >= end.size() &&
           equal_ignore_case(text.substr(text.size() - end.size()), end);
}

/// 401 with a challenge of the credential's kind: one that names an account is the last of its
/// handshake. What ignores the credential answers something else, so only what has refused one can
/// accept one.
Outcome outcome_of_header(const Attempt& attempt, const ngx_http_upstream_headers_in_t& answer) {
    if (answer.status_n != NGX_HTTP_UNAUTHORIZED) {
        return (is_within(answer.status_n, 200) || is_within(answer.status_n, 300)) &&
                       attempt.request->method != NGX_HTTP_OPTIONS && // or it is a preflight
                       attempt.lockout->zone.is_proven(attempt.answer)
                   ? Outcome::succeeded
                   : Outcome::unknown;
    }
    constexpr std::string_view basic = "basic";
    const bool refuses =
        any_header(answer.headers, "www-authenticate", [&](const ngx_table_elt_t& header) {
            const std::string_view challenge = view(header.value);
            return attempt.form == AccountForm::ntlm
                       ? balance::challenge_of(challenge) != balance::Challenge::none
                       : equal_ignore_case(challenge.substr(0, basic.size()), basic);
        });
    return refuses ? Outcome::failed : Outcome::unknown;
}

/// A refused form is shown again, or redirects to itself. Only a redirect elsewhere with a cookie
/// is a success, and only where a form has been refused: load balancers and ASP.NET set cookies
/// with any response, and directories redirect with 301. Exchange's own cookie is known.
Outcome outcome_of_page(const Attempt& attempt, const ngx_http_upstream_headers_in_t& answer) {
    using policy::Service;
    if (answer.status_n >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return Outcome::unknown;
    }
    const Service service = state_of(attempt.request)->verdict.service;
    const bool exchange = service == Service::owa || service == Service::exchange_admin;
    const auto signs_in = [exchange](const ngx_table_elt_t& cookie) {
        constexpr std::string_view exchange_cookie = "cadata=";
        const std::string_view value = view(cookie.value);
        return !exchange || (value.starts_with(exchange_cookie) &&
                             !value.substr(exchange_cookie.size()).starts_with(';'));
    };
    const auto leads_back = [](const ngx_table_elt_t& location) {
        return view(location.value).find("reason=") != std::string_view::npos ||
               view(location.value).find("logon") != std::string_view::npos;
    };
    const bool leads_on =
        (answer.status_n == NGX_HTTP_MOVED_TEMPORARILY || answer.status_n == NGX_HTTP_SEE_OTHER) &&
        any_header(answer.headers, "set-cookie", signs_in) &&
        !any_header(answer.headers, "location", leads_back);
    return !leads_on                                         ? Outcome::failed
           : attempt.lockout->zone.is_proven(attempt.answer) ? Outcome::succeeded
                                                             : Outcome::unknown;
}

Outcome outcome_of(const Attempt& attempt, const ngx_http_upstream_headers_in_t& answer) {
    const ngx_str_t& path = attempt.request->uri;
    switch (attempt.way) {
    case Way::header:
        return outcome_of_header(attempt, answer);
    case Way::page:
        return outcome_of_page(attempt, answer);
    case Way::token:
        return is_within(answer.status_n, 400) ? Outcome::failed
               : is_within(answer.status_n, 200) && ends_with(path, "/oauthtoken")
                   ? Outcome::succeeded
                   : Outcome::unknown;
    case Way::soap: // a fault is 500 [SOAP 1.1, 6.2]
        return is_within(answer.status_n, 400) || answer.status_n == NGX_HTTP_INTERNAL_SERVER_ERROR
                   ? Outcome::failed
               : is_within(answer.status_n, 200) && ends_with(path, "/auth") ? Outcome::succeeded
                                                                             : Outcome::unknown;
    }
    return Outcome::unknown;
}

void fail(Attempt& attempt) noexcept {
    const Lockout& lockout = *attempt.lockout;
    const ngx_http_request_t* r = attempt.request;
    count_failure(attempt);
    lockout.zone.prove(attempt.answer);
    if (!announces_body(r) || attempt.way != Way::header) { // or it took what the client took
        lockout.zone.learn(attempt.way, ngx_current_msec - attempt.begun);
    }
    remember_wrong_password(attempt);
    keep_back(attempt);
}

/// Nothing of it reaches a server.
ngx_int_t hold(ngx_http_request_t* r, const Host& host, Attempt& attempt) noexcept {
    refuse(r, host, policy::Reason::lockout);
    attempt.lockout->zone.count_answered();
    attempt.is_failure = true;
    return answer_wrong_password(attempt);
}

/// One whose account is known; asked again each time that it has waited.
ngx_int_t admit(ngx_http_request_t* r, const Host& host, Attempt& attempt) noexcept {
    LockoutZone& zone = attempt.lockout->zone;
    Admission admission = attempt.granted;
    if (std::exchange(attempt.is_asked, false)) {
        store_of(attempt)->forget(attempt); // the answer would be here by now
        if (admission != Admission::pass) { // at other proxies as many are on their way
            withdraw(attempt);
        }
    } else {
        attempt.admitted = zone.clock();
        admission = zone.admit(attempt);
        attempt.is_counted = admission == Admission::pass;
        if (attempt.is_counted) {
            begin(attempt);
            if (Store* store = store_of(attempt); store != nullptr && store->is_there()) {
                attempt.granted = Admission::pass; // also where there is no answer
                attempt.is_asked = store->reserve(attempt);
                if (attempt.is_asked) {
                    attempt.reserved_until = attempt.until();
                    return suspend(r, 2 * Redis::patience);
                }
                admission = Admission::wait; // for room: as many are asked about already
                withdraw(attempt);
            }
        }
    }
    switch (admission) {
    case Admission::pass:
        return NGX_DECLINED;
    case Admission::wait:
        return wait_for_turn(attempt);
    case Admission::full:
        ngx_log_error(
            NGX_LOG_WARN, r->connection->log, 0,
            "lync_lockout: account %V is refused, the table of accounts is full of held ones",
            &attempt.name);
        break;
    case Admission::held:
        break;
    }
    begin(attempt);
    return hold(r, host, attempt);
}

} // namespace

ngx_int_t admit_sign_in(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    const Lockout* lockout = host.publication.lockout.get();
    if (lockout == nullptr ||
        (state.attempt != nullptr && state.attempt->is_counted && !state.attempt->is_asked)) {
        return NGX_DECLINED;
    }
    if (state.attempt != nullptr && state.attempt->account != 0) {
        return admit(r, host, *state.attempt);
    }
    if (lacks_sign_in_body(r, state)) {
        return read_body(r);
    }
    Account account;
    const Credential credential = credential_of(r, state, *lockout, account);
    if (credential.finding == Finding::none) {
        return NGX_DECLINED;
    }
    ngx_addr_t from{};
    ngx_str_t text = copy(r->pool, client_address(r->connection));
    const bool known =
        text.data != nullptr && ngx_parse_addr(r->pool, &from, text.data, text.len) == NGX_OK;
    if ((credential.finding == Finding::named && is_exempt(*lockout, account)) ||
        (known && is_exempt(*lockout, from.sockaddr))) {
        return NGX_DECLINED;
    }

    if (state.attempt == nullptr) {
        state.attempt = make_attempt(r, *lockout, credential.form,
                                     way_of(credential.form, state.verdict.sign_in));
    }
    if (state.attempt == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    Attempt& attempt = *state.attempt;
    if (credential.finding == Finding::unreadable || r != r->main) { // where nothing can wait
        return hold(r, host, attempt);
    }
    attempt.account = lockout->zone.tag_of_account(account.text());
    attempt.name = name_for_log(r->pool, *lockout, attempt.account, account);
    attempt.source =
        lockout->limits.source_accounts != 0 && known && read_source(from, attempt.address)
            ? lockout->zone.tag_of_source(attempt.address)
            : 0;
    return admit(r, host, attempt);
}

bool renew_sign_in(const ngx_http_request_t* r) noexcept {
    constexpr ngx_msec_t at_once = 1000;
    Attempt* attempt = attempt_of(r);
    if (attempt == nullptr || !attempt->is_counted || ngx_current_msec - attempt->begun < at_once) {
        return true;
    }
    LockoutZone& zone = attempt->lockout->zone;
    zone.end(*attempt);
    attempt->admitted = zone.clock();
    // The store can't be asked again here, and is to count it until there is an answer.
    const bool is_over =
        attempt->flight != 0 && attempt->reserved_until < attempt->admitted + at_once;
    attempt->is_counted = !is_over && zone.admit(*attempt) == Admission::pass;
    begin(*attempt);
    if (!attempt->is_counted) {
        if (attempt->flight != 0) {
            report_account(*attempt);
        }
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "lync_lockout: a delayed sign-in isn't sent, other attempts came first");
    }
    return attempt->is_counted;
}

void ignore_client_abort(ngx_http_request_t* r) noexcept {
    if (const Attempt* attempt = attempt_of(r); attempt != nullptr && attempt->is_counted) {
        r->connection->read->handler = on_client_event;
    }
}

void heed_client_abort(ngx_http_request_t* r) noexcept {
    ngx_event_t* read = r->connection->read;
    if (r != r->main || read->handler != on_client_event) {
        return;
    }
    read->handler = r->connection->write->handler;
    if (read->delayed) { // something has happened
        read->delayed = 0;
        if (read->timer_set) {
            ngx_del_timer(read);
        }
        ngx_post_event(read, &ngx_posted_events);
    }
}

void note_sign_in(ngx_http_request_t* r) noexcept {
    Attempt* known = r == r->main ? attempt_of(r) : nullptr;
    if (known == nullptr) {
        return;
    }
    Attempt& attempt = *known;
    if (attempt.is_failure) {
        keep_back(attempt);
        return;
    }
    if (r->upstream == nullptr || r->upstream->headers_in.status_n == 0 ||
        !std::exchange(attempt.is_counted, false)) {
        return;
    }
    switch (outcome_of(attempt, r->upstream->headers_in)) {
    case Outcome::failed:
        fail(attempt);
        return;
    case Outcome::succeeded:
        if (attempt.lockout->zone.succeed(attempt)) {
            report_source(attempt, attempt.account);
        }
        report_account(attempt);
        return;
    case Outcome::unknown:
        end_flight(attempt);
        return;
    }
}

} // namespace lync::nginx
