#include "nginx/status/status.h"

#include "base/format.h"
#include "base/version.h"
#include "nginx/health/health.h"
#include "status/published.h"

#include <algorithm>

namespace lync::nginx {

namespace {

/// Whole minutes of Unix time.
std::uint64_t minute_now() noexcept {
    return static_cast<std::uint64_t>(ngx_time()) / 60;
}

/// Seconds of Unix time of something that is noted in nginx's milliseconds.
std::int64_t unix_time(std::uint64_t msec) noexcept {
    const std::uint64_t now = ngx_current_msec;
    return static_cast<std::int64_t>(ngx_time()) -
           static_cast<std::int64_t>((now > msec ? now - msec : 0) / 1000);
}

/// A server that gets no new requests because an administrator wants it so. Whether it passes its
/// check is shown as well, as one needs to know before taking it back.
void fill_drained(const Line& line, status::Server& to) {
    if (!line.settings.down && !line.is_drained()) {
        return;
    }
    if (line.settings.down) {
        to.reason = "\"down\" in the configuration";
        to.since = 0;
    } else {
        to.reason = to.state == status::ServerState::down
                        ? formatted("drained, and down: {}", to.reason)
                        : "drained";
        to.since = line.record->drained;
    }
    to.state = status::ServerState::draining;
}

/// What its checks and, between them, its requests say of a server.
void fill_state(const Servers& servers, const Server& from, status::Server& to) {
    const balance::ServerSettings& settings = from.line->settings;
    if (from.check != nullptr) {
        const balance::SharedHealth& health = from.check->health;
        const balance::HealthState state = health.load();
        to.since = static_cast<std::int64_t>(health.since.load());
        to.state = state.health == balance::Health::up     ? status::ServerState::up
                   : state.health == balance::Health::down ? status::ServerState::down
                                                           : status::ServerState::unknown;
        if (state.health == balance::Health::down) {
            to.reason = explain(state.cause, servers.farm());
        }
    }
    if (to.state != status::ServerState::down && from.endpoint->record != nullptr &&
        servers.counts_failures()) {
        const balance::Failures failures = load(from.endpoint->record->failures);
        if (failures.out != 0) {
            to.state = status::ServerState::down;
            to.since = unix_time(failures.out);
            to.reason = formatted("left out for failed requests, tried again after {} s",
                                  settings.fail_timeout / 1000);
        }
    }
    fill_drained(*from.line, to);
}

void fill_line(const Line& from, status::Server& to) {
    to.name = from.declared->name;
    to.backup = from.settings.backup;
    to.weight = from.settings.weight;
}

/// A line whose name has never had an address (`resolve_at_start off`): nothing goes there.
void fill_unresolved(const Line& from, status::Server& to) {
    fill_line(from, to);
    to.address = from.declared->address;
    to.state = status::ServerState::down;
    to.reason = "can't be resolved";
    fill_drained(from, to);
}

void fill_services(const Publication& from, status::Publication& to) {
    if (from.record == nullptr) {
        return;
    }
    static_cast<status::RequestCells&>(to) = from.record->counters;
    const std::vector<policy::Service>& expected = to.published->services;
    for (std::size_t i = 0; i < status::service_count; i++) {
        status::Service service{
            from.record->counters.services[i], static_cast<policy::Service>(i), {}};
        const std::uint64_t requests = service.requests();
        if (requests != 0 ||
            std::binary_search(expected.begin(), expected.end(), service.service)) {
            service.history =
                from.record->history.history(i, minute_now(), requests, service.errors());
            to.services.push_back(service);
        }
    }
}

/// Health checks see it each time, answers to clients only where a page has it.
void fill_build(const Server& from, status::Server& to) {
    for (const Record* record : {from.check, from.endpoint->record}) {
        if (to.build == 0 && record != nullptr) {
            to.build = record->build.load(std::memory_order_relaxed);
        }
    }
    to.missing_fixes = policy::missing_fixes(to.build);
}

void fill_shields(const Publication& from, status::Publication& to) {
    for (const policy::Shield& row : from.plan.publication.shields) {
        const status::Cell* hits =
            from.record == nullptr ? nullptr : from.record->counters.shields.find(row.name);
        to.shields.push_back({&row, hits == nullptr ? 0 : status::read(*hits)});
    }
}

void fill_pools(const Publication& from, const Zone& zone, status::Publication& to) {
    for (std::size_t i = 0; i < from.plan.upstreams.size(); i++) {
        const plan::Upstream& upstream = from.plan.upstreams[i];
        const config::Farm& farm = from.plan.farm(upstream);
        Servers& servers = from.groups[i].servers;
        status::Pool& pool = to.pools.emplace_back();
        pool.role = farm.role;
        pool.name = farm.name;
        pool.port = upstream.port;
        pool.tls = upstream.tls;
        pool.panic = servers.panic().on();
        const bool is_exchange = farm.role == config::Role::exchange;
        const std::string_view presented = from.plan.publication.only_certificate(farm);
        for (const Line& line : servers.lines()) {
            if (line.endpoints.empty()) {
                fill_unresolved(line, pool.servers.emplace_back());
            }
            for (const Server& known : servers.all()) {
                if (known.line != &line) {
                    continue;
                }
                status::Server& server = pool.servers.emplace_back();
                fill_line(line, server);
                server.address = view(known.endpoint->name);
                fill_state(servers, known, server);
                fill_build(known, server);
                if (is_exchange && known.check != nullptr) {
                    server.extended_protection =
                        balance::binding_of(known.check->health.certificate, presented);
                }
                if (const Record* record = known.endpoint->record; record != nullptr) {
                    static_cast<status::Load&>(server) = {zone.value(*record, Gauge::in_flight),
                                                          zone.value(*record, Gauge::waiting),
                                                          zone.value(*record, Gauge::owned)};
                }
                if (known.counted != nullptr) {
                    static_cast<status::ServerCells&>(server) = known.counted->counters;
                }
            }
        }
    }
}

} // namespace

void keep_history(const MainConf& conf) noexcept {
    for (const auto& publication : conf.publications) {
        if (publication->record != nullptr) {
            publication->record->history.keep(minute_now() - 1, publication->record->counters);
        }
    }
}

std::optional<status::LockoutStore> store_of(const MainConf& conf) {
    if (!conf.store_settings) {
        return std::nullopt;
    }
    return status::LockoutStore{conf.store_settings->server.shown, conf.lockout.store().since > 0};
}

status::Snapshot snapshot_of(const MainConf& conf) {
    const ngx_time_t* now = ngx_timeofday();
    status::Snapshot snapshot;
    snapshot.time =
        static_cast<std::int64_t>(now->sec) * 1000 + static_cast<std::int64_t>(now->msec);
    snapshot.loaded = conf.loaded;
    snapshot.nginx = NGINX_VERSION;
    snapshot.module = version;
    snapshot.workers = conf.zone.workers();
    for (const auto& publication : conf.publications) {
        status::Publication& filled = snapshot.publications.emplace_back();
        if (publication->published->until < now->sec) { // a certificate has ended meanwhile
            *publication->published = status::describe(publication->plan, now->sec);
        }
        for (std::size_t i = 0; i < publication->on_disk.size(); i++) {
            publication->published->certificates[i].on_disk = publication->on_disk[i].state();
        }
        filled.published = publication->published.get();
        fill_services(*publication, filled);
        fill_shields(*publication, filled);
        fill_pools(*publication, conf.zone, filled);
    }
    if (conf.lockout.is_there()) {
        snapshot.lockout = conf.lockout.counts();
        snapshot.lockout->store = store_of(conf);
    }
    if (const status::RefusalRing* refusals = conf.zone.refusals()) {
        snapshot.refusals = refusals->read();
    }
    return snapshot;
}

} // namespace lync::nginx
