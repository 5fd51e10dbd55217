#pragma once

// What all workers share: one zone of memory, "lync_state", with records that are found by their
// keys. The same key is the same record, also over a reload, so health lives on, and publications
// that share a pool share what is known of it.
//
//     header      leases, generation
//     slots       one per worker: who it is
//     records     key, gauges, health, failures
//     slot gauges for each slot and record: what that worker alone has counted into the gauges
//
// Nothing on the request path takes a lock. Gauges (requests in flight) go up and down; each worker
// also notes its own part in its slot, and what a killed worker has left there is taken off again
// by whoever finds it dead. Numbers that only grow are another zone's (counters.h). Records are
// found and made, and what they say of names is read and written, under the zone's lock: at load,
// at a worker's start, and when DNS brings an address; never by a request.
//
// Lifetimes. A record is used by a configuration (its generation) and by workers (the gauge
// `references`). One that nobody uses keeps its contents until its room is needed. Pointers to
// records stay valid as long as the worker holds a reference; the zone's address is the same in
// all processes.

#include "balance/health.h"
#include "nginx/ngx.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::nginx {

/// What a record is about. Keys of different kinds never meet.
enum class Subject : std::uint8_t {
    none,     ///< a free record
    endpoint, ///< address, port and how it is spoken to: load and failures
    check,    ///< one server as one kind of check sees it: health
    group,    ///< the servers of an upstream, together: probes
    name,     ///< a server's name: the addresses that it had last
};

/// Numbers that go up and down.
enum class Gauge : std::uint8_t {
    references, ///< of workers to this record
    in_flight,  ///< requests
    waiting,    ///< requests that are kept waiting
    owned,      ///< connections that belong to clients
};
constexpr std::size_t gauges = 4;

/// Failures of requests to an endpoint (balance::Failures), of all workers. Times in msec.
struct SharedFailures {
    std::atomic<std::uint32_t> count;
    std::atomic<std::uint32_t> broken; ///< exchanges in a row that broke off, none answered between
    std::atomic<std::uint64_t> first;
    std::atomic<std::uint64_t> out;
    std::atomic<std::uint64_t> recovered;
};

/// Addresses of a name, as many as there is room for. Ports come with the servers.
struct NameAddresses {
    struct Address {
        std::uint16_t family;
        std::array<unsigned char, 16> bytes; ///< in network byte order; 4 of them for AF_INET
    };
    static constexpr std::size_t most = 16;

    std::uint32_t count = 0;
    std::array<Address, most> address{};
};

/// One thing that is watched. Zeroed memory is a free one.
struct Record {
    static constexpr std::size_t longest_key = 700;

    // Written under the zone's lock while the record is free, constant afterwards.
    Subject subject;
    std::uint16_t key_length;
    std::uint64_t key_hash;
    char key[longest_key];

    std::atomic<std::uint64_t> generation; ///< of the last configuration that named it

    std::array<std::atomic<std::int32_t>, gauges> gauge;
    balance::SharedHealth health;
    SharedFailures failures;
    std::atomic<std::uint64_t> probe; ///< msec until which no probe may begin
    NameAddresses addresses;          ///< read and written under the zone's lock

    std::string_view name() const noexcept { return {key, key_length}; }

    /// A gauge, never below zero.
    std::uint32_t value(Gauge which) const noexcept {
        const std::int32_t n =
            gauge[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
        return n > 0 ? static_cast<std::uint32_t>(n) : 0;
    }
};

/// What only one process does at a time.
enum class Lease : std::uint8_t { health, repair };
constexpr std::size_t leases = 4;

/// The module's zone of this name in the running configuration, or NULL. While a configuration is
/// read that is the one before; at the first start there is none.
ngx_shm_zone_t* running_zone(std::string_view name) noexcept;

/// The zone as one configuration and one process see it. Lives in MainConf. Everything is a no-op
/// that answers "nothing" before `attach` has run.
class Zone {
public:
    /// Asks nginx for the zone, with room for `records`, and for as many again that come later. A
    /// zone of the running configuration that is large enough keeps its size, so that nginx reuses
    /// it. `bind` is called once the memory is there, in the master, and finds the records of the
    /// configuration. At the end of parsing.
    ngx_int_t declare(ngx_conf_t* cf, std::size_t records, ngx_int_t (*bind)(void* data),
                      void* data);

    bool is_attached() const noexcept { return memory_ != nullptr; }

    /// The record of a key, made if it is not there; NULL if there is no room or the key is too
    /// long. At load it belongs to the configuration from then on; in a worker, between `enter` and
    /// `leave`, this worker refers to it until `drop`.
    Record* find(Subject subject, std::string_view key) noexcept;
    void drop(Record* record) noexcept;

    /// The addresses that a name had last, none if it isn't known. Makes no record.
    NameAddresses addresses_of(std::string_view name) noexcept;
    void remember(Record& name, const NameAddresses& addresses) noexcept;

    /// Goes up or down by one, in the total and in this worker's own part. Returns the total
    /// before.
    std::int32_t add(Record& record, Gauge which, std::int32_t by) noexcept;

    /// The zone of the running configuration while another one is read, or NULL.
    static Zone* running() noexcept;

    /// Whether this is a worker, between `enter` and `leave`.
    bool is_entered() const noexcept { return entered_; }

    /// A worker begins: claims a slot, and takes back what dead workers have left. Not in nginx's
    /// helper processes.
    void enter(ngx_log_t* log) noexcept;
    /// A worker ends in good order.
    void leave() noexcept;
    /// The configuration is an old one, in a process that goes on with another: what its last
    /// requests still count is nobody's business any more.
    void detach() noexcept;
    /// Takes back what dead workers have left. Returns how many there were.
    unsigned repair() noexcept;

    /// Whether this process holds the lease for `ttl` more msec: it held it, nobody did, or the
    /// holder has let it run out.
    bool hold(Lease which, ngx_msec_t ttl) noexcept;
    void release(Lease which) noexcept;

private:
    struct Memory; ///< the zone's contents (shared.cpp)

    static ngx_int_t on_memory(ngx_shm_zone_t* zone, void* old);

    Memory* memory_ = nullptr;
    ngx_shm_zone_t* zone_ = nullptr;
    ngx_int_t (*bind_)(void* data) = nullptr;
    void* data_ = nullptr;
    static constexpr std::size_t no_slot = static_cast<std::size_t>(-1);
    std::size_t slot_ = no_slot; ///< this worker's; none at load, or if all were taken
    bool entered_ = false;
    std::uint64_t generation_ = 0;
};

} // namespace lync::nginx
