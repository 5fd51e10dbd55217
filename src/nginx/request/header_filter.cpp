#include "nginx/request/header_filter.h"

#include "nginx/lockout/lockout.h"
#include "nginx/request/sign_in.h"
#include "nginx/status/respond.h"
#include "nginx/upstream/affinity.h"
#include "nginx/upstream/peer.h"

namespace lync::nginx {

namespace {

ngx_http_output_header_filter_pt next_header_filter = nullptr;

ngx_int_t header_filter(ngx_http_request_t* r) {
    note_answer(r);
    note_sign_in(r);
    bind_client(r);
    return hide_closed_doors(r) && protect_status(r) ? next_header_filter(r) : NGX_ERROR;
}

} // namespace

void install_header_filter() noexcept {
    next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = header_filter;
}

} // namespace lync::nginx
