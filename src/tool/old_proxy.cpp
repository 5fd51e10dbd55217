// What each name of another proxy is here, and the block that says so.

#include "tool/old_proxy.h"

#include "plan/render.h"
#include "syntax/place.h"
#include "tool/block_writer.h"
#include "tool/failure.h"
#include "tool/output.h"
#include "topology/ascii.h"
#include "topology/names.h"
#include "topology/product.h"

#include <algorithm>
#include <array>
#include <set>

namespace lync::tool {

namespace {

using syntax::quoted;
using topology::Product;

enum class As : std::uint8_t {
    pool,     ///< external web services of a pool
    director, ///< of a Director
    meet,
    dialin,
    scheduler,
    admin,
    lyncdiscover,
    office_web_apps,
    exchange,
    never, ///< must not be published, or isn't HTTP
    skip,  ///< the user doesn't want it
};

constexpr std::array<std::pair<std::string_view, As>, 10> words{{
    {"pool", As::pool},
    {"director", As::director},
    {"meet", As::meet},
    {"dialin", As::dialin},
    {"scheduler", As::scheduler},
    {"admin", As::admin},
    {"lyncdiscover", As::lyncdiscover},
    {"office_web_apps", As::office_web_apps},
    {"exchange", As::exchange},
    {"skip", As::skip},
}};

std::string_view word_of(As as) noexcept {
    for (const auto& [word, value] : words) {
        if (value == as) {
            return word;
        }
    }
    return "never";
}

bool is_simple_url(As as) noexcept {
    return as >= As::meet && as <= As::admin;
}

/// The first label of a host: what people tell services by.
std::string_view first_label(std::string_view host) noexcept {
    return host.substr(0, host.find('.'));
}

std::string_view domain_of(std::string_view host) noexcept {
    const std::size_t dot = host.find('.');
    return dot == host.npos ? std::string_view{} : host.substr(dot + 1);
}

template <std::size_t Size>
bool begins_with_any(std::string_view text, const std::array<std::string_view, Size>& starts) {
    return std::any_of(starts.begin(), starts.end(),
                       [text](std::string_view start) { return text.starts_with(start); });
}

/// By the names that Microsoft's guides give to services.
As guess(std::string_view host) {
    constexpr std::array<std::string_view, 5> office{"wac", "owas", "oos", "officewebapps",
                                                     "office"};
    constexpr std::array<std::string_view, 8> exchange{"mail",    "autodiscover", "owa",  "webmail",
                                                       "outlook", "exchange",     "ews", "mapi"};
    const std::string_view label = first_label(host);
    if (label == "lyncdiscover") {
        return As::lyncdiscover;
    }
    if (label == "lyncdiscoverinternal" || label == "sip" || label == "sipinternal" ||
        label == "sipexternal" || label == "webcon" || label == "av") {
        return As::never;
    }
    if (label == "admin" || label == "cscp") {
        return As::admin;
    }
    if (label.starts_with("meet")) {
        return As::meet;
    }
    if (label.starts_with("dialin")) {
        return As::dialin;
    }
    if (label.starts_with("scheduler")) {
        return As::scheduler;
    }
    if (begins_with_any(label, office)) {
        return As::office_web_apps;
    }
    if (begins_with_any(label, exchange)) {
        return As::exchange;
    }
    return label.find("dir") != label.npos ? As::director : As::pool;
}

/// `NAME=VALUE` of an option.
std::pair<std::string, std::string> split_option(std::string_view option, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
        throw Failure("invalid value " + quoted(text) + " of " + std::string(option) +
                      ": it is written " +
                      (option == "--role" ? "NAME=ROLE" : "ADDRESS=FQDN"));
    }
    return {topology::to_ascii_lower(text.substr(0, equals)), text.substr(equals + 1)};
}

/// A name that is to be published, with everything that is known of it.
struct Name {
    OldRule rule;
    As as = As::pool;
};

/// Servers that answer for Lync's names.
struct Pool {
    std::string fqdn;
    bool director = false;
    std::string external;
    std::vector<OldServer> servers;
    std::uint16_t https = 0;
    std::uint16_t http = 0;
    bool first_contact = false; ///< lyncdiscover, or else a simple URL, goes there
    std::vector<Remark> remarks;
};

bool same_servers(const std::vector<OldServer>& a, const std::vector<OldServer>& b) {
    std::set<std::string_view> left;
    std::set<std::string_view> right;
    for (const OldServer& server : a) {
        left.insert(server.address);
    }
    for (const OldServer& server : b) {
        right.insert(server.address);
    }
    return left == right;
}

class Composer {
public:
    Composer(OldProxy proxy, const ImportOptions& options)
        : proxy_(std::move(proxy)), options_(options) {
        read_options();
    }

    Imported compose() {
        result_.remarks = proxy_.remarks;
        settle_sockets();
        collect_names();
        make_pools();
        if (pools_.empty()) {
            throw Failure(quoted(proxy_.file) + " publishes no name of a Front End pool" +
                          (result_.remarks.empty()
                               ? std::string{}
                               : ": " + printable(result_.remarks.front().text)));
        }
        order_pools();
        name_pools();
        write();
        result_.text = out_.take();
        result_.files = std::move(proxy_.files);
        return std::move(result_);
    }

private:
    bool is_ocs() const { return product_ && topology::is_ocs(*product_); }

    void read_options() {
        if (!options_.product.empty()) {
            product_ = topology::product_from_name(options_.product);
            if (!product_) {
                throw Failure("invalid value " + quoted(options_.product) +
                              " of --product: the products are " +
                              std::string(topology::product_names()));
            }
        }
        for (const std::string& text : options_.roles) {
            const auto said = split_option("--role", text);
            const auto& [host, word] = said;
            const auto known = std::find_if(words.begin(), words.end(), [&said](const auto& w) {
                return w.first == said.second;
            });
            if (known == words.end()) {
                throw Failure("invalid role " + quoted(word) +
                              " in --role: the roles are pool, director, meet, dialin, scheduler, "
                              "admin, lyncdiscover, office_web_apps, exchange and skip");
            }
            roles_[host] = known->second;
        }
        for (const std::string& text : options_.pools) {
            auto [address, fqdn] = split_option("--pool", text);
            const topology::ParsedName parsed = topology::parse_fqdn(fqdn);
            if (!parsed) {
                throw Failure("invalid FQDN " + quoted(fqdn) + " in --pool: " + parsed.error);
            }
            pool_names_[address] = parsed.name;
        }
        if (options_.certificate.empty() != options_.key.empty()) {
            throw Failure("--certificate and --key belong together");
        }
    }

    void remark(RemarkKind kind, std::string text, const Place& place) {
        result_.remarks.push_back({kind, std::move(text), place});
    }
    void tell(const Name& name, std::string became, std::string to = {}) {
        result_.names.push_back(
            {name.rule.host, std::move(became), std::move(to), name.rule.place});
    }

    /// Sockets as `http_listen` and `https_listen` take them. One speaks one protocol.
    void settle_sockets() {
        std::set<std::string> taken;
        for (auto* sockets : {&proxy_.https_sockets, &proxy_.http_sockets}) {
            std::vector<std::string> settled;
            for (const std::string& written : *sockets) {
                const std::size_t space = written.find(' ');
                const std::string address = normal_socket(written.substr(0, space));
                if (address.empty()) {
                    remark(RemarkKind::lost, "listening on " + quoted(written), {});
                } else if (taken.insert(address).second) {
                    settled.push_back(
                        address + (space == std::string::npos ? "" : written.substr(space)));
                }
            }
            *sockets = std::move(settled);
        }
        if (proxy_.https_sockets.empty()) {
            proxy_.https_sockets = {"443"};
        }
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
        const topology::ParsedName parsed = topology::parse_address(address);
        return parsed ? parsed.name + ":" + std::to_string(number) : std::string{};
    }

    /// A host in the one spelling that everything else uses; empty if it is none.
    static std::string normal_host(const std::string& host) {
        if (host.ends_with(".*")) {
            const topology::ParsedUrl url = topology::parse_https_url("https://" + host);
            return url ? url.host : std::string{};
        }
        const topology::ParsedName name = topology::parse_fqdn(host);
        return name ? name.name : std::string{};
    }

    /// One Name for each host; the rules of both protocols together.
    void collect_names() {
        for (OldRule& rule : proxy_.rules) {
            const std::string host = normal_host(rule.host);
            if (host.empty()) {
                remark(RemarkKind::lost,
                       "host " + quoted(rule.host) + " isn't a name that can be published",
                       rule.place);
                continue;
            }
            rule.host = host;
            settle_servers(rule);
            if (rule.servers.empty()) {
                remark(RemarkKind::lost, quoted(host) + " has no server", rule.place);
                continue;
            }
            published_.insert(host);
            published_.insert(rule.fqdn);
            if (const auto [known, is_new] = index_.try_emplace(host, names_.size()); is_new) {
                add_name(std::move(rule));
            } else {
                merge(names_[known->second], rule);
            }
        }
    }

    /// Addresses as `server` takes them, each once, at least one of them not a backup.
    void settle_servers(OldRule& rule) {
        std::vector<OldServer> settled;
        std::set<std::string> seen;
        for (OldServer& server : rule.servers) {
            const topology::ParsedName plain = topology::parse_address(server.address);
            const topology::ParsedName bracketed =
                topology::parse_address("[" + server.address + "]"); // IPv6 without its brackets
            if (!plain && !bracketed) {
                remark(RemarkKind::lost,
                       "server " + quoted(server.address) + " of " + quoted(rule.host) + ": " +
                           plain.error,
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
        const bool all = std::all_of(
            rule.servers.begin(), rule.servers.end(), [&](const OldServer& server) {
                return server.parameters.find(backup) != std::string::npos;
            });
        if (all && !rule.servers.empty()) {
            std::string& parameters = rule.servers.front().parameters;
            parameters.erase(parameters.find(backup), backup.size());
        }
    }

    /// What is known of a server stays known under its address's usual spelling.
    void rename_pool(const std::string& from, const std::string& to) {
        for (auto* names : {&pool_names_, &proxy_.pool_names}) {
            if (const auto known = names->find(from); from != to && known != names->end()) {
                names->try_emplace(to, known->second);
            }
        }
    }

    void add_name(OldRule rule) {
        Name name;
        const auto said = roles_.find(rule.host);
        name.as = said != roles_.end() ? said->second : guess(rule.host);
        if (is_ocs() && said == roles_.end() && name.as != As::never) {
            name.as = As::pool; // no simple URLs, no lyncdiscover
        }
        name.rule = std::move(rule);
        names_.push_back(std::move(name));
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
                return std::any_of(https.begin(), https.end(), [&](const OldServer& t) {
                    return s.address == t.address;
                });
            });
            if (!within || !plain_only) {
                remark(RemarkKind::lost,
                       "a further rule for " + quoted(rule.host) + " with other servers: " +
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
        }
        known.https_port = known.https_port != 0 ? known.https_port : rule.https_port;
        known.http_port = known.http_port != 0 ? known.http_port : rule.http_port;
        if (known.fqdn.empty()) {
            known.fqdn = rule.fqdn;
        }
    }

    static bool is_lync(As as) noexcept { return as <= As::lyncdiscover; }

    Pool& pool_of(const Name& name) {
        for (Pool& pool : pools_) {
            if (same_servers(pool.servers, name.rule.servers)) {
                return pool;
            }
        }
        pools_.emplace_back().servers = name.rule.servers;
        return pools_.back();
    }

    void make_pools() {
        for (Name& name : names_) {
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
               quoted(name.rule.host) +
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
                   "the external web services FQDN behind " + quoted(name.rule.host) +
                       ": a pool has one name, not a pattern",
                   name.rule.place);
            tell(name, "not published");
            return;
        }
        if (!pool.external.empty()) {
            remark(RemarkKind::lost,
                   quoted(external) + " went to the same servers as " + quoted(pool.external) +
                       ", and a pool has one external web services FQDN: if it is a simple URL, say "
                       "so with --role",
                   name.rule.place);
            tell(name, "not published");
            return;
        }
        if (name.rule.host != external) {
            pool.remarks.push_back({RemarkKind::check,
                                    quoted(name.rule.host) + " was published; a pool has one name",
                                    name.rule.place});
        }
        pool.external = external;
        pool.director = name.as == As::director;
    }

    /// Ports belong to a pool. Those of the internal web site are what nobody outside may see.
    void take_port(Pool& pool, const Name& name, bool tls) {
        const std::uint16_t said = tls ? name.rule.https_port : name.rule.http_port;
        const std::uint16_t internal = tls ? 443 : 80;
        const topology::Ports defaults = topology::default_ports(product_.value_or(Product::sfb_se));
        const std::uint16_t usual = tls ? defaults.https : defaults.http;
        std::uint16_t& port = tls ? pool.https : pool.http;
        if (said == 0) {
            return;
        }
        if (said == internal && !is_ocs()) {
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
                                    quoted(name.rule.host) + " went to port " +
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

    /// The first pool is the one where simple URLs and lyncdiscover go.
    void order_pools() {
        std::stable_sort(pools_.begin(), pools_.end(), [](const Pool& a, const Pool& b) {
            return a.director < b.director ||
                   (a.director == b.director && a.first_contact > b.first_contact);
        });
        if (pools_.front().director) {
            // Only a Director was published; a publication has a pool.
            pools_.front().director = false;
            pools_.front().remarks.push_back(
                {RemarkKind::check,
                 "the only servers that were published look like a Director's; the pool's own "
                 "external web services FQDN has to be published, too",
                 {}});
        }
    }

    bool is_published(const std::string& fqdn) const { return published_.contains(fqdn); }

    void name_pools() {
        std::set<std::string> taken;
        for (Pool& pool : pools_) {
            pool.fqdn = known_name(pool);
            if (pool.fqdn.empty() || taken.contains(pool.fqdn)) {
                std::string label = pool.servers.empty() ? "unknown" : pool.servers.front().address;
                for (char& c : label) {
                    c = topology::is_ascii_alnum(c) ? topology::ascii_lower(c) : '-';
                }
                label = label.substr(0, 50);
                const bool edges = label.empty() || label.front() == '-' || label.back() == '-';
                pool.fqdn = (edges ? "x" + label + "x" : label) + ".pool.invalid";
                pool.remarks.push_back(
                    {RemarkKind::check,
                     "nobody says the pool's own FQDN, and the servers' certificates are held "
                     "against it: write it in place of " +
                         quoted(pool.fqdn) + ", or import with --pool ADDRESS=FQDN",
                     {}});
            }
            taken.insert(pool.fqdn);
            published_.insert(pool.fqdn);
        }
        for (Pool& pool : pools_) {
            if (pool.external.empty()) {
                pool.external = unused_name();
                published_.insert(pool.external);
                pool.remarks.push_back(
                    {RemarkKind::check,
                     "no external web services FQDN of this pool was published: write the one that "
                     "Topology Builder shows in place of " +
                         quoted(pool.external),
                     {}});
            }
        }
    }

    std::string known_name(const Pool& pool) const {
        const std::string said = name_of(pool.servers);
        if (!said.empty() && !is_published(said)) {
            return said;
        }
        if (pool.servers.size() == 1) {
            const topology::ParsedName own = topology::parse_fqdn(pool.servers.front().address);
            if (own && !is_published(own.name) && own.name != pool.external) {
                return own.name;
            }
        }
        return {};
    }

    /// What the user or the old file calls a group of servers; empty if that isn't a name.
    std::string name_of(const std::vector<OldServer>& servers) const {
        for (const auto* names : {&pool_names_, &proxy_.pool_names}) {
            for (const OldServer& server : servers) {
                if (const auto known = names->find(server.address); known != names->end()) {
                    return topology::parse_fqdn(known->second).name;
                }
            }
        }
        return {};
    }

    std::string unused_name() const {
        std::string name = "lyncwebext." + some_domain();
        for (unsigned number = 2; is_published(name); number++) {
            name = "lyncwebext" + std::to_string(number) + "." + some_domain();
        }
        return name;
    }

    /// A domain that certainly is one of theirs, for what has to be filled in.
    std::string some_domain() const {
        for (const Name& name : names_) {
            const std::string& host =
                name.rule.host.ends_with(".*") ? name.rule.fqdn : name.rule.host;
            const std::string domain(domain_of(host));
            if (domain != "*" && topology::parse_sip_domain(domain)) {
                return domain;
            }
        }
        return "example.invalid";
    }

    // --- writing

    void write() {
        out_.comment("Written by \"lyncctl import\" from " + quoted(proxy_.file) + " of " +
                     proxy_.product + ".");
        out_.comment("CHANGED is what was unsafe or too tight and is now different, NOT CARRIED "
                     "OVER what has no counterpart, CHECK what was assumed.");
        for (const Remark& remark : result_.remarks) {
            out_.remark(remark);
        }
        out_.line("");
        out_.open("lync_publish " + options_.name);
        write_head();
        write_sockets();
        for (const Pool& pool : pools_) {
            write_pool(pool);
        }
        write_simple_urls();
        write_farms(As::office_web_apps);
        write_farms(As::exchange);
        write_limits();
        out_.close();
    }

    /// A remark above the directive that it is about.
    void note(RemarkKind kind, std::string text, const Place& place = {}) {
        note({kind, std::move(text), place});
    }
    void note(Remark remark) {
        out_.remark(remark);
        result_.remarks.push_back(std::move(remark));
    }

    void write_head() {
        if (product_) {
            out_.directive("product", topology::product_name(*product_));
        } else {
            note(RemarkKind::check, "the old proxy doesn't know the server product, and sfb_se is "
                                    "assumed: write \"product lync_2013\" or what it is");
        }
        write_sip_domains();

        const std::string base = "/etc/nginx/" + options_.name;
        if (!options_.certificate.empty()) {
            proxy_.certificates = {{options_.certificate, options_.key}};
        }
        if (proxy_.certificates.empty()) {
            note(RemarkKind::check,
                 "the certificate isn't in the old file: export it with its intermediates and its "
                 "key as PEM to these files");
            proxy_.certificates = {{base + ".pem", base + ".key"}};
        }
        for (const auto& [certificate, key] : proxy_.certificates) {
            out_.directive("certificate", plan::quoted_argument(certificate) + " " +
                                              plan::quoted_argument(key));
        }
        if (!options_.trusted_ca.empty()) {
            proxy_.trusted_ca = options_.trusted_ca;
        }
        if (proxy_.trusted_ca.empty()) {
            note(RemarkKind::check, "the servers' certificates are verified: write the CA that "
                                    "issued them, as PEM, to this file");
            proxy_.trusted_ca = base + "-internal-ca.pem";
        }
        out_.directive("trusted_ca", plan::quoted_argument(proxy_.trusted_ca));
    }

    void write_sip_domains() {
        if (is_ocs()) {
            return;
        }
        std::vector<std::string> domains;
        const Name* any = nullptr;
        for (const Name& name : names_) {
            if (name.as != As::lyncdiscover) {
                continue;
            }
            tell(name, "sip_domain", pools_.front().fqdn);
            if (name.rule.host.ends_with(".*")) {
                any = &name;
            } else if (name.rule.host.starts_with("lyncdiscover.") &&
                       topology::parse_sip_domain(domain_of(name.rule.host))) {
                domains.emplace_back(domain_of(name.rule.host));
            } else {
                note(RemarkKind::lost,
                     quoted(name.rule.host) +
                         ": clients look for autodiscover at lyncdiscover.DOMAIN only",
                     name.rule.place);
            }
        }
        if (any != nullptr) {
            if (!domains.empty()) {
                note(RemarkKind::check,
                     "besides the pattern there were names of their own, which it holds as well");
            }
            note(RemarkKind::check,
                 quoted(any->rule.host) +
                     " is a pattern: better are the SIP domains themselves, which can be held "
                     "against the certificate",
                 any->rule.place);
            out_.directive("sip_domain", "*");
            return;
        }
        if (domains.empty()) {
            domains.push_back(some_domain());
            note(RemarkKind::check,
                 "lyncdiscover wasn't published, and clients look for it: write the SIP domains of "
                 "your users");
        }
        out_.list("sip_domain", domains);
    }

    void write_sockets() {
        const auto write = [this](std::string_view directive, std::string_view usual,
                                  const std::vector<std::string>& sockets) {
            if (sockets.size() == 1 && sockets.front() == usual) {
                return; // the default, IPv6 included
            }
            for (const std::string& socket : sockets) {
                out_.directive(directive, socket);
            }
        };
        if (proxy_.http_sockets.empty()) {
            out_.line("");
            out_.directive("http_listen", "off");
        } else {
            write("http_listen", "80", proxy_.http_sockets);
        }
        write("https_listen", "443", proxy_.https_sockets);
    }

    void write_servers(const std::vector<OldServer>& servers) {
        for (const OldServer& server : servers) {
            out_.directive("server", server.address + server.parameters);
        }
    }

    void write_pool(const Pool& pool) {
        const topology::Ports usual = topology::default_ports(product_.value_or(Product::sfb_se));
        out_.line("");
        for (const Remark& remark : pool.remarks) {
            note(remark);
        }
        out_.open((pool.director ? "director " : "pool ") + pool.fqdn);
        out_.directive("external_web_services", pool.external);
        write_servers(pool.servers);
        const std::uint16_t http = pool.http == 0 ? usual.http : pool.http;
        const std::uint16_t https = pool.https == 0 ? usual.https : pool.https;
        if (http != usual.http || https != usual.https) {
            out_.directive("listening_ports", "http=" + std::to_string(http) +
                                                  " https=" + std::to_string(https));
        }
        out_.close();
        for (const Name& name : names_) {
            if ((name.as == As::pool || name.as == As::director) &&
                same_servers(name.rule.servers, pool.servers) &&
                (name.rule.host == pool.external || name.rule.fqdn == pool.external)) {
                tell(name, "external_web_services", pool.fqdn);
            }
        }
    }

    const Pool& first_contact() const {
        const auto director = std::find_if(pools_.begin(), pools_.end(),
                                           [](const Pool& pool) { return pool.director; });
        return director == pools_.end() ? pools_.front() : *director;
    }

    void write_simple_urls() {
        bool begun = false;
        for (const Name& name : names_) {
            if (name.as == As::lyncdiscover &&
                !same_servers(name.rule.servers, first_contact().servers)) {
                out_.line("");
                note(RemarkKind::changed,
                     quoted(name.rule.host) + " went to other servers than " +
                         first_contact().fqdn + ", where autodiscover goes now",
                     name.rule.place);
            }
        }
        for (const Name& name : names_) {
            if (!is_simple_url(name.as)) {
                continue;
            }
            if (!begun) {
                out_.line("");
                begun = true;
            }
            std::string arguments(word_of(name.as));
            arguments += " https://" + name.rule.host;
            if (name.as == As::admin) {
                note(RemarkKind::changed,
                     quoted(name.rule.host) +
                         " was published; the admin simple URL is for the inside and is refused",
                     name.rule.place);
                tell(name, "simple_url admin, refused");
            } else {
                const Pool& pool = pool_of(name);
                if (!same_servers(pool.servers, first_contact().servers)) {
                    arguments += " pool=" + pool.fqdn;
                }
                tell(name, "simple_url " + std::string(word_of(name.as)), pool.fqdn);
            }
            out_.directive("simple_url", arguments);
        }
    }

    /// Names with the same servers and port are one farm; Exchange's stand in one block.
    void write_farms(As kind) {
        std::vector<bool> done(names_.size());
        for (std::size_t i = 0; i < names_.size(); i++) {
            if (names_[i].as != kind || done[i]) {
                continue;
            }
            std::vector<const Name*> members;
            for (std::size_t j = i; j < names_.size(); j++) {
                const bool together =
                    i == j || (kind == As::exchange && names_[j].as == kind && !done[j] &&
                               same_servers(names_[i].rule.servers, names_[j].rule.servers));
                if (together) {
                    done[j] = true;
                    members.push_back(&names_[j]);
                }
            }
            write_farm(kind, members);
        }
    }

    void write_farm(As kind, const std::vector<const Name*>& members) {
        std::string fqdns;
        out_.line("");
        for (const Name* name : members) {
            const bool pattern = name->rule.host.ends_with(".*");
            const std::string fqdn = pattern ? normal_host(name->rule.fqdn) : name->rule.host;
            if (fqdn.empty()) {
                note(RemarkKind::lost,
                     quoted(name->rule.host) + ": write the name that is meant", name->rule.place);
                tell(*name, "not published");
                continue;
            }
            if (pattern) {
                note(RemarkKind::check,
                     quoted(name->rule.host) + " was published; here it is one name",
                     name->rule.place);
            }
            fqdns += " " + fqdn;
            tell(*name, std::string(word_of(kind)), fqdn);
        }
        if (fqdns.empty()) {
            return;
        }
        const OldRule& rule = members.front()->rule;
        if (roles_.find(rule.host) == roles_.end()) {
            note(RemarkKind::check, "taken for " + std::string(word_of(kind)) + " by its name");
        }
        const std::string certificate_name = name_of(rule.servers);
        if (certificate_name.empty()) {
            note(RemarkKind::check, "the name in the servers' own certificate may be another one: "
                                    "\"certificate_name FQDN\"");
        }
        out_.open(std::string(word_of(kind)) + fqdns);
        write_servers(rule.servers);
        if (rule.https_port != 0 && rule.https_port != 443) {
            out_.directive("listening_ports", "https=" + std::to_string(rule.https_port));
        }
        if (!certificate_name.empty()) {
            out_.directive("certificate_name", certificate_name);
        }
        if (kind == As::exchange && !proxy_.exchange_services.empty()) {
            out_.list("services", proxy_.exchange_services);
        }
        out_.close();
    }

    void write_limits() {
        out_.line("");
        write_plain_http();

        constexpr std::chrono::seconds longest_pending_get{920}; // phones ask for 900, wait 920
        if (proxy_.timeout && *proxy_.timeout < longest_pending_get) {
            note(RemarkKind::changed,
                 "the time-out was " + std::to_string(proxy_.timeout->count()) +
                     " seconds; phones let a request wait for 900 and give up after 920");
            out_.directive("pending_get_timeout", "960s");
        } else if (proxy_.timeout) {
            constexpr std::chrono::seconds week{7 * 86400};
            out_.directive("pending_get_timeout",
                           std::to_string(std::min(*proxy_.timeout, week).count()) + "s");
        }
        constexpr std::uint64_t usual_upload = 512ULL * 1024 * 1024;
        if (proxy_.max_upload > usual_upload) {
            const std::uint64_t megabytes = proxy_.max_upload / 1024 / 1024;
            out_.directive("max_upload",
                           std::to_string(std::min<std::uint64_t>(megabytes, 1000000)) + "m");
        }
    }

    /// Plain HTTP: only autodiscover travels, the rest is redirected.
    void write_plain_http() {
        std::string redirected;
        bool autodiscover = false;
        std::size_t more = 0;
        for (const Name& name : names_) {
            if (name.rule.http_port == 0) {
                continue;
            }
            if (name.as == As::lyncdiscover) {
                autodiscover = true;
            } else if (redirected.size() < 200) {
                redirected += (redirected.empty() ? "" : ", ") + name.rule.host;
            } else {
                more++;
            }
        }
        if (!redirected.empty()) {
            note(RemarkKind::changed,
                 "plain HTTP was passed on for " + redirected +
                     (more == 0 ? "" : " and " + std::to_string(more) + " more") +
                     "; now it is redirected to https, and only autodiscover of names that no "
                     "certificate covers travels to the servers");
        }
        if (!autodiscover && !is_ocs() && !proxy_.http_sockets.empty()) {
            note(RemarkKind::check,
                 "autodiscover over plain HTTP wasn't published: right as long as the certificate "
                 "covers every lyncdiscover name");
            out_.directive("http_autodiscover", "off");
        }
    }

    OldProxy proxy_;
    const ImportOptions& options_;
    std::optional<Product> product_;
    std::map<std::string, As, std::less<>> roles_;
    std::map<std::string, std::string> pool_names_;
    std::vector<Name> names_;
    std::map<std::string, std::size_t, std::less<>> index_; ///< by host
    std::set<std::string, std::less<>> published_;          ///< what is no pool's own name
    std::vector<Pool> pools_;
    BlockWriter out_;
    Imported result_;
};

} // namespace

Imported compose(OldProxy proxy, const ImportOptions& options) {
    return Composer(std::move(proxy), options).compose();
}

} // namespace lync::tool
