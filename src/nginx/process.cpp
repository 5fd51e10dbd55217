// What starts and ends with a worker.

#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/health/health.h"
#include "nginx/request/attempt.h"
#include "nginx/request/body.h"
#include "nginx/request/sign_in.h"
#include "nginx/status/status.h"
#include "nginx/timer.h"
#include "nginx/upstream/affinity.h"
#include "nginx/upstream/patch_watch.h"
#include "nginx/upstream/peer.h"
#include "nginx/upstream/resolve.h"
#include "nginx/upstream/waiting.h"

#include <memory>
#include <utility>

namespace lync::nginx {

namespace {

/// A killed worker's successor takes back what it left; one that has none, of an earlier
/// configuration, is found by a timer.
constexpr ngx_msec_t repair_interval = 5000;

/// NULL where nothing is published.
MainConf* publishing_conf(ngx_cycle_t* cycle) noexcept {
    MainConf* conf = main_conf_of(cycle);
    return conf == nullptr || conf->publications.empty() ? nullptr : conf;
}

ngx_http_output_header_filter_pt next_header_filter;

/// The head of an answer, of whichever server.
ngx_int_t filter_header(ngx_http_request_t* r) {
    note_answer(r);
    note_sign_in(r);
    bind_client(r);
    watch_answer(r);
    return hide_closed_doors(r) && protect_pages(r) && protect_status(r) && add_retry_after(r)
               ? next_header_filter(r)
               : NGX_ERROR;
}

/// In workers, never in the master: each configuration that is read makes the chains anew, also one
/// that fails afterwards, so a worker is always forked with chains without ours.
void install_filters(ngx_cycle_t* cycle) noexcept {
    if (main_conf_of(cycle) != nullptr) { // there is an http block
        next_header_filter = std::exchange(ngx_http_top_header_filter, filter_header);
        install_body_filter();
        install_page_filter();
    }
}

bool is_worker() noexcept {
    return ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE;
}

} // namespace

/// What a worker does beside requests, from its beginning to its end.
struct Worker {
    Worker(ngx_cycle_t* cycle, MainConf& of);

private:
    void on_repair() noexcept;
    void on_minute() noexcept;
    void on_files() noexcept;

    MainConf& conf_;
    Timer repair_{this, calls<&Worker::on_repair>}; ///< looks for workers that were killed
    Timer minute_{this, calls<&Worker::on_minute>}; ///< keeps the hour's history
    Timer files_{this, calls<&Worker::on_files>};   ///< looks whether certificates were renewed
    std::shared_ptr<HealthChecks>
        health_; ///< incomplete types, as in MainConf; NULL: nothing is checked
    std::shared_ptr<Resolving> resolving_; ///< NULL: no server is given by name
};

Worker::Worker(ngx_cycle_t* cycle, MainConf& of) : conf_(of) {
    on_minute();
    if (!conf_.status_locations.empty()) {
        files_.set(1000, cycle->log);
    }
    repair_.set(repair_interval, cycle->log);
    health_ = start_health(cycle, conf_);
    resolving_ = start_resolving(cycle, conf_);
}

void Worker::on_repair() noexcept {
    if (conf_.zone.hold(Lease::repair, 2 * repair_interval)) {
        conf_.zone.repair();
    }
    repair_.set(repair_interval, ngx_cycle->log);
}

/// Comes back after the next minute has ended.
void Worker::on_minute() noexcept {
    keep_history(conf_);
    if (!ngx_exiting) {
        const ngx_time_t* now = ngx_timeofday();
        const auto into = static_cast<ngx_msec_t>((now->sec % 60) * 1000) + now->msec;
        minute_.set(60000 - into + 10, ngx_cycle->log);
    }
}

/// Once a minute; after each file that has changed and so was read, requests have their turn.
void Worker::on_files() noexcept {
    const bool read = guarded(ngx_cycle->log, false, [this] {
        for (const auto& publication : conf_.publications) {
            const config::Publication& declared = publication->plan.publication;
            for (std::size_t i = 0; i < publication->on_disk.size(); i++) {
                if (publication->on_disk[i].look(declared.loaded_certificates[i],
                                                 declared.certificates[i].certificate)) {
                    return true;
                }
            }
        }
        return false;
    });
    files_.set(read ? 10 : 60000, ngx_cycle->log);
}

namespace {

void begin(ngx_cycle_t* cycle, MainConf& conf) {
    conf.zone.enter(cycle->log);
    conf.lockout.enter();
    conf.bind();
    conf.waiting = std::make_shared<WaitingRequests>();
    conf.worker = std::make_shared<Worker>(cycle, conf);
    if (conf.store_settings) {
        conf.store = std::make_unique<Store>(*conf.store_settings, conf.lockout, conf.zone);
        conf.store->start();
    }
}

void end(MainConf& conf) noexcept {
    if (conf.store) {
        conf.store->stop();
    }
    conf.worker.reset(); // another one takes over at once, while the resolver is still there
    conf.waiting->stop();
    conf.zone.leave();
}

} // namespace

} // namespace lync::nginx

using namespace lync::nginx;

ngx_int_t lync_refuse_reload(ngx_conf_t* cf) {
    ngx_cycle_t* old = cf->cycle->old_cycle;
    if (ngx_process != NGX_PROCESS_SINGLE || ngx_is_init_cycle(old) ||
        publishing_conf(old) == nullptr) {
        return NGX_OK;
    }
    install_filters(old); // the chains have just been made anew
    ngx_log_error(
        NGX_LOG_EMERG, cf->log, 0,
        "\"master_process off\" takes no reload, nginx would have no connections after it: "
        "restart nginx");
    return NGX_ERROR;
}

ngx_int_t lync_init_process(ngx_cycle_t* cycle) {
    return guarded<ngx_int_t>(cycle->log, NGX_ERROR, [&]() -> ngx_int_t {
        if (!is_worker()) {
            return NGX_OK;
        }
        install_filters(cycle);
        if (MainConf* conf = publishing_conf(cycle)) {
            begin(cycle, *conf);
        }
        return NGX_OK;
    });
}

void lync_exit_process(ngx_cycle_t* cycle) {
    MainConf* conf = publishing_conf(cycle);
    if (conf != nullptr && is_worker()) {
        end(*conf);
    }
}
