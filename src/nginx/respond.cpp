#include "nginx/respond.h"

#include "nginx/guard.h"

#include <new>
#include <utility>

namespace lync::nginx {

ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name,
                            std::string_view value) noexcept {
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
    if (header != nullptr) {
        header->hash = 1;
        header->key = str(name);
        header->value = str(value);
        set_last_of_its_name(header);
    }
    return header;
}

ngx_int_t send(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
               std::string_view body) noexcept {
    r->headers_out.status = status;
    r->headers_out.content_length_n = static_cast<off_t>(body.size());
    r->headers_out.content_type = str(type);
    r->headers_out.content_type_len = type.size();
    r->headers_out.content_type_lowcase = nullptr;

    const ngx_int_t result = ngx_http_send_header(r);
    if (result == NGX_ERROR || result > NGX_OK || r->header_only) {
        return result;
    }
    auto* buffer = static_cast<ngx_buf_t*>(ngx_calloc_buf(r->pool));
    if (buffer == nullptr) {
        return NGX_ERROR;
    }
    buffer->pos = str(body).data;
    buffer->last = buffer->pos + body.size();
    buffer->memory = body.empty() ? 0 : 1;
    buffer->last_buf = r == r->main ? 1 : 0;
    buffer->last_in_chain = 1;
    buffer->sync = buffer->memory || buffer->last_buf ? 0 : 1; // nothing, of a subrequest
    ngx_chain_t chain{buffer, nullptr};
    return ngx_http_output_filter(r, &chain);
}

std::string_view kept(ngx_http_request_t* r, std::string text) {
    const auto* copy = create_in<std::string>(r->pool, std::move(text));
    if (copy == nullptr) {
        throw std::bad_alloc();
    }
    return *copy;
}

} // namespace lync::nginx
