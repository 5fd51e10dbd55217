#pragma once

// Frees a request's memory while it waits for its response. A phone's pending GET waits for up to
// fifteen minutes and needs next to nothing meanwhile, but nginx keeps the memory for sending the
// request and for reading the response: some 25 KiB for each phone.
//
// nginx and OpenSSL allocate it again when it is needed. The text of the request is kept.

#include "nginx/ngx.h"
#include "nginx/timer.h"

namespace lync::nginx {

class WaitingRequests;

/// One request's wait. In the request's pool, zeroed.
struct Waiting {
    ngx_http_request_t* request;
    ngx_output_chain_filter_pt write; ///< nginx's own, or the proxy module's for chunked bodies
    void* write_context;
    WaitingRequests* queued_in; ///< NULL: not queued
    ngx_queue_t queue;
    ngx_msec_t since; ///< ngx_current_msec when the request had gone out
};

/// The requests of a worker that have been waiting for less than a second. Most are answered by
/// then and cost no more than their place in the queue.
class WaitingRequests {
public:
    WaitingRequests() noexcept { ngx_queue_init(&queue_); }
    WaitingRequests(const WaitingRequests&) = delete;

    void add(Waiting& waiting) noexcept;
    static void remove(Waiting& waiting) noexcept;
    void stop() noexcept { timer_.cancel(); }

private:
    void on_timer() noexcept;

    ngx_queue_t queue_{}; ///< in the order of `since`
    Timer timer_{this, calls<&WaitingRequests::on_timer>};
};

/// Before the request is sent: its end is seen by a filter of what is written to the server.
void watch_request(ngx_http_request_t* r, Waiting& waiting) noexcept;

} // namespace lync::nginx
