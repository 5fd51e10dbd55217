#pragma once

// Health checks in nginx's event loop: one worker asks every server, all know what it found. What a
// finding means stands in balance/health.h, what an answer is worth in balance/check_answer.h.

#include "balance/health.h"
#include "config/publication.h"
#include "nginx/ngx.h"

#include <memory>
#include <string>

namespace lync::nginx {

/// What a check found at a server of the farm, in words.
std::string explain(const balance::Finding& finding, const config::Farm& farm);

struct MainConf;
class HealthChecks;

/// Begins to check, in a worker, until the checks are destroyed. Where no group asks for any there
/// are none: NULL.
std::shared_ptr<HealthChecks> start_health(ngx_cycle_t* cycle, MainConf& conf);

} // namespace lync::nginx
