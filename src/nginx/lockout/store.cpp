#include "nginx/lockout/store.h"

#include "base/format.h"
#include "config/publication.h"
#include "config/regular_file.h"
#include "nginx/lockout/lockout.h"
#include "nginx/shared/zone.h"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

namespace lync::nginx {

using accounts::Limits;
using accounts::Report;
using Kind = Redis::Question::Kind;

namespace {

/// Merges a record into the stored one, which is the answer. A hash: c
/// (cleared), h (held until), w (window), f* (failures), r* (attempts on their way, and until
/// when). Times are the store's own, so that holds end at the same time everywhere. What else may
/// stand in its place is none of a record's, and makes room for one.
constexpr std::string_view exchange_script = R"(
local name = KEYS[1]:sub(#KEYS[2] - #'changes' + 1)
local limit, window, hold = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local begins, gone, patience = ARGV[4], ARGV[5], tonumber(ARGV[8])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i, kind in ipairs({'hash', 'zset'}) do
  local is = redis.call('TYPE', KEYS[i]).ok
  if is ~= kind and is ~= 'none' then redis.call('DEL', KEYS[i]) end
end
redis.call('HSET', KEYS[1], 'w', window) -- a full store refuses that, but nothing after DEL
local old, s, changed, void = redis.call('HGETALL', KEYS[1]), {}, false, false
for i = 1, math.min(#old, 4000), 2 do
  if old[i]:find('^[fr]%x+$') or old[i]:find('^[ch]$') then s[old[i]] = tonumber(old[i + 1]) end
end
changed, s[gone] = gone:sub(1, 1) == 'f' and s[gone] ~= nil, nil
local known, was = s.c or 0, s.h or 0
local c, h = math.max(known, tonumber(ARGV[6])), math.max(was, tonumber(ARGV[7]))
s.c, s.h = nil, nil
for i = 9, #ARGV, 2 do
  local f, at = 'f' .. ARGV[i], tonumber(ARGV[i + 1])
  if at > c and not s[f] then s[f], changed = at, true end
end
local n, flights, last = 0, 0, 0
for f, at in pairs(s) do
  if f:sub(1, 1) == 'r' then
    if at > now then flights = flights + 1 else s[f] = nil end
  elseif at > c then n, last = n + 1, math.max(last, at)
  else s[f], void = nil, true end
end
if n > 0 and (h > 0 and h <= now or h == 0 and last + window <= now) then
  c, n, void = math.max(c, last), 0, true
  for f in pairs(s) do if f:sub(1, 1) == 'f' then s[f] = nil end end
end
if not void then c = known end
if n == 0 then h = 0 end
if h == 0 and limit > 0 and n >= limit then h = now + hold end
local verdict = 0
if h > 0 then verdict = 2 elseif limit > 0 and n + flights >= limit then verdict = 1 end
if verdict == 0 and begins ~= '' then s['r' .. begins] = now + patience end
local keep = math.max(window, hold, h - now, patience) + 10000
redis.call('DEL', KEYS[1])
if c > 0 or next(s) then
  local all = {'c', c, 'h', h, 'w', window}
  for f, at in pairs(s) do all[#all + 1] = f; all[#all + 1] = at end
  redis.call('HMSET', KEYS[1], unpack(all))
  redis.call('PEXPIRE', KEYS[1], keep)
end
if changed or c ~= known or h ~= was then
  local stamp = t[1] * 1000000 + t[2]
  redis.call('ZADD', KEYS[2], string.format('%.0f', stamp), name)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', stamp - keep * 1000))
  redis.call('PEXPIRE', KEYS[2], keep)
end
local answer = {verdict, now, last, window, h, c}
for f in pairs(s) do if f:sub(1, 1) == 'f' then answer[#answer + 1] = f:sub(2) end end
return answer
)";

/// What has changed after a stamp, at most a page.
constexpr std::string_view changes_script = R"(
local since, page, prefix = ARGV[1], tonumber(ARGV[2]), KEYS[1]:sub(1, -1 - #'changes')
local t = redis.call('TIME')
local stamp = t[1] * 1000000 + t[2]
if tonumber(since) > stamp then since = '0' end
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, page)
local answer = {math.floor(stamp / 1000), tonumber(names[#names] or since), #names == 2 * page and 1 or 0}
for i = 1, #names, 2 do
  local all, f, last, v = redis.pcall('HGETALL', prefix .. names[i]), {}, 0, {}
  for j = 1, #all, 2 do
    local at = tonumber(all[j + 1])
    if all[j]:sub(1, 1) == 'f' then
      if #f < 32 then f[#f + 1] = all[j]:sub(2) end
      last = math.max(last, at)
    else v[all[j]] = at end
  end
  if v.w then
    for _, x in ipairs({names[i], #f, last, v.w, v.h, v.c}) do answer[#answer + 1] = x end
    for _, x in ipairs(f) do answer[#answer + 1] = x end
  end
end
return answer
)";

/// Records in an answer: as many as are full of failures fit into a Reply.
constexpr std::size_t page = 64;

std::string sha1_of(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    std::string hex(std::size_t{2} * size, '0');
    ngx_hex_dump(reinterpret_cast<u_char*>(hex.data()), digest.data(), size);
    return hex;
}

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

/// The first line of a file: a secret that the proxies share.
std::string secret_of(ngx_conf_t* cf, const std::string& file, std::size_t least,
                      const config::LockoutStore& declared) {
    ngx_str_t name = copy(cf->pool, file);
    if (name.data == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        throw std::bad_alloc();
    }
    std::string text;
    std::string why = config::read_regular_file(std::string(view(name)), text);
    text.resize(std::min(text.find('\n'), text.size()));
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    if (why.empty() && (text.size() < least || text.find('\0') != std::string::npos)) {
        why = text.empty() ? "it begins with an empty line"
                           : formatted("its first line is shorter than {} characters: \"openssl "
                                       "rand -hex 32\" makes a key",
                                       least);
    }
    if (!why.empty()) {
        throw mistake(declared.place, "\"lockout_store\" can't be used: {}: {}", quoted(view(name)),
                      why);
    }
    return text;
}

} // namespace

StoreSettings::StoreSettings(ngx_conf_t* cf, const config::LockoutStore& declared)
    : exchange(sha1_of(exchange_script)), changes(sha1_of(changes_script)),
      loaded(ngx_current_msec) {
    constexpr std::size_t least_key = 16;
    server.shown = declared.shown;
    server.host = declared.host;

    const std::string secret = "lync_lockout " + secret_of(cf, declared.key, least_key, declared);
    unsigned size = 0;
    EVP_Digest(secret.data(), secret.size(), key.data(), &size, EVP_sha256(), nullptr);
    prefix =
        "lync:{" + sha1_of({reinterpret_cast<char*>(key.data()), key.size()}).substr(0, 8) + "}:";
    index = prefix + "changes";

    ngx_url_t url{};
    url.url = copy(cf->pool, declared.address);
    url.default_port = config::LockoutStore::default_port;
    if (url.url.data == nullptr) {
        throw std::bad_alloc();
    }
    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        throw mistake(declared.place, "\"lockout_store\" can't be used: {} in {}",
                      url.err == nullptr ? "no address" : url.err, quoted(declared.address));
    }
    server.addresses.assign(url.addrs, url.addrs + url.naddrs);

    if (declared.tls) {
        constexpr ngx_int_t depth = 3;
        server.tls = static_cast<ngx_ssl_t*>(ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t)));
        ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(cf->pool, 0);
        ngx_str_t ca = copy(cf->pool, declared.ca);
        if (server.tls == nullptr || cleanup == nullptr || ca.data == nullptr) {
            throw std::bad_alloc();
        }
        server.tls->log = cf->log;
        if (ngx_ssl_create(server.tls, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, nullptr) != NGX_OK) {
            throw std::bad_alloc();
        }
        cleanup->handler = ngx_ssl_cleanup_ctx;
        cleanup->data = server.tls;
        if (ngx_ssl_trusted_certificate(cf, server.tls, &ca, depth) != NGX_OK) {
            throw mistake(declared.place,
                          "\"lockout_store\" can't be used: no certificates in ca={}", declared.ca);
        }
    }

    const std::string password = declared.password_file.empty()
                                     ? declared.password
                                     : secret_of(cf, declared.password_file, 1, declared);
    if (!password.empty()) {
        server.greeting.push_back({"AUTH"});
        if (!declared.user.empty()) {
            server.greeting.back().push_back(declared.user);
        }
        server.greeting.back().push_back(password);
    }
    if (declared.database != 0) {
        server.greeting.push_back({"SELECT", std::to_string(declared.database)});
    }
    server.greeting.push_back({"SCRIPT", "LOAD", std::string(exchange_script)});
    server.greeting.push_back({"SCRIPT", "LOAD", std::string(changes_script)});
    // Whether both may run and write, before anything depends on it.
    server.greeting.push_back({"EVALSHA", exchange, "2", prefix + "probe", index, "0", "1", "1",
                               "0", "", "0", "0", "1000"});
    server.greeting.push_back({"EVALSHA", changes, "1", index, "0", "1"});
}

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
    limits.failures = limits.source_accounts = 0; // holds are the affair of publications
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

/// It was `there` at some time between the question and now.
void Store::set_clock(std::uint64_t there, ngx_msec_t asked) noexcept {
    std::atomic<std::uint64_t>& clock = zone_.store().clock;
    clock = std::min(std::max(clock.load(), there - ngx_current_msec), there - asked);
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
            take_changes(*reply);
        }
    } else if (question.asker != nullptr) {
        wake(*static_cast<Attempt*>(question.asker), verdict);
    }
    report_all();
}

void Store::take_changes(const Reply& reply) noexcept {
    constexpr std::size_t head = 3; // now, stamp, whether there are more
    const auto* number = reply.number.data();
    std::size_t i = head;
    while (i < reply.size) {
        Report report;
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
