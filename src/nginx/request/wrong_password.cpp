#include "base/ascii.h"
#include "nginx/request/attempt.h"
#include "nginx/request/target.h"
#include "nginx/respond.h"
#include "nginx/servers/server_connection.h"

#include <algorithm>
#include <cstring>

namespace lync::nginx {

namespace {

using policy::AccountForm;

// Headers of an answer that don't depend on the client.
constexpr std::string_view common_headers[] = {
    "WWW-Authenticate", "Server", "X-Powered-By", "X-AspNet-Version",      "X-MS-Server-Fqdn",
    "Cache-Control",    "Pragma", "Expires",      "X-Content-Type-Options"};

/// As long as there is room for it.
void append(WrongPassword& known, std::string_view name, std::string_view value) noexcept {
    const std::size_t size = name.size() + value.size() + 2;
    if (size <= known.headers.size() - known.headers_size) {
        char* out = known.headers.data() + known.headers_size;
        *(out = std::ranges::copy(name, out).out) = '\0';
        *std::ranges::copy(value, out + 1).out = '\0';
        known.headers_size = static_cast<std::uint16_t>(known.headers_size + size);
    }
}

void add_default_challenges(ngx_http_request_t* r, AccountForm form) noexcept {
    if (form != AccountForm::basic) {
        add_header(r, "WWW-Authenticate", "Negotiate");
        add_header(r, "WWW-Authenticate", "NTLM");
        return;
    }
    const std::string_view host = view(r->headers_in.server);
    auto* realm =
        static_cast<u_char*>(ngx_pnalloc(r->pool, host.size() + sizeof("Basic realm=\"\"")));
    if (realm != nullptr) {
        const u_char* end = ngx_sprintf(realm, "Basic realm=\"%*s\"", host.size(), host.data());
        add_header(r, "WWW-Authenticate",
                   {reinterpret_cast<char*>(realm), static_cast<std::size_t>(end - realm)});
    }
}

/// The usual answer of each kind, while no server's is known.
ngx_int_t answer_as_usual(ngx_http_request_t* r, const Attempt& attempt) noexcept {
    switch (attempt.way) {
    case Way::header:
        add_default_challenges(r, attempt.form);
        return send(r, NGX_HTTP_UNAUTHORIZED, "text/html", "");
    case Way::token:
        return send(r, NGX_HTTP_BAD_REQUEST, "application/json", "{\"error\":\"invalid_grant\"}");
    case Way::soap:
        return send(r, NGX_HTTP_INTERNAL_SERVER_ERROR, "text/xml; charset=utf-8",
                    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
                    "<s:Fault><faultcode xmlns:a=\"http://docs.oasis-open.org/wss/2004/01/"
                    "oasis-200401-wss-wssecurity-secext-1.0.xsd\">a:FailedAuthentication"
                    "</faultcode><faultstring>No valid security token</faultstring></s:Fault>"
                    "</s:Body></s:Envelope>");
    case Way::page:
        break;
    }
    const bool owa = state_of(r)->verdict.service == policy::Service::owa;
    // Back to the form. "?" is the URL that was requested, without its query: no path of a client's
    // choice, such as /\host/, gets into it.
    add_header(r, "Location", owa ? "/owa/auth/logon.aspx?replaceCurrent=1&reason=2" : "?");
    return send(r, owa ? NGX_HTTP_MOVED_TEMPORARILY : NGX_HTTP_SEE_OTHER, "text/html", "");
}

/// In the pool of the request.
ngx_int_t answer_as_before(ngx_http_request_t* r, const WrongPassword& known) noexcept {
    std::string_view headers(known.headers.data(), known.headers_size);
    while (!headers.empty()) {
        const std::string_view name = headers.data();
        const std::string_view value = headers.data() + name.size() + 1;
        headers.remove_prefix(name.size() + value.size() + 2);
        ngx_table_elt_t* header = add_header(r, name, value);
        if (header == nullptr) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        if (name == "Server") { // nginx would add its own, also where the server names none
            header->hash = value.empty() ? 0 : 1;
            r->headers_out.server = header;
        }
    }
    return send(r, known.status, {known.type.data(), known.type_size},
                {known.body.data(), known.body_size});
}

/// A handshake ends with a wrong password: what comes next begins another one, on another
/// connection.
void close_owned_connection(ngx_http_request_t* r) noexcept {
    const Host& host = *host_of(r);
    const Group* group = host.publication.group(host, state_of(r)->verdict.target);
    Ownership* ownership = group == nullptr ? nullptr : find_ownership(r->connection, group, false);
    if (ownership != nullptr && ownership->connection != nullptr) {
        close_owned(*ownership);
    }
}

void let_go(ngx_event_t* event) {
    auto& attempt = *static_cast<Attempt*>(event->data);
    ngx_connection_t* c = attempt.request->connection;
    c->write->delayed = 0;
    ngx_post_event(c->write, &ngx_posted_events);
}

} // namespace

ngx_int_t answer_wrong_password(Attempt& attempt) noexcept {
    ngx_http_request_t* r = attempt.request;
    if (attempt.form == AccountForm::ntlm) {
        close_owned_connection(r);
    }
    if (const ngx_int_t result = ngx_http_discard_request_body(r); result != NGX_OK) {
        return result;
    }
    auto* known = static_cast<WrongPassword*>(ngx_palloc(r->pool, sizeof(WrongPassword)));
    if (known == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return attempt.lockout->zone.recall(attempt.answer, *known) ? answer_as_before(r, *known)
                                                                : answer_as_usual(r, attempt);
}

void remember_wrong_password(const Attempt& attempt) noexcept {
    const ngx_http_request_t* r = attempt.request;
    const ngx_http_upstream_t& u = *r->upstream;
    const auto size = static_cast<std::size_t>(u.buffer.last - u.buffer.pos);
    WrongPassword known;
    // Pages and their forms differ from client to client. Of the others there is one that is small
    // and came whole.
    const ngx_uint_t status = u.headers_in.status_n;
    const bool usual = attempt.way == Way::header ? status == NGX_HTTP_UNAUTHORIZED
                       : attempt.way == Way::soap
                           ? status == NGX_HTTP_INTERNAL_SERVER_ERROR
                           : status == NGX_HTTP_BAD_REQUEST || status == NGX_HTTP_UNAUTHORIZED;
    const bool encoded = any_header(u.headers_in.headers, "content-encoding",
                                    [](const ngx_table_elt_t&) { return true; });
    if (attempt.way == Way::page || !usual || encoded || r->header_only ||
        u.headers_in.content_length_n != static_cast<off_t>(size) || size > known.body.size() ||
        u.headers_in.content_type == nullptr ||
        u.headers_in.content_type->value.len > known.type.size()) {
        return;
    }
    known.headers_size = 0;
    for (const std::string_view name : common_headers) {
        any_header(r->headers_out.headers, name, [&](const ngx_table_elt_t& header) {
            if (header.hash != 0 && header.value.len != 0) {
                append(known, name, view(header.value));
            }
            return false;
        });
    }
    if (const ngx_table_elt_t* server = r->headers_out.server; server != nullptr) {
        append(known, "Server", view(server->value));
    }
    const std::string_view type = view(u.headers_in.content_type->value);
    known.key = attempt.answer;
    known.status = static_cast<std::uint32_t>(status);
    known.type_size = static_cast<std::uint16_t>(type.size());
    known.body_size = static_cast<std::uint32_t>(size);
    std::ranges::copy(type, known.type.data());
    std::copy(u.buffer.pos, u.buffer.last, known.body.data());
    attempt.lockout->zone.remember(known);
}

/// As nginx holds answers back for limit_rate, but by a timer of its own: one of the connection's
/// would be taken for the client's slowness. A worker that ends waits for it.
void keep_back(Attempt& attempt) noexcept {
    const auto left = static_cast<ngx_msec_int_t>(attempt.due - ngx_current_msec);
    if (left <= 0 || attempt.release.timer_set) {
        return;
    }
    ngx_connection_t* c = attempt.request->connection;
    if (ngx_http_upstream_t* u = attempt.request->upstream; u != nullptr) {
        u->buffering = 1; // the server's connection doesn't wait with it: as by X-Accel-Buffering
        give_back_pages(u->buffer);
    }
    attempt.release.handler = let_go;
    attempt.release.data = &attempt;
    attempt.release.log = c->log;
    c->write->delayed = 1;
    ngx_add_timer(&attempt.release, static_cast<ngx_msec_t>(left));
}

} // namespace lync::nginx
