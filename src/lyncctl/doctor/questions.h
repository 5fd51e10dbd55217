#pragma once

// The doctor's questions, from the plans: the names that clients use with the requests for each,
// and the servers that the proxy uses.

#include "plan/plan.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

enum class Expect : std::uint8_t {
    autodiscover,      ///< an Autodiscover document, whose links are followed
    windows_challenge, ///< 401 with NTLM or Negotiate
    closed_windows,    ///< neither of them: `sign_in` closes the door
    service_metadata,  ///< WSDL
    page,              ///< a web page of the product
    office_discovery,  ///< the Office Web Apps farm's discovery document
    refusal,           ///< no answer of a server: it must not be reachable
};

struct Question {
    Expect expect = Expect::page;
    std::string path; ///< "/abs/handler"
};

/// What plain HTTP of a name is for.
enum class PlainHttp : std::uint8_t {
    unused,       ///< clients don't ask there, or the publication refuses it
    redirect,     ///< to https
    autodiscover, ///< clients ask here, since the certificate doesn't name this lyncdiscover host
};

struct Name {
    std::string host;
    std::string farm; ///< whose servers answer: findings of one farm belong together
    PlainHttp http = PlainHttp::unused;
    PlainHttp http_uncovered = PlainHttp::unused; ///< while the certificate doesn't name it
    std::vector<Question> questions;
    std::string sip_domain; ///< of a lyncdiscover name
    bool sign_in = false;   ///< a pool's web services: `--user` signs in here
};

/// Whether a host is one of `names`, which may be patterns ("meet.*"): where links may lead.
bool is_published(const std::vector<std::string>& names, std::string_view host);

/// What clients ask, in their order. Certificates play no part: those that are presented count.
struct OutsideSteps {
    std::vector<Name> names;
    std::vector<std::string> published;
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
    const config::Publication* publication = nullptr;
    std::uint16_t http = 0;     ///< 0: not a port of this role, or never used
    bool http_in_use = false;   ///< the plan sends something there
    std::string discovery_host; ///< Host header over http: a lyncdiscover name if there is one
    std::vector<Question> questions;
};

struct ProxySteps {
    std::vector<const config::Publication*> publications;
    std::vector<ServerStep> servers;
    std::vector<std::string> published;
};
ProxySteps proxy_steps(const std::vector<const plan::Plan*>& plans,
                       const std::vector<std::string>& domains);

/// The question that `--user` asks with a password: where Windows authentication is expected.
const Question* sign_in_question(const std::vector<Question>& questions);

} // namespace lync::lyncctl::doctor
