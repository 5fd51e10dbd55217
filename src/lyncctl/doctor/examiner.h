#pragma once

// What outside and proxy examinations share: the ways to ask, the judgement of answers that is the
// same everywhere, and what is written down.

#include "lyncctl/doctor/documents.h"
#include "lyncctl/doctor/findings.h"
#include "lyncctl/doctor/http.h"
#include "lyncctl/doctor/net.h"
#include "lyncctl/doctor/questions.h"
#include "lyncctl/doctor/tls.h"

#include <chrono>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

/// What an examination is told by the command line.
struct Settings {
    std::chrono::milliseconds time_limit{10'000}; ///< of one step
    std::vector<ResolveRule> resolve;
    std::vector<ConnectRule> connect;
    std::string dns_servers; ///< empty: the system's
    std::string ca_file;     ///< empty: the system's CAs
    std::vector<std::string> domains;
    std::optional<Credentials> credentials;
};

/// What an examination wrote down.
struct Examination {
    Findings findings;
    std::size_t asked = 0;              ///< questions: DNS, connections, handshakes, requests
    std::vector<std::string> notes;     ///< what couldn't be looked at, and why
    std::vector<std::string> signed_in; ///< where the sign-in succeeded
};

using Progress = std::function<void(const std::string&)>;

/// Which findings a failure becomes: outside and at the servers themselves they are told apart.
struct Ids {
    Id closed, timed_out, unreachable;
    Id tls_not_tls, tls_closed, tls_timed_out, tls_old_only, tls_failed;
    Id self_signed, untrusted, chain, expired, not_yet_valid, wrong_name, weak, invalid,
        expires_soon;
};
extern const Ids outside_ids;
extern const Ids server_ids;

class Examiner {
public:
    Examiner(const Settings& settings, Examination& written, Progress progress);

    const Settings& settings() const noexcept { return settings_; }
    HttpClient& http() noexcept { return http_; }
    Deadline deadline() const { return Deadline(settings_.time_limit); }
    void begin(const std::string& what); ///< one question more
    Resolver& resolver();

    /// A connection; nothing known of this endpoint is asked again if it failed before.
    Connected connect(const Endpoint& endpoint);

    /// Tells what is wrong with a connection that failed. `key` makes it the same finding.
    /// Where the finding goes: `add` of the caller, which knows what it belongs to.
    using Add = std::function<void(Id id, std::string_view key, std::string what)>;
    void tell_connection(const Connected& connected, const Endpoint& endpoint, std::string_view key,
                         const Ids& ids, const Add& add) const;

    /// What is wrong with a handshake; true if HTTP can be spoken there.
    bool tell_handshake(const Handshake& handshake, const Endpoint& endpoint,
                        const std::string& server_name, const Ids& ids, const Add& add) const;

    /// What is wrong with the certificate; true if a client trusts it.
    bool tell_certificate(const Handshake& handshake, const std::string& server_name,
                          const Ids& ids, const Add& add) const;

    HttpAnswer ask(const HttpRequest& request);

    Examination& written() noexcept { return written_; }

private:
    const Settings& settings_;
    Examination& written_;
    Progress progress_;
    HttpClient http_;
    std::optional<Resolver> resolver_;
    std::map<std::string, Connected::Outcome> failed_; ///< endpoints that can't be reached
    std::chrono::sys_seconds now_;
};

// --- judgements of answers, the same outside and at the servers

/// "401 Unauthorized" as a person reads it: the code and what it is called.
std::string status_text(int status);

/// Whether a 401 offers what Lync clients answer.
struct Challenge {
    bool any = false;     ///< WWW-Authenticate at all
    bool windows = false; ///< NTLM or Negotiate
    std::string offered;  ///< "Basic, Bearer"
};
Challenge challenge_of(const HttpAnswer& answer);

/// The finding for an answer that isn't one of `expected`; nothing if it is.
struct Objection {
    Id id;
    std::string what;
};
std::optional<Objection> objection_to(const HttpAnswer& answer,
                                      std::initializer_list<int> expected);

/// Whether a page may be the product's: its headers or its words tell.
bool looks_like_product(const HttpAnswer& answer);

/// What answered, in a few words: `a page "Welcome to nginx!" (text/html)`.
std::string describe(const HttpAnswer& answer);

inline constexpr std::string_view autodiscover_type =
    "application/vnd.microsoft.rtc.autodiscover+xml";

} // namespace lync::lyncctl::doctor
