#pragma once

// lync_control: servers are drained and taken back, and whom `lockout` holds is released, while
// nginx runs. To the other files of this folder.
//
//     GET /servers[?server=NAME]      what lyncctl shows of them, as JSON
//     POST /drain?server=NAME         no new clients for a server, until it is taken back
//     POST /undrain?server=NAME
//     GET /lockout                    who is held, as JSON
//     POST /lockout/release?who=WHO   an account, in any spelling or by its hash, or an address
//     POST /lockout/release_all
//
// NAME is a server's `name=` or its address, POOL/NAME where several pools have it. An answer to
// POST is lines of text: what was done, then whatever an administrator has to know besides.
// Anything else is answered with one line that says what would be right.

#include "nginx/conf/conf.h"

namespace lync::nginx {

/// Refuses the locations that others than this machine's users can reach: those of a server that
/// listens on anything but Unix-domain sockets. Whoever reaches one may drain servers.
ngx_int_t settle_control(ngx_conf_t* cf, const MainConf& conf) noexcept;

} // namespace lync::nginx
