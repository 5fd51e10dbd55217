#pragma once

#include <string_view>

namespace lync::status {

/// Of the module, as CHANGELOG.md counts.
inline constexpr std::string_view module_version = "0.1.0";

} // namespace lync::status
