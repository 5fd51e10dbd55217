#include "nginx/lockout/zone.h"

#include "config/publication.h"
#include "nginx/shared/memory.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace lync::nginx {

using accounts::Admission;
using accounts::Attempts;
using accounts::Source;

namespace {

constexpr std::size_t account_rows = 4096;
constexpr std::size_t source_rows = 1024;
constexpr std::size_t locks = 64;
constexpr std::size_t proven_paths = 1024;
constexpr std::size_t known_answers = 64;
constexpr auto relaxed = std::memory_order_relaxed;

} // namespace

/// Zeroed memory is a zone without any attempt.
struct LockoutZone::Memory {
    HashKey key;
    StoreState store;
    std::array<OwnedLock, locks> lock;
    std::array<std::atomic<std::uint64_t>, proven_paths> proven;
    std::array<std::atomic<std::uint32_t>, ways> slowest; ///< accounts::Pace
    std::atomic<std::uint64_t> failures;
    std::atomic<std::uint64_t> answered;
    std::array<WrongPassword, known_answers> answer;
    accounts::Table<Source, source_rows> sources;
    accounts::Table<Attempts, account_rows> accounts;
};

ngx_int_t LockoutZone::declare(ngx_conf_t* cf, const HashKey* key) noexcept {
    if (key != nullptr) {
        key_ = *key;
    }
    return declare_memory(cf, "lync_lockout", sizeof(Memory) + alignof(Memory), on_memory, this);
}

ngx_int_t LockoutZone::on_memory(ngx_shm_zone_t* zone, void*) noexcept {
    auto& self = *static_cast<LockoutZone*>(zone->data);
    self.memory_ = contents_of<Memory>(*zone);
    self.enter();
    if (self.memory_ == nullptr) {
        self.memory_ = room_for<Memory>(*zone);
        if (RAND_bytes(self.memory_->key.data(), self.memory_->key.size()) != 1) {
            ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                          "no random key for \"lockout\": RAND_bytes() failed");
            return NGX_ERROR;
        }
        keep_contents(*zone, self.memory_);
    }
    if (std::uint64_t unknown = 0; self.key_) { // until the store has answered
        const std::uint64_t wall = static_cast<std::uint64_t>(ngx_time()) * 1000;
        self.memory_->store.clock.compare_exchange_strong(unknown, wall - ngx_current_msec);
    }
    return NGX_OK;
}

std::uint64_t LockoutZone::tag(std::initializer_list<std::string_view> words) const noexcept {
    ngx_sha1_t sha1;
    std::array<unsigned char, 20> digest;
    ngx_sha1_init(&sha1);
    const HashKey& key = key_ ? *key_ : memory_->key;
    ngx_sha1_update(&sha1, key.data(), key.size());
    for (const std::string_view word : words) {
        const std::uint64_t size = word.size();
        ngx_sha1_update(&sha1, &size, sizeof(size));
        ngx_sha1_update(&sha1, word.data(), word.size());
    }
    ngx_sha1_final(digest.data(), &sha1);
    std::uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof(number));
    return number == 0 ? 1 : number;
}

std::uint64_t LockoutZone::tag_of_account(std::string_view account) const noexcept {
    return tag({"a", account});
}

std::uint64_t
LockoutZone::tag_of_source(const std::array<unsigned char, 16>& address) const noexcept {
    return tag({"s", {reinterpret_cast<const char*>(address.data()), address.size()}});
}

std::uint64_t LockoutZone::tag_of_answer(std::string_view host, std::string_view path,
                                         std::string_view method,
                                         std::string_view way) const noexcept {
    return tag({"p", host, path, method, way});
}

std::uint64_t LockoutZone::clock() const noexcept {
    return ngx_current_msec + memory_->store.clock.load(relaxed);
}

StoreState& LockoutZone::store() const noexcept {
    return memory_->store;
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

template <typename Function>
bool LockoutZone::with(bool is_source, std::uint64_t tag, Function&& function) const noexcept {
    const auto look = [&](auto& table) {
        return locked(tag, [&] {
            auto* record = table.find(tag);
            return record != nullptr && function(*record);
        });
    };
    return is_source ? look(memory_->sources) : look(memory_->accounts);
}

Admission LockoutZone::admit(const Counted& attempt) noexcept {
    const auto of_source = attempt.source == 0 ? Admission::pass : locked(attempt.source, [&] {
        Source* known = memory_->sources.make(attempt.source, attempt.admitted);
        return known == nullptr ? Admission::pass : known->admit(attempt.limits, attempt.admitted);
    });
    if (of_source != Admission::pass) {
        return of_source;
    }
    const auto of_account = locked(attempt.account, [&] {
        Attempts* known = memory_->accounts.make(attempt.account, attempt.admitted);
        return known == nullptr ? Admission::full : known->admit(attempt.limits, attempt.admitted);
    });
    if (of_account != Admission::pass) {
        end_flight(true, attempt.source, attempt.until());
    }
    return of_account;
}

void LockoutZone::end_flight(bool is_source, std::uint64_t tag, std::uint64_t until) noexcept {
    with(is_source, tag, [until](auto& record) {
        record.flights.end(until);
        return true;
    });
}

LockoutZone::Failed LockoutZone::fail(const Counted& attempt) noexcept {
    memory_->failures.fetch_add(1, relaxed);
    const std::uint64_t now = clock();
    Failed failed{};
    failed.holds_account = locked(attempt.account, [&] {
        Attempts* known = memory_->accounts.make(attempt.account, now);
        if (known == nullptr) {
            return false;
        }
        known->flights.end(attempt.until());
        return known->fail(attempt.limits, now, static_cast<std::uint16_t>(ngx_random()));
    });
    failed.holds_source = attempt.source != 0 && locked(attempt.source, [&] {
                              Source* known = memory_->sources.make(attempt.source, now);
                              if (known == nullptr) {
                                  return false;
                              }
                              known->address = attempt.address;
                              known->flights.end(attempt.until());
                              return known->fail(attempt.account, attempt.limits, now);
                          });
    return failed;
}

bool LockoutZone::succeed(const Counted& attempt) noexcept {
    end(attempt);
    locked(attempt.account, [&] {
        Attempts* known = memory_->accounts.find(attempt.account);
        if (known != nullptr) { // what was sent before a hold doesn't end it
            known->clear(attempt.admitted - 1, clock());
        }
        return true;
    });
    return locked(attempt.source, [&] {
        Source* known = memory_->sources.find(attempt.source);
        return known != nullptr && known->clear(attempt.account);
    });
}

void LockoutZone::end(const Counted& attempt) noexcept {
    end_flight(true, attempt.source, attempt.until());
    end_flight(false, attempt.account, attempt.until());
}

void LockoutZone::count_answered() noexcept {
    memory_->answered.fetch_add(1, relaxed);
}

void LockoutZone::prove(std::uint64_t answer) noexcept {
    memory_->proven[answer % proven_paths].store(answer, relaxed);
}

bool LockoutZone::is_proven(std::uint64_t answer) const noexcept {
    return memory_->proven[answer % proven_paths].load(relaxed) == answer;
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
void LockoutZone::each_held(Function&& function) const noexcept {
    const std::uint64_t now = clock();
    const auto walk = [&](auto& table, bool is_source) {
        for (auto& row : table.record) {
            const std::uint64_t number = static_cast<std::uint64_t>(&row - table.record.data());
            if (std::ranges::any_of(row, [now](const auto& r) { return r.is_held(now); })) {
                locked(number, [&] {
                    for (auto& record : row) {
                        if (record.is_held(now)) {
                            function(record, is_source, now);
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

status::LockoutCounts LockoutZone::counts() const noexcept {
    status::LockoutCounts counts{0, 0, memory_->failures.load(relaxed),
                                 memory_->answered.load(relaxed), std::nullopt};
    each_held([&](const auto&, bool is_source, std::uint64_t) {
        (is_source ? counts.sources : counts.accounts)++;
    });
    return counts;
}

std::size_t LockoutZone::list(status::HeldOne* out, std::size_t room) const noexcept {
    std::size_t count = 0;
    each_held([&](const auto& record, bool is_source, std::uint64_t now) {
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

bool LockoutZone::release(bool is_source, std::uint64_t tag) noexcept {
    return with(is_source, tag, [now = clock()](auto& record) {
        const bool held = record.is_held(now);
        record.release(now);
        return held;
    });
}

std::size_t LockoutZone::release_all() noexcept {
    std::size_t count = 0;
    each_held([&](auto& record, bool, std::uint64_t now) {
        record.release(now);
        count++;
    });
    return count;
}

// --- for the store

void LockoutZone::fill(accounts::Report& report) const noexcept {
    with(report.is_source, report.tag, [&report](auto& record) {
        record.fill(report);
        return true;
    });
}

bool LockoutZone::next_report(std::size_t& place, accounts::Report& report) const noexcept {
    constexpr std::size_t ways = decltype(memory_->accounts)::ways;
    for (; place < (account_rows + source_rows) * ways; place++) {
        const std::size_t row = place / ways;
        report = {};
        report.is_source = row >= account_rows;
        report.tag = report.is_source
                         ? memory_->sources.record[row - account_rows][place % ways].tag
                         : memory_->accounts.record[row][place % ways].tag;
        if (report.tag == 0) {
            continue;
        }
        fill(report);
        if (report.count != 0 || report.cleared != 0) {
            place++;
            return true;
        }
    }
    return false;
}

bool LockoutZone::merge(const accounts::Report& report) noexcept {
    const std::uint64_t now = clock();
    return locked(report.tag, [&] {
        const auto merge = [&](auto& table) {
            // Where nothing is known, nothing has to be made for what has gone.
            auto* record = report.count == 0 ? table.find(report.tag) : table.make(report.tag, now);
            return record != nullptr && record->merge(report, now);
        };
        return report.is_source ? merge(memory_->sources) : merge(memory_->accounts);
    });
}

} // namespace lync::nginx
