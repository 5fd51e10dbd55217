#pragma once

// The page: page.html as it was built in, one document that asks for nothing but this endpoint's
// JSON.

#include <cstddef>
#include <string>
#include <string_view>

namespace lync::status {

/// page.html; lives as long as the module is loaded.
std::string_view page() noexcept;

/// The Content-Security-Policy under which `document` works and nothing else does: its own inline
/// style and script by their hashes, requests to where it came from, no other resource.
std::string content_security_policy(std::string_view document);

/// What a request for the status wants.
enum class Format : unsigned char { html, json, prometheus, unknown };

/// `argument` is the value of ?format= (empty: none was written), `accept` the Accept field,
/// `scraped` whether Prometheus' own field of its timeout came with the request.
Format choose_format(std::string_view argument, std::string_view accept, bool scraped) noexcept;

} // namespace lync::status
