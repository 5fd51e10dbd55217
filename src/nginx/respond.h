#pragma once

// Answers that the module gives itself, and headers that it adds to others.

#include "nginx/ngx.h"

#include <string>
#include <string_view>

namespace lync::nginx {

/// `name` and `value` live as long as the request. NULL without memory.
ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name,
                            std::string_view value) noexcept;

/// A whole answer; `type` and `body` live as long as the request.
ngx_int_t send(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
               std::string_view body) noexcept;

/// A text that lives as long as the request. Throws std::bad_alloc.
std::string_view kept(ngx_http_request_t* r, std::string text);

} // namespace lync::nginx
