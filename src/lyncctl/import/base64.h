#pragma once

// Base64 as configuration files hold it: line breaks and spaces don't count [RFC 4648].

#include <optional>
#include <string>
#include <string_view>

namespace lync::lyncctl {

/// The bytes, or nothing if it isn't base64.
std::optional<std::string> decode_base64(std::string_view text);

} // namespace lync::lyncctl
