#include "lyncctl/doctor/answers.h"

#include "base/ascii.h"
#include "base/format.h"

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
    std::vector<std::string> schemes;
    for (const std::string_view value : answer.all("WWW-Authenticate")) {
        const std::string_view scheme = value.substr(0, value.find_first_of(" ,"));
        challenge.windows |=
            equal_ignore_case(scheme, "ntlm") || equal_ignore_case(scheme, "negotiate");
        schemes.emplace_back(scheme);
    }
    challenge.offered = joined(schemes);
    return challenge;
}

/// What answered, in a few words: `a page "Welcome to nginx!" (text/html)`.
std::string describe(const HttpAnswer& answer) {
    const std::string type = answer.content_type();
    const std::string title = title_of(answer.body);
    return (title.empty() ? "an answer" : formatted("a page \"{}\"", title)) +
           (type.empty() ? "" : formatted(" ({})", shown(type, 60)));
}

/// Whether a page may be the product's: its headers or its words show it.
bool looks_like_product(const HttpAnswer& answer) {
    if (!answer.header("X-MS-Server-Fqdn").empty() || !answer.header("X-AspNet-Version").empty() ||
        !answer.header("X-AspNetMvc-Version").empty() ||
        answer.header("X-Powered-By") == "ASP.NET" ||
        answer.header("Server").starts_with("Microsoft-")) {
        return true;
    }
    // Administrators remove such headers; then the page itself has to show it.
    static constexpr std::array words{"lync", "skype for business", "communicator", "microsoft"};
    const std::string body = to_ascii_lower(answer.body);
    return std::ranges::any_of(
        words, [&](const char* word) { return body.find(word) != std::string::npos; });
}

/// Whether an answer that is objected to for this shows that the service isn't there at all.
bool is_hopeless(Id id) {
    return id != Id::http_too_large && id != Id::http_server_error && id != Id::http_redirect &&
           id != Id::http_refused;
}

Id objection_to_status(int status) {
    return status == 401 || status == 407   ? Id::http_preauthentication
           : status >= 300 && status < 400  ? Id::http_redirect
           : status >= 502 && status <= 504 ? Id::http_unavailable
           : status >= 500                  ? Id::http_server_error
           : status >= 400                  ? Id::http_refused
                                            : Id::http_foreign_page;
}

/// What stands for {0} and {1} in the texts of objections.
Words objection_words(Id id, const HttpAnswer& answer) {
    const std::string title = title_of(answer.body);
    switch (id) {
    case Id::http_preauthentication:
        return {answer.status_text, challenge_of(answer).offered};
    case Id::http_redirect:
        return {answer.status_text, std::string(answer.header("Location"))};
    case Id::http_foreign_page:
        return {"the service's answer", formatted("{}: {}", answer.status_text, describe(answer))};
    default:
        return {title.empty() ? answer.status_text
                              : formatted("{}, \"{}\"", answer.status_text, title)};
    }
}

} // namespace

bool Judge::objects(std::initializer_list<int> expected) {
    const auto& fault = answer_.fault;
    if (!fault && std::ranges::find(expected, answer_.status) != expected.end()) {
        return false;
    }
    const Id id = fault ? fault->id : objection_to_status(answer_.status);
    hopeless_ |= is_hopeless(id);
    const Words words = id == Id::tls_failed ? Words{asked_.host, "", fault->detail}
                        : fault              ? Words{fault->detail}
                                             : objection_words(id, answer_);
    // The same answer from several farms is one thing in front of them.
    report_(id, found_text(id, words), words);
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
    case Expect::closed_windows:
        if (const Challenge challenge = challenge_of(answer_); challenge.windows) {
            report_(Id::closed_door_open, asked_.farm, {challenge.offered});
        }
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
        if (!answer_.fault && (answer_.status < 400 || answer_.status == 401)) {
            report_(Id::control_panel_reachable, asked_.farm, {answer_.status_text});
        }
        break;
    }
}

std::optional<Document> Judge::autodiscover() {
    if (objects({200})) {
        return std::nullopt;
    }
    if (!accept_autodiscover.starts_with(answer_.content_type() + ";")) {
        hopeless_ = true;
        foreign("an Autodiscover document", "");
        return std::nullopt;
    }
    Document document = parse_autodiscover(answer_.body);
    const std::string& location = document.access_location;
    if (document.error.empty() && location == "Internal") {
        hopeless_ = true; // what else is asked there is answered by the wrong web site, too
        report_(Id::autodiscover_internal, asked_.farm, {});
        return std::nullopt;
    }
    if (document.error.empty() && location != "External") {
        document.error = location.empty()
                             ? "the document has no AccessLocation"
                             : formatted("the document has AccessLocation \"{}\"", location);
    }
    if (!document.error.empty()) {
        report_(Id::autodiscover_malformed, asked_.farm, {document.error});
        return std::nullopt;
    }
    links(document.links);
    return document;
}

void Judge::foreign(const std::string& expected, const std::string& why) {
    // An intercepting page is the same whatever was asked for: one finding.
    const std::string seen = describe(answer_);
    report_(Id::http_foreign_page, seen,
            {expected, why.empty() ? seen : formatted("{}: {}", seen, why)});
}

void Judge::document(const Document& document, const std::string& expected) {
    if (!document.error.empty()) {
        foreign(expected, document.error);
    } else {
        links(document.links);
    }
}

void Judge::links(const std::vector<Link>& links) {
    for (const Link& each : links) {
        if (!each.token.starts_with("Internal/")) { // for clients there
            link(each.href, each.token);
        }
    }
}

/// A link that a client would follow: https, published.
void Judge::link(const std::string& href, const std::string& token) {
    const auto url = parse_url(href);
    if (!url) {
        report_(Id::link_not_https, shown(href), {href, token, "can't be read"});
    } else if (!is_published(asked_.published, url->host)) {
        // The graver matter, whatever else is wrong with the address.
        report_(Id::link_not_published, url->host, {href, token, url->host});
    } else if (url->scheme != "https" || (!url->port.empty() && url->port != "443")) {
        report_(Id::link_not_https, formatted("{}://{}:{}", url->scheme, url->host, url->port),
                {href, token, "isn't https on port 443"});
    }
}

void Judge::windows_challenge() {
    if (objects({200, 401})) {
        return;
    }
    const Challenge challenge = challenge_of(answer_);
    if (answer_.status != 401) {
        report_(Id::challenge_missing, asked_.farm,
                {formatted("the answer is {} without signing in", answer_.status_text)});
    } else if (!challenge.windows) {
        report_(Id::challenge_missing, asked_.farm,
                {formatted("the challenge offers {}",
                           challenge.offered.empty() ? "nothing" : challenge.offered)});
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
    report_(Id::ticket_url_missing, asked_.farm,
            {answer_.status == 401 ? "401 without X-MS-WebTicketURL"
                                   : formatted("{} without signing in", answer_.status_text)});
}

void Judge::oauth_challenge() {
    if (objects({200, 401})) {
        return;
    }
    bool bearer = false;
    bool rtc = false;
    for (const std::string_view value : answer_.all("WWW-Authenticate")) {
        bearer |= value.starts_with("Bearer");
        if (!rtc && value.starts_with("MsRtcOAuth")) {
            rtc = true;
            if (const auto href = value.find("href=\""); href != std::string_view::npos) {
                const std::string_view rest = value.substr(href + 6);
                link(std::string(rest.substr(0, rest.find('"'))), "MsRtcOAuth");
            }
        }
    }
    if (!bearer || !rtc) {
        report_(Id::oauth_challenge_incomplete, asked_.farm,
                {answer_.status_text, bearer ? "no MsRtcOAuth line"
                                      : rtc  ? "no Bearer line"
                                             : "neither a Bearer nor an MsRtcOAuth line"});
    }
}

void Judge::page() {
    if (answer_.is_redirect()) {
        // A page may send on: to its own folder, to the home pool's web app.
        const std::string_view location = answer_.header("Location");
        const auto url = parse_url(location);
        const bool stays = location.starts_with("/") && !location.starts_with("//");
        if (stays || (url && url->scheme == "https" &&
                      (url->host == asked_.host || is_published(asked_.published, url->host)))) {
            return;
        }
    }
    if (!objects({200}) && !looks_like_product(answer_)) {
        foreign("the product's page", "");
    }
}

} // namespace lync::lyncctl::doctor
