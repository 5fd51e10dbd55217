#pragma once

// Locations with lync_status: who may see it, by the directives around it.

#include "base/diagnostic.h"
#include "lyncctl/reader.h"

#include <vector>

namespace lync::lyncctl {

/// A `lync_status` and the blocks around it, the innermost one its location.
struct StatusLocation {
    Place place;
    config::Blocks blocks;
};

/// What the module says of it at the end of http { }, when the blocks are whole.
void remark_on_access(const StatusLocation& location, std::vector<Diagnostic>& remarks);

} // namespace lync::lyncctl
