#pragma once

// The conversations of health checks with one server: connection, TLS with the settings of traffic,
// requests and answers, until there is a finding. All on nginx's events; nothing blocks.
//
// A healthy server is checked on a kept connection, as traffic uses it, for a minute at most: a
// handshake costs both sides ten times as much as the request. Its certificate is checked with each
// new connection, within five minutes at the latest. If the server has closed a kept connection,
// the check is made on a new one.

#include "balance/check_answer.h"
#include "nginx/ngx.h"
#include "nginx/timer.h"

#include <string>
#include <string_view>
#include <vector>

namespace lync::nginx {

/// What is asked of the servers of a farm. Lives as long as the configuration.
struct Question {
    /// The proxy_ssl_* of the generated servers that lead to this farm; NULL: `tcp`.
    const ngx_http_upstream_conf_t* tls = nullptr;
    std::string certificate_name; ///< in the server's certificate and as SNI
    std::string internal;         ///< see balance::CheckAnswer::begin
    balance::Document document = balance::Document::autodiscover;
    std::vector<std::string> requests; ///< one after the other; none: a connection is enough
    ngx_msec_t timeout = 0;            ///< for all of it
    std::string_view presented;        ///< config::Publication::only_certificate; of Exchange only
};

class Probe {
public:
    /// `done(owner, finding)` runs once for each `begin`, perhaps before that returns. The finding
    /// is NULL if this process had no means to ask, which says nothing about the server.
    using Done = void (*)(void* owner, const balance::Finding* finding);

    Probe(ngx_log_t* log, Done done, void* owner) noexcept;
    ~Probe();
    Probe(const Probe&) = delete;

    /// Asks the server at `address`, always the same one. With `trusts`, what an earlier
    /// conversation has left may be used: its connection, its TLS session. `question` and `address`
    /// must last until it is done.
    void begin(const Question& question, const sockaddr* address, socklen_t length, ngx_str_t* name,
               bool trusts) noexcept;

    bool running() const noexcept { return running_; }
    /// Of the certificate that the server presented last (balance::certificate_mark); 0: none yet.
    std::uint64_t certificate() const noexcept { return certificate_; }
    /// Of the last answer that had one; 0: none yet.
    Build build() const noexcept { return build_; }

private:
    static constexpr ngx_msec_t connection_age = 60000;
    static constexpr ngx_msec_t session_age = 300000;

    static void on_event(ngx_event_t* event);
    static void on_handshake(ngx_connection_t* c);
    static void on_session(ngx_connection_t* c);

    void time_out() noexcept { found(balance::Reason::timed_out); }
    void connect() noexcept;
    void connected() noexcept;
    void start_tls() noexcept;
    void check_certificate() noexcept;
    void ask() noexcept;
    void send() noexcept;
    void receive() noexcept;
    void answered() noexcept;
    void keep() noexcept;
    void close() noexcept;
    void look_at_idle() noexcept;
    bool asks_anew() noexcept;
    void found(balance::Reason reason, std::uint32_t detail = 0) noexcept;
    void finish(const balance::Finding* finding) noexcept;
    void forget_session() noexcept;

    ngx_log_t* log_;
    Done done_;
    void* owner_;
    Timer timer_;

    const Question* question_ = nullptr;
    const sockaddr* address_ = nullptr;
    socklen_t length_ = 0;
    ngx_str_t* name_ = nullptr;
    bool trusts_ = false;

    bool running_ = false;
    bool connecting_ = false;
    bool used_ = false; ///< the connection carried an earlier conversation, and no byte since
    ngx_msec_t connected_ = 0;
    ngx_connection_t* connection_ = nullptr;
    std::size_t request_ = 0; ///< index into Question::requests
    std::size_t sent_ = 0;    ///< bytes of it
    balance::CheckAnswer answer_;

    ngx_ssl_session_t* session_ = nullptr;
    ngx_msec_t verified_ = 0; ///< when the certificate was last seen
    std::uint64_t certificate_ = 0;
    Build build_ = 0;
};

} // namespace lync::nginx
