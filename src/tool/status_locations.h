#pragma once

// Locations with lync_status: who may see it, by the directives around it.

#include "syntax/place.h"
#include "syntax/reader.h"

#include <vector>

namespace lync::tool {

/// A `lync_status` and the blocks around it, the innermost one its location.
struct StatusLocation {
    syntax::Place place;
    syntax::Blocks blocks;
};

/// What the module says of it at the end of http { }, when the blocks are whole.
void remark_on_access(const StatusLocation& location, std::vector<syntax::Diagnostic>& remarks);

} // namespace lync::tool
