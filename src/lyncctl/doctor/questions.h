#pragma once

// What there is to ask, from the plans: the names that clients use with the questions that they
// ask of each, and the servers that the proxy uses.

#include "plan/plan.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

/// What a question expects of the answer.
enum class Expect : std::uint8_t {
    autodiscover,      ///< an Autodiscover document, whose links are followed
    windows_challenge, ///< 401 with NTLM or Negotiate
    service_metadata,  ///< WSDL
    page,              ///< a web page of the product
    office_discovery,  ///< the Office Web Apps farm's discovery document
    refusal,           ///< no answer of a server: it must not be reachable
};

inline const std::string autodiscover_root = "/Autodiscover/AutodiscoverService.svc/root";

struct Question {
    Expect expect = Expect::page;
    std::string path; ///< "/abs/handler"
};

/// What plain HTTP of a name is for.
enum class PlainHttp : std::uint8_t {
    unused,       ///< nobody asks there, or the publication refuses it
    redirect,     ///< to https
    autodiscover, ///< the certificate doesn't cover this lyncdiscover name: clients ask here
};

/// A published name.
struct Name {
    std::string host;
    std::string farm;  ///< whose servers answer: findings of one farm belong together
    bool ntlm = false; ///< clients sign in here
    PlainHttp http = PlainHttp::unused;
    std::vector<Question> questions;
    std::string sip_domain; ///< of a lyncdiscover name
    bool sign_in = false;   ///< a pool's web services: `--user` signs in here
    const plan::Plan* plan = nullptr;
};

/// The names that publications publish, patterns ("meet.*") included: where links may lead.
class PublishedNames {
public:
    /// All that a plan publishes.
    void add(const plan::Plan& plan);
    bool has(std::string_view host) const;

    /// Whether the certificates of nginx.conf cover a name: for hosts that nobody connects to.
    bool covered(std::string_view host) const;

private:
    std::set<std::string, std::less<>> exact_;
    std::vector<std::string> prefixes_; ///< "meet."
    std::vector<std::shared_ptr<const NameSet>> certificates_;
};

/// What clients ask, in their order.
struct OutsideSteps {
    std::vector<Name> names;
    PublishedNames published;
    std::vector<std::string> patterns; ///< names that need --domain before they can be asked
    /// Names that should have no address outside: lyncdiscoverinternal, pools' own.
    std::vector<std::string> internal_names;
    std::vector<std::string> server_addresses; ///< where no published name may lead
};

/// `domains`: the SIP domains to ask for; needed for `sip_domain *`, otherwise a choice among those
/// declared (empty: all).
OutsideSteps outside_steps(const std::vector<const plan::Plan*>& plans,
                           const std::vector<std::string>& domains);

/// A server as the proxy uses it.
struct ServerStep {
    std::string address; ///< as in nginx.conf
    const config::Farm* farm = nullptr;
    const plan::Plan* plan = nullptr;
    std::uint16_t https = 0;
    std::uint16_t http = 0;     ///< 0: not a port of this role
    bool http_in_use = false;   ///< the plan sends something there
    std::string host;           ///< Host header over https: a published name
    std::string discovery_host; ///< Host header over http: a lyncdiscover name if there is one
    std::vector<Question> questions;
    bool sign_in = false;
};

struct ProxySteps {
    std::vector<ServerStep> servers;
    PublishedNames published;
};
ProxySteps proxy_steps(const std::vector<const plan::Plan*>& plans,
                       const std::vector<std::string>& domains);

} // namespace lync::lyncctl::doctor
