#pragma once

// The one table of paths: what each path of each product is, who needs it, on which kinds of
// hosts the strict policy publishes it, with what methods and how large a body. `$lync_service`,
// the verdict and docs/paths.md are derived from it; a path is added or changed here only.
//
// A path is matched by whole segments, case-insensitively, after IIS's reading of it (path.h).

#include "base/product.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lync::policy {

/// What a path belongs to. `service_name` gives the word of `$lync_service`.
enum class Service : std::uint8_t {
    unknown,

    // Lync, Skype for Business and OCS: what clients use.
    autodiscover,    ///< lyncdiscover's root, /autodiscover, /xframe
    webticket,       ///< the security token service, WS-Trust and OAuth
    certprov,        ///< certificate provisioning (TLS-DSK)
    abs,             ///< address book files and photos
    groupexpansion,  ///< distribution list expansion, address book web query
    ucwa,            ///< REST API of mobile clients and the web app, since Lync 2013
    mcx,             ///< mobility service of Lync 2010 clients
    reach,           ///< back end of the web app; AuthBroker
    lwa,             ///< the web app's pages
    meet,            ///< join launcher
    dialin,          ///< dial-in numbers and PIN page
    scheduler,       ///< web scheduler
    collabcontent,   ///< meeting content, download
    datacollab,      ///< meeting content, upload
    device_update,   ///< IP phones: firmware, log upload
    rgs,             ///< Response Group agent sign-in
    persistent_chat, ///< room management
    passiveauth,     ///< WS-Federation sign-in
    hybridconfig,    ///< called by Skype for Business Online
    storage,         ///< declared external by Lync 2013; purpose undocumented
    static_files,    ///< fonts, scripts and pictures of the pages
    conferencing,    ///< OCS meeting content

    // Other servers of the deployment.
    office_web_apps,
    ews,
    exchange_autodiscover,
    owa,
    activesync,
    mapi,
    oab,
    rpc,            ///< Outlook by RPC over HTTP (Outlook Anywhere)
    exchange_admin, ///< /ecp: Options of Outlook on the web, and the Exchange admin center

    // What is never published.
    control_panel,
    powershell,
    rgs_config,
    location_information,
    support_console, ///< support consoles and room administration portals
    server_files,    ///< *.config, /bin, /_vti_*, reports and the like: of IIS, not of Lync
    internal_twin,   ///< `int` beside `ext`
};

/// The value of `$lync_service`: "autodiscover", "webticket", ...; "unknown" for unknown.
std::string_view service_name(Service service) noexcept;

/// What `exchange { services ...; }` may name.
struct ExchangeService {
    std::string_view word; ///< of the directive: "ews"
    Service service;
    std::string_view directory; ///< virtual directory as Exchange spells it: "/EWS"
    /// How long a request of it waits for the server or the client, as nginx writes times; empty:
    /// `pending_get_timeout`, as for a pool.
    std::string_view timeout;
    std::string_view max_upload; ///< its largest body; empty: the publication's
};
std::span<const ExchangeService> exchange_services() noexcept;

enum class Exposure : std::uint8_t {
    published, ///< the product declares it external, and clients in general need it
    on_demand, ///< some organisations need it: one `allow_path` away
    admin,     ///< never published: administration
    internal,  ///< never published: for the inside of the organisation, or the server's own files
};

constexpr bool is_never(Exposure exposure) noexcept {
    return exposure >= Exposure::admin;
}

/// A set of request methods.
using Methods = std::uint8_t;
inline constexpr Methods method_none = 0;
inline constexpr Methods method_get = 1;
inline constexpr Methods method_head = 2;
inline constexpr Methods method_post = 4;
inline constexpr Methods method_put = 8;
inline constexpr Methods method_delete = 16;
inline constexpr Methods method_options = 32;
inline constexpr Methods method_patch = 64;
inline constexpr Methods method_rpc = 128;       ///< RPC_IN_DATA and RPC_OUT_DATA [MS-RPCH]
inline constexpr Methods ordinary_methods = 127; ///< what passes where no row says which

/// The bit of a method as it stands in the request line (methods are case-sensitive);
/// `method_none` for those that nothing published uses: TRACE, CONNECT, PROPFIND, DEBUG, ...
Methods method_bit(std::string_view method) noexcept;

/// How large a request body a service takes.
enum class BodyLimit : std::uint8_t {
    none,    ///< no body
    message, ///< a form, a SOAP envelope, a REST document
    content, ///< meeting content, logs: `max_upload`
};

/// The most bytes a body of this class has; 0 for `content`: the publication's `max_upload`.
std::uint64_t body_limit_bytes(BodyLimit limit) noexcept;

/// The kinds of hosts on which the strict policy publishes a row.
using Hosts = std::uint8_t;
inline constexpr Hosts on_pool = 1;      ///< external web services FQDNs of pools and Directors
inline constexpr Hosts on_discovery = 2; ///< lyncdiscover names
inline constexpr Hosts on_pages = 4;     ///< simple URL hosts: their pages request it there
inline constexpr Hosts on_own_pages = 8; ///< simple URL hosts that declare a URL of this service
inline constexpr Hosts on_exchange = 16; ///< Exchange names, where `services` says so
inline constexpr Hosts on_lync = on_pool | on_discovery | on_pages | on_own_pages;
inline constexpr Hosts on_every_host = on_lync | on_exchange;

/// One row of the table. Who needs it, or why it is closed, stands in docs/paths.md.
struct PathRow {
    std::string_view prefix; ///< lower case: "/abs"; no slash at the end
    Service service;
    Product first; ///< products that have it, first
    Product last;  ///< ... to last
    Exposure exposure;
    Hosts hosts;     ///< on_every_host for what is never published, but for /ecp
    Methods methods; ///< under the strict policy
    BodyLimit body;
};

/// All rows, sorted by prefix.
std::span<const PathRow> path_rows() noexcept;

/// The row with the longest prefix that covers a path in normal form (path.h), that `product` has
/// and that belongs to one of the kinds of hosts `among`; null if there is none.
const PathRow* find_row(std::string_view path, Product product, Hosts among = on_lync) noexcept;

/// A path that is closed on every host: a row of the never kind or one of the patterns of
/// docs/paths.md. `path` is in normal form; `among`: the kinds of hosts whose rows count;
/// `may_name_file`: of the reading that the path is from (path.h).
struct Never {
    bool closed = false;
    Exposure exposure = Exposure::internal; ///< admin or internal
    Service service = Service::unknown;
};
Never find_never(std::string_view path, Product product, Hosts among = on_every_host,
                 bool may_name_file = true) noexcept;

/// The part of `find_never` that holds for Office Web Apps, which has `_vti_bin` paths and the like
/// of its own: the rows that close administration.
Never find_never_admin(std::string_view path, Product product) noexcept;

/// Whether a path in normal form lies under `prefix` (lower case, no slash at the end) by whole
/// segments: "/meet" covers "/meet" and "/meet/x", not "/meeting". "" covers everything.
constexpr bool covers(std::string_view prefix, std::string_view path) noexcept {
    return path.size() >= prefix.size() &&
           (path.size() == prefix.size() || prefix.empty() || path[prefix.size()] == '/') &&
           path.starts_with(prefix);
}

/// Checks an argument of `allow_path` or `deny_path`. Returns what is wrong with it and what would
/// be right ("it must begin with a slash"), or an empty string.
std::string check_allow_path(std::string_view path, Product product = Product::sfb_se);
std::string check_deny_path(std::string_view path);

} // namespace lync::policy
