#include "nginx/servers/servers.h"

#include "base/host_addresses.h"
#include "nginx/guard.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace lync::nginx {

namespace {

/// An address from shared memory; `room` is where it stays.
ngx_addr_t address_of(const NameAddresses::Address& known, ngx_sockaddr_t& room) noexcept {
    room.sockaddr.sa_family = known.family;
    if (known.family == AF_INET6) {
        std::memcpy(&room.sockaddr_in6.sin6_addr, known.bytes.data(), 16);
        return {&room.sockaddr, sizeof(sockaddr_in6), {}};
    }
    std::memcpy(&room.sockaddr_in.sin_addr, known.bytes.data(), 4);
    return {&room.sockaddr, sizeof(sockaddr_in), {}};
}

balance::ServerSettings settings_of(const config::Server& server) {
    balance::ServerSettings settings;
    settings.weight = server.weight;
    settings.max_conns = server.max_conns;
    settings.max_fails = server.max_fails;
    settings.fail_timeout = msec(server.fail_timeout);
    settings.slow_start = msec(server.slow_start);
    settings.backup = server.backup;
    settings.down = server.down;
    return settings;
}

std::string title_of(const Line& line, const Endpoint& endpoint) {
    const std::string& name = line.declared->name;
    const std::string address(view(endpoint.name));
    return name == line.declared->address ? address : name + " (" + address + ")";
}

} // namespace

Endpoint* retain(Endpoint* endpoint) noexcept {
    endpoint->references++;
    return endpoint;
}

void release(Endpoint* endpoint) noexcept {
    if (endpoint != nullptr && --endpoint->references == 0) {
        endpoint->transport.forget(endpoint);
    }
}

void add(Endpoint& server, Gauge which, std::int32_t by) noexcept {
    if (server.record != nullptr) {
        server.transport.zone().add(*server.record, which, by);
    } else if (which == Gauge::in_flight) {
        server.in_flight_alone = std::max(0, server.in_flight_alone + by);
    }
}

std::uint32_t in_flight(const Endpoint& server) noexcept {
    return server.record != nullptr
               ? server.transport.zone().value(*server.record, Gauge::in_flight)
               : static_cast<std::uint32_t>(server.in_flight_alone);
}

// --- Transport

Transport::~Transport() {
    // When a process ends, connections may still be open: they aren't closed one by one.
    while (!endpoints_.empty()) {
        forget(endpoints_.begin()->second);
    }
}

void Transport::forget(Endpoint* endpoint) noexcept {
    endpoints_.erase(view(endpoint->name));
    zone_.drop(endpoint->record);
    if (endpoint->session != nullptr) {
        ngx_ssl_free_session(endpoint->session);
    }
    delete endpoint;
}

Endpoint* Transport::endpoint(const sockaddr* address, socklen_t length) {
    auto made = std::make_unique<Endpoint>(*this);
    std::memcpy(&made->address, address, length);
    made->length = length;
    made->name.data = made->text;
    made->name.len =
        ngx_sock_ntop(&made->address.sockaddr, length, made->text, sizeof(made->text), 1);
    made->place = balance::place_of(address_bytes(&made->address.sockaddr));
    const auto [known, is_new] = endpoints_.try_emplace(view(made->name), made.get());
    if (!is_new) {
        return retain(known->second);
    }
    bind(*made);
    return made.release();
}

void Transport::bind(Endpoint& endpoint) noexcept {
    endpoint.record = zone_.find(Key(Subject::endpoint).add(view(endpoint.name)).add(key_));
}

Transport& Transports::transport(const std::string& key, bool binds) {
    return all_.try_emplace({key, binds}, zone_, key, binds).first->second;
}

void Transports::bind() noexcept {
    for (auto& [key, transport] : all_) {
        for (const auto& [name, endpoint] : transport.endpoints_) {
            transport.bind(*endpoint);
        }
    }
}

// --- Servers

Servers::~Servers() {
    for (Line& line : lines_) {
        for (Endpoint* endpoint : line.endpoints) {
            release(endpoint);
        }
    }
}

void Servers::declare(Transport& transport, const config::Farm& farm, std::uint16_t port,
                      std::string checked_by) {
    transport_ = &transport;
    farm_ = &farm;
    checked_by_ = std::move(checked_by);
    for (const config::Server& server : farm.servers) {
        Line& line = lines_.emplace_back();
        line.declared = &server;
        line.settings = settings_of(server);
        line.port = port;
    }
}

/// References, given back unless they are taken.
struct Servers::Endpoints {
    std::vector<Endpoint*> all;
    Endpoints() = default;
    Endpoints(Endpoints&&) = default;
    ~Endpoints() { std::for_each(all.begin(), all.end(), release); }
};

Servers::Endpoints Servers::endpoints_at(const Line& line,
                                         std::span<const ngx_addr_t> addresses) const {
    Endpoints found;
    found.all.reserve(addresses.size());
    for (const ngx_addr_t& address : addresses) {
        if (!is_server_address(*address.sockaddr)) {
            continue;
        }
        ngx_sockaddr_t with_port{};
        std::memcpy(&with_port, address.sockaddr, address.socklen);
        ngx_inet_set_port(&with_port.sockaddr, line.port);
        Endpoint* endpoint = transport_->endpoint(&with_port.sockaddr, address.socklen);
        if (std::find(found.all.begin(), found.all.end(), endpoint) != found.all.end()) {
            release(endpoint);
            continue;
        }
        found.all.push_back(endpoint);
    }
    // DNS changes the order of its answers all the time; in one order servers keep their turns.
    std::sort(found.all.begin(), found.all.end(),
              [](const Endpoint* a, const Endpoint* b) { return view(a->name) < view(b->name); });
    return found;
}

bool Servers::replace(std::size_t index, std::span<const ngx_addr_t> addresses) {
    Line& line = lines_[index];
    Endpoints other = endpoints_at(line, addresses);
    if (other.all == line.endpoints) {
        return false;
    }
    line.endpoints.swap(other.all);
    try {
        rebuild();
    } catch (...) { // without memory for all of it nothing changes
        line.endpoints.swap(other.all);
        throw;
    }
    for (Endpoint* endpoint : line.endpoints) {
        endpoint->lines++;
    }
    for (Endpoint* endpoint : other.all) {
        if (--endpoint->lines == 0) {
            transport_->shared.close(*endpoint);
        }
    }
    return true;
}

void Servers::set_all(const std::vector<std::span<const ngx_addr_t>>& addresses) {
    for (std::size_t i = 0; i < lines_.size(); i++) {
        endpoints_at(lines_[i], addresses[i]).all.swap(lines_[i].endpoints);
        for (Endpoint* endpoint : lines_[i].endpoints) {
            endpoint->lines++;
        }
    }
    rebuild();
}

bool Servers::recall(std::size_t index, Zone& from) {
    const NameAddresses known = from.addresses_of(lines_[index].machine_key());
    std::array<ngx_sockaddr_t, NameAddresses::most> room{};
    std::vector<ngx_addr_t> addresses;
    for (std::size_t i = 0; i < known.count; i++) {
        addresses.push_back(address_of(known.address[i], room[i]));
    }
    if (!addresses.empty()) {
        replace(index, addresses);
    }
    return !addresses.empty();
}

void Servers::remember(std::size_t index) noexcept {
    const Line& line = lines_[index];
    if (line.record == nullptr) {
        return;
    }
    NameAddresses addresses;
    for (const Endpoint* endpoint : line.endpoints) {
        const std::string_view bytes = address_bytes(&endpoint->address.sockaddr);
        if (addresses.count == NameAddresses::most || bytes.empty()) {
            continue;
        }
        NameAddresses::Address& address = addresses.address[addresses.count++];
        address.family = endpoint->address.sockaddr.sa_family;
        std::memcpy(address.bytes.data(), bytes.data(), bytes.size());
    }
    transport_->zone().remember(*line.record, addresses);
}

std::vector<Server> Servers::make_row(std::vector<Server*>& stay) {
    std::vector<Server> row;
    std::size_t first = 0; // of the line, in the row as it is
    for (const Line& line : lines_) {
        std::size_t end = first;
        while (end < all_.size() && all_[end].line == &line) {
            end++;
        }
        const std::span known = std::span(all_).subspan(first, end - first);
        for (Endpoint* endpoint : line.endpoints) {
            const auto same = std::ranges::find(known, endpoint, &Server::endpoint);
            if (same != known.end()) {
                row.push_back(*same);
                stay.push_back(&*same);
            } else {
                row.push_back(
                    {.line = &line, .endpoint = endpoint, .title = title_of(line, *endpoint)});
            }
        }
        first = end;
    }
    return row;
}

void Servers::rebuild() {
    // What takes memory comes first: a row that can't be had leaves the old one.
    std::vector<Server*> stay;
    std::vector<Server> row = make_row(stay);
    const bool is_large = row.size() > balance::most_looked_at;
    std::vector<balance::Candidate> candidates(row.size() +
                                               (is_large ? balance::most_looked_at : 0));
    balance::Homes homes;
    for (const Server& server : row) {
        const balance::ServerSettings& settings = server.line->settings;
        homes.add(server.endpoint->place, settings.weight, settings.backup);
    }

    for (Server* server : stay) {
        server->line = nullptr;
    }
    // The room of what is gone may be what the new ones need.
    for (const Server& gone : all_) {
        if (gone.line != nullptr) {
            transport_->zone().drop(gone.check);
            transport_->zone().drop(gone.counted);
        }
    }
    all_ = std::move(row);
    candidates_ = std::move(candidates);
    homes_ = std::move(homes);
    number_row();
    for (Server& server : all_) {
        if (server.check == nullptr && server.counted == nullptr) {
            bind(server);
        }
    }
}

void Servers::number_row() noexcept {
    for (std::size_t i = all_.size(); i-- != 0;) {
        all_[i].endpoint->row = i; // of two lines with the same address the first
    }
    for (std::size_t i = 0; i < candidates_.size(); i++) {
        Server& server = all_[i % all_.size()];
        candidates_[i].backup = server.line->settings.backup;
        candidates_[i].weight = server.line->settings.weight;
        candidates_[i].place = server.endpoint->place;
        candidates_[i].turn = &server.turn;
        candidates_[i].server = i % all_.size();
    }
}

Key Servers::check_key(const Endpoint& endpoint) const noexcept {
    const config::HealthCheck& check = farm_->health_check;
    // The same server has one state of health on all ports that requests go to; what differs is
    // only what the check itself depends on.
    Key key(Subject::check);
    key.add(endpoint.address_text());
    key.add(static_cast<std::uint64_t>(check.kind));
    key.add(check.kind == config::CheckKind::tcp ? check.port : farm_->ports.https);
    for (const config::FarmService& service : farm_->services) {
        key.add(static_cast<std::uint64_t>(service.service));
    }
    return key.add(checked_by_);
}

void Servers::bind(Server& server) noexcept {
    Zone& zone = transport_->zone();
    if (server.endpoint->record != nullptr) {
        server.endpoint->record->machine = server.line->machine_key().number();
    }
    server.check = farm_->health_check.kind == config::CheckKind::off
                       ? nullptr
                       : zone.find(check_key(*server.endpoint));
    server.counted =
        counted_as_.empty()
            ? nullptr
            : zone.find(Key(Subject::server).add(counted_as_).add(view(server.endpoint->name)));
}

void Servers::bind() noexcept {
    for (Server& server : all_) {
        bind(server);
    }
    Zone& zone = transport_->zone();
    for (std::size_t i = 0; i < lines_.size(); i++) {
        Line& line = lines_[i];
        line.record = zone.find(line.machine_key());
        if (!line.declared->by_name) {
            continue;
        }
        if (zone.is_entered()) {
            guarded(ngx_cycle->log,
                    [&] { recall(i, zone); }); // without memory those of the load stay
        } else if (!line.endpoints.empty()) {
            remember(i);
        }
    }
}

Server* Servers::find(const Endpoint* endpoint) noexcept {
    if (endpoint->row < all_.size() && all_[endpoint->row].endpoint == endpoint) {
        return &all_[endpoint->row];
    }
    const auto found = std::ranges::find(all_, endpoint, &Server::endpoint);
    return found == all_.end() ? nullptr : &*found;
}

balance::Panic Servers::panic() const noexcept {
    balance::Panic panic;
    for (const Server& server : all_) {
        panic.see(server.line->settings, state_of(server));
    }
    return panic;
}

void Servers::refresh(std::span<balance::Candidate> candidates, std::uint64_t now,
                      bool panic) noexcept {
    for (balance::Candidate& candidate : candidates) {
        const Server& server = all_[candidate.server];
        const balance::ServerSettings& settings = server.line->settings;
        balance::ServerState state = state_of(server);
        state.healthy = state.healthy || (panic && state.answers);
        candidate.availability = balance::availability(settings, state, now);
        candidate.ramp = balance::ramp(settings, state, now);
        candidate.in_flight = state.in_flight;
        candidate.tried = false;
    }
}

std::span<balance::Candidate> Servers::candidates(std::uint64_t now) noexcept {
    const std::span<balance::Candidate> all = std::span(candidates_).first(all_.size());
    refresh(all, now);
    const bool any_sick = std::ranges::any_of(all, [](const balance::Candidate& candidate) {
        return candidate.availability == balance::Availability::sick;
    });
    if (any_sick && panic().on()) {
        refresh(all, now, true);
    }
    return all;
}

std::span<balance::Candidate> Servers::some_candidates(std::uint64_t now) noexcept {
    if (all_.size() <= balance::most_looked_at) {
        return {};
    }
    first_looked_at_ = (first_looked_at_ + 1) % all_.size();
    const auto some = std::span(candidates_).subspan(first_looked_at_, balance::most_looked_at);
    refresh(some, now);
    return some;
}

std::span<balance::Candidate> Servers::home_candidate(std::uint64_t client,
                                                      std::uint64_t now) noexcept {
    const std::size_t i = homes_.find(client, false);
    if (i == balance::no_server) {
        return {};
    }
    const auto home = std::span(candidates_).subspan(i, 1);
    refresh(home, now);
    return home.first(home.front().ramp == balance::full_weight ? 1 : 0);
}

bool Servers::takes_requests(const Server& server, std::uint64_t now) const noexcept {
    balance::ServerState state = state_of(server);
    state.healthy = state.healthy || (state.answers && panic().on());
    return balance::availability(server.line->settings, state, now) == balance::Availability::takes;
}

balance::ServerState Servers::state_of(const Server& server) const noexcept {
    balance::ServerState state;
    state.in_flight = in_flight(*server.endpoint);
    if (const Record* record = server.endpoint->record;
        record != nullptr && record->failures.matter() && counts_failures()) {
        state.failures = load(record->failures);
    }
    if (server.check != nullptr) {
        state.healthy = server.check->health.takes_requests();
        state.answers = state.healthy || server.check->health.answers();
        state.recovered = server.check->health.recovered.load(std::memory_order_relaxed);
    }
    if (const Record* machine = server.line->record; machine != nullptr) {
        state.drained = server.line->is_drained();
        state.recovered =
            std::max(state.recovered, machine->undrained.load(std::memory_order_relaxed));
    }
    return state;
}

bool Servers::counts_failures() const noexcept {
    std::size_t usable = 0;
    for (const Line& line : lines_) {
        usable += line.settings.down || line.is_drained() ? 0 : line.endpoints.size();
        if (usable > 1) {
            return true;
        }
    }
    return false;
}

balance::Failures load(const SharedFailures& failures) noexcept {
    balance::Failures now;
    now.count = failures.count.load(std::memory_order_relaxed);
    now.first = failures.first.load(std::memory_order_relaxed);
    now.out = failures.out.load(std::memory_order_relaxed);
    now.recovered = failures.recovered.load(std::memory_order_relaxed);
    return now;
}

void store(SharedFailures& failures, const balance::Failures& now) noexcept {
    failures.count.store(now.count, std::memory_order_relaxed);
    failures.first.store(now.first, std::memory_order_relaxed);
    failures.recovered.store(now.recovered, std::memory_order_relaxed);
    failures.out.store(now.out, std::memory_order_relaxed);
}

} // namespace lync::nginx
