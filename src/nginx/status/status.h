#pragma once

// lync_status and lync_control: what they know, and the locations that they answer in.

#include "nginx/conf/conf.h"
#include "status/snapshot.h"

#include <optional>
#include <vector>

namespace lync::nginx {

/// What is known of all publications now. Where nothing is counted (no `lync_status`) the counters
/// are 0. Throws only for lack of memory.
status::Snapshot snapshot_of(const MainConf& conf);
/// Of `lockout_store`, which needs `lockout on`.
std::optional<status::LockoutStore> store_of(const MainConf& conf);

/// Writes down what the counters stood at when the last minute ended, if no worker has yet.
void keep_history(const MainConf& conf) noexcept;

/// Puts into each answer at a location of `lync_status` what keeps browsers from storing, framing
/// or guessing it: also into nginx's own, 401 and 403 and 405. False if there is no memory.
bool protect_status(ngx_http_request_t* r) noexcept;

/// Refuses the locations of `lync_control` that others than this machine's users can reach: those
/// of a server that listens on anything but Unix-domain sockets. Any client of one could drain
/// servers.
ngx_int_t settle_control(ngx_conf_t* cf, const MainConf& conf) noexcept;

/// For a directive that has its location answer by `handler`: notes it among `locations`. nginx's
/// word for a mistake, or NGX_CONF_OK.
char* answer_at(ngx_conf_t* cf, LocConf& location, ngx_http_handler_pt handler,
                std::vector<LocConf*> MainConf::*locations) noexcept;

/// At the end of parsing: whether it is still the one that answers there, and no later directive
/// such as proxy_pass, nor `return` or `try_files`, which come before it. Logs if not.
bool answers_at(ngx_conf_t* cf, const LocConf& location, ngx_http_handler_pt handler,
                const char* directive) noexcept;

} // namespace lync::nginx
