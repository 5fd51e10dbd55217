// lync_control: servers are drained and taken back, and accounts and addresses that `lockout` holds
// are released, while nginx runs.
//
//     GET /servers[?server=NAME]      what lyncctl shows of them, as JSON
//     POST /drain?server=NAME         no new clients for a server, until it is taken back
//     POST /undrain?server=NAME
//     GET /lockout                    who is held, as JSON
//     POST /lockout/release?who=WHO   an account, in any spelling or by its hash, or an address
//     POST /lockout/release_all
//
// NAME is a server's `name=` or its address, POOL/NAME where several pools have it. An answer to
// POST is lines of text: what was done, then whatever an administrator has to know besides.
// Anything else is answered with one line that says what would be right.

#include "base/ascii.h"
#include "base/format.h"
#include "nginx/guard.h"
#include "nginx/health/health.h"
#include "nginx/respond.h"
#include "nginx/status/status.h"
#include "status/forms.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lync::nginx {

namespace {

// --- which server

/// A server as one of its pools has it.
struct Member {
    Group& group;
    const Line& line;

    const config::Farm& farm() const noexcept { return group.servers.farm(); }
    const config::Server& server() const noexcept { return *line.declared; }
};

template <typename Condition>
std::vector<Member> members(const MainConf& conf, Condition&& condition) {
    std::vector<Member> found;
    for (const auto& publication : conf.publications) {
        for (Group& group : publication->groups) {
            for (const Line& line : group.servers.lines()) {
                if (const Member member{group, line}; condition(member)) {
                    found.push_back(member);
                }
            }
        }
    }
    return found;
}

/// Those that a word means: NAME, ADDRESS, POOL/NAME or POOL/ADDRESS.
std::vector<Member> members_called(const MainConf& conf, std::string_view word) {
    const std::size_t slash = word.find('/');
    const std::string_view pool = slash == std::string_view::npos ? "" : word.substr(0, slash);
    const std::string_view name = slash == std::string_view::npos ? word : word.substr(slash + 1);
    return members(conf, [&](const Member& member) {
        return (pool.empty() || equal_ignore_case(pool, member.farm().name)) &&
               (equal_ignore_case(name, member.server().name) ||
                equal_ignore_case(name, member.server().address) ||
                "[" + std::string(name) + "]" == member.server().address);
    });
}

bool is_any_of(const std::vector<Member>& servers, std::string_view address) {
    return std::ranges::any_of(
        servers, [address](const Member& other) { return other.server().address == address; });
}

/// Those that are the same machines, under whatever name, in all publications.
std::vector<Member> sharers(const MainConf& conf, const std::vector<Member>& meant) {
    return members(conf,
                   [&](const Member& member) { return is_any_of(meant, member.server().address); });
}

constexpr std::size_t most_named = 10;

std::string title(const config::Server& server) {
    return server.name == server.address ? formatted("server {}", server.name)
                                         : formatted("server {} ({})", server.name, server.address);
}

/// Why a word means no server, or more than one; empty if it means one.
std::string complaint(const MainConf& conf, const std::vector<Member>& meant,
                      std::string_view word) {
    if (meant.empty()) {
        std::vector<std::string> names;
        for (const Member& member : members(conf, [](const Member&) { return true; })) {
            add_once(names, member.server().name);
        }
        return names.empty()
                   ? formatted("no server is called {}: nothing is published", quoted(word))
                   : formatted("no server is called {}, there are {}", quoted(word),
                               some_of(names, most_named));
    }
    if (std::ranges::all_of(meant, [&](const Member& other) {
            return other.server().address == meant.front().server().address;
        })) {
        return "";
    }
    std::vector<std::string> ways;
    for (const Member& member : meant) {
        add_once(ways, formatted("{} ({})", member.server().address, config::title(member.farm())));
    }
    return formatted("{} means several servers: write {}", quoted(word), some_of(ways, most_named));
}

// --- drain and undrain

/// Drains a server or takes it back, for all workers; whether that changes anything.
bool set_drained(const Line& line, bool drained) noexcept {
    if (drained) {
        std::int64_t since = 0;
        return line.record->drained.compare_exchange_strong(since, ngx_time());
    }
    for (const Endpoint* endpoint : line.endpoints) {
        if (endpoint->record != nullptr) { // an administrator has seen to it
            store(endpoint->record->failures, balance::Failures{});
            endpoint->record->failures.broken = 0;
        }
    }
    if (line.record->drained.exchange(0) == 0) {
        return false;
    }
    line.record->undrained = ngx_current_msec;
    return true;
}

/// What a drained server leaves behind.
void remark_pool(const Member& member, std::vector<std::string>& remarks) {
    if (std::ranges::none_of(
            member.group.servers.candidates(ngx_current_msec), [](const auto& candidate) {
                return candidate.takes() || candidate.availability == balance::Availability::full;
            })) {
        add_once(remarks, formatted("{} now has no server that takes new clients: they get 503",
                                    config::title(member.farm())));
    }
}

/// What keeps a server that is taken back from requests.
void remark_server(const Member& member, std::vector<std::string>& remarks) {
    if (member.line.settings.down) {
        add_once(remarks,
                 formatted("\"down\" stands on its line in {}: it takes no requests until that "
                           "is removed and nginx is reloaded",
                           at(member.server().place)));
    }
    if (member.line.endpoints.empty()) {
        add_once(remarks, "its name can't be resolved, and it takes no requests until it can");
    }
    for (const Server& server : member.group.servers.all()) {
        if (server.line == &member.line && server.check != nullptr &&
            !server.check->health.takes_requests()) {
            add_once(
                remarks,
                formatted("it fails its health check, and takes no requests until it passes: {}",
                          explain(server.check->health.load().cause, member.farm())));
        }
    }
}

/// What was done, then remarks, a line each.
std::string drain(const std::vector<Member>& affected, bool drained, std::string text) {
    bool changed = false;
    for (const Member& member : affected) {
        changed = set_drained(member.line, drained) || changed;
    }
    std::vector<std::string> pools;
    std::vector<std::string> remarks;
    for (const Member& member : affected) {
        add_once(pools, config::title(member.farm()));
        (drained ? remark_pool : remark_server)(member, remarks);
    }
    text += formatted(" of {} {}\n", some_of(pools, most_named),
                      drained ? (changed ? "is drained: no new clients" : "is drained already")
                              : (changed ? "is taken back" : "isn't drained"));
    for (const std::string& remark : remarks) {
        text += remark + "\n";
    }
    return text;
}

// --- requests

ngx_int_t answer_text(ngx_http_request_t* r, ngx_uint_t status, std::string text) {
    return send(r, status, "text/plain; charset=utf-8", kept(r, std::move(text)));
}

ngx_int_t refuse_method(ngx_http_request_t* r, std::string_view allowed) {
    if (!add_header(r, "Allow", allowed)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return answer_text(r, NGX_HTTP_NOT_ALLOWED, formatted("{} takes {}\n", view(r->uri), allowed));
}

/// The value of `name=`, without its %XX.
std::string argument_of(ngx_http_request_t* r, std::string_view name) {
    ngx_str_t argument{};
    if (ngx_http_arg(r, str(name).data, name.size(), &argument) != NGX_OK) {
        return "";
    }
    std::string value(view(argument));
    auto* first = reinterpret_cast<u_char*>(value.data());
    u_char* from = first;
    u_char* to = first;
    ngx_unescape_uri(&to, &from, value.size(), 0);
    value.resize(static_cast<std::size_t>(to - first));
    return value;
}

status::Machine machine_of(const MainConf& conf, const std::vector<Member>& all) {
    const std::uint64_t number = all.front().line.machine_key().number();
    std::set<const Record*> others; // where two addresses as written are one place
    for (const Member& member : all) {
        for (const Endpoint* endpoint : member.line.endpoints) {
            if (endpoint->record != nullptr && endpoint->record->machine != number) {
                others.insert(endpoint->record);
            }
        }
    }
    const auto value = [&](Gauge which) {
        std::uint64_t sum = conf.zone.value_of_machine(number, which);
        for (const Record* record : others) {
            sum += conf.zone.value(*record, which);
        }
        return sum;
    };
    return {{value(Gauge::in_flight), value(Gauge::waiting), value(Gauge::owned)},
            all.front().line.is_drained()};
}

ngx_int_t refuse_word(ngx_http_request_t* r, const std::vector<Member>& meant,
                      const std::string& why) {
    return answer_text(r, meant.empty() ? NGX_HTTP_NOT_FOUND : NGX_HTTP_CONFLICT, why + "\n");
}

/// All of them, or those that `server=` means.
ngx_int_t answer_servers(ngx_http_request_t* r) {
    const MainConf& conf = main_conf_of(r);
    status::Snapshot snapshot = snapshot_of(conf);
    std::optional<status::Machine> machine;
    if (const std::string word = argument_of(r, "server"); !word.empty()) {
        const std::vector<Member> meant = members_called(conf, word);
        if (const std::string why = complaint(conf, meant, word); !why.empty()) {
            return refuse_word(r, meant, why);
        }
        const std::vector<Member> wanted = sharers(conf, meant);
        machine = machine_of(conf, wanted);
        for (status::Publication& publication : snapshot.publications) {
            for (status::Pool& pool : publication.pools) {
                std::erase_if(pool.servers, [&](const status::Server& server) {
                    return std::ranges::none_of(wanted, [&](const Member& member) {
                        return member.server().name.data() == server.name.data(); // the very line
                    });
                });
            }
        }
    }
    return send(r, NGX_HTTP_OK, "application/json",
                kept(r, status::servers_to_json(snapshot, machine ? &*machine : nullptr)));
}

template <bool drained>
ngx_int_t answer_drain(ngx_http_request_t* r) {
    const std::string word = argument_of(r, "server");
    if (word.empty()) {
        return answer_text(r, NGX_HTTP_BAD_REQUEST,
                           formatted("which server: {}?server=NAME\n", view(r->uri)));
    }
    const MainConf& conf = main_conf_of(r);
    const std::vector<Member> meant = members_called(conf, word);
    if (const std::string why = complaint(conf, meant, word); !why.empty()) {
        return refuse_word(r, meant, why);
    }
    if (std::ranges::any_of(meant,
                            [](const Member& member) { return member.line.record == nullptr; })) {
        return answer_text(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                           "there is no place left in shared memory: reload nginx\n");
    }
    std::string text = drain(sharers(conf, meant), drained, title(meant.front().server()));
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0, "lync_control: %*s", text.find('\n'),
                  text.data());
    return answer_text(r, NGX_HTTP_OK, std::move(text));
}

// --- lockout

/// More lines are of no use.
constexpr std::size_t most_held = 1000;

ngx_int_t answer_lockout(ngx_http_request_t* r) {
    std::vector<status::HeldOne> held(most_held);
    const MainConf& conf = main_conf_of(r);
    const std::size_t count = conf.lockout.list(held.data(), held.size());
    held.resize(std::min(count, held.size()));
    return send(r, NGX_HTTP_OK, "application/json",
                kept(r, status::held_to_json(held, count, store_of(conf))));
}

bool release(MainConf& conf, bool is_source, std::uint64_t tag) {
    const bool released = conf.lockout.release(is_source, tag);
    if (released && conf.store) {
        conf.store->report(is_source, tag, conf.store_settings->longest, 0);
    }
    return released;
}

/// What a word means: the hash that stands in the log, an address, or a name as each publication
/// reads it.
bool release(ngx_http_request_t* r, const std::string& who) {
    MainConf& conf = main_conf_of(r);
    bool released = false;
    if (who.size() == 16 && who.find_first_not_of("0123456789abcdef") == std::string::npos) {
        released = release(conf, false, std::stoull(who, nullptr, 16));
    }
    ngx_str_t text = str(std::string_view(who).substr(0, who.find('/')));
    ngx_addr_t address{};
    std::array<unsigned char, 16> source{};
    if (ngx_parse_addr(r->pool, &address, text.data, text.len) == NGX_OK &&
        read_source(address, source)) {
        return release(conf, true, conf.lockout.tag_of_source(source)) || released;
    }
    for (const auto& publication : conf.publications) {
        accounts::Account account;
        if (publication->lockout != nullptr &&
            publication->lockout->domains.read(who, "", account)) {
            released =
                release(conf, false, conf.lockout.tag_of_account(account.text())) || released;
        }
    }
    return released;
}

ngx_int_t answer_release_all(ngx_http_request_t* r) {
    const LockoutZone& lockout = main_conf_of(r).lockout;
    const std::size_t count = main_conf_of(r).lockout.release_all();
    lockout.store().wanted++;
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "lync_control: %uz accounts and sources are released", count);
    return answer_text(r, NGX_HTTP_OK, formatted("{} accounts and sources are released\n", count));
}

ngx_int_t answer_release(ngx_http_request_t* r) {
    const std::string who = argument_of(r, "who");
    if (who.empty()) {
        return answer_text(r, NGX_HTTP_BAD_REQUEST,
                           "who: /lockout/release?who=ACCOUNT, or an address\n");
    }
    if (!release(r, who)) {
        return answer_text(r, NGX_HTTP_NOT_FOUND, formatted("{} isn't held\n", quoted(who)));
    }
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "lync_control: an account or address that \"lockout\" held is released");
    return answer_text(r, NGX_HTTP_OK, formatted("{} is released\n", quoted(who)));
}

ngx_int_t answer_shields(ngx_http_request_t* r) {
    return send(r, NGX_HTTP_OK, "application/json",
                kept(r, status::shields_to_json(snapshot_of(main_conf_of(r)))));
}

struct Call {
    std::string_view path;
    bool changes; ///< by POST; else it is read
    ngx_int_t (*answer)(ngx_http_request_t* r);
};
constexpr Call calls_by_path[] = {
    {"/servers", false, answer_servers},
    {"/shields", false, answer_shields},
    {"/drain", true, answer_drain<true>},
    {"/undrain", true, answer_drain<false>},
    {"/lockout", false, answer_lockout},
    {"/lockout/release", true, answer_release},
    {"/lockout/release_all", true, answer_release_all},
};

ngx_int_t answer(ngx_http_request_t* r) {
    constexpr ngx_uint_t reading = NGX_HTTP_GET | NGX_HTTP_HEAD;
    if (const ngx_int_t result = ngx_http_discard_request_body(r); result != NGX_OK) {
        return result;
    }
    if (!add_header(r, "Cache-Control", "no-store") || !add_header(r, "Lync-Control", "1")) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    const std::string_view path = view(r->uri);
    if (path.starts_with("/lockout") && !main_conf_of(r).lockout.is_there()) {
        return answer_text(r, NGX_HTTP_NOT_FOUND,
                           "no publication has \"lockout on\": nothing is held\n");
    }
    const auto* call = std::ranges::find(calls_by_path, path, &Call::path);
    if (call == std::end(calls_by_path)) {
        return answer_text(r, NGX_HTTP_NOT_FOUND,
                           "there are GET /servers, GET /shields, POST /drain?server=NAME, "
                           "POST /undrain?server=NAME, GET /lockout and POST "
                           "/lockout/release?who=WHO\n");
    }
    return (r->method & (call->changes ? NGX_HTTP_POST : reading)) != 0
               ? call->answer(r)
               : refuse_method(r, call->changes ? "POST" : "GET, HEAD");
}

ngx_int_t control_handler(ngx_http_request_t* r) {
    return guarded<ngx_int_t>(r->connection->log, NGX_HTTP_INTERNAL_SERVER_ERROR,
                              [&] { return answer(r); });
}

// --- where it may stand

/// A socket of a server that isn't a Unix-domain one, or NULL.
const ngx_http_conf_addr_t* open_socket(ngx_conf_t* cf, const LocConf& location) noexcept {
    const void* server = location.parent->srv_conf[ngx_http_core_module.ctx_index];
    const ngx_http_conf_addr_t* open = nullptr;
    each_socket(cf, [&](const ngx_http_conf_addr_t& address) {
        const auto servers = elements<const void*>(address.servers);
        if (open == nullptr && address.opt.sockaddr->sa_family != AF_UNIX &&
            std::ranges::find(servers, server) != servers.end()) {
            open = &address;
        }
    });
    return open;
}

} // namespace

ngx_int_t settle_control(ngx_conf_t* cf, const MainConf& conf) noexcept {
    for (const LocConf* location : conf.control_locations) {
        if (!answers_at(cf, *location, control_handler, "lync_control")) {
            return NGX_ERROR;
        }
        if (const ngx_http_conf_addr_t* address = open_socket(cf, *location); address != nullptr) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"lync_control\" directive in a server that listens on %V: anyone "
                          "who reaches it could drain servers, write it into a server of its own "
                          "that listens on a Unix-domain socket only in %V:%ui",
                          &address->opt.addr_text, &location->file, location->line);
            return NGX_ERROR;
        }
        const auto& core = conf_of<ngx_http_core_loc_conf_t>(location->own, ngx_http_core_module);
        if (view(core.name) != "/" || core.exact_match) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"lync_control\" directive in a location of \"%V\": lyncctl asks for it "
                          "in \"location / { }\" in %V:%ui",
                          &core.name, &location->file, location->line);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

} // namespace lync::nginx

char* lync_control(ngx_conf_t* cf, ngx_command_t*, void* conf) {
    using namespace lync::nginx;
    return answer_at(cf, *static_cast<LocConf*>(conf), control_handler,
                     &MainConf::control_locations);
}
