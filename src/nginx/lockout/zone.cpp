#include "nginx/lockout/zone.h"

#include "config/publication.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace lync::nginx {

using accounts::Admission;
using accounts::Attempts;
using accounts::Limits;
using accounts::Source;

namespace {

constexpr std::size_t account_rows = 4096;
constexpr std::size_t source_rows = 1024;
constexpr std::size_t locks = 64;
constexpr std::size_t proven_paths = 1024;
constexpr std::size_t known_answers = 64;
constexpr auto relaxed = std::memory_order_relaxed;

static_assert(config::Lockout::most_failures <= accounts::most_failures &&
              config::Lockout::most_source_accounts <= accounts::most_source_accounts);

} // namespace

/// Zeroed memory is a zone in which nobody has tried anything.
struct LockoutZone::Memory {
    std::array<unsigned char, 32> key;
    std::array<OwnedLock, locks> lock;
    std::array<std::atomic<std::uint64_t>, proven_paths> proven;
    std::array<std::atomic<std::uint32_t>, ways> slowest; ///< accounts::Pace
    std::atomic<std::uint64_t> failures;
    std::atomic<std::uint64_t> answered;
    std::array<WrongPassword, known_answers> answer;
    accounts::Table<Source, source_rows> sources;
    accounts::Table<Attempts, account_rows> accounts;
};

ngx_int_t LockoutZone::declare(ngx_conf_t* cf) noexcept {
    ngx_str_t name = ngx_string("lync_lockout");
    constexpr std::size_t contents = sizeof(Memory) + alignof(Memory);
    // The slab pool's head grows with the pages it describes.
    ngx_shm_zone_t* zone = ngx_shared_memory_add(
        cf, &name, ngx_align(contents + contents / 64 + 64 * 1024, ngx_pagesize), &ngx_lync_module);
    if (zone == nullptr) {
        return NGX_ERROR;
    }
    zone->data = this;
    zone->init = on_memory;
    return NGX_OK;
}

ngx_int_t LockoutZone::on_memory(ngx_shm_zone_t* zone, void*) noexcept {
    auto& self = *static_cast<LockoutZone*>(zone->data);
    auto* pool = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
    self.memory_ = reinterpret_cast<Memory*>(ngx_align_ptr(pool->start, alignof(Memory)));
    self.enter();
    if (pool->data == nullptr) {
#if (NGX_DEBUG_MALLOC)
        ngx_memzero(pool->start, static_cast<std::size_t>(pool->end - pool->start));
#endif
        if (RAND_bytes(self.memory_->key.data(), self.memory_->key.size()) != 1) {
            ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                          "no random key for \"lockout\": RAND_bytes() failed");
            return NGX_ERROR;
        }
        pool->data = self.memory_;
    }
    return NGX_OK;
}

std::uint64_t LockoutZone::tag(char kind, std::string_view first,
                               std::string_view second) const noexcept {
    ngx_sha1_t sha1;
    std::array<unsigned char, 20> digest;
    const std::uint64_t size = first.size();
    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, memory_->key.data(), memory_->key.size());
    ngx_sha1_update(&sha1, &kind, 1);
    ngx_sha1_update(&sha1, &size, sizeof(size));
    ngx_sha1_update(&sha1, first.data(), first.size());
    ngx_sha1_update(&sha1, second.data(), second.size());
    ngx_sha1_final(digest.data(), &sha1);
    std::uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof(number));
    return number == 0 ? 1 : number;
}

std::uint64_t LockoutZone::tag_of_account(std::string_view account) const noexcept {
    return tag('a', account, {});
}

std::uint64_t
LockoutZone::tag_of_source(const std::array<unsigned char, 16>& address) const noexcept {
    return tag('s', {reinterpret_cast<const char*>(address.data()), address.size()}, {});
}

std::uint64_t LockoutZone::tag_of_path(std::string_view host,
                                       std::string_view path) const noexcept {
    return tag('p', host, path);
}

template <typename Function>
auto LockoutZone::locked(std::uint64_t tag, Function&& function) const noexcept {
    static_assert(account_rows % locks == 0 && source_rows % locks == 0);
    OwnedLock& lock = memory_->lock[tag % locks];
    lock.lock(self_);
    const auto result = function();
    lock.unlock();
    return result;
}

Admission LockoutZone::admit(std::uint64_t account, std::uint64_t source, const Limits& limits,
                             std::uint64_t now) noexcept {
    const auto of_source = source == 0 ? Admission::pass : locked(source, [&] {
        Source* known = memory_->sources.make(source, now);
        return known == nullptr ? Admission::pass : known->admit(limits, now);
    });
    if (of_source != Admission::pass) {
        return of_source;
    }
    const auto of_account = locked(account, [&] {
        Attempts* attempts = memory_->accounts.make(account, now);
        return attempts == nullptr ? Admission::uncounted : attempts->admit(limits, now);
    });
    if (of_account != Admission::pass) {
        end_of_source(source, now + limits.patience);
    }
    return of_account;
}

void LockoutZone::end_of_source(std::uint64_t source, std::uint64_t until) noexcept {
    if (source == 0) {
        return;
    }
    locked(source, [&] {
        if (Source* known = memory_->sources.find(source)) {
            known->flights.end(until);
        }
        return true;
    });
}

LockoutZone::Failed LockoutZone::fail(std::uint64_t account, std::uint64_t source,
                                      const std::array<unsigned char, 16>& address,
                                      const Limits& limits, std::uint64_t until,
                                      std::uint64_t now) noexcept {
    memory_->failures.fetch_add(1, relaxed);
    Failed failed{};
    failed.holds_account = locked(account, [&] {
        Attempts* attempts = memory_->accounts.make(account, now);
        if (attempts == nullptr) {
            return false;
        }
        attempts->flights.end(until);
        return attempts->fail(limits, now);
    });
    failed.holds_source = source != 0 && locked(source, [&] {
                              Source* known = memory_->sources.make(source, now);
                              if (known == nullptr) {
                                  return false;
                              }
                              known->address = address;
                              known->flights.end(until);
                              return known->fail(account, limits, now);
                          });
    return failed;
}

void LockoutZone::succeed(std::uint64_t account, std::uint64_t source, std::uint64_t until,
                          std::uint64_t now) noexcept {
    locked(account, [&] {
        if (Attempts* attempts = memory_->accounts.find(account)) {
            attempts->flights.end(until);
            if (!attempts->is_held(now)) { // what was on its way before the hold doesn't end it
                attempts->clear();
            }
        }
        return true;
    });
    if (source != 0) {
        locked(source, [&] {
            if (Source* known = memory_->sources.find(source)) {
                known->flights.end(until);
                known->clear(account);
            }
            return true;
        });
    }
}

void LockoutZone::end(std::uint64_t account, std::uint64_t source, std::uint64_t until) noexcept {
    end_of_source(source, until);
    locked(account, [&] {
        if (Attempts* attempts = memory_->accounts.find(account)) {
            attempts->flights.end(until);
        }
        return true;
    });
}

void LockoutZone::count_answered() noexcept {
    memory_->answered.fetch_add(1, relaxed);
}

void LockoutZone::prove(std::uint64_t path) noexcept {
    memory_->proven[path % proven_paths].store(path, relaxed);
}

bool LockoutZone::is_proven(std::uint64_t path) const noexcept {
    return memory_->proven[path % proven_paths].load(relaxed) == path;
}

std::uint32_t LockoutZone::answer_after(Way way) const noexcept {
    return accounts::Pace{memory_->slowest[static_cast<std::size_t>(way)].load(relaxed)}
        .answer_after();
}

void LockoutZone::learn(Way way, std::uint64_t took) noexcept {
    auto& slowest = memory_->slowest[static_cast<std::size_t>(way)];
    accounts::Pace pace{slowest.load(relaxed)};
    pace.learn(took);
    slowest.store(pace.slowest, relaxed);
}

void LockoutZone::remember(const WrongPassword& answer) noexcept {
    locked(answer.key, [&] {
        WrongPassword& known = memory_->answer[answer.key % known_answers];
        known.key = 0;
        known = answer;
        return true;
    });
}

bool LockoutZone::recall(std::uint64_t key, WrongPassword& answer) noexcept {
    return locked(key, [&] {
        const WrongPassword& known = memory_->answer[key % known_answers];
        if (known.key != key) {
            return false;
        }
        answer = known;
        return true;
    });
}

template <typename Function>
void LockoutZone::each_held(std::uint64_t now, Function&& function) const noexcept {
    const auto walk = [&](auto& table, bool is_source) {
        for (auto& row : table.record) {
            const std::uint64_t number = static_cast<std::uint64_t>(&row - table.record.data());
            if (std::ranges::any_of(row, [now](const auto& r) { return r.is_held(now); })) {
                locked(number, [&] {
                    for (auto& record : row) {
                        if (record.is_held(now)) {
                            function(record, is_source);
                        }
                    }
                    return true;
                });
            }
        }
    };
    walk(memory_->accounts, false);
    walk(memory_->sources, true);
}

status::LockoutCounts LockoutZone::counts(std::uint64_t now) const noexcept {
    status::LockoutCounts counts{0, 0, memory_->failures.load(relaxed),
                                 memory_->answered.load(relaxed)};
    each_held(now, [&](const auto&, bool is_source) {
        (is_source ? counts.sources : counts.accounts)++;
    });
    return counts;
}

std::size_t LockoutZone::list(HeldOne* out, std::size_t room, std::uint64_t now) const noexcept {
    std::size_t count = 0;
    each_held(now, [&](const auto& record, bool is_source) {
        if (count < room) {
            out[count] = {is_source, record.tag, {}, record.held - now};
            if constexpr (requires { record.address; }) {
                out[count].address = record.address;
            }
        }
        count++;
    });
    return count;
}

bool LockoutZone::release_account(std::uint64_t tag, std::uint64_t now) noexcept {
    return locked(tag, [&] {
        Attempts* attempts = memory_->accounts.find(tag);
        const bool held = attempts != nullptr && attempts->is_held(now);
        if (attempts != nullptr) {
            attempts->clear();
        }
        return held;
    });
}

bool LockoutZone::release_source(std::uint64_t tag, std::uint64_t now) noexcept {
    return locked(tag, [&] {
        Source* source = memory_->sources.find(tag);
        const bool held = source != nullptr && source->is_held(now);
        if (source != nullptr) {
            source->held = 0;
            source->count = 0;
        }
        return held;
    });
}

std::size_t LockoutZone::release_all(std::uint64_t now) noexcept {
    std::size_t count = 0;
    each_held(now, [&](auto& record, bool) {
        record.held = 0;
        if constexpr (requires { record.failures; }) {
            record.failures = 0;
        } else {
            record.count = 0;
        }
        count++;
    });
    return count;
}

} // namespace lync::nginx
