#pragma once

// A server's updates, from its responses: Exchange's build is in a header, the meeting scheduler's
// in a comment of its pages, which are therefore requested uncompressed. It is kept with the server
// (note_build), and `hide_server_names` removes it from responses to clients.

#include "nginx/ngx.h"

namespace lync::nginx {

/// For the header filter.
void watch_answer(ngx_http_request_t* r) noexcept;

/// Gives pages of Outlook on the web the policy that closes CVE-2026-42897, where its row is in
/// use; for the header filter. False without memory.
bool protect_pages(ngx_http_request_t* r) noexcept;

/// Puts a filter before those of answers' bodies. See process.cpp.
void install_page_filter() noexcept;

} // namespace lync::nginx
