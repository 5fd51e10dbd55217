// What only the whole declaration shows, and what only all publications of one nginx.conf show:
// sockets and names.

#include "topology/declare.h"

#include "topology/ascii.h"

#include <algorithm>
#include <unordered_map>

namespace lync::topology {

namespace {

/// Where a host of this publication was written, and as what.
struct Claim {
    std::string as;
    const Place* place;
    bool simple_url; ///< several simple URLs may share a host
};

std::string in_publication(std::string_view name) { return "lync_publish " + quoted(name); }

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
        // In the order of the directives: looking up the place of each of 20,000 would take long.
        auto next = publication_.sip_domain_places.begin();
        const Place* place = &publication_.place;
        for (std::size_t i = 0; i < publication_.sip_domains.size(); i++) {
            while (next != publication_.sip_domain_places.end() && next->first <= i) {
                place = &(next++)->second;
            }
            claim("lyncdiscover." + publication_.sip_domains[i], "lyncdiscover of a sip_domain",
                  *place, false);
        }
        for (const auto& [host, claim] : claims_) {
            registry_.names.insert({host, {publication_.name, claim.as, *claim.place}});
        }
    }

private:
    void claim_farm(const Farm& farm) {
        for (const Farm& other : publication_.farms) {
            if (&other == &farm) {
                break;
            }
            if (other.name == farm.name) {
                throw Mistake(title(farm) + " is duplicate in " +
                                  in_publication(publication_.name) +
                                  ", the first stands at " + at(other.place),
                              farm.place);
            }
        }
        for (const std::string& name : farm.published) {
            const bool web_services = farm.role == Role::pool || farm.role == Role::director;
            claim(name, web_services ? "external_web_services of " + title(farm) : title(farm),
                  farm.published_place, false);
        }
    }

    void claim_simple_url(const SimpleUrl& url) {
        for (const SimpleUrl& other : publication_.simple_urls) {
            if (&other == &url) {
                break;
            }
            if (other.host == url.host) {
                compare(other, url);
            }
        }
        claim(url.host, "simple_url " + std::string(simple_url_kind_name(url.kind)), url.place,
              true);
    }

    /// Whether `path` is `prefix` or lies below it, by whole segments, as IIS compares.
    static bool lies_below(std::string_view path, std::string_view prefix) {
        return path.size() >= prefix.size() && equal_ignore_case(path.substr(0, prefix.size()), prefix) &&
               (path.size() == prefix.size() || path[prefix.size()] == '/');
    }

    void compare(const SimpleUrl& first, const SimpleUrl& second) const {
        const std::string later = "https://" + second.host + second.path;
        if (equal_ignore_case(first.path, second.path)) {
            throw Mistake("simple URL " + quoted(later) + " is duplicate in " +
                              in_publication(publication_.name) + ", the first stands at " +
                              at(first.place),
                          second.place);
        }
        if (lies_below(second.path, first.path) || lies_below(first.path, second.path)) {
            throw Mistake("simple URL " + quoted(later) + " and simple URL " +
                              quoted("https://" + first.host + first.path) + " at " +
                              at(first.place) +
                              " lie one below the other: no simple URL may be a prefix of another",
                          second.place);
        }
    }

    void claim(const std::string& host, std::string as, const Place& place, bool simple_url) {
        refuse_internal(host, as, place);

        const auto [mine, is_new] = claims_.try_emplace(host, Claim{as, &place, simple_url});
        if (!is_new && !(mine->second.simple_url && simple_url)) {
            throw Mistake(quoted(host) + " is published twice in " +
                              in_publication(publication_.name) + ": as " + as + " and as " +
                              mine->second.as + " at " + at(*mine->second.place),
                          place);
        }

        if (const auto theirs = registry_.names.find(host);
            is_new && theirs != registry_.names.end()) {
            throw Mistake(quoted(host) + " is published twice: as " + as + " of " +
                              in_publication(publication_.name) + " and as " + theirs->second.as +
                              " of " + in_publication(theirs->second.publication) + " at " +
                              at(theirs->second.place),
                          place);
        }
    }

    /// Names that must never resolve to, or be answered by, a reverse proxy.
    void refuse_internal(const std::string& host, const std::string& as, const Place& place) const {
        for (const Farm& farm : publication_.farms) {
            const bool web_services = farm.role == Role::pool || farm.role == Role::director;
            if (web_services && farm.name == host) {
                throw Mistake(quoted(host) + " is published as " + as + " but is the own name of " +
                                  title(farm) +
                                  ": clients must be able to tell the external name from the "
                                  "pool's own",
                              place);
            }
        }
        if (host.starts_with("lyncdiscoverinternal.")) {
            throw Mistake(quoted(host) + " is published as " + as +
                              ": clients ask for it first and take its answer for the inside, it "
                              "must not be reachable from outside",
                          place);
        }
    }

    static std::string title(const Farm& farm) {
        return std::string(role_name(farm.role)) + " " + quoted(farm.name);
    }

    const Publication& publication_;
    Registry& registry_;
    std::unordered_map<std::string, Claim> claims_;
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
        throw Mistake("socket " + quoted(socket.address) + " in " + in_publication(publication) +
                          why,
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

} // namespace lync::topology
