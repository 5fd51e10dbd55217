#include "lyncctl/doctor/answers.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl::doctor {

namespace {

/// Whether a 401 offers what Lync clients answer.
struct Challenge {
    bool windows = false; ///< NTLM or Negotiate
    std::string offered;  ///< "Basic, Bearer"; empty without WWW-Authenticate
};

Challenge challenge_of(const HttpAnswer& answer) {
    Challenge challenge;
    for (const std::string_view value : answer.all("WWW-Authenticate")) {
        const std::string_view scheme = value.substr(0, value.find_first_of(" ,"));
        challenge.windows |=
            equal_ignore_case(scheme, "ntlm") || equal_ignore_case(scheme, "negotiate");
        challenge.offered += (challenge.offered.empty() ? "" : ", ") + shown(scheme, 20);
    }
    challenge.offered = shown(challenge.offered);
    return challenge;
}

/// What answered, in a few words: `a page "Welcome to nginx!" (text/html)`.
std::string describe(const HttpAnswer& answer) {
    const std::string type = answer.content_type();
    const std::string title = title_of(answer.body);
    return (title.empty() ? "an answer" : "a page " + quoted(title)) +
           (type.empty() ? "" : " (" + shown(type, 80) + ")");
}

/// Whether a page may be the product's: its headers or its words tell.
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

/// Whether an answer that is objected to for this shows that the service isn't there at all.
bool is_hopeless(Id id) {
    constexpr std::array hopeless{
        Id::http_closed,       Id::http_timed_out,         Id::http_malformed,
        Id::http_unavailable,  Id::http_bad_gateway,       Id::http_gateway_timeout,
        Id::http_foreign_page, Id::http_preauthentication, Id::tls_failed,
    };
    return std::find(hopeless.begin(), hopeless.end(), id) != hopeless.end();
}

std::optional<Objection> objection_to_outcome(const HttpAnswer& answer) {
    using Outcome = HttpAnswer::Outcome;
    const std::string why = answer.detail.empty() ? "" : " (" + shown(answer.detail) + ")";
    switch (answer.outcome) {
    case Outcome::answered:
        break;
    case Outcome::closed:
        return Objection{Id::http_closed, "the connection is closed without an answer"};
    case Outcome::timed_out:
        return Objection{Id::http_timed_out, "there is no answer in time"};
    case Outcome::malformed:
        return Objection{Id::http_malformed, "the answer can't be read" + why};
    case Outcome::tls:
        return Objection{Id::tls_failed, "the TLS handshake fails" + why};
    case Outcome::too_large:
        return Objection{Id::http_too_large, "the answer goes on and on"};
    }
    return std::nullopt;
}

} // namespace

bool is_for_inside(std::string_view token) noexcept {
    return token.starts_with("Internal/");
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

std::optional<Objection> objection_to(const HttpAnswer& answer,
                                      std::initializer_list<int> expected) {
    const int status = answer.status;
    if (auto objection = objection_to_outcome(answer)) {
        return objection;
    }
    if (std::find(expected.begin(), expected.end(), status) != expected.end()) {
        return std::nullopt;
    }
    const std::string text = "the answer is " + status_text(status);
    const std::string title = title_of(answer.body);
    const std::string titled = title.empty() ? text : text + ", " + quoted(title);
    if (status == 401 || status == 407) {
        return Objection{Id::http_preauthentication,
                         text + " (" + challenge_of(answer).offered + ")"};
    }
    if (status >= 300 && status < 400) {
        return Objection{Id::http_redirect, text + " to " + quoted(answer.header("Location"))};
    }
    if (status >= 400) {
        return Objection{status == 502   ? Id::http_bad_gateway
                         : status == 503 ? Id::http_unavailable
                         : status == 504 ? Id::http_gateway_timeout
                         : status >= 500 ? Id::http_server_error
                                         : Id::http_refused,
                         titled};
    }
    return Objection{Id::http_foreign_page, text + ": " + describe(answer)};
}

/// Whether there is an objection to the answer, which has been reported then.
bool Judge::objects(std::initializer_list<int> expected) {
    const auto objection = objection_to(answer_, expected);
    if (!objection) {
        return false;
    }
    hopeless_ |= is_hopeless(objection->id);
    if (asked_.is_server) {
        report_(Id::server_answer, asked_.key + " " + objection->what, objection->what);
    } else {
        // The same answer from several farms is one thing in front of them.
        report_(objection->id, objection->what, objection->what);
    }
    return true;
}

void Judge::question(Expect expect) {
    switch (expect) {
    case Expect::autodiscover:
        autodiscover();
        break;
    case Expect::windows_challenge:
        windows_challenge();
        break;
    case Expect::service_metadata:
        if (!objects({200})) {
            document(parse_service_metadata(answer_.body), "the service's description");
        }
        break;
    case Expect::page:
        page();
        break;
    case Expect::office_discovery:
        if (!objects({200})) {
            document(parse_wopi_discovery(answer_.body), "the discovery document");
        }
        break;
    case Expect::refusal:
        if (answer_.outcome == HttpAnswer::Outcome::answered &&
            (answer_.status < 400 || answer_.status == 401)) {
            report_(Id::control_panel_reachable, asked_.key,
                    "the answer is " + status_text(answer_.status));
        }
        break;
    }
}

std::optional<AutodiscoverDocument> Judge::autodiscover() {
    if (objects({200})) {
        return std::nullopt;
    }
    if (answer_.content_type() != autodiscover_type) {
        hopeless_ = true;
        foreign("an Autodiscover document", "");
        return std::nullopt;
    }
    AutodiscoverDocument document = parse_autodiscover(answer_.body);
    const std::string& location = document.access_location;
    if (document.error.empty() && location == "Internal") {
        hopeless_ = true; // what else is asked there is answered by the wrong web site, too
        report_(asked_.is_server ? Id::server_internal_site : Id::autodiscover_internal, asked_.key,
                "the answer says AccessLocation Internal");
        return std::nullopt;
    }
    if (document.error.empty() && location != "External") {
        document.error = location.empty() ? "the document says no AccessLocation"
                                          : "the document says AccessLocation " + quoted(location);
    }
    if (!document.error.empty()) {
        report_(asked_.is_server ? Id::server_answer : Id::autodiscover_malformed, asked_.key,
                document.error);
        return std::nullopt;
    }
    return links(document.links) ? std::optional(document) : std::nullopt;
}

void Judge::foreign(std::string_view expected, const std::string& why) {
    // An intercepting page is the same whatever was asked for: one finding.
    const std::string seen = describe(answer_);
    report_(asked_.is_server ? Id::server_answer : Id::http_foreign_page,
            asked_.is_server ? asked_.key + seen : seen,
            "in place of " + std::string(expected) + " comes " + seen +
                (why.empty() ? "" : ": " + why));
}

void Judge::document(AddressList list, std::string_view expected) {
    if (!list.error.empty()) {
        foreign(expected, list.error);
    } else {
        links(list.links);
    }
}

/// False if there are more than the budget has left.
bool Judge::links(const std::vector<Link>& links) {
    for (const Link& each : links) {
        if (!asked_.examiner.may_follow(asked_.host)) {
            return false;
        }
        if (!is_for_inside(each.token)) {
            link(each.href, each.token);
        }
    }
    return true;
}

/// A link that a client would follow: https, published.
void Judge::link(const std::string& href, const std::string& token) {
    const auto url = parse_url(href);
    const std::string named = "the address " + quoted(href) + " (" + shown(token, 60) + ")";
    const auto report = [&](Id id, std::string_view key, const std::string& what) {
        report_(asked_.is_server ? Id::server_link : id, key, named + what);
    };
    if (!url) {
        report(Id::link_not_https, shown(href), " can't be read");
    } else if (!asked_.published.has(url->host)) {
        // The graver matter, whatever else is wrong with the address.
        report(Id::link_not_published, url->host,
               " leads to " + shown(url->host, 100) + ", which isn't published");
    } else if (url->scheme != "https" || (!url->port.empty() && url->port != "443")) {
        report(Id::link_not_https, url->scheme + "://" + url->host + ":" + url->port,
               " isn't https on port 443");
    }
}

void Judge::windows_challenge() {
    const bool refused = answer_.status == 403 && asked_.refused;
    if (refused ? objects({200, 401}) : objects({200, 401, 403})) {
        return;
    }
    const Challenge challenge = challenge_of(answer_);
    if (answer_.status != 401) {
        report_(Id::challenge_missing, asked_.key,
                "the answer is " + status_text(answer_.status) + " though nobody signed in");
    } else if (challenge.offered.empty()) {
        report_(Id::challenge_missing, asked_.key,
                "the answer is 401 without a WWW-Authenticate line");
    } else if (!challenge.windows) {
        report_(Id::challenge_without_ntlm, asked_.key,
                "the challenge offers " + challenge.offered);
    }
}

void Judge::user_challenge() {
    if (objects({200, 401})) {
        return;
    }
    const std::string ticket_url(answer_.header("X-MS-WebTicketURL"));
    if (answer_.status == 401 && !ticket_url.empty()) {
        link(ticket_url, "X-MS-WebTicketURL");
        return;
    }
    report_(
        Id::ticket_url_missing, asked_.key,
        "the user document is answered with " + status_text(answer_.status) +
            (answer_.status == 401 ? " without X-MS-WebTicketURL" : " though nobody signed in"));
}

void Judge::oauth_challenge() {
    if (objects({200, 401})) {
        return;
    }
    const auto values = answer_.all("WWW-Authenticate");
    const auto line = [&](std::string_view scheme) {
        return std::find_if(values.begin(), values.end(),
                            [&](std::string_view value) { return value.starts_with(scheme); });
    };
    const bool bearer = line("Bearer") != values.end();
    const auto rtc = line("MsRtcOAuth");
    if (rtc != values.end()) {
        if (const auto href = rtc->find("href=\""); href != std::string_view::npos) {
            const std::string_view rest = rtc->substr(href + 6);
            link(std::string(rest.substr(0, rest.find('"'))), "MsRtcOAuth");
        }
    }
    if (!bearer || rtc == values.end()) {
        report_(Id::oauth_challenge_incomplete, asked_.key,
                "the OAuth challenge (" + status_text(answer_.status) + ") has " +
                    (bearer                ? "no MsRtcOAuth line"
                     : rtc != values.end() ? "no Bearer line"
                                           : "neither line"));
    }
}

void Judge::page() {
    const bool redirected = answer_.outcome == HttpAnswer::Outcome::answered &&
                            answer_.status >= 300 && answer_.status < 400;
    if (redirected) {
        // A page may send on: to its own folder, to the home pool's web app.
        const std::string_view location = answer_.header("Location");
        const auto url = parse_url(location);
        const bool stays = location.starts_with("/") && !location.starts_with("//");
        if (stays || (url && url->scheme == "https" &&
                      (url->host == asked_.host || asked_.published.has(url->host)))) {
            return;
        }
    }
    if (!objects({200}) && !looks_like_product(answer_)) {
        foreign("the product's page", "");
    }
}

} // namespace lync::lyncctl::doctor
