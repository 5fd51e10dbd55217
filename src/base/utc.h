#pragma once

#include <chrono>
#include <string>

namespace lync {

/// For programs, as RFC 3339 has it: "2026-11-21T10:35:00Z".
std::string utc_stamp(std::chrono::sys_seconds time);

/// For messages: "2026-11-21 10:35 UTC".
std::string utc_text(std::chrono::sys_seconds time);

} // namespace lync
