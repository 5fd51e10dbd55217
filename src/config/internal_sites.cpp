// Whose servers are whose. The servers of a pool or Director have two web sites: the internal one
// is no farm of Office Web Apps or Exchange, in whichever publication. A server belongs to one
// pool, and isn't this very proxy.

#include "config/declare.h"

#include <algorithm>
#include <optional>

namespace lync::config {

namespace {

using Group = Registry::Group;

Group group_of(const Publication& publication, const Farm& farm) {
    Group group;
    group.publication = publication.name;
    group.title = quoted_title(farm);
    group.web_services = is_web_services(farm.role);
    group.port = farm.ports.https;
    group.certificate_name = farm.certificate_name;
    group.place = farm.place;
    for (const Server& server : farm.servers) {
        group.servers.emplace(server.address, server.place);
    }
    return group;
}

/// `farm` is none of web services, `pool` is.
void compare(const Group& farm, const Group& pool) {
    if (farm.port == pool.port) {
        return;
    }
    const auto fail = [&](const std::string& what, const std::string& whose, const Place& place,
                          const std::string& remedy) {
        throw mistake(place,
                      "{} of {} in lync_publish {} is that of {}{} at {}, whose external web site "
                      "has port {}: port {} would publish its internal web site, {}",
                      what, farm.title, lync::quoted(farm.publication), whose, pool.title,
                      at(pool.place), pool.port, farm.port, remedy);
    };

    for (const auto& [address, place] : farm.servers) {
        if (address == pool.certificate_name || pool.servers.contains(address)) {
            fail("server " + lync::quoted(address), "a server of ", place,
                 "write the addresses of the farm's own servers");
        }
    }
    if (farm.certificate_name == pool.certificate_name) {
        fail("certificate_name " + lync::quoted(farm.certificate_name), "", farm.place,
             "write the name that the farm's own servers have in their certificate");
    }
}

/// The server line of a pool that another pool has as well, and that one; nothing if there is none.
/// A load balancer may stand for several pools at one address, on a port for each.
std::optional<Diagnostic> find_shared(const Group& group, const Group& earlier) {
    if (group.port != earlier.port || group.certificate_name == earlier.certificate_name) {
        return std::nullopt;
    }
    for (const auto& [address, place] : group.servers) {
        if (const auto other = earlier.servers.find(address); other != earlier.servers.end()) {
            return Diagnostic{
                Severity::warning,
                formatted(
                    "server {} of {} is one of {} as well, at {}: a Front End belongs to one pool",
                    lync::quoted(address), group.title, earlier.title, at(other->second)),
                place};
        }
    }
    return std::nullopt;
}

/// Where the publication listens on a server's own address; nullptr if it doesn't. On loopback
/// something else may listen beside nginx, such as a tunnel: there the port tells.
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
        const Group mine = group_of(publication, farm);
        for (const Group& other : registry.groups) {
            if (mine.web_services != other.web_services) {
                mine.web_services ? compare(other, mine) : compare(mine, other);
            } else if (mine.web_services && shared < most_warnings) {
                if (auto remark = find_shared(mine, other)) {
                    remarks.push_back(std::move(*remark));
                    shared++;
                }
            }
        }
        remark_itself(publication, farm, remarks);
        registry.groups.push_back(mine);
    }
}

} // namespace lync::config
