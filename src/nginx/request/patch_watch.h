#pragma once

// What answers tell of a server's updates: Exchange in a header, the meeting scheduler in a comment
// of its pages, which are asked for uncompressed for that. A build is kept with the server
// (note_build), and `hide_server_names` takes it out of what clients get.

#include "nginx/conf/conf.h"

namespace lync::nginx {

/// The server isn't told what encodings the client takes. Before the request is sent.
void ask_uncompressed(ngx_http_request_t* r) noexcept;

/// For the header filter.
void watch_answer(ngx_http_request_t* r) noexcept;

/// Gives pages of Outlook on the web the policy that closes CVE-2026-42897, where its row is in
/// use; for the header filter. False without memory.
bool protect_pages(ngx_http_request_t* r) noexcept;

/// Puts a filter before those of answers' bodies. See process.cpp.
void install_page_filter() noexcept;

} // namespace lync::nginx
