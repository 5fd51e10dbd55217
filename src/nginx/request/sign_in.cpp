#include "nginx/request/sign_in.h"

#include "nginx/request/body.h"
#include "nginx/request/target.h"
#include "nginx/respond.h"
#include "policy/challenges.h"

namespace lync::nginx {

namespace {

using policy::Door;
using policy::Doors;

std::string_view content_type(const ngx_http_request_t* r) noexcept {
    const ngx_table_elt_t* type = r->headers_in.content_type;
    return type == nullptr ? std::string_view() : view(type->value);
}

/// ASP.NET reads the form of a GET, too.
bool posts(const ngx_http_request_t* r) noexcept {
    return announces_body(r) || forwarded_method(r) == "POST";
}

bool is_type(std::string_view type, std::string_view is) noexcept {
    return equal_ignore_case(type.substr(0, is.size()), is);
}

// What a client makes of a 401 is a password asked for again, so there is none. A token endpoint
// and a SOAP service say in their own way that another credential is wanted.

constexpr std::string_view oauth_error = // [RFC 6749, 5.2]
    R"({"error":"unsupported_grant_type","error_description":"closed for this kind of sign-in"})";

constexpr std::string_view fault_11 = // [WSS 1.1, 12], in SOAP 1.1
    R"(<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>)"
    R"(<faultcode xmlns:o="http://docs.oasis-open.org/wss/2004/01/)"
    R"(oasis-200401-wss-wssecurity-secext-1.0.xsd">o:UnsupportedSecurityToken</faultcode>)"
    R"(<faultstring>An unsupported token was provided</faultstring></s:Fault></s:Body>)"
    R"(</s:Envelope>)";

constexpr std::string_view fault_12 =
    R"(<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code>)"
    R"(<s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:o="http://docs.oasis-open.org/wss/)"
    R"(2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">o:UnsupportedSecurityToken</s:Value>)"
    R"(</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">An unsupported token was provided)"
    R"(</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>)";

ngx_int_t refuse_credential(ngx_http_request_t* r, const Host& host, RequestState& state,
                            Door closed) noexcept {
    const bool tokens = state.verdict.sign_in == policy::SignInBody::token && posts(r);
    state.refused = closed;
    const ngx_int_t status = refuse(r, host, policy::Reason::sign_in);
    const std::string_view type = content_type(r);
    const bool form = is_type(type, "application/x-www-form-urlencoded");
    const bool soap_11 = is_type(type, "text/xml");
    const bool soap_12 = is_type(type, "application/soap+xml");
    if (!tokens || (!form && (closed == Door::windows || !(soap_11 || soap_12)))) {
        return status;
    }
    if (ngx_http_discard_request_body(r) != NGX_OK) {
        return status;
    }
    return form      ? send(r, NGX_HTTP_BAD_REQUEST, "application/json", oauth_error)
           : soap_11 ? send(r, NGX_HTTP_INTERNAL_SERVER_ERROR, "text/xml; charset=utf-8", fault_11)
                     : send(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                            "application/soap+xml; charset=utf-8", fault_12);
}

} // namespace

bool lacks_sign_in_body(const ngx_http_request_t* r, const RequestState& state) noexcept {
    return !state.body_read && announces_body(r) && policy::needs_body(state.verdict.sign_in) &&
           r->headers_in.content_length_n <= static_cast<off_t>(policy::max_sign_in_body);
}

policy::SignInText sign_in_text(ngx_http_request_t* r, const RequestState& state) noexcept {
    const std::optional<std::string_view> body =
        state.body_read ? body_text(r, policy::max_sign_in_body) : std::nullopt;
    const bool encoded = any_header(r->headers_in.headers, "content-encoding",
                                    [](const ngx_table_elt_t&) { return true; });
    return {.kind = state.verdict.sign_in,
            .readable = (body || !announces_body(r)) && !encoded && is_read_as_utf8(r),
            .posts = posts(r),
            .content_type = content_type(r),
            .query = policy::split_target(forwarded_target(r)).query,
            .body = body.value_or("")};
}

ngx_int_t judge_sign_in(ngx_http_request_t* r, const Host& host, RequestState& state) noexcept {
    const policy::SignInRule& rule = host.site.spec().sign_in;
    if (const ngx_table_elt_t* field = r->headers_in.authorization; field != nullptr) {
        state.sign_in = policy::sign_in_of_header(view(field->value)).doors;
    }
    const Doors closed = policy::all_doors & ~rule.open;
    const bool has_text = state.verdict.sign_in != policy::SignInBody::none;
    if (has_text && rule.reads_bodies && (state.sign_in & closed) == 0) {
        if (lacks_sign_in_body(r, state)) {
            return read_body(r);
        }
        state.sign_in |= policy::sign_in_of_text(sign_in_text(r, state)).doors;
    }
    const Door shut = policy::first_of(state.sign_in & closed);
    return shut == Door::none ? NGX_DECLINED : refuse_credential(r, host, state, shut);
}

bool hide_closed_doors(ngx_http_request_t* r) noexcept {
    const Host* host = host_of(r);
    if (host == nullptr || host->site.spec().sign_in.open == policy::all_doors ||
        ruled_verdict(r) == nullptr) {
        return true;
    }
    bool hidden = false;
    bool invites = any_header(r->headers_out.headers, "x-ms-webticketurl",
                              [](const ngx_table_elt_t& header) { return header.hash != 0; });
    const bool failed =
        any_header(r->headers_out.headers, "www-authenticate", [&](const ngx_table_elt_t& header) {
            const std::string_view field = view(header.value);
            auto* kept = header.hash == 0
                             ? nullptr
                             : static_cast<u_char*>(ngx_pnalloc(r->pool, policy::most_kept(field)));
            if (kept == nullptr) {
                return header.hash != 0;
            }
            auto& changed = const_cast<ngx_table_elt_t&>(header);
            changed.value.len = policy::keep_open(field, host->site.spec().sign_in.open,
                                                  reinterpret_cast<char*>(kept));
            changed.value.data = kept;
            changed.hash = changed.value.len == 0 ? 0 : header.hash;
            hidden |= changed.hash == 0;
            invites |= changed.hash != 0;
            return false;
        });
    // A 401 has to have a challenge [RFC 9110, 15.5.2], and a client asks for a password on it.
    if (hidden && !invites && r->headers_out.status == NGX_HTTP_UNAUTHORIZED) {
        r->headers_out.status = NGX_HTTP_FORBIDDEN;
        r->headers_out.status_line.len = 0;
    }
    return !failed;
}

} // namespace lync::nginx
