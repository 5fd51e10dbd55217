#include "nginx/upstream/resolve.h"

#include "base/format.h"
#include "base/host_addresses.h"
#include "base/regular_file.h"
#include "config/system_names.h"
#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/timer.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace lync::nginx {

namespace {

constexpr const char* no_server = "no address of a server"; ///< a name has addresses, and no such

constexpr ngx_msec_t retry_interval = 5000; ///< after a lookup that failed
constexpr ngx_msec_t lookup_timeout = 5000; ///< unless `resolver_timeout` says otherwise

std::string read_file(const char* path) {
    std::string text;
    read_regular_file(path, text);
    return text;
}

/// Whether an address of IPv6 is of use here: as getaddrinfo's AI_ADDRCONFIG, by which nginx looks
/// up names when it starts, has it.
bool has_ipv6_address() noexcept {
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) {
        return false;
    }
    bool found = false;
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        found = found || (one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET6 &&
                          (one->ifa_flags & IFF_LOOPBACK) == 0);
    }
    freeifaddrs(all);
    return found;
}

ngx_http_core_loc_conf_t* core_conf(const MainConf& conf) noexcept {
    return &conf_of<ngx_http_core_loc_conf_t>(conf.http_loc_conf, ngx_http_core_module);
}

/// The `resolver` that an administrator wrote at http level. nginx puts an empty one there, too,
/// which has no name server.
ngx_resolver_t* written_resolver(const MainConf& conf) noexcept {
    ngx_resolver_t* resolver = core_conf(conf)->resolver;
    return resolver != nullptr && resolver->connections.nelts > 0 ? resolver : nullptr;
}

ngx_resolver_t* system_resolver(ngx_conf_t* cf, const config::NameServers& servers) {
    std::vector<ngx_str_t> words;
    for (const std::string& address : servers.addresses) {
        words.push_back(copy(cf->pool, address));
    }
    if (!has_ipv6_address()) {
        words.push_back(copy(cf->pool, "ipv6=off"));
    }
    return ngx_resolver_create(cf, words.data(), words.size());
}

/// Calls `function(Servers&, line index, name)` for each server given by name.
template <typename Function>
void each_name(MainConf& conf, Function&& function) {
    for (const auto& publication : conf.publications) {
        for (Group& group : publication->groups) {
            const auto lines = group.servers.lines();
            for (std::size_t i = 0; i < lines.size(); i++) {
                if (lines[i].declared->by_name) {
                    function(group.servers, i, lines[i].declared->address);
                }
            }
        }
    }
}

/// What the system knows of a name now, in the way in which nginx asks when it reads a `server`.
/// The return value is getaddrinfo's.
int look_up_now(const std::string& name, Servers& servers, std::size_t line) {
    const HostAddresses found = look_up_host(name, AI_ADDRCONFIG);
    if (found.error == 0) {
        std::vector<ngx_addr_t> addresses;
        for (const addrinfo* one = found.first.get(); one != nullptr; one = one->ai_next) {
            addresses.push_back({one->ai_addr, one->ai_addrlen, {}});
        }
        servers.replace(line, addresses);
    }
    return found.error;
}

/// `10.0.0.11, 10.0.0.12`
std::string addresses_of(const Line& line) {
    std::string text;
    for (const Endpoint* endpoint : line.endpoints) {
        text += text.empty() ? "" : ", ";
        text += endpoint->address_text();
    }
    return text;
}

std::string last_ones_stay(const std::string& name, const char* why, const std::string& addresses) {
    return formatted(
        "lync_dns: server \"{}\" can't be resolved ({}), its last addresses stay in use: {}", name,
        why, addresses);
}

/// Lines that have no address yet, since `resolve_at_start` is off. What the system can't resolve,
/// the running configuration may know: from its `resolver`, or from before DNS fell silent. A
/// system without DNS takes its time for each name; the first one is enough to see that.
void try_names(ngx_conf_t* cf, MainConf& conf) {
    bool works = true;
    Zone* running = Zone::running();
    std::vector<const config::Server*> logged; // a server has a line in the group of each port
    each_name(conf, [&](Servers& servers, std::size_t line, const std::string& name) {
        if (!servers.lines()[line].endpoints.empty()) {
            return;
        }
        const int result = works ? look_up_now(name, servers, line) : EAI_AGAIN;
        works = works && result != EAI_AGAIN;
        if (!servers.lines()[line].endpoints.empty()) {
            return;
        }
        const bool recalled = running != nullptr && servers.recall(line, *running);
        const config::Server* declared = servers.lines()[line].declared;
        if (std::find(logged.begin(), logged.end(), declared) != logged.end()) {
            return;
        }
        logged.push_back(declared);
        const char* why = result == 0 ? no_server : gai_strerror(result);
        const std::string text =
            recalled ? last_ones_stay(name, why, addresses_of(servers.lines()[line]))
                     : formatted("lync_dns: server {} can't be resolved yet ({}), it takes no "
                                 "requests until it is",
                                 lync::quoted(name), why);
        log_at(NGX_LOG_WARN, cf, declared->place, "%*s", text.size(), text.data());
    });
}

} // namespace

/// The names of one configuration in one process.
class Resolving {
public:
    Resolving(ngx_cycle_t* cycle, MainConf& conf, ngx_resolver_t* resolver, ngx_msec_t timeout);

private:
    /// One name, and all lines that give it.
    struct Name {
        Name(Resolving& in, std::string as)
            : names(in), text(std::move(as)), timer(this, calls<&Name::look_up>) {}
        void look_up() noexcept { names.look_up(*this); }
        ~Name() {
            if (lookup != nullptr) {
                ngx_resolve_name_done(lookup);
            }
        }
        Name(const Name&) = delete;

        Resolving& names;
        std::string text;
        std::vector<std::pair<Servers*, std::size_t>> lines;
        Timer timer;
        ngx_resolver_ctx_t* lookup = nullptr;
        std::string asked; ///< the resolver writes into it
        bool failing = false;
    };

    static void on_answer(ngx_resolver_ctx_t* lookup);

    void look_up(Name& name) noexcept;
    void answer(Name& name, ngx_resolver_ctx_t* lookup);
    void take(Name& name, const ngx_resolver_ctx_t* lookup);
    void fail(Name& name, const char* why);
    std::string addresses_of(const Name& name) const;
    /// One line from all workers, who all see the same.
    bool logs() const noexcept { return ngx_process == NGX_PROCESS_SINGLE || ngx_worker == 0; }

    ngx_cycle_t* cycle_;
    ngx_resolver_t* resolver_;
    ngx_msec_t timeout_;
    std::string search_;
    std::deque<Name> all_;
};

Resolving::Resolving(ngx_cycle_t* cycle, MainConf& conf, ngx_resolver_t* resolver,
                     ngx_msec_t timeout)
    : cycle_(cycle), resolver_(resolver), timeout_(timeout) {
    const std::string hosts = read_file("/etc/hosts");
    search_ = config::parse_resolv_conf(read_file("/etc/resolv.conf")).search;

    each_name(conf, [&](Servers& servers, std::size_t line, const std::string& text) {
        auto name = std::find_if(all_.begin(), all_.end(),
                                 [&](const Name& known) { return known.text == text; });
        if (name == all_.end()) {
            if (config::hosts_file_has(hosts, text)) {
                return;
            }
            all_.emplace_back(*this, text);
            name = std::prev(all_.end());
        }
        name->lines.emplace_back(&servers, line);
    });
    for (Name& name : all_) {
        // nginx has just looked it up, but not the record's TTL.
        name.timer.set(addresses_of(name).empty() ? 1 : ngx_random() % 1000 + 1, cycle_->log);
    }
}

void Resolving::look_up(Name& name) noexcept {
    if (ngx_exiting || ngx_terminate) {
        return;
    }
    name.timer.set(timeout_ + retry_interval, cycle_->log); // should no answer ever come
    if (name.lookup != nullptr) {
        return;
    }
    ngx_resolver_ctx_t* lookup = ngx_resolve_start(resolver_, nullptr);
    if (lookup == nullptr || lookup == NGX_NO_RESOLVER) {
        return;
    }
    guarded(cycle_->log, [&] {
        name.asked = name.text;
        if (name.asked.find('.') == std::string::npos && !search_.empty()) {
            name.asked += "." + search_;
        }
    });
    lookup->name = str(name.asked);
    lookup->handler = on_answer;
    lookup->data = &name;
    lookup->timeout = timeout_;
    lookup->cancelable = 1;
    name.lookup = lookup;
    if (ngx_resolve_name(lookup) != NGX_OK) {
        name.lookup = nullptr; // it is gone already
    }
}

void Resolving::on_answer(ngx_resolver_ctx_t* lookup) {
    auto* name = static_cast<Name*>(lookup->data);
    Resolving& self = name->names;
    name->lookup = nullptr;
    guarded(self.cycle_->log, [&] { self.answer(*name, lookup); });
    ngx_resolve_name_done(lookup);
}

void Resolving::answer(Name& name, ngx_resolver_ctx_t* lookup) {
    const bool has_server =
        lookup->state == NGX_OK &&
        std::ranges::any_of(std::span(lookup->addrs, lookup->naddrs),
                            [](const auto& found) { return is_server_address(*found.sockaddr); });
    if (!has_server) {
        fail(name, lookup->state != NGX_OK ? ngx_resolver_strerror(lookup->state) : no_server);
        name.timer.set(retry_interval, cycle_->log);
        return;
    }
    take(name, lookup);
    // The resolver answers from its memory up to and including the second in which that expires.
    const time_t holds = std::clamp<time_t>(lookup->valid - ngx_time() + 1, 1, 86400);
    name.timer.set(static_cast<ngx_msec_t>(holds) * 1000, cycle_->log);
}

void Resolving::take(Name& name, const ngx_resolver_ctx_t* lookup) {
    std::vector<ngx_addr_t> addresses;
    for (const ngx_resolver_addr_t& found : std::span(lookup->addrs, lookup->naddrs)) {
        addresses.push_back({found.sockaddr, found.socklen, {}});
    }

    const std::string earlier = addresses_of(name);
    bool changed = false;
    for (const auto& [servers, line] : name.lines) {
        changed = servers->replace(line, addresses) || changed;
        servers->remember(line);
    }
    if (logs() && (changed || name.failing)) {
        const std::string now = addresses_of(name);
        const std::string before =
            changed ? formatted(", previously {}", earlier.empty() ? "none" : earlier) : "";
        const std::string text =
            name.failing
                ? formatted("lync_dns: server \"{}\" resolves again, to {}{}", name.text, now,
                            before)
                : formatted("lync_dns: server \"{}\" resolves to {}{}", name.text, now, before);
        ngx_log_error(NGX_LOG_WARN, cycle_->log, 0, "%*s", text.size(), text.data());
    }
    name.failing = false;
}

void Resolving::fail(Name& name, const char* why) {
    if (!std::exchange(name.failing, true) && logs()) {
        const std::string addresses = addresses_of(name);
        const std::string text =
            addresses.empty()
                ? formatted("lync_dns: server \"{}\" can't be resolved ({}), so there "
                            "is no address to send requests to",
                            name.text, why)
                : last_ones_stay(name.text, why, addresses);
        ngx_log_error(NGX_LOG_WARN, cycle_->log, 0, "%*s", text.size(), text.data());
    }
}

/// All lines of a name have the same.
std::string Resolving::addresses_of(const Name& name) const {
    const auto& [servers, line] = name.lines.front();
    return lync::nginx::addresses_of(servers->lines()[line]);
}

ngx_int_t prepare_resolving(ngx_conf_t* cf, MainConf& conf) {
    try_names(cf, conf);

    bool has_names = false;
    const std::string hosts = read_file("/etc/hosts");
    each_name(conf, [&](Servers&, std::size_t, const std::string& name) {
        has_names = has_names || !config::hosts_file_has(hosts, name);
    });
    if (!has_names || written_resolver(conf) != nullptr) {
        return NGX_OK;
    }

    const config::NameServers servers = config::parse_resolv_conf(read_file("/etc/resolv.conf"));
    if (servers.addresses.empty()) {
        ngx_log_error(NGX_LOG_NOTICE, cf->log, 0, "%*s", config::addresses_stay.size(),
                      config::addresses_stay.data());
        return NGX_OK;
    }
    conf.resolver = system_resolver(cf, servers);
    return conf.resolver != nullptr ? NGX_OK : NGX_ERROR;
}

std::shared_ptr<Resolving> start_resolving(ngx_cycle_t* cycle, MainConf& conf) {
    ngx_resolver_t* written = written_resolver(conf);
    ngx_resolver_t* resolver = written != nullptr ? written : conf.resolver;
    if (resolver == nullptr) {
        return nullptr;
    }
    const ngx_msec_t set = core_conf(conf)->resolver_timeout;
    return std::make_shared<Resolving>(
        cycle, conf, resolver,
        written != nullptr && set != NGX_CONF_UNSET_MSEC ? set : lookup_timeout);
}

} // namespace lync::nginx
