#pragma once

// The snapshot as Prometheus' text format, version 0.0.4. Units in the names, `_total` for what
// only grows, histograms with cumulative buckets. Labels take their values from the configuration
// and from enumerations, never from a client.

#include "status/snapshot.h"

#include <string>

namespace lync::status {

inline constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";

std::string to_prometheus(const Snapshot& snapshot);

} // namespace lync::status
