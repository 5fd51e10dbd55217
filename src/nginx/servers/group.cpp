#include "nginx/servers/group.h"

#include "nginx/guard.h"
#include "policy/shield.h"

#include <vector>

namespace lync::nginx {

Key Group::key() const noexcept {
    return Key(Subject::group)
        .add(servers.farm().name)
        .add(servers.lines().front().port)
        .add(transport->key());
}

void note_build(Record& record, Build build, const std::string& title, const config::Farm& farm,
                ngx_log_t* log) noexcept {
    if (build == 0 || record.build.load(std::memory_order_relaxed) == build ||
        record.build.exchange(build, std::memory_order_relaxed) == build) {
        return;
    }
    // Behind a load balancer, or an Exchange that asks another one, builds may change all the time.
    constexpr std::int64_t hour = 3600;
    const std::int64_t now = ngx_time();
    guarded(log, 0, [&] {
        const std::vector<policy::MissingFix> missing = policy::missing_fixes(build);
        if (!missing.empty() && record.build_logged.load(std::memory_order_relaxed) + hour <= now) {
            record.build_logged.store(now, std::memory_order_relaxed);
            ngx_log_error(NGX_LOG_WARN, log, 0, "lync_shield: server %s of %s has build %s, %s",
                          title.c_str(), config::quoted_title(farm).c_str(),
                          build_text(build).c_str(), policy::missing_fixes_words(missing).c_str());
        }
        return 0;
    });
}

} // namespace lync::nginx
