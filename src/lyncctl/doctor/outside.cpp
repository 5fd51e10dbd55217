// `--from outside`: from published names to machines that can be asked (DNS, connections, TLS),
// then what a client asks there, in its order.

#include "base/format.h"
#include "base/names.h"
#include "lyncctl/doctor/answers.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::uint16_t https_port = 443; ///< clients use the published ports, always
constexpr std::uint16_t http_port = 80;

/// Whether `name` is `domain` or lies in it.
bool is_within(std::string_view name, const std::string& domain) {
    return name == domain || name.ends_with("." + domain);
}

bool has(const std::vector<Address>& all, const Address& one) {
    return std::ranges::count(all, one) != 0;
}

/// A name with what is known of it by now.
struct Visited {
    const Name* name = nullptr;
    std::vector<Address> addresses;
    bool known = false;            ///< the addresses are known
    bool given = false;            ///< by --resolve or --connect-to: the DNS wasn't asked
    bool open = false;             ///< something answers on the https port
    bool elsewhere = false;        ///< none of them is where the other names lead
    std::optional<Endpoint> https; ///< where TLS is spoken; nothing: not usable
    bool trusted = false;          ///< with a certificate that a client accepts
    bool given_up = false;         ///< nothing more is asked of it over https
    /// What plain HTTP is for, by the certificate that was presented.
    PlainHttp http = PlainHttp::unused;
};

constexpr std::size_t most_redirects = 5; ///< Redirect links that are followed in a row
constexpr std::size_t most_links = 50;    ///< of any kind that are followed from one name

/// A link that is to be followed, and how many Redirect links led to it.
struct Pending {
    Link link;
    std::size_t redirects = 0;
};

class Outside {
public:
    Outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
            Output& output)
        : steps_(steps), settings_(settings), written_(written),
          examiner_(settings, written, output), trusted_(settings.ca_file),
          visited_(steps.names.size()) {
        for (std::size_t i = 0; i < steps.names.size(); i++) {
            visited_[i].name = &steps.names[i];
            by_host_.emplace(steps.names[i].host, i);
        }
    }

    void examine() {
        for (Visited& visited : visited_) {
            find_addresses(visited);
        }
        find_strays();
        look_for_internal_names();
        for (Visited& visited : visited_) {
            if (visited.known) {
                reach(visited);
            }
        }
        for (Visited& visited : visited_) {
            ask_plain_http(visited);
            for (const Question& question : visited.name->questions) {
                if (question.expect == Expect::autodiscover) {
                    follow({{{"Domain", url_of(visited, question.path)}}});
                } else if (can_be_asked(visited)) {
                    ask(visited, request_to(visited, question.path, "*/*"),
                        [&](Judge& judge) { judge.question(question.expect); });
                }
            }
        }
        sign_in();
    }

private:
    Report report_at(const Visited& visited, const std::string& where) {
        return [this, &visited, where](Id id, const std::string& key, const Words& words) {
            // What only shows that a name leads to the wrong machine, if it does lead elsewhere.
            if (!visited.elsewhere || id < Id::port_closed || id > Id::http_foreign_page) {
                return written_.findings.add(id, where, key, words);
            }
            const std::string& host = visited.name->host;
            written_.findings.add(
                Id::dns_elsewhere, host, host,
                {host, some_of(visited.addresses, 3), home_, found_text(id, words)});
        };
    }

    /// Where a client's connections to a port of the name go.
    std::vector<Endpoint> endpoints(const Visited& visited, std::uint16_t port) const {
        const auto [given, to_port] = redirected(settings_.rules, visited.name->host, port);
        std::vector<Endpoint> endpoints;
        for (const Address& address :
             given.empty() ? visited.addresses : std::vector<Address>{given}) {
            endpoints.push_back({address, to_port});
        }
        return endpoints;
    }

    void find_addresses(Visited& visited) {
        const std::string& host = visited.name->host;
        if (const Address given = redirected(settings_.rules, host, https_port).first;
            !given.empty()) {
            visited.addresses = {given};
            visited.known = visited.given = true;
            return;
        }
        const Resolution found = examiner_.resolve(host);
        if (found.fault) {
            return written_.findings.add(found.fault->id, host, found.fault->detail,
                                         {found.fault->detail});
        }
        visited.addresses = found.addresses;
        // Phones insist on a certificate of the alias' own domain [Lync 2013, "DNS requirements for
        // Autodiscover"].
        const std::string& domain = visited.name->sip_domain;
        const auto foreign = std::ranges::find_if(
            found.aliases, [&](const auto& alias) { return !is_within(alias, domain); });
        if (!domain.empty() && foreign != found.aliases.end()) {
            written_.findings.add(Id::dns_cname_foreign, host, *foreign, {host, *foreign});
        }
        visited.known = !leads_past_proxy(visited);
    }

    bool leads_past_proxy(const Visited& visited) {
        const std::string& host = visited.name->host;
        for (const std::string& server : steps_.server_addresses) {
            const Address address = normal_address(server);
            if (!address.empty() && has(visited.addresses, address)) {
                written_.findings.add(Id::dns_past_proxy, host, server, {host, address});
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
                counts[address] += visited.known ? 1 : 0;
            }
        }
        const auto most = std::ranges::max_element(
            counts, [](const auto& a, const auto& b) { return a.second < b.second; });
        if (most == counts.end() || most->second * 2 <= known) {
            return;
        }
        home_ = most->first;
        // A name that shares an address with a name at home is at home as well: IPv4 and IPv6 of
        // it.
        std::vector<Address> at_home;
        for (const Visited& visited : visited_) {
            if (has(visited.addresses, home_)) {
                at_home.insert(at_home.end(), visited.addresses.begin(), visited.addresses.end());
            }
        }
        for (Visited& visited : visited_) {
            visited.elsewhere =
                visited.known && std::ranges::none_of(visited.addresses, [&](const Address& a) {
                    return has(at_home, a);
                });
        }
    }

    void look_for_internal_names() {
        if (std::ranges::none_of(visited_, [](const Visited& v) { return !v.given && v.known; })) {
            return; // the DNS isn't asked
        }
        for (const std::string& name : steps_.internal_names) {
            for (const Address& address : examiner_.resolve(name).addresses) {
                // From inside such a name has a private address, as it should.
                if (!config::is_private(address)) {
                    written_.findings.add(Id::dns_internal_visible, name, name, {name, address});
                    break;
                }
            }
        }
    }

    void reach(Visited& visited) {
        const Name& name = *visited.name;
        const Report report = report_at(visited, name.host);
        visited.http = name.http == name.http_uncovered ? name.http : PlainHttp::unused;
        std::vector<std::pair<Fault, Endpoint>> unreachable;
        for (const Endpoint& endpoint : endpoints(visited, https_port)) {
            Handshake handshake =
                examiner_.secure(endpoint, {name.host, http2_or_1, false}, trusted_);
            visited.open |= !handshake.fault || handshake.fault->id > Id::port_unreachable;
            if (!handshake.fault) {
                judge_handshake(visited, endpoint, std::move(handshake));
            } else if (handshake.fault->id == Id::port_unreachable) {
                unreachable.emplace_back(*handshake.fault, endpoint);
            } else {
                report_fault(*handshake.fault, endpoint, name.host, report);
            }
        }
        // An address of a family that this machine doesn't have shows nothing beside others.
        for (const auto& [fault, endpoint] : unreachable) {
            if (!visited.open) {
                report_fault(fault, endpoint, name.host, report);
            }
        }
    }

    void judge_handshake(Visited& visited, const Endpoint& endpoint, Handshake handshake) {
        const Name& name = *visited.name;
        const Report report = report_at(visited, name.host);
        look_for_old_versions(endpoint, name, report);
        if (const std::string where = endpoint.text(); handshake.alpn == "h2") {
            report(Id::http2_chosen, where, {where});
        }
        // A lyncdiscover name that the certificate doesn't cover is asked over plain HTTP.
        visited.http =
            handshake.objections.contains(Id::certificate_name) ? name.http_uncovered : name.http;
        if (visited.http == PlainHttp::autodiscover) {
            handshake.objections.erase(Id::certificate_name);
            visited.given_up = true;
            needs_plain_http_ = true;
        }
        const bool trusted = report_certificate(handshake, name.host, report) && !visited.given_up;
        if (!visited.https) {
            visited.https = endpoint;
            visited.trusted = trusted;
        }
    }

    /// TLS 1.1 and older beside others, which is reported once.
    void look_for_old_versions(const Endpoint& endpoint, const Name& name, const Report& report) {
        const std::string where = endpoint.text();
        if (!old_versions_looked_for_.insert(where).second) {
            return;
        }
        const Handshake old = examiner_.secure(endpoint, {name.host, http2_or_1, true}, trusted_);
        if (!old.fault) {
            report(Id::tls_old_accepted, where, {where, old.version});
        }
    }

    std::optional<Endpoint> plain_http(const Visited& visited) {
        const std::string& host = visited.name->host;
        Endpoint endpoint;
        std::optional<Fault> fault;
        for (const Endpoint& each : endpoints(visited, http_port)) {
            endpoint = each;
            fault = examiner_.connect(endpoint, host);
            if (!fault) {
                return endpoint;
            }
        }
        // A port, or a machine, that can't be reached is one finding.
        report_plain_http(*fault, needs_plain_http_ || visited.elsewhere || !visited.open, endpoint,
                          host, report_at(visited, host));
        return std::nullopt;
    }

    static std::string url_of(const Visited& visited, const std::string& target) {
        return formatted("https://{}{}", visited.name->host, target);
    }

    bool can_be_asked(const Visited& visited) { return visited.https && !visited.given_up; }

    HttpRequest request_to(const Visited& visited, const std::string& target,
                           std::string_view accept) const {
        HttpRequest request;
        request.url = url_of(visited, target);
        request.accept = accept;
        request.to = *visited.https;
        return request;
    }

    template <class Judging>
    void ask(Visited& visited, const HttpRequest& request, const Judging& judging) {
        const bool over_https = request.url.starts_with("https:");
        const HttpAnswer answer = examiner_.ask(request);
        const Asked asked{steps_.published, visited.name->host, visited.name->farm};
        Judge judge(asked, answer, report_at(visited, request.url));
        judging(judge);
        visited.given_up |= over_https && judge.hopeless();
    }

    /// Goes where the links lead, and where those of the answers lead.
    void follow(std::deque<Pending> pending) {
        for (std::size_t followed = 0; !pending.empty(); followed++) {
            const Pending next = std::move(pending.front());
            pending.pop_front();
            if (next.redirects > most_redirects || followed == most_links) {
                const std::string& url = next.link.href;
                return written_.findings.add(Id::autodiscover_loop, url, "", {url});
            }
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

    void ask_for_document(Visited& visited, const std::string& target, std::size_t redirects,
                          std::deque<Pending>& pending) {
        const std::string url = url_of(visited, target);
        if (!requested_.insert(url).second && redirects == 0) {
            return;
        }
        ask(visited, request_to(visited, target, accept_autodiscover), [&](Judge& judge) {
            const auto document = judge.autodiscover();
            if (document && document->kind == "Root") {
                look_at_root(*document, report_at(visited, url), url, redirects, pending);
            }
        });
    }

    void look_at_root(const Document& document, const Report& report, const std::string& url,
                      std::size_t redirects, std::deque<Pending>& pending) {
        if (const Link* redirect = document.link("Redirect")) {
            pending.push_back({*redirect, redirects + 1});
            return;
        }
        for (const std::string token : {"User", "Domain"}) {
            if (document.link(token) == nullptr) {
                report(Id::autodiscover_incomplete, url, {formatted("{} link", token)});
            }
        }
        for (const Link& link : document.links) {
            if (link.token == "Domain" || link.token == "User" || link.token == "OAuth") {
                pending.push_back({link});
            }
        }
    }

    /// Without a web ticket: the answer has to be the right refusal.
    void ask_for_user(Visited& visited, const std::string& target, bool oauth) {
        if (requested_.insert(url_of(visited, target)).second) {
            ask(visited,
                request_to(visited, target, oauth ? "application/json" : accept_autodiscover),
                [&](Judge& judge) { oauth ? judge.oauth_challenge() : judge.user_challenge(); });
        }
    }

    void ask_plain_http(Visited& visited) {
        if (!visited.known || visited.http == PlainHttp::unused) {
            return;
        }
        const auto endpoint = plain_http(visited);
        if (!endpoint) {
            return;
        }
        const bool needed = visited.http == PlainHttp::autodiscover;
        HttpRequest request;
        request.url = formatted("http://{}/", visited.name->host);
        request.to = *endpoint;
        request.accept = needed ? accept_autodiscover : "*/*";
        const Report report = report_at(visited, request.url);
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
                follow({{*redirect, 1}});
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
                   {location.empty() ? answer.status_text
                                     : formatted("{} to \"{}\"", answer.status_text, location)});
        }
    }

    void sign_in() {
        for (const Visited& visited : visited_) {
            const Question* question = sign_in_question(visited.name->questions);
            if (!visited.name->sign_in || question == nullptr) {
                continue;
            }
            const bool trusted = visited.https && visited.trusted && !visited.given_up;
            examiner_.sign_in(trusted ? request_to(visited, question->path, "*/*") : HttpRequest(),
                              settings_.ca_file, url_of(visited, question->path), trusted);
        }
    }

    const OutsideSteps& steps_;
    const Settings& settings_;
    Examination& written_;
    Examiner examiner_;
    TrustStore trusted_;
    std::vector<Visited> visited_;                  ///< as steps_.names
    Address home_;                                  ///< where most names lead
    std::set<std::string> old_versions_looked_for_; ///< endpoints
    std::map<std::string, std::size_t, std::less<>> by_host_;
    std::set<std::string> requested_; ///< URLs
    bool needs_plain_http_ = false;   ///< clients of some name do
};

} // namespace

void examine_from_outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
                          Output& output) {
    for (const std::string& pattern : steps.patterns) {
        output.note(formatted("{} stands for any domain: name some with --domain", pattern));
    }
    Outside(steps, settings, written, output).examine();
}

} // namespace lync::lyncctl::doctor
