#pragma once

// The servers behind one generated upstream, how it is balanced, and what a worker knows of it.

#include "base/build.h"
#include "nginx/servers/servers.h"

#include <string>

namespace lync::nginx {

/// A group of servers at run time. One per generated upstream; worker's own memory.
struct Group {
    Group() noexcept { ngx_queue_init(&busy); }
    Group(const Group&) = delete;

    std::string name;
    ngx_str_t title{}; ///< the same, for nginx: $upstream_addr where no server was chosen
    /// Connections without a credential may serve one client after another, those with one serve
    /// their client alone. Else each request has its own: connection_auth off.
    bool binds = true;
    config::Affinity affinity = config::Affinity::none;
    ConnectionLimits limits;

    Transport* transport = nullptr;
    Servers servers;
    Record* record = nullptr; ///< Subject::group: probes; shared by all groups of the same servers

    /// What its probes are for: the same servers, reached in the same way.
    Key key() const noexcept;

    std::size_t owned = 0; ///< connections that belong to a client now, idle or in use
    time_t limit_last_logged = 0;
    time_t no_server_last_logged = 0;
    time_t balancer_last_logged = 0;
    std::size_t next_probe = 0; ///< whose turn it is
    ngx_queue_t busy{};         ///< this worker's requests at servers
};

/// Records the build that a server has sent; logs one that lacks a fix. `title` is the server's.
void note_build(Record& record, Build build, const std::string& title, const config::Farm& farm,
                ngx_log_t* log) noexcept;

} // namespace lync::nginx
