#include "lyncctl/doctor/examiner.h"

#include "base/format.h"
#include "base/utc.h"
#include "config/certificate.h"

namespace lync::lyncctl::doctor {

void Examiner::begin(const std::string& what) {
    throw_if_interrupted();
    if (end_.passed()) {
        const auto budget =
            std::chrono::ceil<std::chrono::seconds>(most_steps * settings_.time_limit);
        throw Interrupted{formatted("the run takes longer than {} seconds, {} times --timeout",
                                    budget.count(), most_steps)};
    }
    written_.asked++;
    output_.progress(what);
}

Resolution Examiner::resolve(const std::string& name) {
    begin(formatted("DNS of {}", name));
    if (!resolver_) {
        resolver_.emplace(settings_.dns_servers);
    }
    Resolution found = resolver_->ask(name, deadline());
    found.addresses.resize(std::min(found.addresses.size(), most_addresses));
    return found;
}

std::optional<Fault> Examiner::connect(const Endpoint& endpoint, const std::string& name) {
    return reach(endpoint, name, [&] { return connect_to(endpoint, name, nullptr, deadline()); });
}

std::optional<Fault> Examiner::reach(const Endpoint& endpoint, const std::string& name,
                                     const std::function<std::optional<Fault>()>& connect) {
    begin(formatted("connection to {}, {}", name, endpoint.text()));
    if (const auto known = unreachable_.find(endpoint.text()); known != unreachable_.end()) {
        return known->second;
    }
    const std::optional<Fault> fault = connect();
    if (fault && fault->id <= Id::port_unreachable) {
        unreachable_.emplace(endpoint.text(), *fault);
    }
    return fault;
}

Handshake Examiner::secure(const Endpoint& endpoint, const HandshakeRequest& request,
                           const TrustStore& trusted) {
    Handshake handshake;
    handshake.fault = reach(endpoint, request.server_name, [&] {
        handshake = shake_hands(endpoint, request, trusted, deadline());
        return handshake.fault;
    });
    const Id id = handshake.fault ? handshake.fault->id : Id::port_closed;
    if ((id == Id::tls_closed || id == Id::tls_failed) && !request.old_versions) {
        // A server of old versions ends the handshake with an alert, or just closes.
        HandshakeRequest old = request;
        old.old_versions = true;
        if (const Handshake again = secure(endpoint, old, trusted); !again.fault) {
            handshake.fault = Fault{Id::tls_old_only, again.version};
        }
    }
    return handshake;
}

HttpAnswer Examiner::ask(const HttpRequest& request) {
    begin(request.ntlm == nullptr ? request.url : formatted("sign-in at {}", request.url));
    return http_.get(request, deadline());
}

void Examiner::sign_in(HttpRequest request, const std::string& ca_file, const std::string& where,
                       bool is_trusted) {
    if (!settings_.credentials || refused_) {
        return;
    }
    const auto add = [&](Id id, const std::string& key, const std::string& what) {
        written_.findings.add(id, where, key, {what});
    };
    const auto skip = [&](const std::string& why) {
        written_.sign_in_skipped = true;
        output_.note(formatted("no sign-in at {}: {}", where, why));
    };
    if (!is_trusted) {
        return skip("mend first what was found there");
    }
    request.ca_file = ca_file;
    request.ntlm = &*settings_.credentials;
    const HttpAnswer answer = ask(request);
    if (answer.fault && answer.fault->id == Id::tls_failed) {
        skip(answer.fault->detail);
    } else if (answer.fault && answer.fault->id != Id::http_too_large) {
        add(Id::sign_in_broken, "",
            answer.challenged ? "the connection breaks after the server's challenge"
                              : "there is no answer to the first NTLM message");
    } else if (answer.status >= 500) {
        add(Id::http_server_error, "sign-in", formatted("{} to the sign-in", answer.status_text));
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

void report_fault(const Fault& fault, const Endpoint& endpoint, const std::string& name,
                  const Report& report) {
    report(fault.id, fault.id <= Id::port_unreachable ? endpoint.address : endpoint.text(),
           {endpoint.text(), name, fault.detail});
}

void report_plain_http(const Fault& fault, bool is_needed, const Endpoint& endpoint,
                       const std::string& name, const Report& report) {
    if (is_needed) {
        report_fault(fault, endpoint, name, report);
    } else {
        const std::string where = endpoint.text();
        report(Id::http_port_closed, where, {found_text(fault.id, {where, name, fault.detail})});
    }
}

bool report_certificate(const Handshake& handshake, const std::string& server_name,
                        const Report& report) {
    const auto day = [](std::chrono::sys_seconds time) { return utc_text(time).substr(0, 10); };
    const std::string own = formatted("the certificate \"{}\"", shown(handshake.subject, 100));
    const std::string dated =
        handshake.date_of == handshake.subject
            ? own
            : formatted("the certificate \"{}\" of its chain", shown(handshake.date_of, 100));
    const Words words{own,
                      dated,
                      handshake.issuer,
                      server_name,
                      handshake.names.empty() ? "none" : some_of(handshake.names, 3),
                      day(handshake.not_after),
                      day(handshake.not_before),
                      handshake.other};
    for (const Id id : handshake.objections) {
        // Certificates of one CA have one cause.
        report(id, id == Id::certificate_untrusted ? handshake.issuer : handshake.digest, words);
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
