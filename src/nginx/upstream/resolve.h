#pragma once

// Servers given by name: looked up again by nginx's own resolver when their DNS records expire, in
// each worker for itself, on every version of nginx. Changed addresses replace those of the group's
// line (servers.h); a name that resolves no longer keeps its last ones.
//
// Who is asked: the `resolver` of http level, or the name servers of /etc/resolv.conf. A name that
// stands in /etc/hosts is settled there, as it is for nginx when it starts.

#include "nginx/ngx.h"

#include <memory>

namespace lync::nginx {

struct MainConf;
class Resolving;

/// At the end of parsing: sees to it that there is a resolver if servers are given by name. Where
/// `resolve_at_start` is off, addresses that the system knows now are taken; that it knows none is
/// no mistake then.
ngx_int_t prepare_resolving(ngx_conf_t* cf, MainConf& conf);

/// Begins to look up names, in a worker, until what it returns is destroyed, which has to happen
/// while the configuration's resolver is still there. Where there are no names: NULL.
std::shared_ptr<Resolving> start_resolving(ngx_cycle_t* cycle, MainConf& conf);

} // namespace lync::nginx
