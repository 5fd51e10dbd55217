#pragma once

// The outermost layer over nginx's load balancing of one generated upstream: whose connection a
// request travels on. What it decides stands in balance/ownership.h; what connections are kept, in
// server_connection.h.

#include "nginx/server_connection.h"

#include <string>

namespace lync::nginx {

/// A group of servers at run time. One per generated upstream; worker's own memory.
struct Group {
    std::string name;
    bool shares = true; ///< connections without a credential may serve one client after another
    bool binds = true;  ///< connection_auth on
    ConnectionLimits limits;

    ngx_http_upstream_init_peer_pt init_peer = nullptr; ///< of the layer below
    SharedConnections shared;
    std::size_t owned = 0; ///< connections that belong to a client now, idle or in use
    time_t told_limit = 0; ///< when reaching the limit was last logged
};

/// Puts the layer over `upstream`, whose other layers are in place. `group` must live as long as
/// the configuration.
void wrap_upstream(ngx_http_upstream_srv_conf_t* upstream, Group& group);

} // namespace lync::nginx
