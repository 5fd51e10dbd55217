// The servers of a pool or Director have two web sites: the internal one is no farm of Office Web Apps
// or Exchange, in whichever publication.

#include "config/declare.h"

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

} // namespace

void check_servers(const Publication& publication, Registry& registry) {
    for (const Farm& farm : publication.farms) {
        const Group mine = group_of(publication, farm);
        for (const Group& other : registry.groups) {
            if (mine.web_services != other.web_services) {
                mine.web_services ? compare(other, mine) : compare(mine, other);
            }
        }
        registry.groups.push_back(mine);
    }
}

} // namespace lync::config
