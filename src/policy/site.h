#pragma once

// The policy room: a request line in, a verdict out. Pure, allocation-free at run time, and
// independent of nginx.
//
//     services.h     the one table of paths: what each is, who needs it, who may reach it
//     decode.h       one layer of encoding taken off
//     path.h         how IIS will read a path
//     meeting_url.h  the guard of the web app's meeturl parameter
//     pattern.h      regular expressions of bounded cost
//     multipart.h    the file names of an upload
//     shield.h       known attacks: the rows, and whether a request is one
//     sign_in.h      which requests carry a credential, and by which door
//     redirect.h     pages that are found at another URL
//     site.h         the rules of one virtual host, compiled, and the verdict

#include "base/name_set.h"
#include "base/product.h"
#include "policy/meeting_url.h"
#include "policy/redirect.h"
#include "policy/services.h"
#include "policy/shield.h"
#include "policy/sign_in.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lync::policy {

/// What a virtual host publishes.
enum class SiteKind : std::uint8_t {
    web_services,    ///< a pool's or Director's external web services FQDN
    autodiscover,    ///< lyncdiscover names
    simple_urls,     ///< hosts of meet, dialin, scheduler simple URLs
    office_web_apps, ///< an Office Web Apps farm: passed through byte for byte
    exchange,        ///< Exchange: only the services named
    plain_http,      ///< port 80 of all of these
    blocked,         ///< the admin simple URL's own host: nothing passes
    unknown_host,    ///< the catch-all of a socket: nothing passes
};

/// A declared simple URL on the hosts of this site.
struct SimpleUrlPath {
    std::string prefix;       ///< "/Meet", "/contoso/Meet"; empty: the whole host
    Service service;          ///< meet, dialin or scheduler
    std::uint16_t target = 0; ///< index given back in Verdict::target
};

/// Whether autodiscover over plain HTTP travels to the pool (spec: http_autodiscover).
enum class PlainAutodiscover : std::uint8_t {
    never,          ///< redirect or refuse like anything else
    always,         ///< these hosts are lyncdiscover names that no certificate covers, or `on`
    unless_covered, ///< `sip_domain *`: the requested name is looked up in the certificates' names
};

/// What the virtual hosts of a publication have in common, as it is declared.
struct RuleSpec {
    Product product = Product::sfb_se;

    bool strict = true; ///< path_policy strict: only what the product declares external
    std::vector<std::string> allow_paths;
    std::vector<std::string> deny_paths;
    std::vector<Pattern>
        allow_patterns; ///< `allow_path ~* PATTERN`, asked about a path in normal form
    std::vector<Pattern> deny_patterns;
    std::vector<Redirect> redirects;
    std::vector<Shield> shields;          ///< the rows as `shield` and `shield_file` leave them
    std::vector<std::string> admin_paths; ///< paths of admin simple URLs: closed on every host

    bool meeting_url_guard = true;
    std::vector<MeetUrl> meet_urls;

    bool https_redirect = true; ///< plain_http: what does not travel is redirected, or refused
    std::shared_ptr<const NameSet> certificate_names; ///< for PlainAutodiscover::unless_covered
};

/// The same, compiled once for all hosts. Immutable.
struct Rules {
    explicit Rules(RuleSpec stated);

    RuleSpec spec; // as given; what is compared at run time is kept in lower case below
    std::vector<std::string> allow_paths;
    std::vector<std::string> deny_paths;
    std::vector<std::string> admin_paths;
    std::vector<MeetUrl> meet_urls;
    Shields shields;
};

/// One virtual host as the plan states it; compiled by Site's constructor.
struct SiteSpec {
    SiteKind kind = SiteKind::unknown_host;

    /// Where what passes goes, unless a simple URL says otherwise. An index that means something
    /// to the caller only.
    std::uint16_t target = 0;

    std::vector<SimpleUrlPath> simple_urls;
    std::vector<Service> exchange_services;
    SignInRule sign_in;
    PlainAutodiscover plain_autodiscover = PlainAutodiscover::never;
    std::shared_ptr<const Rules> rules; ///< never NULL; of the whole publication
};

/// A request target as it will be forwarded, byte by byte: nothing decoded, nothing resolved.
struct Target {
    std::string_view path;  ///< "/meet/x"
    std::string_view query; ///< "a=b&c=d"
};

/// As every server takes the text apart: at the first "?".
Target split_target(std::string_view text) noexcept;

struct Request {
    std::string_view method; ///< "GET"
    Target target;
    std::string_view host; ///< lower case, without port or trailing dot
};

enum class Action : std::uint8_t { pass, redirect, refuse };

/// Why a request is refused; `reason_name` gives the word of `$lync_verdict` (`refuse:REASON`).
enum class Reason : std::uint8_t {
    none,
    unknown_host,   ///< no publication has this name
    admin,          ///< an administrative surface: Control Panel, PowerShell, admin simple URL
    internal,       ///< an internal twin (`/Int`), location information, ...
    path,           ///< not a path that this host publishes
    ambiguous_path, ///< readings of the path differ in a way that matters
    method,         ///< a method the service doesn't use
    plain_http,     ///< plain HTTP, and https_redirect is off
    meeting_url,    ///< meeturl names something that isn't a published meet simple URL
    denied,         ///< deny_path
    sign_in,   ///< a credential for a closed door: answered with 403, or as the token service does
    shield,    ///< a known attack; Verdict::shield says which
    body,      ///< a body larger than the service takes: answered with 413
    lockout,   ///< the account or the source is held: answered as a wrong password is
    malformed, ///< can't be parsed: answered with 400
};

std::string_view reason_name(Reason reason) noexcept;

struct Verdict {
    Action action = Action::refuse;
    Reason reason = Reason::unknown_host;
    Service service = Service::unknown;
    std::uint16_t target = 0;
    BodyLimit body = BodyLimit::content; ///< how large a body may come with what passes
    bool guarded = false; ///< what passes has to pass `parameters_pass` as well: form and cookies
    SignInBody sign_in = SignInBody::none; ///< what beside the Authorization field may sign in
    ShieldHit shield{}; ///< the row that refuses it, or that would if it didn't only log; without
                        ///< one, whether a pattern of `deny_path` or `allow_path` has given up
    std::string_view location{}; ///< of the site: where to redirect; empty: the same by https
};

class Reading; // path.h
struct Readings;

/// The compiled rules of one virtual host. Immutable; lives as long as the configuration.
class Site {
public:
    explicit Site(SiteSpec spec);

    /// Judges one request. No allocation, no lock; costs a few hundred nanoseconds.
    Verdict judge(const Request& request) const noexcept;

    /// Whether parameters beside the query pass the meeting URL guard: ASP.NET's
    /// `Request["meeturl"]` looks in the query, the form and the cookies. To be called where the
    /// verdict is `guarded`, with a form's body ("a=b&c=d") and each Cookie header ("a=b; c=d"), as
    /// they came.
    bool parameters_pass(std::string_view parameters) const noexcept;

    /// The rows that headers and file names of what passes are matched against.
    const Shields& shields() const noexcept { return rules().shields; }

    /// Applies the row that was hit, if any, to the verdict on a request that passes otherwise.
    void apply(ShieldHit hit, Verdict& verdict) const noexcept;

    /// For the log line of a request refused for Reason::path: the prefix that `allow_path` would
    /// have to name ("/passiveauth"), or an empty text if the path is none that organisations need.
    std::string_view allow_path_remedy(const Request& request) const noexcept;

    /// The paths that pass as one writes them: prefixes, sorted; "/*" where every path passes that
    /// isn't closed on all hosts.
    std::vector<std::string> passing_paths() const;

    /// Whether the product declares a row of the table external, and this host is one for it.
    bool publishes(const PathRow& row) const noexcept;

    const SiteSpec& spec() const noexcept { return spec_; }

private:
    struct Found {
        const PathRow* row; ///< whose methods and bodies hold; may be null
        Service service;
        std::uint16_t target;
        bool published;
    };

    Found find(std::string_view path) const noexcept;
    Verdict judge_readings(const Readings& readings, Methods method) const noexcept;
    Verdict judge_reading(const Reading& reading, Methods method) const noexcept;
    void check_passing(const Readings& readings, std::string_view query,
                       Verdict& verdict) const noexcept;
    void ask_shields(Verdict& verdict, std::string_view path,
                     std::string_view query) const noexcept;
    Verdict judge_lync(std::string_view path, Methods method) const noexcept;
    Verdict judge_exchange(std::string_view path, Methods method) const noexcept;
    Verdict judge_office_web_apps(const Request& request, std::string_view raw) const noexcept;
    Verdict judge_plain_http(const Request& request, std::string_view raw) const noexcept;
    bool find_closed(const Reading& reading, Verdict& verdict) const noexcept;
    bool denies(std::string_view path, Verdict& verdict) const noexcept;
    Pattern::Result allows(std::string_view path) const noexcept;
    bool autodiscover_travels(const Request& request) const noexcept;
    bool declares(Service service) const noexcept;

    const Rules& rules() const noexcept { return *spec_.rules; }

    SiteSpec spec_;
    std::vector<SimpleUrlPath> simple_urls_; // in lower case, longest prefix first
};

} // namespace lync::policy
