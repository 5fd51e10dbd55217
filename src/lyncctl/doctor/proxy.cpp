#include "lyncctl/doctor/proxy.h"

#include "lyncctl/doctor/answers.h"
#include "lyncctl/doctor/sign_in.h"

#include <map>
#include <memory>

namespace lync::lyncctl::doctor {

namespace {

class Proxy {
public:
    Proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
          const Progress& progress)
        : steps_(steps), settings_(settings), written_(written),
          examiner_(settings, written, progress) {}

    void examine() {
        for (const ServerStep& server : steps_.servers) {
            for (const Address& address : addresses_of(server)) {
                examine(server, address);
            }
        }
        for (const Asked& asked : signable_) {
            if (settings_.credentials && !sign_in(asked)) {
                return; // one refusal is enough: repeating it would lock the account
            }
        }
    }

private:
    /// A server whose https site can be asked.
    struct Asked {
        const ServerStep* server;
        Endpoint endpoint;
        bool trusted;
    };

    Examiner::Add adder(std::string where) {
        return [this, where = std::move(where)](Id id, std::string_view key, std::string what) {
            written_.findings.add(id, where, key, std::move(what));
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
        examiner_.begin("DNS of " + server.address);
        const Resolution found = examiner_.resolver().ask(server.address, examiner_.deadline());
        if (found.outcome != Resolution::Outcome::found) {
            written_.findings.add(
                Id::server_dns, server.address, server.address,
                server.address +
                    (found.outcome == Resolution::Outcome::no_such_name ? " doesn't exist"
                     : found.outcome == Resolution::Outcome::no_address ? " has no address"
                     : found.outcome == Resolution::Outcome::no_answer
                         ? " can't be looked up: the DNS doesn't answer"
                         : " can't be looked up: " + shown(found.detail)));
            return {};
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
        examiner_.begin("connection to " + https.text());
        const Connected connected = examiner_.connect(https);
        const bool open = connected.outcome == Connected::Outcome::open;
        // A server that is down is one finding, whichever of its ports is tried.
        examiner_.tell_connection(connected, https, address.text(), server_ids,
                                  adder(https.text()));
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
        examiner_.begin("TLS of " + where);
        HandshakeRequest request{name, {}, false};
        const TrustStore& trusted = trusted_by(publication);
        const Handshake handshake = shake_hands(connection, request, trusted, examiner_.deadline());
        if (may_be_old(handshake)) {
            request.old_versions = true;
            const Connected second = examiner_.connect(endpoint);
            if (second.outcome == Connected::Outcome::open) {
                const Handshake old =
                    shake_hands(second.connection, request, trusted, examiner_.deadline());
                if (old.outcome == Handshake::Outcome::done) {
                    written_.findings.add(Id::server_tls_old, where, server.farm->name,
                                          where + " speaks " + old.version + " at most");
                    return;
                }
            }
        }
        if (!examiner_.tell_handshake(handshake, endpoint, name, server_ids, adder(where))) {
            return;
        }
        bool is_trusted = false;
        if (publication.backend_verify) {
            is_trusted = examiner_.tell_certificate(handshake, name, server_ids, adder(where));
        }
        ask_https(server, endpoint, is_trusted);
    }

    HttpRequest request_to(const ServerStep& server, const Endpoint& endpoint, bool tls,
                           const std::string& target) const {
        HttpRequest request;
        request.url = (tls ? "https://" : "http://") + server.farm->certificate_name + ":" +
                      std::to_string(endpoint.port) + target;
        request.host_header = tls ? server.host : server.discovery_host;
        request.to = endpoint;
        return request;
    }

    void ask_https(const ServerStep& server, const Endpoint& endpoint, bool is_trusted) {
        Judge judge(written_.findings, steps_.published, server.farm->name, true);
        for (const Question& question : server.questions) {
            if (judge.hopeless()) {
                return;
            }
            HttpRequest request = request_to(server, endpoint, true, question.path);
            request.accept = question.expect == Expect::autodiscover
                                 ? std::string(autodiscover_type) + ";v=1"
                                 : "*/*";
            judge.at(endpoint.text() + question.path);
            const HttpAnswer answer = examiner_.ask(request);
            switch (question.expect) {
            case Expect::autodiscover:
                judge.autodiscover(answer);
                break;
            case Expect::windows_challenge:
                judge.windows_challenge(answer);
                break;
            case Expect::service_metadata:
                judge.service_metadata(answer);
                break;
            case Expect::office_discovery:
                judge.office_discovery(answer);
                break;
            case Expect::page:
                judge.page(answer, server.host);
                break;
            case Expect::refusal:
                break;
            }
        }
        if (server.sign_in) {
            signable_.push_back({&server, endpoint, is_trusted});
        }
    }

    void ask_http(const ServerStep& server, const Endpoint& endpoint, bool https_open) {
        examiner_.begin("connection to " + endpoint.text());
        const Connected connected = examiner_.connect(endpoint);
        if (connected.outcome != Connected::Outcome::open) {
            if (server.http_in_use || !https_open) {
                examiner_.tell_connection(connected, endpoint, endpoint.address.text(), server_ids,
                                          adder(endpoint.text()));
            } else {
                written_.findings.add(Id::server_http_closed, endpoint.text(), "",
                                      endpoint.text() +
                                          (connected.outcome == Connected::Outcome::refused
                                               ? " refuses the connection"
                                               : " doesn't answer"));
            }
            return;
        }
        HttpRequest request =
            request_to(server, endpoint, false, "/Autodiscover/AutodiscoverService.svc/root");
        request.accept = std::string(autodiscover_type) + ";v=1";
        Judge judge(written_.findings, steps_.published, server.farm->name, true);
        judge.at(endpoint.text());
        judge.autodiscover(examiner_.ask(request));
    }

    bool sign_in(const Asked& asked) {
        const std::string where = asked.endpoint.text();
        if (!asked.trusted) {
            written_.findings.add(Id::sign_in_skipped, where, "", "nobody was signed in");
            return true;
        }
        for (const Question& question : asked.server->questions) {
            if (question.expect == Expect::windows_challenge) {
                HttpRequest request =
                    request_to(*asked.server, asked.endpoint, true, question.path);
                request.accept = "*/*";
                return sign_in_at(examiner_, std::move(request),
                                  asked.server->plan->publication.trusted_ca, where + question.path,
                                  written_);
            }
        }
        return true;
    }

    const ProxySteps& steps_;
    const Settings& settings_;
    Examination& written_;
    Examiner examiner_;
    std::map<std::string, std::unique_ptr<TrustStore>> stores_;
    std::vector<Asked> signable_;
};

} // namespace

void examine_from_proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
                        const Progress& progress) {
    Proxy(steps, settings, written, progress).examine();
}

} // namespace lync::lyncctl::doctor
