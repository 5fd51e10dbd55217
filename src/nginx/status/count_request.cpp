#include "nginx/status/count_request.h"

#include "nginx/conf/conf.h"
#include "nginx/request/request.h"

#include <algorithm>

namespace lync::nginx {

namespace {

/// As nginx's own log has it.
unsigned status_of(const ngx_http_request_t* r) noexcept {
    return static_cast<unsigned>(r->err_status != 0 ? r->err_status : r->headers_out.status);
}

std::uint64_t duration_of(const ngx_http_request_t* r) noexcept {
    const ngx_time_t* now = ngx_timeofday();
    const auto milliseconds =
        (static_cast<std::int64_t>(now->sec) - r->start_sec) * 1000 +
        (static_cast<std::int64_t>(now->msec) - static_cast<std::int64_t>(r->start_msec));
    return milliseconds > 0 ? static_cast<std::uint64_t>(milliseconds) : 0;
}

status::CountedVerdict counted(const policy::Verdict* verdict) noexcept {
    return verdict == nullptr ? status::CountedVerdict::none
                              : static_cast<status::CountedVerdict>(verdict->action);
}

} // namespace

void count_request(ngx_http_request_t* r, const Host& host) noexcept {
    if (host.publication.record == nullptr) {
        return;
    }
    status::PublicationCells& counters = host.publication.record->counters;
    const policy::Verdict* verdict = ruled_verdict(r);
    const status::CountedVerdict what = counted(verdict);
    status::add(counters.verdicts[static_cast<std::size_t>(what)]);
    if (what == status::CountedVerdict::refuse) {
        status::add(counters.refusals[static_cast<std::size_t>(verdict->reason)]);
    }
    if (const policy::Shield* shield = verdict == nullptr ? nullptr : shield_of(host, *verdict)) {
        if (status::Cell* hits = counters.shields.find(shield->name)) {
            status::add(*hits);
        }
    }

    const auto refused = what == status::CountedVerdict::refuse;
    // A refusal isn't the servers' error, whatever its fault's status is.
    const unsigned code = refused ? std::min(status_of(r), 499U) : status_of(r);
    if (const policy::Door door = sign_in_door(r); door != policy::Door::none) {
        const auto index = static_cast<std::size_t>(door) - 1;
        if (refused && verdict->reason == policy::Reason::sign_in) {
            status::add(counters.sign_ins_refused[index]);
        } else if (code < NGX_HTTP_BAD_REQUEST) {
            status::add(counters.sign_ins[index]);
        }
    }

    const auto service = verdict == nullptr ? policy::Service::unknown : verdict->service;
    status::ServiceCells& cells = counters.services[static_cast<std::size_t>(service)];
    status::add(cells.statuses[static_cast<std::size_t>(status::status_class(code))]);
    if (code == NGX_HTTP_UNAUTHORIZED) {
        status::add(cells.unauthorized);
    }
    status::add(cells.received, static_cast<std::uint64_t>(std::max<off_t>(r->request_length, 0)));
    status::add(cells.sent, static_cast<std::uint64_t>(std::max<off_t>(r->connection->sent, 0)));
    if (what == status::CountedVerdict::pass && !is_pending_get(r)) {
        cells.duration.add(duration_of(r));
    }
}

void count_try(ngx_http_request_t* r, status::ServerCells& server, const ngx_connection_t* c,
               bool cached, bool failed) noexcept {
    status::add(server.requests);
    if (c != nullptr && !cached && c->ssl != nullptr && c->ssl->handshaked) {
        status::add(server.handshakes);
        if (SSL_session_reused(c->ssl->connection) != 0) {
            status::add(server.resumptions);
        }
    }
    if (failed) {
        status::add(server.failures);
        return;
    }
    const ngx_http_upstream_t* u = r->upstream;
    const auto code = static_cast<unsigned>(u->state == nullptr ? 0 : u->state->status);
    status::add(server.statuses[static_cast<std::size_t>(status::status_class(code))]);
    if (code == NGX_HTTP_UNAUTHORIZED) {
        status::add(server.unauthorized);
    }
    if (code != 0 && !is_pending_get(r)) {
        server.response_time.add(ngx_current_msec - u->start_time);
    }
}

std::uint64_t minute_now() noexcept {
    return static_cast<std::uint64_t>(ngx_time()) / 60;
}

/// Writes down the minute that has ended, if no worker has yet, and comes back after the next.
void MainConf::on_minute() noexcept {
    for (const auto& publication : publications) {
        if (publication->record != nullptr) {
            publication->record->history.keep(minute_now() - 1, publication->record->counters);
        }
    }
    if (!ngx_exiting) {
        const ngx_time_t* now = ngx_timeofday();
        const auto into = static_cast<ngx_msec_t>((now->sec % 60) * 1000) + now->msec;
        minute.set(60000 - into + 10, ngx_cycle->log);
    }
}

} // namespace lync::nginx

using namespace lync::nginx;

ngx_int_t lync_log_handler(ngx_http_request_t* r) {
    const Host* host = r == r->main ? host_of(r) : nullptr;
    if (host != nullptr) {
        count_request(r, *host);
    }
    return NGX_OK;
}
