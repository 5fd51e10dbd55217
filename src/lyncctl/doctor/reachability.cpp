#include "lyncctl/doctor/reachability.h"

#include <algorithm>
#include <map>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::uint16_t https_port = 443; ///< what clients use is the published port, always
constexpr std::uint16_t http_port = 80;
constexpr std::size_t most_addresses = 4; ///< of one name that are looked at

/// Whether `name` is `domain` or lies in it.
bool is_within(std::string_view name, std::string_view domain) {
    return name == domain || (name.ends_with(domain) && name.size() > domain.size() &&
                              name[name.size() - domain.size() - 1] == '.');
}

/// What tells only that a name leads to the wrong machine, if it does lead elsewhere.
bool follows_from_wrong_address(Id id) {
    return (id >= Id::port_closed && id <= Id::http_foreign_page) || id == Id::http_port_closed;
}

std::string addresses_of(const Visited& visited) {
    std::string text;
    for (const Address& address : visited.addresses) {
        text += (text.empty() ? "" : ", ") + address.text();
    }
    return text;
}

} // namespace

Reach::Reach(const OutsideSteps& steps, Examiner& examiner)
    : steps_(steps), examiner_(examiner), settings_(examiner.settings()),
      written_(examiner.written()), trusted_(settings_.ca_file) {}

std::vector<Visited> Reach::all() {
    std::vector<Visited> all(steps_.names.size());
    for (std::size_t i = 0; i < all.size(); i++) {
        all[i].name = &steps_.names[i];
        find_addresses(all[i]);
    }
    find_strays(all);
    look_for_internal_names(all);
    for (Visited& visited : all) {
        reach(visited);
    }
    return all;
}

// --- findings

void Reach::add(const Visited& visited, Id id, std::string_view where, std::string_view key,
                std::string what) {
    if (visited.elsewhere && follows_from_wrong_address(id)) {
        const std::string& host = visited.name->host;
        written_.findings.add(Id::dns_elsewhere, host, host,
                              host + " leads to " + addresses_of(visited) +
                                  ", the other names lead to " + home_.text() + "; there " + what);
        return;
    }
    written_.findings.add(id, where, key, std::move(what));
}

Examiner::Add Reach::adder(const Visited& visited) {
    return [this, &visited](Id id, std::string_view key, std::string what) {
        add(visited, id, visited.name->host, key, std::move(what));
    };
}

// --- names to addresses

const ConnectRule* Reach::connect_rule(const std::string& host, std::uint16_t port) const {
    for (const ConnectRule& rule : settings_.connect) {
        if ((rule.name.empty() || rule.name == host) && (rule.port == 0 || rule.port == port)) {
            return &rule;
        }
    }
    return nullptr;
}

/// Addresses that the command line gives for a name; empty if the DNS is to be asked.
std::vector<Address> Reach::given_addresses(const std::string& host) const {
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
Endpoint Reach::endpoint_of(const Visited& visited, const Address& address,
                            std::uint16_t port) const {
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
Resolution Reach::ask_dns(const std::string& name) {
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

void Reach::find_addresses(Visited& visited) {
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
        return tell(Id::dns_no_such_name, "", "the DNS knows no such name");
    case Resolution::Outcome::no_address:
        return tell(Id::dns_no_address, "", "the DNS has no address for it");
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
void Reach::tell_alias(const Visited& visited, const Resolution& found) {
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

bool Reach::leads_past_proxy(const Visited& visited) {
    for (const std::string& server : steps_.server_addresses) {
        const auto address = Address::parse(server);
        if (address && std::find(visited.addresses.begin(), visited.addresses.end(), *address) !=
                           visited.addresses.end()) {
            written_.findings.add(Id::dns_past_proxy, visited.name->host, server,
                                  visited.name->host + " leads to " + address->text() +
                                      ", a server of the publication");
            return true;
        }
    }
    return false;
}

/// The address that most names share, and the names that lead somewhere else.
void Reach::find_strays(std::vector<Visited>& all) {
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
    // Whoever shares an address with a name at home is at home as well: IPv4 and IPv6 of it.
    std::set<std::string> at_home{most->first};
    for (const Visited& visited : all) {
        const bool here = std::find(visited.addresses.begin(), visited.addresses.end(), home_) !=
                          visited.addresses.end();
        for (const Address& address : visited.addresses) {
            if (here) {
                at_home.insert(address.text());
            }
        }
    }
    for (Visited& visited : all) {
        visited.elsewhere =
            visited.known &&
            std::none_of(visited.addresses.begin(), visited.addresses.end(),
                         [&](const Address& address) { return at_home.contains(address.text()); });
    }
}

void Reach::look_for_internal_names(const std::vector<Visited>& all) {
    const bool asked_dns =
        std::any_of(all.begin(), all.end(), [](const Visited& v) { return !v.given && v.known; });
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

void Reach::reach(Visited& visited) {
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
void Reach::tell_unreachable(const Visited& visited, const Connected& connected,
                             const Endpoint& endpoint) {
    examiner_.tell_connection(connected, endpoint, endpoint.address.text(), outside_ids,
                              adder(visited));
}

bool Reach::told_unreachable(const Endpoint& endpoint) const {
    const std::string key = endpoint.address.text();
    return written_.findings.has(Id::port_closed, key) ||
           written_.findings.has(Id::port_timed_out, key) ||
           written_.findings.has(Id::port_unreachable, key);
}

std::optional<Handshake> Reach::again(const Endpoint& endpoint, const HandshakeRequest& request) {
    Connected connected = examiner_.connect(endpoint);
    if (connected.outcome != Connected::Outcome::open) {
        return std::nullopt;
    }
    return shake_hands(connected.connection, request, trusted_, examiner_.deadline());
}

void Reach::secure(Visited& visited, const Endpoint& endpoint, const Connection& connection) {
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
    const bool http1 = speaks_http1(visited, endpoint, handshake);
    // A lyncdiscover name that the publication knows as not covered is asked over plain HTTP.
    if (name.http == PlainHttp::autodiscover && handshake.verdict.wrong_name) {
        handshake.verdict.wrong_name = false;
        visited.given_up = true;
    }
    const bool trusted =
        examiner_.tell_certificate(handshake, name.host, outside_ids, tell) && !visited.given_up;
    if (http1 && !visited.https) {
        visited.https = endpoint;
        visited.trusted = trusted;
    }
}

bool Reach::speaks_http1(const Visited& visited, const Endpoint& endpoint,
                         const Handshake& handshake) {
    if (handshake.alpn != "h2") {
        return true;
    }
    const auto second = again(endpoint, {visited.name->host, {"http/1.1"}, false});
    const auto tell = adder(visited);
    if (!second || second->outcome != Handshake::Outcome::done || second->alpn != "http/1.1") {
        tell(Id::http2_only, endpoint.text(), endpoint.text() + " offers nothing but HTTP/2");
        return false;
    }
    if (visited.name->ntlm) {
        tell(Id::http2_chosen, endpoint.text(), endpoint.text() + " prefers HTTP/2");
    }
    return true;
}

Reach::Plain Reach::plain_http(const Visited& visited) {
    const Name& name = *visited.name;
    Plain plain;
    Connected connected;
    for (const Address& address : visited.addresses) {
        plain.endpoint = endpoint_of(visited, address, http_port);
        examiner_.begin("connection to " + name.host + ", " + plain.endpoint.text());
        connected = examiner_.connect(plain.endpoint);
        if (connected.outcome == Connected::Outcome::open) {
            plain.open = true;
            return plain;
        }
    }
    if (name.http == PlainHttp::autodiscover) {
        tell_unreachable(visited, connected, plain.endpoint);
    } else if (!told_unreachable(plain.endpoint)) {
        add(visited, Id::http_port_closed, name.host, plain.endpoint.text(),
            plain.endpoint.text() + (connected.outcome == Connected::Outcome::refused
                                         ? " refuses the connection"
                                         : " doesn't answer"));
    }
    return plain;
}

} // namespace lync::lyncctl::doctor
