#pragma once

// lockout_store: what several proxies know of failed sign-ins, in a Redis.
//
// A proxy still decides by its zone. Each worker has a connection, and asks before an attempt is
// sent whether as many as may fail are on their way at all proxies together; each change of a
// record is sent, and the answer is what all proxies know of it, which is merged into
// the zone (accounts/lockout.h: why nothing is counted twice). Each worker asks each second what
// else has changed. While the store is away a proxy counts alone; when it is back all records are
// sent again, so that it makes no difference whether it has kept its own.
//
// In the store nothing is kept longer than it counts. It knows hashes of accounts, by a key that it
// doesn't have, and addresses of sources.

#include "nginx/lockout/redis.h"
#include "nginx/lockout/zone.h"

#include <memory>
#include <string>

namespace lync::config {
struct LockoutStore;
}

namespace lync::nginx {

struct Attempt;
class Zone;

/// Of the configuration.
struct StoreSettings {
    Redis::Server server;
    LockoutZone::HashKey key; ///< of accounts
    std::string prefix;       ///< of all keys: those of one hash key belong together
    std::string index;        ///< the key of what has changed
    std::string exchange;     ///< SHA-1 of the scripts
    std::string changes;
    accounts::Limits longest{}; ///< of all publications
    std::uint64_t loaded;       ///< when, msec: two configurations differ by it

    StoreSettings(ngx_conf_t* cf, const config::LockoutStore& declared);
    StoreSettings(const StoreSettings&) = delete;

private:
    void greet(const config::LockoutStore& declared, const std::string& password);
};

/// Of a worker.
class Store final : Redis::Owner {
public:
    Store(const StoreSettings& settings, LockoutZone& zone, Zone& leases);

    void start() noexcept;
    void stop() noexcept;

    bool is_there() const noexcept { return redis_.is_there(); }
    /// Asks whether an attempt may be sent, which then is answered in Attempt::granted and woken.
    /// False: too many are asked about already.
    bool reserve(Attempt& attempt) noexcept;
    void forget(const Attempt& attempt) noexcept;

    /// Something has happened to an account or a source here. `gone`: the account's attempt that is
    /// over, or the source's account that has signed in; 0: none.
    void report(bool is_source, std::uint64_t tag, const accounts::Limits& limits,
                std::uint64_t gone) noexcept;

private:
    void on_there() noexcept override;
    void on_away(std::string_view why, std::string_view more) noexcept override;
    void on_answer(const Redis::Question& question, const Reply* reply) noexcept override;
    void on_tick() noexcept;
    bool exchange(const accounts::Report& report, const accounts::Limits& limits,
                  std::uint64_t begins, std::uint64_t gone, void* asker) noexcept;
    void log_there() noexcept;
    void report_all() noexcept;
    void ask_changes() noexcept;
    void take_changes(const Reply& reply, ngx_msec_t asked) noexcept;
    void set_clock(std::uint64_t there, ngx_msec_t asked) noexcept;

    const StoreSettings& settings_;
    LockoutZone& zone_;
    Zone& leases_;
    Redis redis_;
    Timer tick_{this, calls<&Store::on_tick>};
    bool reads_ = false;         ///< changes have been asked for
    bool reporting_all_ = false; ///< all records are being sent,
    std::size_t place_ = 0;      ///< from here on,
    std::uint64_t round_ = 0;    ///< which will be StoreState::done
};

} // namespace lync::nginx
