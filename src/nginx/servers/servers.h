#pragma once

// The servers of a group at run time: where they are, how they are reached, what all workers know
// of them.
//
//     Transport  how servers are reached: plain or TLS, verified by which CA, under which name, and
//                whether credentials bind connections. Groups of several publications with the same
//                transport share what is in it
//     Endpoint   one address and port by one transport: the worker's TLS session with it, and its
//                records in shared memory
//     Line       a `server` line: its settings, and the endpoints that its address means now
//     Servers    the lines of a group, and all their endpoints in one row for the choice
//
// Lifetimes. A Transport lives as long as the configuration. An Endpoint is counted: by the lines
// that name it, by a request that uses it, by an idle connection to it, by a client that was
// authenticated by it. DNS may take it out of its line at any moment; it is freed when it isn't
// used any more. Lines and Servers change only between two events, so nothing keeps a pointer into
// them.

#include "balance/affinity.h"
#include "balance/choice.h"
#include "config/publication.h"
#include "nginx/servers/server_connection.h"
#include "nginx/shared/zone.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lync::nginx {

class Transport;

/// Made by Transport::endpoint, with one reference for the caller.
struct Endpoint {
    explicit Endpoint(Transport& by) : transport(by) { ngx_queue_init(&idle); }
    Endpoint(const Endpoint&) = delete;

    Transport& transport;
    ngx_sockaddr_t address{};
    socklen_t length = 0;
    u_char text[NGX_SOCKADDR_STRLEN]{};
    ngx_str_t name{}; ///< "10.0.0.11:4443", for $upstream_addr and logs
    /// "10.0.0.11", "fd00::11"
    std::string_view address_text() const noexcept {
        return trimmed(view(name).substr(0, view(name).rfind(':')), "[]");
    }
    std::uint64_t place = 0; ///< of the address without the port, for affinity

    Record* record = nullptr;         ///< Subject::endpoint; NULL: no room in the zone, then alone
    std::int32_t in_flight_alone = 0; ///< this worker's requests where there is no record
    ngx_ssl_session_t* session = nullptr;

    ngx_queue_t idle{};  ///< of Transport::shared, the youngest first
    std::size_t row = 0; ///< in the row of the group that was made last; most have the same
    std::size_t references = 1;
    std::size_t lines = 0; ///< that name it; none: nothing is kept for it
};

Endpoint* retain(Endpoint* endpoint) noexcept;

/// One more or one less of what is going on at a server.
void add(Endpoint& server, Gauge which, std::int32_t by) noexcept;

/// Requests of all workers that are there now.
std::uint32_t in_flight(const Endpoint& server) noexcept;

/// Gives a reference back; the endpoint is gone when it was the last one. NULL is allowed.
void release(Endpoint* endpoint) noexcept;

/// How servers are reached.
class Transport {
public:
    Transport(Zone& zone, std::string key, bool binds)
        : zone_(zone), key_(std::move(key)), binds_(binds) {}
    ~Transport();
    Transport(const Transport&) = delete;

    /// Of the records: the same servers are known once, whether connections are bound or not.
    const std::string& key() const noexcept { return key_; }
    bool binds() const noexcept { return binds_; }
    Zone& zone() noexcept { return zone_; }

    /// The endpoint at an address, with a reference for the caller.
    Endpoint* endpoint(const sockaddr* address, socklen_t length);

    SharedConnections shared; ///< idle connections that carried no credential

private:
    friend void release(Endpoint* endpoint) noexcept;
    friend class Transports;
    void bind(Endpoint& endpoint) noexcept;
    void forget(Endpoint* endpoint) noexcept;

    Zone& zone_;
    std::string key_;
    bool binds_;
    std::unordered_map<std::string_view, Endpoint*> endpoints_; ///< by name
};

/// All of a configuration.
class Transports {
public:
    explicit Transports(Zone& zone) : zone_(zone) {}
    /// `binds`: credentials bind a connection to its client. Where they don't, connections aren't
    /// shared with those where they do.
    Transport& transport(const std::string& key, bool binds);

    /// Finds the records of all endpoints: in the master once the zone is there, and in each worker
    /// once it has entered it.
    void bind() noexcept;

private:
    Zone& zone_;
    std::map<std::pair<std::string, bool>, Transport> all_;
};

/// A `server` line of a group.
struct Line {
    const config::Server* declared = nullptr;
    balance::ServerSettings settings;
    std::uint16_t port = 0;
    std::vector<Endpoint*> endpoints; ///< a reference each
    Record* record = nullptr;         ///< Subject::machine

    /// By an administrator, at once and for all workers.
    bool is_drained() const noexcept { return record != nullptr && record->drained != 0; }
    Key machine_key() const noexcept { return Key(Subject::machine).add(declared->address); }
};

/// An endpoint in the row that is chosen from.
struct Server {
    const Line* line = nullptr;
    Endpoint* endpoint = nullptr; ///< the line's reference
    Record* check = nullptr;      ///< Subject::check: its health, or NULL if none is checked
    std::int64_t turn = 0;        ///< balance::Candidate::turn
    Record* counted = nullptr;    ///< Subject::server: its counters, or NULL if nothing is counted
    std::string title;            ///< for logs: "10.0.0.11:4443", "fe1 (10.0.0.11:4443)"
};

/// The servers of a group.
class Servers {
public:
    Servers() = default;
    ~Servers();
    Servers(const Servers&) = delete;

    /// One line for each of the farm's, without endpoints. `checked_by` is what the result of a
    /// check depends on besides the farm: who is trusted, and whether it matters.
    void declare(Transport& transport, const config::Farm& farm, std::uint16_t port,
                 std::string checked_by);

    /// The addresses of a line from now on, with the line's port. What is the same as before keeps
    /// its connections, records and sessions; idle connections to what no line names any
    /// more are closed. True if anything changed.
    bool replace(std::size_t line, std::span<const ngx_addr_t> addresses);
    /// Those of all lines, which have none yet: when the configuration is read.
    void set_all(const std::vector<std::span<const ngx_addr_t>>& addresses);

    /// The addresses that a zone knows of a line's name, from now on. False if it knows none: then
    /// nothing changes.
    bool recall(std::size_t line, Zone& from);
    /// Saves the line's addresses for workers that begin later and can't resolve its name.
    void remember(std::size_t line) noexcept;

    /// Requests are counted, under the name of the servers' upstream, which must live as long.
    void count_as(std::string_view upstream) noexcept { counted_as_ = upstream; }

    /// Finds the records of the checks, as Transports::bind does those of the endpoints, and the
    /// counters. A worker begins with the addresses that were found last, which may be younger than
    /// the configuration.
    void bind() noexcept;

    const config::Farm& farm() const noexcept { return *farm_; }
    std::span<const Line> lines() const noexcept { return lines_; }
    std::span<Server> all() noexcept { return all_; }
    /// NULL if none of the group is there now.
    Server* find(const Endpoint* endpoint) noexcept;

    /// All servers as the choice sees them now, in the order of `all`. Valid until the next call.
    std::span<balance::Candidate> candidates(std::uint64_t now) noexcept;
    /// `most_looked_at` of them, none if there are no more than that: others with each call.
    std::span<balance::Candidate> some_candidates(std::uint64_t now) noexcept;
    /// The home of a client (balance::Homes) alone; none if it is coming back slowly, and some of
    /// its clients are elsewhere.
    std::span<balance::Candidate> home_candidate(std::uint64_t client, std::uint64_t now) noexcept;
    const balance::Homes& homes() const noexcept { return homes_; }
    /// Whether one takes requests, and not only for a trial.
    bool takes_requests(const Server& server, std::uint64_t now) const noexcept;

    /// Whether servers are used that fail their checks.
    balance::Panic panic() const noexcept;

    /// Whether failures of requests count: where there is no second server, none is left out, as
    /// with nginx.
    bool counts_failures() const noexcept;

private:
    struct Endpoints;
    Endpoints endpoints_at(const Line& line, std::span<const ngx_addr_t> addresses) const;
    void rebuild();
    /// One for each endpoint of the lines; what was known of those that stay is known of them
    /// still.
    std::vector<Server> make_row(std::vector<Server*>& stay);
    void number_row() noexcept;
    /// What changes of candidates from one choice to the next.
    void refresh(std::span<balance::Candidate> candidates, std::uint64_t now,
                 bool panic = false) noexcept;
    void bind(Server& server) noexcept;
    Key check_key(const Endpoint& endpoint) const noexcept;
    balance::ServerState state_of(const Server& server) const noexcept;

    Transport* transport_ = nullptr;
    const config::Farm* farm_ = nullptr;
    std::string_view counted_as_; ///< empty: not at all
    std::string checked_by_;
    std::vector<Line> lines_;
    std::vector<Server> all_;
    balance::Homes homes_; ///< of all_
    /// Of all_; in a large group the first ones once more at the end, so that any
    /// `most_looked_at` stand in a row.
    std::vector<balance::Candidate> candidates_;
    std::size_t first_looked_at_ = 0;
};

/// Failures in shared memory, read and changed. Two workers that fail in the same microsecond may
/// count one failure; nothing else depends on the order.
balance::Failures load(const SharedFailures& failures) noexcept;
void store(SharedFailures& failures, const balance::Failures& now) noexcept;

} // namespace lync::nginx
