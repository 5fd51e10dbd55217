#include "nginx/upstream/servers.h"

#include "balance/affinity.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>
#include <utility>

namespace lync::nginx {

namespace {

/// The address alone, in network byte order: it says who the server is, whatever port of it is
/// asked.
std::string_view bytes_of(const ngx_sockaddr_t& address) noexcept {
    switch (address.sockaddr.sa_family) {
    case AF_INET:
        return {reinterpret_cast<const char*>(&address.sockaddr_in.sin_addr), 4};
    case AF_INET6:
        return {reinterpret_cast<const char*>(&address.sockaddr_in6.sin6_addr), 16};
    default:
        return {};
    }
}

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
    const auto msec = [](std::chrono::seconds s) {
        return static_cast<std::uint64_t>(std::chrono::milliseconds(s).count());
    };
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

void rebind(Zone& zone, Record*& record, Subject subject, const std::string& key) noexcept {
    record = key.empty() ? nullptr : zone.find(subject, key);
}

} // namespace

Endpoint* retain(Endpoint* endpoint) noexcept {
    endpoint->references++;
    return endpoint;
}

void release(Endpoint* endpoint) noexcept {
    if (endpoint == nullptr || --endpoint->references != 0) {
        return;
    }
    endpoint->transport.forget(endpoint);
}

std::int32_t add(Endpoint& server, Gauge which, std::int32_t by) noexcept {
    if (server.record != nullptr) {
        return server.transport.zone().add(*server.record, which, by);
    }
    return which == Gauge::in_flight
               ? std::exchange(server.in_flight_alone, std::max(0, server.in_flight_alone + by))
               : 0;
}

// --- Transport

Transport::~Transport() {
    // At the end of a process connections may still stand that nobody closes one by one.
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
    made->place = balance::place_of(bytes_of(made->address));
    const auto [known, is_new] = endpoints_.try_emplace(view(made->name), made.get());
    if (!is_new) {
        return retain(known->second);
    }
    bind(*made);
    return made.release();
}

void Transport::bind(Endpoint& endpoint) noexcept {
    rebind(zone_, endpoint.record, Subject::endpoint,
           std::string(view(endpoint.name)) + " " + key_);
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

void Transports::unbind() noexcept {
    for (auto& [key, transport] : all_) {
        for (const auto& [name, endpoint] : transport.endpoints_) {
            endpoint->record = nullptr;
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

bool Servers::replace(std::size_t index, std::span<const ngx_addr_t> addresses) {
    const bool changed = replace_endpoints(lines_[index], addresses);
    if (changed) {
        rebuild();
    }
    return changed;
}

void Servers::set_all(const std::vector<std::span<const ngx_addr_t>>& addresses) {
    for (std::size_t i = 0; i < lines_.size(); i++) {
        replace_endpoints(lines_[i], addresses[i]);
    }
    rebuild();
}

bool Servers::replace_endpoints(Line& line, std::span<const ngx_addr_t> addresses) {
    std::vector<Endpoint*> now;
    for (const ngx_addr_t& address : addresses) {
        ngx_sockaddr_t with_port{};
        std::memcpy(&with_port, address.sockaddr, address.socklen);
        ngx_inet_set_port(&with_port.sockaddr, line.port);
        Endpoint* endpoint = transport_->endpoint(&with_port.sockaddr, address.socklen);
        if (std::find(now.begin(), now.end(), endpoint) != now.end()) {
            release(endpoint);
            continue;
        }
        now.push_back(endpoint);
    }

    // DNS changes the order of its answers all the time; in one order servers keep their turns.
    std::sort(now.begin(), now.end(),
              [](const Endpoint* a, const Endpoint* b) { return view(a->name) < view(b->name); });
    const bool changed = now != line.endpoints;
    line.endpoints.swap(now);
    for (Endpoint* endpoint : line.endpoints) {
        endpoint->lines++;
    }
    for (Endpoint* endpoint : now) {
        if (--endpoint->lines == 0) {
            transport_->shared.close(*endpoint);
        }
        release(endpoint);
    }
    return changed;
}

bool Servers::recall(std::size_t index, Zone& from) {
    const NameAddresses known = from.addresses_of(lines_[index].declared->address);
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
    if (line.name == nullptr) {
        return;
    }
    NameAddresses addresses;
    for (const Endpoint* endpoint : line.endpoints) {
        const std::string_view bytes = bytes_of(endpoint->address);
        if (addresses.count == NameAddresses::most || bytes.empty()) {
            continue;
        }
        NameAddresses::Address& address = addresses.address[addresses.count++];
        address.family = endpoint->address.sockaddr.sa_family;
        std::memcpy(address.bytes.data(), bytes.data(), bytes.size());
    }
    transport_->zone().remember(*line.name, addresses);
}

void Servers::rebuild() {
    const std::vector<Server> before = std::exchange(all_, {});
    using Key = std::pair<const Line*, const Endpoint*>;
    std::map<Key, const Server*> gone;
    for (const Server& server : before) {
        gone.emplace(Key{server.line, server.endpoint}, &server);
    }
    std::vector<std::size_t> added;
    std::unordered_set<const status::ServerCells*> counted;
    usable_ = 0;
    for (const Line& line : lines_) {
        for (Endpoint* endpoint : line.endpoints) {
            Server& server = all_.emplace_back();
            server.line = &line;
            server.endpoint = endpoint;
            if (const auto known = gone.find({&line, endpoint}); known != gone.end()) {
                server.check = known->second->check;
                server.turn = known->second->turn;
                server.cells = known->second->cells;
                counted.insert(server.cells);
                gone.erase(known);
            } else {
                added.push_back(all_.size() - 1);
            }
            usable_ += line.settings.down ? 0 : 1;
        }
    }
    // The room of what is gone may be what the new ones need. Two lines may mean one address.
    for (const auto& [key, server] : gone) {
        if (server->cells != nullptr && !counted.contains(server->cells)) {
            counters_->leave(server->cells);
        }
    }
    for (const std::size_t index : added) {
        bind(all_[index]);
    }
    for (const auto& [key, server] : gone) {
        transport_->zone().drop(server->check);
    }
    candidates_.assign(all_.size(), {});
}

std::string Servers::check_key(const Endpoint& endpoint) const {
    const config::HealthCheck& check = farm_->health_check;
    if (check.kind == config::CheckKind::off) {
        return {};
    }
    // The same server has one state of health on all ports that requests go to; what differs is
    // only what the check itself depends on.
    u_char text[NGX_SOCKADDR_STRLEN];
    const std::size_t length = ngx_sock_ntop(const_cast<sockaddr*>(&endpoint.address.sockaddr),
                                             endpoint.length, text, sizeof(text), 0);
    std::string key(reinterpret_cast<char*>(text), length);
    key += " " + std::to_string(static_cast<int>(check.kind)) + ":" +
           std::to_string(check.kind == config::CheckKind::tcp ? check.port : farm_->ports.https);
    for (const std::string& service : farm_->services) {
        key += " " + service;
    }
    return key + " " + checked_by_;
}

void Servers::bind(Server& server) noexcept {
    rebind(transport_->zone(), server.check, Subject::check, check_key(*server.endpoint));
    server.cells =
        counters_ == nullptr ? nullptr : counters_->server(upstream_, view(server.endpoint->name));
}

void Servers::bind() noexcept {
    for (Server& server : all_) {
        bind(server);
    }
    Zone& zone = transport_->zone();
    for (std::size_t i = 0; i < lines_.size(); i++) {
        Line& line = lines_[i];
        if (!line.declared->by_name) {
            continue;
        }
        rebind(zone, line.name, Subject::name, line.declared->address);
        if (zone.is_entered()) {
            recall(i, zone);
        } else if (!line.endpoints.empty()) {
            remember(i);
        }
    }
}

void Servers::unbind() noexcept {
    for (Server& server : all_) {
        server.check = nullptr;
    }
    for (Line& line : lines_) {
        line.name = nullptr;
    }
}

balance::Panic Servers::panic() const noexcept {
    balance::Panic panic;
    for (const Server& server : all_) {
        panic.see(server.line->settings, state_of(server));
    }
    return panic;
}

std::span<balance::Candidate> Servers::candidates(std::uint64_t now) noexcept {
    const bool panics = panic().on();
    for (std::size_t i = 0; i < all_.size(); i++) {
        Server& server = all_[i];
        const balance::ServerSettings& settings = server.line->settings;
        balance::ServerState state = state_of(server);
        state.healthy = state.healthy || (panics && state.answers);
        balance::Candidate& candidate = candidates_[i];

        candidate.availability = balance::availability(settings, state, now);
        candidate.backup = settings.backup;
        candidate.tried = false;
        candidate.weight = settings.weight;
        candidate.ramp = balance::ramp(settings, state, now);
        candidate.in_flight = state.in_flight;
        candidate.place = server.endpoint->place;
        candidate.turn = &server.turn;
    }
    return candidates_;
}

balance::ServerState Servers::state_of(const Server& server) const noexcept {
    balance::ServerState state;
    if (const Record* record = server.endpoint->record; record != nullptr) {
        state.in_flight = record->value(Gauge::in_flight);
        if (counts_failures()) {
            state.failures = load(record->failures);
        }
    } else {
        state.in_flight = static_cast<std::uint32_t>(server.endpoint->in_flight_alone);
    }
    if (server.check != nullptr) {
        state.healthy = server.check->health.takes_requests();
        state.answers = state.healthy || server.check->health.answers();
        state.recovered = server.check->health.recovered.load(std::memory_order_relaxed);
    }
    return state;
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
