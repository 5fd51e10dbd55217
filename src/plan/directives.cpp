#include "plan/directives.h"

#include "base/format.h"

#include <algorithm>
#include <iterator>

namespace lync::plan {

namespace {

// Request headers of up to 64 KB: web tickets and Kerberos tickets are large. A buffer has to
// hold the name and the line's end as well. While a request waits it takes 7.3 KB and its head once
// more, as it was sent: one piece of its pool, with any head that fits into the first buffer.
constexpr Statement request[] = {
    {"request_pool_size", "9k"},
    {"client_header_buffer_size", "2k"},
    {"large_client_header_buffers", "4 72k"},
    {"client_header_timeout", "60s"},
    {"max_headers", "1000"},
    {"ignore_invalid_headers", "on"},
    {"underscores_in_headers", "off"},
    {"merge_slashes", "on"},
    {"client_body_buffer_size", "64k"},
    {"client_body_timeout", "60s"},
    {"client_body_in_file_only", "off"},
    {"client_body_in_single_buffer", "off"},
    {"send_timeout", "60s"},
    {"keepalive_timeout", "120s"},
    {"keepalive_min_timeout", "0"},
    {"keepalive_time", "1h"},
    {"keepalive_requests", "10000"},
    {"keepalive_disable", "none"},
    {"lingering_close", "on"},
    {"lingering_time", "30s"},
    {"lingering_timeout", "5s"},
    {"reset_timedout_connection", "off"},
    {"tcp_nodelay", "on"},
    {"http2", "off"},
    {"http3", "off"},
    {"chunked_transfer_encoding", "on"},
    {"limit_rate", "0"},
    {"limit_rate_after", "0"},
    {"limit_req", "zone=lync_unlimited_requests"},
    {"limit_req_dry_run", "off"},
    {"limit_conn", "lync_unlimited_connections 65535"},
    {"limit_conn_dry_run", "off"},
    {"satisfy", "all"},
    {"auth_basic", "off"},
    {"auth_delay", "0s"},
    {"auth_request", "off"},
    {"auth_jwt", "off"},
    {"server_tokens", "off"},
    {"default_type", "text/plain"},
    {"add_header_inherit", "on"},
    {"add_trailer_inherit", "on"},
    {"recursive_error_pages", "off"},
    {"msie_padding", "off"},
    {"msie_refresh", "off"},
    {"if_modified_since", "exact"},
    {"expires", "off"},
    {"gzip", "off"},
    {"gunzip", "off"},
    {"gzip_static", "off"},
    {"brotli", "off"},
    {"zstd", "off"},
    {"ssi", "off"},
    {"charset", "off"},
    {"sub_filter", "$lync_nothing \"\""},
    {"add_before_body", "\"\""},
    {"add_after_body", "\"\""},
    {"slice", "0"},
    {"userid", "off"},
    {"mirror", "off"},
    {"rewrite_log", "off"},
};

// Where a CA reads what an ACME client has written: seldom, from unknown addresses, and a file that
// has just been made.
constexpr Statement challenge[] = {
    {"default_type", "application/octet-stream"}, // RFC 8555, 8.3
    {"disable_symlinks", "on from=$document_root"},
    {"open_file_cache", "off"},
    {"dav_methods", "off"},
    {"limit_req", "zone=lync_unlimited_requests"},
    {"limit_conn", "lync_unlimited_connections 65535"},
    {"allow", "all"},
};

// Without a ciphers list of our own, old phones and new clients meet in nginx's default.
constexpr Statement tls[] = {
    {"ssl_protocols", "TLSv1.2 TLSv1.3"},
    {"ssl_ciphers", "HIGH:!aNULL:!MD5"},
    {"ssl_prefer_server_ciphers", "on"},
    {"ssl_ecdh_curve", "auto"},
    {"ssl_conf_command", "MinProtocol TLSv1.2"},
    {"ssl_session_cache", "shared:lync_publish:10m"},
    {"ssl_session_timeout", "8h"},
    {"ssl_session_tickets", "on"},
    {"ssl_buffer_size", "16k"},
    {"ssl_early_data", "off"},
    {"ssl_verify_client", "off"},
    {"ssl_ocsp", "off"},
    {"ssl_stapling", "off"},
    {"ssl_reject_handshake", "off"},
};

// Answers' headers of up to 64 KB, likewise. Nothing is buffered or spooled in either direction:
// a pending GET's answer leaves at once and an upload of meeting content never meets a disk. Which
// tries are made at all is the module's own decision (src/nginx/upstream/peer.cpp).
constexpr Statement proxy[] = {
    {"proxy_http_version", "1.1"},
    {"proxy_method", "$request_method"},
    {"proxy_pass_request_headers", "on"},
    {"proxy_pass_request_body", "on"},
    {"proxy_request_buffering", "off"},
    {"proxy_buffering", "off"},
    {"proxy_buffer_size", "72k"},
    {"proxy_buffers", "4 72k"},
    {"proxy_busy_buffers_size", "144k"},
    {"proxy_max_temp_file_size", "0"},
    {"proxy_temp_file_write_size", "144k"},
    {"proxy_limit_rate", "0"},
    {"proxy_force_ranges", "off"},
    {"proxy_connect_timeout", "5s"},
    {"proxy_send_timeout", "60s"},
    {"proxy_next_upstream", "error timeout"},
    {"proxy_next_upstream_timeout", "15s"},
    {"proxy_next_upstream_tries", "0"},
    {"proxy_intercept_errors", "off"},
    {"proxy_ignore_client_abort", "off"},
    {"proxy_ignore_headers",
     "X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset "
     "Expires Cache-Control Set-Cookie Vary"},
    {"proxy_pass_header", "Date"},
    {"proxy_hide_header", "X-Accel-Redirect"},
    {"proxy_pass_trailers", "off"},
    {"proxy_add_via", "off"},
    {"proxy_redirect", "off"},
    {"proxy_cookie_domain", "off"},
    {"proxy_cookie_path", "off"},
    {"proxy_cookie_flags", "off"},
    {"proxy_cache", "off"},
    {"proxy_store", "off"},
    {"proxy_bind", "off"},
    {"proxy_socket_keepalive", "on"},
    {"proxy_headers_hash_max_size", "512"},
    {"proxy_headers_hash_bucket_size", "64"},
};

constexpr Statement proxy_tls[] = {
    {"proxy_ssl_protocols", "TLSv1.2 TLSv1.3"},
    {"proxy_ssl_ciphers", "DEFAULT"},
    {"proxy_ssl_conf_command", "MinProtocol TLSv1.2"},
    {"proxy_ssl_session_reuse", "on"},
    {"proxy_ssl_server_name", "on"},
    {"proxy_ssl_certificate", "$lync_nothing"},
    {"proxy_ssl_certificate_key", "$lync_nothing"},
    {"proxy_ssl_crl", "\"\""},
};

constexpr std::string_view headers[] = {
    "Host", "Connection", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"};

// With these headers a component of IIS would act on a different target, method or transport than
// was judged: URL Rewrite, ISAPI_Rewrite, Application Request Routing, OData and MVC, Exchange's
// "TLS ended before". The last names the encoding in which ASP.NET reads parameters.
constexpr std::string_view dropped[] = {"X-Forwarded-Host", "Forwarded",
                                        "X-Forwarded-Port", "X-Forwarded-Prefix",
                                        "X-Original-Host",  "X-Original-URL",
                                        "X-Rewrite-URL",    "X-HTTP-Method-Override",
                                        "X-HTTP-Method",    "X-Method-Override",
                                        "X-ARR-SSL",        "X-ARR-ClientCert",
                                        "Front-End-Https",  "X-UP-Devcap-Post-Charset"};

} // namespace

const std::span<const Statement> request_statements = request;
const std::span<const Statement> challenge_statements = challenge;
const std::span<const Statement> tls_statements = tls;
const std::span<const Statement> proxy_statements = proxy;
const std::span<const Statement> proxy_tls_statements = proxy_tls;
const std::span<const std::string_view> stated_headers = headers;
const std::span<const std::string_view> dropped_headers = dropped;

std::string explain_included(std::string_view text, std::string_view publication) {
    constexpr std::string_view duplicate = "\" directive is duplicate";
    constexpr Statement stated_by_the_block[] = {
        {"client_max_body_size", "max_upload"},
        {"proxy_read_timeout", "pending_get_timeout"},
        {"proxy_ssl_verify", "backend_verify"},
        {"proxy_ssl_trusted_certificate", "trusted_ca"},
    };

    std::string message(text);
    if (!text.starts_with('"') || !text.ends_with(duplicate)) {
        return message;
    }
    const std::string_view name = text.substr(1, text.size() - duplicate.size() - 1);
    const std::string servers =
        formatted(": generated servers of lync_publish \"{}\" state it ", publication);
    for (const Statement& stated : stated_by_the_block) {
        if (name == stated.directive) {
            return formatted("{}{}already, by \"{}\" of the block: take it out of server_include",
                             message, servers, stated.arguments);
        }
    }
    // Several limits are allowed: duplicates are the file's own.
    const auto states = [name](std::span<const Statement> statements) {
        return name != "limit_req" && name != "limit_conn" &&
               std::ranges::find(statements, name, &Statement::directive) != statements.end();
    };
    return states(request) || states(tls) || states(proxy) || states(proxy_tls)
               ? formatted("{}{}themselves: take it out of server_include", message, servers)
               : message;
}

} // namespace lync::plan
