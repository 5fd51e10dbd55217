#pragma once

// The meeting URL guard. The web app's first page fetches, before the user has signed in, the URL
// that its `meeturl` parameter holds in base64 (CVE-2023-41763): a request forgery from inside
// unless the URL is what the page is meant for, a published meet simple URL.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lync::policy {

/// A meet simple URL, for the meeting URL guard: host is "meet.contoso.com" or "meet.*".
struct MeetUrl {
    std::string host;
    std::string prefix;
};

/// Longer parameter lists aren't read, and don't pass. nginx takes request lines of 64 KB here.
inline constexpr std::size_t max_parameters = 65536;

/// Whether every `meeturl` among `parameters` ("a=b&c=d", of a query or a form body, as it came)
/// names a published meet simple URL; true where there is none. The name may be in any letter
/// case and encoded, the parameter encoded again as a whole; the value is base64 in the standard,
/// the URL or the product's own alphabet ("!" pads), padded or not. What doesn't decode is no
/// published URL. `published` is in lower case.
///
/// With a host "meet.*" the guard can ask for the label only: https://meet.attacker.example passes.
bool meeting_urls_pass(std::string_view parameters, std::span<const MeetUrl> published) noexcept;

/// Whether `url` (decoded) is a meeting's URL under one of `published`: https, that host, no user
/// information, port, fragment, backslash or control character, and a path that belongs to meet:
/// the web app's own pages on the same host would fetch another URL in turn.
bool is_meeting_url(std::string_view url, std::span<const MeetUrl> published) noexcept;

} // namespace lync::policy
