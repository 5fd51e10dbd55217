#pragma once

// `lyncctl import`: a lync_publish block for what another reverse proxy or a topology publishes.
//
//     nginx.cpp, arr.cpp, pfsense.cpp    each product's file, read into a Draft
//     topology.cpp                       Topology Builder's files, likewise
//     powershell.h                       what PowerShell makes of these
//     patterns.h, xml_file.h             what all share
//     draft.cpp                          which servers are one pool, what each name is
//     block.cpp                          the block with its comments
//     drift.cpp                          `lyncctl drift`: a topology beside the publications
//
// An administrator reads the block and corrects it once. So nothing is guessed that isn't in the
// old file, and whatever isn't carried over is listed unless it is known to be harmless.

#include "base/format.h"
#include "base/product.h"
#include "config/edge.h"
#include "lyncctl/commands.h"
#include "lyncctl/import/patterns.h"
#include "lyncctl/options.h"
#include "lyncctl/reader.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync::lyncctl {

/// Why a remark is worth reading, most important first.
enum class RemarkKind : std::uint8_t {
    restriction, ///< restricted access, and doesn't any more
    lost,        ///< isn't carried over
    check,       ///< was assumed, or has to be filled in
};
std::string_view remark_word(RemarkKind kind) noexcept;

struct Remark {
    RemarkKind kind;
    std::string text; ///< a sentence without full stop; may hold any bytes of the old file
    Place place;      ///< in the old file; line 0: none
};

/// What a name or a farm is here.
enum class Role : std::uint8_t {
    pool, ///< external web services of a pool
    director,
    office_web_apps,
    meet,
    dialin,
    scheduler,
    admin,
    lyncdiscover,
    unknown, ///< not known by its name, perhaps by its servers
};

/// The directive, or the kind of a simple URL.
std::string_view word_of(Role role) noexcept;

struct Server {
    std::string address;    ///< as written: IPv4, IPv6 or a name
    std::string parameters; ///< " down": what `server` takes here
};

/// The port of a URL or a listener, where 0 is none.
constexpr std::uint16_t port_or_usual(std::uint16_t port, bool tls) noexcept {
    return port != 0 ? port : tls ? 443 : 80;
}

/// Servers that answer for the same names, as one block.
struct Farm {
    Role role = Role::unknown; ///< pool, director or office_web_apps in the end
    std::string fqdn;          ///< in its servers' certificates
    std::string external;      ///< the published FQDN
    std::vector<Server> servers;
    std::set<std::string> trusted_cas; ///< files that their certificates were verified by
    Ports ports{0, 0};                 ///< 0: the usual one
    Place place;
    Farm* leader = nullptr; ///< the farm that this one is a part of; of `settle` alone

    std::uint16_t& port(bool tls) { return tls ? ports.https : ports.http; }
};

struct Socket {
    bool tls = false;
    bool proxy_protocol = false;
};

/// By address as `https_listen` takes it: "443", "[::]:443", "10.0.0.1:8443".
using Sockets = std::map<std::string, Socket>;

/// Adds a socket as nginx writes it: "443", "*:443", "10.0.0.1" (port 80), "[2001:db8::1]:443". It
/// is one for TLS if one of several lines says so. False: a block can't have such a socket.
bool add_socket(Sockets& sockets, std::string_view text, Socket as);

/// Certificate and key as this machine has them.
using Certificates = std::vector<std::pair<std::string, std::string>>;

/// The sockets and certificates of one server block of the old proxy.
struct Listener {
    Sockets sockets;
    Certificates certificates;
    std::vector<std::string> hosts;
    bool of_all_names = false;
};

/// A name that was published.
struct Name {
    std::string host; ///< "meet.contoso.com", or "meet.*"
    Farm* farm;
    Place place;
    Role role = Role::unknown;
    std::string path = {}; ///< of a simple URL: "/Meet"
};

/// The publication as read from any product's files.
struct Draft {
    Draft() = default;
    Draft(Draft&&) = default; // names point to farms

    std::string source; ///< "IIS ARR"
    std::string file;
    std::optional<Product> product;
    Sockets sockets;
    Certificates certificates;
    std::deque<Listener> listeners;
    std::string trusted_ca;
    std::deque<Farm> farms;
    Hosts hosts; ///< where names of servers lead
    std::vector<Name> names;
    std::vector<config::Edge> edges;
    std::vector<Remark> remarks;

    // Of `settle`, or of a topology.
    std::vector<Farm*> pools; ///< never empty; pools before Directors
    Farm* first = nullptr;    ///< where simple URLs and lyncdiscover go

    template <typename... T>
    void add(RemarkKind kind, const Place& place, fmt::format_string<T...> format,
             const T&... arguments) {
        remarks.push_back({kind, formatted<T...>(format, arguments...), place});
    }
    Ports usual_ports(const Farm& farm) const {
        return farm.role == Role::office_web_apps
                   ? Ports{80, 443}
                   : default_ports(product.value_or(Product::sfb_se));
    }
    Ports ports_of(const Farm& farm) const {
        const Ports usual = usual_ports(farm);
        return {farm.ports.http != 0 ? farm.ports.http : usual.http,
                farm.ports.https != 0 ? farm.ports.https : usual.https};
    }
};

/// Names that aren't in the old file are written as these words, which nginx rejects; the second
/// one as "POOL-FQDN-2".
inline constexpr std::string_view unknown_pool = "POOL-FQDN";
inline constexpr std::string_view unknown_external = "EXTERNAL-FQDN";
inline constexpr std::string_view unknown_domain = "SIP-DOMAIN";

/// Finds the roles of another proxy's farms and names, and removes `skipped` hosts and what isn't
/// Skype for Business. Throws Failure if nothing is left.
void settle(Draft& draft, const std::vector<std::string>& skipped = {});

/// "NOT CARRIED OVER (line 5): ...", as it was read: not escaped.
std::string shown(const Draft& draft, const Remark& remark);

/// The block with the remarks as comments before it; adds remarks of its own.
std::string compose(Draft& draft);

/// applicationHost.config of IIS with Application Request Routing. Throws Mistake with the place
/// for what can't be read.
Draft read_arr(std::string_view xml, const std::string& name);

/// config.xml of pfSense with the squid package's reverse proxy.
Draft read_pfsense(std::string_view xml, const std::string& name);

/// The tree of an nginx.conf written by hand, where relative names follow `prefix`.
Draft read_nginx(const config::Directive& root, const std::string& prefix);

/// A file of a topology and what goes beside it.
struct TopologyFile {
    std::string name;
    std::string content; ///< as it was read
};

/// A topology that Get-CsTopology or Topology Builder wrote, and simple URLs and web servers that
/// Export-Clixml did. It needs no `settle`. Throws Mistake and Failure.
Draft read_topology(const std::vector<TopologyFile>& files, Hosts hosts = {});

Draft topology_of(const ImportOptions& options);

} // namespace lync::lyncctl
