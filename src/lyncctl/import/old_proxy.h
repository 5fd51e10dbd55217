#pragma once

// What another reverse proxy publishes, whatever its files look like, and the lync_publish block
// that publishes the same. The readers of the three products fill an OldProxy (import_arr.cpp,
// import_pfsense.cpp, import_nginx.cpp); `compose` decides what each name is.

#include "base/diagnostic.h"
#include "lyncctl/options.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// Why a remark is worth reading.
enum class RemarkKind : std::uint8_t {
    changed, ///< was unsafe or too tight, and is now different
    lost,    ///< couldn't be carried over
    check,   ///< was assumed: somebody who knows has to look
};
std::string_view remark_word(RemarkKind kind) noexcept;

struct Remark {
    RemarkKind kind = RemarkKind::check;
    std::string text; ///< a sentence without full stop; may hold any bytes of the old file
    Place place;      ///< in the old file; line 0: none
};

/// A server as the old proxy reached it.
struct OldServer {
    std::string address;    ///< as written: IPv4, IPv6 or a name
    std::string parameters; ///< " weight=5 down": what `server` takes here
    bool operator==(const OldServer&) const = default;
};

/// One name, and where its requests went.
struct OldRule {
    std::string host; ///< as written, lower case: "meet.contoso.com", or "meet.*"
    std::string fqdn; ///< what the pattern stands for, where the old file tells; else empty
    std::vector<OldServer> servers;
    std::uint16_t https_port = 0; ///< the servers' port for https requests; 0: none were passed
    std::uint16_t http_port = 0;  ///< for plain HTTP requests
    /// Those of Exchange whose paths were passed on over https, if the name is one of Exchange's;
    /// nothing where every path was.
    std::optional<std::vector<std::string>> services;
    Place place;
};

/// A file that goes beside the block.
struct ImportedFile {
    std::string path; ///< as the block names it
    std::string content;
    bool secret = false; ///< mode 0600
};

struct OldProxy {
    std::string product; ///< "IIS ARR"
    std::string file;
    std::vector<OldRule> rules;
    std::vector<std::string> http_sockets; ///< "80", "10.0.0.1:80"; empty: plain HTTP was off
    std::vector<std::string> https_sockets;
    /// Certificate and key as this machine has them; empty: the old file doesn't say.
    std::vector<std::pair<std::string, std::string>> certificates;
    bool has_certificate = false; ///< the old file holds it, but nobody said where it goes
    std::string trusted_ca;
    std::optional<std::chrono::seconds> timeout;   ///< the shortest wait for a server's answer
    std::uint64_t max_upload = 0;                  ///< bytes; 0: not said
    std::map<std::string, std::string> pool_names; ///< a server's address to its pool's FQDN
    std::vector<Remark> remarks;
    std::vector<ImportedFile> files;
};

/// What became of a name: a row of the report.
struct ImportedName {
    std::string host;
    std::string became; ///< "simple_url meet", "not published"
    std::string to;     ///< the pool
    Place place;
};

struct Imported {
    std::string text; ///< the block
    std::vector<ImportedName> names;
    std::vector<Remark> remarks;
    std::vector<ImportedFile> files;
};

/// Throws Failure where the options contradict each other or nothing is left to publish.
Imported compose(OldProxy proxy, const ImportOptions& options);

/// The hosts of a pattern, as far as they can be listed: "meet.contoso.com", "meet.*". `wildcard`:
/// IIS's wildcard syntax, where "*" and "?" are all there is; else a regular expression on the host
/// name. Empty where it can't be said.
std::vector<std::string> hosts_of_pattern(std::string_view pattern, bool wildcard);

/// The words of `services` for a path of Exchange, or for a pattern that holds several: "/owa",
/// "^/(ews|oab)/". Empty for any other path.
std::vector<std::string> exchange_services_of(std::string_view pattern);

/// Of what of Exchange a path or pattern is that is never published: "/ecp", "/powershell"; else
/// empty.
std::string_view exchange_admin_path(std::string_view pattern);

/// What squid's mappings match URLs with: the host of the expression.
struct UrlPattern {
    std::vector<std::string> hosts; ///< empty where it can't be said
    bool anchored = false;          ///< false: matches anywhere in a URL
    bool has_path = false;          ///< also asks for a path
};
UrlPattern hosts_of_url_pattern(std::string_view pattern);

} // namespace lync::lyncctl
