#pragma once

// Health checks in nginx's event loop: one worker checks every server, all know the results. What
// follows from a finding stands in balance/health.h, how answers are judged in
// balance/check_answer.h.

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
