#pragma once

// What the verdict depends on in a body: its size, a meeting URL in a form, the names of the files
// in an upload.

#include "nginx/request/request.h"

#include <optional>

namespace lync::nginx {

/// For a request that passes otherwise. NGX_DECLINED: it passes with its body; NGX_DONE: a form is
/// being read, the phases go on after it; or the status of a refusal.
ngx_int_t judge_body(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept;

/// Reads a small body whole before the request is passed on: NGX_DONE, the phases go on after it
/// with RequestState::body_read; or the status of an error. One in chunks, of unknown
/// length, is refused where it doesn't fit into memory: it could fill the disk.
ngx_int_t read_body(ngx_http_request_t* r) noexcept;

/// What was read, nothing if there is none; nullopt if it is larger than `most`.
std::optional<std::string_view> body_text(ngx_http_request_t* r, std::size_t most) noexcept;

/// Whether ASP.NET reads the parameters of the request, those of the query as well, in the encoding
/// in which they are judged: there is one Content-Type at most, and it names no other charset.
bool is_read_as_utf8(const ngx_http_request_t* r) noexcept;

/// Puts a filter before those of request bodies: how much may come in chunks, and the file names of
/// uploads. See process.cpp.
void install_body_filter() noexcept;

} // namespace lync::nginx
