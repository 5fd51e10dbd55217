#include "lyncctl/import/pools.h"

#include "base/ascii.h"
#include "base/names.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/output.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

/// A host, or "meet.*"; empty if it is neither.
std::string normal_host(const std::string& host) {
    return host.ends_with(".*") ? parse_https_url("https://" + host).host : parse_fqdn(host).name;
}

class Arranger {
public:
    Arranger(OldProxy proxy, const ImportOptions& options) {
        result_.proxy = std::move(proxy);
        read_options(options);
    }

    Arrangement arrange() {
        settle_sockets();
        settle_groups();
        collect_names();
        find_pools();
        if (result_.pools.empty()) {
            const auto& remarks = result_.proxy.remarks.all();
            throw Failure(quoted(result_.proxy.file) + " publishes no name of a Front End pool" +
                          (remarks.empty() ? "" : ": " + printable(remarks.front().text)));
        }
        order_pools();
        name_pools();
        leave_out_internal_sites();
        return std::move(result_);
    }

private:
    // -- options ---------------------------------------------------------------------------------

    /// `NAME=VALUE`.
    static std::pair<std::string, std::string> split(const std::string& text,
                                                     const std::string& usage) {
        const std::size_t equals = text.find('=');
        if (equals == text.npos || equals == 0 || equals + 1 == text.size()) {
            throw Failure("invalid value " + quoted(text) + " of " + usage);
        }
        return {to_ascii_lower(text.substr(0, equals)), text.substr(equals + 1)};
    }

    void read_options(const ImportOptions& options) {
        if (!options.product.empty()) {
            result_.product = product_from_name(options.product);
            if (!result_.product) {
                throw Failure("invalid value " + quoted(options.product) +
                              " of --product: the products are " + std::string(product_names()));
            }
        }
        for (const std::string& text : options.roles) {
            const auto option = split(text, "--role: it is written NAME=ROLE");
            const std::string& word = option.second;
            const auto role = as_of_word(word);
            if (!role) {
                throw Failure("invalid role " + quoted(word) +
                              " in --role: the roles are pool, director, meet, dialin, scheduler, "
                              "admin, lyncdiscover, office_web_apps, exchange and skip");
            }
            roles_[option.first] = *role;
        }
        for (const std::string& text : options.pools) {
            auto [address, fqdn] = split(text, "--pool: it is written ADDRESS=FQDN");
            const ParsedName parsed = parse_fqdn(fqdn);
            if (!parsed) {
                throw Failure("invalid FQDN " + quoted(fqdn) + " in --pool: " + parsed.error);
            }
            pool_names_[address] = parsed.name;
        }
        if (options.certificate.empty() != options.key.empty()) {
            throw Failure("--certificate and --key belong together");
        }
    }

    void add(RemarkKind kind, std::string text, const Place& place) {
        result_.proxy.remarks.add(kind, std::move(text), place);
    }

    void leave_out(Name& name, RemarkKind kind, const std::string& why) {
        add(kind, quoted(name.old.host) + " " + why, name.old.place);
        name.as = As::skip;
    }

    // -- sockets and servers as the directives take them -----------------------------------------

    void settle_sockets() {
        std::map<std::string, bool> taken; ///< by address, whether https has it
        for (const bool tls : {true, false}) {
            auto& sockets = tls ? result_.proxy.https_sockets : result_.proxy.http_sockets;
            std::vector<OldSocket> settled;
            for (const OldSocket& socket : sockets) {
                const std::string address = normal_socket(socket.address);
                const auto known = taken.find(address);
                if (address.empty() || (known != taken.end() && known->second != tls)) {
                    add(lost,
                        "listening on " + quoted(socket.address) +
                            (address.empty() ? "" : " for plain HTTP as well"),
                        {});
                } else if (known == taken.end()) {
                    taken.emplace(address, tls);
                    settled.push_back({address, socket.proxy_protocol});
                } else { // what one server says of a socket holds for all servers on it
                    const auto same =
                        std::find_if(settled.begin(), settled.end(), [&](const OldSocket& other) {
                            return other.address == address;
                        });
                    same->proxy_protocol = same->proxy_protocol || socket.proxy_protocol;
                }
            }
            if (tls && settled.empty()) {
                settled = {{"443"}};
                taken.emplace("443", true);
            }
            sockets = std::move(settled);
        }
    }

    /// "443", "10.0.0.1:443", "[2001:db8::1]:443"; empty if it is none of these.
    static std::string normal_socket(const std::string& text) {
        if (const std::uint16_t port = port_of(text); port != 0) {
            return std::to_string(port);
        }
        const auto [host, port] = split_endpoint(text);
        const std::string address = host == "[::]" ? host : parse_address(host).name;
        return port == 0 || address.empty() ? std::string{} : address + ":" + std::to_string(port);
    }

    /// Addresses as `server` takes them, each once; groups of the same addresses are one.
    void settle_groups() {
        std::map<std::string, std::size_t> known;
        for (std::size_t i = 0; i < result_.proxy.groups.size(); i++) {
            OldGroup& group = result_.proxy.groups[i];
            std::vector<OldServer> settled;
            std::set<std::string> addresses;
            std::string name;
            bool only_backups = true;
            for (OldServer& server : group.servers) {
                const auto called = pool_names_.find(server.address);
                ParsedName address = parse_address(server.address);
                if (!address) { // IPv6 without its brackets
                    const std::string error = address.error;
                    address = parse_address("[" + server.address + "]");
                    if (!address) {
                        add(lost, "server " + quoted(server.address) + ": " + error, {});
                        continue;
                    }
                }
                const auto said =
                    called != pool_names_.end() ? called : pool_names_.find(address.name);
                name = name.empty() && said != pool_names_.end() ? said->second : name;
                if (addresses.insert(address.name).second) {
                    only_backups =
                        only_backups && server.parameters.find(" backup") != std::string::npos;
                    settled.push_back({address.name, std::move(server.parameters)});
                }
            }
            if (only_backups && !settled.empty()) {
                std::string& first = settled.front().parameters;
                first.erase(first.find(" backup"), 7);
            }
            if (name.empty()) {
                name = parse_fqdn(group.name).name;
            }
            if (name.empty() && settled.size() == 1) {
                name = parse_fqdn(settled.front().address).name;
            }
            group = {std::move(settled), std::move(name)};

            std::string all;
            for (const std::string& address : addresses) {
                all += address + " ";
            }
            const std::size_t same = known.try_emplace(std::move(all), i).first->second;
            alias_.push_back(same);
            OldGroup& first = result_.proxy.groups[same];
            first.name = first.name.empty() ? group.name : first.name;
        }
    }

    // -- names -----------------------------------------------------------------------------------

    /// One Name for each host; the rules of both protocols together.
    void collect_names() {
        std::unordered_map<std::string, std::size_t> index;
        for (OldName& old : result_.proxy.names) {
            const std::string host = normal_host(old.host);
            old.group = alias_[old.group];
            if (host.empty() || result_.proxy.groups[old.group].servers.empty()) {
                add(lost,
                    quoted(old.host) +
                        (host.empty() ? " isn't a name that can be published" : " has no server"),
                    old.place);
                continue;
            }
            old.host = host;
            taken_.insert(host);
            if (const auto [known, is_new] = index.try_emplace(host, result_.names.size());
                is_new) {
                add_name(std::move(old));
            } else {
                merge(result_.names[known->second].old, old);
            }
        }
    }

    void add_name(OldName old) {
        const auto said = roles_.find(old.host);
        const bool by_role = said != roles_.end();
        Name name{std::move(old), As::skip, {}};
        name.as =
            by_role ? said->second : as_of_label(name.old.host.substr(0, name.old.host.find('.')));
        if (name.old.host.starts_with("lyncdiscoverinternal.")) {
            leave_out(name, changed,
                      "was published; clients take its answer for the inside, it must not be "
                      "reachable from outside");
        } else if (name.as == As::skip && !by_role) {
            leave_out(name, lost,
                      "is an Edge Server's name; that isn't HTTP and has nothing to do with a "
                      "reverse proxy");
        } else if (result_.is_ocs() && (is_simple_url(name.as) || name.as == As::lyncdiscover ||
                                        name.as == As::unknown)) {
            name.as = As::pool; // there are no others
        }
        result_.names.push_back(std::move(name));
    }

    /// Both protocols of a name go to one pool: the one that https goes to.
    void merge(OldName& known, OldName& other) {
        if (known.https_port != 0 && other.https_port != 0) {
            if (known.group != other.group || known.https_port != other.https_port) {
                add(lost,
                    "a further rule for " + quoted(known.host) +
                        " with other servers: the first one counts",
                    other.place);
            }
            return;
        }
        const std::uint16_t http = std::max(known.http_port, other.http_port);
        const std::string fqdn = known.fqdn.empty() ? other.fqdn : known.fqdn;
        if (other.https_port != 0) {
            known = std::move(other);
        }
        known.http_port = http;
        known.fqdn = fqdn;
    }

    // -- pools -----------------------------------------------------------------------------------

    std::size_t root_of(std::size_t group) {
        while (parent_[group] != group) {
            parent_[group] = parent_[parent_[group]];
            group = parent_[group];
        }
        return group;
    }

    /// Groups of Lync's names that share a server are one pool.
    void join(std::size_t group) {
        if (joined_[group]) {
            return;
        }
        joined_[group] = true;
        for (const OldServer& server : result_.proxy.groups[group].servers) {
            const auto [owner, is_new] = owner_.try_emplace(server.address, group);
            if (!is_new) {
                parent_[root_of(group)] = root_of(owner->second);
            }
        }
    }

    bool shares_a_server(std::size_t group) {
        if (!shares_[group]) {
            const auto& servers = result_.proxy.groups[group].servers;
            shares_[group] =
                std::any_of(servers.begin(), servers.end(), [&](const OldServer& server) {
                    return owner_.contains(server.address);
                });
        }
        return *shares_[group];
    }

    static bool is_lync(As as) noexcept { return as <= As::lyncdiscover && as != As::admin; }

    void find_pools() {
        const std::size_t groups = result_.proxy.groups.size();
        for (std::size_t i = 0; i < groups; i++) {
            parent_.push_back(i);
        }
        joined_.resize(groups);
        shares_.resize(groups);
        const auto take = [this](Name& name) {
            const bool director = name.old.host.find("dir") < name.old.host.find('.');
            name.as = director ? As::director : As::pool;
        };
        for (Name& name : result_.names) {
            if (name.as == As::unknown && name.old.https_port == 4443) {
                take(name); // the external web site's port
            }
            if (is_lync(name.as)) {
                join(name.old.group);
            }
            if (name.as < As::skip && name.as != As::lyncdiscover && name.old.http_port != 0) {
                add(changed,
                    "plain HTTP was passed on; now it is redirected to https, and autodiscover "
                    "alone goes to the servers, for names that no certificate covers",
                    name.old.place);
            }
        }
        for (Name& name : result_.names) {
            if (name.as == As::unknown && shares_a_server(name.old.group)) {
                take(name);
                join(name.old.group);
            } else if (name.as == As::unknown) {
                leave_out(name, check,
                          "doesn't look like Skype for Business, so it isn't published: --role "
                          "NAME=pool if it is");
            }
        }
        make_pools();
    }

    void make_pools() {
        const std::size_t none = result_.proxy.groups.size();
        std::vector<std::size_t> pool_of_root(none, none);
        std::vector<std::set<std::string>> seen;
        std::vector<bool> added(none);
        result_.pool_of.assign(none, none);
        for (Name& name : result_.names) {
            if (!is_lync(name.as)) {
                continue;
            }
            const std::size_t group = name.old.group;
            std::size_t& index = pool_of_root[root_of(group)];
            if (index == none) {
                index = result_.pools.size();
                result_.pools.emplace_back();
                seen.emplace_back();
            }
            Pool& pool = result_.pools[index];
            result_.pool_of[group] = index;
            if (!added[group]) {
                added[group] = true;
                for (const OldServer& server : result_.proxy.groups[group].servers) {
                    if (seen[index].insert(server.address).second) {
                        pool.servers.push_back(server);
                    }
                }
                pool.fqdn = pool.fqdn.empty() ? result_.proxy.groups[group].name : pool.fqdn;
            }
            take_port(pool, name, true);
            take_port(pool, name, false);
            pool.first_contact = pool.first_contact || name.as == As::lyncdiscover;
            if (name.as == As::pool || name.as == As::director) {
                take_external(pool, name);
            }
        }
    }

    void take_external(Pool& pool, Name& name) {
        if (!pool.external.empty()) {
            leave_out(name, lost,
                      "went to the same servers as " + quoted(pool.external) +
                          ", and a pool has one external web services FQDN: if it is a simple URL, "
                          "say so with --role");
        } else if (find_fqdn(name)) {
            pool.external = name.fqdn;
            pool.director = name.as == As::director;
        }
    }

    /// The one name that a pool or farm has, where a pattern was published.
    bool find_fqdn(Name& name) {
        const bool pattern = name.old.host.ends_with(".*");
        name.fqdn = pattern ? parse_fqdn(name.old.fqdn).name : name.old.host;
        if (name.fqdn.empty() || name.fqdn.starts_with("lyncdiscover") ||
            (pattern && !taken_.insert(name.fqdn).second)) {
            leave_out(name, lost,
                      "was published, and here it is one name: write the one that is meant");
            return false;
        }
        if (pattern) {
            add(check,
                quoted(name.old.host) + " was published; here it is " + quoted(name.fqdn) +
                    " alone",
                name.old.place);
        }
        return true;
    }

    /// Ports belong to a pool. Those of the internal web site are what nobody outside may see.
    void take_port(Pool& pool, const Name& name, bool tls) {
        const std::uint16_t said = tls ? name.old.https_port : name.old.http_port;
        const Ports usual = result_.usual_ports();
        std::uint16_t& port = tls ? pool.https : pool.http;
        if (said == (tls ? 443 : 80) && !result_.is_ocs()) {
            add(changed,
                quoted(name.old.host) + " went to port " + std::to_string(said) +
                    " of the servers, where the internal web site is; now it goes to " +
                    std::to_string(tls ? usual.https : usual.http),
                name.old.place);
        } else if (port == 0) {
            port = said;
        } else if (said != 0 && port != said) {
            add(lost,
                quoted(name.old.host) + " went to port " + std::to_string(said) + ", others to " +
                    std::to_string(port) + ": a pool's web site has one port for each protocol",
                name.old.place);
        }
    }

    /// The first pool is the one where simple URLs and lyncdiscover go.
    void order_pools() {
        std::vector<std::size_t> order(result_.pools.size());
        for (std::size_t i = 0; i < order.size(); i++) {
            order[i] = i;
        }
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            const Pool& left = result_.pools[a];
            const Pool& right = result_.pools[b];
            return left.director != right.director ? right.director
                                                   : left.first_contact > right.first_contact;
        });
        std::vector<Pool> pools;
        std::vector<std::size_t> now(order.size());
        for (const std::size_t old : order) {
            now[old] = pools.size();
            pools.push_back(std::move(result_.pools[old]));
        }
        result_.pools = std::move(pools);
        for (std::size_t& pool : result_.pool_of) {
            pool = pool < now.size() ? now[pool] : result_.pools.size();
        }
        if (result_.pools.front().director) {
            result_.pools.front().director = false; // a publication has a pool
            add(check,
                "the only servers that were published look like a Director's: the pool's own "
                "external web services FQDN has to be published, too",
                {});
        }
    }

    /// A name that isn't known stays to be written: nginx refuses the word in its place.
    void name_pools() {
        std::unordered_set<std::string> names;
        unsigned pools = 0;
        unsigned externals = 0;
        const auto placeholder = [](std::string_view word, unsigned& number) {
            number++;
            return std::string(word) + (number == 1 ? "" : "-" + std::to_string(number));
        };
        for (Pool& pool : result_.pools) {
            if (pool.fqdn.empty() || taken_.contains(pool.fqdn) ||
                pool.fqdn.starts_with("lyncdiscover") || !names.insert(pool.fqdn).second) {
                pool.fqdn = placeholder(unknown_pool, pools);
            }
            if (pool.external.empty()) {
                pool.external = placeholder(unknown_external, externals);
            }
        }
    }

    /// What the module refuses: a farm at a pool's servers, on the port of their internal web site.
    void leave_out_internal_sites() {
        std::unordered_map<std::string, std::size_t> pools;
        for (std::size_t i = 0; i < result_.pools.size(); i++) {
            pools.emplace(result_.pools[i].fqdn, i);
            for (const OldServer& server : result_.pools[i].servers) {
                pools.emplace(server.address, i);
            }
        }
        std::vector<std::optional<std::set<std::size_t>>> at(result_.proxy.groups.size());
        for (Name& name : result_.names) {
            if (name.as != As::office_web_apps && name.as != As::exchange) {
                continue;
            }
            const OldGroup& group = result_.proxy.groups[name.old.group];
            auto& own = at[name.old.group];
            if (!own) {
                own.emplace();
                const auto look = [&](const std::string& word) {
                    if (const auto found = pools.find(word); found != pools.end()) {
                        own->insert(found->second);
                    }
                };
                look(group.name);
                for (const OldServer& server : group.servers) {
                    look(server.address);
                }
            }
            const std::uint16_t port = name.old.https_port == 0 ? 443 : name.old.https_port;
            const bool internal = std::any_of(own->begin(), own->end(), [&](std::size_t pool) {
                const std::uint16_t https = result_.pools[pool].https;
                return port != (https == 0 ? result_.usual_ports().https : https);
            });
            if (internal) {
                leave_out(name, changed,
                          "went to port " + std::to_string(port) +
                              " of servers of a pool, where their internal web site is; it is left "
                              "out");
            } else {
                find_fqdn(name);
            }
        }
    }

    Arrangement result_;
    std::map<std::string, As> roles_;
    std::map<std::string, std::string> pool_names_; ///< of --pool: address to FQDN
    std::vector<std::size_t> alias_;                ///< by group: the first one of the same servers
    std::unordered_set<std::string> taken_;         ///< published names
    std::vector<std::size_t> parent_;               ///< by group: union-find
    std::vector<bool> joined_;
    std::vector<std::optional<bool>> shares_;
    std::unordered_map<std::string, std::size_t> owner_; ///< a group of Lync's, by address
};

} // namespace

std::size_t Arrangement::first_contact() const {
    for (std::size_t i = 0; i < pools.size(); i++) {
        if (pools[i].director) {
            return i;
        }
    }
    return 0;
}

Arrangement arrange(OldProxy proxy, const ImportOptions& options) {
    return Arranger(std::move(proxy), options).arrange();
}

} // namespace lync::lyncctl
