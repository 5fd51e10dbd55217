#include "lyncctl/doctor/reachability.h"

#include <algorithm>
#include <map>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::uint16_t https_port = 443; ///< what clients use is the published port, always
constexpr std::uint16_t http_port = 80;
constexpr std::size_t most_addresses = 4; ///< of one name that are looked at

/// Whether `name` is `domain` or lies in it.
bool is_within(std::string_view name, const std::string& domain) {
    return name == domain || name.ends_with("." + domain);
}

/// What tells only that a name leads to the wrong machine, if it does lead elsewhere.
bool follows_from_wrong_address(Id id) {
    return (id >= Id::port_closed && id <= Id::http_foreign_page) || id == Id::http_port_closed;
}

template <class Container, class Value>
bool has(const Container& container, const Value& value) {
    return std::find(container.begin(), container.end(), value) != container.end();
}

// --- what the command line says

const ConnectRule* connect_rule(const Settings& settings, const std::string& host,
                                std::uint16_t port) {
    for (const ConnectRule& rule : settings.connect) {
        if ((rule.name.empty() || rule.name == host) && (rule.port == 0 || rule.port == port)) {
            return &rule;
        }
    }
    return nullptr;
}

const ResolveRule* resolve_rule(const Settings& settings, const std::string& host,
                                std::uint16_t port) {
    for (const ResolveRule& rule : settings.resolve) {
        if ((rule.name == "*" || rule.name == host) && rule.port == port) {
            return &rule;
        }
    }
    return nullptr;
}

/// Addresses that the command line gives for a name; empty if the DNS is to be asked.
std::vector<Address> given_addresses(const Settings& settings, const std::string& host) {
    const ConnectRule* connect = connect_rule(settings, host, https_port);
    if (connect != nullptr && connect->to) {
        return {*connect->to};
    }
    const ResolveRule* resolve = resolve_rule(settings, host, https_port);
    return resolve == nullptr ? std::vector<Address>() : resolve->addresses;
}

/// Where a client's connection to host:port goes.
Endpoint endpoint_of(const Settings& settings, const std::string& host, const Address& address,
                     std::uint16_t port) {
    Endpoint endpoint{address, port};
    const ResolveRule* resolve = resolve_rule(settings, host, port);
    if (resolve != nullptr && port != https_port) {
        endpoint.address = resolve->addresses.front();
    }
    if (const ConnectRule* connect = connect_rule(settings, host, port)) {
        endpoint.address = connect->to.value_or(endpoint.address);
        endpoint.port = connect->to_port == 0 ? port : connect->to_port;
    }
    return endpoint;
}

} // namespace

Reachability::Reachability(const OutsideSteps& steps, Examiner& examiner)
    : steps_(steps), examiner_(examiner), settings_(examiner.settings()),
      findings_(examiner.written().findings), trusted_(settings_.ca_file) {}

std::vector<Visited> Reachability::all() {
    std::vector<Visited> all(steps_.names.size());
    for (std::size_t i = 0; i < all.size(); i++) {
        all[i].name = &steps_.names[i];
        find_addresses(all[i]);
    }
    find_strays(all);
    look_for_internal_names(all);
    for (Visited& visited : all) {
        if (visited.known) {
            reach(visited);
        }
    }
    return all;
}

// --- findings

void Reachability::add(const Visited& visited, Id id, std::string_view where, std::string_view key,
                       std::string what) {
    if (!visited.elsewhere || !follows_from_wrong_address(id)) {
        findings_.add(id, where, key, std::move(what));
        return;
    }
    const std::string& host = visited.name->host;
    std::string addresses;
    for (const Address& address : visited.addresses) {
        addresses += (addresses.empty() ? "" : ", ") + address.text();
    }
    findings_.add(Id::dns_elsewhere, host, host,
                  host + " leads to " + addresses + ", the other names lead to " + home_.text() +
                      "; there " + what);
}

Report Reachability::report_for(const Visited& visited) {
    return [this, &visited](Id id, std::string_view key, std::string what) {
        add(visited, id, visited.name->host, key, std::move(what));
    };
}

// --- names to addresses

/// Once it was silent for a few names in a row, the DNS isn't waited for any more.
Resolution Reachability::ask_dns(const std::string& name) {
    Resolution found;
    found.outcome = Resolution::Outcome::no_answer;
    if (silent_dns_ < enough_silence) {
        found = examiner_.resolve(name);
        silent_dns_ = found.outcome == Resolution::Outcome::no_answer ? silent_dns_ + 1 : 0;
    }
    return found;
}

void Reachability::find_addresses(Visited& visited) {
    const std::string& host = visited.name->host;
    visited.addresses = given_addresses(settings_, host);
    if (!visited.addresses.empty()) {
        visited.known = visited.given = true;
        return;
    }
    const Resolution found = ask_dns(host);
    switch (found.outcome) {
    case Resolution::Outcome::found:
        break;
    case Resolution::Outcome::no_such_name:
        return findings_.add(Id::dns_no_such_name, host, "", "the DNS knows no such name");
    case Resolution::Outcome::no_address:
        return findings_.add(Id::dns_no_address, host, "", "the DNS has no address for it");
    case Resolution::Outcome::no_answer:
        return findings_.add(Id::dns_no_answer, host, "", "the DNS doesn't answer");
    case Resolution::Outcome::failed:
        return findings_.add(Id::dns_failed, host, found.detail,
                             "the DNS answers with a failure: " + shown(found.detail));
    }
    visited.addresses = found.addresses;
    if (visited.addresses.size() > most_addresses) {
        visited.addresses.resize(most_addresses);
    }
    // Phones insist on a certificate of the alias' own domain [Lync 2013, "DNS requirements for
    // Autodiscover"].
    const std::string& domain = visited.name->sip_domain;
    const auto foreign = std::find_if(found.aliases.begin(), found.aliases.end(),
                                      [&](const auto& alias) { return !is_within(alias, domain); });
    if (!domain.empty() && foreign != found.aliases.end()) {
        findings_.add(Id::dns_cname_foreign, host, *foreign,
                      host + " is an alias of " + shown(*foreign));
    }
    visited.known = !leads_past_proxy(visited);
}

bool Reachability::leads_past_proxy(const Visited& visited) {
    const std::string& host = visited.name->host;
    for (const std::string& server : steps_.server_addresses) {
        const auto address = Address::parse(server);
        if (address && has(visited.addresses, *address)) {
            findings_.add(Id::dns_past_proxy, host, server,
                          host + " leads to " + address->text() + ", a server of the publication");
            return true;
        }
    }
    return false;
}

/// The address that most names share, and the names that lead somewhere else.
void Reachability::find_strays(std::vector<Visited>& all) {
    std::map<std::string, std::size_t> counts;
    std::size_t known = 0;
    for (const Visited& visited : all) {
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
    // A name that shares an address with a name at home is at home as well: IPv4 and IPv6 of it.
    std::vector<Address> at_home{home_};
    for (const Visited& visited : all) {
        if (has(visited.addresses, home_)) {
            for (const Address& address : visited.addresses) {
                if (!has(at_home, address)) {
                    at_home.push_back(address);
                }
            }
        }
    }
    for (Visited& visited : all) {
        visited.elsewhere =
            visited.known && std::none_of(visited.addresses.begin(), visited.addresses.end(),
                                          [&](const Address& a) { return has(at_home, a); });
    }
}

void Reachability::look_for_internal_names(const std::vector<Visited>& all) {
    if (std::none_of(all.begin(), all.end(),
                     [](const Visited& v) { return !v.given && v.known; })) {
        return; // the DNS isn't asked
    }
    for (const std::string& name : steps_.internal_names) {
        for (const Address& address : ask_dns(name).addresses) {
            // From inside such a name has a private address, as it should.
            if (!address.is_internal()) {
                findings_.add(Id::dns_internal_visible, name, name,
                              name + " has the address " + address.text());
                break;
            }
        }
    }
}

// --- connections

void Reachability::reach(Visited& visited) {
    const std::string& host = visited.name->host;
    bool any_open = false;
    std::vector<std::pair<Connected, Endpoint>> failures;
    for (const Address& address : visited.addresses) {
        const Endpoint endpoint = endpoint_of(settings_, host, address, https_port);
        Connected connected = examiner_.connect(endpoint, host);
        if (connected.outcome == Connected::Outcome::open) {
            any_open = true;
            secure(visited, endpoint, connected.connection);
        } else {
            failures.emplace_back(std::move(connected), endpoint);
        }
    }
    for (const auto& [connected, endpoint] : failures) {
        // An address of a family that this machine doesn't have tells nothing beside others. A
        // machine that can't be reached is one finding, whichever port is tried for whatever name.
        if (connected.outcome != Connected::Outcome::no_family || !any_open) {
            report_connection(connected, endpoint, endpoint.address.text(), report_for(visited));
        }
    }
}

void Reachability::secure(Visited& visited, const Endpoint& endpoint,
                          const Connection& connection) {
    const Name& name = *visited.name;
    const Report report = report_for(visited);
    Handshake handshake;
    handshake.outcome = Handshake::Outcome::timed_out;
    if (!silent_tls_.contains(endpoint.text())) {
        handshake = examiner_.shake_hands(connection, {name.host, {"h2", "http/1.1"}, false},
                                          trusted_, name.host);
    }
    if (handshake.outcome == Handshake::Outcome::timed_out) {
        silent_tls_.insert(endpoint.text()); // nobody is there, whatever the name
    }
    if (speaks_only_old(endpoint, name.host, handshake, report) ||
        !report_handshake(handshake, endpoint, name.host, report)) {
        return;
    }
    const bool http1 = speaks_http1(name, endpoint, handshake, report);
    // A lyncdiscover name that the publication knows as not covered is asked over plain HTTP.
    if (name.http == PlainHttp::autodiscover && handshake.verdict.wrong_name) {
        handshake.verdict.wrong_name = false;
        visited.given_up = true;
    }
    const bool trusted = report_certificate(handshake, name.host, report) && !visited.given_up;
    if (http1 && !visited.https) {
        visited.https = endpoint;
        visited.trusted = trusted;
    }
}

/// Looks for TLS 1.1 and older: the only ones, or beside others, which is told once.
bool Reachability::speaks_only_old(const Endpoint& endpoint, const std::string& host,
                                   const Handshake& handshake, const Report& report) {
    const bool done = handshake.outcome == Handshake::Outcome::done;
    const std::string where = endpoint.text();
    if (done ? !old_versions_looked_at_.insert(where).second : !may_be_old(handshake)) {
        return false;
    }
    const auto old =
        examiner_.shake_hands_again(endpoint, {host, {"h2", "http/1.1"}, true}, trusted_);
    if (!old || old->outcome != Handshake::Outcome::done) {
        return false;
    }
    report(done ? Id::tls_old_accepted : Id::tls_old_only, where,
           where + (done ? " accepts " + old->version : " speaks " + old->version + " at most"));
    return !done;
}

bool Reachability::speaks_http1(const Name& name, const Endpoint& endpoint,
                                const Handshake& handshake, const Report& report) {
    if (handshake.alpn != "h2") {
        return true;
    }
    const std::string where = endpoint.text();
    const auto second =
        examiner_.shake_hands_again(endpoint, {name.host, {"http/1.1"}, false}, trusted_);
    if (!second || second->outcome != Handshake::Outcome::done || second->alpn != "http/1.1") {
        report(Id::http2_only, where, where + " offers nothing but HTTP/2");
        return false;
    }
    if (name.ntlm) {
        report(Id::http2_chosen, where, where + " prefers HTTP/2");
    }
    return true;
}

std::optional<Endpoint> Reachability::plain_http(const Visited& visited) {
    const Name& name = *visited.name;
    Endpoint endpoint;
    Connected connected;
    for (const Address& address : visited.addresses) {
        endpoint = endpoint_of(settings_, name.host, address, http_port);
        connected = examiner_.connect(endpoint, name.host);
        if (connected.outcome == Connected::Outcome::open) {
            return endpoint;
        }
    }
    const std::string key = endpoint.address.text();
    if (name.http == PlainHttp::autodiscover) {
        report_connection(connected, endpoint, key, report_for(visited));
    } else if (!findings_.has(Id::port_closed, key) && !findings_.has(Id::port_timed_out, key) &&
               !findings_.has(Id::port_unreachable, key)) {
        add(visited, Id::http_port_closed, name.host, endpoint.text(),
            endpoint.text() + (connected.outcome == Connected::Outcome::refused
                                   ? " refuses the connection"
                                   : " doesn't answer"));
    }
    return std::nullopt;
}

} // namespace lync::lyncctl::doctor
