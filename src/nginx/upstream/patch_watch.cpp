#include "nginx/upstream/patch_watch.h"

#include "base/ascii.h"
#include "nginx/request/request.h"
#include "nginx/respond.h"
#include "nginx/upstream/peer.h"

namespace lync::nginx {

namespace {

ngx_http_output_body_filter_pt next_page_filter;

bool is_html(const ngx_http_request_t* r) noexcept {
    constexpr std::string_view html = "text/html";
    return equal_ignore_case(view(r->headers_out.content_type).substr(0, html.size()), html);
}

ngx_int_t filter_page(ngx_http_request_t* r, ngx_chain_t* in) {
    RequestState* state = r == r->main ? state_of(r) : nullptr;
    if (state == nullptr || state->page == nullptr) {
        return next_page_filter(r, in);
    }
    const bool hide = host_of(r)->publication.plan.publication.hide_server_names;
    for (ngx_chain_t* link = in; link != nullptr; link = link->next) {
        if (ngx_buf_in_memory(link->buf)) { // the upstream's own buffer, which is written to again
            state->page->feed(reinterpret_cast<char*>(link->buf->pos),
                              static_cast<std::size_t>(link->buf->last - link->buf->pos), hide);
        }
    }
    if (state->page->found() != 0) {
        note_build(r, state->page->found());
    }
    return next_page_filter(r, in);
}

} // namespace

void watch_answer(ngx_http_request_t* r) noexcept {
    const Host* host = host_of(r);
    RequestState* state = state_of(r);
    if (host == nullptr || state == nullptr || r != r->main || r->upstream == nullptr) {
        return;
    }
    if (host->site.spec().kind == policy::SiteKind::exchange) {
        any_header(r->upstream->headers_in.headers, build_header,
                   [&](const ngx_table_elt_t& header) {
                       note_build(r, build_of(view(header.value)));
                       return true;
                   });
        return;
    }
    if (state->verdict.service == policy::Service::scheduler && is_html(r) && !r->header_only &&
        r->headers_out.content_encoding == nullptr) {
        auto* page = static_cast<BuildComment*>(ngx_palloc(r->pool, sizeof(BuildComment)));
        state->page = page == nullptr ? nullptr : new (page) BuildComment;
    }
}

bool protect_pages(ngx_http_request_t* r) noexcept {
    const Host* host = host_of(r);
    const policy::Verdict* verdict =
        host == nullptr || host->site.spec().kind != policy::SiteKind::exchange || r != r->main
            ? nullptr
            : ruled_verdict(r);
    return verdict == nullptr || !is_html(r) || r->headers_out.status != NGX_HTTP_OK ||
           r->err_status != 0 || !host->site.shields().look(policy::in_answer, verdict->service) ||
           add_header(r, "Content-Security-Policy", policy::page_policy);
}

void install_page_filter() noexcept {
    next_page_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = filter_page;
}

} // namespace lync::nginx
