#include "lyncctl/doctor/examiner.h"

namespace lync::lyncctl::doctor {

Examiner::Examiner(const Settings& settings, Examination& written, Progress progress,
                   std::size_t targets)
    : settings_(settings), written_(written), progress_(std::move(progress)),
      end_(most_steps * settings.time_limit), links_left_(links_per_target * (targets + 2)) {}

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
        cut_short(asking_, "the run takes longer than " + std::to_string(seconds.count()) + " s");
        throw BudgetSpent{};
    }
    if (bytes_ > most_bytes) {
        cut_short(asking_, "the answers are larger than " + std::to_string(most_bytes >> 20) +
                               " MB together");
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

void Examiner::cut_short(const std::string& where, std::string why) {
    if (!written_.findings.has(Id::cut_short, "")) {
        written_.findings.add(Id::cut_short, shown(where), "", std::move(why));
    }
}

Resolution Examiner::resolve(const std::string& name) {
    begin("DNS of " + name);
    if (!resolver_) {
        resolver_.emplace(settings_.dns_servers);
    }
    Resolution found = resolver_->ask(name, deadline());
    end();
    return found;
}

Connected Examiner::connect(const Endpoint& endpoint, const std::string& what) {
    const std::string text = endpoint.text();
    begin("connection to " + (what.empty() ? text : what + ", " + text));
    Connected connected;
    if (const auto known = failed_.find(text); known != failed_.end()) {
        connected.outcome = known->second;
        return connected;
    }
    connected = connect_to(endpoint, deadline());
    end();
    if (connected.outcome != Connected::Outcome::open) {
        failed_.emplace(text, connected.outcome);
    }
    return connected;
}

Handshake Examiner::shake_hands(const Connection& connection, const HandshakeRequest& request,
                                const TrustStore& trusted, const std::string& what) {
    begin("TLS of " + what);
    Handshake handshake = doctor::shake_hands(connection, request, trusted, deadline());
    end();
    return handshake;
}

std::optional<Handshake> Examiner::shake_hands_again(const Endpoint& endpoint,
                                                     const HandshakeRequest& request,
                                                     const TrustStore& trusted) {
    const Connected connected = connect(endpoint, request.server_name);
    if (connected.outcome != Connected::Outcome::open) {
        return std::nullopt;
    }
    return shake_hands(connected.connection, request, trusted, request.server_name);
}

HttpAnswer Examiner::ask(const HttpRequest& request) {
    begin((request.ntlm == nullptr ? "" : "sign-in at ") + request.url);
    HttpAnswer answer = http_.get(request, deadline());
    bytes_ += answer.bytes;
    end();
    return answer;
}

void report_connection(const Connected& connected, const Endpoint& endpoint, std::string_view key,
                       const Report& report) {
    using Outcome = Connected::Outcome;
    const std::string text = endpoint.text();
    switch (connected.outcome) {
    case Outcome::open:
        break;
    case Outcome::refused:
        return report(Id::port_closed, key, text + " refuses the connection");
    case Outcome::timed_out:
        return report(Id::port_timed_out, key, text + " doesn't answer");
    case Outcome::unreachable:
        return report(Id::port_unreachable, key,
                      text + " can't be reached" +
                          (connected.detail.empty() ? "" : ": " + connected.detail));
    case Outcome::no_family:
        return report(Id::port_unreachable, key,
                      text + " can't be reached: this machine has no " +
                          (endpoint.address.is_v6() ? "IPv6" : "IPv4"));
    }
}

bool report_handshake(const Handshake& handshake, const Endpoint& endpoint,
                      const std::string& server_name, const Report& report) {
    using Outcome = Handshake::Outcome;
    const std::string text = endpoint.text();
    const std::string reason = handshake.detail.empty() ? "" : ": " + shown(handshake.detail);
    switch (handshake.outcome) {
    case Outcome::done:
        return true;
    case Outcome::not_tls:
        report(Id::tls_not_tls, text, "what answers at " + text + " doesn't speak TLS");
        break;
    case Outcome::closed:
        report(Id::tls_closed, text, text + " ends the TLS handshake for " + server_name + reason);
        break;
    case Outcome::timed_out:
        report(Id::tls_timed_out, text, text + " doesn't answer the TLS handshake");
        break;
    case Outcome::failed:
        report(Id::tls_failed, text, "the TLS handshake with " + text + " fails" + reason);
        break;
    }
    return false;
}

bool report_certificate(const Handshake& handshake, const std::string& server_name,
                        const Report& report) {
    constexpr auto soon = std::chrono::days(30); // as nginx -t warns
    const CertificateVerdict& verdict = handshake.verdict;
    const std::string& key = handshake.fingerprint;
    const std::string subject =
        "the certificate " + (handshake.subject.empty() ? "" : quoted(handshake.subject));
    const std::string dated =
        handshake.date_of.empty() || handshake.date_of == handshake.subject
            ? subject
            : "the certificate " + quoted(handshake.date_of) + " of its chain";
    const auto report_if = [&](bool wrong, Id id, const std::string& what) {
        if (wrong) {
            report(id, key, what);
        }
    };
    report_if(verdict.self_signed, Id::certificate_self_signed, subject + " is signed by itself");
    report_if(verdict.untrusted, Id::certificate_untrusted,
              subject + " was issued by " + quoted(handshake.issuer) + ", which isn't trusted");
    report_if(verdict.incomplete, Id::certificate_chain,
              subject + " comes alone: the certificate of its issuer " + quoted(handshake.issuer) +
                  " is missing");
    report_if(verdict.expired, Id::certificate_expired,
              dated + " expired on " + day_text(handshake.not_after));
    report_if(verdict.not_yet_valid, Id::certificate_not_yet_valid,
              subject + " is valid from " + day_text(handshake.not_before));
    report_if(verdict.wrong_name, Id::certificate_name,
              subject + " doesn't name " + server_name + "; it names " +
                  (handshake.names.empty() ? "none" : some_of(handshake.names, 3)));
    report_if(verdict.weak, Id::certificate_weak,
              subject + " has a short key or a signature over SHA-1 or older");
    report_if(!verdict.other.empty(), Id::certificate_invalid,
              subject + ": " + shown(verdict.other));
    const auto now = std::chrono::system_clock::now();
    report_if(!verdict.expired && !handshake.date_of.empty() && handshake.not_after > now &&
                  handshake.not_after - now <= soon,
              Id::certificate_expires_soon, dated + " expires on " + day_text(handshake.not_after));
    return verdict.good();
}

} // namespace lync::lyncctl::doctor
