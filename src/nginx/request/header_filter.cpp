// What is done to the head of an answer, of whichever server.

#include "nginx/status/status.h"
#include "nginx/upstream/affinity.h"
#include "nginx/upstream/peer.h"

namespace lync::nginx {

namespace {

ngx_http_output_header_filter_pt next_header_filter = nullptr;

ngx_int_t header_filter(ngx_http_request_t* r) {
    note_answer(r);
    bind_client(r);
    return protect_status(r) ? next_header_filter(r) : NGX_ERROR;
}

} // namespace

} // namespace lync::nginx

void lync_install_header_filter(void) {
    using namespace lync::nginx;
    // Once all modules have put theirs in the chain, which is made anew with each configuration.
    if (ngx_http_top_header_filter != header_filter) {
        next_header_filter = ngx_http_top_header_filter;
        ngx_http_top_header_filter = header_filter;
    }
}
