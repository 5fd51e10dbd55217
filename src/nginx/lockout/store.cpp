#include "nginx/lockout/store.h"

#include "nginx/lockout/lockout.h"
#include "nginx/shared/zone.h"

#include <algorithm>
#include <iterator>

namespace lync::nginx {

using accounts::Limits;
using accounts::Report;
using Kind = Redis::Question::Kind;

namespace {

/// Records in an answer: as many as are full of failures fit into a Reply.
constexpr std::size_t page = 64;

/// The words of a command, as they are written one after the other.
class Words {
public:
    void add(std::string_view word) noexcept { words_[count_++] = word; }
    template <typename... Arguments>
    void add(const char* format, Arguments... arguments) noexcept {
        u_char* begin = text_.data() + size_;
        const u_char* end = ngx_snprintf(begin, text_.size() - size_, format, arguments...);
        size_ = static_cast<std::size_t>(end - text_.data());
        add({reinterpret_cast<char*>(begin), static_cast<std::size_t>(end - begin)});
    }
    std::span<const std::string_view> all() const noexcept { return {words_.data(), count_}; }

private:
    std::array<std::string_view, 80> words_;
    std::size_t count_ = 0;
    std::array<u_char, 4096> text_;
    std::size_t size_ = 0;
};

} // namespace

Store::Store(const StoreSettings& settings, LockoutZone& zone, Zone& leases)
    : settings_(settings), zone_(zone), leases_(leases), redis_(settings.server, *this) {}

void Store::start() noexcept {
    redis_.start();
    tick_.set(1000, ngx_cycle->log);
}

void Store::stop() noexcept {
    tick_.cancel();
    redis_.stop();
}

void Store::on_there() noexcept {
    StoreState& state = zone_.store();
    state.read = 0;
    state.wanted++;
    log_there();
}

/// Also by a worker whose own connection was never lost: any answer proves it.
void Store::log_there() noexcept {
    const std::int64_t before = zone_.store().since.exchange(ngx_time());
    if (before < 0) {
        ngx_log_error(
            NGX_LOG_NOTICE, ngx_cycle->log, 0,
            "lync_lockout: lockout_store \"%s\" is back after %L s: what has been counted "
            "meanwhile is merged",
            settings_.server.shown.c_str(), ngx_time() + before);
    }
}

void Store::on_away(std::string_view why, std::string_view more) noexcept {
    reporting_all_ = reads_ = false;
    if (ngx_exiting) { // by an earlier configuration
        return;
    }
    StoreState& state = zone_.store();
    std::int64_t since = state.since;
    constexpr std::int64_t recent = 3;
    if (!redis_.is_there() && state.logged == settings_.loaded && since > ngx_time() - recent) {
        return; // it refuses this worker alone
    }
    while (since >= 0 && !state.since.compare_exchange_weak(since, -ngx_time())) {
    }
    // Once, and once more after a reload, which may have been to mend it.
    if (state.logged.exchange(settings_.loaded) != settings_.loaded || since >= 0) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "lync_lockout: lockout_store \"%s\" is away, this proxy counts alone: %*s%*s",
                      settings_.server.shown.c_str(), why.size(), why.data(), more.size(),
                      more.data());
    }
}

void Store::on_tick() noexcept {
    constexpr ngx_msec_t lease = 3000;
    if (redis_.is_there() && !ngx_exiting) {
        const StoreState& state = zone_.store();
        if (leases_.hold(Lease::store, lease)) {
            if (!reporting_all_ && state.wanted != state.done) {
                reporting_all_ = true;
                place_ = 0;
                round_ = state.wanted;
            }
            report_all();
        }
        ask_changes(); // each worker: a connection on which nothing is asked may be closed as idle
    }
    tick_.set(1000, ngx_cycle->log);
}

// --- one record

bool Store::exchange(const Report& report, const Limits& limits, std::uint64_t begins,
                     std::uint64_t gone, void* asker) noexcept {
    const unsigned limit = report.is_source ? limits.source_accounts : limits.failures;
    const std::size_t digits = report.is_source ? 32 : 16;
    std::array<u_char, 32> who;
    if (report.is_source) {
        ngx_hex_dump(who.data(), const_cast<u_char*>(report.address.data()), report.address.size());
    } else {
        ngx_sprintf(who.data(), "%016xL", report.tag);
    }
    Words words;
    words.add("EVALSHA");
    words.add(settings_.exchange);
    words.add("2");
    words.add("%s%c%*s", settings_.prefix.c_str(), report.is_source ? 's' : 'a', digits,
              who.data());
    words.add(settings_.index);
    words.add("%ud", limit);
    words.add("%uL", limits.window);
    words.add("%uL", limits.hold);
    words.add(begins == 0 ? "" : "%016xL", begins);
    words.add(gone == 0 ? "" : report.is_source ? "f%016xL" : "r%016xL", gone);
    words.add("%uL", report.cleared);
    words.add("%uL", report.held);
    words.add("%uL", limits.patience);
    words.add("%uL", settings_.longest.hold);
    for (std::uint32_t i = 0; i < report.count; i++) {
        words.add("%016xL", report.failed[i]);
        words.add("%uL", report.time_of(i));
    }
    return redis_.ask(words.all(), report.is_source ? Kind::source : Kind::account, asker,
                      report.tag);
}

bool Store::reserve(Attempt& attempt) noexcept {
    Report report;
    report.tag = attempt.account;
    zone_.fill(report);
    attempt.flight = static_cast<std::uint64_t>(ngx_random()) << 32U |
                     (static_cast<std::uint64_t>(ngx_random()) << 1U) | 1U;
    return exchange(report, attempt.limits, attempt.flight, 0, &attempt);
}

void Store::forget(const Attempt& attempt) noexcept {
    redis_.forget(&attempt);
}

void Store::report(bool is_source, std::uint64_t tag, const Limits& limits,
                   std::uint64_t gone) noexcept {
    Report report;
    report.is_source = is_source;
    report.tag = tag;
    zone_.fill(report);
    if ((!is_source || report.last != 0) && !exchange(report, limits, 0, gone, nullptr)) {
        zone_.store().wanted++;
    }
}

/// As many as there is room for; the rest as answers come.
void Store::report_all() noexcept {
    Limits limits = settings_.longest;
    limits.failures = limits.source_accounts = 0; // each publication decides on holds
    while (reporting_all_ && redis_.room() > Redis::most_questions / 2) {
        Report report;
        std::size_t next = place_;
        if (!zone_.next_report(next, report)) {
            zone_.store().done = round_;
            reporting_all_ = false;
        } else if (!exchange(report, limits, 0, 0, nullptr)) {
            return;
        } else {
            place_ = next;
        }
    }
}

/// Not before all records are sent: what the store has of a source replaces what is known here.
void Store::ask_changes() noexcept {
    if (const StoreState& state = zone_.store(); reads_ || state.wanted != state.done) {
        return;
    }
    Words words;
    words.add("EVALSHA");
    words.add(settings_.changes);
    words.add("1");
    words.add(settings_.index);
    words.add("%uL", zone_.store().read.load());
    words.add("%uz", page);
    reads_ = redis_.ask(words.all(), Kind::changes, nullptr, 0);
}

// --- answers

namespace {

/// The store has answered an attempt, or doesn't: the phases go on.
void wake(Attempt& attempt, accounts::Admission granted) noexcept {
    ngx_event_t* write = attempt.request->connection->write;
    attempt.granted = granted;
    if (write->timer_set) {
        ngx_del_timer(write);
    }
    write->delayed = 0;
    ngx_post_event(write, &ngx_posted_events);
}

} // namespace

/// What both scripts say of a record; the ids come last.
void read_record(Report& report, const std::uint64_t* number, std::size_t ids) noexcept {
    report.last = number[0];
    report.window = number[1];
    report.held = number[2];
    report.cleared = number[3];
    report.count = static_cast<std::uint32_t>(std::min(ids, report.failed.size()));
    std::copy_n(number + 4, report.count, report.failed.begin());
}

/// It was `there` at some time between the question and now. A clock that is set back is like a
/// store that comes back: all records are sent, so that they are put right here and there.
void Store::set_clock(std::uint64_t there, ngx_msec_t asked) noexcept {
    constexpr std::uint64_t stall = 10000;  // of a worker, which looks like a step
    constexpr std::uint64_t seldom = 60000; // workers may have two stores, by DNS
    constexpr std::uint64_t year_2001 = 978307200000;
    if (there < year_2001) {
        return; // no clock
    }
    StoreState& state = zone_.store();
    const std::uint64_t before = state.clock;
    state.clock = std::min(std::max(before, there - ngx_current_msec), there - asked);
    if (before > state.clock + stall && ngx_current_msec - state.set_back > seldom) {
        state.set_back = ngx_current_msec;
        state.wanted++;
    }
}

void Store::on_answer(const Redis::Question& question, const Reply* reply) noexcept {
    constexpr std::size_t fixed = 6; // verdict, now, last, window, held, cleared
    const bool whole = reply != nullptr && reply->size >= fixed;
    if (reply != nullptr && !ngx_exiting) {
        log_there();
    }
    auto verdict = accounts::Admission::pass;
    if (whole && question.kind != Kind::changes) {
        const auto* number = reply->number.data();
        verdict = number[0] == 2   ? accounts::Admission::held
                  : number[0] == 1 ? accounts::Admission::wait
                                   : accounts::Admission::pass;
        set_clock(number[1], question.asked);
        Report report;
        report.hold = settings_.longest.hold;
        report.is_source = question.kind == Kind::source;
        report.tag = question.tag;
        zone_.fill(report); // for the address of a source
        read_record(report, number + 2, reply->size - fixed);
        if (report.tag != 0 && zone_.merge(report) && question.asker == nullptr &&
            !reporting_all_) {
            std::array<char, 17> hash{};
            ngx_sprintf(reinterpret_cast<u_char*>(hash.data()), "%016xL", report.tag);
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "lync_lockout: %s %s is held, by what has failed at several proxies",
                          report.is_source ? "source" : "account", hash.data());
        }
    }
    if (question.kind == Kind::changes) {
        reads_ = false;
        if (reply != nullptr) {
            take_changes(*reply, question.asked);
        }
    } else if (question.asker != nullptr) {
        wake(*static_cast<Attempt*>(question.asker), verdict);
    }
    report_all();
}

void Store::take_changes(const Reply& reply, ngx_msec_t asked) noexcept {
    constexpr std::size_t head = 3; // now, stamp, whether there are more
    const auto* number = reply.number.data();
    if (reply.size >= head) { // before what is merged by it
        set_clock(number[0], asked);
    }
    std::size_t i = head;
    while (i < reply.size) {
        Report report;
        report.hold = settings_.longest.hold;
        report.is_source = number[i] == 's';
        const std::size_t fixed =
            i + (report.is_source ? 3 : 2); // count, last, window, held, cleared
        if (fixed + 5 > reply.size || number[fixed] > reply.size - fixed - 5) {
            break;
        }
        if (report.is_source) {
            for (std::size_t byte = 0; byte < report.address.size(); byte++) {
                report.address[byte] =
                    static_cast<unsigned char>(number[i + 1 + byte / 8] >> (56 - 8 * (byte % 8)));
            }
            report.tag = zone_.tag_of_source(report.address);
        } else {
            report.tag = number[i + 1];
        }
        read_record(report, number + fixed + 1, number[fixed]);
        i = fixed + 5 + number[fixed];
        zone_.merge(report);
    }
    if (reply.size >= head) {
        zone_.store().read = number[1];
        if (number[2] != 0) {
            ask_changes();
        }
    }
}

} // namespace lync::nginx
