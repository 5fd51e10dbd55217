#pragma once

// Names that end in a wildcard (`meet.*`), beside servers of others on the same socket.

#include <string>
#include <string_view>

namespace lync::plan {

/// The name that both stand for, "meet.contoso.com" for `*.contoso.com` and `meet.*`; empty if one
/// of them is no such wildcard. nginx asks for names that begin with a wildcard first, so a foreign
/// server takes it.
std::string name_in_common(std::string_view leading, std::string_view trailing);

/// The warning about that, without the place.
std::string name_is_taken(std::string_view name, std::string_view leading,
                          std::string_view trailing, std::string_view publication);

} // namespace lync::plan
