#pragma once

// What the examinations from outside and from the proxy share: sending requests, recording
// findings, faults of a connection, and signing in.

#include "lyncctl/doctor/findings.h"
#include "lyncctl/doctor/http.h"
#include "lyncctl/doctor/net.h"
#include "lyncctl/doctor/tls.h"
#include "lyncctl/output.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lync::lyncctl::doctor {

struct Settings {
    std::chrono::milliseconds time_limit{10'000}; ///< of one step
    std::vector<Rule> rules;
    std::string dns_servers; ///< empty: the system's
    std::string ca_file;     ///< empty: the system's CAs
    std::vector<std::string> domains;
    std::optional<Credentials> credentials;
};

struct Examination {
    Findings findings;
    std::size_t asked = 0;              ///< questions: DNS, connections, handshakes, requests
    std::vector<std::string> signed_in; ///< where the sign-in succeeded
    bool sign_in_skipped = false;       ///< somewhere none was tried
};

/// Asks, and notes on stderr what couldn't be looked at, and why.
class Examiner {
public:
    static constexpr std::size_t most_addresses = 4; ///< of one name that are looked at
    static constexpr int most_steps = 60;            ///< the time of a run, whatever servers answer

    Examiner(const Settings& settings, Examination& written, Output& output)
        : settings_(settings), written_(written), output_(output) {}

    // Each is one question more, and ends at the time limit. All throw Interrupted.

    /// At most `most_addresses`.
    Resolution resolve(const std::string& name);
    /// An endpoint that couldn't be connected to isn't tried again.
    std::optional<Fault> connect(const Endpoint& endpoint, const std::string& name);
    /// Connects, too. A server that speaks old versions only has the fault tls_old_only.
    Handshake secure(const Endpoint& endpoint, const HandshakeRequest& request,
                     const TrustStore& trusted);
    HttpAnswer ask(const HttpRequest& request);

    /// `--user`: signs in by NTLM at a server that was found trustworthy; `ca_file` verifies it
    /// again, on the very connection that carries the credentials. After a refusal no more is
    /// tried: repeating it could lock the account.
    void sign_in(HttpRequest request, const std::string& ca_file, const std::string& where,
                 bool is_trusted);

private:
    std::optional<Fault> reach(const Endpoint& endpoint, const std::string& name,
                               const std::function<std::optional<Fault>()>& connect);
    void begin(const std::string& what);
    Deadline deadline() const { return Deadline(settings_.time_limit); }
    const Settings& settings_;
    Examination& written_;
    Output& output_;
    HttpClient http_;
    std::optional<Resolver> resolver_;
    std::map<std::string, Fault> unreachable_; ///< by endpoint
    bool refused_ = false;                     ///< a sign-in was
    Deadline end_{most_steps * settings_.time_limit};
};

/// Reports why there is no connection, or no handshake. A machine that can't be reached is one
/// finding, whichever port is tried for whatever name.
void report_fault(const Fault& fault, const Endpoint& endpoint, const std::string& name,
                  const Report& report);

/// The same for the port of plain HTTP, without which most things work unless it `is_needed`.
void report_plain_http(const Fault& fault, bool is_needed, const Endpoint& endpoint,
                       const std::string& name, const Report& report);

/// Reports what is wrong with the certificate; true if a client trusts it.
bool report_certificate(const Handshake& handshake, const std::string& server_name,
                        const Report& report);

struct OutsideSteps;
struct ProxySteps;

// The two examinations. Both write down what they find as they go: Interrupted leaves what was
// written until then.

/// `--from outside`: what a client on the Internet does, in its order.
void examine_from_outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
                          Output& output);

/// `--from proxy`: every server, asked as the proxy asks it.
void examine_from_proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
                        Output& output);

} // namespace lync::lyncctl::doctor
