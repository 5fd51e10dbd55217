// What starts and ends with a worker.

#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/health/health.h"
#include "nginx/request/body.h"
#include "nginx/request/patch_watch.h"
#include "nginx/request/request.h"
#include "nginx/request/sign_in.h"
#include "nginx/status/respond.h"
#include "nginx/upstream/affinity.h"
#include "nginx/upstream/resolve.h"

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

void begin(ngx_cycle_t* cycle, MainConf& conf) {
    conf.zone.enter(cycle->log);
    conf.lockout.enter();
    conf.bind();
    conf.on_minute();
    if (!conf.status_locations.empty()) {
        conf.files.set(1000, cycle->log);
    }
    conf.repair.set(repair_interval, cycle->log);
    start_health(cycle, conf);
    start_resolving(cycle, conf);
    if (conf.store_settings) {
        conf.store = std::make_unique<Store>(*conf.store_settings, conf.lockout, conf.zone);
        conf.store->start();
    }
}

void end(MainConf& conf) noexcept {
    if (conf.store) {
        conf.store->stop();
    }
    conf.resolving.reset(); // while its resolver is still there
    conf.health.reset();    // another worker takes over at once
    conf.waiting.stop();
    conf.repair.cancel();
    conf.minute.cancel();
    conf.files.cancel();
}

} // namespace

void MainConf::bind() noexcept {
    transports.bind();
    for (const auto& publication : publications) {
        const std::string& name = publication->plan.publication.name;
        publication->record = status_locations.empty()
                                  ? nullptr
                                  : zone.find_publication(Key(Subject::publication).add(name));
        for (Group& group : publication->groups) {
            group.servers.bind();
            group.record = zone.find(group.key());
        }
    }
}

void MainConf::on_repair() noexcept {
    if (zone.hold(Lease::repair, 2 * repair_interval)) {
        zone.repair();
    }
    repair.set(repair_interval, ngx_cycle->log);
}

/// Once a minute; after each file that has changed and so was read, requests have their turn.
void MainConf::on_files() noexcept {
    const bool read = guarded(ngx_cycle->log, false, [this] {
        for (const auto& publication : publications) {
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
    files.set(read ? 10 : 60000, ngx_cycle->log);
}

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
        conf->zone.leave();
    }
}
