#pragma once

// What all workers know of failed sign-ins, and what outlives reloads: one zone of memory,
// "lync_lockout", of a size that nothing changes. There is one if a publication says `lockout on`.
//
// Accounts are found by a keyed hash, whose key is made at random with the zone and is nowhere
// else, or is that of `lockout_store`: the zone contains no name. No password and nothing made of
// one is kept.
//
// Records have the clock of the store, which is this machine's plus what they differ by; without a
// store it is this machine's alone.
//
// A row of a table has a lock that knows its holder (shared/process_id.h). What it guards makes
// sense after each store, and attempts on their way end by themselves, so a worker may be killed
// anywhere.

#include "accounts/lockout.h"
#include "nginx/shared/process_id.h"
#include "status/snapshot.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace lync::nginx {

/// What all workers know of the store.
struct StoreState {
    std::atomic<std::uint64_t> clock;    ///< of the store, less this machine's
    std::atomic<std::uint64_t> set_back; ///< when its clock last was, by this machine's; 0: never
    std::atomic<std::uint64_t> read;     ///< up to which of its changes all is known here
    std::atomic<std::uint64_t> wanted;   ///< how often all records had to be sent again,
    std::atomic<std::uint64_t> done;     ///< and up to which of those it was done
    std::atomic<std::uint64_t> logged; ///< StoreSettings::loaded of who has logged that it is away
    std::atomic<std::int64_t> since;   ///< Unix time of the last answer; if negative, away since
};

/// How a request names the account: the answer and its timing depend on it.
enum class Way : std::uint8_t {
    header, ///< NTLM, Negotiate, Basic
    token,  ///< the form of /webticket/oauthtoken
    soap,   ///< UsernameToken
    page,   ///< forms of dial-in, scheduler, OWA
};
inline constexpr std::size_t ways = 4;

/// How a server has answered a wrong password, as far as it says nothing about who asked.
struct WrongPassword {
    std::uint64_t key; ///< LockoutZone::tag_of_answer; 0: nothing is known
    std::uint32_t status;
    std::uint16_t type_size;
    std::uint16_t headers_size;
    std::uint32_t body_size;
    std::array<char, 128> type;     ///< Content-Type
    std::array<char, 1024> headers; ///< "name\0value\0" ...
    std::array<char, 4096> body;
};

/// An attempt to sign in, as it is counted.
struct Counted {
    std::uint64_t account;
    std::uint64_t source; ///< 0: none that could be held
    std::array<unsigned char, 16> address;
    accounts::Limits limits; ///< its publication's, with its own patience
    std::uint64_t admitted;  ///< by LockoutZone::clock, which may be corrected meanwhile

    std::uint64_t until() const noexcept { return admitted + limits.patience; }
};

class LockoutZone {
public:
    using HashKey = std::array<unsigned char, 32>;

    /// Asks nginx for the zone, at the end of parsing. `key`: of a store; NULL: by chance.
    ngx_int_t declare(ngx_conf_t* cf, const HashKey* key) noexcept;
    /// In each worker.
    void enter() noexcept { self_ = this_process(); }
    /// Whether a publication has `lockout on`.
    bool is_there() const noexcept { return memory_ != nullptr; }

    /// Never 0.
    std::uint64_t tag_of_account(std::string_view account) const noexcept;
    std::uint64_t tag_of_source(const std::array<unsigned char, 16>& address) const noexcept;
    /// Equal for requests that a server answers alike.
    std::uint64_t tag_of_answer(std::string_view host, std::string_view path,
                                std::string_view method, std::string_view way) const noexcept;

    /// Of the records, now. Corrected by what the store answers.
    std::uint64_t clock() const noexcept;

    /// Admitted, it counts until `fail`, `succeed` or `end`, or until it ends by itself.
    accounts::Admission admit(const Counted& attempt) noexcept;
    struct Failed {
        bool holds_account;
        bool holds_source;
    };
    Failed fail(const Counted& attempt) noexcept;
    /// Whether that removed a failure from the source.
    bool succeed(const Counted& attempt) noexcept;
    void end(const Counted& attempt) noexcept;
    void count_answered() noexcept;

    /// Whether what is asked so has refused a credential, which what ignores them never does.
    void prove(std::uint64_t answer) noexcept;
    bool is_proven(std::uint64_t answer) const noexcept;

    /// When a wrong password is answered, in msec after the request.
    std::uint32_t answer_after(Way way) const noexcept;
    void learn(Way way, std::uint64_t took) noexcept;

    void remember(const WrongPassword& answer) noexcept;
    /// False if none of its key is known.
    bool recall(std::uint64_t key, WrongPassword& answer) noexcept;

    status::LockoutCounts counts() const noexcept;
    /// At most `room`; returns how many there are.
    std::size_t list(status::HeldOne* out, std::size_t room) const noexcept;
    /// Whether it was held.
    bool release(bool is_source, std::uint64_t tag) noexcept;
    /// How many were held.
    std::size_t release_all() noexcept;

    // --- for the store

    StoreState& store() const noexcept;
    /// Fills in what is known here of the account or source of `report.tag`.
    void fill(accounts::Report& report) const noexcept;
    /// The next record from `place` on that has to be sent; false: there is none.
    bool next_report(std::size_t& place, accounts::Report& report) const noexcept;
    /// Whether it is held from now on.
    bool merge(const accounts::Report& report) noexcept;

private:
    struct Memory;
    static ngx_int_t on_memory(ngx_shm_zone_t* zone, void* old) noexcept;
    std::uint64_t tag(std::initializer_list<std::string_view> words) const noexcept;
    void end_flight(bool is_source, std::uint64_t tag, std::uint64_t until) noexcept;
    template <typename Function>
    auto locked(std::uint64_t tag, Function&& function) const noexcept;
    /// What a function says of the record of a tag; false if there is none.
    template <typename Function>
    bool with(bool is_source, std::uint64_t tag, Function&& function) const noexcept;
    template <typename Function>
    void each_held(Function&& function) const noexcept;

    Memory* memory_ = nullptr;
    std::optional<HashKey> key_; ///< of the store
    ProcessId self_ = 0;
};

} // namespace lync::nginx
