// What each name of another proxy is here, and which servers are one pool.

#include "lyncctl/import/arrangement.h"

#include "base/ascii.h"
#include "base/diagnostic.h"
#include "base/names.h"
#include "lyncctl/failure.h"
#include "lyncctl/output.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

namespace {

/// `NAME=VALUE` of an option.
std::pair<std::string, std::string> split_option(std::string_view option, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
        throw Failure("invalid value " + lync::quoted(text) + " of " + std::string(option) +
                      ": it is written " + (option == "--role" ? "NAME=ROLE" : "ADDRESS=FQDN"));
    }
    return {to_ascii_lower(text.substr(0, equals)), text.substr(equals + 1)};
}

class Arranger {
public:
    Arranger(OldProxy proxy, const ImportOptions& options) : options_(options) {
        result_.proxy = std::move(proxy);
        read_options();
    }

    Arrangement arrange() {
        result_.remarks = std::move(result_.proxy.remarks);
        settle_sockets();
        collect_names();
        make_pools();
        if (result_.pools.empty()) {
            throw Failure(
                lync::quoted(result_.proxy.file) + " publishes no name of a Front End pool" +
                (result_.remarks.empty() ? std::string{}
                                         : ": " + printable(result_.remarks.front().text)));
        }
        order_pools();
        name_pools();
        leave_out_internal_sites();
        return std::move(result_);
    }

private:
    void read_options() {
        if (!options_.product.empty()) {
            result_.product = product_from_name(options_.product);
            if (!result_.product) {
                throw Failure("invalid value " + lync::quoted(options_.product) +
                              " of --product: the products are " + std::string(product_names()));
            }
        }
        for (const std::string& text : options_.roles) {
            const auto said = split_option("--role", text);
            const auto& [host, word] = said;
            const auto as = as_of_word(said.second);
            if (!as) {
                throw Failure("invalid role " + lync::quoted(word) +
                              " in --role: the roles are pool, director, meet, dialin, scheduler, "
                              "admin, lyncdiscover, office_web_apps, exchange and skip");
            }
            roles_[host] = *as;
        }
        for (const std::string& text : options_.pools) {
            auto [address, fqdn] = split_option("--pool", text);
            const ParsedName parsed = parse_fqdn(fqdn);
            if (!parsed) {
                throw Failure("invalid FQDN " + lync::quoted(fqdn) + " in --pool: " + parsed.error);
            }
            result_.pool_names[address] = parsed.name;
        }
        if (options_.certificate.empty() != options_.key.empty()) {
            throw Failure("--certificate and --key belong together");
        }
    }

    void remark(RemarkKind kind, std::string text, const Place& place) {
        result_.remarks.push_back({kind, std::move(text), place});
    }
    void tell(const Name& name, std::string became, std::string to = {}) {
        result_.left_out.push_back(
            {name.rule.host, std::move(became), std::move(to), name.rule.place});
    }

    /// Sockets as `http_listen` and `https_listen` take them. One speaks one protocol.
    void settle_sockets() {
        std::map<std::string, const void*> taken;
        auto& https = result_.proxy.https_sockets;
        for (auto* sockets : {&https, &result_.proxy.http_sockets}) {
            std::vector<std::string> settled;
            for (const std::string& written : *sockets) {
                const std::size_t space = written.find(' ');
                const std::string address = normal_socket(written.substr(0, space));
                const auto known = taken.find(address);
                if (address.empty()) {
                    remark(RemarkKind::lost, "listening on " + lync::quoted(written), {});
                } else if (known == taken.end()) {
                    taken.emplace(address, sockets);
                    settled.push_back(address +
                                      (space == std::string::npos ? "" : written.substr(space)));
                } else if (known->second != sockets) {
                    say_other_protocol(address);
                } else if (space != std::string::npos) {
                    add_parameters(settled, address, written.substr(space + 1));
                }
            }
            *sockets = std::move(settled);
            if (https.empty()) { // the default socket is https's, whoever else asks for it
                https = {"443"};
                taken.emplace("443", &https);
            }
        }
        // The usual socket alone is the default, which takes IPv6 as well.
        clear_default(result_.proxy.https_sockets, "443", result_.proxy.http_sockets);
        clear_default(result_.proxy.http_sockets, "80", result_.proxy.https_sockets);
        if (result_.proxy.https_sockets.empty()) {
            result_.proxy.https_sockets = {"443"};
        }
    }

    /// What one server says of a socket holds for all servers on it.
    static void add_parameters(std::vector<std::string>& sockets, const std::string& address,
                               std::string_view parameters) {
        const auto socket =
            std::find_if(sockets.begin(), sockets.end(), [&](const std::string& text) {
                return text.substr(0, text.find(' ')) == address;
            });
        while (socket != sockets.end() && !parameters.empty()) {
            const std::size_t end = std::min(parameters.find(' '), parameters.size());
            const std::string_view parameter = parameters.substr(0, end);
            const std::string_view name = parameter.substr(0, parameter.find('='));
            if (socket->find(" " + std::string(name)) == std::string::npos) {
                *socket += " " + std::string(parameter);
            }
            parameters.remove_prefix(std::min(end + 1, parameters.size()));
        }
    }

    void clear_default(const std::vector<std::string>& sockets, std::string_view port,
                       std::vector<std::string>& others) {
        const std::string ipv6 = "[::]:" + std::string(port);
        if (sockets.size() == 1 && sockets.front() == port &&
            std::erase_if(others, [&](const std::string& other) {
                return other.substr(0, other.find(' ')) == ipv6;
            }) != 0) {
            say_other_protocol(ipv6);
        }
    }

    void say_other_protocol(const std::string& socket) {
        remark(RemarkKind::lost, "listening on " + lync::quoted(socket) + " for the other protocol",
               {});
    }

    /// "443", "10.0.0.1:443", "[2001:db8::1]:443"; empty if it is none of these.
    static std::string normal_socket(const std::string& text) {
        const std::size_t colon = text.rfind(':');
        const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
        const bool digits = !port.empty() && port.size() <= 5 &&
                            port.find_first_not_of("0123456789") == std::string::npos;
        const unsigned long number = digits ? std::stoul(port) : 0;
        if (number == 0 || number > 65535) {
            return {};
        }
        if (colon == std::string::npos) {
            return std::to_string(number);
        }
        const std::string address = text.substr(0, colon);
        if (address == "[::]") {
            return "[::]:" + std::to_string(number);
        }
        const ParsedName parsed = parse_address(address);
        return parsed ? parsed.name + ":" + std::to_string(number) : std::string{};
    }

    /// One Name for each host; the rules of both protocols together.
    void collect_names() {
        for (OldRule& rule : result_.proxy.rules) {
            const std::string host = normal_host(rule.host);
            if (host.empty()) {
                remark(RemarkKind::lost,
                       "host " + lync::quoted(rule.host) + " isn't a name that can be published",
                       rule.place);
                continue;
            }
            rule.host = host;
            settle_servers(rule);
            if (rule.servers.empty()) {
                remark(RemarkKind::lost, lync::quoted(host) + " has no server", rule.place);
                continue;
            }
            published_.insert(host);
            published_.insert(rule.fqdn);
            if (const auto [known, is_new] = index_.try_emplace(host, result_.names.size());
                is_new) {
                add_name(std::move(rule));
            } else {
                merge(result_.names[known->second], rule);
            }
        }
    }

    /// Addresses as `server` takes them, each once, at least one of them not a backup.
    void settle_servers(OldRule& rule) {
        std::vector<OldServer> settled;
        std::set<std::string> seen;
        for (OldServer& server : rule.servers) {
            const ParsedName plain = parse_address(server.address);
            const ParsedName bracketed =
                parse_address("[" + server.address + "]"); // IPv6 without its brackets
            if (!plain && !bracketed) {
                remark(RemarkKind::lost,
                       "server " + lync::quoted(server.address) + " of " + lync::quoted(rule.host) +
                           ": " + plain.error,
                       rule.place);
                continue;
            }
            const std::string& address = plain ? plain.name : bracketed.name;
            rename_pool(server.address, address);
            server.address = address;
            if (seen.insert(address).second) {
                settled.push_back(std::move(server));
            }
        }
        rule.servers = std::move(settled);

        constexpr std::string_view backup = " backup";
        const bool all =
            std::all_of(rule.servers.begin(), rule.servers.end(), [&](const OldServer& server) {
                return server.parameters.find(backup) != std::string::npos;
            });
        if (all && !rule.servers.empty()) {
            std::string& parameters = rule.servers.front().parameters;
            parameters.erase(parameters.find(backup), backup.size());
        }
    }

    /// What is known of a server stays known under its address's usual spelling.
    void rename_pool(const std::string& from, const std::string& to) {
        for (auto* names : {&result_.pool_names, &result_.proxy.pool_names}) {
            if (const auto known = names->find(from); from != to && known != names->end()) {
                names->try_emplace(to, known->second);
            }
        }
    }

    void add_name(OldRule rule) {
        Name name;
        const auto said = roles_.find(rule.host);
        name.said = said != roles_.end();
        name.as = name.said ? said->second : guess(rule.host);
        if (result_.is_ocs() && said == roles_.end() && name.as != As::never) {
            name.as = As::pool; // no simple URLs, no lyncdiscover
        }
        name.rule = std::move(rule);
        result_.names.push_back(std::move(name));
    }

    /// Both protocols of a name go to one pool: the one that https goes to.
    void merge(Name& name, const OldRule& rule) {
        OldRule& known = name.rule;
        const bool takes_over = known.https_port == 0 && rule.https_port != 0;
        const bool plain_only = known.https_port == 0 || rule.https_port == 0;
        if (!same_servers(known.servers, rule.servers)) {
            const auto& https = takes_over ? rule.servers : known.servers;
            const auto& other = takes_over ? known.servers : rule.servers;
            const bool within = std::all_of(other.begin(), other.end(), [&](const OldServer& s) {
                return std::any_of(https.begin(), https.end(),
                                   [&](const OldServer& t) { return s.address == t.address; });
            });
            if (!within || !plain_only) {
                remark(RemarkKind::lost,
                       "a further rule for " + lync::quoted(rule.host) + " with other servers: " +
                           (plain_only ? "those for https count" : "the first one counts"),
                       rule.place);
            }
            if (!plain_only) {
                return;
            }
        }
        if (takes_over) {
            known.servers = rule.servers;
            known.place = rule.place;
            known.services = rule.services;
        } else if (rule.https_port != 0) {
            add_services(known, rule);
        }
        known.https_port = known.https_port != 0 ? known.https_port : rule.https_port;
        known.http_port = known.http_port != 0 ? known.http_port : rule.http_port;
        if (known.fqdn.empty()) {
            known.fqdn = rule.fqdn;
        }
    }

    /// Rules for one name each bring paths of theirs.
    static void add_services(OldRule& known, const OldRule& rule) {
        if (!known.services || !rule.services) {
            known.services.reset();
            return;
        }
        for (const std::string& service : *rule.services) {
            if (std::find(known.services->begin(), known.services->end(), service) ==
                known.services->end()) {
                known.services->push_back(service);
            }
        }
    }

    static bool is_lync(As as) noexcept { return as <= As::lyncdiscover; }

    Pool& pool_of(const Name& name) {
        for (Pool& pool : result_.pools) {
            if (same_servers(pool.servers, name.rule.servers)) {
                return pool;
            }
        }
        result_.pools.emplace_back().servers = name.rule.servers;
        return result_.pools.back();
    }

    void make_pools() {
        for (Name& name : result_.names) {
            if (name.as == As::never || name.as == As::skip) {
                refuse(name);
            } else if (is_lync(name.as) && name.as != As::admin) {
                add_to_pool(name);
            }
        }
    }

    void refuse(const Name& name) {
        tell(name, "not published");
        if (name.as == As::skip) {
            return;
        }
        const bool internal = first_label(name.rule.host) == "lyncdiscoverinternal";
        remark(RemarkKind::changed,
               lync::quoted(name.rule.host) +
                   (internal ? " was published; clients take its answer for the inside, it must "
                               "not be reachable from outside"
                             : " is an Edge Server's name; that isn't HTTP and has nothing to do "
                               "with a reverse proxy"),
               name.rule.place);
    }

    void add_to_pool(const Name& name) {
        Pool& pool = pool_of(name);
        take_port(pool, name, true);
        take_port(pool, name, false);
        if (name.as == As::lyncdiscover || is_simple_url(name.as)) {
            pool.first_contact = pool.first_contact || name.as == As::lyncdiscover;
            return;
        }
        std::string external = name.rule.host.ends_with(".*") ? name.rule.fqdn : name.rule.host;
        external = normal_host(external);
        if (external.empty() || external.ends_with(".*")) {
            remark(RemarkKind::lost,
                   "the external web services FQDN behind " + lync::quoted(name.rule.host) +
                       ": a pool has one name, not a pattern",
                   name.rule.place);
            tell(name, "not published");
            return;
        }
        if (!pool.external.empty()) {
            remark(
                RemarkKind::lost,
                lync::quoted(external) + " went to the same servers as " +
                    lync::quoted(pool.external) +
                    ", and a pool has one external web services FQDN: if it is a simple URL, say "
                    "so with --role",
                name.rule.place);
            tell(name, "not published");
            return;
        }
        if (name.rule.host != external) {
            pool.remarks.push_back(
                {RemarkKind::check,
                 lync::quoted(name.rule.host) + " was published; a pool has one name",
                 name.rule.place});
        }
        pool.external = external;
        pool.director = name.as == As::director;
    }

    /// Ports belong to a pool. Those of the internal web site are what nobody outside may see.
    void take_port(Pool& pool, const Name& name, bool tls) {
        const std::uint16_t said = tls ? name.rule.https_port : name.rule.http_port;
        const std::uint16_t internal = tls ? 443 : 80;
        const Ports defaults = result_.usual_ports();
        const std::uint16_t usual = tls ? defaults.https : defaults.http;
        std::uint16_t& port = tls ? pool.https : pool.http;
        if (said == 0) {
            return;
        }
        if (said == internal && !result_.is_ocs()) {
            add_once(pool.remarks,
                     {RemarkKind::changed,
                      "requests went to port " + std::to_string(said) +
                          " of the servers, where the internal web site is; now they go to " +
                          std::to_string(usual),
                      name.rule.place});
            return;
        }
        if (port == 0) {
            port = said;
        } else if (port != said) {
            pool.remarks.push_back({RemarkKind::lost,
                                    lync::quoted(name.rule.host) + " went to port " +
                                        std::to_string(said) + ", others to " +
                                        std::to_string(port) +
                                        ": a pool's web site has one port for each protocol",
                                    name.rule.place});
        }
    }

    static void add_once(std::vector<Remark>& remarks, Remark remark) {
        const bool known = std::any_of(remarks.begin(), remarks.end(), [&](const Remark& other) {
            return other.text == remark.text;
        });
        if (!known) {
            remarks.push_back(std::move(remark));
        }
    }

    /// What the module refuses: a farm at a pool's servers, on the port of their internal web site.
    void leave_out_internal_sites() {
        for (Name& name : result_.names) {
            if (name.as != As::office_web_apps && name.as != As::exchange) {
                continue;
            }
            const std::uint16_t port = name.rule.https_port != 0 ? name.rule.https_port : 443;
            const auto clashes = [&](const Pool& pool) {
                return port != (pool.https != 0 ? pool.https : result_.usual_ports().https) &&
                       is_at(name, pool);
            };
            if (std::any_of(result_.pools.begin(), result_.pools.end(), clashes)) {
                remark(
                    RemarkKind::changed,
                    lync::quoted(name.rule.host) + " went to port " + std::to_string(port) +
                        " of servers of a pool, where their internal web site is; it is left out",
                    name.rule.place);
                tell(name, "not published");
                name.as = As::skip;
            }
        }
    }

    /// Whether a name's servers are some of the pool's, by address or by name.
    bool is_at(const Name& name, const Pool& pool) const {
        const auto is_pools = [&](const OldServer& server) {
            return server.address == pool.fqdn ||
                   std::any_of(
                       pool.servers.begin(), pool.servers.end(),
                       [&](const OldServer& other) { return other.address == server.address; });
        };
        return std::any_of(name.rule.servers.begin(), name.rule.servers.end(), is_pools) ||
               result_.name_of(name.rule.servers) == pool.fqdn;
    }

    /// The first pool is the one where simple URLs and lyncdiscover go.
    void order_pools() {
        std::stable_sort(result_.pools.begin(), result_.pools.end(),
                         [](const Pool& a, const Pool& b) {
                             return a.director < b.director ||
                                    (a.director == b.director && a.first_contact > b.first_contact);
                         });
        if (result_.pools.front().director) {
            // Only a Director was published; a publication has a pool.
            result_.pools.front().director = false;
            result_.pools.front().remarks.push_back(
                {RemarkKind::check,
                 "the only servers that were published look like a Director's; the pool's own "
                 "external web services FQDN has to be published, too",
                 {}});
        }
    }

    bool is_published(const std::string& fqdn) const { return published_.contains(fqdn); }

    void name_pools() {
        for (Pool& pool : result_.pools) {
            pool.fqdn = known_name(pool);
            if (pool.fqdn.empty()) {
                pool.fqdn = invented_name(pool);
                pool.remarks.push_back(
                    {RemarkKind::check,
                     "nobody says the pool's own FQDN, and the servers' certificates are held "
                     "against it: write it in place of " +
                         lync::quoted(pool.fqdn) + ", or import with --pool ADDRESS=FQDN",
                     {}});
            }
            published_.insert(pool.fqdn);
        }
        for (Pool& pool : result_.pools) {
            if (pool.external.empty()) {
                pool.external = unused_name();
                published_.insert(pool.external);
                pool.remarks.push_back(
                    {RemarkKind::check,
                     "no external web services FQDN of this pool was published: write the one that "
                     "Topology Builder shows in place of " +
                         lync::quoted(pool.external),
                     {}});
            }
        }
    }

    std::string known_name(const Pool& pool) const {
        const std::string said = result_.name_of(pool.servers);
        if (!said.empty() && !is_published(said) && !said.starts_with("lyncdiscover.")) {
            return said;
        }
        if (pool.servers.size() == 1) {
            const ParsedName own = parse_fqdn(pool.servers.front().address);
            if (own && !is_published(own.name) && own.name != pool.external &&
                !own.name.starts_with("lyncdiscover.")) {
                return own.name;
            }
        }
        return {};
    }

    /// "pool-10-0-0-11.invalid": a name that surely is nobody's [RFC 2606].
    std::string invented_name(const Pool& pool) const {
        std::string label = "pool-" + pool.servers.front().address.substr(0, 50);
        for (char& c : label) {
            c = is_ascii_alnum(c) ? ascii_lower(c) : '-';
        }
        label += label.ends_with('-') ? "0" : "";
        std::string name = label + ".invalid";
        for (unsigned number = 2; is_published(name); number++) {
            name = label + "-" + std::to_string(number) + ".invalid";
        }
        return name;
    }

    std::string unused_name() const {
        std::string name = "lyncwebext." + result_.some_domain();
        for (unsigned number = 2; is_published(name); number++) {
            name = "lyncwebext" + std::to_string(number) + "." + result_.some_domain();
        }
        return name;
    }

    const ImportOptions& options_;
    std::map<std::string, As, std::less<>> roles_;
    std::map<std::string, std::size_t, std::less<>> index_; ///< by host
    std::set<std::string, std::less<>> published_;          ///< what is no pool's own name
    Arrangement result_;
};

} // namespace

Arrangement arrange(OldProxy proxy, const ImportOptions& options) {
    return Arranger(std::move(proxy), options).arrange();
}

} // namespace lync::lyncctl
