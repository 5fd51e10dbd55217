#pragma once

// What the configuration tells of a publication, put into words once: which name goes where, and
// which certificate covers it.

#include "plan/plan.h"
#include "status/snapshot.h"

namespace lync::status {

/// `plan` must outlive what is returned.
Published describe(const plan::Plan& plan);

} // namespace lync::status
