#pragma once

// What is counted for `lync_status`, in the records of shared memory (status/shared_counters.h):
// requests by verdict, service and status, in the log phase; tries of servers, where they end; and
// each minute what the counters stand at. Nothing is counted unless some location says
// `lync_status`.

#include "nginx/ngx.h"
#include "status/shared_counters.h"

#include <cstdint>

namespace lync::nginx {

struct Host;

/// Counts a finished request, in the log phase.
void count_request(ngx_http_request_t* r, const Host& host) noexcept;

/// Counts the end of a try at a server. `failed`: as nginx counts failures.
void count_try(ngx_http_request_t* r, status::ServerCells& server, const ngx_connection_t* c,
               bool cached, bool failed) noexcept;

/// Whole minutes of Unix time.
std::uint64_t minute_now() noexcept;

} // namespace lync::nginx
