#pragma once

// The texts that depend only on a publication's configuration, made once: which name goes where,
// and which certificate covers it.

#include "plan/plan.h"
#include "status/snapshot.h"

namespace lync::status {

/// As it is at `now`, in seconds of Unix time: a certificate that has ended covers nothing any
/// more. Published::until says when to ask again. `plan` must outlive what is returned.
Published describe(const plan::Plan& plan, std::int64_t now);

} // namespace lync::status
