#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/failure.h"
#include "lyncctl/output.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

/// By the first label, as in Microsoft's guides.
Role role_of(const std::string& host) {
    static const std::unordered_map<std::string, Role> labels{
        {"lyncdiscover", Role::lyncdiscover},
        {"meet", Role::meet},
        {"dialin", Role::dialin},
        {"scheduler", Role::scheduler},
        {"admin", Role::admin},
        {"wac", Role::office_web_apps},
        {"owas", Role::office_web_apps},
        {"oos", Role::office_web_apps},
        {"officewebapps", Role::office_web_apps}};
    const auto known = labels.find(host.substr(0, host.find('.')));
    return known == labels.end() ? Role::unknown : known->second;
}

/// A host, or "meet.*"; empty if it is neither.
std::string normal_host(const std::string& host) {
    return host.ends_with(".*") ? parse_https_url("https://" + host).host : parse_fqdn(host).name;
}

class Settler {
public:
    Settler(Draft& draft, const std::vector<std::string>& skipped)
        : draft_(draft), skipped_(skipped.begin(), skipped.end()) {}

    void settle() {
        merge_farms();
        collect_names();
        find_farms();
        for (Name& name : draft_.names) {
            find_role(name);
        }
        std::erase_if(draft_.names, [](const Name& name) { return name.role == Role::unknown; });
        settle_listeners();
        find_pools();
    }

private:
    static Farm* leader_of(Farm* farm) {
        for (; farm->leader != nullptr; farm = farm->leader) {
            farm->leader = farm->leader->leader != nullptr ? farm->leader->leader : farm->leader;
        }
        return farm;
    }

    /// Merges farms that share a server or the name in their certificates.
    void merge_farms() {
        std::unordered_map<std::string, Farm*> owners; ///< of servers and names
        const auto join = [&](const std::string& key, Farm& farm) {
            Farm* owner = leader_of(owners.try_emplace(key, &farm).first->second);
            if (Farm* own = leader_of(&farm); own != owner) {
                own->leader = owner;
            }
        };
        std::unordered_map<std::string, std::size_t> seen; ///< indices of `servers`
        std::vector<std::pair<Farm*, Server>> servers;
        for (Farm& farm : draft_.farms) {
            farm.fqdn = parse_fqdn(farm.fqdn).name;
            if (!farm.fqdn.empty()) {
                join(farm.fqdn, farm);
            }
            for (const Server& server : std::exchange(farm.servers, {})) {
                const auto known = draft_.hosts.find(to_ascii_lower(server.address));
                const std::string address =
                    server_address(known == draft_.hosts.end() ? server.address : known->second);
                if (address.empty()) {
                    draft_.add(lost, farm.place, "server {}", quoted(server.address));
                    continue;
                }
                join(address, farm);
                const auto [at, is_new] = seen.try_emplace(address, servers.size());
                if (is_new) {
                    servers.emplace_back(&farm, Server{address, server.parameters});
                } else if (std::string& first = servers[at->second].second.parameters;
                           first != server.parameters) {
                    draft_.add(check, farm.place, "server {} was \"down\" for some requests only",
                               quoted(address));
                    first.clear();
                }
            }
        }
        for (Farm& farm : draft_.farms) {
            Farm* leader = leader_of(&farm);
            leader->fqdn = leader->fqdn.empty() ? farm.fqdn : leader->fqdn;
            leader->trusted_cas.insert(farm.trusted_cas.begin(), farm.trusted_cas.end());
            for (const bool tls : {true, false}) {
                const std::uint16_t port = farm.port(tls);
                std::uint16_t& known = leader->port(tls);
                if (known != 0 && port != 0 && known != port) {
                    draft_.add(lost, farm.place, "port {} of servers that have port {}", port,
                               known);
                }
                known = known != 0 ? known : port;
            }
        }
        for (auto& [farm, server] : servers) {
            leader_of(farm)->servers.push_back(std::move(server));
        }
    }

    /// Keeps each name once: the servers it leads to by https come before those by http, whichever
    /// is first in the file.
    void collect_names() {
        std::unordered_map<std::string, const Farm*> known;
        std::unordered_set<std::string> found;
        std::ranges::stable_sort(draft_.names, {}, [](const Name& name) {
            Farm* farm = leader_of(name.farm);
            return farm->servers.empty() ? 2 : farm->ports.https == 0 ? 1 : 0;
        });
        for (Name& name : std::exchange(draft_.names, {})) {
            const std::string host = normal_host(name.host);
            name.farm = leader_of(name.farm);
            const bool inside = host.starts_with("lyncdiscoverinternal.");
            found.insert(host);
            if (skipped_.contains(host) || (name.farm->servers.empty() && known.contains(host))) {
                continue;
            }
            if (host.empty() || inside || name.farm->servers.empty()) {
                draft_.add(lost, name.place,
                           "{}: not a name to publish outside, or it has no server",
                           quoted(name.host));
                continue;
            }
            name.host = host;
            name.role = role_of(host);
            const auto [first, is_new] = known.try_emplace(host, name.farm);
            if (is_new) {
                draft_.names.push_back(std::move(name));
            } else if (first->second != name.farm) {
                draft_.add(lost, name.place, "{} went to other servers as well", quoted(host));
            }
        }
        for (const std::string& host : skipped_) {
            if (!found.contains(host)) {
                throw Failure(
                    formatted("invalid value {} of --role: the file publishes no such name",
                              lync::quoted(host + "=skip")));
            }
        }
    }

    /// A farm is a pool if a name of Skype for Business leads to it, or if it has the port of the
    /// external web site.
    void find_farms() {
        constexpr std::uint16_t external_site = 4443;
        for (const Name& name : draft_.names) {
            Role& role = name.farm->role;
            if ((name.role >= Role::meet && name.role <= Role::lyncdiscover) ||
                (name.role == Role::unknown && name.farm->ports.https == external_site)) {
                role = Role::pool;
            } else if (role == Role::unknown && name.role == Role::office_web_apps) {
                role = Role::office_web_apps;
            }
        }
    }

    void find_role(Name& name) {
        Farm& farm = *name.farm;
        const bool external = name.role == Role::unknown || name.role == Role::office_web_apps;
        if (farm.role == Role::unknown ||
            (farm.role == Role::office_web_apps && name.role == Role::unknown)) {
            draft_.add(check, name.place,
                       "{} doesn't look like Skype for Business and isn't published",
                       quoted(name.host));
            name.role = Role::unknown;
        } else if (external && farm.external.empty() &&
                   (name.role == Role::unknown || name.role == farm.role)) {
            name.role = farm.role;
            farm.external = name.host;
        } else if (external) {
            draft_.add(lost, name.place, "{} went to servers that another name is published for",
                       quoted(name.host));
            name.role = Role::unknown;
        }
    }

    /// The publication gets the sockets and certificates of published names, and no others.
    void settle_listeners() {
        std::map<std::string, std::vector<const Listener*>> published;
        std::set<std::string> cas;
        std::set<const Farm*> farms;
        for (const Name& name : draft_.names) {
            published[name.host];
            if (!farms.insert(name.farm).second) {
                continue;
            }
            for (const std::string& ca : name.farm->trusted_cas) {
                draft_.trusted_ca = cas.empty() ? ca : draft_.trusted_ca;
                if (cas.insert(ca).second && cas.size() > 1) {
                    draft_.add(check, name.farm->place, "{} verified servers, too: append it to {}",
                               quoted(ca), quoted(draft_.trusted_ca));
                }
            }
        }
        std::erase_if(draft_.listeners, [&](const Listener& listener) {
            return !listener.of_all_names &&
                   std::ranges::none_of(listener.hosts, [&](const std::string& host) {
                       return published.contains(normal_host(host));
                   });
        });
        std::set<std::pair<std::string, std::string>> certificates;
        for (const Listener& listener : draft_.listeners) {
            for (const auto& [address, socket] : listener.sockets) {
                add_socket(draft_.sockets, address, socket);
            }
            for (const std::string& host : listener.hosts) {
                if (const auto of = published.find(normal_host(host)); of != published.end()) {
                    of->second.push_back(&listener);
                }
            }
            for (const auto& certificate : listener.certificates) {
                if (certificates.insert(certificate).second) {
                    draft_.certificates.push_back(certificate);
                }
            }
        }
        std::map<std::vector<const Listener*>, std::size_t> ports;
        const std::size_t all = https_ports(draft_.sockets);
        for (const Name& name : draft_.names) {
            const auto [own, is_new] = ports.try_emplace(published.at(name.host), 0);
            if (is_new) {
                Sockets sockets;
                for (const Listener* listener : own->first) {
                    sockets.insert(listener->sockets.begin(), listener->sockets.end());
                }
                own->second = https_ports(sockets);
            }
            if (!own->first.empty() && own->second < all) {
                draft_.add(restriction, name.place, "{} wasn't on every https socket, and now is",
                           quoted(name.host));
            }
        }
    }

    /// The number of https sockets; a port on IPv4 and IPv6 counts once.
    static std::size_t https_ports(const Sockets& sockets) {
        std::set<std::string> addresses;
        for (const auto& [address, socket] : sockets) {
            if (socket.tls) {
                addresses.insert(address.starts_with("[::]:") ? address.substr(5) : address);
            }
        }
        return addresses.size();
    }

    /// The first pool is the one that lyncdiscover leads to; simple URLs follow it.
    void find_pools() {
        const auto discovered = std::ranges::find(draft_.names, Role::lyncdiscover, &Name::role);
        for (Farm& farm : draft_.farms) {
            if (farm.role != Role::pool) {
                continue;
            }
            const bool first = discovered != draft_.names.end() && discovered->farm == &farm;
            draft_.pools.insert(first ? draft_.pools.begin() : draft_.pools.end(), &farm);
            for (const bool tls : {true, false}) {
                if (std::uint16_t& port = farm.port(tls); port == port_or_usual(0, tls)) {
                    draft_.add(
                        check, farm.place,
                        "port {} is the internal web site's: requests now go to the external "
                        "one's",
                        std::exchange(port, 0));
                }
            }
        }
        if (draft_.pools.empty()) {
            throw Failure(
                formatted("{} publishes no name of a Front End pool", quoted(draft_.file)));
        }
        draft_.first = draft_.pools.front();
        if (draft_.pools.size() > 1) {
            draft_.add(check, {},
                       "several pools: a Director's is \"director\" in place of \"pool\"");
        }
    }

    Draft& draft_;
    std::unordered_set<std::string> skipped_;
};

} // namespace

std::string_view word_of(Role role) noexcept {
    constexpr std::array<std::string_view, 9> words{"pool",  "director",     "office_web_apps",
                                                    "meet",  "dialin",       "scheduler",
                                                    "admin", "lyncdiscover", ""};
    return words[static_cast<std::size_t>(role)];
}

bool add_socket(Sockets& sockets, std::string_view text, Socket as) {
    const auto [host, port] = split_socket(text);
    const bool any = (host.empty() && port != 0) || host == "*" || host == "0.0.0.0";
    const std::string address = any                            ? ""
                                : host == "[::]"               ? host
                                : normal_address(host).empty() ? ""
                                                               : parse_address(host).name;
    if (!any && address.empty()) {
        return false;
    }
    Socket& known = sockets[(any ? "" : address + ":") + std::to_string(port == 0 ? 80 : port)];
    known = {known.tls || as.tls, known.proxy_protocol || as.proxy_protocol};
    return true;
}

void settle(Draft& draft, const std::vector<std::string>& skipped) {
    Settler(draft, skipped).settle();
}

} // namespace lync::lyncctl
