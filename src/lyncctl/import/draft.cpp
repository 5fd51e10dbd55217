#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
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

constexpr std::array<std::string_view, 9> role_words{"pool",   "director",        "meet",
                                                     "dialin", "scheduler",       "lyncdiscover",
                                                     "admin",  "office_web_apps", "skip"};

/// First labels of names, as Microsoft's guides give them; "meet2" and "meet-eu" are "meet".
constexpr std::array<std::pair<std::string_view, Role>, 9> labels{{
    {"lyncdiscover", Role::lyncdiscover},
    {"meet", Role::meet},
    {"dialin", Role::dialin},
    {"scheduler", Role::scheduler},
    {"admin", Role::admin},
    {"wac", Role::office_web_apps},
    {"owas", Role::office_web_apps},
    {"oos", Role::office_web_apps},
    {"officewebapps", Role::office_web_apps},
}};

std::string_view label_of(const Name& name) {
    return std::string_view(name.host).substr(0, name.host.find('.'));
}

Role web_services_role(std::string_view label) {
    return label.find("dir") != label.npos ? Role::director : Role::pool;
}

Role role_of_label(std::string_view label) {
    for (const auto& [word, role] : labels) {
        const char next = label.size() > word.size() ? label[word.size()] : '-';
        if (label.starts_with(word) && (is_ascii_digit(next) || !is_ascii_alnum(next))) {
            return role;
        }
    }
    for (const std::string_view part : {"lync", "sfb", "skype", "webext", "webdir"}) {
        if (label.find(part) != label.npos) {
            return web_services_role(label);
        }
    }
    return Role::unknown;
}

/// Whether a pool answers for it.
bool is_pools(Role role) noexcept {
    return role <= Role::lyncdiscover;
}

/// A host, or "meet.*"; empty if it is neither.
std::string normal_host(const std::string& host) {
    return host.ends_with(".*") ? parse_https_url("https://" + host).host : parse_fqdn(host).name;
}

/// An address as `server` takes it; empty if it is none.
std::string normal_address(const std::string& text) {
    const ParsedName address = parse_address(text);
    return address ? address.name : parse_address("[" + text + "]").name; // IPv6 without brackets
}

class Drafter {
public:
    Drafter(OldProxy proxy, const ImportOptions& options) {
        draft_.proxy = std::move(proxy);
        const auto& sockets = draft_.proxy.sockets;
        if (std::none_of(sockets.begin(), sockets.end(),
                         [](const auto& socket) { return socket.second.tls; })) {
            draft_.proxy.listen("443", {true, false});
            add(changed, "only plain HTTP was published; now it is https", {});
        }
        read_options(options);
    }

    Draft draft() {
        for (OldGroup& group : draft_.proxy.groups) {
            settle(group);
        }
        pool_of_.resize(draft_.proxy.groups.size());
        collect_names();
        find_roles();
        find_pools();
        if (draft_.pools.empty()) {
            const auto& remarks = draft_.proxy.remarks;
            throw Failure(formatted("{} publishes no name of a Front End pool{}{}",
                                    quoted(draft_.proxy.file), remarks.empty() ? "" : ": ",
                                    remarks.empty() ? "" : printable(remarks.front().text)));
        }
        order_pools();
        name_pools();
        find_farms();
        settle_listeners();
        return std::move(draft_);
    }

private:
    void read_options(const ImportOptions& options) {
        draft_.product = product_of(options);
        for (const std::string& text : options.roles) {
            const std::size_t equals = std::min(text.find('='), text.size());
            const auto known = std::find(role_words.begin(), role_words.end(),
                                         text.substr(std::min(equals + 1, text.size())));
            if (equals == 0 || known == role_words.end()) {
                throw Failure(formatted("invalid value {} of --role: it is written NAME=ROLE, the "
                                        "roles are pool, director, meet, dialin, scheduler, "
                                        "lyncdiscover, admin, office_web_apps and skip",
                                        quoted(text)));
            }
            roles_[to_ascii_lower(text.substr(0, equals))] =
                static_cast<Role>(known - role_words.begin());
        }
    }

    void add(RemarkKind kind, std::string text, const Place& place) {
        draft_.proxy.add(kind, std::move(text), place);
    }

    void leave_out(Name& name, RemarkKind kind, const std::string& why) {
        add(kind, quoted(name.host) + " " + why, name.place);
        name.role = Role::skip;
    }

    // -- servers and names -----------------------------------------------------------------------

    /// Addresses as `server` takes them, each once, and the name in their certificates.
    void settle(OldGroup& group) {
        std::vector<OldServer> settled;
        std::set<std::string> addresses;
        for (OldServer& server : group.servers) {
            const std::string address = normal_address(server.address);
            if (address.empty()) {
                add(lost, "server " + quoted(server.address), {});
            } else if (addresses.insert(address).second) {
                settled.push_back({address, std::move(server.parameters)});
            }
        }
        std::string name = parse_fqdn(group.name).name;
        if (name.empty() && settled.size() == 1) {
            name = parse_fqdn(settled.front().address).name;
        }
        group = {std::move(settled), std::move(name)};
    }

    /// One Name for each host. Both protocols go to one pool: the one that https went to.
    void collect_names() {
        std::unordered_map<std::string, std::size_t> index;
        auto& routes = draft_.proxy.routes;
        std::stable_partition(routes.begin(), routes.end(), [](const Route& r) { return r.tls; });
        const Route* plain = nullptr;
        for (const Route& route : routes) {
            plain = plain || route.tls || route.host.starts_with("lyncdiscover.") ? plain : &route;
            const std::string host = normal_host(route.host);
            if (host.empty() || draft_.proxy.groups[route.group].servers.empty()) {
                add(lost, quoted(route.host) + ": no name to publish, or no server", route.place);
                continue;
            }
            const auto [known, is_new] = index.try_emplace(host, draft_.names.size());
            if (is_new) {
                draft_.names.push_back({host, "", route.group, 0, 0, route.place, Role::unknown,
                                        nullptr, route.listener, ""});
                taken_.insert(host);
            }
            if (route.tls && !route.secure) {
                add(changed, quoted(host) + " went on unencrypted", route.place);
            }
            Name& name = draft_.names[known->second];
            std::uint16_t& port = route.tls ? name.https : name.http;
            if (route.tls && !is_new && (name.group != route.group || port != route.port)) {
                add(lost, quoted(host) + " went to other servers as well", route.place);
            }
            port = port == 0 ? route.port : port;
            name.fqdn = name.fqdn.empty() ? route.fqdn : name.fqdn;
        }
        if (plain != nullptr) {
            add(changed, "plain HTTP was passed on; now it is redirected to https", plain->place);
        }
    }

    void find_roles() {
        for (Name& name : draft_.names) {
            const auto said = roles_.find(name.host);
            name.role = said != roles_.end() ? said->second : role_of_label(label_of(name));
            if (name.host.starts_with("lyncdiscoverinternal.")) {
                leave_out(name, changed, "was published, and is for the inside");
            } else if (draft_.is_ocs() &&
                       (is_simple_url(name.role) || name.role == Role::lyncdiscover ||
                        name.role == Role::unknown)) {
                name.role = Role::pool; // there are no others
            } else if (name.role == Role::unknown && name.https == 4443) {
                name.role = web_services_role(label_of(name)); // the external web site's port
            }
        }
    }

    // -- which servers are one pool --------------------------------------------------------------

    /// The pool of a group: the one that has a server of it already, else a new one.
    Farm& pool_of(std::size_t index) {
        if (pool_of_[index] != nullptr) {
            return *pool_of_[index];
        }
        const OldGroup& group = draft_.proxy.groups[index];
        Farm* pool = nullptr;
        for (const OldServer& server : group.servers) {
            const auto owner = owners_.find(server.address);
            pool = pool == nullptr && owner != owners_.end() ? owner->second : pool;
        }
        if (pool == nullptr) {
            pool = draft_.pools.emplace_back(&draft_.farms.emplace_back());
        }
        for (const OldServer& server : group.servers) {
            if (owners_.try_emplace(server.address, pool).second) {
                pool->servers.push_back(server);
            }
        }
        pool->fqdn = pool->fqdn.empty() ? group.name : pool->fqdn;
        return *(pool_of_[index] = pool);
    }

    /// By group, whether one of its servers is a pool's.
    std::vector<bool> groups_of_pools() const {
        std::vector<bool> found;
        for (const OldGroup& group : draft_.proxy.groups) {
            found.push_back(owners_.contains(group.name) ||
                            std::any_of(group.servers.begin(), group.servers.end(),
                                        [&](const OldServer& server) {
                                            return owners_.contains(server.address);
                                        }));
        }
        return found;
    }

    void find_pools() {
        for (const Name& name : draft_.names) {
            if (is_pools(name.role)) {
                pool_of(name.group);
            }
        }
        const std::vector<bool> of_pools = groups_of_pools();
        const bool ocs = draft_.is_ocs();
        for (Name& name : draft_.names) {
            if (name.role == Role::unknown && of_pools[name.group]) {
                name.role = web_services_role(label_of(name));
            } else if (name.role == Role::unknown) {
                leave_out(name, check,
                          "doesn't look like Skype for Business and isn't published: --role "
                          "NAME=ROLE if it is");
            }
            if (!is_pools(name.role)) {
                continue;
            }
            Farm& pool = pool_of(name.group);
            name.farm = &pool;
            take_port(pool.https, name, name.https, ocs ? 0 : 443);
            take_port(pool.http, name, name.http, ocs ? 0 : 80);
            pool.first_contact = pool.first_contact || name.role == Role::lyncdiscover;
            if (name.role == Role::pool || name.role == Role::director) {
                take_external(pool, name);
            }
        }
    }

    /// Ports belong to a pool. Those of its internal web site are what nobody outside may see.
    void take_port(std::uint16_t& port, const Name& name, std::uint16_t said,
                   std::uint16_t internal) {
        if (said != 0 && said == internal) {
            add(changed,
                formatted("{} went to the internal web site, port {}", quoted(name.host), said),
                name.place);
        } else if (port != 0 && said != 0 && port != said) {
            add(lost, formatted("{} went to another port, {}", quoted(name.host), said),
                name.place);
        } else if (port == 0) {
            port = said;
        }
    }

    void take_external(Farm& pool, Name& name) {
        if (!pool.external.empty()) {
            leave_out(name, lost,
                      formatted("went to the servers of {}, and a pool has one such name: --role "
                                "NAME=ROLE if it is another",
                                quoted(pool.external)));
        } else if (find_fqdn(name)) {
            pool.external = name.fqdn;
            pool.role = name.role;
        }
    }

    /// The one name that a pool or farm has, where a pattern was published.
    bool find_fqdn(Name& name) {
        const bool pattern = name.host.ends_with(".*");
        name.fqdn = pattern ? parse_fqdn(name.fqdn).name : name.host;
        if (name.fqdn.empty() || (pattern && !taken_.insert(name.fqdn).second)) {
            leave_out(name, lost, "stands for several: write the one that is meant");
            return false;
        }
        if (pattern) {
            add(check, formatted("{} is {} alone now", quoted(name.host), quoted(name.fqdn)),
                name.place);
        }
        return true;
    }

    /// The first pool is the one where simple URLs and lyncdiscover go.
    void order_pools() {
        auto& pools = draft_.pools;
        std::stable_sort(pools.begin(), pools.end(), [](const Farm* a, const Farm* b) {
            return a->role != b->role ? b->role == Role::director
                                      : a->first_contact > b->first_contact;
        });
        if (pools.front()->role == Role::director) {
            pools.front()->role = Role::pool; // a publication has a pool
            add(check, "only a Director's servers were published, it seems: a pool's are needed",
                {});
        }
        const auto director = std::find_if(pools.begin(), pools.end(), [](const Farm* pool) {
            return pool->role == Role::director;
        });
        draft_.first = director == pools.end() ? pools.front() : *director;
    }

    /// A name that isn't known stays to be written: nginx refuses the word in its place.
    void name_pools() {
        unsigned pools = 0;
        unsigned externals = 0;
        const auto placeholder = [](std::string_view word, unsigned& number) {
            return ++number == 1 ? std::string(word) : formatted("{}-{}", word, number);
        };
        for (Farm* pool : draft_.pools) {
            if (pool->fqdn.empty() || pool->fqdn.starts_with("lyncdiscover.") ||
                !taken_.insert(pool->fqdn).second) {
                pool->fqdn = placeholder(unknown_pool, pools);
            }
            if (pool->external.empty()) {
                pool->external = placeholder(unknown_external, externals);
            }
            owners_.try_emplace(pool->fqdn, pool); // the module knows its servers by it, too
        }
    }

    /// Office Web Apps. At a pool's servers they would be its internal web site, which the module
    /// refuses.
    void find_farms() {
        const std::vector<bool> of_pools = groups_of_pools();
        std::unordered_map<std::size_t, std::string> names;
        for (Name& name : draft_.names) {
            if (name.role != Role::office_web_apps) {
                continue;
            }
            if (of_pools[name.group]) {
                leave_out(name, changed, "went to a pool's servers: their internal web site");
            } else if (const auto known = names.find(name.group); known != names.end()) {
                leave_out(name, lost, "went to the servers of " + quoted(known->second));
            } else if (find_fqdn(name)) {
                const OldGroup& group = draft_.proxy.groups[name.group];
                names[name.group] = name.fqdn;
                draft_.farms.push_back({name.role, group.name, name.fqdn, false, group.servers,
                                        name.https, name.http});
            }
        }
    }

    /// Sockets and certificates are the publication's: a name that was on some sockets is on all
    /// now, and is presented whichever certificates cover it. Those of names that stay out aren't
    /// among them.
    void settle_listeners() {
        std::set<std::string> sockets;
        std::set<std::pair<std::string, std::string>> seen;
        for (const Name& name : draft_.names) {
            if (name.role >= Role::skip || name.listener == nullptr) {
                continue;
            }
            sockets.insert(name.listener->sockets.begin(), name.listener->sockets.end());
            for (const auto& certificate : name.listener->certificates) {
                if (seen.insert(certificate).second) {
                    draft_.proxy.certificates.push_back(certificate);
                }
            }
        }
        std::erase_if(draft_.proxy.sockets, [&](const auto& socket) {
            const std::string& address = socket.first;
            return socket.second.tls && !sockets.empty() &&
                   !sockets.contains(address.starts_with("[::]:") ? address.substr(5) : address);
        });
        for (const Name& name : draft_.names) {
            if (name.role < Role::skip && name.listener &&
                name.listener->sockets.size() < sockets.size()) {
                add(restriction, quoted(name.host) + " wasn't on every socket, and now it is",
                    name.place);
            }
        }
    }

    Draft draft_;
    std::map<std::string, Role> roles_;             ///< of --role
    std::unordered_set<std::string> taken_;         ///< names that are published, or a pool's
    std::unordered_map<std::string, Farm*> owners_; ///< pools by their servers' addresses
    std::vector<Farm*> pool_of_;                    ///< by group
};

} // namespace

std::string_view word_of(Role role) noexcept {
    return role == Role::unknown ? "" : role_words[static_cast<std::size_t>(role)];
}

std::optional<Product> product_of(const ImportOptions& options) {
    const auto product = product_from_name(options.product);
    if (!options.product.empty() && !product) {
        throw Failure(formatted("invalid value {} of --product: the products are {}",
                                quoted(options.product), product_names()));
    }
    return product;
}

Draft make_draft(OldProxy proxy, const ImportOptions& options) {
    return Drafter(std::move(proxy), options).draft();
}

} // namespace lync::lyncctl
