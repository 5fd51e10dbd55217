#pragma once

#include <string_view>

namespace lync {

/// Of the module and of lyncctl, as CHANGELOG.md counts. CMake and the packages read it here.
inline constexpr std::string_view version = "0.1.0";

} // namespace lync
