#include "lyncctl/doctor/answers.h"

#include <algorithm>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::size_t most_links = 200; ///< of a document that are looked at; real ones have 20

std::string quoted(std::string_view text) {
    return "\"" + shown(text) + "\"";
}

bool is_hopeless(Id id) {
    switch (id) {
    case Id::http_closed:
    case Id::http_timed_out:
    case Id::http_malformed:
    case Id::http_unavailable:
    case Id::http_bad_gateway:
    case Id::http_gateway_timeout:
    case Id::http_preauthentication:
    case Id::http_foreign_page:
    case Id::tls_failed:
        return true;
    default:
        return false;
    }
}

} // namespace

bool is_for_inside(std::string_view token) noexcept {
    return token.starts_with("Internal/");
}

void Judge::add(Id id, std::string_view key, std::string what) {
    findings_.add(id, where_, key, std::move(what));
}

bool Judge::objects(const HttpAnswer& answer, std::initializer_list<int> expected) {
    const auto objection = objection_to(answer, expected);
    if (!objection) {
        return false;
    }
    hopeless_ |= is_hopeless(objection->id);
    if (is_server_) {
        add(Id::server_answer, key_ + " " + objection->what, objection->what);
    } else {
        // The same answer from several farms is one thing in front of them.
        add(objection->id, objection->what, objection->what);
    }
    return true;
}

std::optional<AutodiscoverDocument> Judge::autodiscover(const HttpAnswer& answer) {
    refused_ |= answer.outcome == HttpAnswer::Outcome::answered && answer.status == 403;
    if (objects(answer, {200})) {
        return std::nullopt;
    }
    if (answer.content_type() != autodiscover_type) {
        hopeless_ = true;
        foreign(answer, "an Autodiscover document", "");
        return std::nullopt;
    }
    AutodiscoverDocument document = parse_autodiscover(answer.body);
    if (!document.error.empty()) {
        add(is_server_ ? Id::server_answer : Id::autodiscover_malformed, key_, document.error);
        return std::nullopt;
    }
    if (document.access_location == "Internal") {
        hopeless_ = true; // what else is asked there is answered by the wrong web site, too
        add(is_server_ ? Id::server_internal_site : Id::autodiscover_internal, key_,
            "the answer says AccessLocation Internal");
        return std::nullopt;
    }
    if (document.access_location != "External") {
        add(is_server_ ? Id::server_answer : Id::autodiscover_malformed, key_,
            document.access_location.empty()
                ? "the document says no AccessLocation"
                : "the document says AccessLocation " + quoted(document.access_location));
        return std::nullopt;
    }
    links(document.links);
    return document;
}

void Judge::foreign(const HttpAnswer& answer, std::string_view expected, std::string_view why) {
    // An intercepting page is the same whatever was asked for: one finding.
    const std::string seen = describe(answer);
    add(is_server_ ? Id::server_answer : Id::http_foreign_page, is_server_ ? key_ + seen : seen,
        "in place of " + std::string(expected) + " comes " + seen +
            (why.empty() ? "" : ": " + std::string(why)));
}

void Judge::links(const std::vector<Link>& links) {
    for (std::size_t i = 0; i < links.size() && i < most_links; i++) {
        if (!is_for_inside(links[i].token)) {
            link(links[i].href, links[i].token);
        }
    }
}

bool Judge::link(std::string_view href, std::string_view token) {
    const auto url = parse_url(href);
    const std::string named =
        "the address " + quoted(href) + (token.empty() ? "" : " (" + shown(token, 60) + ")");
    if (!url) {
        add(is_server_ ? Id::server_link : Id::link_not_https, shown(href),
            named + " can't be read");
        return false;
    }
    // A host that isn't published is the graver matter, whatever else is wrong with the address.
    if (!published_.has(url->host)) {
        add(is_server_ ? Id::server_link : Id::link_not_published, url->host,
            named + " leads to " + shown(url->host, 100) + ", which isn't published");
        return false;
    }
    if (url->scheme != "https" || (!url->port.empty() && url->port != "443")) {
        add(is_server_ ? Id::server_link : Id::link_not_https,
            url->scheme + "://" + url->host + ":" + url->port, named + " isn't https on port 443");
        return false;
    }
    return true;
}

void Judge::windows_challenge(const HttpAnswer& answer) {
    if (answer.status == 403 && refused_ ? objects(answer, {200, 401})
                                         : objects(answer, {200, 401, 403})) {
        return;
    }
    const Challenge challenge = challenge_of(answer);
    if (answer.status == 401 && challenge.windows) {
        return;
    }
    if (answer.status == 401 && challenge.any) {
        add(Id::challenge_without_ntlm, key_, "the challenge offers " + challenge.offered);
        return;
    }
    add(Id::challenge_missing, key_,
        answer.status == 401
            ? "the answer is 401 without a WWW-Authenticate line"
            : "the answer is " + status_text(answer.status) + " though nobody signed in");
}

void Judge::user_challenge(const HttpAnswer& answer) {
    if (objects(answer, {200, 401})) {
        return;
    }
    const std::string_view ticket_url = answer.header("X-MS-WebTicketURL");
    if (answer.status == 401 && !ticket_url.empty()) {
        link(ticket_url, "X-MS-WebTicketURL");
        return;
    }
    add(Id::ticket_url_missing, key_,
        "the user document is answered with " + status_text(answer.status) +
            (answer.status == 401 ? " without X-MS-WebTicketURL" : " though nobody signed in"));
}

void Judge::oauth_challenge(const HttpAnswer& answer) {
    if (objects(answer, {200, 401})) {
        return;
    }
    bool bearer = false;
    bool rtc = false;
    for (const std::string_view value : answer.all("WWW-Authenticate")) {
        bearer |= value.starts_with("Bearer");
        const auto href = value.find("href=\"");
        if (value.starts_with("MsRtcOAuth")) {
            rtc = true;
            if (href != std::string_view::npos) {
                const std::string_view rest = value.substr(href + 6);
                link(rest.substr(0, rest.find('"')), "MsRtcOAuth");
            }
        }
    }
    if (!bearer || !rtc) {
        add(Id::oauth_challenge_incomplete, key_,
            std::string("the OAuth challenge (") + status_text(answer.status) + ") has " +
                (bearer ? "no MsRtcOAuth line"
                 : rtc  ? "no Bearer line"
                        : "neither line"));
    }
}

void Judge::service_metadata(const HttpAnswer& answer) {
    if (objects(answer, {200})) {
        return;
    }
    const AddressList list = parse_service_metadata(answer.body);
    if (!list.error.empty()) {
        foreign(answer, "the service's description", list.error);
        return;
    }
    links(list.links);
}

void Judge::page(const HttpAnswer& answer, const std::string& host) {
    if (answer.outcome == HttpAnswer::Outcome::answered && answer.status >= 300 &&
        answer.status < 400) {
        // A page may send on: to its own folder, to the home pool's web app.
        const std::string_view location = answer.header("Location");
        const auto url = parse_url(location);
        const bool stays = location.starts_with("/") && !location.starts_with("//");
        if (stays ||
            (url && url->scheme == "https" && (url->host == host || published_.has(url->host)))) {
            return;
        }
    }
    if (objects(answer, {200})) {
        return;
    }
    if (!looks_like_product(answer)) {
        foreign(answer, "the product's page", "");
    }
}

void Judge::office_discovery(const HttpAnswer& answer) {
    if (objects(answer, {200})) {
        return;
    }
    const AddressList list = parse_wopi_discovery(answer.body);
    if (!list.error.empty()) {
        foreign(answer, "the discovery document", list.error);
        return;
    }
    links(list.links);
}

void Judge::refusal(const HttpAnswer& answer) {
    const int status = answer.status;
    if (answer.outcome == HttpAnswer::Outcome::answered &&
        ((status >= 200 && status < 400) || status == 401)) {
        add(Id::control_panel_reachable, key_, "the answer is " + status_text(status));
    }
}

} // namespace lync::lyncctl::doctor
