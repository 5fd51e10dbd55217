#pragma once

// `lyncctl import`: a lync_publish block for what another reverse proxy publishes.
//
//     nginx.cpp, arr.cpp, pfsense.cpp    each product's file, read into an OldProxy
//     patterns.h                         from patterns to host names
//     pools.h                            what each name is, which servers are one pool
//     block.cpp                          `compose`: the block with its comments
//
// Somebody reads the block and corrects it once. So nothing is guessed that the old file doesn't
// tell, and whatever isn't understood and isn't known to be harmless is named.

#include "base/diagnostic.h"
#include "lyncctl/commands.h"
#include "lyncctl/options.h"
#include "lyncctl/reader.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lync::lyncctl {

/// Why a remark is worth reading. All but `changed` make the exit status 1.
enum class RemarkKind : std::uint8_t {
    restriction, ///< kept somebody out, and doesn't any more
    lost,        ///< has no counterpart
    check,       ///< was assumed, or has to be filled in
    changed,     ///< was unsafe, and is now different
};
std::string_view remark_word(RemarkKind kind) noexcept;

struct Remark {
    RemarkKind kind;
    std::string text;          ///< a sentence without full stop; may hold any bytes of the old file
    std::vector<Place> places; ///< in the old file; may be empty
};

/// Remarks of the same words are one with several places.
class Remarks {
public:
    void add(RemarkKind kind, std::string text, const Place& place);
    const std::vector<Remark>& all() const noexcept { return all_; }

private:
    std::vector<Remark> all_;
    std::unordered_map<std::string, std::size_t> index_;
};

/// A server as the old proxy reached it.
struct OldServer {
    std::string address;    ///< as written: IPv4, IPv6 or a name
    std::string parameters; ///< " weight=5 down": what `server` takes here
};

/// Servers that names lead to. However many names do, they are there once.
struct OldGroup {
    std::vector<OldServer> servers;
    std::string name; ///< what the old proxy calls them, or expects in their certificates
};

/// One name, and where its requests went.
struct OldName {
    std::string host; ///< "meet.contoso.com", or "meet.*"
    std::string fqdn; ///< what the pattern stands for, where the old file tells; else empty
    std::size_t group = 0;
    std::uint16_t https_port = 0; ///< the servers' port for https requests; 0: none were passed
    std::uint16_t http_port = 0;  ///< for plain HTTP requests
    Place place;
};

struct OldSocket {
    std::string address; ///< "443", "10.0.0.1:443"
    bool proxy_protocol = false;
};

/// A file that goes beside the block.
struct ImportedFile {
    std::string path; ///< as the block names it
    std::string content;
    bool secret = false; ///< mode 0600
};

/// What another reverse proxy publishes, whatever its files look like.
struct OldProxy {
    std::string product; ///< "IIS ARR"
    std::string file;
    std::vector<OldName> names;
    std::vector<OldGroup> groups;
    std::vector<OldSocket> http_sockets; ///< empty: plain HTTP was off
    std::vector<OldSocket> https_sockets;
    /// Certificate and key as this machine has them; empty: the old file doesn't tell.
    std::vector<std::pair<std::string, std::string>> certificates;
    std::string trusted_ca;
    std::vector<ImportedFile> files;
    Remarks remarks;
};

struct Imported {
    std::string text; ///< the block
    std::vector<Remark> remarks;
    std::vector<ImportedFile> files;
};

/// Names that the old file doesn't tell stand in the block as these words, which nginx refuses.
inline constexpr std::string_view unknown_pool = "POOL-FQDN";
inline constexpr std::string_view unknown_external = "EXTERNAL-FQDN";
inline constexpr std::string_view unknown_domain = "SIP-DOMAIN";

/// Throws Failure where the options contradict each other or nothing is left to publish.
Imported compose(OldProxy proxy, const ImportOptions& options);

void declare_import(CLI::App& app, Options& options);
void declare_import_arr(CLI::App& app, Options& options);

int import_arr(const Options& options, Output& output);
int import_pfsense(const Options& options, Output& output);
int import_nginx(const Options& options, Output& output);

/// applicationHost.config of IIS with Application Request Routing. `hosts` is the hosts file of
/// that machine, or empty. Throws Mistake with the place for what can't be read.
OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts);

/// config.xml of pfSense with the squid package's reverse proxy. Its certificates become files in
/// `directory` (with a slash at its end), or, where that is empty, a remark.
OldProxy read_pfsense(std::string_view xml, const std::string& name, const std::string& directory,
                      const std::string& publication);

/// An nginx.conf written by hand, with its includes.
OldProxy read_nginx(const std::string& file, const Sources& sources);
OldProxy read_nginx_text(std::string_view text, const std::string& name, const Sources& sources);

} // namespace lync::lyncctl
