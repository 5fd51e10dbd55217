// What a configuration says of the store: where it is, how a worker introduces itself there, and
// the scripts that it runs.

#include "base/format.h"
#include "base/regular_file.h"
#include "config/publication.h"
#include "nginx/lockout/store.h"

#include <openssl/evp.h>

#include <algorithm>

namespace lync::nginx {

namespace {

/// Merges a record into the stored one, which is the answer. A hash: c
/// (cleared), h (held until), w (window), f* (failures), r* (attempts on their way, and until
/// when). Times are the store's own, so that holds end at the same time everywhere. Those that lie
/// ahead of it by more than clocks differ (1000 is accounts::clock_skew) were written before it was
/// put right, see accounts::settle. What else may stand in its place is none of a record's, and
/// makes room for one.
constexpr std::string_view exchange_script = R"(
local name = KEYS[1]:sub(#KEYS[2] - #'changes' + 1)
local limit, window, hold = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local begins, gone, patience = ARGV[4], ARGV[5], tonumber(ARGV[8])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local longest = now + tonumber(ARGV[9])
local function past(at, else_at) return tonumber(at) > now + 1000 and else_at or tonumber(at) end
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
local known, was = past(s.c or 0, 0), s.h or 0
local c, h = math.max(known, past(ARGV[6], 0)), math.min(math.max(was, tonumber(ARGV[7])), longest)
s.c, s.h = nil, nil
for i = 10, #ARGV, 2 do
  local f, at = 'f' .. ARGV[i], past(ARGV[i + 1], now)
  if at > c and not s[f] then s[f], changed = at, true end
end
local n, flights, last = 0, 0, 0
for f, at in pairs(s) do
  if f:sub(1, 1) == 'r' then
    s[f] = at > now and math.min(at, now + 60000) or nil -- body_patience
    if s[f] then flights = flights + 1 end
  else
    s[f] = past(at, now)
    if s[f] > c then n, last = n + 1, math.max(last, s[f]) else s[f], void = nil, true end
  end
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

/// What has changed after a stamp, at most a page; not what lies ahead, which would never be over.
constexpr std::string_view changes_script = R"(
local since, page, prefix = ARGV[1], tonumber(ARGV[2]), KEYS[1]:sub(1, -1 - #'changes')
local t = redis.call('TIME')
local stamp = t[1] * 1000000 + t[2]
if tonumber(since) > stamp then since = '0' end
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. since, string.format('%.0f', stamp), 'WITHSCORES', 'LIMIT', 0, page)
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

std::string sha1_of(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    std::string hex(std::size_t{2} * size, '0');
    ngx_hex_dump(reinterpret_cast<u_char*>(hex.data()), digest.data(), size);
    return hex;
}

/// The first line of a file: a secret that the proxies share.
std::string secret_of(ngx_conf_t* cf, const std::string& file, std::size_t least,
                      const config::LockoutStore& declared) {
    ngx_str_t name = copy(cf->pool, file);
    if (name.data == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        throw std::bad_alloc();
    }
    std::string text;
    std::string why = read_regular_file(std::string(view(name)), text);
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

std::vector<ngx_addr_t> addresses_of(ngx_conf_t* cf, const config::LockoutStore& declared) {
    ngx_url_t url{};
    url.url = copy(cf->pool, declared.address);
    url.default_port = config::LockoutStore::default_port;
    if (url.url.data == nullptr) {
        throw std::bad_alloc();
    }
    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        throw mistake(declared.place, "\"lockout_store\" can't be used: {} in {}{}",
                      url.err == nullptr ? "no address" : url.err, quoted(declared.address),
                      declared.host.empty() ? "" : ", make the name resolve or write the address");
    }
    return {url.addrs, url.addrs + url.naddrs};
}

ngx_ssl_t* tls_of(ngx_conf_t* cf, const config::LockoutStore& declared) {
    constexpr ngx_int_t depth = 3;
    auto* tls = static_cast<ngx_ssl_t*>(ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t)));
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    ngx_str_t ca = copy(cf->pool, declared.ca);
    if (tls == nullptr || cleanup == nullptr || ca.data == nullptr) {
        throw std::bad_alloc();
    }
    tls->log = cf->log;
    if (ngx_ssl_create(tls, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, nullptr) != NGX_OK) {
        throw std::bad_alloc();
    }
    cleanup->handler = ngx_ssl_cleanup_ctx;
    cleanup->data = tls;
    if (ngx_ssl_trusted_certificate(cf, tls, &ca, depth) != NGX_OK) {
        throw mistake(declared.place, "\"lockout_store\" can't be used: no certificates in ca={}",
                      declared.ca);
    }
    return tls;
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

    server.addresses = addresses_of(cf, declared);
    server.tls = declared.tls ? tls_of(cf, declared) : nullptr;
    greet(declared, declared.password_file.empty()
                        ? declared.password
                        : secret_of(cf, declared.password_file, 1, declared));
}

void StoreSettings::greet(const config::LockoutStore& declared, const std::string& password) {
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
                               "0", "", "0", "0", "1000", "1"});
    server.greeting.push_back({"EVALSHA", changes, "1", index, "0", "1"});
}

} // namespace lync::nginx
