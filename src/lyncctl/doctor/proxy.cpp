#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/doctor/answers.h"

#include <map>
#include <set>
#include <stdexcept>

namespace lync::lyncctl::doctor {

namespace {

class Proxy {
public:
    Proxy(const ProxySteps& steps, const Settings& settings, Examination& written, Output& output)
        : steps_(steps), settings_(settings), written_(written), output_(output),
          examiner_(settings, written, output) {}

    void examine() {
        for (const ServerStep& server : steps_.servers) {
            for (const Address& address : addresses_of(server)) {
                examine(server, address);
            }
        }
        for (const config::Publication* publication : steps_.publications) {
            compare_with_files(*publication);
        }
        for (const auto& [server, endpoint, trusted] : signable_) {
            if (const Question* question = sign_in_question(server->questions)) {
                examiner_.sign_in(request_to(*server, endpoint, true, *question),
                                  server->publication->trusted_ca, endpoint.text() + question->path,
                                  trusted);
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

    Report report_at(const ServerStep& server, const std::string& where) {
        return [this, farm = server.farm->name, where](Id id, const std::string& key,
                                                       const Words& words) {
            if (id == Id::certificate_expires_soon) {
                return; // renewed by hand, or by Windows: a third of two years is no delay
            }
            // Servers of a farm stand for each other.
            const bool of_farm = id == Id::tls_old_only ||
                                 (id >= Id::http_closed && id <= Id::autodiscover_malformed);
            written_.findings.add(id, where, of_farm ? farm + " " + key : key, words);
        };
    }

    std::vector<Address> addresses_of(const ServerStep& server) {
        if (Address address = normal_address(server.address); !address.empty()) {
            return {std::move(address)};
        }
        const std::uint16_t port = server.farm->ports.https;
        if (const auto given = redirected(settings_.rules, server.address, port).first;
            !given.empty()) {
            return {given};
        }
        const Resolution found = examiner_.resolve(server.address);
        if (found.fault) {
            report_at(server, server.address)(found.fault->id, server.address,
                                              {found.fault->detail});
        }
        return found.addresses;
    }

    /// Where this machine's own nginx presents certificates; nothing if it takes none but from a
    /// balancer.
    static std::optional<Endpoint> socket_of(const config::Publication& publication) {
        for (const config::Socket& socket : publication.https_sockets) {
            const auto [host, port] = split_socket(socket.address);
            if (!socket.proxy_protocol) {
                return Endpoint{host.empty()     ? "127.0.0.1"
                                : host == "[::]" ? "::1"
                                                 : bare(host),
                                port};
            }
        }
        return std::nullopt;
    }

    /// What nginx presents is what it has loaded; the files may hold later ones.
    void compare_with_files(const config::Publication& publication) {
        const std::optional<Endpoint> socket = socket_of(publication);
        const auto& all = publication.loaded_certificates;
        for (std::size_t i = 0; socket && i < all.size(); i++) {
            const auto name = std::find_if(all[i].names.begin(), all[i].names.end(), [&](auto& n) {
                return is_published(steps_.published, n);
            });
            if (name == all[i].names.end()) {
                continue;
            }
            const Handshake presented =
                examiner_.secure(*socket, {*name, http1, false}, trusted_by(publication));
            const bool is_known =
                presented.fault || std::ranges::any_of(all, [&](const auto& each) {
                    return each.digest == presented.digest;
                });
            if (!is_known && all[i].not_before > presented.not_before) {
                const std::string file = lync::quoted(publication.certificates[i].certificate);
                written_.findings.add(Id::certificate_not_loaded, *name, file, {file});
            }
        }
    }

    const TrustStore& trusted_by(const config::Publication& publication) {
        const std::string& file = publication.trusted_ca;
        auto& store = stores_[file];
        if (store == nullptr) {
            try {
                store = std::make_unique<TrustStore>(file);
            } catch (const std::runtime_error& error) {
                unreadable_.insert(file);
                output_.note(formatted("servers aren't verified: {}", error.what()));
                store = std::make_unique<TrustStore>("");
            }
        }
        return *store;
    }

    void examine(const ServerStep& server, const Address& address) {
        const Endpoint endpoint{address, server.farm->ports.https};
        const config::Publication& publication = *server.publication;
        const std::string& name = server.farm->certificate_name;
        const Report report = report_at(server, endpoint.text());
        Handshake handshake = examiner_.secure(
            endpoint, {.server_name = name, .alpn = {}, .as_nginx = true}, trusted_by(publication));
        // A CA of Active Directory always says where its certificate is: "trusted_ca" may have it.
        if (handshake.objections.erase(Id::certificate_chain) != 0) {
            handshake.objections.insert(Id::certificate_untrusted);
        }
        if (handshake.fault) {
            report_fault(*handshake.fault, endpoint, name, report);
        } else {
            ask_https(server, endpoint, handshake, report);
        }
        if (server.http != 0) {
            ask_http(server, {address, server.http},
                     !handshake.fault || handshake.fault->id > Id::port_unreachable);
        }
    }

    void ask_https(const ServerStep& server, const Endpoint& endpoint, const Handshake& handshake,
                   const Report& report) {
        const config::Publication& publication = *server.publication;
        const bool verifies = publication.backend_verify && !publication.trusted_ca.empty() &&
                              !unreadable_.contains(publication.trusted_ca);
        const bool is_trusted =
            verifies && report_certificate(handshake, server.farm->certificate_name, report);
        note_binding(server, endpoint, handshake);
        for (const Question& question : server.questions) {
            if (!ask(server, endpoint, true, question, endpoint.text() + question.path)) {
                return;
            }
        }
        if (config::is_web_services(server.farm->role)) {
            signable_.push_back({&server, endpoint, is_trusted});
        }
    }

    /// Exchange has Extended Protection since 2019 CU14.
    void note_binding(const ServerStep& server, const Endpoint& endpoint,
                      const Handshake& handshake) {
        const config::Publication& publication = *server.publication;
        if (server.farm->role != config::Role::exchange || publication.presented.names()->empty()) {
            return;
        }
        const bool same = handshake.digest == publication.only_certificate(*server.farm);
        output_.note(formatted(
            "{}: {}", endpoint.text(),
            same ? "Extended Protection works, clients are presented the server's certificate"
                 : "Extended Protection, on since Exchange 2019 CU14, will refuse sign-ins "
                   "(0xC000035B): the certificates differ, clients have to be presented the "
                   "server's own one for each name, and no other"));
    }

    void note_build(const ServerStep& server, const Endpoint& endpoint, const HttpAnswer& answer) {
        const Build build = build_of(answer.header(build_header));
        const auto missing = policy::missing_fixes(build);
        if (!missing.empty()) {
            report_at(server,
                      endpoint.text())(Id::server_build_old, endpoint.text(),
                                       {build_text(build), policy::missing_fixes_words(missing)});
        }
    }

    static HttpRequest request_to(const ServerStep& server, const Endpoint& endpoint, bool tls,
                                  const Question& question) {
        HttpRequest request;
        request.url = formatted("{}://{}:{}{}", tls ? "https" : "http",
                                server.farm->certificate_name, endpoint.port, question.path);
        request.host_header = tls ? server.farm->published.front() : server.discovery_host;
        request.accept = question.expect == Expect::autodiscover ? accept_autodiscover : "*/*";
        request.to = endpoint;
        return request;
    }

    /// False if nothing more needs to be asked.
    bool ask(const ServerStep& server, const Endpoint& endpoint, bool tls, const Question& question,
             const std::string& where) {
        const HttpAnswer answer = examiner_.ask(request_to(server, endpoint, tls, question));
        const Asked asked{steps_.published, server.farm->published.front(), server.farm->name};
        if (tls) {
            note_build(server, endpoint, answer);
        }
        Judge judge(asked, answer, report_at(server, where));
        judge.question(question.expect);
        return !judge.hopeless();
    }

    void ask_http(const ServerStep& server, const Endpoint& endpoint, bool https_open) {
        const std::string& name = server.farm->certificate_name;
        const std::string where = endpoint.text();
        const std::optional<Fault> fault = examiner_.connect(endpoint, name);
        if (!fault) {
            ask(server, endpoint, false, server.questions.front(), where);
        } else {
            report_plain_http(*fault, server.http_in_use || !https_open, endpoint, name,
                              report_at(server, where));
        }
    }

    const ProxySteps& steps_;
    const Settings& settings_;
    Examination& written_;
    Output& output_;
    Examiner examiner_;
    std::map<std::string, std::unique_ptr<TrustStore>> stores_; ///< by file
    std::set<std::string> unreadable_;                          ///< files
    std::vector<Signable> signable_;
};

} // namespace

void examine_from_proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
                        Output& output) {
    Proxy(steps, settings, written, output).examine();
}

} // namespace lync::lyncctl::doctor
