#include "nginx/shared/counters.h"

#include "nginx/request/request.h"
#include "nginx/shared/shared.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <sys/types.h>

namespace lync::nginx {

namespace {

constexpr std::size_t longest_key = 494;

/// Changes with everything that lies in the zone, so that a binary upgrade never misreads it.
constexpr std::uint64_t layout = (std::uint64_t{sizeof(status::PublicationCells)} << 32) |
                                 (sizeof(status::ServerCells) << 16) | 3;

// Room for what a reload may bring: a zone that has to grow is another one, in which workers of
// before the reload don't count any more. Memory that nobody has written to costs nothing, so
// nothing is touched that isn't in use: entries and slots are taken in their order.
constexpr std::size_t fewest_publications = 64;
constexpr std::size_t fewest_servers = 1024;
constexpr ngx_int_t fewest_slots = 64;

/// More than will be there at a time in most lives: those that serve, and as many that still
/// finish requests of before a reload. The first one is shared by all that find no other.
std::size_t slots_for(const ngx_core_conf_t* core) noexcept {
    const ngx_int_t workers = std::max<ngx_int_t>(core->worker_processes, ngx_ncpu);
    return std::bit_ceil(static_cast<std::size_t>(std::max(fewest_slots, 2 * workers + 2)));
}

bool is_dead(ngx_pid_t pid) noexcept {
    return kill(pid, 0) == -1 && errno == ESRCH;
}

} // namespace

/// One publication or server, by its key; its cells follow.
struct Counters::Entry {
    std::uint64_t generation; ///< of the last configuration that named it; 0: free
    std::uint64_t used;       ///< of a server: when an address came or went last, Unix time
    std::uint16_t length;
    char key[longest_key];

    std::string_view name() const noexcept { return {key, length}; }
};

struct Counters::Memory {
    std::uint64_t layout;
    std::uint64_t slots;
    std::uint64_t publications;
    std::uint64_t servers;
    std::uint64_t generation;              ///< of the latest configuration
    std::atomic<std::uint64_t> used_slots; ///< all before this one; the others are all zeros

    status::RefusalRing refusals;

    // Behind this: a process id for each slot, then the entries of publications, then of servers.
    // Those of servers have, before their cells, for each slot the process that sends requests
    // there: DNS brings addresses and takes them away while the configuration stays the same.

    static std::size_t publication_size(std::size_t slots) noexcept {
        return sizeof(Entry) + sizeof(status::HistoryCells) +
               slots * sizeof(status::PublicationCells);
    }
    static std::size_t server_size(std::size_t slots) noexcept {
        return sizeof(Entry) +
               slots * (sizeof(status::ServerCells) + sizeof(std::atomic<ngx_pid_t>));
    }
    static std::size_t size(std::size_t slots, std::size_t publications,
                            std::size_t servers) noexcept {
        return sizeof(Memory) + slots * sizeof(std::atomic<ngx_pid_t>) + 64 +
               publications * publication_size(slots) + servers * server_size(slots);
    }

    std::atomic<ngx_pid_t>* owners() noexcept {
        return reinterpret_cast<std::atomic<ngx_pid_t>*>(this + 1);
    }
    char* entries() noexcept {
        const auto end = reinterpret_cast<std::uintptr_t>(owners() + slots);
        return reinterpret_cast<char*>((end + 63) & ~std::uintptr_t{63});
    }
    Entry& publication(std::size_t index) noexcept {
        return *reinterpret_cast<Entry*>(entries() + index * publication_size(slots));
    }
    Entry& server(std::size_t index) noexcept {
        return *reinterpret_cast<Entry*>(entries() + publications * publication_size(slots) +
                                         index * server_size(slots));
    }
    static status::HistoryCells* history(Entry& entry) noexcept {
        return reinterpret_cast<status::HistoryCells*>(&entry + 1);
    }
    static status::PublicationCells* publication_cells(Entry& entry) noexcept {
        return reinterpret_cast<status::PublicationCells*>(history(entry) + 1);
    }
    static std::atomic<ngx_pid_t>* users(Entry& entry) noexcept {
        return reinterpret_cast<std::atomic<ngx_pid_t>*>(&entry + 1);
    }
    status::ServerCells* server_cells(Entry& entry) noexcept {
        return reinterpret_cast<status::ServerCells*>(users(entry) + slots);
    }
    Entry& entry_of(status::ServerCells* cells) noexcept {
        return *(
            reinterpret_cast<Entry*>(reinterpret_cast<std::atomic<ngx_pid_t>*>(cells) - slots) - 1);
    }

    bool is_used(Entry& entry) noexcept {
        for (std::size_t i = 1; i < used_slots; i++) {
            const ngx_pid_t pid = users(entry)[i].load();
            if (pid != 0 && pid == owners()[i].load()) {
                return true;
            }
        }
        return false;
    }

    Entry* find_publication(std::string_view key) noexcept {
        for (std::size_t i = 0; i < publications && publication(i).generation != 0; i++) {
            if (publication(i).name() == key) {
                return &publication(i);
            }
        }
        return nullptr;
    }
    Entry* find_server(std::string_view key) noexcept {
        for (std::size_t i = 0; i < servers && server(i).generation != 0; i++) {
            if (server(i).name() == key) {
                return &server(i);
            }
        }
        return nullptr;
    }

    /// Makes an entry of `key` out of a free one, or of the one that has been out of use for the
    /// longest time; NULL if all are in use.
    template <typename At>
    Entry* make(std::string_view key, std::size_t count, std::size_t cells, At&& at) noexcept {
        Entry* oldest = nullptr;
        for (std::size_t i = 0; i < count; i++) {
            Entry& entry = at(i);
            if (entry.generation != generation &&
                (oldest == nullptr || entry.generation < oldest->generation)) {
                oldest = &entry;
            }
            if (entry.generation == 0) {
                break; // the first that was never used
            }
        }
        return oldest == nullptr ? nullptr : renew(*oldest, key, cells);
    }
    static Entry* renew(Entry& entry, std::string_view key, std::size_t cells) noexcept {
        if (key.size() > longest_key) {
            return nullptr;
        }
        if (entry.generation != 0) {
            std::memset(static_cast<void*>(&entry), 0, cells);
        }
        std::memcpy(entry.key, key.data(), key.size());
        entry.length = static_cast<std::uint16_t>(key.size());
        return &entry;
    }
    /// Of the addresses of this configuration that no process sends requests to any more, the one
    /// that has been left for the longest time.
    Entry* oldest_left() noexcept {
        for (std::size_t i = 1; i < used_slots; i++) {
            ngx_pid_t pid = owners()[i].load();
            if (pid != 0 && is_dead(pid)) {
                owners()[i].compare_exchange_strong(pid, 0);
            }
        }
        Entry* oldest = nullptr;
        for (std::size_t i = 0; i < servers; i++) {
            if ((oldest == nullptr || server(i).used < oldest->used) && !is_used(server(i))) {
                oldest = &server(i);
            }
        }
        return oldest;
    }
    Entry* take_publication(std::string_view key) noexcept {
        Entry* entry = find_publication(key);
        if (entry == nullptr) {
            entry = make(key, publications, publication_size(slots),
                         [this](std::size_t i) -> Entry& { return publication(i); });
        }
        if (entry != nullptr) {
            entry->generation = generation;
        }
        return entry;
    }
    Entry* take_server(std::string_view key) noexcept {
        Entry* entry = find_server(key);
        if (entry == nullptr) {
            entry = make(key, servers, server_size(slots),
                         [this](std::size_t i) -> Entry& { return server(i); });
        }
        if (Entry* left = entry == nullptr ? oldest_left() : nullptr) {
            entry = renew(*left, key, server_size(slots));
        }
        if (entry != nullptr) {
            entry->generation = generation;
            entry->used = static_cast<std::uint64_t>(ngx_time());
        }
        return entry;
    }
};

namespace {

/// "contoso_fepool.contoso.local_4443 10.0.0.11:4443"
struct ServerKey {
    ServerKey(std::string_view upstream, std::string_view address) noexcept {
        if (upstream.size() + 1 + address.size() <= sizeof(text)) {
            std::memcpy(text, upstream.data(), upstream.size());
            text[upstream.size()] = ' ';
            std::memcpy(text + upstream.size() + 1, address.data(), address.size());
            size = upstream.size() + 1 + address.size();
        }
    }
    std::string_view view() const noexcept { return {text, size}; }

    char text[longest_key];
    std::size_t size = 0;
};

/// Adds the slots of `from`, of an older zone, to one of `to`: all cells alike, so as plain
/// numbers.
void take_over(status::Cell* to, const status::Cell* from, std::size_t cells,
               std::size_t slots) noexcept {
    for (std::size_t slot = 0; slot < slots; slot++) {
        for (std::size_t i = 0; i < cells; i++) {
            status::add(to[i], status::read(from[slot * cells + i]));
        }
    }
}

std::uint64_t minute_now() noexcept {
    return static_cast<std::uint64_t>(ngx_time()) / 60;
}

} // namespace

ngx_int_t Counters::declare(ngx_conf_t* cf, MainConf& conf) {
    conf_ = &conf;
    slots_ = slots_for(
        reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module)));

    // Twice as much as there is now, so that the zone needn't grow with the next reload; a name may
    // stand for several addresses.
    std::size_t lines = 0;
    for (const auto& publication : conf.publications) {
        for (const Group& group : publication->groups) {
            for (const Line& line : group.servers.lines()) {
                lines += std::max<std::size_t>(1, line.endpoints.size());
            }
        }
    }
    publications_ = std::bit_ceil(std::max(fewest_publications, 2 * conf.publications.size()));
    servers_ = std::bit_ceil(std::max(fewest_servers, 2 * lines + 16));

    ngx_str_t name = ngx_string("lync_status");
    if (const ngx_shm_zone_t* running = running_zone(view(name))) {
        // One that is large enough stays as it is.
        const auto* pool = reinterpret_cast<ngx_slab_pool_t*>(running->shm.addr);
        const auto* memory = pool == nullptr ? nullptr : static_cast<Memory*>(pool->data);
        if (memory != nullptr && memory->layout == layout && memory->slots == slots_) {
            publications_ = std::max<std::size_t>(publications_, memory->publications);
            servers_ = std::max<std::size_t>(servers_, memory->servers);
        }
    }

    // What nginx's slab allocator notes for each page, and its own head.
    const std::size_t wanted = Memory::size(slots_, publications_, servers_);
    const std::size_t pages = wanted / ngx_pagesize + 1;
    const std::size_t size =
        (pages + 8) * ngx_pagesize +
        ngx_align((pages + 8) * sizeof(ngx_slab_page_t) + ngx_pagesize, ngx_pagesize);

    ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &name, size, &ngx_lync_module);
    if (zone == nullptr) {
        return NGX_ERROR;
    }
    zone->init = on_memory;
    zone->data = this;
    return NGX_OK;
}

ngx_int_t Counters::on_memory(ngx_shm_zone_t* zone, void*) {
    return static_cast<Counters*>(zone->data)->settle(zone);
}

/// In the master, with the zone's memory there: the same as before, or new.
ngx_int_t Counters::settle(ngx_shm_zone_t* zone) {
    pool_ = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
    auto* memory = static_cast<Memory*>(pool_->data);

    if (memory == nullptr) {
        const std::size_t size = Memory::size(slots_, publications_, servers_);
        memory = static_cast<Memory*>(ngx_slab_alloc(pool_, size));
        if (memory == nullptr) {
            return NGX_ERROR;
        }
#if (NGX_DEBUG_MALLOC)
        ngx_memzero(memory, size); // it is, in a zone that is new, where nginx doesn't spoil it
#endif
        memory->used_slots = 1;
        memory->layout = layout;
        memory->slots = slots_;
        memory->publications = publications_;
        memory->servers = servers_;

        const ngx_shm_zone_t* before = running_zone(view(zone->shm.name));
        auto* old =
            before == nullptr || before->shm.addr == nullptr
                ? nullptr
                : static_cast<Memory*>(reinterpret_cast<ngx_slab_pool_t*>(before->shm.addr)->data);
        if (old != nullptr && old->layout == layout) {
            memory->generation = old->generation;
            for (std::size_t i = 0; i < old->publications && old->publication(i).generation != 0;
                 i++) {
                Entry& from = old->publication(i);
                Entry* to = from.generation == old->generation
                                ? memory->take_publication(from.name())
                                : nullptr;
                if (to != nullptr) {
                    std::memcpy(static_cast<void*>(Memory::history(*to)), Memory::history(from),
                                sizeof(status::HistoryCells));
                    take_over(reinterpret_cast<status::Cell*>(Memory::publication_cells(*to)),
                              reinterpret_cast<status::Cell*>(Memory::publication_cells(from)),
                              sizeof(status::PublicationCells) / sizeof(status::Cell),
                              old->used_slots);
                }
            }
            for (std::size_t i = 0; i < old->servers && old->server(i).generation != 0; i++) {
                Entry& from = old->server(i);
                Entry* to =
                    from.generation == old->generation ? memory->take_server(from.name()) : nullptr;
                if (to != nullptr) {
                    take_over(reinterpret_cast<status::Cell*>(memory->server_cells(*to)),
                              reinterpret_cast<status::Cell*>(old->server_cells(from)),
                              sizeof(status::ServerCells) / sizeof(status::Cell), old->used_slots);
                }
            }
            std::memcpy(static_cast<void*>(&memory->refusals), &old->refusals,
                        sizeof(status::RefusalRing));
        }
        pool_->data = memory;
    }

    // What this configuration names is kept; the rest may be used again.
    memory->generation++;
    memory_ = memory;
    slots_ = memory->slots;
    for (const auto& publication : conf_->publications) {
        (void)memory->take_publication(publication->plan.publication.name);
    }
    bind();
    return NGX_OK;
}

/// Points the publications to their cells, of the slot that this process has.
void Counters::bind() noexcept {
    for (const auto& publication : conf_->publications) {
        Entry* entry = memory_->find_publication(publication->plan.publication.name);
        if (entry != nullptr) {
            Tally& tally = publication->tally;
            tally.slots = Memory::publication_cells(*entry);
            tally.history = Memory::history(*entry);
            tally.mine = tally.slots + slot_;
        }
    }
}

void Counters::enter() noexcept {
    if (memory_ == nullptr) {
        return;
    }
    for (std::size_t i = 1; i < slots_ && slot_ == 0; i++) {
        std::atomic<ngx_pid_t>& owner = memory_->owners()[i];
        ngx_pid_t pid = owner.load();
        if (pid == ngx_pid ||
            ((pid == 0 || is_dead(pid)) && owner.compare_exchange_strong(pid, ngx_pid))) {
            slot_ = i;
        }
    }
    std::uint64_t used = memory_->used_slots;
    while (used <= slot_ && !memory_->used_slots.compare_exchange_weak(used, slot_ + 1)) {
    }
    bind();

    keep_history();
}

/// What still ends in this process is counted in the same slot, whoever has it next.
void Counters::leave() noexcept {
    minute_.cancel();
    if (memory_ != nullptr && slot_ != 0) {
        memory_->owners()[slot_].store(0);
    }
}

void Counters::on_minute(void* self) {
    static_cast<Counters*>(self)->keep_history();
}

/// Writes down the minute that has ended, if nobody has yet, and comes back after the next.
void Counters::keep_history() noexcept {
    const std::uint64_t ended = minute_now() - 1;
    for (const auto& publication : conf_->publications) {
        const Tally& tally = publication->tally;
        if (tally.history == nullptr || !tally.history->claim(ended)) {
            continue;
        }
        std::uint64_t requests[status::service_count] = {};
        std::uint64_t errors[status::service_count] = {};
        for (std::size_t slot = 0; slot < memory_->used_slots; slot++) {
            for (std::size_t i = 0; i < status::service_count; i++) {
                requests[i] += tally.slots[slot].services[i].requests();
                errors[i] += tally.slots[slot].services[i].errors();
            }
        }
        tally.history->write(ended, requests, errors);
    }
    if (!ngx_exiting) {
        const ngx_time_t* now = ngx_timeofday();
        const auto into = static_cast<ngx_msec_t>((now->sec % 60) * 1000) + now->msec;
        minute_.set(60000 - into + 10, ngx_cycle->log);
    }
}

status::ServerCells* Counters::server(std::string_view upstream,
                                      std::string_view address) noexcept {
    if (memory_ == nullptr) {
        return nullptr;
    }
    const ServerKey key(upstream, address);
    if (key.size == 0) {
        return nullptr;
    }
    ngx_shmtx_lock(&pool_->mutex);
    Entry* entry = memory_->take_server(key.view());
    if (entry != nullptr && slot_ != 0) {
        memory_->users(*entry)[slot_].store(ngx_pid);
    }
    ngx_shmtx_unlock(&pool_->mutex);
    if (entry == nullptr) {
        if (!told_full_) {
            told_full_ = true;
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "all %uz places for servers in shared memory \"lync_status\" are taken, "
                          "requests to %*s aren't counted: reload nginx, which makes room for the "
                          "addresses that there are then",
                          static_cast<std::size_t>(memory_->servers), address.size(),
                          address.data());
        }
        return nullptr;
    }
    return memory_->server_cells(*entry) + slot_;
}

void Counters::leave(status::ServerCells* mine) noexcept {
    if (memory_ == nullptr || mine == nullptr || slot_ == 0) {
        return;
    }
    Entry& entry = memory_->entry_of(mine - slot_);
    ngx_shmtx_lock(&pool_->mutex);
    entry.used = static_cast<std::uint64_t>(ngx_time());
    memory_->users(entry)[slot_].store(0);
    ngx_shmtx_unlock(&pool_->mutex);
}

void Counters::sum(const Tally& tally, status::Publication& publication) const {
    if (tally.slots == nullptr) {
        return;
    }
    status::Service services[status::service_count];
    for (std::size_t slot = 0; slot < memory_->used_slots; slot++) {
        const status::PublicationCells& cells = tally.slots[slot];
        for (std::size_t i = 0; i < status::verdict_count; i++) {
            publication.verdicts[i] += status::read(cells.verdicts[i]);
        }
        for (std::size_t i = 0; i < status::reason_count; i++) {
            publication.refusals[i] += status::read(cells.refusals[i]);
        }
        for (std::size_t i = 0; i < status::service_count; i++) {
            cells.services[i].add_to(services[i]);
        }
    }

    const std::vector<policy::Service>& expected = publication.published->services;
    for (std::size_t i = 0; i < status::service_count; i++) {
        services[i].service = static_cast<policy::Service>(i);
        const std::uint64_t requests = services[i].requests();
        if (requests != 0 ||
            std::binary_search(expected.begin(), expected.end(), services[i].service)) {
            services[i].history =
                tally.history->history(i, minute_now(), requests, services[i].errors());
            publication.services.push_back(services[i]);
        }
    }
}

/// `mine` is this process's slot, as `server` gave it.
void Counters::sum(const status::ServerCells* mine, status::Server& server) const noexcept {
    for (std::size_t slot = 0; mine != nullptr && slot < memory_->used_slots; slot++) {
        (mine - slot_ + slot)->add_to(server);
    }
}

std::vector<status::Refusal> Counters::refusals() const {
    return memory_ == nullptr ? std::vector<status::Refusal>() : memory_->refusals.read();
}

void Counters::remember(const status::RefusalRing::Record& refusal) noexcept {
    if (memory_ != nullptr) {
        memory_->refusals.write(refusal);
    }
}

std::size_t Counters::processes() const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 1; memory_ != nullptr && i < slots_; i++) {
        const ngx_pid_t pid = memory_->owners()[i].load();
        count += pid != 0 && !is_dead(pid);
    }
    return count;
}

} // namespace lync::nginx
