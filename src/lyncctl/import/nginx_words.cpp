#include "lyncctl/import/nginx_words.h"

#include "base/ascii.h"
#include "lyncctl/import/patterns.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl {

namespace {

using config::Directive;

/// Directives that keep somebody out, of nginx and of modules that people add for it.
constexpr std::string_view restrictions =
    "BasicRule CheckRule SecRulesEnabled access_by_- allow app_protect_- auth_- deny if internal "
    "js_access limit_- modsecurity- rewrite_by_- satisfy secure_link- ssl_client_- ssl_crl "
    "ssl_ocsp- "
    "ssl_reject_- ssl_verify_- valid_referers";

/// The publication has these, or they do nothing to a request. Those that nginx.cpp reads are here
/// as well.
constexpr std::string_view harmless =
    "aio- charset- chunked_transfer_encoding client_body_buffer_size client_body_temp_path "
    "client_body_timeout client_header_- connection_pool_size default_type directio- etag events "
    "geo gzip- http2- http3- index keepalive_- large_client_header_buffers limit_conn_log_level "
    "limit_conn_zone limit_req_log_level limit_req_zone lingering_- listen load_module log_format "
    "log_not_found map- merge_slashes msie_- open_file_cache- output_buffers pcre_jit perl_modules "
    "pid port_in_redirect postpone_output proxy_buffer- proxy_busy_buffers_size proxy_cache_path "
    "proxy_connect_timeout proxy_headers_hash_- proxy_http_version proxy_ignore_client_abort "
    "proxy_max_temp_file_size proxy_next_upstream- proxy_read_timeout proxy_redirect "
    "proxy_request_buffering proxy_send_timeout proxy_socket_keepalive proxy_ssl_ciphers "
    "proxy_ssl_name proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse "
    "proxy_ssl_trusted_certificate "
    "proxy_ssl_verify- proxy_temp_- recursive_error_pages request_pool_size "
    "reset_timedout_connection resolver- root send- server_name- server_tokens split_clients ssl- "
    "tcp_no- types- underscores_in_headers upstream user variables_hash_- worker_-";

/// Headers that proxies set as a matter of course, and the publication does.
bool is_usual_header(std::string_view name) {
    constexpr std::string_view usual =
        "accept-encoding connection early-data host upgrade via x-client-ip x-forwarded-- "
        "x-original-host x-real-ip";
    return has_word(usual, to_ascii_lower(name));
}

} // namespace

std::string first_argument(const Directive& directive) {
    return directive.arguments.empty() ? std::string{} : directive.arguments.front();
}

bool has_argument(const Directive& directive, std::string_view word) {
    return std::find(directive.arguments.begin(), directive.arguments.end(), word) !=
           directive.arguments.end();
}

std::string line_of(const Directive& directive) {
    std::string text = directive.name;
    for (const std::string& argument : directive.arguments) {
        text += " " + argument;
    }
    return quoted(text);
}

bool only_redirects(const Directive& block) {
    bool redirects = false;
    for (const auto& child : block.children) {
        const bool inner = child->is_block && (child->name == "location" || child->name == "if");
        const bool answers = child->name == "return" || child->name == "rewrite";
        if (inner ? only_redirects(*child)
                  : answers && std::any_of(child->arguments.begin(), child->arguments.end(),
                                           [](const std::string& argument) {
                                               return argument.starts_with("https://");
                                           })) {
            redirects = true;
        } else if (inner || word_of(*child) != Word::harmless) {
            return false;
        }
    }
    return redirects;
}

Word word_of(const Directive& directive) {
    const std::string_view name = directive.name;
    const std::string first = first_argument(directive);
    if (name == "proxy_set_header") {
        return is_usual_header(first) ? Word::harmless : Word::other;
    }
    if ((first == "off" && !name.starts_with("proxy_pass_")) ||
        (name == "allow" && first == "all") || (name == "if" && only_redirects(directive))) {
        return Word::harmless;
    }
    constexpr std::string_view of_zones =
        "limit_conn_log_level limit_conn_zone limit_req_log_level limit_req_zone";
    if ((has_word(restrictions, name) && !has_word(of_zones, name)) ||
        (name == "return" && first.starts_with('4'))) {
        return Word::restriction;
    }
    return has_word(harmless, name) ? Word::harmless : Word::other;
}

} // namespace lync::lyncctl
