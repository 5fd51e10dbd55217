#pragma once

// Answers that the module gives itself: how they are sent, and what they are made of.

#include "nginx/conf/conf.h"
#include "status/snapshot.h"

#include <string>
#include <string_view>
#include <vector>

namespace lync::nginx {

/// For a directive that has its location answer by `handler`: notes it among `locations`. nginx's
/// word for a mistake, or NGX_CONF_OK.
char* answer_at(ngx_conf_t* cf, LocConf& location, ngx_http_handler_pt handler,
                std::vector<LocConf*> MainConf::*locations) noexcept;

/// At the end of parsing: whether it is still the one that answers there, and no later directive
/// such as proxy_pass, nor `return` or `try_files`, which come before it. Logs if not.
bool answers_at(ngx_conf_t* cf, const LocConf& location, ngx_http_handler_pt handler,
                const char* directive) noexcept;

/// `name` and `value` live as long as the request. NULL without memory.
ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name,
                            std::string_view value) noexcept;

/// A whole answer; `type` and `body` live as long as the request.
ngx_int_t send(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
               std::string_view body) noexcept;

/// What is known of all publications now. Where nothing is counted (no `lync_status`) the counters
/// are 0. Throws only for lack of memory.
status::Snapshot snapshot_of(const MainConf& conf);
/// Of `lockout_store`, which needs `lockout on`.
std::optional<status::LockoutStore> store_of(const MainConf& conf);

/// Puts into each answer at a location of `lync_status` what keeps browsers from storing, framing
/// or guessing it: also into nginx's own, 401 and 403 and 405. False if there is no memory.
bool protect_status(ngx_http_request_t* r) noexcept;

/// Refuses the locations of `lync_control` that others than this machine's users can reach: those
/// of a server that listens on anything but Unix-domain sockets. Any client of one could drain
/// servers.
ngx_int_t settle_control(ngx_conf_t* cf, const MainConf& conf) noexcept;

/// A text that lives as long as the request. Throws std::bad_alloc.
std::string_view kept(ngx_http_request_t* r, std::string text);

} // namespace lync::nginx
