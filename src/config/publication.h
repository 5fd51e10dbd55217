#pragma once

// What one lync_publish block declares, typed and checked. Everything that follows from it
// (ports, hosts, upstreams, nginx directives) is the plan's business (src/plan).
//
// A default lives here, once.

#include "base/product.h"
#include "config/block.h"
#include "config/certificate.h"
#include "config/edge.h"
#include "config/presented.h"
#include "policy/site.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <unistd.h>

namespace lync::config {

/// What stands behind a published name: the value of `$lync_role`.
enum class Role : std::uint8_t { pool, director, office_web_apps, exchange };
std::string_view role_name(Role role) noexcept;

/// One `server` line: a Front End, or a load balancer's VIP. The balancer is the module's own
/// (src/balance/choice.h); the words and defaults of its parameters are nginx's.
struct Server {
    std::string address; ///< IPv4, [IPv6] or a name; never a port
    std::string name;    ///< what administrators call it: `name=`, else the address
    bool by_name = false;
    unsigned weight = 1;
    unsigned max_conns = 0; ///< 0: no limit
    unsigned max_fails = 1; ///< 0: failures are not counted
    std::chrono::seconds fail_timeout{10};
    std::chrono::seconds slow_start{30}; ///< 0: none
    bool backup = false;
    bool down = false;
    Place place;
};

/// affinity: whether a client's requests go to one server of the group.
enum class Affinity : std::uint8_t {
    none,   ///< each to the server with the least to do; since Lync 2013
    source, ///< by the client's address
    cookie, ///< by the cookie MS-WSMAN; Lync 2010
};

/// health_check: what is asked of every server.
enum class CheckKind : std::uint8_t {
    off,
    autodiscover, ///< GET /autodiscover/autodiscoverservice.svc/root
    tcp,          ///< a connection to `port`
    discovery,    ///< Office Web Apps: GET /hosting/discovery
    healthcheck,  ///< Exchange: GET /SERVICE/healthcheck.htm
};

struct HealthCheck {
    CheckKind kind = CheckKind::off;
    std::uint16_t port = 0; ///< of CheckKind::tcp
    std::chrono::seconds interval{5};
    std::chrono::seconds timeout{3};
    unsigned fails = 3;  ///< in a row, until a server is down
    unsigned passes = 2; ///< in a row, until it is up again
    Place place;
};

/// A service of Exchange, and the limits of its requests as nginx writes them: `timeout`, how long
/// either side is waited for; `max_upload`, the largest body. Empty: those of the publication.
struct FarmService {
    policy::Service service;
    std::string timeout;
    std::string max_upload;
};

bool has_service(const std::vector<FarmService>& services, policy::Service service) noexcept;

/// A group of servers that answers for the same names with the same certificate: a Front End
/// pool, a Director pool, an Office Web Apps farm, or Exchange.
struct Farm {
    Role role = Role::pool;
    std::string name;                   ///< pool FQDN; for farms the first published name
    std::vector<std::string> published; ///< external web services FQDN, or the farm's names
    std::string certificate_name;       ///< what the servers' own certificates carry
    std::vector<Server> servers;        ///< never empty
    std::vector<std::string> computers; ///< behind a balancer that `server` names; for planning
    Ports ports;                        ///< listening ports of the EXTERNAL web site
    std::vector<FarmService> services;  ///< Exchange only
    std::optional<policy::SignInRule> sign_in; ///< Exchange's own; else the publication's holds
    Affinity affinity = Affinity::none;
    HealthCheck health_check;
    Place place;
    Place published_place; ///< where `published` was written
};

/// The paths that a health check of the farm's servers asks for; none where a connection is enough.
std::vector<std::string> check_paths(const Farm& farm);

constexpr bool is_web_services(Role role) noexcept {
    return role == Role::pool || role == Role::director;
}
/// "pool fepool.contoso.local"; quoted: `pool "fepool.contoso.local"`.
std::string title(const Farm& farm);
std::string quoted_title(const Farm& farm);

enum class SimpleUrlKind : std::uint8_t { meet, dialin, scheduler, admin };
std::string_view simple_url_kind_name(SimpleUrlKind kind) noexcept;

struct SimpleUrl {
    SimpleUrlKind kind = SimpleUrlKind::meet;
    std::string host;     ///< "meet.contoso.com" or "meet.*"
    std::string path;     ///< "" or "/contoso/Meet"
    std::size_t farm = 0; ///< index into Publication::farms; unused for admin
    Place place;
};

/// A socket as `listen` takes it. Two lines mean the same socket if their addresses are equal.
struct Socket {
    std::string address;    ///< normalised: "443", "[::]:443", "10.0.0.1:443"
    std::string parameters; ///< " backlog=511 reuseport": leading spaces, without proxy_protocol
    bool proxy_protocol = false;
    /// nginx takes the parameters of a socket from one `listen` only: true where this publication
    /// is the one to say them.
    bool states_parameters = false;
    /// No publication before this one listens here, so this one brings the catch-all.
    bool needs_catch_all = false;
    Place place;
};

struct CertificateFiles {
    std::string certificate; ///< path as nginx will open it
    std::string key;
    Place place;
};

/// connection_auth: server connections that belong to one client connection.
struct ConnectionAuth {
    bool on = true;
    std::chrono::seconds idle{960}; ///< as pending_get_timeout unless written
    std::chrono::seconds age{3600}; ///< as nginx's keepalive_time
    unsigned most = 10000;          ///< per worker and group of servers
};

/// lockout_store: the Redis by which several proxies count together.
struct LockoutStore {
    static constexpr std::uint16_t default_port = 6379;

    std::string shown;   ///< without user and password
    std::string address; ///< "HOST:PORT" or "unix:PATH"
    std::string host;    ///< that its certificate has to name
    bool tls = false;
    std::string user;
    std::string password;
    unsigned database = 0;
    std::string key;           ///< file: of the hash of accounts
    std::string password_file; ///< empty: `password`
    std::string ca;            ///< file; with TLS alone
    Place place;

    bool operator==(const LockoutStore& other) const {
        return address == other.address && tls == other.tls && user == other.user &&
               password == other.password && database == other.database && key == other.key &&
               password_file == other.password_file && ca == other.ca;
    }
};

/// lockout: when failed sign-ins hold an account, or the source that they come from. By default
/// below what Active Directory is usually set to, so that it never locks an account out.
struct Lockout {
    bool on = false;
    unsigned failures = 4;
    std::chrono::seconds window{1800};
    std::chrono::seconds hold{1800};
    unsigned source_accounts = 20;                            ///< 0: sources are never held
    std::vector<std::string> exempt_networks;                 ///< "10.0.0.0/8"
    std::vector<std::string> exempt_accounts;                 ///< as written
    std::vector<std::pair<std::string, std::string>> domains; ///< account_domain NAME=DOMAIN
    bool log_accounts = false; ///< names in the log instead of a keyed hash
    std::optional<LockoutStore> store;
};

/// Whether clients that ask for a name by https accept the certificate that they are presented.
enum class Coverage : std::uint8_t {
    covered,    ///< each certificate that is presented for the name covers it
    uncovered,  ///< none does
    plain_http, ///< likewise, and autodiscover over plain HTTP serves it (http_autodiscover)
    by_request, ///< "meet.*": it depends on the name asked for
    not_needed, ///< nothing is published by https under this name
    unknown,    ///< no certificate has been read
};
/// The word of lync_status and of lyncctl.
std::string_view coverage_name(Coverage coverage) noexcept;

enum class HttpAutodiscover : std::uint8_t { automatic, on, off };
enum class UnknownHost : std::uint8_t { refuse, ignore };

/// The whole declaration. `farms` holds pools first, then Directors, then the rest, each kind in
/// the order written, so that farms.front() is the default pool.
struct Publication : policy::RuleSpec {
    std::string name;
    std::vector<std::string> sip_domains; ///< A-labels; or the single "*"
    /// One entry for each `sip_domain` directive: the index of its first domain, and its place.
    std::vector<std::pair<std::size_t, Place>> sip_domain_places;
    std::vector<CertificateFiles> certificates;
    std::vector<Certificate> loaded_certificates; ///< what is in them, in the same order
    std::string trusted_ca; ///< empty while backend_verify is off, or where it is missing yet
    Place trusted_ca_place;
    bool backend_verify = true;
    std::vector<Farm> farms;
    std::vector<SimpleUrl> simple_urls;
    std::vector<Socket> http_sockets; ///< empty: http_listen off
    std::vector<Socket> https_sockets;
    HttpAutodiscover http_autodiscover = HttpAutodiscover::automatic;
    std::string acme_challenge; ///< the webroot of challenges, without a slash at its end; or empty
    Place acme_challenge_place;
    ConnectionAuth connection_auth;
    policy::SignInRule sign_in;
    Lockout lockout;
    std::string pending_get_timeout = "960s"; ///< [Lync 2013, "Configure web publishing rules", 10]
    std::string max_upload = "512m";          ///< [Lync 2013, MaxUploadFileSizeMb 500]
    UnknownHost unknown_host = UnknownHost::refuse;
    bool hide_server_names = false;
    bool log_sip_uri = false; ///< whether logs may hold the query of autodiscover: addresses
    /// Off: servers given by name are looked up after the start, so that nginx starts without DNS.
    bool resolve_at_start = true;
    std::vector<std::pair<std::string, Place>> includes; ///< server_include, with the place
    std::vector<Edge> edges; ///< Edge Servers, for the firewall's rows alone
    Place place;

    PresentedCertificates presented; ///< which of `certificates`, for which name

    const policy::SignInRule& sign_in_of(const Farm& farm) const noexcept {
        return farm.sign_in ? *farm.sign_in : sign_in;
    }

    /// What the certificates say of a published name: at a time, or whatever their dates are. What
    /// is published there is the plan's business (plan::Plan::coverage).
    Coverage coverage(std::string_view name,
                      std::optional<std::chrono::sys_seconds> time = {}) const noexcept;
    /// The digest of the one certificate that is presented for all names of a farm; empty if there
    /// are several, as of two kinds of key, or none.
    std::string_view only_certificate(const Farm& farm) const noexcept;
    /// Where simple URLs and lyncdiscover go: the Director if there is one, else the first pool.
    std::size_t first_contact() const noexcept;
    bool has_wildcard_sip_domain() const noexcept;
    /// Whether autodiscover of this lyncdiscover name is answered over plain HTTP. For a pattern
    /// it depends on the request.
    bool serves_over_http(std::string_view lyncdiscover) const noexcept;
    /// Where sip_domains[index] was written.
    const Place& place_of_sip_domain(std::size_t index) const noexcept;
};

/// What the publications before this one in the same nginx.conf have taken already.
struct Registry {
    /// Who publishes a name: one entry for all names of a directive, there may be 20,000 of them.
    struct Claim {
        std::string publication;
        std::string as; ///< `external_web_services of pool "fepool.contoso.local"`
        Place place;
        bool simple_url; ///< several simple URLs of a publication may share a host
    };
    struct Listener {
        std::string publication;
        bool tls = false;
        bool proxy_protocol = false;
        std::string parameters;
        Place place;
    };
    /// A block with servers.
    struct Group {
        std::string publication;
        Farm farm;
    };
    std::map<std::string, Place, std::less<>> publications; ///< by name in lower case
    std::vector<Group> groups;
    std::deque<Claim> claims;                            ///< stays where it is: names point into it
    std::unordered_map<std::string, const Claim*> names; ///< published host, or "meet.*"
    std::map<std::string, Listener, std::less<>> sockets;
    std::optional<LockoutStore> store;
};

/// What `declare` needs to know beside the block.
struct Environment {
    /// A path of nginx.conf made absolute by nginx's own rule (the configuration's prefix).
    std::function<std::string(std::string_view)> full_path = [](std::string_view path) {
        return std::string(path);
    };
    std::chrono::sys_seconds now{};
    /// Whether to log which names each certificate is presented for.
    bool lists_names = false;
    /// Whether a certificate, a CA or an address that is missing or can't be used is a mistake. If
    /// not, as before they exist or on another machine, it is an error among the remarks, and keys
    /// aren't read.
    bool needs_everything = true;
    bool has_ipv6 = true;     ///< the default sockets leave out [::] where the system has no IPv6
    uid_t worker = geteuid(); ///< who reads files while requests are served
    gid_t worker_group = getegid();
};

/// Whether [::] can be bound: containers often have the protocol, but no address of it.
bool system_has_ipv6() noexcept;

/// Makes the declaration of a block `lync_publish NAME { ... }`, or throws Mistake for
/// the first mistake. What is legal but risky is appended to `remarks`. Names and sockets
/// that this publication adds are entered into `registry`, which spans all publications.
Publication declare(const Directive& block, const Environment& environment, Registry& registry,
                    std::vector<Diagnostic>& remarks);

} // namespace lync::config
