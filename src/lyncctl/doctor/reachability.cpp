#include "lyncctl/doctor/reachability.h"

#include <algorithm>
#include <map>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::uint16_t https_port = 443; ///< clients use the published ports, always
constexpr std::uint16_t http_port = 80;

/// Whether `name` is `domain` or lies in it.
bool is_within(std::string_view name, const std::string& domain) {
    return name == domain || name.ends_with("." + domain);
}

template <class Container, class Value>
bool has(const Container& container, const Value& value) {
    return std::find(container.begin(), container.end(), value) != container.end();
}

} // namespace

Reachability::Reachability(const OutsideSteps& steps, Examiner& examiner)
    : steps_(steps), examiner_(examiner), findings_(examiner.written().findings),
      trusted_(examiner.settings().ca_file) {}

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
    presented_.freeze();
    return all;
}

// --- findings

Report Reachability::report_at(const Visited& visited, const std::string& where) {
    return [this, &visited, where](Id id, const std::string& key, const Words& words) {
        // What only shows that a name leads to the wrong machine, if it does lead elsewhere.
        if (!visited.elsewhere || id < Id::port_closed || id > Id::http_foreign_page) {
            return findings_.add(id, where, key, words);
        }
        const std::string& host = visited.name->host;
        std::vector<std::string> addresses;
        for (const Address& address : visited.addresses) {
            addresses.push_back(address.text());
        }
        findings_.add(Id::dns_elsewhere, host, host,
                      {host, some_of(addresses, 3), home_.text(), found_text(id, words)});
    };
}

// --- names to addresses

/// Where a client's connections to a port of the name go.
std::vector<Endpoint> Reachability::endpoints(const Visited& visited, std::uint16_t port) const {
    const auto [given, to_port] = redirected(examiner_.settings().rules, visited.name->host, port);
    std::vector<Endpoint> endpoints;
    for (const Address& address : given.empty() ? visited.addresses : given) {
        endpoints.push_back({address, to_port});
    }
    return endpoints;
}

void Reachability::find_addresses(Visited& visited) {
    const std::string& host = visited.name->host;
    visited.addresses = redirected(examiner_.settings().rules, host, https_port).first;
    if (!visited.addresses.empty()) {
        visited.known = visited.given = true;
        return;
    }
    const Resolution found = examiner_.resolve(host);
    if (found.fault) {
        return findings_.add(found.fault->id, host, found.fault->detail, {found.fault->detail});
    }
    visited.addresses = found.addresses;
    // Phones insist on a certificate of the alias' own domain [Lync 2013, "DNS requirements for
    // Autodiscover"].
    const std::string& domain = visited.name->sip_domain;
    const auto foreign = std::find_if(found.aliases.begin(), found.aliases.end(),
                                      [&](const auto& alias) { return !is_within(alias, domain); });
    if (!domain.empty() && foreign != found.aliases.end()) {
        findings_.add(Id::dns_cname_foreign, host, *foreign, {host, *foreign});
    }
    visited.known = !leads_past_proxy(visited);
}

bool Reachability::leads_past_proxy(const Visited& visited) {
    const std::string& host = visited.name->host;
    for (const std::string& server : steps_.server_addresses) {
        const auto address = Address::parse(server);
        if (address && has(visited.addresses, *address)) {
            findings_.add(Id::dns_past_proxy, host, server, {host, address->text()});
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
    std::vector<Address> at_home;
    for (const Visited& visited : all) {
        if (has(visited.addresses, home_)) {
            at_home.insert(at_home.end(), visited.addresses.begin(), visited.addresses.end());
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
        for (const Address& address : examiner_.resolve(name).addresses) {
            // From inside such a name has a private address, as it should.
            if (!address.is_internal()) {
                findings_.add(Id::dns_internal_visible, name, name, {name, address.text()});
                break;
            }
        }
    }
}

// --- connections

void Reachability::reach(Visited& visited) {
    const Report report = report_at(visited, visited.name->host);
    visited.http =
        visited.name->http == visited.name->http_uncovered ? visited.name->http : PlainHttp::unused;
    bool any_open = false;
    std::vector<std::pair<Connected, Endpoint>> failures;
    for (const Endpoint& endpoint : endpoints(visited, https_port)) {
        Connected connected = examiner_.connect(endpoint, visited.name->host);
        if (connected.fault) {
            failures.emplace_back(std::move(connected), endpoint);
        } else {
            any_open = true;
            secure(visited, endpoint, connected.connection);
        }
    }
    for (const auto& [failed, endpoint] : failures) {
        // An address of a family that this machine doesn't have shows nothing beside others. A
        // machine that can't be reached is one finding, whichever port is tried for whatever name.
        if (!failed.no_family || !any_open) {
            report(failed.fault->id, endpoint.address.text(),
                   {endpoint.text(), failed.fault->detail});
        }
    }
}

void Reachability::secure(Visited& visited, const Endpoint& endpoint,
                          const Connection& connection) {
    const Name& name = *visited.name;
    const Report report = report_at(visited, visited.name->host);
    auto handshake =
        examiner_.secure(connection, endpoint, {name.host, http2_or_1, false}, trusted_, report);
    if (!handshake) {
        return;
    }
    for (const std::string& covered : handshake->names) {
        presented_.add(covered);
    }
    look_for_old_versions(endpoint, name, report);
    const bool speaks = speaks_http1(name, endpoint, *handshake, report);
    // A lyncdiscover name that the certificate doesn't cover is asked over plain HTTP.
    visited.http =
        handshake->objections.contains(Id::certificate_name) ? name.http_uncovered : name.http;
    if (visited.http == PlainHttp::autodiscover) {
        handshake->objections.erase(Id::certificate_name);
        visited.given_up = true;
    }
    const bool trusted = report_certificate(*handshake, name.host, report) && !visited.given_up;
    if (speaks && !visited.https) {
        visited.https = endpoint;
        visited.trusted = trusted;
    }
}

/// TLS 1.1 and older beside others, which is reported once.
void Reachability::look_for_old_versions(const Endpoint& endpoint, const Name& name,
                                         const Report& report) {
    const std::string where = endpoint.text();
    if (!old_versions_looked_for_.insert(where).second) {
        return;
    }
    if (const auto old =
            examiner_.secure_again(endpoint, {name.host, http2_or_1, true}, trusted_)) {
        report(Id::tls_old_accepted, where, {where, old->version});
    }
}

bool Reachability::speaks_http1(const Name& name, const Endpoint& endpoint,
                                const Handshake& handshake, const Report& report) {
    if (handshake.alpn != "h2") {
        return true;
    }
    const std::string where = endpoint.text();
    const auto second = examiner_.secure_again(endpoint, {name.host, http1, false}, trusted_);
    if (!second || second->alpn != http1.substr(1)) {
        report(Id::http2_only, where, {where});
        return false;
    }
    if (name.ntlm) {
        report(Id::http2_chosen, where, {where});
    }
    return true;
}

std::optional<Endpoint> Reachability::plain_http(const Visited& visited) {
    Endpoint endpoint;
    Connected connected;
    for (const Endpoint& each : endpoints(visited, http_port)) {
        endpoint = each;
        connected = examiner_.connect(endpoint, visited.name->host);
        if (!connected.fault) {
            return endpoint;
        }
    }
    const std::string& host = visited.name->host;
    const std::string key = endpoint.address.text();
    const Id id = connected.fault->id;
    const Words words{endpoint.text(), connected.fault->detail};
    if (visited.http == PlainHttp::autodiscover || visited.elsewhere) {
        report_at(visited, host)(id, key, words);
    } else if (!findings_.has(Id::port_closed, key) && !findings_.has(Id::port_timed_out, key) &&
               !findings_.has(Id::port_unreachable, key)) {
        findings_.add_text(Id::http_port_closed, host, endpoint.text(), found_text(id, words));
    }
    return std::nullopt;
}

} // namespace lync::lyncctl::doctor
