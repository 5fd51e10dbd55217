#pragma once

// What all workers share, and what outlives them: one zone of memory, "lync_state", with records
// that are found by keys. The same key is the same record, also after a reload and in other
// publications, so health, counters and the addresses of names live on.
//
//     header       leases, the last refusals
//     slots        one for each worker: who it is
//     records      key, generation, and what is known: health, failures, counters, addresses
//     gauges       for each record what goes up and down, each worker's part for itself
//     index        from keys to records
//
// What only grows (counters) all workers add to. What goes up and down (requests in flight, the
// workers that refer to a record) is the sum of the workers' parts, with no total beside them: a
// killed worker's part is set to zero by the first that finds it dead, and the sum is right again.
// No lock is taken while a request is processed.
//
// The lock is taken to find or make a record and to read or write addresses: at load, at a
// worker's start, when DNS brings an address. It knows its holder (process_id.h), and each store
// under it leaves the zone sound, so a worker may be killed anywhere.
//
// Lifetimes. A record is used by the latest configuration (its generation) and by workers (the
// gauge `references`). An unused one keeps its contents until its room is needed. A pointer
// to a record holds as long as the worker's reference to it. The zone has one address in all
// processes.

#include "balance/health.h"
#include "base/build.h"
#include "nginx/shared/process_id.h"
#include "status/refusals.h"
#include "status/shared_counters.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::nginx {

/// What a record is about. Keys of different subjects never meet.
enum class Subject : std::uint8_t {
    none,        ///< a free record
    endpoint,    ///< address, port and how it is spoken to: load and failures
    check,       ///< one server as one kind of check sees it: health
    group,       ///< the servers of an upstream, together: probes
    machine,     ///< a server by its address as written: whether it is drained; of a name the
                 ///< addresses that it had last
    server,      ///< an address in an upstream: counters
    publication, ///< counters and their history
};

/// Numbers that go up and down.
enum class Gauge : std::uint8_t {
    references, ///< of workers to this record
    in_flight,  ///< requests
    waiting,    ///< requests that are kept waiting
    owned,      ///< connections that belong to clients
};
constexpr std::size_t gauges = 4;

/// What a record is found by: any number of parts, of any length, by their SHA-1.
class Key {
public:
    using Digest = std::array<unsigned char, 20>;

    explicit Key(Subject subject) noexcept;
    Key& add(std::string_view part) noexcept;
    Key& add(std::uint64_t part) noexcept;

    Subject subject() const noexcept { return subject_; }
    Digest digest() const noexcept;
    /// A part of the digest, never 0.
    std::uint64_t number() const noexcept;

private:
    Subject subject_;
    ngx_sha1_t sha1_;
};

/// Failures of requests to an endpoint (balance::Failures), of all workers. Times in msec.
struct SharedFailures {
    std::atomic<std::uint32_t> count;
    std::atomic<std::uint32_t> broken; ///< exchanges in a row that broke off, none answered between
    std::atomic<std::uint64_t> first;
    std::atomic<std::uint64_t> out;
    std::atomic<std::uint64_t> recovered;

    /// Whether a choice has to know them: the server is out, or was.
    bool matter() const noexcept {
        return out.load(std::memory_order_relaxed) != 0 ||
               recovered.load(std::memory_order_relaxed) != 0;
    }
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

/// One thing that is watched; its subject says which members are used. Zeroed memory is a free one;
/// but for `generation` and `left` key and chain are written under the lock, before it is in use.
struct Record {
    std::atomic<Subject> subject;
    Key::Digest key;
    std::atomic<std::uint32_t> next;       ///< in its chain of the index: number + 1, 0 ends it
    std::atomic<std::uint64_t> generation; ///< of the last configuration that named it
    std::atomic<std::int64_t> left;        ///< when a worker last let go of it, Unix time

    SharedFailures failures;
    balance::SharedHealth health;
    std::atomic<std::uint64_t> probe; ///< msec until which no probe may begin
    NameAddresses addresses;          ///< read and written under the zone's lock
    /// Since when an administrator has drained it, Unix time; 0: it isn't. Forgotten once a
    /// configuration was served that doesn't name the server.
    std::atomic<std::int64_t> drained;
    std::atomic<std::uint64_t> undrained; ///< msec of when it was last taken back; 0: never
    /// Of an endpoint: Key::number of its machine, by which it is found when no configuration and
    /// no DNS name leads to it any more, but requests are still there.
    std::atomic<std::uint64_t> machine;
    std::atomic<Build> build; ///< of an endpoint or a check: as last reported; 0: not yet
    std::atomic<std::int64_t> build_logged; ///< when what it lacks was last logged, Unix time
    status::ServerCells counters;
};

/// What is counted of a publication. There is room for more than a configuration has; the one that
/// none has named for longest gives its place to another.
struct PublicationRecord {
    std::atomic<std::uint64_t> generation; ///< of the last configuration that named it
    Key::Digest key;
    status::PublicationCells counters;
    status::HistoryCells history;
};

/// What only one process does at a time.
enum class Lease : std::uint8_t { health, repair, store };
constexpr std::size_t leases = 3;

/// The zone as one configuration and one process see it. Lives in MainConf. All of it does nothing
/// and finds nothing before the memory is there, and in a worker without a slot.
class Zone {
public:
    /// Asks nginx for the zone, with room for twice as many records. A zone of the running
    /// configuration that is large enough keeps its size, so that nginx reuses it. `bind` is called
    /// in the master once the memory is there, and finds the records of the configuration. At the
    /// end of parsing.
    ngx_int_t declare(ngx_conf_t* cf, std::size_t records, std::size_t publications,
                      void (*bind)(void* data), void* data);

    /// The record of a key, made if it isn't there; NULL if there is no room. At load it belongs to
    /// the configuration from then on; in a worker, between `enter` and `leave`, this worker refers
    /// to it until `drop`.
    Record* find(const Key& key) noexcept;
    /// NULL is allowed.
    void drop(Record* record) noexcept;
    /// Made if it isn't there; NULL if there is no room.
    PublicationRecord* find_publication(const Key& key) noexcept;

    /// The addresses that a name had last, none if it isn't known. Makes no record.
    NameAddresses addresses_of(const Key& name) noexcept;
    void remember(Record& name, const NameAddresses& addresses) noexcept;

    /// Goes up or down. Of two workers which go beyond a limit at the same time at least one sees
    /// it in the `value` that it asks for afterwards.
    void add(const Record& record, Gauge which, std::int32_t by) noexcept;
    /// Of all workers together.
    std::uint32_t value(const Record& record, Gauge which) const noexcept;
    /// Of all endpoints of a machine, those of earlier configurations and addresses included.
    std::uint64_t value_of_machine(std::uint64_t machine, Gauge which) const noexcept;

    /// The last refusals; NULL without the zone.
    status::RefusalRing* refusals() const noexcept;

    /// The zone of the running configuration while another one is read, or NULL.
    static Zone* running() noexcept;

    /// Whether this is a worker, between `enter` and `leave`.
    bool is_entered() const noexcept { return slot_ != no_slot; }

    /// A worker begins: claims a slot, and takes back what dead workers have left. Not in nginx's
    /// helper processes.
    void enter(ngx_log_t* log) noexcept;
    /// A worker ends.
    void leave() noexcept;
    /// Takes back what dead workers have left.
    void repair() noexcept;
    /// How many workers are alive, those of earlier configurations included.
    std::size_t workers() const noexcept;

    /// Whether this process holds the lease for `ttl` more msec: it held it, no process did, or
    /// the holder has let it run out.
    bool hold(Lease which, ngx_msec_t ttl) noexcept;
    void release(Lease which) noexcept;

private:
    struct Memory; ///< the zone's contents (zone.cpp)

    static ngx_int_t on_memory(ngx_shm_zone_t* zone, void* old);
    static Memory* memory_of(const ngx_shm_zone_t* zone) noexcept;

    static constexpr std::size_t no_slot = static_cast<std::size_t>(-1);

    Memory* memory_ = nullptr;
    std::size_t records_ = 0; ///< room asked for
    std::size_t publications_ = 0;
    void (*bind_)(void* data) = nullptr;
    void* data_ = nullptr;
    ProcessId self_ = 0;
    std::size_t slot_ = no_slot; ///< this worker's; none at load, or if all were taken
    std::uint64_t generation_ = 0;
    std::uint64_t served_ = 0; ///< generation of the configuration that ran when this one was made
    bool has_logged_full_ = false;
};

} // namespace lync::nginx
