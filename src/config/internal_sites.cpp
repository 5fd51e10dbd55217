// Servers that are declared twice. The servers of a pool or Director have two web sites: the
// internal one must not be declared as Office Web Apps or Exchange, in any publication. A server
// belongs to one pool, and isn't this proxy.

#include "config/declare.h"

#include <algorithm>

namespace lync::config {

namespace {

using Group = Registry::Group;

/// The server of a farm at an address; NULL if there is none.
const Server* server_at(const Farm& farm, std::string_view address) noexcept {
    const auto server = std::ranges::find(farm.servers, address, &Server::address);
    return server == farm.servers.end() ? nullptr : &*server;
}

/// `group` is Office Web Apps or Exchange, `pool` a pool or Director.
void compare(const Group& group, const Farm& pool) {
    const Farm& farm = group.farm;
    if (farm.ports.https == pool.ports.https) {
        return;
    }
    const auto fail = [&](const std::string& what, const std::string& whose, const Place& place,
                          const std::string& remedy) {
        throw mistake(place,
                      "{} of {} in lync_publish {} is that of {}{} at {}, whose external web site "
                      "has port {}: port {} would publish its internal web site, {}",
                      what, quoted_title(farm), lync::quoted(group.publication), whose,
                      quoted_title(pool), at(pool.place), pool.ports.https, farm.ports.https,
                      remedy);
    };

    for (const Server& server : farm.servers) {
        if (server.address == pool.certificate_name || server_at(pool, server.address) != nullptr) {
            fail(formatted("server {}", lync::quoted(server.address)), "a server of ", server.place,
                 "write the addresses of the farm's own servers");
        }
    }
    if (farm.certificate_name == pool.certificate_name) {
        fail(formatted("certificate_name {}", lync::quoted(farm.certificate_name)), "", farm.place,
             "write the name that the farm's own servers have in their certificate");
    }
}

/// Warns of a server that an earlier pool has as well; true if there is one. A load balancer may
/// have one address for several pools, with a port for each.
bool warn_of_shared(const Farm& pool, const Farm& earlier, std::vector<Diagnostic>& remarks) {
    if (pool.ports.https != earlier.ports.https ||
        pool.certificate_name == earlier.certificate_name) {
        return false;
    }
    for (const Server& server : pool.servers) {
        if (const Server* other = server_at(earlier, server.address)) {
            warn(remarks, server.place,
                 "server {} of {} is one of {} as well, at {}: a Front End belongs to one pool",
                 lync::quoted(server.address), quoted_title(pool), quoted_title(earlier),
                 at(other->place));
            return true;
        }
    }
    return false;
}

/// Where the publication listens on a server's own address; nullptr if it doesn't. On loopback
/// something else may listen beside nginx, such as a tunnel: there the port has to be the same.
const Socket* find_own_socket(const Publication& publication, const Server& server,
                              const Ports& ports) {
    const bool loopback = server.address.starts_with("127.") || server.address == "[::1]";
    const auto find = [&](const std::vector<Socket>& sockets, std::uint16_t port) {
        const std::string own =
            formatted("{}:{}", server.address, loopback ? std::to_string(port) : "");
        const auto found = std::ranges::find_if(sockets, [&](const Socket& socket) {
            return loopback ? socket.address == own : socket.address.starts_with(own);
        });
        return found == sockets.end() ? nullptr : &*found;
    };
    const Socket* https = find(publication.https_sockets, ports.https);
    return https != nullptr ? https : find(publication.http_sockets, ports.http);
}

void remark_itself(const Publication& publication, const Farm& farm,
                   std::vector<Diagnostic>& remarks) {
    for (const Server& server : farm.servers) {
        if (const Socket* socket = find_own_socket(publication, server, farm.ports)) {
            warn(remarks, server.place,
                 "server {} of {} is this proxy itself, which listens on {} at {}: write the "
                 "address of the server behind it",
                 lync::quoted(server.address), quoted_title(farm), lync::quoted(socket->address),
                 at(socket->place));
        }
    }
}

} // namespace

void check_servers(const Publication& publication, Registry& registry,
                   std::vector<Diagnostic>& remarks) {
    constexpr unsigned most_warnings = 10;
    unsigned shared = 0;
    for (const Farm& farm : publication.farms) {
        const Group mine{publication.name, farm};
        const bool web_services = is_web_services(farm.role);
        for (const Group& other : registry.groups) {
            if (web_services != is_web_services(other.farm.role)) {
                web_services ? compare(other, farm) : compare(mine, other.farm);
            } else if (web_services && shared < most_warnings) {
                shared += warn_of_shared(farm, other.farm, remarks) ? 1 : 0;
            }
        }
        remark_itself(publication, farm, remarks);
        registry.groups.push_back(mine);
    }
}

} // namespace lync::config
