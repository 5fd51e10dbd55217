#pragma once

// A server's challenges without those of closed doors.

#include "policy/sign_in.h"

namespace lync::policy {

/// Writes those challenges of a WWW-Authenticate field that lead to open doors to `out`, which has
/// room for as many bytes as the field and two for each of its commas; returns how many bytes they
/// are, 0 if none is left. Of MsRtcOAuth, which is Lync's own, the grants are left out one by one.
std::size_t keep_open(std::string_view field, Doors open, char* out) noexcept;

/// How much room that is.
std::size_t most_kept(std::string_view field) noexcept;

} // namespace lync::policy
