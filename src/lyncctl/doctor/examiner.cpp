#include "lyncctl/doctor/examiner.h"

#include "base/format.h"
#include "config/certificate_x509.h"
#include "config/lifetime.h"

namespace lync::lyncctl::doctor {

Examiner::Examiner(const Settings& settings, Examination& written, Progress progress,
                   std::size_t targets)
    : settings_(settings), written_(written), progress_(std::move(progress)),
      end_(most_steps * settings.time_limit), links_left_(links_per_target * (targets + 2)) {}

// --- the budget

void Examiner::begin(const std::string& what) {
    throw_if_interrupted();
    asking_ = what;
    written_.asked++;
    progress_(what);
}

/// What the end of the run interrupted would be judged as the server's fault.
void Examiner::end() {
    if (end_.passed()) {
        const auto seconds =
            std::chrono::ceil<std::chrono::seconds>(most_steps * settings_.time_limit);
        cut_short(asking_, formatted("the run takes longer than {} s", seconds.count()));
        throw BudgetSpent{};
    }
    if (bytes_ > most_bytes) {
        cut_short(asking_,
                  formatted("the answers are larger than {} MB together", most_bytes >> 20));
        throw BudgetSpent{};
    }
}

bool Examiner::may_follow(const std::string& where) {
    if (links_left_ == 0) {
        cut_short(where, "the answers have too many links, no more are followed");
        return false;
    }
    links_left_--;
    return true;
}

void Examiner::cut_short(const std::string& where, const std::string& why) {
    if (!written_.findings.has(Id::cut_short, "")) {
        written_.findings.add(Id::cut_short, where, "", {why});
    }
}

// --- steps

Resolution Examiner::resolve(const std::string& name) {
    Resolution found;
    found.fault = Fault{Id::dns_no_answer, ""};
    if (silent_dns_ < enough_silence) {
        begin("DNS of " + name);
        if (!resolver_) {
            resolver_.emplace(settings_.dns_servers);
        }
        found = resolver_->ask(name, deadline());
        end();
        const bool silent = found.fault && found.fault->id == Id::dns_no_answer;
        silent_dns_ = silent ? silent_dns_ + 1 : 0;
    }
    if (found.addresses.size() > most_addresses) {
        found.addresses.resize(most_addresses);
    }
    return found;
}

Connected Examiner::connect(const Endpoint& endpoint, const std::string& name) {
    const std::string text = endpoint.text();
    begin("connection to " + (name.empty() ? text : name + ", " + text));
    Connected connected;
    if (const auto known = unreachable_.find(text); known != unreachable_.end()) {
        connected.fault = known->second.fault;
        connected.no_family = known->second.no_family;
        return connected;
    }
    connected = connect_to(endpoint, deadline());
    end();
    if (connected.fault) {
        unreachable_[text] = {connected.fault, connected.no_family, {}};
    }
    return connected;
}

Handshake Examiner::shake_hands(const Connection& connection, const HandshakeRequest& request,
                                const TrustStore& trusted) {
    begin("TLS of " + request.server_name);
    Handshake handshake = doctor::shake_hands(connection, request, trusted, deadline());
    end();
    return handshake;
}

std::optional<Handshake> Examiner::secure_again(const Endpoint& endpoint,
                                                const HandshakeRequest& request,
                                                const TrustStore& trusted) {
    const Connected connected = connect(endpoint, request.server_name);
    if (connected.fault) {
        return std::nullopt;
    }
    Handshake handshake = shake_hands(connected.connection, request, trusted);
    return handshake.fault ? std::nullopt : std::optional(std::move(handshake));
}

std::optional<Handshake> Examiner::secure(const Connection& connection, const Endpoint& endpoint,
                                          const HandshakeRequest& request,
                                          const TrustStore& trusted, const Report& report) {
    const std::string where = endpoint.text();
    Handshake handshake;
    handshake.fault = Fault{Id::tls_timed_out, ""};
    if (!silent_tls_.contains(where)) {
        handshake = shake_hands(connection, request, trusted);
    }
    if (!handshake.fault) {
        return handshake;
    }
    const Id id = handshake.fault->id;
    if (id == Id::tls_timed_out) {
        silent_tls_.insert(where); // nothing is there, whatever the name
    } else if (id != Id::tls_not_tls) {
        // A server of old versions ends the handshake with an alert, or just closes.
        HandshakeRequest old = request;
        old.old_versions = true;
        if (const auto again = secure_again(endpoint, old, trusted)) {
            report(Id::tls_old_only, where, {where, again->version});
            return std::nullopt;
        }
    }
    report(id, where, {where, request.server_name, handshake.fault->detail});
    return std::nullopt;
}

HttpAnswer Examiner::ask(const HttpRequest& request) {
    begin((request.ntlm == nullptr ? "" : "sign-in at ") + request.url);
    HttpAnswer answer = http_.get(request, deadline());
    bytes_ += answer.bytes;
    end();
    return answer;
}

void Examiner::sign_in(HttpRequest request, const std::string& ca_file, const std::string& where,
                       bool is_trusted) {
    if (!settings_.credentials || refused_) {
        return;
    }
    const auto add = [&](Id id, const std::string& key, const std::string& what) {
        written_.findings.add(id, where, key, {what});
    };
    if (!is_trusted) {
        return add(Id::sign_in_skipped, "", "no sign-in was tried");
    }
    request.verify_ca = ca_file;
    request.ntlm = &*settings_.credentials;
    const HttpAnswer answer = ask(request);
    if (answer.fault && answer.fault->id == Id::tls_failed) {
        add(Id::sign_in_skipped, "", "TLS fails: " + answer.fault->detail);
    } else if (answer.fault && answer.fault->id != Id::http_too_large) {
        add(Id::sign_in_broken, "",
            answer.challenged ? "the connection breaks after the server's challenge"
                              : "there is no answer to the first NTLM message");
    } else if (answer.status >= 500) {
        add(Id::http_server_error, "sign-in", answer.status_text + " to the sign-in");
    } else if (answer.status != 401) {
        written_.signed_in.push_back(where);
    } else if (!answer.challenged) {
        add(Id::sign_in_broken, "", "the first NTLM message isn't answered with a challenge");
    } else if (answer.connections > 1) {
        add(Id::sign_in_broken, "",
            "the connection was closed between the messages of the handshake");
    } else {
        refused_ = true;
        add(Id::sign_in_refused, "", settings_.credentials->user);
    }
}

// --- certificates

bool report_certificate(const Handshake& handshake, const std::string& server_name,
                        const Report& report) {
    const auto day = [](std::chrono::sys_seconds time) {
        return config::date_text(time).substr(0, 10);
    };
    const std::string own = formatted("the certificate \"{}\"", shown(handshake.subject, 100));
    const std::string dated =
        handshake.date_of == handshake.subject
            ? own
            : formatted("the certificate \"{}\" of its chain", shown(handshake.date_of, 100));
    const Words words{own,
                      dated,
                      handshake.issuer,
                      server_name,
                      "; it names " +
                          (handshake.names.empty() ? "none" : some_of(handshake.names, 3)),
                      day(handshake.not_after),
                      day(handshake.not_before),
                      handshake.other};
    for (const Id id : handshake.objections) {
        report(id, handshake.digest, words);
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const config::Renewal renewal =
        config::renewal_at(now, handshake.date_from, handshake.not_after);
    if (renewal != config::Renewal::later && handshake.not_after > now &&
        !handshake.objections.contains(Id::certificate_expired)) {
        report(renewal == config::Renewal::due ? Id::certificate_expires_soon
                                               : Id::certificate_nearly_expired,
               handshake.digest, words);
    }
    return handshake.objections.empty();
}

} // namespace lync::lyncctl::doctor
