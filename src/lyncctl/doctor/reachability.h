#pragma once

// From published names to machines that can be asked: DNS, connections, TLS. The first half of
// `--from outside`.

#include "base/name_set.h"
#include "lyncctl/doctor/examiner.h"
#include "lyncctl/doctor/questions.h"

#include <set>

namespace lync::lyncctl::doctor {

/// A name with what is known of it by now.
struct Visited {
    const Name* name = nullptr;
    std::vector<Address> addresses;
    bool known = false;            ///< the addresses are known
    bool given = false;            ///< by --resolve or --connect-to: the DNS wasn't asked
    bool elsewhere = false;        ///< none of them is where the other names lead
    std::optional<Endpoint> https; ///< where TLS is spoken; nothing: not usable
    bool trusted = false;          ///< with a certificate that a client accepts
    bool given_up = false;         ///< nothing more is asked of it over https
    bool refused = false;          ///< autodiscover was answered with 403
    /// What plain HTTP is for, by the certificate that was presented.
    PlainHttp http = PlainHttp::unused;
};

/// Reaches all names, and writes down what is in the way.
class Reachability {
public:
    Reachability(const OutsideSteps& steps, Examiner& examiner);

    /// One for each name, in their order; they point into the steps.
    std::vector<Visited> all();

    /// Where plain HTTP of the name answers, tried now. What is in the way is reported, as an error
    /// if clients need it.
    std::optional<Endpoint> plain_http(const Visited& visited);

    /// Whether any certificate that was presented names the host.
    bool is_covered(std::string_view host) const { return presented_.covers(host); }

    /// Writes down what is found at a place; of a name that leads to the wrong machine, that it
    /// does.
    Report report_at(const Visited& visited, const std::string& where);

private:
    std::vector<Endpoint> endpoints(const Visited& visited, std::uint16_t port) const;

    void find_addresses(Visited& visited);
    bool leads_past_proxy(const Visited& visited);
    void find_strays(std::vector<Visited>& all);
    void look_for_internal_names(const std::vector<Visited>& all);

    void reach(Visited& visited);
    void secure(Visited& visited, const Endpoint& endpoint, const Connection& connection);
    void look_for_old_versions(const Endpoint& endpoint, const Name& name, const Report& report);
    bool speaks_http1(const Name& name, const Endpoint& endpoint, const Handshake& handshake,
                      const Report& report);

    const OutsideSteps& steps_;
    Examiner& examiner_;
    Findings& findings_;
    TrustStore trusted_;
    Address home_;                                  ///< where most names lead
    NameSet presented_;                             ///< all names of all certificates
    std::set<std::string> old_versions_looked_for_; ///< endpoints
};

} // namespace lync::lyncctl::doctor
