#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
#include "lyncctl/addresses.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/output.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

/// First labels of names, as Microsoft's guides give them.
Role role_of(const std::string& host) {
    static const std::unordered_map<std::string, Role> labels{
        {"lyncdiscover", Role::lyncdiscover},
        {"meet", Role::meet},
        {"dialin", Role::dialin},
        {"scheduler", Role::scheduler},
        {"admin", Role::admin},
        {"lyncdiscoverinternal", Role::skip},
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

void join(Socket& known, Socket other) {
    known.tls = known.tls || other.tls;
    known.proxy_protocol = known.proxy_protocol || other.proxy_protocol;
}

class Settler {
public:
    Settler(Draft& draft, const std::vector<std::string>& skipped)
        : draft_(draft), skipped_(skipped.begin(), skipped.end()),
          old_(std::exchange(draft.names, {})) {}

    void settle() {
        merge_farms();
        collect_names();
        find_farms();
        for (Name& name : draft_.names) {
            find_role(name);
        }
        settle_listeners();
        std::erase_if(draft_.names, [](const Name& name) { return name.role == Role::skip; });
        find_pools();
    }

private:
    // -- which servers are one farm --------------------------------------------------------------

    static Farm* leader_of(Farm* farm) {
        while (farm->leader != nullptr) {
            Farm* next = farm->leader;
            farm->leader = next->leader != nullptr ? next->leader : next;
            farm = next;
        }
        return farm;
    }

    /// Farms that share a server or the name in their certificates are one, with each server once.
    void merge_farms() {
        std::unordered_map<std::string, Farm*> owners;
        const auto join = [&](const std::string& key, Farm& farm) {
            Farm* owner = leader_of(owners.try_emplace(key, &farm).first->second);
            if (Farm* own = leader_of(&farm); own != owner) {
                own->leader = owner;
            }
        };
        for (Farm& farm : draft_.farms) {
            farm.fqdn = parse_fqdn(farm.fqdn).name;
            if (!farm.fqdn.empty()) {
                join(farm.fqdn, farm);
            }
            for (Server& server : farm.servers) {
                const std::string address = server_address(server.address);
                if (address.empty()) {
                    draft_.add(lost, farm.place, "server {}", quoted(server.address));
                } else {
                    join(address, farm);
                }
                server.address = address;
            }
        }
        std::vector<std::pair<Farm*, Server>> all;
        for (Farm& farm : draft_.farms) {
            Farm* leader = leader_of(&farm);
            leader->fqdn = leader->fqdn.empty() ? farm.fqdn : leader->fqdn;
            take_port(leader->https, farm.https, farm.place);
            take_port(leader->http, farm.http, farm.place);
            for (Server& server : std::exchange(farm.servers, {})) {
                all.emplace_back(leader, std::move(server));
            }
        }
        std::unordered_set<std::string> seen{""};
        for (auto& [leader, server] : all) {
            if (seen.insert(server.address).second) {
                leader->servers.push_back(std::move(server));
            }
        }
    }

    void take_port(std::uint16_t& known, std::uint16_t port, const Place& place) {
        if (known != 0 && port != 0 && known != port) {
            draft_.add(lost, place, "port {} of servers that have port {}", port, known);
        } else {
            known = known != 0 ? known : port;
        }
    }

    // -- names -----------------------------------------------------------------------------------

    /// Each once. Both protocols go to one farm: the one that https went to.
    void collect_names() {
        std::stable_partition(old_.begin(), old_.end(), [](const Name& name) { return name.tls; });
        for (Name& name : old_) {
            if (name.farm == nullptr) {
                continue;
            }
            const std::string host = normal_host(name.host);
            name.farm = leader_of(name.farm);
            if (host.empty() || name.farm->servers.empty()) {
                draft_.add(lost, name.place, "{}: no name to publish, or no server",
                           quoted(name.host));
                continue;
            }
            name.host = host;
            name.role = skipped_.contains(host) ? Role::skip : role_of(host);
            const auto [known, is_new] = known_.try_emplace(host, draft_.names.size());
            if (is_new) {
                draft_.names.push_back(name);
            } else if (name.tls && draft_.names[known->second].farm != name.farm) {
                draft_.add(lost, name.place, "{} went to other servers as well", quoted(host));
            }
        }
    }

    /// A pool is where a name of Skype for Business goes, or which has the external web site's
    /// port.
    void find_farms() {
        constexpr std::uint16_t external_site = 4443;
        for (const Name& name : draft_.names) {
            Role& role = name.farm->role;
            if ((name.role >= Role::meet && name.role <= Role::lyncdiscover) ||
                (name.role == Role::unknown && name.farm->https == external_site)) {
                role = Role::pool;
            } else if (role == Role::unknown && name.role == Role::office_web_apps) {
                role = Role::office_web_apps;
            }
        }
    }

    void skip(Name& name, RemarkKind kind, const std::string& why) {
        draft_.add(kind, name.place, "{} {}", quoted(name.host), why);
        name.role = Role::skip;
    }

    void find_role(Name& name) {
        Farm& farm = *name.farm;
        if (name.role == Role::skip) {
            skip(name, check, "isn't published");
        } else if (farm.role == Role::unknown) {
            skip(name, check, "doesn't look like Skype for Business and isn't published");
        } else if (name.role == Role::unknown || name.role == Role::office_web_apps) {
            if ((name.role != Role::unknown && name.role != farm.role) || !farm.external.empty()) {
                skip(name, lost, "went to servers that another name is published for");
                return;
            }
            name.role = farm.role;
            farm.external = name.host;
            if (name.host.ends_with(".*")) {
                farm.external = unknown_external;
                draft_.add(check, name.place, "{} stands for several: write the one meant",
                           quoted(name.host));
            }
        }
    }

    const Name* published(const Name& old) const {
        const auto known = known_.find(old.host);
        const Name* name = known == known_.end() ? nullptr : &draft_.names[known->second];
        return name == nullptr || name->role == Role::skip ? nullptr : name;
    }

    /// Sockets and certificates are the publication's. Those of names that stay out aren't among
    /// them.
    void settle_listeners() {
        std::vector<const Name*> firsts; ///< of each listener
        std::set<const Listener*> listeners;
        std::set<std::pair<std::string, std::string>> certificates;
        for (const Name& old : old_) {
            if (old.listener == nullptr || !(old.host.empty() || published(old) != nullptr) ||
                !listeners.insert(old.listener.get()).second) {
                continue;
            }
            firsts.push_back(&old);
            for (const auto& [address, socket] : old.listener->sockets) {
                join(draft_.sockets[address], socket);
            }
            for (const auto& certificate : old.listener->certificates) {
                if (certificates.insert(certificate).second) {
                    draft_.certificates.push_back(certificate);
                }
            }
        }
        const std::size_t all = https_ports(draft_.sockets);
        for (const Name* name : firsts) {
            if (name->tls && https_ports(name->listener->sockets) < all) {
                draft_.add(restriction, name->place, "{} wasn't on every socket, and now is",
                           quoted(name->host));
            }
        }
    }

    /// How many there are for https; the same for IPv6 isn't another.
    static std::size_t https_ports(const Sockets& sockets) {
        std::set<std::string_view> addresses;
        for (const auto& [address, socket] : sockets) {
            const std::string_view text = address;
            if (socket.tls) {
                addresses.insert(text.starts_with("[::]:") ? text.substr(5) : text);
            }
        }
        return addresses.size();
    }

    /// The first pool is the one where lyncdiscover goes, and simple URLs with it.
    void find_pools() {
        for (Farm& farm : draft_.farms) {
            if (farm.role != Role::pool) {
                continue;
            }
            draft_.pools.push_back(&farm);
            for (const auto& [port, internal] : {std::pair(&farm.https, 443), {&farm.http, 80}}) {
                if (*port == internal) {
                    draft_.add(check, farm.place,
                               "port {} is the internal web site's: requests go to the external "
                               "one's now",
                               internal);
                    *port = 0;
                }
            }
        }
        auto& pools = draft_.pools;
        for (const Name& name : draft_.names) {
            if (name.role == Role::lyncdiscover && draft_.first == nullptr) {
                draft_.first = name.farm;
            }
        }
        std::stable_partition(pools.begin(), pools.end(),
                              [&](const Farm* farm) { return farm == draft_.first; });
        if (pools.empty()) {
            throw Failure(
                formatted("{} publishes no name of a Front End pool{}{}", quoted(draft_.file),
                          draft_.remarks.empty() ? "" : ": ",
                          draft_.remarks.empty() ? "" : escaped(draft_.remarks.front().text)));
        }
        draft_.first = pools.front();
        if (pools.size() > 1) {
            draft_.add(check, {},
                       "several pools: a Director's is \"director\" in place of \"pool\"");
        }
    }

    Draft& draft_;
    std::unordered_set<std::string> skipped_;
    std::vector<Name> old_;
    std::unordered_map<std::string, std::size_t> known_; ///< in names, by host
};

} // namespace

std::string_view word_of(Role role) noexcept {
    constexpr std::array<std::string_view, 10> words{
        "pool",      "director", "office_web_apps", "meet", "dialin",
        "scheduler", "admin",    "lyncdiscover",    "skip", ""};
    return words[static_cast<std::size_t>(role)];
}

bool add_socket(Sockets& sockets, std::string_view text, Socket as) {
    auto [host, port] =
        split_endpoint(port_of(text) != 0 ? "*:" + std::string(text) : std::string(text));
    const bool any = host == "*" || host == "0.0.0.0";
    const std::string address = any ? "" : host == "[::]" ? host : parse_address(host).name;
    if (!any && address.empty()) {
        return false;
    }
    join(sockets[(any ? "" : address + ":") + std::to_string(port == 0 ? 80 : port)], as);
    return true;
}

void settle(Draft& draft, const std::vector<std::string>& skipped) {
    Settler(draft, skipped).settle();
}

} // namespace lync::lyncctl
