#include "nginx/shared/shared.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace lync::nginx {

namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                  std::atomic<std::int32_t>::is_always_lock_free,
              "an atomic with a lock inside doesn't work between processes");

constexpr std::size_t slots = 256; ///< workers at a time, those of earlier configurations included
/// Enough for most lives: a zone that has to grow is another one, in which requests that workers of
/// before the reload still answer aren't seen. Memory that nobody has written to costs nothing.
constexpr std::size_t fewest_records = 4096;

constexpr std::string_view zone_name = "lync_state";

/// A worker. `pid` is 0 while the slot is free.
struct Slot {
    std::atomic<std::int32_t> pid;
    std::atomic<std::uint64_t> started; ///< as the kernel counts; tells a pid from its successor
};

struct Parts {
    std::array<std::atomic<std::int32_t>, gauges> of;
};

/// A process in a lease: pid_max is at most 2^22.
constexpr unsigned pid_bits = 22;

std::uint64_t lease_of(std::int32_t pid, std::uint64_t until) noexcept {
    return until << pid_bits | (static_cast<std::uint64_t>(pid) & ((1U << pid_bits) - 1));
}

/// What /proc/PID/stat says: the state's letter, and when the process started. 0 if nothing.
struct ProcessStat {
    char state = 0;
    std::uint64_t started = 0;
};

ProcessStat stat_of(std::int32_t pid) noexcept {
    char path[32];
    char text[512];
    *ngx_snprintf(reinterpret_cast<u_char*>(path), sizeof(path) - 1, "/proc/%D/stat", pid) = '\0';
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return {};
    }
    const ssize_t size = read(fd, text, sizeof(text));
    close(fd);

    // The second field is the program's name in parentheses, with whatever in it.
    std::string_view rest(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t name_end = rest.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= rest.size()) {
        return {};
    }
    rest.remove_prefix(name_end + 2);
    ProcessStat stat;
    stat.state = rest.front();
    constexpr int started = 22;
    for (int field = 3; field < started; field++) {
        rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
    }
    std::from_chars(rest.data(), rest.data() + rest.size(), stat.started);
    return stat;
}

bool is_dead(std::int32_t pid, std::uint64_t started) noexcept {
    if (kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH) {
        return true;
    }
    const ProcessStat stat = stat_of(pid);
    return stat.state == 'Z' || stat.state == 'X' ||
           (stat.started != 0 && started != 0 && stat.started != started);
}

std::uint64_t hash(std::string_view key) noexcept {
    std::uint64_t n = 0xcbf29ce484222325ULL;
    for (const char c : key) {
        n = (n ^ static_cast<unsigned char>(c)) * 0x00000100000001b3ULL;
    }
    return n;
}

class Locked {
public:
    explicit Locked(ngx_slab_pool_t* pool) noexcept : pool_(pool) { ngx_shmtx_lock(&pool->mutex); }
    ~Locked() { ngx_shmtx_unlock(&pool_->mutex); }
    Locked(const Locked&) = delete;

private:
    ngx_slab_pool_t* pool_;
};

template <typename T>
void copy_atomic(std::atomic<T>& to, const std::atomic<T>& from) noexcept {
    to.store(from.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

} // namespace

/// nginx's slab pool stands at the beginning, since the master unlocks its mutex when a worker dies
/// with it; its pages are used as one piece.
struct Zone::Memory {
    std::uint64_t layout; ///< of the module that made it; 0: not made yet
    std::size_t capacity;
    std::atomic<std::uint64_t> generation;
    std::array<std::atomic<std::uint64_t>, leases> lease;
    std::array<Slot, slots> slot;

    // Behind it: Record[capacity], Parts[slots][capacity].

    static constexpr std::uint64_t this_layout =
        1 + sizeof(Record) * 16 + sizeof(Parts) * 65536 * 16 + slots * 65536ULL * 65536 * 16;

    static constexpr std::size_t size_for(std::size_t capacity) noexcept {
        return sizeof(Memory) + alignof(Record) +
               capacity * (sizeof(Record) + slots * sizeof(Parts));
    }

    Record* records() noexcept {
        const auto end = reinterpret_cast<std::uintptr_t>(this + 1);
        return reinterpret_cast<Record*>((end + alignof(Record) - 1) / alignof(Record) *
                                         alignof(Record));
    }
    std::size_t index(const Record& record) noexcept {
        return static_cast<std::size_t>(&record - records());
    }
    std::atomic<std::int32_t>& part(std::size_t of_slot, std::size_t of_record,
                                    std::size_t gauge) noexcept {
        auto* parts = reinterpret_cast<Parts*>(records() + capacity);
        return parts[of_slot * capacity + of_record].of[gauge];
    }

    static Memory* at(ngx_slab_pool_t* pool) noexcept {
        return reinterpret_cast<Memory*>(ngx_align_ptr(pool->start, ngx_cacheline_size));
    }
    static ngx_slab_pool_t* pool_of(ngx_shm_zone_t* zone) noexcept {
        return reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
    }

    /// Takes what a slot's worker has counted off the totals.
    void take_back(std::size_t of_slot) noexcept {
        for (std::size_t r = 0; r < capacity && records()[r].subject != Subject::none; r++) {
            for (std::size_t g = 0; g < gauges; g++) {
                const std::int32_t n = part(of_slot, r, g).exchange(0, std::memory_order_relaxed);
                if (n != 0) {
                    records()[r].gauge[g].fetch_sub(n, std::memory_order_relaxed);
                }
            }
        }
    }

    /// Takes a dead worker's slot over for `pid`, so that one process cleans it up.
    bool bury(std::size_t index, std::int32_t by) noexcept {
        Slot& s = slot[index];
        std::int32_t pid = s.pid.load(std::memory_order_acquire);
        const bool dead =
            pid != 0 && (pid == by || is_dead(pid, s.started.load(std::memory_order_relaxed)));
        if (!dead || !s.pid.compare_exchange_strong(pid, by, std::memory_order_acq_rel)) {
            return false;
        }
        s.started.store(0, std::memory_order_relaxed);
        take_back(index);
        s.pid.store(0, std::memory_order_release);
        return true;
    }

    void make(std::size_t size) noexcept {
        capacity =
            (size - sizeof(Memory) - alignof(Record)) / (sizeof(Record) + slots * sizeof(Parts));
        layout = this_layout;
    }

    /// What outlives the workers that counted it, from a smaller zone.
    void copy_from(Memory& old) noexcept {
        copy_atomic(generation, old.generation);
        std::size_t next = 0;
        for (std::size_t i = 0; i < old.capacity && next < capacity; i++) {
            const Record& from = old.records()[i];
            if (from.subject == Subject::none) {
                continue;
            }
            Record& to = records()[next++];
            to.subject = from.subject;
            to.key_length = from.key_length;
            to.key_hash = from.key_hash;
            std::memcpy(to.key, from.key, from.key_length);
            copy_atomic(to.generation, from.generation);
            // Only lock-free atomics, and nobody reads the new zone yet.
            std::memcpy(static_cast<void*>(&to.health), &from.health, sizeof(to.health));
            std::memcpy(static_cast<void*>(&to.failures), &from.failures, sizeof(to.failures));
            to.addresses = from.addresses;
        }
    }

    Record* known(Subject subject, std::string_view key, std::uint64_t key_hash) noexcept {
        // Records are taken in their order and none becomes free again, only another's.
        for (std::size_t i = 0; i < capacity && records()[i].subject != Subject::none; i++) {
            Record& r = records()[i];
            if (r.key_hash == key_hash && r.subject == subject && r.name() == key) {
                return &r;
            }
        }
        return nullptr;
    }

    /// A record that was never used, else the one that has been without a user for longest.
    Record* room() noexcept {
        Record* oldest = nullptr;
        for (std::size_t i = 0; i < capacity; i++) {
            Record& r = records()[i];
            if (r.subject == Subject::none) {
                return &r;
            }
            const std::uint64_t named = r.generation.load(std::memory_order_relaxed);
            if (r.value(Gauge::references) == 0 &&
                named < generation.load(std::memory_order_relaxed) &&
                (oldest == nullptr || named < oldest->generation.load(std::memory_order_relaxed))) {
                oldest = &r;
            }
        }
        return oldest;
    }
};

ngx_shm_zone_t* running_zone(std::string_view name) noexcept {
    const auto* cycle = const_cast<const ngx_cycle_t*>(ngx_cycle);
    if (cycle == nullptr) {
        return nullptr;
    }
    for (const ngx_list_part_t* part = &cycle->shared_memory.part; part != nullptr;
         part = part->next) {
        auto* zone = static_cast<ngx_shm_zone_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (zone[i].tag == &ngx_lync_module && view(zone[i].shm.name) == name) {
                return &zone[i];
            }
        }
    }
    return nullptr;
}

ngx_int_t Zone::declare(ngx_conf_t* cf, std::size_t records, ngx_int_t (*bind)(void* data),
                        void* data) {
    // The slab pool's header grows with the page it describes.
    const auto zone_size = [](std::size_t capacity) {
        const std::size_t contents = Memory::size_for(capacity);
        return contents + contents / 64 + 64 * 1024;
    };
    const std::size_t needed = zone_size(std::max(records + records / 4, fewest_records));
    std::size_t size = std::bit_ceil(zone_size(std::max(2 * records, fewest_records)));
    if (const ngx_shm_zone_t* running = running_zone(zone_name);
        running != nullptr && running->shm.size >= needed) {
        size = running->shm.size;
    }

    ngx_str_t name = copy(cf->pool, zone_name);
    if (name.data == nullptr) {
        return NGX_ERROR;
    }
    zone_ = ngx_shared_memory_add(cf, &name, size, &ngx_lync_module);
    if (zone_ == nullptr) {
        return NGX_ERROR;
    }
    bind_ = bind;
    data_ = data;
    zone_->data = this;
    zone_->init = on_memory;
    return NGX_OK;
}

ngx_int_t Zone::on_memory(ngx_shm_zone_t* zone, void*) {
    auto& self = *static_cast<Zone*>(zone->data);
    ngx_slab_pool_t* pool = Memory::pool_of(zone);
    Memory* memory = Memory::at(pool);

#if (NGX_DEBUG_MALLOC)
    if (!zone->shm.exists && pool->data == nullptr) {
        ngx_memzero(pool->start, static_cast<std::size_t>(pool->end - pool->start));
        pool->data = memory;
    }
#endif
    if (memory->layout == 0) {
        const auto* begin = reinterpret_cast<u_char*>(memory);
        memory->make(static_cast<std::size_t>(pool->end - begin));
        ngx_shm_zone_t* running = running_zone(zone_name);
        if (running != nullptr && running->shm.addr != nullptr &&
            running->shm.addr != zone->shm.addr) {
            Memory* old = Memory::at(Memory::pool_of(running));
            if (old->layout == Memory::this_layout) {
                memory->copy_from(*old);
            }
        }
    } else if (memory->layout != Memory::this_layout) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "shared memory \"%V\" is another version's of this module: restart nginx "
                      "instead of reloading it",
                      &zone->shm.name);
        return NGX_ERROR;
    }

    self.memory_ = memory;
    self.generation_ = memory->generation.fetch_add(1, std::memory_order_relaxed) + 1;
    return self.bind_(self.data_);
}

Record* Zone::find(Subject subject, std::string_view key) noexcept {
    if (memory_ == nullptr || key.size() > Record::longest_key) {
        return nullptr;
    }
    const std::uint64_t key_hash = hash(key);
    const Locked lock(Memory::pool_of(zone_));

    Record* record = memory_->known(subject, key, key_hash);
    if (record == nullptr) {
        record = memory_->room();
        if (record == nullptr) {
            return nullptr;
        }
        // Nobody refers to it, so nobody reads it while it is cleared.
        std::memset(static_cast<void*>(record), 0, sizeof(Record));
        std::memcpy(record->key, key.data(), key.size());
        record->key_length = static_cast<std::uint16_t>(key.size());
        record->key_hash = key_hash;
        record->subject = subject;
    }
    if (entered_) {
        add(*record, Gauge::references, 1);
    } else {
        record->generation.store(generation_, std::memory_order_relaxed);
    }
    return record;
}

void Zone::drop(Record* record) noexcept {
    if (record != nullptr && memory_ != nullptr && entered_) {
        add(*record, Gauge::references, -1);
    }
}

NameAddresses Zone::addresses_of(std::string_view name) noexcept {
    if (memory_ == nullptr) {
        return {};
    }
    const std::uint64_t key_hash = hash(name);
    const Locked lock(Memory::pool_of(zone_));
    const Record* record = memory_->known(Subject::name, name, key_hash);
    return record == nullptr ? NameAddresses{} : record->addresses;
}

void Zone::remember(Record& name, const NameAddresses& addresses) noexcept {
    if (memory_ == nullptr) {
        return;
    }
    const Locked lock(Memory::pool_of(zone_));
    // The master takes the lock from a process that is killed with it: no half of a list, then.
    name.addresses.count = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    name.addresses.address = addresses.address;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    name.addresses.count = addresses.count;
}

Zone* Zone::running() noexcept {
    const ngx_shm_zone_t* zone = running_zone(zone_name);
    return zone == nullptr ? nullptr : static_cast<Zone*>(zone->data);
}

std::int32_t Zone::add(Record& record, Gauge which, std::int32_t by) noexcept {
    if (memory_ == nullptr) {
        return 0;
    }
    const auto g = static_cast<std::size_t>(which);
    if (slot_ != no_slot) {
        std::atomic<std::int32_t>& part = memory_->part(slot_, memory_->index(record), g);
        part.store(part.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    return record.gauge[g].fetch_add(by, std::memory_order_relaxed);
}

void Zone::enter(ngx_log_t* log) noexcept {
    if (memory_ == nullptr) {
        return;
    }
    repair();
    entered_ = true;
    const std::int32_t pid = ngx_pid;
    for (std::size_t i = 0; i < slots; i++) {
        std::int32_t nobody = 0;
        if (memory_->slot[i].pid.compare_exchange_strong(nobody, pid, std::memory_order_acq_rel)) {
            memory_->slot[i].started.store(stat_of(pid).started, std::memory_order_relaxed);
            slot_ = i;
            return;
        }
    }
    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "all %uz places for workers in shared memory \"%V\" are taken: set "
                  "\"worker_shutdown_timeout\", so that workers of earlier configurations end",
                  slots, &zone_->shm.name);
}

void Zone::leave() noexcept {
    if (memory_ == nullptr || slot_ == no_slot) {
        return;
    }
    for (std::size_t i = 0; i < leases; i++) {
        release(static_cast<Lease>(i));
    }
    const std::size_t slot = std::exchange(slot_, no_slot);
    entered_ = false;
    memory_->take_back(slot);
    memory_->slot[slot].started.store(0, std::memory_order_relaxed);
    memory_->slot[slot].pid.store(0, std::memory_order_release);
}

void Zone::detach() noexcept {
    leave();
    memory_ = nullptr;
}

unsigned Zone::repair() noexcept {
    unsigned dead = 0;
    if (memory_ != nullptr) {
        for (std::size_t i = 0; i < slots; i++) {
            if (i != slot_ && memory_->bury(i, ngx_pid)) {
                dead++;
            }
        }
    }
    return dead;
}

bool Zone::hold(Lease which, ngx_msec_t ttl) noexcept {
    if (memory_ == nullptr) {
        return false;
    }
    std::atomic<std::uint64_t>& lease = memory_->lease[static_cast<std::size_t>(which)];
    const std::uint64_t now = ngx_current_msec;
    std::uint64_t held = lease.load(std::memory_order_acquire);
    const bool mine = held != 0 && lease_of(ngx_pid, held >> pid_bits) == held;
    if (!mine && held >> pid_bits > now) {
        return false;
    }
    return lease.compare_exchange_strong(held, lease_of(ngx_pid, now + ttl),
                                         std::memory_order_acq_rel);
}

void Zone::release(Lease which) noexcept {
    if (memory_ == nullptr) {
        return;
    }
    std::atomic<std::uint64_t>& lease = memory_->lease[static_cast<std::size_t>(which)];
    std::uint64_t held = lease.load(std::memory_order_acquire);
    if (held != 0 && lease_of(ngx_pid, held >> pid_bits) == held) {
        lease.compare_exchange_strong(held, 0, std::memory_order_acq_rel);
    }
}

} // namespace lync::nginx
