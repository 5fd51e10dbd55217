#include "policy/services.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lync::policy {

namespace {

using enum Service;
using enum Exposure;
using enum Product;
using P = Product;

constexpr Methods page = method_get | method_head;
constexpr Methods form = page | method_post;
constexpr Methods open_form = form | method_options;
constexpr Methods content_transfer = open_form | method_put;
constexpr Methods rest = form | method_put | method_delete | method_options;
constexpr Methods any_method = rest | method_patch;

constexpr BodyLimit no_body = BodyLimit::none;
constexpr BodyLimit message = BodyLimit::message;
constexpr BodyLimit content = BodyLimit::content;

constexpr PathRow never(std::string_view prefix, Service service, Exposure exposure,
                        P first = ocs_2007, P last = sfb_se) {
    return {prefix, service, first, last, exposure, on_every_host, method_none, no_body};
}

// The one path that is never published on a Lync host and may be on an Exchange host.
constexpr std::string_view ecp = "/ecp";

// Methods. HEAD goes wherever GET does: it shows less. OPTIONS is let through where a script of
// another origin may ask first, which Set-CsWebServiceConfiguration's EnableCORS allows (UCWA,
// autodiscover, tokens, sign-in, meeting content and the web app's back end), and to Exchange,
// whose mobile clients begin with it; IIS answers it and nothing changes by it. PUT and DELETE
// belong to UCWA; content may be PUT. Under `path_policy vendor` the column doesn't count.
//
// Hosts. A page under a simple URL fetches its scripts and pictures from the virtual directory of
// its own service ("/meet/Resources/...", "/meet/JavaScriptResourceHandler.ashx") on the same
// host, so a host with a meet URL also serves /meet, and so on (on_own_pages). Beyond that, pages
// share fonts and static data, sign in at /webticket, and older launchers open the web app
// (/lwa, /reach) on their own host. What the web app itself needs afterwards (/ucwa, content) it
// asks of the pool's external web services FQDN, by absolute URL; native clients' services are
// never needed on a simple URL's host.
constexpr PathRow rows[] = {
    {"/abs", abs, lync_2010, sfb_se, published, on_pool, page, no_body},
    {"/abs/ext", abs, ocs_2007, ocs_2007_r2, published, on_pool, page, no_body},
    never("/aspnet_client", server_files, internal),
    {"/autodiscover", autodiscover, lync_2010, sfb_se, published, on_pool | on_discovery, open_form,
     message},
    {"/autodiscover", exchange_autodiscover, ocs_2007, sfb_se, published, on_exchange, open_form,
     message},
    {"/autoupdate/ext", device_update, ocs_2007, lync_2010, on_demand, on_pool, page, no_body},
    never("/certmanager", support_console, admin),
    {"/certprov", certprov, lync_2010, sfb_se, published, on_pool, form, message},
    {"/collabcontent", collabcontent, lync_2010, sfb_se, published, on_pool, content_transfer,
     content},
    {"/conf/ext", conferencing, ocs_2007, lync_2010, on_demand, on_pool, form, message},
    never("/cscp", control_panel, admin),
    {"/datacollabweb", datacollab, lync_2010, sfb_se, published, on_pool, content_transfer,
     content},
    {"/deviceupdatefiles_ext", device_update, ocs_2007, ocs_2007_r2, published, on_pool, page,
     no_body},
    {"/deviceupdatefiles_ext", device_update, lync_2010, lync_2010, on_demand, on_pool, page,
     no_body},
    never("/deviceupdatefiles_int", internal_twin, internal),
    {"/dialin", dialin, lync_2010, sfb_se, published, on_pool | on_own_pages, form, message},
    {ecp, exchange_admin, ocs_2007, sfb_se, admin, on_lync, method_none, no_body},
    {ecp, exchange_admin, ocs_2007, sfb_se, published, on_exchange, any_method, content},
    {"/etc/place/null", conferencing, ocs_2007, ocs_2007_r2, published, on_pool, form, message},
    {"/etc/place/null", conferencing, lync_2010, lync_2010, on_demand, on_pool, form, message},
    {"/ews", ews, ocs_2007, sfb_se, published, on_exchange, open_form, content},
    {"/fonts", static_files, lync_2013, sfb_se, published, on_pool | on_pages, page, no_body},
    {"/groupexpansion", groupexpansion, lync_2010, sfb_se, published, on_pool, form, message},
    {"/groupexpansion/ext", groupexpansion, ocs_2007, ocs_2007_r2, published, on_pool, form,
     message},
    {"/hybridconfig", hybridconfig, lync_2013, sfb_se, on_demand, on_pool, form, message},
    never("/int", internal_twin, internal),
    {"/lmstaticdata", static_files, lync_2010, sfb_se, published, on_pool | on_pages, page,
     no_body},
    {"/locationinformation", location_information, lync_2010, sfb_se, on_demand, on_pool, form,
     message},
    never("/lrs", support_console, admin),
    {"/lwa", lwa, lync_2013, sfb_se, published, on_pool | on_pages, form, message},
    never("/macp", control_panel, admin),
    {"/mapi", mapi, ocs_2007, sfb_se, published, on_exchange, open_form, content},
    {"/mcx", mcx, lync_2010, lync_2010, published, on_pool, form, message},
    {"/mcx", mcx, lync_2013, sfb_2015, on_demand, on_pool, form, message},
    {"/meet", meet, lync_2010, sfb_se, published, on_pool | on_own_pages, form, message},
    never("/meetingroomportal", support_console, admin),
    {"/microsoft-server-activesync", activesync, ocs_2007, sfb_se, published, on_exchange,
     open_form, content},
    {"/oab", oab, ocs_2007, sfb_se, published, on_exchange, page, no_body},
    never("/ocspowershell", policy::Service::powershell, admin),
    {"/owa", owa, ocs_2007, sfb_se, published, on_exchange, any_method, content},
    {"/passiveauth", passiveauth, lync_2013, sfb_se, on_demand, on_pool, open_form, message},
    {"/persistentchat", persistent_chat, lync_2013, sfb_2015, on_demand, on_pool, form, message},
    {"/phoneconferencing/ext", conferencing, ocs_2007, lync_2010, on_demand, on_pool, form,
     message},
    never("/powershell", policy::Service::powershell, admin),
    {"/reach", reach, lync_2010, sfb_se, published, on_pool | on_pages, open_form, content},
    never("/reports", server_files, admin),
    never("/reportserver", server_files, admin),
    never("/requesthandler", internal_twin, internal, lync_2010),
    {"/requesthandler/ucdevice.upx", device_update, ocs_2007, ocs_2007_r2, published, on_pool, form,
     content},
    {"/requesthandlerext", device_update, ocs_2007_r2, ocs_2007_r2, published, on_pool, form,
     content},
    {"/requesthandlerext", device_update, lync_2010, sfb_se, on_demand, on_pool, form, content},
    {"/rgsclients", rgs, lync_2010, sfb_se, on_demand, on_pool, form, message},
    never("/rgsconfig", rgs_config, admin),
    {"/rpc", rpc, ocs_2007, sfb_se, published, on_exchange, page | method_rpc, content},
    {"/scheduler", scheduler, lync_2010, sfb_se, published, on_pool | on_own_pages, form, message},
    {"/sites/ucupdateserver", device_update, ocs_2007, ocs_2007, published, on_pool, page, no_body},
    {"/storage", storage, lync_2013, sfb_se, on_demand, on_pool, form, content},
    never("/supportconferenceconsole", support_console, admin),
    never("/supportconsole", support_console, admin),
    {"/ucwa", ucwa, lync_2013, sfb_se, published, on_pool, rest, message},
    {"/webticket", webticket, lync_2010, sfb_se, published, on_pool | on_pages, open_form, message},
    never("/wsman", policy::Service::powershell, admin),
    {"/xframe", autodiscover, lync_2010, sfb_se, published, on_discovery, page, no_body},
};

static_assert(std::ranges::is_sorted(rows, [](const PathRow& a,
                                              const PathRow& b) { return a.prefix < b.prefix; }),
              "the table is kept in the order of its prefixes");

/// Where the rows begin whose first letter is at least 'a' + index.
constexpr auto letters = [] {
    std::array<std::uint8_t, 27> begin{};
    for (std::size_t letter = 0; letter < begin.size(); letter++) {
        while (begin[letter] < std::size(rows) &&
               rows[begin[letter]].prefix[1] < static_cast<char>('a' + letter)) {
            begin[letter]++;
        }
    }
    return begin;
}();

/// The rows that begin with the same letter as a path.
std::span<const PathRow> rows_near(std::string_view path) noexcept {
    if (path.size() < 2 || path[1] < 'a' || path[1] > 'z') {
        return {};
    }
    const auto letter = static_cast<std::size_t>(path[1] - 'a');
    return std::span(rows).subspan(letters[letter], letters[letter + 1] - letters[letter]);
}

/// Whether the first segment of `path` is the first segment of a row, of whatever product.
bool has_known_root(std::string_view path) noexcept {
    const std::string_view root = path.substr(0, path.find('/', 1));
    const auto near = rows_near(path);
    return std::ranges::any_of(near, [&](const PathRow& row) { return covers(root, row.prefix); });
}

/// *.config, also with an NTFS stream ("web.config::$DATA") or as the 8.3 name ("web~1.con") that
/// Windows gives it.
bool is_config_file(std::string_view segment) noexcept {
    constexpr std::string_view extension = ".config";
    for (std::size_t i = segment.find(extension); i != std::string_view::npos;
         i = segment.find(extension, i + 1)) {
        const std::size_t end = i + extension.size();
        if (end == segment.size() || segment[end] == ':') {
            return true;
        }
    }
    return segment.find('~') != std::string_view::npos && segment.ends_with(".con");
}

/// Whether `segment` may be Windows' short name of a folder `name`: its first six letters and a
/// number, "app_gl~1"; from the fifth similar name on, two letters and a hash, "ap3f2c~1".
bool is_short_name_of(std::string_view segment, std::string_view name) noexcept {
    constexpr std::size_t kept = 6;
    const std::size_t tilde = segment.find('~');
    const std::string_view stem = segment.substr(0, tilde);
    return tilde != std::string_view::npos && tilde + 1 < segment.size() &&
           is_ascii_digit(segment[tilde + 1]) && stem.size() + 1 >= kept &&
           (name.starts_with(stem) ||
            (name.starts_with(stem.substr(0, 2)) && stem.size() == kept &&
             stem.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos));
}

constexpr std::array hidden_folders{std::string_view("bin"),
                                    std::string_view("app_browsers"),
                                    std::string_view("app_code"),
                                    std::string_view("app_data"),
                                    std::string_view("app_globalresources"),
                                    std::string_view("app_localresources"),
                                    std::string_view("app_webreferences")};

bool is_server_segment(std::string_view segment, bool may_be_short) noexcept {
    return segment.starts_with("_vti_") ||
           ((segment.front() == 'a' || segment.front() == 'b') &&
            std::ranges::any_of(hidden_folders, [&](std::string_view name) {
                return segment == name || (may_be_short && is_short_name_of(segment, name));
            }));
}

/// Whether `path`, a first segment, is the short name of one that is never published.
bool is_short_root(std::string_view path) noexcept {
    const auto near = rows_near(path);
    return std::ranges::any_of(near, [&](const PathRow& row) {
        return is_never(row.exposure) && is_short_name_of(path.substr(1), row.prefix.substr(1));
    });
}

/// The most severe row of the never kind; with `exposure` admin, those alone.
Never find_never_row(std::string_view path, P product, Exposure least, Hosts among) noexcept {
    for (const PathRow& row : rows_near(path)) {
        if (is_never(row.exposure) && row.exposure <= least && (row.hosts & among) != 0 &&
            product >= row.first && product <= row.last && covers(row.prefix, path)) {
            return {true, row.exposure, row.service};
        }
    }
    return {};
}

/// In the order of the enumeration.
constexpr std::string_view names[] = {
    "unknown",
    "autodiscover",
    "webticket",
    "certprov",
    "abs",
    "groupexpansion",
    "ucwa",
    "mcx",
    "reach",
    "lwa",
    "meet",
    "dialin",
    "scheduler",
    "collabcontent",
    "datacollab",
    "device_update",
    "rgs",
    "persistent_chat",
    "passiveauth",
    "hybridconfig",
    "storage",
    "static",
    "conferencing",
    "office_web_apps",
    "ews",
    "exchange_autodiscover",
    "owa",
    "activesync",
    "mapi",
    "oab",
    "rpc",
    "exchange_admin",
    "control_panel",
    "powershell",
    "rgs_config",
    "location_information",
    "support_console",
    "server_files",
    "internal_twin",
};
static_assert(std::size(names) == static_cast<std::size_t>(Service::internal_twin) + 1);

} // namespace

std::string_view service_name(Service service) noexcept {
    return names[static_cast<std::size_t>(service)];
}

// Time-outs. A phone's Ping and Sync wait for mail for up to 59 minutes (ActiveSync's heartbeat
// interval is at most 3,540 seconds [MS-ASCMD, 2.2.3.79]); a streaming notification of EWS lasts up
// to 30 (ConnectionTimeout [MS-OXWSNTIF, 2.2.5.6]), and so does whatever MAPI over HTTP or RPC over
// HTTP leave idle; a minute more, so that the server is the one to end it. The two channels of RPC
// over HTTP announce bodies of 1 GiB each, at most 2 [MS-RPCH, 2.2.2].
std::span<const ExchangeService> exchange_services() noexcept {
    static constexpr ExchangeService services[] = {
        {"ews", Service::ews, "/EWS", "1860s", {}},
        {"autodiscover", Service::exchange_autodiscover, "/Autodiscover", {}, {}},
        {"owa", Service::owa, "/owa", {}, {}},
        {"ecp", Service::exchange_admin, "/ecp", {}, {}},
        {"activesync", Service::activesync, "/Microsoft-Server-ActiveSync", "3600s", {}},
        {"mapi", Service::mapi, "/mapi", "1860s", {}},
        {"oab", Service::oab, "/OAB", {}, {}},
        {"rpc", Service::rpc, "/rpc", "1860s", "2g"},
    };
    return services;
}

Methods method_bit(std::string_view method) noexcept {
    static constexpr std::pair<std::string_view, Methods> bits[] = {
        {"GET", method_get},         {"POST", method_post},       {"HEAD", method_head},
        {"OPTIONS", method_options}, {"PUT", method_put},         {"DELETE", method_delete},
        {"PATCH", method_patch},     {"RPC_IN_DATA", method_rpc}, {"RPC_OUT_DATA", method_rpc}};
    for (const auto& [name, bit] : bits) {
        if (name == method) {
            return bit;
        }
    }
    return method_none;
}

std::uint64_t body_limit_bytes(BodyLimit limit) noexcept {
    constexpr std::uint64_t mebibyte = 1024 * 1024;
    switch (limit) {
    case BodyLimit::none:
        return 64 * 1024; // clients may send an empty or a stray body; it is never large
    case BodyLimit::message:
        return 4 * mebibyte; // a UCWA batch of 20 requests, a SOAP envelope with its tokens
    case BodyLimit::content:
        break;
    }
    return 0;
}

std::span<const PathRow> path_rows() noexcept {
    return rows;
}

const PathRow* find_row(std::string_view path, P product, Hosts among) noexcept {
    const PathRow* found = nullptr;
    for (const PathRow& row : rows_near(path)) {
        if ((row.hosts & among) != 0 && product >= row.first && product <= row.last &&
            covers(row.prefix, path)) {
            found = &row; // sorted: a later one that covers the path is a longer one
        }
    }
    return found;
}

Never find_never(std::string_view path, P product, Hosts among, bool may_name_file) noexcept {
    if (const Never row = find_never_row(path, product, Exposure::internal, among); row.closed) {
        return row;
    }
    const std::size_t second = path.find('/', 1);
    if (!may_name_file &&
        (second == std::string_view::npos || path.substr(second + 1, 3) != "int")) {
        return {};
    }
    const bool may_be_short = path.find('~') != std::string_view::npos;
    const bool may_be_file = may_be_short || path.find('.') != std::string_view::npos;
    int index = 0;
    for (std::size_t start = 1; start < path.size(); index++) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view segment = path.substr(start, end - start);
        if (is_server_segment(segment, may_be_short) || (may_be_file && is_config_file(segment)) ||
            (may_be_short && index == 0 && is_short_root(path.substr(0, end)))) {
            return {true, Exposure::internal, Service::server_files};
        }
        if (index == 1 && segment == "int" && has_known_root(path)) {
            return {true, Exposure::internal, Service::internal_twin};
        }
        start = end + 1;
    }
    return {};
}

Never find_never_admin(std::string_view path, P product) noexcept {
    return find_never_row(path, product, Exposure::admin, on_every_host);
}

namespace {

/// Checks the form of a path argument; `normal` is set to its normal form, for `find_never`.
std::string check_form(std::string_view path, std::string& normal) {
    if (path.empty() || path.front() != '/') {
        return "it must begin with a slash";
    }
    constexpr std::pair<std::string_view, std::string_view> refused[] = {
        {"?", "it must be a path without a query"},
        {"#", "it must be a path without a fragment"},
        {"%", "it must be written without percent encoding: it is compared with decoded paths"},
        {"\\", "it must be written with forward slashes"},
        {"*;", "it must be a plain prefix of whole segments, without \"*\" or \";\""}};
    for (const auto& [characters, why] : refused) {
        if (path.find_first_of(characters) != std::string_view::npos) {
            return std::string(why);
        }
    }
    for (const char c : path) {
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
            return "it must consist of printable ASCII characters";
        }
        normal += ascii_lower(c);
    }
    if (path.size() > 1024) {
        return "it must have no more than 1024 characters";
    }
    if (normal.size() > 1 && normal.ends_with('/')) {
        normal.pop_back();
    }
    const std::string bounded = normal + "/";
    if (bounded.find("//") != std::string::npos && normal != "/") {
        return "it must not have empty segments";
    }
    if (bounded.find("./") != std::string::npos) {
        return "it must not have segments that end in a dot";
    }
    return {};
}

} // namespace

std::string check_allow_path(std::string_view path, P product) {
    std::string normal;
    if (std::string wrong = check_form(path, normal); !wrong.empty() && path != "/*") {
        return wrong;
    }
    if (normal == "/" || path == "/*") {
        return "it would allow every path: write \"path_policy vendor\"";
    }
    const Never closed = find_never(normal, product);
    if (closed.closed) {
        return closed.exposure == Exposure::admin
                   ? "it is an administrative path, which is never published: remove it"
                   : "it is an internal path, which is never published: remove it";
    }
    return {};
}

std::string check_deny_path(std::string_view path) {
    std::string normal;
    std::string wrong = check_form(path, normal);
    if (wrong.empty() && normal == "/") {
        return "it would deny every path: remove the name from the publication instead";
    }
    return wrong;
}

} // namespace lync::policy
