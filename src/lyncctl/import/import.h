#pragma once

// `lyncctl import`: a lync_publish block for what another reverse proxy publishes.
//
//     nginx.cpp, arr.cpp, pfsense.cpp    each product's file, read into an OldProxy
//     patterns.h, xml_file.h             what they share
//     topology.cpp                       Topology Builder's own file, read into a Draft
//     draft.h                            what each name is, which servers are one pool
//     block.cpp                          `compose`: the block with its comments
//
// Somebody reads the block and corrects it once. So nothing is guessed that the old file doesn't
// tell, and whatever isn't understood and isn't known to be harmless is named.

#include "base/diagnostic.h"
#include "lyncctl/commands.h"
#include "lyncctl/options.h"
#include "lyncctl/reader.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync::lyncctl {

/// Why a remark is worth reading, most important first. All but `changed` make the exit status 1.
enum class RemarkKind : std::uint8_t {
    restriction, ///< kept somebody out, and doesn't any more
    lost,        ///< has no counterpart
    check,       ///< was assumed, or has to be filled in
    changed,     ///< was unsafe, and is now different
};
std::string_view remark_word(RemarkKind kind) noexcept;

struct Remark {
    RemarkKind kind;
    std::string text; ///< a sentence without full stop; may hold any bytes of the old file
    Place place;      ///< in the old file; line 0: none
};

/// A server as the old proxy reached it.
struct OldServer {
    std::string address;    ///< as written: IPv4, IPv6 or a name
    std::string parameters; ///< " weight=5 down": what `server` takes here
};

/// Servers that names lead to. However many names do, they are there once.
struct OldGroup {
    std::vector<OldServer> servers;
    std::string name; ///< what the old proxy expects in their certificates, or calls them
};

/// What names shared of the old proxy's https side, where it had it for each name.
struct OldListener {
    std::set<std::string> sockets; ///< addresses, "443" for "[::]:443" too
    /// Certificate and key as this machine has them; empty: the old file doesn't tell.
    std::vector<std::pair<std::string, std::string>> certificates;
    Place place; ///< of the certificates
};

/// One name, and where its requests of one protocol went.
struct Route {
    std::string host; ///< "meet.contoso.com", or "meet.*"
    std::string fqdn; ///< what the pattern stands for, where the old file tells; else empty
    std::size_t group = 0;
    std::uint16_t port = 0; ///< of the servers; 0: theirs for this protocol isn't told
    bool tls = true;        ///< the clients' protocol
    bool secure = true;     ///< the servers'
    Place place;
    std::shared_ptr<const OldListener> listener; ///< none: it is the same for all
};

struct OldSocket {
    bool tls = false;
    bool proxy_protocol = false;
};

/// A page that clients were sent away from.
struct OldRedirect {
    std::string host;
    std::string path; ///< "/owa"
    std::string to;   ///< as written
    Place place;
};

/// What another reverse proxy publishes, whatever its files look like.
struct OldProxy {
    std::string product; ///< "IIS ARR"
    std::string file;
    std::vector<Route> routes;
    std::vector<OldGroup> groups;
    std::vector<OldRedirect> redirects;
    std::map<std::string, OldSocket> sockets; ///< by address as `https_listen` takes it
    std::vector<std::pair<std::string, std::string>> certificates; ///< as in OldListener
    std::string trusted_ca;
    std::vector<Remark> remarks;

    void add(RemarkKind kind, std::string text, Place place = {}) {
        remarks.push_back({kind, std::move(text), std::move(place)});
    }
    /// Adds a socket as nginx writes it: "443", "*:443", "10.0.0.1" (port 80), "[2001:db8::1]:443".
    /// It is one for TLS if one of several lines about it says so. Its address in `sockets`; empty:
    /// a block can't have it.
    std::string listen(std::string_view text, OldSocket as);
};

struct Imported {
    std::string text; ///< the block
    std::vector<Remark> remarks;
};

/// Names that the old file doesn't tell stand in the block as these words, which nginx refuses.
inline constexpr std::string_view unknown_pool = "POOL-FQDN";
inline constexpr std::string_view unknown_external = "EXTERNAL-FQDN";
inline constexpr std::string_view unknown_domain = "SIP-DOMAIN";

/// Throws Failure where the options contradict each other or nothing is left to publish.
Imported compose(OldProxy proxy, const ImportOptions& options);

/// applicationHost.config of IIS with Application Request Routing. `hosts` is the hosts file of
/// that machine, or empty. Throws Mistake with the place for what can't be read.
OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts);

/// config.xml of pfSense with the squid package's reverse proxy.
OldProxy read_pfsense(std::string_view xml, const std::string& name);

/// An nginx.conf written by hand, with its includes.
OldProxy read_nginx(const std::string& file, const Sources& sources);
OldProxy read_nginx_text(std::string_view text, const std::string& name, const Sources& sources);

} // namespace lync::lyncctl
