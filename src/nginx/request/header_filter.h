#pragma once

// What is done to the head of an answer, of whichever server.

namespace lync::nginx {

/// On top of all header filters. See process.cpp.
void install_header_filter() noexcept;

} // namespace lync::nginx
