// What is counted of requests, in the records of shared memory (status/shared_counters.h): by
// verdict, service and status, in the log phase. Nothing is counted unless some location says
// `lync_status`.

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

} // namespace

} // namespace lync::nginx

using namespace lync::nginx;

ngx_int_t lync_log_handler(ngx_http_request_t* r) {
    const Host* host = r == r->main ? host_of(r) : nullptr;
    if (host != nullptr) {
        count_request(r, *host);
    }
    return NGX_OK;
}
