#pragma once

// lockout: how often a password may be tried. An attempt is a credential that names an account
// (accounts/account.h), on its way to a server, whose answer decides it. An
// account or a source that has failed too often is held: further attempts are answered here, as the
// server answers a wrong password and when it would.
//
//     zone.h                      what all workers know
//     store.h                     what several proxies know together
//     request/attempt.h           when a request goes on, and what an answer means
//     request/wrong_password.cpp  a wrong password's answer without a server, and when it is sent

#include "accounts/account.h"
#include "accounts/lockout.h"
#include "nginx/lockout/zone.h"
#include "policy/sign_in.h"

#include <vector>

namespace lync::config {
struct Lockout;
}

namespace lync::nginx {

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
    bool is_counted;     ///< admitted, and no answer yet
    bool is_failure;     ///< the answer is that of a wrong password
    ngx_event_t release; ///< the answer may leave
};

/// The source of requests from an address: all of an IPv4 one, of an IPv6 one what a provider gives
/// a customer. False if it is neither.
bool read_source(const ngx_addr_t& from, std::array<unsigned char, 16>& address) noexcept;

} // namespace lync::nginx
