#pragma once

// What is known of all publications now, to the other files of this folder.

#include "nginx/conf/conf.h"
#include "status/snapshot.h"

namespace lync::nginx {

/// Where nothing is counted (no `lync_status`) the counters are 0. Throws only for lack of memory.
status::Snapshot snapshot_of(const MainConf& conf);

} // namespace lync::nginx
