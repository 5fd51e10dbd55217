#pragma once

// The generated nginx directives of a publication, read as nginx reads them: names that have to
// resolve, sockets, upstreams, and the files of server_include, whose lines stand among them.

#include "lyncctl/nginx_directives.h"
#include "lyncctl/sockets.h"
#include "plan/render.h"

#include <map>
#include <string>
#include <vector>

namespace lync::lyncctl {

/// What the configuration has come to so far.
struct NginxState {
    NginxBuild build; ///< the nginx that is meant
    SocketTable sockets;
    std::map<std::string, Place, std::less<>> upstreams;
    /// Modules are loaded that aren't known: no word can be called unknown any more.
    bool foreign_modules = false;
    /// Found while it is read, said by nginx at the end of http { }, before anything else there.
    std::vector<Diagnostic> at_the_end;
    /// Where warnings go that nginx says while it reads.
    std::vector<Diagnostic>* remarks = nullptr;

    /// The server listens there; what nginx says against it, or empty.
    std::string listen(SocketServer& server, const Listen& listen, const Place& place);
};

/// Throws the Mistake that nginx would report, at the directive of the block that caused it or in
/// the included file. `prefix` is where the files of server_include are looked up.
void check_generated(const plan::Plan& plan, const plan::Rendered& rendered,
                     const std::string& prefix, NginxState& state);

/// What nginx says against a directive of its own in this place, in its words; empty if nothing
/// that the table knows. Values are nginx's modules' business; "on" and "off" are checked.
std::string check_nginx_directive(const config::Directive& directive,
                                  const config::Directive& block, Contexts context,
                                  const NginxState& state);

/// Directives of the module that stand in locations: lync_status, and lync_rule, which only
/// generated ones have.
bool is_location_directive(std::string_view name) noexcept;

/// What nginx says against one of them in this place.
std::string check_location_directive(const config::Directive& directive,
                                     const config::Directive& block, Contexts context);

/// Whether nginx knows a word as a directive, be it of the module's or its own.
bool is_known_directive(std::string_view name, const NginxState& state);

/// Where the lines inside of these blocks stand; 0 for blocks whose lines aren't directives
/// ("map", "types"). `http` is the number of blocks up to http { }, that one included.
Contexts context_of(const std::vector<config::Directive*>& blocks, std::size_t http);

} // namespace lync::lyncctl
