#include "lyncctl/doctor/answers.h"
#include "lyncctl/doctor/examinations.h"

#include <map>
#include <memory>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::size_t most_addresses = 4; ///< of one server's name that are asked

/// The same fault, at a server itself: where the two are told apart.
Id at_server(Id id) {
    static const std::map<Id, Id> ids{
        {Id::port_closed, Id::server_closed},
        {Id::port_timed_out, Id::server_timed_out},
        {Id::port_unreachable, Id::server_unreachable},
        {Id::tls_not_tls, Id::server_tls},
        {Id::tls_closed, Id::server_tls},
        {Id::tls_timed_out, Id::server_tls},
        {Id::tls_failed, Id::server_tls},
        {Id::certificate_self_signed, Id::server_certificate_self_signed},
        {Id::certificate_untrusted, Id::server_certificate_untrusted},
        {Id::certificate_chain, Id::server_certificate_untrusted},
        {Id::certificate_expired, Id::server_certificate_expired},
        {Id::certificate_not_yet_valid, Id::server_certificate_not_yet_valid},
        {Id::certificate_name, Id::server_certificate_name},
        {Id::certificate_weak, Id::server_certificate_invalid},
        {Id::certificate_invalid, Id::server_certificate_invalid},
        {Id::certificate_expires_soon, Id::server_certificate_expires_soon},
    };
    const auto found = ids.find(id);
    return found == ids.end() ? id : found->second;
}

class Proxy {
public:
    Proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
          const Progress& progress)
        : steps_(steps), settings_(settings), written_(written),
          examiner_(settings, written, progress, steps.servers.size()) {}

    void examine() {
        for (const ServerStep& server : steps_.servers) {
            for (const Address& address : addresses_of(server)) {
                examine(server, address);
            }
        }
        for (const Signable& signable : signable_) {
            if (!sign_in(signable)) {
                return; // one refusal is enough: repeating it would lock the account
            }
        }
    }

private:
    /// A server whose https site can be asked.
    struct Signable {
        const ServerStep* server;
        Endpoint endpoint;
        bool trusted;
    };

    Report report_at(std::string where) {
        return [this, where = std::move(where)](Id id, std::string_view key, std::string what) {
            written_.findings.add(at_server(id), where, key, std::move(what));
        };
    }

    std::vector<Address> addresses_of(const ServerStep& server) {
        if (const auto address = Address::parse(server.address)) {
            return {*address};
        }
        for (const ResolveRule& rule : settings_.resolve) {
            if (rule.name == server.address && rule.port == server.https) {
                return rule.addresses;
            }
        }
        Resolution found = examiner_.resolve(server.address);
        using Outcome = Resolution::Outcome;
        if (found.outcome != Outcome::found) {
            written_.findings.add(Id::server_dns, server.address, server.address,
                                  server.address +
                                      (found.outcome == Outcome::no_such_name ? " doesn't exist"
                                       : found.outcome == Outcome::no_address ? " has no address"
                                       : found.outcome == Outcome::no_answer
                                           ? " can't be looked up: the DNS doesn't answer"
                                           : " can't be looked up: " + shown(found.detail)));
        }
        if (found.addresses.size() > most_addresses) {
            found.addresses.resize(most_addresses);
        }
        return found.addresses;
    }

    /// The same CA file is read once.
    const TrustStore& trusted_by(const config::Publication& publication) {
        auto& store = stores_[publication.trusted_ca];
        if (!store) {
            store = std::make_unique<TrustStore>(publication.trusted_ca);
        }
        return *store;
    }

    void examine(const ServerStep& server, const Address& address) {
        const Endpoint https{address, server.https};
        const Connected connected = examiner_.connect(https, "");
        // A server that is down is one finding, whichever of its ports is tried.
        report_connection(connected, https, address.text(), report_at(https.text()));
        const bool open = connected.outcome == Connected::Outcome::open;
        if (open) {
            secure(server, https, connected.connection);
        }
        if (server.http != 0) {
            ask_http(server, Endpoint{address, server.http}, open);
        }
    }

    void secure(const ServerStep& server, const Endpoint& endpoint, const Connection& connection) {
        const config::Publication& publication = server.plan->publication;
        const std::string& name = server.farm->certificate_name;
        const std::string where = endpoint.text();
        HandshakeRequest request{name, {}, false};
        const TrustStore& trusted = trusted_by(publication);
        const Handshake handshake = examiner_.shake_hands(connection, request, trusted, where);
        if (may_be_old(handshake)) {
            request.old_versions = true;
            const auto old = examiner_.shake_hands_again(endpoint, request, trusted);
            if (old && old->outcome == Handshake::Outcome::done) {
                written_.findings.add(Id::server_tls_old, where, server.farm->name,
                                      where + " speaks " + old->version + " at most");
                return;
            }
        }
        if (!report_handshake(handshake, endpoint, name, report_at(where))) {
            return;
        }
        const bool is_trusted =
            publication.backend_verify && report_certificate(handshake, name, report_at(where));
        ask_https(server, endpoint, is_trusted);
    }

    HttpRequest request_to(const ServerStep& server, const Endpoint& endpoint, bool tls,
                           const Question& question) const {
        HttpRequest request;
        request.url = (tls ? "https://" : "http://") + server.farm->certificate_name + ":" +
                      std::to_string(endpoint.port) + question.path;
        request.host_header = tls ? server.host : server.discovery_host;
        request.accept = question.expect == Expect::autodiscover
                             ? std::string(autodiscover_type) + ";v=1"
                             : "*/*";
        request.to = endpoint;
        return request;
    }

    /// False if nothing more needs to be asked.
    bool ask(const ServerStep& server, const HttpRequest& request, Expect expect,
             const std::string& where) {
        const HttpAnswer answer = examiner_.ask(request);
        const Asked asked{examiner_, steps_.published, server.host, server.farm->name, true};
        Judge judge(asked, answer, report_at(where));
        judge.question(expect);
        return !judge.hopeless();
    }

    void ask_https(const ServerStep& server, const Endpoint& endpoint, bool is_trusted) {
        for (const Question& question : server.questions) {
            if (!ask(server, request_to(server, endpoint, true, question), question.expect,
                     endpoint.text() + question.path)) {
                return;
            }
        }
        if (server.sign_in) {
            signable_.push_back({&server, endpoint, is_trusted});
        }
    }

    void ask_http(const ServerStep& server, const Endpoint& endpoint, bool https_open) {
        const Connected connected = examiner_.connect(endpoint, "");
        const std::string where = endpoint.text();
        if (connected.outcome == Connected::Outcome::open) {
            const Question question{Expect::autodiscover, autodiscover_root};
            ask(server, request_to(server, endpoint, false, question), question.expect, where);
        } else if (server.http_in_use || !https_open) {
            report_connection(connected, endpoint, endpoint.address.text(), report_at(where));
        } else {
            written_.findings.add(Id::server_http_closed, where, "",
                                  where + (connected.outcome == Connected::Outcome::refused
                                               ? " refuses the connection"
                                               : " doesn't answer"));
        }
    }

    bool sign_in(const Signable& signable) {
        const std::string where = signable.endpoint.text();
        for (const Question& question : signable.server->questions) {
            if (!settings_.credentials || question.expect != Expect::windows_challenge) {
                continue;
            }
            if (!signable.trusted) {
                written_.findings.add(Id::sign_in_skipped, where, "", "nobody was signed in");
                return true;
            }
            return sign_in_at(examiner_,
                              request_to(*signable.server, signable.endpoint, true, question),
                              signable.server->plan->publication.trusted_ca, where + question.path);
        }
        return true;
    }

    const ProxySteps& steps_;
    const Settings& settings_;
    Examination& written_;
    Examiner examiner_;
    std::map<std::string, std::unique_ptr<TrustStore>> stores_;
    std::vector<Signable> signable_;
};

} // namespace

void examine_from_proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
                        const Progress& progress) {
    Proxy(steps, settings, written, progress).examine();
}

} // namespace lync::lyncctl::doctor
