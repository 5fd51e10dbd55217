#include "nginx/request/body.h"

#include "base/ascii.h"
#include "nginx/request/target.h"
#include "policy/meeting_url.h"

#include <algorithm>
#include <utility>

namespace lync::nginx {

namespace {

using policy::Reason;

ngx_http_request_body_filter_pt next_body_filter;

constexpr off_t most_read = policy::max_parameters;
static_assert(policy::max_sign_in_body == policy::max_parameters);

bool exceeds(off_t length, policy::BodyLimit body) noexcept {
    const std::uint64_t limit = policy::body_limit_bytes(body);
    return limit != 0 && length > static_cast<off_t>(limit);
}

void body_is_read(ngx_http_request_t* r) {
    state_of(r)->body_read = true;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r); // the verdict's handler first, which asks again
}

std::size_t in_memory(const ngx_buf_t* buffer) noexcept {
    return ngx_buf_in_memory(buffer) ? static_cast<std::size_t>(buffer->last - buffer->pos) : 0;
}

/// The size of a body; 0 if part of it is in a file. The end of a chunked one is a buffer of
/// neither kind.
std::size_t in_memory(const ngx_chain_t* chain) noexcept {
    std::size_t size = 0;
    for (; chain != nullptr; chain = chain->next) {
        if (chain->buf->in_file) {
            return 0;
        }
        size += in_memory(chain->buf);
    }
    return size;
}

/// Only a form that can be read as one passes: ASP.NET takes parameters from both kinds.
bool form_passes(ngx_http_request_t* r, const Host& host) noexcept {
    const ngx_table_elt_t* type = r->headers_in.content_type;
    const std::string_view written = type == nullptr ? std::string_view() : view(type->value);
    constexpr std::string_view multipart = "multipart/";
    if (written.size() >= multipart.size() &&
        equal_ignore_case(written.substr(0, multipart.size()), multipart)) {
        return false;
    }

    const std::optional<std::string_view> form = body_text(r, policy::max_parameters);
    return form && (form->empty() || host.site.parameters_pass(*form));
}

ngx_int_t guard_form(ngx_http_request_t* r, const Host& host, const RequestState& state) noexcept {
    if (!state.verdict.guarded || !announces_body(r)) {
        return NGX_DECLINED;
    }
    if (!state.body_read && r->headers_in.content_length_n <= most_read) {
        return read_body(r);
    }
    return state.body_read && form_passes(r, host) ? NGX_DECLINED
                                                   : refuse(r, host, Reason::meeting_url);
}

bool is_form(const ngx_http_request_t* r) noexcept {
    constexpr std::string_view form = "application/x-www-form-urlencoded";
    return any_header(r->headers_in.headers, "content-type", [&](const ngx_table_elt_t& type) {
        return equal_ignore_case(trimmed(view(type.value), " \t").substr(0, form.size()), form);
    });
}

/// For services of which rows look at the fields of forms: one is read first, unless it is too
/// large for that.
ngx_int_t judge_form(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    const policy::Shields& shields = host.site.shields();
    const policy::Service service = state.verdict.service;
    if (!announces_body(r) || !shields.look(policy::in_form, service) || !is_form(r)) {
        return NGX_DECLINED;
    }
    if (!state.body_read && r->headers_in.content_length_n <= most_read) {
        return read_body(r);
    }
    const auto form = state.body_read ? body_text(r, policy::max_parameters) : std::nullopt;
    const policy::ShieldHit hit = form ? shields.find_in_each(policy::in_form, service, *form, '&')
                                       : shields.give_up(policy::in_form, service);
    if (!hit) {
        return NGX_DECLINED;
    }
    state.verdict.shield = hit;
    if (shields.refuses(hit)) {
        return refuse(r, host, Reason::shield);
    }
    log_shield(r, host, state);
    return NGX_DECLINED;
}

/// For services of which rows look at file names or forms: the parts of a body are found as it
/// passes.
ngx_int_t watch_parts(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    if (state.parts != nullptr || !announces_body(r) ||
        !host.site.shields().look(policy::in_file | policy::in_form, state.verdict.service)) {
        return NGX_DECLINED;
    }
    auto* parts = static_cast<policy::PartHeads*>(ngx_palloc(r->pool, sizeof(policy::PartHeads)));
    if (parts == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    new (parts) policy::PartHeads;
    std::size_t multipart = 0;
    std::size_t types = 0;
    bool readable = true;
    any_header(r->headers_in.headers, "content-type", [&](const ngx_table_elt_t& type) {
        using Type = policy::PartHeads::Type;
        const Type is = parts->begin(view(type.value));
        multipart += is != Type::other ? 1 : 0;
        readable = readable && is != Type::unreadable;
        types++;
        return false;
    });
    if (multipart == 0) {
        return NGX_DECLINED;
    }
    const bool passed = r != r->main && r->request_body != nullptr; // before it was a `mirror`'s
    if (types > 1 || !readable || passed) {
        return refuse(r, host, Reason::malformed);
    }
    state.parts = parts;
    return NGX_DECLINED;
}

/// Whether no row refuses a file name or a field in this piece of a body, and it can be read.
bool parts_pass(ngx_http_request_t* r, RequestState& state, const ngx_chain_t* in) noexcept {
    const Host& host = *host_of(r);
    const policy::Shields& shields = host.site.shields();
    const auto passes = [&](policy::ShieldHit hit) {
        if (hit) {
            state.verdict.shield = hit;
        }
        if (hit && !shields.refuses(hit)) {
            log_shield(r, host, state);
        }
        return !shields.refuses(hit);
    };
    const auto check_head = [&](std::string_view head) {
        char text[policy::PartHeads::max_head];
        const std::string_view names = policy::file_names(head, text);
        // An encoded word [RFC 2047] and a value in pieces [RFC 2231] are read by some.
        const bool readable = policy::is_plain_head(head) &&
                              names.find("=?") == std::string_view::npos &&
                              names.find("filename*0") == std::string_view::npos;
        return readable && (names.empty() ||
                            passes(shields.find_in(policy::in_file, state.verdict.service, names)));
    };
    const auto check_field = [&](std::string_view field, bool whole) {
        return passes(whole ? shields.find_in(policy::in_form, state.verdict.service, field)
                            : shields.give_up(policy::in_form, state.verdict.service));
    };
    for (; in != nullptr; in = in->next) {
        const std::string_view piece(reinterpret_cast<const char*>(in->buf->pos),
                                     in_memory(in->buf));
        if (!state.parts->feed(piece, check_head, check_field)) {
            return false;
        }
    }
    return true;
}

/// The rest of a body whose beginning is refused is no request of its own, and the answer isn't to
/// be lost in what the client is still sending.
void refuse_rest(ngx_http_request_t* r) noexcept {
    r->keepalive = 0;
    r->lingering_close = 1;
}

/// Whether nginx would go on in a file.
bool is_full(const ngx_http_request_body_t& body) noexcept {
    return body.rest > 0 && body.buf != nullptr && body.buf->last == body.buf->end;
}

/// A body in chunks has no length beforehand: it is refused with the chunk that makes it too large,
/// of which nothing is passed on. nginx counts in content_length_n what has come, this chunk's
/// bytes included, and what is still to come of the chunk in `chunked`.
ngx_int_t filter_body(ngx_http_request_t* r, ngx_chain_t* in) {
    RequestState* state = r == r->main ? state_of(r) : nullptr;
    if (state != nullptr && state->parts != nullptr && !parts_pass(r, *state, in)) {
        refuse_rest(r);
        return refuse(r, *host_of(r),
                      host_of(r)->site.shields().refuses(state->verdict.shield)
                          ? Reason::shield
                          : Reason::malformed);
    }
    if (state == nullptr || !r->headers_in.chunked || r->request_body->chunked == nullptr) {
        return next_body_filter(r, in);
    }
    const off_t size = r->headers_in.content_length_n + r->request_body->chunked->size;
    if (exceeds(size, state->verdict.body) || (state->reads_body && is_full(*r->request_body))) {
        refuse_rest(r);
        return refuse(r, *host_of(r), Reason::body);
    }
    return next_body_filter(r, in);
}

/// Whether all encodings that a Content-Type names are such ones.
template <typename Check>
bool names_only(std::string_view type, Check&& check) noexcept {
    constexpr std::string_view word = "charset";
    const auto same = [](char a, char b) { return ascii_lower(a) == b; };
    for (;;) {
        const auto* found = std::search(type.begin(), type.end(), word.begin(), word.end(), same);
        if (found == type.end()) {
            return true;
        }
        type.remove_prefix(static_cast<std::size_t>(found - type.begin()) + word.size());
        const std::string_view value = type.substr(0, type.find(';'));
        if (!check(trimmed(trimmed(value, " \t="), "\" \t"))) {
            return false;
        }
    }
}

bool is_utf8(std::string_view charset) noexcept {
    return equal_ignore_case(charset, "utf-8");
}

/// One in which ASCII is ASCII: ASP.NET reads queries, forms and file names by it.
bool has_ascii(std::string_view charset) noexcept {
    const auto starts = [charset](std::string_view with) {
        return equal_ignore_case(charset.substr(0, with.size()), with);
    };
    return starts("utf-8") || starts("utf8") || starts("us-ascii") || starts("ascii") ||
           starts("iso-8859-") || starts("windows-125");
}

template <typename Check>
bool is_read_as(const ngx_http_request_t* r, std::size_t most, Check&& check) noexcept {
    std::size_t types = 0;
    return !any_header(r->headers_in.headers, "content-type", [&](const ngx_table_elt_t& type) {
        return ++types > most || !names_only(view(type.value), check);
    });
}

} // namespace

/// As nginx's mirror module does it: reading has taken a reference, which is given back at once.
ngx_int_t read_body(ngx_http_request_t* r) noexcept {
    r->request_body_in_single_buf = 1;
    state_of(r)->reads_body = true;
    const ngx_int_t result = ngx_http_read_client_request_body(r, body_is_read);
    if (result >= NGX_HTTP_SPECIAL_RESPONSE) {
        return result;
    }
    ngx_http_finalize_request(r, NGX_DONE);
    return NGX_DONE;
}

std::optional<std::string_view> body_text(ngx_http_request_t* r, std::size_t most) noexcept {
    const ngx_http_request_body_t* body = r->request_body;
    if (body == nullptr || body->bufs == nullptr) {
        return "";
    }
    const std::size_t size = in_memory(body->bufs);
    auto* text =
        size == 0 || size > most ? nullptr : static_cast<u_char*>(ngx_pnalloc(r->pool, size));
    if (text == nullptr) {
        return std::nullopt;
    }
    // It may have come in several pieces.
    u_char* last = text;
    for (const ngx_chain_t* link = body->bufs; link != nullptr; link = link->next) {
        last = std::copy_n(link->buf->pos, in_memory(link->buf), last); // may be NULL, of none
    }
    return std::string_view(reinterpret_cast<char*>(text), size);
}

bool is_read_as_utf8(const ngx_http_request_t* r) noexcept {
    return is_read_as(r, 1, is_utf8);
}

ngx_int_t judge_body(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    if (exceeds(r->headers_in.content_length_n, state.verdict.body)) {
        return refuse(r, host, Reason::body);
    }
    constexpr policy::ShieldPlaces read_by_charset =
        policy::in_query | policy::in_url | policy::in_file | policy::in_form;
    if (r->headers_in.content_type != nullptr &&
        host.site.shields().look(read_by_charset, state.verdict.service) &&
        !is_read_as(r, ~std::size_t{0}, has_ascii)) {
        return refuse(r, host, Reason::malformed);
    }
    if (const ngx_int_t result = watch_parts(r, host, state); result != NGX_DECLINED) {
        return result;
    }
    if (const ngx_int_t result = judge_form(r, host, state); result != NGX_DECLINED) {
        return result;
    }
    return guard_form(r, host, state);
}

void install_body_filter() noexcept {
    next_body_filter = std::exchange(ngx_http_top_request_body_filter, filter_body);
}

} // namespace lync::nginx
