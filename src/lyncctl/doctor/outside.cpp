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
                    ask(visited, request_to(visited, question.path, "*/*"),
                        [&](Judge& judge) { judge.question(question.expect); });
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
                           std::string_view accept) const {
        HttpRequest request;
        request.url = "https://" + visited.name->host + target;
        request.accept = accept;
        request.to = *visited.https;
        return request;
    }

    template <class Judging>
    void ask(Visited& visited, const HttpRequest& request, const Judging& judging) {
        const bool over_https = request.url.starts_with("https:");
        const HttpAnswer answer = examiner_.ask(request);
        if (over_https && !answer.fault) {
            (answer.status == 403 ? any_refused_ : any_else_) = true;
        }
        const std::string& farm = visited.name->farm;
        if (answer.fault && answer.fault->id == Id::http_timed_out &&
            ++silent_farms_[farm] == enough_silence) {
            written_.notes.push_back(farm + " doesn't answer in time: nothing more is asked of it");
        }
        const Asked asked{examiner_, steps_.published, visited.name->host, farm,
                          visited.refused || (any_refused_ && !any_else_)};
        Judge judge(asked, answer, reachability_.report_at(visited, request.url));
        judging(judge);
        visited.given_up |= over_https && judge.hopeless();
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
        const std::string url = "https://" + visited.name->host + target;
        const bool circle = std::find(redirects.begin(), redirects.end(), url) != redirects.end();
        if (circle || redirects.size() > most_redirects) {
            written_.findings.add(Id::autodiscover_loop, url, "",
                                  {redirects.front(), circle ? "in a circle" : "on and on"});
            return;
        }
        if (!requested_.insert(url).second) {
            return;
        }
        ask(visited, request_to(visited, target, accept_autodiscover), [&](Judge& judge) {
            const auto document = judge.autodiscover();
            visited.refused |= !judge.answer().fault && judge.answer().status == 403;
            if (document && document->kind == "Root") {
                look_at_root(*document, reachability_.report_at(visited, url), url, redirects,
                             pending);
            }
        });
    }

    void look_at_root(const Document& document, const Report& report, const std::string& url,
                      const std::vector<std::string>& redirects, std::deque<Pending>& pending) {
        if (const Link* redirect = document.link("Redirect")) {
            pending.push_back({*redirect, redirects});
            pending.back().redirects.push_back(url);
            return;
        }
        for (const std::string token : {"User", "Domain"}) {
            if (document.link(token) == nullptr) {
                report(Id::autodiscover_incomplete, url, {token + " link"});
            }
        }
        for (const Link& link : document.links) {
            look_at_certificate(link, report);
            if (link.token == "Domain" || link.token == "User" || link.token == "OAuth") {
                pending.push_back({link, {}});
            }
        }
    }

    /// The certificate of a host that is visited was seen there; others, such as one that a pattern
    /// publishes, are presented the same ones.
    void look_at_certificate(const Link& link, const Report& report) const {
        const auto url = parse_url(link.href);
        if (url && !is_for_inside(link.token) && !by_host_.contains(url->host) &&
            steps_.published.has(url->host) && !reachability_.is_covered(url->host)) {
            report(Id::certificate_name, url->host,
                   {"the certificate presented", "", "", url->host, ", to which the answer leads"});
        }
    }

    /// Without a web ticket: the answer has to be the right refusal.
    void ask_for_user(Visited& visited, const std::string& target, bool oauth) {
        if (requested_.insert("https://" + visited.name->host + target).second) {
            ask(visited,
                request_to(visited, target, oauth ? "application/json" : accept_autodiscover),
                [&](Judge& judge) { oauth ? judge.oauth_challenge() : judge.user_challenge(); });
        }
    }

    // --- plain HTTP

    void ask_plain_http(Visited& visited) {
        if (!visited.known || visited.http == PlainHttp::unused || is_silent(visited)) {
            return;
        }
        const auto endpoint = reachability_.plain_http(visited);
        if (!endpoint) {
            return;
        }
        const bool needed = visited.http == PlainHttp::autodiscover;
        HttpRequest request;
        request.url = "http://" + visited.name->host + "/";
        request.to = *endpoint;
        request.accept = needed ? accept_autodiscover : "*/*";
        const Report report = reachability_.report_at(visited, request.url);
        ask(visited, request, [&](Judge& judge) {
            needed ? judge_http_autodiscover(judge, request.url, report)
                   : judge_redirect(judge, visited.name->host, report);
        });
    }

    void judge_http_autodiscover(Judge& judge, const std::string& url, const Report& report) {
        const HttpAnswer& answer = judge.answer();
        if (answer.is_redirect()) {
            report(Id::http_autodiscover_redirected, url,
                   {answer.status_text, std::string(answer.header("Location"))});
        } else if (const auto document = judge.autodiscover()) {
            if (const Link* redirect = document->link("Redirect")) {
                follow({{*redirect, {url}}});
            } else {
                report(Id::autodiscover_incomplete, url, {"Redirect link to https"});
            }
        }
    }

    static void judge_redirect(Judge& judge, const std::string& host, const Report& report) {
        const HttpAnswer& answer = judge.answer();
        const std::string location(answer.header("Location"));
        const auto target = parse_url(location);
        if (answer.fault) {
            judge.objects({}); // one finding with that of https, if it is the same
        } else if (!answer.is_redirect() || !target || target->scheme != "https" ||
                   target->host != host) {
            report(Id::http_redirect_missing, "",
                   {answer.status_text + (location.empty() ? "" : " to \"" + location + "\"")});
        }
    }

    // --- signing in

    void sign_in() {
        for (const Visited& visited : visited_) {
            const Question* question = sign_in_question(visited.name->questions);
            if (!visited.name->sign_in || question == nullptr) {
                continue;
            }
            const bool trusted = visited.https && visited.trusted && !visited.given_up;
            examiner_.sign_in(trusted ? request_to(visited, question->path, "*/*") : HttpRequest(),
                              settings_.ca_file, "https://" + visited.name->host + question->path,
                              trusted);
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
