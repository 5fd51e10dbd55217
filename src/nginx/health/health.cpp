#include "nginx/health/health.h"

#include "base/format.h"
#include "nginx/conf/commands.h"
#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/health/probe.h"
#include "nginx/upstream/peer.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace lync::nginx {

namespace {

using balance::Change;
using balance::Finding;
using balance::Health;
using balance::HealthState;
using balance::Reason;
using balance::SharedHealth;

constexpr ngx_msec_t look_interval = 1000; ///< how often a worker looks whether it is to check
constexpr ngx_msec_t lease_time = 3000;    ///< after which another one takes over

/// The settings of proxy_ssl_* where requests for the farm go out.
const ngx_http_upstream_conf_t*
tls_settings(const ngx_cycle_t* cycle, const Publication& publication, const config::Farm& farm) {
    const Host& host = *publication.by_id.at(farm.published.front());
    const Command verify = find_command(cycle, "proxy_ssl_verify");
    auto* flag = reinterpret_cast<char*>(verify.value<ngx_flag_t>(host.loc_conf));
    return reinterpret_cast<ngx_http_upstream_conf_t*>(
        flag - offsetof(ngx_http_upstream_conf_t, ssl_verify));
}

std::string request_for(std::string_view path, std::string_view host) {
    // No Accept: that is how Microsoft's own monitor asks for autodiscover.
    return formatted("GET {} HTTP/1.1\r\nHost: {}\r\n"
                     "User-Agent: ngx_lync_module health check\r\n\r\n",
                     path, host);
}

Question question_of(const ngx_cycle_t* cycle, const Publication& publication,
                     const config::Farm& farm) {
    Question question;
    question.certificate_name = farm.certificate_name;
    question.internal = farm.name;
    if (farm.role == config::Role::exchange) {
        question.presented = publication.plan.publication.only_certificate(farm);
    }
    question.timeout = msec(farm.health_check.timeout);
    for (const std::string& path : config::check_paths(farm)) {
        question.requests.push_back(request_for(path, farm.published.front()));
    }
    if (question.requests.empty()) {
        return question;
    }
    using config::CheckKind;
    const CheckKind kind = farm.health_check.kind;
    question.document = kind == CheckKind::autodiscover ? balance::Document::autodiscover
                        : kind == CheckKind::discovery  ? balance::Document::discovery
                                                        : balance::Document::healthcheck;
    question.tls = tls_settings(cycle, publication, farm);
    return question;
}

std::uint16_t check_port(const config::Farm& farm) noexcept {
    return farm.health_check.port != 0 ? farm.health_check.port : farm.ports.https;
}

} // namespace

std::string explain(const Finding& finding, const config::Farm& farm) {
    std::string path;
    if (finding.is_of_request()) {
        // Of a configuration before this one, perhaps, which asked for more.
        const std::vector<std::string> paths = config::check_paths(farm);
        path = finding.request() < paths.size() ? paths[finding.request()] : "";
    }
    return balance::explain(
        finding, farm.certificate_name,
        finding.reason == Reason::untrusted ? X509_verify_cert_error_string(finding.detail) : "",
        path);
}

/// The checks of one configuration in one process.
///
/// The worker that holds Lease::health checks; another one takes over when it ends, dies or hangs,
/// or when a reload brings new ones. It knows a target for each Subject::check record that a group
/// refers to, looks once a second whether these are still the same ones, and asks each target when
/// it is due. When it is due next stands in the record, so that a reload neither delays a check
/// nor repeats it.
class HealthChecks {
public:
    HealthChecks(ngx_cycle_t* cycle, MainConf& conf);
    ~HealthChecks() { stop(); }

    bool has_checks() const noexcept { return !questions_.empty(); }
    void look() noexcept;

private:
    struct Target;
    static void on_done(void* target, const Finding* finding);

    void stop() noexcept;
    void scan();
    void see(const Server& server, const config::Farm& farm, std::vector<Target*>& added);
    void plan_first(const std::vector<Target*>& added);
    void done(Target& target, const Finding* finding);
    void plan_next(Target& target) noexcept;
    void log_change(const Target& target, Change change, const HealthState& state,
                    std::uint64_t since) const;
    void log_binding(const Target& target) const;
    void watch_panic(const Group& group, const config::Farm& farm);

    ngx_cycle_t* cycle_;
    MainConf& conf_;
    ngx_log_t log_; ///< of the checks' connections: what is usual there is logged as findings
    Timer look_;
    bool checking_ = false;
    time_t means_last_logged_ = 0;
    std::map<const config::Farm*, Question> questions_;
    std::set<const Group*> panicking_; ///< as was last logged
    std::unordered_map<const Record*, std::unique_ptr<Target>> targets_;
};

/// One server as one kind of check sees it.
struct HealthChecks::Target {
    Target(HealthChecks& by, Record& in)
        : checker(by), record(in), due(this, calls<&Target::check>),
          probe(&by.log_, on_done, this) {}
    void check() noexcept;

    HealthChecks& checker;
    Record& record;
    const config::Farm* farm = nullptr; ///< of those that share the record, the busiest one
    const Question* question = nullptr; ///< its
    ngx_sockaddr_t address{};
    socklen_t length = 0;
    std::string title; ///< for logs
    std::string text;  ///< as $upstream_addr has it
    ngx_str_t name{};
    bool seen = false;
    Timer due;
    Probe probe;
};

HealthChecks::HealthChecks(ngx_cycle_t* cycle, MainConf& conf)
    : cycle_(cycle), conf_(conf), log_(*cycle->log), look_(this, calls<&HealthChecks::look>) {
    log_.log_level = NGX_LOG_ALERT;
    for (const auto& publication : conf.publications) {
        for (const config::Farm& farm : publication->plan.publication.farms) {
            if (farm.health_check.kind != config::CheckKind::off) {
                questions_.emplace(&farm, question_of(cycle, *publication, farm));
            }
        }
    }
}

void HealthChecks::stop() noexcept {
    targets_.clear();
    if (std::exchange(checking_, false)) {
        conf_.zone.release(Lease::health);
    }
}

/// What the checks of any worker have found, and whether this one is to check, and which servers.
void HealthChecks::look() noexcept {
    for (const auto& publication : conf_.publications) {
        for (Group& group : publication->groups) {
            end_unanswered(group, cycle_->log);
        }
    }
    look_.set(look_interval, cycle_->log);
    if (ngx_exiting || ngx_quit || ngx_terminate) {
        stop();
        return;
    }
    checking_ = conf_.zone.hold(Lease::health, lease_time);
    if (!checking_) {
        targets_.clear();
        return;
    }
    guarded(cycle_->log, [this] { scan(); });
}

void HealthChecks::scan() {
    for (auto& [record, target] : targets_) {
        target->seen = false;
    }
    std::vector<Target*> added;
    for (const auto& publication : conf_.publications) {
        for (std::size_t i = 0; i < publication->groups.size(); i++) {
            const plan::Upstream& upstream = publication->plan.upstreams[i];
            const config::Farm& farm = publication->plan.farm(upstream);
            // The plain-HTTP group of a farm consists of the same servers.
            if (upstream.tls && questions_.contains(&farm)) {
                for (const Server& server : publication->groups[i].servers.all()) {
                    see(server, farm, added);
                }
                watch_panic(publication->groups[i], farm);
            }
        }
    }
    std::erase_if(targets_, [](const auto& entry) { return !entry.second->seen; });
    plan_first(added);
}

void HealthChecks::watch_panic(const Group& group, const config::Farm& farm) {
    const balance::Panic panic = group.servers.panic();
    if (panic.on() == panicking_.contains(&group)) {
        return;
    }
    const std::string title = config::quoted_title(farm);
    if (panic.on()) {
        panicking_.insert(&group);
        ngx_log_error(NGX_LOG_ERR, cycle_->log, 0,
                      "lync_health: no server of %s passes its check: the %uz that answer "
                      "otherwise get requests anyway",
                      title.c_str(), panic.answering());
    } else {
        panicking_.erase(&group);
        ngx_log_error(NGX_LOG_WARN, cycle_->log, 0,
                      "lync_health: servers of %s get requests again only if they pass their check",
                      title.c_str());
    }
}

void HealthChecks::see(const Server& server, const config::Farm& farm,
                       std::vector<Target*>& added) {
    if (server.check == nullptr) {
        return;
    }
    std::unique_ptr<Target>& target = targets_[server.check];
    if (target == nullptr) {
        target = std::make_unique<Target>(*this, *server.check);
        target->address = server.endpoint->address;
        target->length = server.endpoint->length;
        ngx_inet_set_port(&target->address.sockaddr, check_port(farm));
        target->text = view(server.endpoint->name);
        target->title = server.title;
        target->name = {target->text.size(), reinterpret_cast<u_char*>(target->text.data())};
        added.push_back(target.get());
    }
    // Publications that share a server share its checks: the one that asks most often is right.
    const bool asks_more =
        !target->seen || farm.health_check.interval < target->farm->health_check.interval;
    if (asks_more && !target->probe.running()) {
        target->farm = &farm;
        target->question = &questions_.at(&farm);
    }
    target->seen = true;
}

/// Servers that have never been checked are spread over their interval; the others are asked when
/// the process before this one would have asked them.
void HealthChecks::plan_first(const std::vector<Target*>& added) {
    for (std::size_t i = 0; i < added.size(); i++) {
        Target& target = *added[i];
        SharedHealth& health = target.record.health;
        const std::uint64_t interval = msec(target.farm->health_check.interval);
        const std::uint64_t due = health.due;
        const std::uint64_t when =
            due == 0 ? balance::first_check(ngx_current_msec, interval, i, added.size())
                     : balance::resumed_check(due, ngx_current_msec, interval,
                                              static_cast<std::uint32_t>(ngx_random()));
        health.due = when;
        target.due.set(static_cast<ngx_msec_t>(when - ngx_current_msec), cycle_->log);
    }
}

void HealthChecks::Target::check() noexcept {
    if (ngx_exiting || ngx_terminate) {
        return;
    }
    // A server that was well may be asked on the same connection; of any other, whether there is
    // one to be had is part of the question.
    const HealthState state = record.health.load();
    const bool was_well = state.health == Health::up && state.last.passed();
    probe.begin(*question, &address.sockaddr, length, &name, was_well);
}

void HealthChecks::on_done(void* target, const Finding* finding) {
    auto* self = static_cast<Target*>(target);
    guarded(self->checker.cycle_->log, [&] { self->checker.done(*self, finding); });
}

void HealthChecks::done(Target& target, const Finding* finding) {
    // A process that was held up so long that another one took over has nothing to say, unless that
    // one has gone again before the next look.
    if (!conf_.zone.hold(Lease::health, lease_time)) {
        target.due.set(lease_time, cycle_->log);
        return;
    }
    SharedHealth& health = target.record.health;
    if (finding == nullptr) {
        if (may_log(means_last_logged_, 60)) {
            ngx_log_error(NGX_LOG_ERR, cycle_->log, 0,
                          "lync_health: server %s could not be checked: no connection, port or "
                          "memory left; its state stays as it is",
                          target.title.c_str());
        }
        plan_next(target);
        return;
    }

    const config::HealthCheck& settings = target.farm->health_check;
    HealthState state = health.load();
    const Change change = state.take(*finding, {settings.fails, settings.passes});
    const std::uint64_t since = health.since;
    const auto now = static_cast<std::uint64_t>(ngx_time());
    if (change == Change::known || change == Change::up || change == Change::down) {
        health.since = now;
    }
    if (change == Change::up) {
        health.recovered = ngx_current_msec;
    }
    health.store(state);
    log_change(target, change, state, since);
    if (target.probe.certificate() != 0) {
        health.certificate = target.probe.certificate();
    }
    log_binding(target);
    note_build(target.record, target.probe.build(), target.title, *target.farm, cycle_->log);
    plan_next(target);
}

void HealthChecks::plan_next(Target& target) noexcept {
    SharedHealth& health = target.record.health;
    const std::uint64_t due =
        balance::next_check(health.due, ngx_current_msec, msec(target.farm->health_check.interval),
                            static_cast<std::uint32_t>(ngx_random()));
    health.due = due;
    target.due.set(static_cast<ngx_msec_t>(due - ngx_current_msec), cycle_->log);
}

void HealthChecks::log_change(const Target& target, Change change, const HealthState& state,
                              std::uint64_t since) const {
    const config::Farm& farm = *target.farm;
    const std::uint16_t port = check_port(farm);
    const auto why = [&](const Finding& finding) {
        const std::string reason = explain(finding, farm);
        return port == farm.ports.https ? reason : formatted("{} on port {}", reason, port);
    };

    const std::string title = config::quoted_title(farm);

    ngx_uint_t level = NGX_LOG_ERR;
    std::string text;
    switch (change) {
    case Change::none:
        if (state.last.passed() || state.health == Health::down) {
            return;
        }
        level = NGX_LOG_INFO;
        text = formatted("lync_health: server {} of {} failed check {} of {}: {}", target.title,
                         title, state.fails, farm.health_check.fails, why(state.last));
        break;
    case Change::known:
        level = NGX_LOG_INFO;
        text = formatted("lync_health: server {} of {} is up", target.title, title);
        break;
    case Change::down:
        text = formatted("lync_health: server {} of {} is down: {}", target.title, title,
                         why(state.cause));
        break;
    case Change::other_reason:
        text = formatted("lync_health: server {} of {} is still down, now: {}", target.title, title,
                         why(state.cause));
        break;
    case Change::up:
        level = NGX_LOG_WARN;
        text = formatted("lync_health: server {} of {} is up again after {} s", target.title, title,
                         static_cast<std::uint64_t>(ngx_time()) - since);
        break;
    }
    ngx_log_error(level, cycle_->log, 0, "%*s", text.size(), text.data());
}

/// Exchange has Extended Protection since 2019 CU14.
void HealthChecks::log_binding(const Target& target) const {
    using balance::Binding;
    SharedHealth& health = target.record.health;
    const Binding binding = balance::binding_of(health.certificate, target.question->presented);
    if (target.farm->role != config::Role::exchange || binding == Binding::unknown ||
        health.binding.exchange(binding) == binding) {
        return;
    }
    const std::string title = config::quoted_title(*target.farm);
    if (binding == Binding::works) {
        ngx_log_error(NGX_LOG_NOTICE, cycle_->log, 0,
                      "lync_health: Extended Protection works with server %s of %s: clients are "
                      "presented its certificate",
                      target.title.c_str(), title.c_str());
        return;
    }
    ngx_log_error(NGX_LOG_WARN, cycle_->log, 0,
                  "lync_health: sign-ins with Extended Protection will be refused (0xC000035B) by "
                  "server %s of %s: the certificates differ, clients have to be presented the "
                  "server's own one for each name, and no other",
                  target.title.c_str(), title.c_str());
}

std::shared_ptr<HealthChecks> start_health(ngx_cycle_t* cycle, MainConf& conf) {
    auto checks = std::make_shared<HealthChecks>(cycle, conf);
    if (!checks->has_checks()) {
        return nullptr;
    }
    checks->look();
    return checks;
}

} // namespace lync::nginx
