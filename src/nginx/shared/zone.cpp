#include "nginx/shared/zone.h"

#include "nginx/guard.h"
#include "nginx/shared/memory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace lync::nginx {

namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                  std::atomic<std::int32_t>::is_always_lock_free &&
                  std::atomic<Subject>::is_always_lock_free,
              "an atomic with a lock inside doesn't work between processes");
static_assert(std::is_trivially_copyable_v<NameAddresses>);

// Room for what a reload may bring: a zone that has to grow is another one, and what workers of
// before the reload still do isn't seen there. Memory that was never written to costs nothing, so
// records and slots are taken in their order.
constexpr std::size_t fewest_records = 4096;
constexpr std::size_t fewest_publications = 64;
constexpr std::size_t slots = 512; ///< workers at a time, those of earlier configurations included

constexpr std::string_view zone_name = "lync_state";

/// The parts of sixteen workers in one record's gauges, a cache line each: what the choice of a
/// server adds up for each of them is one line on most machines.
constexpr std::size_t row_slots = 16;
struct alignas(64) Row {
    std::array<std::array<std::atomic<std::int32_t>, row_slots>, gauges> part;
};

std::uint64_t lease_of(std::uint64_t until) noexcept {
    return until << pid_bits | (static_cast<std::uint64_t>(ngx_pid) & ((1U << pid_bits) - 1));
}

/// The module's zone in the running configuration, or NULL. While a configuration is read that is
/// the one before; at the first start there is none.
ngx_shm_zone_t* running_zone() noexcept {
    const auto* cycle = const_cast<const ngx_cycle_t*>(ngx_cycle);
    if (cycle == nullptr) {
        return nullptr;
    }
    for (const ngx_list_part_t* part = &cycle->shared_memory.part; part != nullptr;
         part = part->next) {
        for (auto& zone : std::span(static_cast<ngx_shm_zone_t*>(part->elts), part->nelts)) {
            if (zone.tag == &ngx_lync_module && view(zone.shm.name) == zone_name) {
                return &zone;
            }
        }
    }
    return nullptr;
}

} // namespace

Key::Key(Subject subject) noexcept : subject_(subject) {
    ngx_sha1_init(&sha1_);
    add(static_cast<std::uint64_t>(subject));
}

Key& Key::add(std::string_view part) noexcept {
    add(part.size()); // where one ends and the next one begins
    ngx_sha1_update(&sha1_, part.data(), part.size());
    return *this;
}

Key& Key::add(std::uint64_t part) noexcept {
    ngx_sha1_update(&sha1_, &part, sizeof(part));
    return *this;
}

Key::Digest Key::digest() const noexcept {
    Digest digest;
    ngx_sha1_t sha1 = sha1_;
    ngx_sha1_final(digest.data(), &sha1);
    return digest;
}

std::uint64_t Key::number() const noexcept {
    std::uint64_t number = 0;
    std::memcpy(&number, digest().data(), sizeof(number));
    return number | 1;
}

/// Behind nginx's slab pool, whose pages are used as one piece.
struct Zone::Memory {
    std::size_t record_count; ///< there is room for; 0: not made yet
    std::size_t publication_count;
    std::atomic<std::uint64_t> generation; ///< of the latest configuration
    OwnedLock lock;
    std::array<std::atomic<std::uint64_t>, leases> lease;
    std::atomic<std::size_t> used_records; ///< the others were never used
    std::atomic<std::size_t> used_publications;
    std::atomic<std::size_t> used_slots;
    std::array<std::atomic<ProcessId>, slots> slot;
    status::RefusalRing refusals;

    // Behind it, with n = record_count: Row[slots / row_slots][n], Record[n], PublicationRecord[],
    // the index (the numbers + 1 of the first record in each of n chains).

    static std::size_t size_for(std::size_t records, std::size_t publications) noexcept {
        return sizeof(Memory) + alignof(Row) + publications * sizeof(PublicationRecord) +
               records * (sizeof(Row) * (slots / row_slots) + sizeof(Record) +
                          sizeof(std::atomic<std::uint32_t>));
    }

    Row* rows() noexcept {
        const auto end = reinterpret_cast<std::uintptr_t>(this + 1);
        return reinterpret_cast<Row*>((end + alignof(Row) - 1) / alignof(Row) * alignof(Row));
    }
    Record* records() noexcept {
        return reinterpret_cast<Record*>(rows() + record_count * (slots / row_slots));
    }
    PublicationRecord* publications() noexcept {
        return reinterpret_cast<PublicationRecord*>(records() + record_count);
    }
    std::atomic<std::uint32_t>* index() noexcept {
        return reinterpret_cast<std::atomic<std::uint32_t>*>(publications() + publication_count);
    }
    std::size_t number_of(const Record& record) noexcept {
        return static_cast<std::size_t>(&record - records());
    }

    // --- gauges

    std::atomic<std::int32_t>& part(std::size_t number, Gauge gauge, std::size_t of_slot) noexcept {
        return rows()[of_slot / row_slots * record_count + number]
            .part[static_cast<std::size_t>(gauge)][of_slot % row_slots];
    }
    std::int32_t sum(std::size_t number, Gauge gauge) noexcept {
        std::int32_t all = 0;
        const std::size_t used = used_slots.load(std::memory_order_relaxed);
        for (std::size_t i = 0; i < used; i++) {
            all += part(number, gauge, i).load(std::memory_order_seq_cst);
        }
        return all;
    }
    void clear(std::size_t of_slot) noexcept {
        for (std::size_t number = 0; number < used_records; number++) {
            for (std::size_t g = 0; g < gauges; g++) {
                part(number, static_cast<Gauge>(g), of_slot).store(0, std::memory_order_relaxed);
            }
        }
    }

    // --- records, under the lock

    std::atomic<std::uint32_t>& chain(const Key::Digest& digest) noexcept {
        std::uint64_t n = 0;
        std::memcpy(&n, digest.data(), sizeof(n));
        return index()[n % record_count];
    }
    Record* known(Subject subject, const Key::Digest& digest) noexcept {
        for (std::uint32_t next = chain(digest); next != 0;) {
            Record& record = records()[next - 1];
            if (record.key == digest && record.subject == subject) {
                return &record;
            }
            next = record.next;
        }
        return nullptr;
    }
    void unlink(const Record& record) noexcept {
        for (auto* to = &chain(record.key); *to != 0; to = &records()[*to - 1].next) {
            if (&records()[*to - 1] == &record) {
                *to = record.next.load();
                return;
            }
        }
    }
    /// A record that was never used, else the one that has been without a user for longest.
    Record* room() noexcept {
        if (used_records < record_count) {
            return &records()[used_records++];
        }
        Record* oldest = nullptr;
        for (Record& record : std::span(records(), record_count)) {
            if (record.subject == Subject::none) {
                return &record; // the worker that made it was killed
            }
            if (record.generation != generation &&
                (oldest == nullptr || record.left < oldest->left) &&
                sum(number_of(record), Gauge::references) == 0) {
                oldest = &record;
            }
        }
        return oldest;
    }
    Record* make(Subject subject, const Key::Digest& digest) noexcept {
        Record* record = room();
        if (record == nullptr) {
            return nullptr;
        }
        if (record->subject != Subject::none) {
            unlink(*record); // first: what has no subject stands in no chain
            record->subject = Subject::none;
        }
        std::memset(static_cast<void*>(record), 0, sizeof(Record));
        record->key = digest;
        record->subject = subject;
        std::atomic<std::uint32_t>& first = chain(digest);
        record->next = first.load();
        first = static_cast<std::uint32_t>(number_of(*record) + 1);
        return record;
    }

    /// The one with this key, else one that was never used, else that of the earliest
    /// configuration before `served`. The new configuration hasn't named all of its own yet, so
    /// what the running one has is never taken.
    PublicationRecord* publication(const Key::Digest& key, std::uint64_t served) noexcept {
        PublicationRecord* oldest = nullptr;
        for (PublicationRecord& record : std::span(publications(), used_publications)) {
            if (record.key == key) {
                return &record;
            }
            if (record.generation < served &&
                (oldest == nullptr || record.generation < oldest->generation)) {
                oldest = &record;
            }
        }
        PublicationRecord* room =
            used_publications < publication_count ? &publications()[used_publications++] : oldest;
        if (room == nullptr) {
            return nullptr;
        }
        std::memset(static_cast<void*>(room), 0, sizeof(PublicationRecord));
        room->key = key;
        return room;
    }

    /// What outlives workers, from a smaller zone. The new one isn't read yet.
    void copy_from(Memory& old, ProcessId self) noexcept {
        generation = old.generation.load();
        std::memcpy(static_cast<void*>(&refusals), &old.refusals, sizeof(refusals));
        old.lock.lock(self);
        for (Record& from : std::span(old.records(), old.used_records)) {
            if (Record* to =
                    from.subject == Subject::none ? nullptr : make(from.subject, from.key)) {
                const std::uint32_t next = to->next;
                std::memcpy(static_cast<void*>(to), &from, sizeof(from));
                to->next = next;
            }
        }
        used_publications = old.used_publications.load();
        std::memcpy(static_cast<void*>(publications()), old.publications(),
                    used_publications * sizeof(PublicationRecord));
        old.lock.unlock();
    }

    // --- slots

    /// Takes a dead worker's slot over for `by`, so that one process cleans it up.
    void bury(std::size_t i, ProcessId by) noexcept {
        ProcessId owner = slot[i];
        if (owner != 0 && is_dead(owner) && slot[i].compare_exchange_strong(owner, by)) {
            clear(i);
            slot[i] = 0;
        }
    }
};

/// NULL if it has none yet.
Zone::Memory* Zone::memory_of(const ngx_shm_zone_t* zone) noexcept {
    return zone == nullptr || zone->shm.addr == nullptr ? nullptr : contents_of<Memory>(*zone);
}

ngx_int_t Zone::declare(ngx_conf_t* cf, std::size_t records, std::size_t publications,
                        void (*bind)(void* data), void* data) {
    records_ = std::max(2 * records, fewest_records);
    publications_ = std::max(2 * publications, fewest_publications);
    if (const Memory* running = memory_of(running_zone())) {
        const bool fits = running->record_count >= records + records / 4 &&
                          running->publication_count >= publications;
        records_ = fits ? running->record_count : std::max(records_, running->record_count + 1);
        publications_ =
            fits ? running->publication_count : std::max(publications_, running->publication_count);
    }

    bind_ = bind;
    data_ = data;
    return declare_memory(cf, zone_name, Memory::size_for(records_, publications_), on_memory,
                          this);
}

ngx_int_t Zone::on_memory(ngx_shm_zone_t* zone, void*) {
    auto& self = *static_cast<Zone*>(zone->data);
    self.self_ = this_process();
    Memory* memory = memory_of(zone);
    if (memory == nullptr) {
        memory = room_for<Memory>(*zone);
        memory->record_count = self.records_;
        memory->publication_count = self.publications_;
        if (Memory* old = memory_of(running_zone())) {
            memory->copy_from(*old, self.self_);
        }
        keep_contents(*zone, memory);
    }
    self.memory_ = memory;
    self.served_ = running() == nullptr ? 0 : running()->generation_;
    self.generation_ = ++memory->generation;
    return guarded<ngx_int_t>(zone->shm.log, NGX_ERROR, [&] {
        self.bind_(self.data_);
        return NGX_OK;
    });
}

Record* Zone::find(const Key& key) noexcept {
    if (memory_ == nullptr) {
        return nullptr;
    }
    memory_->lock.lock(self_);
    Record* record = memory_->known(key.subject(), key.digest());
    if (record == nullptr) {
        record = memory_->make(key.subject(), key.digest());
    }
    if (record != nullptr && is_entered()) {
        add(*record, Gauge::references, 1);
    } else if (record != nullptr) {
        if (record->generation < served_) {
            record->drained = 0; // it was gone for a while
        }
        record->generation = generation_;
    }
    memory_->lock.unlock();

    if (record == nullptr && !std::exchange(has_logged_full_, true)) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "all %uz places in shared memory \"%s\" are taken, servers that have none "
                      "are neither checked nor counted: reload nginx, which makes room for the "
                      "addresses that there are then",
                      memory_->record_count, zone_name.data());
    }
    return record;
}

PublicationRecord* Zone::find_publication(const Key& key) noexcept {
    if (memory_ == nullptr) {
        return nullptr;
    }
    memory_->lock.lock(self_);
    PublicationRecord* record = memory_->publication(key.digest(), served_);
    if (record != nullptr) {
        record->generation = std::max(record->generation.load(), generation_);
    }
    memory_->lock.unlock();
    return record;
}

void Zone::drop(Record* record) noexcept {
    if (record != nullptr && is_entered()) {
        record->left = ngx_time();
        add(*record, Gauge::references, -1);
    }
}

NameAddresses Zone::addresses_of(const Key& name) noexcept {
    if (memory_ == nullptr) {
        return {};
    }
    memory_->lock.lock(self_);
    const Record* record = memory_->known(Subject::machine, name.digest());
    const NameAddresses addresses = record == nullptr ? NameAddresses{} : record->addresses;
    memory_->lock.unlock();
    return addresses;
}

void Zone::remember(Record& name, const NameAddresses& addresses) noexcept {
    memory_->lock.lock(self_);
    // A worker killed here leaves no half of a list.
    name.addresses.count = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    name.addresses.address = addresses.address;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    name.addresses.count = addresses.count;
    memory_->lock.unlock();
}

void Zone::add(const Record& record, Gauge which, std::int32_t by) noexcept {
    if (is_entered()) {
        memory_->part(memory_->number_of(record), which, slot_)
            .fetch_add(by, std::memory_order_seq_cst);
    }
}

std::uint32_t Zone::value(const Record& record, Gauge which) const noexcept {
    return static_cast<std::uint32_t>(std::max(0, memory_->sum(memory_->number_of(record), which)));
}

std::uint64_t Zone::value_of_machine(std::uint64_t machine, Gauge which) const noexcept {
    std::uint64_t all = 0;
    for (std::size_t i = 0; memory_ != nullptr && i < memory_->used_records; i++) {
        const Record& record = memory_->records()[i];
        all += record.machine.load(std::memory_order_relaxed) == machine ? value(record, which) : 0;
    }
    return all;
}

status::RefusalRing* Zone::refusals() const noexcept {
    return memory_ == nullptr ? nullptr : &memory_->refusals;
}

Zone* Zone::running() noexcept {
    const ngx_shm_zone_t* zone = running_zone();
    return zone == nullptr ? nullptr : static_cast<Zone*>(zone->data);
}

void Zone::enter(ngx_log_t* log) noexcept {
    if (memory_ == nullptr) {
        return;
    }
    self_ = this_process();
    repair();
    for (std::size_t i = 0; i < slots; i++) {
        ProcessId vacant = 0;
        if (memory_->slot[i].compare_exchange_strong(vacant, self_)) {
            std::size_t used = memory_->used_slots;
            while (used <= i && !memory_->used_slots.compare_exchange_weak(used, i + 1)) {
            }
            slot_ = i;
            return;
        }
    }
    memory_ = nullptr;
    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "all %uz places for workers in shared memory \"%s\" are taken, this worker "
                  "neither counts nor knows what others find: set \"worker_shutdown_timeout\", so "
                  "that workers of earlier configurations end",
                  slots, zone_name.data());
}

void Zone::leave() noexcept {
    if (!is_entered()) {
        return;
    }
    for (std::size_t i = 0; i < leases; i++) {
        release(static_cast<Lease>(i));
    }
    const std::size_t slot = std::exchange(slot_, no_slot);
    memory_->clear(slot);
    memory_->slot[slot] = 0;
}

void Zone::repair() noexcept {
    for (std::size_t i = 0; memory_ != nullptr && i < slots; i++) {
        if (i != slot_) {
            memory_->bury(i, self_);
        }
    }
}

std::size_t Zone::workers() const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; memory_ != nullptr && i < slots; i++) {
        const ProcessId owner = memory_->slot[i];
        count += owner != 0 && (i == slot_ || !is_dead(owner)) ? 1 : 0;
    }
    return count;
}

bool Zone::hold(Lease which, ngx_msec_t ttl) noexcept {
    if (memory_ == nullptr) {
        return false;
    }
    std::atomic<std::uint64_t>& lease = memory_->lease[static_cast<std::size_t>(which)];
    const std::uint64_t now = ngx_current_msec;
    std::uint64_t held = lease;
    const bool mine = held != 0 && lease_of(held >> pid_bits) == held;
    return (mine || held >> pid_bits <= now) &&
           lease.compare_exchange_strong(held, lease_of(now + ttl));
}

void Zone::release(Lease which) noexcept {
    if (memory_ != nullptr) {
        std::atomic<std::uint64_t>& lease = memory_->lease[static_cast<std::size_t>(which)];
        std::uint64_t held = lease;
        if (held != 0 && lease_of(held >> pid_bits) == held) {
            lease.compare_exchange_strong(held, 0);
        }
    }
}

} // namespace lync::nginx
