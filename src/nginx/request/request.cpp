// The verdict in nginx's phases: a request's own words to the policy, its answer back to nginx.

#include "nginx/request/request.h"

#include "base/ascii.h"
#include "nginx/request/body.h"

#include <algorithm>

namespace lync::nginx {

namespace {

using policy::Action;
using policy::Reason;

/// What is forwarded: the request line's own target. nginx forwards a rebuilt one where the
/// client wrote none (`GET http://lyncdiscover.contoso.com?sipuri=...`, as phones do) or where a
/// server_include rewrote it.
std::string_view forwarded_target(ngx_http_request_t* r) noexcept {
    if (r->valid_unparsed_uri) {
        return view(r->unparsed_uri);
    }
    const std::size_t size = r->uri.len + 1 + r->args.len;
    auto* target = static_cast<u_char*>(ngx_pnalloc(r->pool, size));
    if (target == nullptr) {
        return {};
    }
    u_char* last = std::copy_n(r->uri.data, r->uri.len, target); // may be NULL, of no length
    if (r->args.len != 0) {
        *last++ = '?';
        last = std::copy_n(r->args.data, r->args.len, last);
    }
    return {reinterpret_cast<char*>(target), static_cast<std::size_t>(last - target)};
}

/// With an absolute target the name in it routes the request, but the Host header is what a
/// server sees: two different names would publish one that isn't.
bool host_differs(ngx_http_request_t* r) noexcept {
    if (r->host_start == nullptr || r->headers_in.host == nullptr) {
        return false;
    }
    const std::string_view routed = view(r->headers_in.server);
    std::string_view written = view(r->headers_in.host->value);
    if (const std::size_t port = written.rfind(':');
        port != std::string_view::npos && written.find(']', port) == std::string_view::npos) {
        written.remove_suffix(written.size() - port);
    }
    if (!written.empty() && written.back() == '.') {
        written.remove_suffix(1);
    }
    return written.size() != routed.size() ||
           ngx_strncasecmp(r->headers_in.server.data,
                           reinterpret_cast<u_char*>(const_cast<char*>(written.data())),
                           routed.size()) != 0;
}

/// HTTP/1.0 may say the name in an absolute target alone; servers are spoken to in HTTP/1.1, which
/// has none without a Host header [RFC 9112, 3.2.2]. False if there is no memory.
bool complete_host(ngx_http_request_t* r) noexcept {
    if (r->host_start == nullptr || r->headers_in.host != nullptr) {
        return true;
    }
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_in.headers));
    if (header == nullptr) {
        return false;
    }
    static u_char lowcase_key[] = "host";
    header->hash = ngx_hash_key(lowcase_key, sizeof(lowcase_key) - 1);
    ngx_str_set(&header->key, "Host");
    header->lowcase_key = lowcase_key;
    header->value = r->headers_in.server;
    set_last_of_its_name(header);
    r->headers_in.host = header;
    return true;
}

void keep_state(void*) {}

RequestState* kept_state(ngx_http_request_t* r) noexcept {
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(RequestState));
    if (cleanup == nullptr) {
        return nullptr;
    }
    ngx_memzero(cleanup->data, sizeof(RequestState));
    cleanup->handler = keep_state;
    return static_cast<RequestState*>(cleanup->data);
}

RequestState* make_state(ngx_http_request_t* r) noexcept {
    RequestState* state = kept_state(r);
    if (state != nullptr) {
        ngx_http_set_ctx(r, state, ngx_lync_module);
    }
    return state;
}

/// What the request was treated by, also after an internal redirect; NULL if nobody asked.
RequestState* ruled_state(ngx_http_request_t* r) noexcept {
    RequestState* state = state_of(r);
    if (state != nullptr && state->ruled) {
        return state;
    }
    if (r != r->main) {
        return nullptr;
    }
    for (const ngx_pool_cleanup_t* c = r->pool->cleanup; c != nullptr; c = c->next) {
        if (c->handler == keep_state && static_cast<RequestState*>(c->data)->ruled) {
            return static_cast<RequestState*>(c->data);
        }
    }
    return nullptr;
}

/// nginx's own log handler, if ours stands before it.
ngx_http_log_handler_pt log_handler_behind(const ngx_http_request_t* r) noexcept {
    for (const ngx_pool_cleanup_t* c = r->pool->cleanup; c != nullptr; c = c->next) {
        if (c->handler == keep_state &&
            static_cast<const RequestState*>(c->data)->log_handler != nullptr) {
            return static_cast<const RequestState*>(c->data)->log_handler;
        }
    }
    return nullptr;
}

policy::Request request_of(ngx_http_request_t* r) noexcept {
    return {view(r->method_name), forwarded_target(r), view(r->headers_in.server)};
}

policy::Verdict judge(ngx_http_request_t* r, const Host& host,
                      const policy::Request& request) noexcept {
    if (host_differs(r)) {
        policy::Verdict verdict;
        verdict.reason = Reason::malformed;
        return verdict;
    }
    return host.site.judge(request);
}

policy::Verdict judge(ngx_http_request_t* r, const Host& host) noexcept {
    return judge(r, host, request_of(r));
}

/// The same host, path and query by https; the method of anything but GET and HEAD is kept.
ngx_int_t redirect(ngx_http_request_t* r) noexcept {
    constexpr std::string_view scheme = "https://";
    const std::string_view host = view(r->headers_in.server);
    const std::string_view target = forwarded_target(r);

    auto* location =
        static_cast<u_char*>(ngx_pnalloc(r->pool, scheme.size() + host.size() + target.size()));
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
    if (location == nullptr || header == nullptr || target.empty()) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u_char* last = ngx_cpymem(location, scheme.data(), scheme.size());
    last = ngx_cpymem(last, host.data(), host.size());
    last = ngx_cpymem(last, target.data(), target.size());

    header->hash = 1;
    ngx_str_set(&header->key, "Location");
    header->value.data = location;
    header->value.len = static_cast<std::size_t>(last - location);
    set_last_of_its_name(header);
    r->headers_out.location = header;

    return (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0 ? NGX_HTTP_MOVED_PERMANENTLY
                                                             : NGX_HTTP_PERMANENT_REDIRECT;
}

/// For the status page, with the line in the log: without the query.
void remember_refusal(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    Counters& counters = main_conf_of(r).counters;
    if (!counters.counting()) {
        return;
    }
    const ngx_time_t* now = ngx_timeofday();
    const RequestState* state = state_of(r);
    std::string_view path = forwarded_target(r);
    path = path.substr(0, path.find('?'));
    counters.remember(
        {.time = static_cast<std::int64_t>(now->sec) * 1000 + static_cast<std::int64_t>(now->msec),
         .reason = reason,
         .service = state == nullptr ? policy::Service::unknown : state->verdict.service,
         .tls = r->connection->ssl != nullptr,
         .publication = host.publication.plan.publication.name,
         .client = client_address(r->connection),
         .method = view(r->method_name),
         .host = view(r->headers_in.server),
         .path = path});
}

/// One line a second for each publication and reason: a scanner must not fill a disk. Names that
/// nobody publishes are asked for all day, so they are told at a level of their own.
void tell_refusal(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    const config::Publication& declared = host.publication.plan.publication;
    const std::string_view name = policy::reason_name(reason);
    time_t& told = host.publication.told[static_cast<std::size_t>(reason)];
    if (told == ngx_time()) {
        return;
    }
    told = ngx_time();

    const ngx_uint_t level = reason == Reason::unknown_host ? NGX_LOG_INFO : NGX_LOG_ERR;
    const std::string_view remedy =
        reason == Reason::path ? host.site.allow_path_remedy(request_of(r)) : std::string_view();
    remember_refusal(r, host, reason);
    if (remedy.empty()) {
        ngx_log_error(level, r->connection->log, 0,
                      "lync_refused: lync_publish \"%s\" refused: %*s", declared.name.c_str(),
                      name.size(), name.data());
        return;
    }
    ngx_log_error(
        level, r->connection->log, 0,
        "lync_refused: lync_publish \"%s\" refused: %*s, \"allow_path %*s\" would publish it",
        declared.name.c_str(), name.size(), name.data(), remedy.size(), remedy.data());
}

// --- what logs may say of autodiscover

/// Whether the query may have people's addresses in it: that of autodiscover, also on its way to a
/// name or a path that nobody publishes.
bool query_has_addresses(const policy::Verdict& verdict) noexcept {
    return has_addresses(verdict.service) || verdict.service == policy::Service::unknown;
}

/// Of what the client asked for, or of what a rewrite has made of it.
bool query_has_addresses(ngx_http_request_t* r) noexcept {
    const Host* host = host_of(r);
    const RequestState* ruled = ruled_state(r);
    return (ruled != nullptr && query_has_addresses(ruled->verdict)) ||
           (host != nullptr &&
            query_has_addresses(
                judge(r, *host,
                      {view(r->method_name), view(r->unparsed_uri), view(r->headers_in.server)})));
}

constexpr auto is_query = [](u_char c) { return c == '?'; };

/// A page of autodiscover may be what refers to this one.
bool is_referred_by_query(const ngx_http_request_t* r) noexcept {
    const ngx_table_elt_t* referer = r->headers_in.referer;
    return referer != nullptr &&
           std::any_of(referer->value.data, referer->value.data + referer->value.len, is_query);
}

void cut_query(ngx_str_t& text) noexcept {
    text.len = static_cast<std::size_t>(std::find_if(text.data, text.data + text.len, is_query) -
                                        text.data);
}

/// nginx's lines about a request quote it with its query, where autodiscover has people's
/// addresses. Ours stands in front and takes the query away while the line is written.
u_char* describe_request(ngx_http_request_t* r, ngx_http_request_t* sr, u_char* buf,
                         std::size_t len) {
    const ngx_http_log_handler_pt behind = log_handler_behind(r);
    if (behind == nullptr) {
        return buf;
    }
    const ngx_str_t line = r->request_line;
    const ngx_str_t uri = r->upstream == nullptr ? ngx_str_t{} : r->upstream->uri;
    const bool own = query_has_addresses(r);
    if (own) {
        cut_query(r->request_line);
    }
    if (own && r->upstream != nullptr) {
        cut_query(r->upstream->uri);
    }
    ngx_table_elt_t* referer = r->headers_in.referer;
    const ngx_str_t page = referer == nullptr ? ngx_str_t{} : referer->value;
    if (referer != nullptr) {
        cut_query(referer->value);
    }
    u_char* end = behind(r, sr, buf, len);
    r->request_line = line;
    if (r->upstream != nullptr) {
        r->upstream->uri = uri;
    }
    if (referer != nullptr) {
        referer->value = page;
    }
    return end;
}

/// The status that a refusal is answered with.
ngx_int_t status_of(Reason reason) noexcept {
    switch (reason) {
    case Reason::unknown_host:
        return NGX_HTTP_CLOSE;
    case Reason::malformed:
        return NGX_HTTP_BAD_REQUEST;
    case Reason::body:
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    default: // to the outside there is no difference between closed and absent
        return NGX_HTTP_NOT_FOUND;
    }
}

/// Whether the request was refused before an internal redirect: the page of an `error_page` is
/// asked for with another path, which the rules may well let pass.
bool was_refused(const RequestState* before, const RequestState* now) noexcept {
    return before != nullptr && before != now && before->verdict.action == Action::refuse;
}

/// Whether the client hasn't finished its handshake: then anybody may have recorded the request
/// and be sending it a second time [RFC 8446, 8]. Generated servers take no such data, but the
/// handshake follows the socket's default server, which may be a foreign one.
bool is_early_data(const ngx_connection_t* c) noexcept {
    return c->ssl != nullptr && !SSL_is_init_finished(c->ssl->connection);
}

constexpr ngx_int_t too_early = 425; ///< [RFC 8470, 5.2], of which nginx has no name

} // namespace

RequestState* state_of(ngx_http_request_t* r) noexcept {
    return static_cast<RequestState*>(ngx_http_get_module_ctx(r, ngx_lync_module));
}

ngx_int_t refuse(ngx_http_request_t* r, const Host& host, Reason reason) noexcept {
    if (RequestState* state = state_of(r)) {
        state->verdict.action = Action::refuse;
        state->verdict.reason = reason;
    }
    tell_refusal(r, host, reason);
    return status_of(reason);
}

policy::Verdict verdict_of(ngx_http_request_t* r, const Host& host) noexcept {
    const RequestState* known = state_of(r);
    if (known != nullptr) {
        return known->verdict;
    }

    const policy::Verdict verdict = judge(r, host);
    if (RequestState* state = make_state(r)) {
        state->verdict = verdict;
    }
    return verdict;
}

const policy::Verdict* ruled_verdict(ngx_http_request_t* r) noexcept {
    const RequestState* state = ruled_state(r);
    return state == nullptr ? nullptr : &state->verdict;
}

void note_owned_connection(ngx_http_request_t* r, ngx_atomic_uint_t number) noexcept {
    if (RequestState* state = ruled_state(r)) {
        state->owned_connection = number;
    }
}

ngx_atomic_uint_t owned_connection(ngx_http_request_t* r) noexcept {
    const RequestState* state = ruled_state(r);
    return state == nullptr ? 0 : state->owned_connection;
}

bool has_addresses(policy::Service service) noexcept {
    return service == policy::Service::autodiscover ||
           service == policy::Service::exchange_autodiscover;
}

bool is_pending_get(ngx_http_request_t* r) noexcept {
    constexpr std::string_view channel = "/events";
    const Host* host = host_of(r);
    const std::string_view path = view(r->uri);
    return host != nullptr && path.size() >= channel.size() &&
           equal_ignore_case(path.substr(path.size() - channel.size()), channel) &&
           verdict_of(r, *host).service == policy::Service::ucwa;
}

} // namespace lync::nginx

using namespace lync::nginx;

/// nginx complains of a body that is too large before the rules are asked. What a query is, is
/// asked when a line is written.
ngx_int_t lync_hide_handler(ngx_http_request_t* r) {
    const Host* host = host_of(r);
    if (host == nullptr || host->publication.plan.publication.log_sip_uri ||
        r->log_handler == describe_request || (r->args.len == 0 && !is_referred_by_query(r))) {
        return NGX_DECLINED;
    }
    if (RequestState* state = kept_state(r)) {
        state->log_handler = r->log_handler;
        r->log_handler = describe_request;
    }
    return NGX_DECLINED;
}

ngx_int_t lync_request_handler(ngx_http_request_t* r) {
    const auto* location = static_cast<LocConf*>(ngx_http_get_module_loc_conf(r, ngx_lync_module));
    const Host* host = host_of(r);
    if (!location->judged || host == nullptr) {
        return NGX_DECLINED;
    }

    // A foreign server on the same socket may offer HTTP/2, and a browser may then ask for our
    // names on its connection: they are to be asked for on one of their own [RFC 9110, 15.5.20].
    if (r->http_version >= NGX_HTTP_VERSION_20) {
        return NGX_HTTP_MISDIRECTED_REQUEST;
    }

    // Nor is it for replays: a client that gets this asks again after the handshake.
    if (is_early_data(r->connection)) {
        return too_early;
    }

    const RequestState* before = ruled_state(r);
    const bool refused = was_refused(before, state_of(r));
    // Somebody's `set` or `if` has asked a variable, and a `rewrite` behind it has changed what is
    // asked for.
    const bool outdated = state_of(r) != nullptr && !state_of(r)->ruled && !r->valid_unparsed_uri;
    if (outdated) {
        forget_variables(r);
    }
    const lync::policy::Verdict verdict = refused    ? before->verdict
                                          : outdated ? judge(r, *host)
                                                     : verdict_of(r, *host);
    RequestState* state = state_of(r);
    if (state == nullptr) {
        state = make_state(r);
    }
    if (state != nullptr) {
        state->verdict = verdict;
        state->ruled = true;
    }
    if (refused) {
        return status_of(verdict.reason);
    }
    switch (verdict.action) {
    case lync::policy::Action::pass:
        return complete_host(r) ? judge_body(r, *host) : NGX_HTTP_INTERNAL_SERVER_ERROR;
    case lync::policy::Action::redirect:
        return redirect(r);
    case lync::policy::Action::refuse:
        break;
    }
    return refuse(r, *host, verdict.reason);
}
