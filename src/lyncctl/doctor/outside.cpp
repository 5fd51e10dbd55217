#include "lyncctl/doctor/outside.h"

#include "lyncctl/doctor/answers.h"
#include "lyncctl/doctor/reachability.h"
#include "lyncctl/doctor/sign_in.h"

#include <algorithm>
#include <map>
#include <set>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::size_t most_redirects = 5; ///< Redirect links that are followed in a row

using Chain = std::vector<std::string>;

class Outside {
public:
    Outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
            const Progress& progress)
        : steps_(steps), settings_(settings), written_(written),
          examiner_(settings, written, progress), reach_(steps, examiner_) {
        for (std::size_t i = 0; i < steps.names.size(); i++) {
            by_host_.emplace(steps.names[i].host, i);
        }
    }

    void examine() {
        visited_ = reach_.all();
        for (Visited& visited : visited_) {
            ask_plain_http(visited);
            for (const Question& question : visited.name->questions) {
                ask(visited, question);
            }
        }
        sign_in();
    }

private:
    // --- questions

    /// A farm that was silent a few times isn't asked any more.
    bool is_silent(const Visited& visited) {
        const auto farm = silent_farms_.find(visited.name->farm);
        return farm != silent_farms_.end() && farm->second >= enough_silence;
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

    HttpRequest request_to(const Visited& visited, const std::string& target,
                           std::string accept) const {
        HttpRequest request;
        request.url = "https://" + visited.name->host + target;
        request.accept = std::move(accept);
        request.to = *visited.https;
        return request;
    }

    /// A judge whose findings pass through Reach::add when it goes, also when Ctrl-C ends it, so
    /// that stray names are seen for what they are.
    struct Judged {
        Outside& outside;
        const Visited& visited;
        Findings findings;
        Judge judge;

        Judged(Outside& o, const Visited& v)
            : outside(o), visited(v), judge(findings, o.steps_.published, v.name->farm, false) {}
        ~Judged() {
            for (const Finding& finding : findings.worst_first()) {
                for (const std::string& where : finding.where) {
                    outside.reach_.add(visited, finding.kind->id, where, finding.key, finding.what);
                }
            }
        }
        Judged(const Judged&) = delete;
        Judged& operator=(const Judged&) = delete;
    };

    void ask(Visited& visited, const Question& question) {
        if (!visited.https || visited.given_up || is_silent(visited)) {
            return;
        }
        if (question.expect == Expect::autodiscover) {
            follow(visited, question.path, {});
            return;
        }
        const HttpRequest request = request_to(visited, question.path, "*/*");
        const HttpAnswer answer = ask(visited, request);
        Judged judged(*this, visited);
        judged.judge.at(request.url);
        judged.judge.set_refused(visited.refused || (any_refused_ && !any_else_));
        switch (question.expect) {
        case Expect::windows_challenge:
            judged.judge.windows_challenge(answer);
            break;
        case Expect::service_metadata:
            judged.judge.service_metadata(answer);
            break;
        case Expect::page:
            judged.judge.page(answer, visited.name->host);
            break;
        case Expect::office_discovery:
            judged.judge.office_discovery(answer);
            break;
        case Expect::refusal:
            judged.judge.refusal(answer);
            break;
        case Expect::autodiscover:
            break;
        }
        visited.given_up |= judged.judge.hopeless();
    }

    /// The name that a link leads to, if it can be asked.
    Visited* visited_of(std::string_view host) {
        const auto found = by_host_.find(std::string(host));
        if (found == by_host_.end()) {
            return nullptr;
        }
        Visited& visited = visited_[found->second];
        return visited.https && !visited.given_up && !is_silent(visited) ? &visited : nullptr;
    }

    /// Asks for an Autodiscover document and goes where its links lead. `chain`: the URLs whose
    /// Redirect links led here.
    void follow(Visited& visited, const std::string& target, const Chain& chain) {
        const HttpRequest request =
            request_to(visited, target, std::string(autodiscover_type) + ";v=1");
        if (std::find(chain.begin(), chain.end(), request.url) != chain.end() ||
            chain.size() > most_redirects) {
            written_.findings.add(
                Id::autodiscover_loop, request.url, "",
                "Redirect links lead from " + shown(chain.front()) +
                    (chain.size() > most_redirects ? " on and on" : " in a circle"));
            return;
        }
        if (!asked_.insert(request.url).second) {
            return;
        }
        const HttpAnswer answer = ask(visited, request);
        Judged judged(*this, visited);
        judged.judge.at(request.url);
        const auto document = judged.judge.autodiscover(answer);
        visited.given_up |= judged.judge.hopeless();
        visited.refused |= judged.judge.refused();
        if (document && document->kind == "Root") {
            look_at_root(*document, request.url, judged.judge, chain);
        }
    }

    void look_at_root(const AutodiscoverDocument& document, const std::string& url, Judge& judge,
                      Chain chain) {
        if (const Link* redirect = document.link("Redirect")) {
            chain.push_back(url);
            follow_link(redirect->href, chain);
            return;
        }
        for (const char* token : {"User", "Domain"}) {
            if (document.link(token) == nullptr) {
                judge.add(Id::autodiscover_incomplete, url,
                          std::string("the document has no ") + token + " link");
            }
        }
        for (const Link& link : document.links) {
            look_at_certificate(link, judge);
            if (link.token == "Domain") {
                follow_link(link.href, {});
            } else if (link.token == "User" || link.token == "OAuth") {
                ask_for_user(link);
            }
        }
    }

    /// The certificate of a host that is visited was seen there; for others, such as one that a
    /// pattern publishes, nginx.conf tells.
    void look_at_certificate(const Link& link, Judge& judge) const {
        const auto url = parse_url(link.href);
        if (url && !is_for_inside(link.token) && !by_host_.contains(url->host) &&
            steps_.published.has(url->host) && !steps_.published.covered(url->host)) {
            judge.add(Id::certificate_name, url->host,
                      "the answer leads to " + shown(url->host, 100) +
                          ", which no certificate in nginx.conf names");
        }
    }

    void follow_link(std::string_view href, const Chain& chain) {
        const auto url = parse_url(href);
        if (Visited* next = url ? visited_of(url->host) : nullptr) {
            follow(*next, url->target, chain);
        }
    }

    /// Without a web ticket: the answer has to be the right refusal.
    void ask_for_user(const Link& link) {
        const auto url = parse_url(link.href);
        Visited* visited = url ? visited_of(url->host) : nullptr;
        if (visited == nullptr) {
            return;
        }
        const bool oauth = link.token == "OAuth";
        const HttpRequest request =
            request_to(*visited, url->target,
                       oauth ? "application/json" : std::string(autodiscover_type) + ";v=1");
        if (!asked_.insert(request.url).second) {
            return;
        }
        const HttpAnswer answer = ask(*visited, request);
        Judged judged(*this, *visited);
        judged.judge.at(request.url);
        if (oauth) {
            judged.judge.oauth_challenge(answer);
        } else {
            judged.judge.user_challenge(answer);
        }
        visited->given_up |= judged.judge.hopeless();
    }

    // --- plain HTTP

    void ask_plain_http(Visited& visited) {
        const Name& name = *visited.name;
        if (!visited.known || name.http == PlainHttp::unused || is_silent(visited)) {
            return;
        }
        const Reach::Plain plain = reach_.plain_http(visited);
        if (!plain.open) {
            return;
        }
        const bool needed = name.http == PlainHttp::autodiscover;
        HttpRequest request;
        request.url = "http://" + name.host + "/";
        request.to = plain.endpoint;
        request.accept = needed ? std::string(autodiscover_type) + ";v=1" : "*/*";
        const HttpAnswer answer = ask(visited, request);
        if (needed) {
            judge_http_autodiscover(visited, request.url, answer);
        } else {
            judge_redirect(visited, request.url, answer);
        }
    }

    void judge_http_autodiscover(Visited& visited, const std::string& url,
                                 const HttpAnswer& answer) {
        Judged judged(*this, visited);
        judged.judge.at(url);
        if (answer.outcome == HttpAnswer::Outcome::answered && answer.status >= 300 &&
            answer.status < 400) {
            judged.judge.add(Id::http_autodiscover_redirected, visited.name->host,
                             "plain HTTP answers " + status_text(answer.status) + " to \"" +
                                 shown(answer.header("Location")) + "\"");
        } else if (const auto document = judged.judge.autodiscover(answer)) {
            if (const Link* redirect = document->link("Redirect")) {
                follow_link(redirect->href, {url});
            } else {
                judged.judge.add(Id::autodiscover_incomplete, url,
                                 "the document has no Redirect link to https");
            }
        }
    }

    void judge_redirect(const Visited& visited, const std::string& url, const HttpAnswer& answer) {
        const std::string& host = visited.name->host;
        const auto location = parse_url(answer.header("Location"));
        if (answer.status >= 300 && answer.status < 400 && location &&
            location->scheme == "https" && location->host == host) {
            return;
        }
        if (answer.outcome != HttpAnswer::Outcome::answered) {
            // What https has as well, such as a name that isn't loaded, is then one finding.
            const auto objection = objection_to(answer, {});
            reach_.add(visited, objection->id, url, objection->what, objection->what);
            return;
        }
        std::string what = "plain HTTP isn't redirected to https: " + status_text(answer.status);
        if (!answer.header("Location").empty()) {
            what += " to \"" + shown(answer.header("Location")) + "\"";
        }
        reach_.add(visited, Id::http_redirect_missing, url, "", std::move(what));
    }

    // --- signing in

    void sign_in() {
        if (!settings_.credentials) {
            return;
        }
        for (const Visited& visited : visited_) {
            if (!visited.name->sign_in) {
                continue;
            }
            const std::string url = "https://" + visited.name->host + "/abs/handler";
            if (!visited.https || !visited.trusted || visited.given_up) {
                written_.findings.add(Id::sign_in_skipped, url, "", "nobody was signed in");
                continue;
            }
            HttpRequest request = request_to(visited, sign_in_path(visited), "*/*");
            if (!sign_in_at(examiner_, request, settings_.ca_file, request.url, written_)) {
                return; // one refusal is enough: repeating it would lock the account
            }
        }
    }

    static std::string sign_in_path(const Visited& visited) {
        for (const Question& question : visited.name->questions) {
            if (question.expect == Expect::windows_challenge) {
                return question.path;
            }
        }
        return "/abs/handler";
    }

    const OutsideSteps& steps_;
    const Settings& settings_;
    Examination& written_;
    Examiner examiner_;
    Reach reach_;
    std::vector<Visited> visited_; ///< as steps_.names
    std::map<std::string, std::size_t> by_host_;
    std::set<std::string> asked_;             ///< URLs
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
