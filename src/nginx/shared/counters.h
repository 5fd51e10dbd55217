#pragma once

// What is counted for `lync_status`: requests by verdict, service and status, in the log phase;
// tries of servers, where they end; the last refusals. Nothing is counted unless some location says
// `lync_status`.
//
// The zone "lync_status" holds it (status/cells.h tells how): one entry for each publication and
// for each server of an upstream, found by its name, so that it goes on counting over a reload.
// Entries that no configuration names any more are used again when there is no free one, then those
// of addresses that DNS has taken away. If the zone has to grow, it takes over what the old one had
// counted.

#include "nginx/timer.h"
#include "status/refusals.h"
#include "status/shared_counters.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace lync::nginx {

struct MainConf;
struct Host;

/// A publication's counters; all NULL while nothing is counted.
struct Tally {
    status::PublicationCells* mine = nullptr;  ///< this process's slot
    status::PublicationCells* slots = nullptr; ///< all of them
    status::HistoryCells* history = nullptr;
};

/// The zone as one configuration and one process see it. Lives in MainConf.
class Counters {
public:
    Counters() = default;
    Counters(const Counters&) = delete;

    /// Asks nginx for the zone, at the end of parsing.
    ngx_int_t declare(ngx_conf_t* cf, MainConf& conf);

    bool counting() const noexcept { return memory_ != nullptr; }

    /// A worker begins: takes a slot, and keeps the hour's history from now on.
    void enter() noexcept;
    /// A worker ends in good order.
    void leave() noexcept;

    /// This process's counters of a server, NULL if nothing is counted or there is no room. Takes
    /// the zone's lock where the name is new: at a worker's start and when DNS brings an address.
    status::ServerCells* server(std::string_view upstream, std::string_view address) noexcept;
    /// This process sends no more requests there; what was counted stays until the room is needed.
    void leave(status::ServerCells* mine) noexcept;

    // For readers.
    void sum(const Tally& tally, status::Publication& publication) const;
    void sum(const status::ServerCells* mine, status::Server& server) const noexcept;
    std::vector<status::Refusal> refusals() const;
    std::size_t processes() const noexcept;

    void remember(const status::RefusalRing::Record& refusal) noexcept;

private:
    struct Memory; ///< the zone's contents (counters.cpp)
    struct Entry;

    static ngx_int_t on_memory(ngx_shm_zone_t* zone, void* old);
    static void on_minute(void* self);
    ngx_int_t settle(ngx_shm_zone_t* zone);
    void keep_history() noexcept;
    void bind() noexcept;

    MainConf* conf_ = nullptr;
    std::size_t publications_ = 0; ///< room asked for
    std::size_t servers_ = 0;
    std::size_t slots_ = 0;
    std::size_t slot_ = 0; ///< this process's; the shared one until it has its own
    bool told_full_ = false;
    Memory* memory_ = nullptr;
    ngx_slab_pool_t* pool_ = nullptr;
    Timer minute_{on_minute, this};
};

/// Counts a finished request, in the log phase.
void count_request(ngx_http_request_t* r, const Host& host) noexcept;

/// Counts the end of a try at a server. `failed`: as nginx counts failures.
void count_try(ngx_http_request_t* r, status::ServerCells& server, const ngx_connection_t* c,
               bool cached, bool failed) noexcept;

} // namespace lync::nginx
