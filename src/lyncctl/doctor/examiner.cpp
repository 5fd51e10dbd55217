#include "lyncctl/doctor/examiner.h"

#include "base/ascii.h"
#include "config/certificate_x509.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl::doctor {

const Ids outside_ids{
    Id::port_closed,
    Id::port_timed_out,
    Id::port_unreachable,
    Id::tls_not_tls,
    Id::tls_closed,
    Id::tls_timed_out,
    Id::tls_old_only,
    Id::tls_failed,
    Id::certificate_self_signed,
    Id::certificate_untrusted,
    Id::certificate_chain,
    Id::certificate_expired,
    Id::certificate_not_yet_valid,
    Id::certificate_name,
    Id::certificate_weak,
    Id::certificate_invalid,
    Id::certificate_expires_soon,
};

const Ids server_ids{
    Id::server_closed,
    Id::server_timed_out,
    Id::server_unreachable,
    Id::server_tls,
    Id::server_tls,
    Id::server_tls,
    Id::server_tls_old,
    Id::server_tls,
    Id::server_certificate_self_signed,
    Id::server_certificate_untrusted,
    Id::server_certificate_untrusted,
    Id::server_certificate_expired,
    Id::server_certificate_not_yet_valid,
    Id::server_certificate_name,
    Id::server_certificate_invalid,
    Id::server_certificate_invalid,
    Id::server_certificate_expires_soon,
};

namespace {

constexpr auto soon = std::chrono::days(30); ///< as nginx -t warns

std::string quoted(std::string_view text) {
    return "\"" + shown(text) + "\"";
}

/// "a, b and 7 more".
std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < most; i++) {
        text += (i == 0 ? "" : ", ") + shown(names[i], 80);
    }
    if (names.size() > most) {
        text += " and " + std::to_string(names.size() - most) + " more";
    }
    return text.empty() ? "none" : text;
}

} // namespace

Examiner::Examiner(const Settings& settings, Examination& written, Progress progress)
    : settings_(settings), written_(written), progress_(std::move(progress)),
      now_(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())) {}

void Examiner::begin(const std::string& what) {
    throw_if_interrupted();
    written_.asked++;
    progress_(what);
}

Resolver& Examiner::resolver() {
    if (!resolver_) {
        resolver_.emplace(settings_.dns_servers);
    }
    return *resolver_;
}

Connected Examiner::connect(const Endpoint& endpoint) {
    const std::string text = endpoint.text();
    if (const auto known = failed_.find(text); known != failed_.end()) {
        Connected again;
        again.outcome = known->second;
        return again;
    }
    Connected connected = connect_to(endpoint, deadline());
    if (connected.outcome != Connected::Outcome::open) {
        failed_.emplace(text, connected.outcome);
    }
    return connected;
}

void Examiner::tell_connection(const Connected& connected, const Endpoint& endpoint,
                               std::string_view key, const Ids& ids, const Add& add) const {
    using Outcome = Connected::Outcome;
    const std::string text = endpoint.text();
    switch (connected.outcome) {
    case Outcome::open:
        break;
    case Outcome::refused:
        add(ids.closed, key, text + " refuses the connection");
        break;
    case Outcome::timed_out:
        add(ids.timed_out, key, text + " doesn't answer");
        break;
    case Outcome::unreachable:
        add(ids.unreachable, key,
            text + " can't be reached" + (connected.detail.empty() ? "" : ": " + connected.detail));
        break;
    case Outcome::no_family:
        add(ids.unreachable, key,
            text + " can't be reached: this machine has no " +
                (endpoint.address.family == AF_INET6 ? "IPv6" : "IPv4"));
        break;
    }
}

bool Examiner::tell_handshake(const Handshake& handshake, const Endpoint& endpoint,
                              const std::string& server_name, const Ids& ids,
                              const Add& add) const {
    using Outcome = Handshake::Outcome;
    const std::string text = endpoint.text();
    const std::string reason = handshake.detail.empty() ? "" : ": " + shown(handshake.detail);
    switch (handshake.outcome) {
    case Outcome::done:
        return true;
    case Outcome::not_tls:
        add(ids.tls_not_tls, text, "what answers at " + text + " doesn't speak TLS");
        break;
    case Outcome::closed:
        add(ids.tls_closed, text, text + " ends the TLS handshake for " + server_name + reason);
        break;
    case Outcome::timed_out:
        add(ids.tls_timed_out, text, text + " doesn't answer the TLS handshake");
        break;
    case Outcome::old_version:
    case Outcome::no_protocol:
    case Outcome::failed:
        add(ids.tls_failed, text, "the TLS handshake with " + text + " fails" + reason);
        break;
    }
    return false;
}

bool Examiner::tell_certificate(const Handshake& handshake, const std::string& server_name,
                                const Ids& ids, const Add& add) const {
    const CertificateVerdict& verdict = handshake.verdict;
    const std::string subject =
        "the certificate " + (handshake.subject.empty() ? "" : quoted(handshake.subject));
    const std::string& key = handshake.fingerprint;
    const std::string dated =
        handshake.date_of.empty() || handshake.date_of == handshake.subject
            ? subject
            : "the certificate " + quoted(handshake.date_of) + " of its chain";

    if (verdict.self_signed) {
        add(ids.self_signed, key, subject + " is signed by itself");
    }
    if (verdict.untrusted) {
        add(ids.untrusted, key,
            subject + " was issued by " + quoted(handshake.issuer) + ", which isn't trusted");
    }
    if (verdict.incomplete) {
        add(ids.chain, key,
            subject + " comes alone: the certificate of its issuer " + quoted(handshake.issuer) +
                " is missing");
    }
    if (verdict.expired) {
        add(ids.expired, key, dated + " expired on " + day_text(handshake.not_after));
    }
    if (verdict.not_yet_valid) {
        add(ids.not_yet_valid, key, subject + " is valid from " + day_text(handshake.not_before));
    }
    if (verdict.wrong_name) {
        add(ids.wrong_name, key,
            subject + " doesn't name " + server_name + "; it names " + some_of(handshake.names));
    }
    if (verdict.weak) {
        add(ids.weak, key, subject + " has a short key or a signature over SHA-1 or older");
    }
    if (!verdict.other.empty()) {
        add(ids.invalid, key, subject + ": " + shown(verdict.other));
    }
    if (!verdict.expired && !handshake.date_of.empty() && handshake.not_after > now_ &&
        handshake.not_after - now_ <= soon) {
        add(ids.expires_soon, key, dated + " expires on " + day_text(handshake.not_after));
    }
    return verdict.good();
}

HttpAnswer Examiner::ask(const HttpRequest& request) {
    begin(request.url);
    return http_.get(request, deadline());
}

std::string status_text(int status) {
    static const std::map<int, std::string_view> names{
        {200, "OK"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {407, "Proxy Authentication Required"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    const auto found = names.find(status);
    return std::to_string(status) + (found == names.end() ? "" : " " + std::string(found->second));
}

Challenge challenge_of(const HttpAnswer& answer) {
    Challenge challenge;
    for (const std::string_view value : answer.all("WWW-Authenticate")) {
        challenge.any = true;
        const std::string scheme = to_ascii_lower(value.substr(0, value.find_first_of(" ,")));
        challenge.windows |= scheme == "ntlm" || scheme == "negotiate";
        challenge.offered += (challenge.offered.empty() ? "" : ", ") +
                             shown(value.substr(0, value.find_first_of(" ,")), 20);
    }
    return challenge;
}

std::string describe(const HttpAnswer& answer) {
    const std::string type = answer.content_type();
    const std::string title = title_of(answer.body);
    std::string text = title.empty() ? "an answer" : "a page " + quoted(title);
    if (!type.empty()) {
        text += " (" + shown(type, 80) + ")";
    }
    return text;
}

std::optional<Objection> objection_to(const HttpAnswer& answer,
                                      std::initializer_list<int> expected) {
    using Outcome = HttpAnswer::Outcome;
    const auto sentence = [&](std::string_view text) {
        return std::string(text) + (answer.detail.empty() ? "" : " (" + shown(answer.detail) + ")");
    };
    switch (answer.outcome) {
    case Outcome::answered:
        break;
    case Outcome::closed:
    case Outcome::refused:
        return Objection{Id::http_closed, "the connection is closed without an answer"};
    case Outcome::timed_out:
        return Objection{Id::http_timed_out, "there is no answer in time"};
    case Outcome::malformed:
        return Objection{Id::http_malformed, sentence("the answer can't be read")};
    case Outcome::tls:
        return Objection{Id::tls_failed, sentence("the TLS handshake fails")};
    }
    if (answer.too_large) {
        return Objection{Id::http_too_large, "the answer goes on and on"};
    }
    const int status = answer.status;
    if (std::find(expected.begin(), expected.end(), status) != expected.end()) {
        return std::nullopt;
    }
    const std::string text = "the answer is " + status_text(status);
    const std::string title = title_of(answer.body);
    const std::string titled = title.empty() ? text : text + ", " + quoted(title);
    switch (status) {
    case 503:
        return Objection{Id::http_unavailable, titled};
    case 502:
        return Objection{Id::http_bad_gateway, titled};
    case 504:
        return Objection{Id::http_gateway_timeout, titled};
    case 401:
    case 407:
        return Objection{Id::http_preauthentication,
                         text + " (" + challenge_of(answer).offered + ")"};
    default:
        break;
    }
    if (status >= 500) {
        return Objection{Id::http_server_error, titled};
    }
    if (status >= 300 && status < 400) {
        return Objection{Id::http_redirect, text + " to " + quoted(answer.header("Location"))};
    }
    if (status >= 400) {
        return Objection{Id::http_refused, titled};
    }
    return Objection{Id::http_foreign_page, text + ": " + describe(answer)};
}

bool looks_like_product(const HttpAnswer& answer) {
    if (!answer.header("X-MS-Server-Fqdn").empty() || !answer.header("X-AspNet-Version").empty() ||
        !answer.header("X-AspNetMvc-Version").empty() ||
        answer.header("X-Powered-By") == "ASP.NET" ||
        answer.header("Server").starts_with("Microsoft-")) {
        return true;
    }
    // Administrators take such headers away; then the page itself has to tell.
    static constexpr std::array words{"lync", "skype for business", "communicator", "microsoft"};
    const std::string body = to_ascii_lower(answer.body);
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return body.find(word) != std::string::npos; });
}

} // namespace lync::lyncctl::doctor
