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

/// The checks of one configuration in one process; part of MainConf.
///
/// The worker that holds Lease::health checks; another one takes over when it ends, dies or hangs,
/// or when a reload brings new ones. It knows a target for each Subject::check record that a group
/// refers to, looks once a second whether these are still the same ones, and asks each target when
/// it is due. When it is due next stands in the record, so that a reload neither delays a check
/// nor repeats it.
class HealthChecks {
public:
    HealthChecks(ngx_cycle_t* cycle, MainConf& conf);
    ~HealthChecks();
    HealthChecks(const HealthChecks&) = delete;

private:
    class Checker;
    std::unique_ptr<Checker> checker_;
};

/// Begins to check, in a worker; nothing happens where no group asks for checks.
void start_health(ngx_cycle_t* cycle, MainConf& conf);

/// Ends the checks of this process, and lets another one take over at once.
void stop_health(MainConf& conf) noexcept;

} // namespace lync::nginx
