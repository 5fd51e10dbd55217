#include "lyncctl/doctor/answers.h"
#include "lyncctl/doctor/examinations.h"
#include "lyncctl/doctor/reachability.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::size_t most_redirects = 5; ///< Redirect links that are followed in a row

const std::string accept_autodiscover = std::string(autodiscover_type) + ";v=1";

/// A link that is to be followed, and the URLs whose Redirect links led to it.
struct Pending {
    Link link;
    std::vector<std::string> redirects;
};

class Outside {
public:
    Outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
            const Progress& progress)
        : steps_(steps), settings_(settings), written_(written),
          examiner_(settings, written, progress, steps.names.size()),
          reachability_(steps, examiner_) {
        for (std::size_t i = 0; i < steps.names.size(); i++) {
            by_host_.emplace(steps.names[i].host, i);
        }
    }

    void examine() {
        visited_ = reachability_.all();
        for (Visited& visited : visited_) {
            ask_plain_http(visited);
            for (const Question& question : visited.name->questions) {
                if (question.expect == Expect::autodiscover) {
                    follow({{{"Domain", "https://" + visited.name->host + question.path}, {}}});
                } else if (can_be_asked(visited)) {
                    ask_question(visited, question);
                }
            }
        }
        sign_in();
    }

private:
    /// A farm that was silent a few times isn't asked any more.
    bool is_silent(const Visited& visited) {
        const auto farm = silent_farms_.find(visited.name->farm);
        return farm != silent_farms_.end() && farm->second >= enough_silence;
    }

    bool can_be_asked(const Visited& visited) {
        return visited.https && !visited.given_up && !is_silent(visited);
    }

    HttpRequest request_to(const Visited& visited, const std::string& target,
                           std::string accept) const {
        HttpRequest request;
        request.url = "https://" + visited.name->host + target;
        request.accept = std::move(accept);
        request.to = *visited.https;
        return request;
    }

    HttpAnswer ask(const Visited& visited, const HttpRequest& request) {
        HttpAnswer answer = examiner_.ask(request);
        if (request.url.starts_with("https:") && answer.outcome == HttpAnswer::Outcome::answered) {
            (answer.status == 403 ? any_refused_ : any_else_) = true;
        }
        if (answer.outcome == HttpAnswer::Outcome::timed_out &&
            ++silent_farms_[visited.name->farm] == enough_silence) {
            written_.notes.push_back(visited.name->farm +
                                     " doesn't answer in time: nothing more is asked of it");
        }
        return answer;
    }

    Asked asked(const Visited& visited) {
        return {examiner_,
                steps_.published,
                visited.name->host,
                visited.name->farm,
                false,
                visited.refused || (any_refused_ && !any_else_)};
    }

    Report report_at(const Visited& visited, const std::string& url) {
        return [this, &visited, url](Id id, std::string_view key, std::string what) {
            reachability_.add(visited, id, url, key, std::move(what));
        };
    }

    void ask_question(Visited& visited, const Question& question) {
        const HttpRequest request = request_to(visited, question.path, "*/*");
        const HttpAnswer answer = ask(visited, request);
        const Asked whom = asked(visited);
        Judge judge(whom, answer, report_at(visited, request.url));
        judge.question(question.expect);
        visited.given_up |= judge.hopeless();
    }

    // --- links of Autodiscover documents

    /// Goes where the links lead, and where those of the answers lead.
    void follow(std::deque<Pending> pending) {
        while (!pending.empty()) {
            const Pending next = std::move(pending.front());
            pending.pop_front();
            const auto url = parse_url(next.link.href);
            const auto host = url ? by_host_.find(url->host) : by_host_.end();
            if (host == by_host_.end() || !can_be_asked(visited_[host->second])) {
                continue;
            }
            Visited& visited = visited_[host->second];
            if (next.link.token == "User" || next.link.token == "OAuth") {
                ask_for_user(visited, url->target, next.link.token == "OAuth");
            } else {
                ask_for_document(visited, url->target, next.redirects, pending);
            }
        }
    }

    void ask_for_document(Visited& visited, const std::string& target,
                          const std::vector<std::string>& redirects, std::deque<Pending>& pending) {
        const HttpRequest request = request_to(visited, target, accept_autodiscover);
        const bool circle =
            std::find(redirects.begin(), redirects.end(), request.url) != redirects.end();
        if (circle || redirects.size() > most_redirects) {
            written_.findings.add(Id::autodiscover_loop, request.url, "",
                                  "Redirect links lead from " + shown(redirects.front()) +
                                      (circle ? " in a circle" : " on and on"));
            return;
        }
        if (!requested_.insert(request.url).second) {
            return;
        }
        const HttpAnswer answer = ask(visited, request);
        const Asked whom = asked(visited);
        const Report report = report_at(visited, request.url);
        Judge judge(whom, answer, report);
        const auto document = judge.autodiscover();
        visited.given_up |= judge.hopeless();
        visited.refused |= answer.outcome == HttpAnswer::Outcome::answered && answer.status == 403;
        if (!document || document->kind != "Root") {
            return;
        }
        if (const Link* redirect = document->link("Redirect")) {
            pending.push_back({*redirect, redirects});
            pending.back().redirects.push_back(request.url);
            return;
        }
        for (const char* token : {"User", "Domain"}) {
            if (document->link(token) == nullptr) {
                report(Id::autodiscover_incomplete, request.url,
                       std::string("the document has no ") + token + " link");
            }
        }
        for (const Link& link : document->links) {
            look_at_certificate(link, report);
            if (link.token == "Domain" || link.token == "User" || link.token == "OAuth") {
                pending.push_back({link, {}});
            }
        }
    }

    /// The certificate of a host that is visited was seen there; for others, such as one that a
    /// pattern publishes, nginx.conf tells.
    void look_at_certificate(const Link& link, const Report& report) const {
        const auto url = parse_url(link.href);
        if (url && !is_for_inside(link.token) && !by_host_.contains(url->host) &&
            steps_.published.has(url->host) && !steps_.published.covered(url->host)) {
            report(Id::certificate_name, url->host,
                   "the answer leads to " + shown(url->host, 100) +
                       ", which no certificate in nginx.conf names");
        }
    }

    /// Without a web ticket: the answer has to be the right refusal.
    void ask_for_user(Visited& visited, const std::string& target, bool oauth) {
        const HttpRequest request =
            request_to(visited, target, oauth ? "application/json" : accept_autodiscover);
        if (!requested_.insert(request.url).second) {
            return;
        }
        const HttpAnswer answer = ask(visited, request);
        const Asked whom = asked(visited);
        Judge judge(whom, answer, report_at(visited, request.url));
        oauth ? judge.oauth_challenge() : judge.user_challenge();
        visited.given_up |= judge.hopeless();
    }

    // --- plain HTTP

    void ask_plain_http(Visited& visited) {
        const Name& name = *visited.name;
        if (!visited.known || name.http == PlainHttp::unused || is_silent(visited)) {
            return;
        }
        const auto endpoint = reachability_.plain_http(visited);
        if (!endpoint) {
            return;
        }
        const bool needed = name.http == PlainHttp::autodiscover;
        HttpRequest request;
        request.url = "http://" + name.host + "/";
        request.to = *endpoint;
        request.accept = needed ? accept_autodiscover : "*/*";
        const HttpAnswer answer = ask(visited, request);
        const Report report = report_at(visited, request.url);
        if (needed) {
            judge_http_autodiscover(visited, request.url, answer, report);
        } else {
            judge_redirect(name.host, answer, report);
        }
    }

    void judge_http_autodiscover(Visited& visited, const std::string& url, const HttpAnswer& answer,
                                 const Report& report) {
        if (answer.outcome == HttpAnswer::Outcome::answered && answer.status >= 300 &&
            answer.status < 400) {
            report(Id::http_autodiscover_redirected, visited.name->host,
                   "plain HTTP answers " + status_text(answer.status) + " to " +
                       quoted(answer.header("Location")));
            return;
        }
        const Asked whom = asked(visited);
        if (const auto document = Judge(whom, answer, report).autodiscover()) {
            if (const Link* redirect = document->link("Redirect")) {
                follow({{*redirect, {url}}});
            } else {
                report(Id::autodiscover_incomplete, url,
                       "the document has no Redirect link to https");
            }
        }
    }

    static void judge_redirect(const std::string& host, const HttpAnswer& answer,
                               const Report& report) {
        const std::string_view location = answer.header("Location");
        const auto target = parse_url(location);
        if (answer.outcome != HttpAnswer::Outcome::answered) {
            // What https has as well, such as a name that isn't loaded, is then one finding.
            const auto objection = objection_to(answer, {});
            report(objection->id, objection->what, objection->what);
        } else if (answer.status < 300 || answer.status >= 400 || !target ||
                   target->scheme != "https" || target->host != host) {
            report(Id::http_redirect_missing, "",
                   "plain HTTP isn't redirected to https: " + status_text(answer.status) +
                       (location.empty() ? "" : " to " + quoted(location)));
        }
    }

    // --- signing in

    void sign_in() {
        for (const Visited& visited : visited_) {
            if (!settings_.credentials || !visited.name->sign_in) {
                continue;
            }
            std::string path = "/abs/handler";
            for (const Question& question : visited.name->questions) {
                if (question.expect == Expect::windows_challenge) {
                    path = question.path;
                    break;
                }
            }
            const std::string url = "https://" + visited.name->host + path;
            if (!visited.https || !visited.trusted || visited.given_up) {
                written_.findings.add(Id::sign_in_skipped, url, "", "nobody was signed in");
            } else if (!sign_in_at(examiner_, request_to(visited, path, "*/*"), settings_.ca_file,
                                   url)) {
                return; // one refusal is enough: repeating it would lock the account
            }
        }
    }

    const OutsideSteps& steps_;
    const Settings& settings_;
    Examination& written_;
    Examiner examiner_;
    Reachability reachability_;
    std::vector<Visited> visited_; ///< as steps_.names
    std::map<std::string, std::size_t, std::less<>> by_host_;
    std::set<std::string> requested_;         ///< URLs
    bool any_refused_ = false;                ///< an answer over https was 403
    bool any_else_ = false;                   ///< an answer over https was another one
    std::map<std::string, int> silent_farms_; ///< requests that weren't answered in time
};

} // namespace

void examine_from_outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
                          const Progress& progress) {
    for (const std::string& pattern : steps.patterns) {
        written.notes.push_back(pattern + " stands for any domain: name some with --domain");
    }
    Outside(steps, settings, written, progress).examine();
}

} // namespace lync::lyncctl::doctor
