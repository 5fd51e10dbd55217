// What only the whole declaration shows, and what only all publications of one nginx.conf show:
// sockets and names.

#include "config/declare.h"

#include "base/ascii.h"

#include <unordered_map>

namespace lync::config {

namespace {

using Claim = Registry::Claim;

std::string in_publication(std::string_view name) {
    return "lync_publish " + lync::quoted(name);
}

class Names {
public:
    Names(const Publication& publication, Registry& registry)
        : publication_(publication), registry_(registry) {}

    void check() {
        for (const Farm& farm : publication_.farms) {
            claim_farm(farm);
        }
        for (const SimpleUrl& url : publication_.simple_urls) {
            claim_simple_url(url);
        }
        claim_sip_domains();
    }

private:
    void claim_farm(const Farm& farm) {
        const bool web_services = farm.role == Role::pool || farm.role == Role::director;
        for (const Farm& other : publication_.farms) {
            if (&other == &farm || !web_services) {
                break; // other farms' names are published ones
            }
            if (other.name == farm.name) {
                throw Mistake(title(farm) + " is duplicate in " +
                                  in_publication(publication_.name) + ", the first stands at " +
                                  at(other.place),
                              farm.place);
            }
        }
        const Claim& mine =
            add_claim(web_services ? "external_web_services of " + title(farm) : title(farm),
                      farm.published_place, false);
        for (const std::string& name : farm.published) {
            claim(name, mine);
        }
    }

    /// A claim a directive: there may be 20,000 names.
    void claim_sip_domains() {
        const auto& domains = publication_.sip_domains;
        const auto& places = publication_.sip_domain_places;
        if (domains.empty()) {
            return; // an OCS product's are left out
        }

        registry_.names.reserve(registry_.names.size() + domains.size());
        for (std::size_t i = 0; i < places.size(); i++) {
            const std::size_t end = i + 1 < places.size() ? places[i + 1].first : domains.size();
            const Claim& mine = add_claim("lyncdiscover of a sip_domain", places[i].second, false);
            for (std::size_t domain = places[i].first; domain < end; domain++) {
                claim("lyncdiscover." + domains[domain], mine);
            }
        }
    }

    void claim_simple_url(const SimpleUrl& url) {
        std::vector<const SimpleUrl*>& same_host = simple_urls_[url.host];
        for (const SimpleUrl* other : same_host) {
            compare(*other, url);
        }
        same_host.push_back(&url);
        claim(url.host, add_claim("simple_url " + std::string(simple_url_kind_name(url.kind)),
                                  url.place, true));
    }

    /// Whether `path` is `prefix` or lies below it, by whole segments, as IIS compares.
    static bool lies_below(std::string_view path, std::string_view prefix) {
        return path.size() >= prefix.size() &&
               equal_ignore_case(path.substr(0, prefix.size()), prefix) &&
               (path.size() == prefix.size() || path[prefix.size()] == '/');
    }

    void compare(const SimpleUrl& first, const SimpleUrl& second) const {
        const std::string later = "https://" + second.host + second.path;
        if (equal_ignore_case(first.path, second.path)) {
            throw Mistake("simple URL " + lync::quoted(later) + " is duplicate in " +
                              in_publication(publication_.name) + ", the first stands at " +
                              at(first.place),
                          second.place);
        }
        if (lies_below(second.path, first.path) || lies_below(first.path, second.path)) {
            throw Mistake("simple URL " + lync::quoted(later) + " and simple URL " +
                              lync::quoted("https://" + first.host + first.path) + " at " +
                              at(first.place) +
                              " lie one below the other: no simple URL may be a prefix of another",
                          second.place);
        }
    }

    const Claim& add_claim(std::string as, const Place& place, bool simple_url) {
        return registry_.claims.emplace_back(
            Claim{publication_.name, std::move(as), place, simple_url});
    }

    void claim(std::string host, const Claim& mine) {
        refuse_internal(host, mine);

        const auto [known, is_new] = registry_.names.try_emplace(std::move(host), &mine);
        if (is_new) {
            return;
        }
        const Claim& first = *known->second;
        if (first.publication != mine.publication) {
            throw Mistake(lync::quoted(known->first) + " is published twice: as " + mine.as +
                              " of " + in_publication(mine.publication) + " and as " + first.as +
                              " of " + in_publication(first.publication) + " at " + at(first.place),
                          mine.place);
        }
        if (!first.simple_url || !mine.simple_url) {
            throw Mistake(lync::quoted(known->first) + " is published twice in " +
                              in_publication(mine.publication) + ": as " + mine.as + " and as " +
                              first.as + " at " + at(first.place),
                          mine.place);
        }
    }

    /// Names that must never resolve to, or be answered by, a reverse proxy.
    void refuse_internal(const std::string& host, const Claim& mine) const {
        for (const Farm& farm : publication_.farms) {
            const bool web_services = farm.role == Role::pool || farm.role == Role::director;
            if (web_services && farm.name == host) {
                throw Mistake(lync::quoted(host) + " is published as " + mine.as +
                                  " but is the own name of " + title(farm) +
                                  ": clients must be able to tell the external name from the "
                                  "pool's own",
                              mine.place);
            }
        }
        if (host.starts_with("lyncdiscoverinternal.")) {
            throw Mistake(lync::quoted(host) + " is published as " + mine.as +
                              ": clients ask for it first and take its answer for the inside, it "
                              "must not be reachable from outside",
                          mine.place);
        }
    }

    static std::string title(const Farm& farm) {
        return std::string(role_name(farm.role)) + " " + lync::quoted(farm.name);
    }

    const Publication& publication_;
    Registry& registry_;
    std::unordered_map<std::string_view, std::vector<const SimpleUrl*>> simple_urls_; ///< by host
};

void check_socket(Socket& socket, bool tls, const std::string& publication, Registry& registry) {
    const auto [known, is_new] = registry.sockets.try_emplace(
        socket.address, Registry::Listener{publication, tls, socket.proxy_protocol,
                                           socket.parameters, socket.place});
    Registry::Listener& listener = known->second;

    if (is_new) {
        socket.needs_catch_all = true;
        socket.states_parameters = !socket.parameters.empty();
        return;
    }

    const std::string other =
        " at " + at(listener.place) + " of " + in_publication(listener.publication);
    const auto fail = [&](const std::string& why) {
        throw Mistake("socket " + lync::quoted(socket.address) + " in " +
                          in_publication(publication) + why,
                      socket.place);
    };

    if (listener.tls != tls) {
        fail(" is for " + std::string(tls ? "https" : "http") + ", but for " +
             (tls ? "http" : "https") + other + ": a socket speaks one of them");
    }
    if (listener.proxy_protocol != socket.proxy_protocol) {
        fail(std::string(listener.proxy_protocol ? " lacks" : " has") +
             " \"proxy_protocol\", unlike" + other + ": it is the same socket");
    }
    if (!socket.parameters.empty() && !listener.parameters.empty() &&
        socket.parameters != listener.parameters) {
        fail(" has other parameters than" + other + ": it is the same socket");
    }
    if (listener.parameters.empty() && !socket.parameters.empty()) {
        listener.parameters = socket.parameters;
        socket.states_parameters = true;
    }
}

} // namespace

void check_sockets(Publication& publication, Registry& registry) {
    for (Socket& socket : publication.http_sockets) {
        check_socket(socket, false, publication.name, registry);
    }
    for (Socket& socket : publication.https_sockets) {
        check_socket(socket, true, publication.name, registry);
    }
}

void check_names(const Publication& publication, Registry& registry) {
    Names(publication, registry).check();
}

} // namespace lync::config
