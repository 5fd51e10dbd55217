#pragma once

// lockout: how often a password may be tried. An attempt is a credential that names an account
// (accounts/account.h), on its way to a server; what comes of it is what the server answers. An
// account or a source that has failed too often is held: further attempts are answered here, as the
// server answers a wrong password and when it would.
//
//     zone.h       what all workers know
//     lockout.cpp  what is held, and what an answer means
//     store.h      what several proxies know together
//     answer.cpp   a wrong password's answer without a server, and when it is sent

#include "accounts/account.h"
#include "accounts/lockout.h"
#include "nginx/lockout/zone.h"
#include "policy/sign_in.h"

#include <vector>

namespace lync::config {
struct Lockout;
}

namespace lync::nginx {

struct Host;
struct RequestState;

/// Of one publication. Immutable.
struct Lockout {
    Lockout(const config::Lockout& declared, LockoutZone& shared);
    Lockout(const Lockout&) = delete;

    LockoutZone& zone;
    accounts::Limits limits;
    accounts::Domains domains;
    std::vector<accounts::Account> exempt_accounts;
    std::vector<ngx_cidr_t> exempt_networks;
    bool log_accounts;
};

/// A request that tries to sign in, from its verdict to its answer. In the request's pool, whose
/// cleanup ends it.
struct Attempt : Counted {
    ngx_http_request_t* request;
    const Lockout* lockout;
    ngx_str_t name;       ///< of the account, for the log: the hash unless `log_accounts on`
    std::uint64_t answer; ///< WrongPassword::key
    ngx_msec_t begun;     ///< Counted::admitted by this machine's clock
    ngx_msec_t waiting_since;
    std::uint64_t flight;         ///< as the store knows the attempt; 0: it doesn't
    std::uint64_t reserved_until; ///< until when it counts there, by LockoutZone::clock
    bool is_asked;                ///< the store, whose answer is to be read
    accounts::Admission granted;  ///< that answer
    ngx_msec_t due; ///< when a wrong password is answered: settled here, however it is answered
    policy::AccountForm form;
    Way way;
    bool is_counted;                     ///< admitted, and no answer yet
    bool is_failure;                     ///< the answer is that of a wrong password
    ngx_event_t release;                 ///< the answer may leave
    ngx_event_handler_pt client_handler; ///< nginx's own, for what the client sends
};

/// For a request that passes otherwise. NGX_DECLINED: it goes on to the server; NGX_DONE: it waits,
/// the phases go on later; else it has been answered.
ngx_int_t admit_sign_in(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept;

/// An admitted one is about to be sent, maybe later than it counts (`limit_req`, a server that
/// accepted no connection): it counts from now on. False if others have come first, and it isn't to
/// be sent.
bool renew_sign_in(const ngx_http_request_t* r) noexcept;

/// Around each try of a server: while an attempt counts there, nginx doesn't notice that the client
/// closes, since the answer tells what came of it.
void ignore_client_abort(ngx_http_request_t* r) noexcept;
void heed_client_abort(ngx_http_request_t* r) noexcept;

/// The answer begins: called by the header filter, for any request. One that is a wrong password's
/// is kept back until it is due.
void note_sign_in(ngx_http_request_t* r) noexcept;

/// The source of requests from an address: all of an IPv4 one, of an IPv6 one what a provider gives
/// a customer. False if it is neither.
bool read_source(const ngx_addr_t& from, std::array<unsigned char, 16>& address) noexcept;

// --- inside of this folder only

/// Answers as the server has answered a wrong password lately; else with the usual answer.
ngx_int_t answer_wrong_password(Attempt& attempt) noexcept;
/// The answer of the server, which is one, is kept for later.
void remember_wrong_password(const Attempt& attempt) noexcept;
/// The store has answered, or doesn't: the phases go on.
void wake(Attempt& attempt, accounts::Admission granted) noexcept;
/// Nothing leaves until a wrong password's answer would.
void keep_back(Attempt& attempt) noexcept;

} // namespace lync::nginx
