#include "tool/doctor_outside.h"

#include "tool/doctor_answers.h"
#include "tool/doctor_sign_in.h"

#include <algorithm>
#include <map>
#include <set>

namespace lync::tool::doctor {

namespace {

constexpr std::uint16_t https_port = 443; ///< what clients use is the published port, always
constexpr std::uint16_t http_port = 80;
constexpr std::size_t most_addresses = 4; ///< of one name that are looked at
constexpr int enough_silence = 3;         ///< time-outs in a row after which no more is waited for
constexpr std::size_t most_redirects = 5; ///< Redirect links that are followed in a row

/// A name with what is known of it by now.
struct Visited {
    const Name* name = nullptr;
    std::vector<Address> addresses;
    bool known = false;            ///< the addresses are known
    bool given = false;            ///< by --resolve or --connect-to: the DNS wasn't asked
    bool elsewhere = false;        ///< none of them is where the other names lead
    std::optional<Endpoint> https; ///< where TLS is spoken; nothing: not usable
    bool trusted = false;
    bool given_up = false;
};

/// Whether `name` is `domain` or lies in it.
bool is_within(std::string_view name, std::string_view domain) {
    return name == domain || (name.ends_with(domain) && name.size() > domain.size() &&
                              name[name.size() - domain.size() - 1] == '.');
}

/// What tells only that a name leads to the wrong machine, if it does lead elsewhere.
bool follows_from_wrong_address(Id id) {
    return (id >= Id::port_closed && id <= Id::http_foreign_page) || id == Id::http_port_closed;
}

using Chain = std::vector<std::string>;

class Outside {
public:
    Outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
            const Progress& progress)
        : steps_(steps), settings_(settings), written_(written),
          examiner_(settings, written, progress), trusted_(settings.ca_file) {
        for (const Name& name : steps.names) {
            visited_.push_back({});
            visited_.back().name = &name;
        }
        for (std::size_t i = 0; i < visited_.size(); i++) {
            by_host_.emplace(visited_[i].name->host, i);
        }
    }

    void examine() {
        for (Visited& visited : visited_) {
            find_addresses(visited);
        }
        find_strays();
        look_for_internal_names();
        for (Visited& visited : visited_) {
            reach(visited);
        }
        for (Visited& visited : visited_) {
            ask_plain_http(visited);
            for (const Question& question : visited.name->questions) {
                ask(visited, question);
            }
        }
        sign_in();
    }

private:
    // --- findings

    void add(const Visited& visited, Id id, std::string_view where, std::string_view key,
             std::string what) {
        if (visited.elsewhere && follows_from_wrong_address(id)) {
            const std::string& host = visited.name->host;
            written_.findings.add(Id::dns_elsewhere, host, host,
                                  host + " leads to " + addresses_of(visited) +
                                      ", the other names lead to " + home_.text() + "; there " +
                                      what);
            return;
        }
        written_.findings.add(id, where, key, std::move(what));
    }

    static std::string addresses_of(const Visited& visited) {
        std::string text;
        for (const Address& address : visited.addresses) {
            text += (text.empty() ? "" : ", ") + address.text();
        }
        return text;
    }

    Examiner::Add adder(const Visited& visited) {
        return [this, &visited](Id id, std::string_view key, std::string what) {
            add(visited, id, visited.name->host, key, std::move(what));
        };
    }

    // --- names to addresses

    const ConnectRule* connect_rule(const std::string& host, std::uint16_t port) const {
        for (const ConnectRule& rule : settings_.connect) {
            if ((rule.name.empty() || rule.name == host) && (rule.port == 0 || rule.port == port)) {
                return &rule;
            }
        }
        return nullptr;
    }

    /// Addresses that the command line gives for a name; empty if the DNS is to be asked.
    std::vector<Address> given_addresses(const std::string& host) const {
        const ConnectRule* rule = connect_rule(host, https_port);
        if (rule != nullptr && rule->to) {
            return {*rule->to};
        }
        for (const ResolveRule& resolve : settings_.resolve) {
            if ((resolve.name == "*" || resolve.name == host) && resolve.port == https_port) {
                return resolve.addresses;
            }
        }
        return {};
    }

    /// Where a client's connection to host:port goes.
    Endpoint endpoint_of(const Visited& visited, const Address& address, std::uint16_t port) const {
        const std::string& host = visited.name->host;
        Endpoint endpoint{address, port};
        for (const ResolveRule& resolve : settings_.resolve) {
            if ((resolve.name == "*" || resolve.name == host) && resolve.port == port &&
                port != https_port) {
                endpoint.address = resolve.addresses.front();
            }
        }
        if (const ConnectRule* rule = connect_rule(host, port)) {
            endpoint.address = rule->to.value_or(endpoint.address);
            endpoint.port = rule->to_port == 0 ? port : rule->to_port;
        }
        return endpoint;
    }

    /// Once it was silent for a few names in a row, the DNS isn't waited for any more.
    Resolution ask_dns(const std::string& name) {
        Resolution found;
        if (silent_dns_ >= enough_silence) {
            found.outcome = Resolution::Outcome::no_answer;
            return found;
        }
        examiner_.begin("DNS of " + name);
        found = examiner_.resolver().ask(name, examiner_.deadline());
        silent_dns_ = found.outcome == Resolution::Outcome::no_answer ? silent_dns_ + 1 : 0;
        return found;
    }

    void find_addresses(Visited& visited) {
        const std::string& host = visited.name->host;
        visited.addresses = given_addresses(host);
        if (!visited.addresses.empty()) {
            visited.known = visited.given = true;
            return;
        }
        const Resolution found = ask_dns(host);
        const auto tell = [&](Id id, std::string_view key, std::string what) {
            written_.findings.add(id, host, key, std::move(what));
        };
        switch (found.outcome) {
        case Resolution::Outcome::found:
            break;
        case Resolution::Outcome::no_such_name:
            return tell(Id::dns_no_such_name, host, host + " doesn't exist");
        case Resolution::Outcome::no_address:
            return tell(Id::dns_no_address, host, host + " has no address");
        case Resolution::Outcome::no_answer:
            return tell(Id::dns_no_answer, "", "the DNS doesn't answer");
        case Resolution::Outcome::failed:
            return tell(Id::dns_failed, found.detail,
                        "the DNS answers with a failure: " + shown(found.detail));
        }
        visited.addresses = found.addresses;
        if (visited.addresses.size() > most_addresses) {
            visited.addresses.resize(most_addresses);
        }
        tell_alias(visited, found);
        if (leads_past_proxy(visited)) {
            return;
        }
        visited.known = true;
    }

    /// Phones insist on a certificate of the alias' own domain [Lync 2013, "DNS requirements for
    /// Autodiscover"].
    void tell_alias(const Visited& visited, const Resolution& found) {
        const std::string& domain = visited.name->sip_domain;
        if (domain.empty()) {
            return;
        }
        for (const std::string& alias : found.aliases) {
            if (!is_within(alias, domain)) {
                written_.findings.add(Id::dns_cname_foreign, visited.name->host, alias,
                                      visited.name->host + " is an alias of " + shown(alias));
                return;
            }
        }
    }

    bool leads_past_proxy(const Visited& visited) {
        for (const std::string& server : steps_.server_addresses) {
            const auto address = Address::parse(server);
            if (address && std::find(visited.addresses.begin(), visited.addresses.end(),
                                     *address) != visited.addresses.end()) {
                written_.findings.add(Id::dns_past_proxy, visited.name->host, server,
                                      visited.name->host + " leads to " + address->text() +
                                          ", a server of the publication");
                return true;
            }
        }
        return false;
    }

    /// The address that most names share, and the names that lead somewhere else.
    void find_strays() {
        std::map<std::string, std::size_t> counts;
        std::size_t known = 0;
        for (const Visited& visited : visited_) {
            known += visited.known ? 1 : 0;
            for (const Address& address : visited.addresses) {
                counts[address.text()] += visited.known ? 1 : 0;
            }
        }
        const auto most =
            std::max_element(counts.begin(), counts.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        if (most == counts.end() || most->second * 2 <= known) {
            return;
        }
        home_ = *Address::parse(most->first);
        // Whoever shares an address with a name at home is at home as well: IPv4 and IPv6 of it.
        std::set<std::string> at_home{most->first};
        for (const Visited& visited : visited_) {
            const bool here = std::find(visited.addresses.begin(), visited.addresses.end(),
                                        home_) != visited.addresses.end();
            for (const Address& address : visited.addresses) {
                if (here) {
                    at_home.insert(address.text());
                }
            }
        }
        for (Visited& visited : visited_) {
            visited.elsewhere =
                visited.known && std::none_of(visited.addresses.begin(), visited.addresses.end(),
                                              [&](const Address& address) {
                                                  return at_home.contains(address.text());
                                              });
        }
    }

    void look_for_internal_names() {
        const bool asked_dns = std::any_of(visited_.begin(), visited_.end(),
                                           [](const Visited& v) { return !v.given && v.known; });
        for (const std::string& name : steps_.internal_names) {
            if (!asked_dns) {
                return;
            }
            const Resolution found = ask_dns(name);
            for (const Address& address : found.addresses) {
                // From inside such a name has a private address, as it should.
                if (!address.is_internal()) {
                    written_.findings.add(Id::dns_internal_visible, name, name,
                                          name + " has the address " + address.text());
                    break;
                }
            }
        }
    }

    // --- connections

    void reach(Visited& visited) {
        if (!visited.known) {
            return;
        }
        bool any_open = false;
        std::vector<std::pair<Connected, Endpoint>> failures;
        for (const Address& address : visited.addresses) {
            const Endpoint endpoint = endpoint_of(visited, address, https_port);
            examiner_.begin("connection to " + visited.name->host + ", " + endpoint.text());
            Connected connected = examiner_.connect(endpoint);
            if (connected.outcome == Connected::Outcome::open) {
                any_open = true;
                secure(visited, endpoint, connected.connection);
            } else {
                failures.emplace_back(std::move(connected), endpoint);
            }
        }
        for (const auto& [connected, endpoint] : failures) {
            // An address of a family that this machine doesn't have tells nothing beside others.
            if (connected.outcome != Connected::Outcome::no_family || !any_open) {
                tell_unreachable(visited, connected, endpoint);
            }
        }
    }

    /// A machine that can't be reached is one finding, whichever port is tried for whatever name.
    void tell_unreachable(const Visited& visited, const Connected& connected,
                          const Endpoint& endpoint) {
        examiner_.tell_connection(connected, endpoint, endpoint.address.text(), outside_ids,
                                  adder(visited));
    }

    bool told_unreachable(const Endpoint& endpoint) const {
        const std::string key = endpoint.address.text();
        return written_.findings.has(Id::port_closed, key) ||
               written_.findings.has(Id::port_timed_out, key) ||
               written_.findings.has(Id::port_unreachable, key);
    }

    std::optional<Handshake> again(const Endpoint& endpoint, const HandshakeRequest& request) {
        Connected connected = examiner_.connect(endpoint);
        if (connected.outcome != Connected::Outcome::open) {
            return std::nullopt;
        }
        return shake_hands(connected.connection, request, trusted_, examiner_.deadline());
    }

    void secure(Visited& visited, const Endpoint& endpoint, const Connection& connection) {
        const Name& name = *visited.name;
        const auto tell = adder(visited);
        Handshake handshake;
        if (silent_tls_.contains(endpoint.text())) { // nobody is there, whatever the name
            handshake.outcome = Handshake::Outcome::timed_out;
            examiner_.tell_handshake(handshake, endpoint, name.host, outside_ids, tell);
            return;
        }
        examiner_.begin("TLS of " + name.host);
        HandshakeRequest request{name.host, {"h2", "http/1.1"}, false};
        handshake = shake_hands(connection, request, trusted_, examiner_.deadline());
        if (handshake.outcome == Handshake::Outcome::timed_out) {
            silent_tls_.insert(endpoint.text());
        }

        request.old_versions = true;
        if (handshake.outcome == Handshake::Outcome::done) {
            if (old_versions_looked_at_.insert(endpoint.text()).second) {
                const auto old = again(endpoint, request);
                if (old && old->outcome == Handshake::Outcome::done) {
                    tell(Id::tls_old_accepted, endpoint.text(),
                         endpoint.text() + " accepts " + old->version);
                }
            }
        } else if (may_be_old(handshake)) {
            const auto old = again(endpoint, request);
            if (old && old->outcome == Handshake::Outcome::done) {
                tell(Id::tls_old_only, endpoint.text(),
                     endpoint.text() + " speaks " + old->version + " at most");
                return;
            }
        }
        if (!examiner_.tell_handshake(handshake, endpoint, name.host, outside_ids, tell)) {
            return;
        }
        bool http1 = true;
        if (handshake.alpn == "h2") {
            const auto second = again(endpoint, {name.host, {"http/1.1"}, false});
            http1 =
                second && second->outcome == Handshake::Outcome::done && second->alpn == "http/1.1";
            if (!http1) {
                tell(Id::http2_only, endpoint.text(),
                     endpoint.text() + " offers nothing but HTTP/2");
            } else if (name.ntlm) {
                tell(Id::http2_chosen, endpoint.text(), endpoint.text() + " prefers HTTP/2");
            }
        }
        // A lyncdiscover name that the publication knows as not covered is asked over plain HTTP.
        if (name.http == PlainHttp::autodiscover && handshake.verdict.wrong_name) {
            handshake.verdict.wrong_name = false;
            visited.given_up = true;
        }
        const bool trusted = examiner_.tell_certificate(handshake, name.host, outside_ids, tell) &&
                             !visited.given_up;
        if (http1 && !visited.https) {
            visited.https = endpoint;
            visited.trusted = trusted;
        }
    }

    // --- questions

    /// A farm that was silent a few times isn't asked any more.
    bool is_silent(const Visited& visited) {
        const auto farm = silent_farms_.find(visited.name->farm);
        return farm != silent_farms_.end() && farm->second >= enough_silence;
    }

    HttpAnswer ask(const Visited& visited, const HttpRequest& request) {
        HttpAnswer answer = examiner_.ask(request);
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

    /// A judge whose findings pass through `add`, so that stray names are seen for what they are.
    struct Judged {
        Findings findings;
        Judge judge;

        Judged(const Outside& outside, const Visited& visited)
            : judge(findings, outside.steps_.published, visited.name->farm, false) {}
    };

    void take_over(const Visited& visited, const Judged& judged) {
        for (const Finding& finding : judged.findings.worst_first()) {
            for (const std::string& where : finding.where) {
                add(visited, finding.kind->id, where, finding.key, finding.what);
            }
        }
    }

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
        take_over(visited, judged);
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
        if (document && document->kind == "Root") {
            look_at_root(*document, request.url, judged.judge, chain);
        }
        take_over(visited, judged);
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
            if (link.token == "Domain") {
                follow_link(link.href, {});
            } else if (link.token == "User" || link.token == "OAuth") {
                ask_for_user(link);
            }
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
        take_over(*visited, judged);
    }

    // --- plain HTTP

    void ask_plain_http(Visited& visited) {
        const Name& name = *visited.name;
        if (!visited.known || name.http == PlainHttp::unused || is_silent(visited)) {
            return;
        }
        const bool needed = name.http == PlainHttp::autodiscover;
        const Endpoint endpoint = endpoint_of(visited, visited.addresses.front(), http_port);
        examiner_.begin("connection to " + name.host + ", " + endpoint.text());
        const Connected connected = examiner_.connect(endpoint);
        if (connected.outcome != Connected::Outcome::open) {
            if (needed) {
                tell_unreachable(visited, connected, endpoint);
            } else if (connected.outcome != Connected::Outcome::no_family &&
                       !told_unreachable(endpoint)) {
                add(visited, Id::http_port_closed, name.host, endpoint.text(),
                    endpoint.text() + (connected.outcome == Connected::Outcome::refused
                                           ? " refuses the connection"
                                           : " doesn't answer"));
            }
            return;
        }
        HttpRequest request;
        request.url = "http://" + name.host + "/";
        request.to = endpoint;
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
        take_over(visited, judged);
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
            add(visited, objection->id, url, objection->what, objection->what);
            return;
        }
        std::string what = "plain HTTP isn't redirected to https: " + status_text(answer.status);
        if (!answer.header("Location").empty()) {
            what += " to \"" + shown(answer.header("Location")) + "\"";
        }
        add(visited, Id::http_redirect_missing, url, "", std::move(what));
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
    TrustStore trusted_;
    std::vector<Visited> visited_; ///< as steps_.names
    std::map<std::string, std::size_t> by_host_;
    Address home_;                            ///< where most names lead
    std::set<std::string> asked_;             ///< URLs
    int silent_dns_ = 0;                      ///< names in a row without an answer of the DNS
    std::set<std::string> silent_tls_;        ///< endpoints that don't answer a handshake
    std::map<std::string, int> silent_farms_; ///< requests that weren't answered in time
    std::set<std::string> old_versions_looked_at_;
};

} // namespace

void examine_from_outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
                          const Progress& progress) {
    for (const std::string& pattern : steps.patterns) {
        written.notes.push_back(pattern + " stands for any domain: name some with --domain");
    }
    Outside(steps, settings, written, progress).examine();
}

} // namespace lync::tool::doctor
