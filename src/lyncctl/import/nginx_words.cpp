#include "lyncctl/import/nginx_words.h"

#include "base/ascii.h"
#include "lyncctl/import/patterns.h"

#include <algorithm>
#include <array>

namespace lync::lyncctl {

namespace {

using config::Directive;

/// Those that nginx.cpp reads itself are here as well.
constexpr std::string_view harmless =
    " aio charset charset_types chunked_transfer_encoding client_body_buffer_size "
    "client_body_temp_path client_body_timeout client_header_buffer_size "
    "client_header_timeout connection_pool_size default_type directio etag events geo "
    "gzip gzip_buffers gzip_comp_level gzip_disable gzip_http_version gzip_min_length "
    "gzip_proxied gzip_static gzip_types gzip_vary http2 http2_max_concurrent_streams "
    "http3 index keepalive_requests keepalive_time keepalive_timeout "
    "large_client_header_buffers limit_conn_log_level limit_conn_zone limit_req_log_level "
    "limit_req_zone lingering_close lingering_time lingering_timeout listen load_module "
    "log_format log_not_found map map_hash_bucket_size map_hash_max_size merge_slashes "
    "msie_padding open_file_cache open_file_cache_errors open_file_cache_min_uses "
    "open_file_cache_valid output_buffers pcre_jit perl_modules pid port_in_redirect "
    "postpone_output proxy_buffer_size proxy_buffering proxy_buffers "
    "proxy_busy_buffers_size proxy_cache_path proxy_connect_timeout "
    "proxy_headers_hash_bucket_size proxy_headers_hash_max_size proxy_http_version "
    "proxy_ignore_client_abort proxy_max_temp_file_size proxy_next_upstream "
    "proxy_next_upstream_timeout proxy_next_upstream_tries proxy_read_timeout "
    "proxy_redirect proxy_request_buffering proxy_send_timeout proxy_socket_keepalive "
    "proxy_ssl_ciphers proxy_ssl_name proxy_ssl_protocols proxy_ssl_server_name "
    "proxy_ssl_session_reuse proxy_ssl_trusted_certificate proxy_ssl_verify "
    "proxy_ssl_verify_depth proxy_temp_file_write_size proxy_temp_path "
    "recursive_error_pages request_pool_size reset_timedout_connection resolver "
    "resolver_timeout root send_lowat send_timeout sendfile sendfile_max_chunk "
    "server_name server_name_in_redirect server_names_hash_bucket_size "
    "server_names_hash_max_size server_tokens split_clients ssl ssl_buffer_size "
    "ssl_certificate ssl_certificate_key ssl_ciphers ssl_conf_command ssl_dhparam "
    "ssl_early_data ssl_ecdh_curve ssl_prefer_server_ciphers ssl_protocols "
    "ssl_session_cache ssl_session_ticket_key ssl_session_tickets ssl_session_timeout "
    "ssl_stapling ssl_stapling_verify ssl_trusted_certificate tcp_nodelay tcp_nopush "
    "types types_hash_bucket_size types_hash_max_size underscores_in_headers upstream "
    "user variables_hash_bucket_size variables_hash_max_size worker_connections "
    "worker_cpu_affinity worker_priority worker_processes worker_rlimit_nofile "
    "worker_shutdown_timeout ";

/// Directives that keep somebody out, of nginx and of modules that people add for it, and how
/// others of them begin.
constexpr std::string_view restrictions =
    " BasicRule CheckRule SecRulesEnabled allow deny if internal js_access modsecurity "
    "satisfy secure_link ssl_crl ssl_ocsp valid_referers ";
constexpr auto restricting_modules = std::to_array<std::string_view>(
    {"access_by_", "app_protect_", "auth_", "limit_", "modsecurity_", "rewrite_by_", "secure_link_",
     "ssl_client_", "ssl_reject_", "ssl_verify_"});

/// Headers that proxies set as a matter of course, and the publication does.
bool is_usual_header(std::string_view name) {
    constexpr std::string_view usual =
        " accept-encoding connection early-data host upgrade via x-client-ip x-original-host "
        "x-real-ip ";
    const std::string lower = to_ascii_lower(name);
    return lower.starts_with("x-forwarded-") || has_word(usual, lower);
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

bool is_file(std::string_view name) {
    return !name.empty() && name.find('$') == name.npos && !name.starts_with("data:") &&
           !name.starts_with("engine:") && !name.starts_with("store:") &&
           std::none_of(name.begin(), name.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool takes_every_path(const Directive& location) {
    const std::string path = location.arguments.empty() ? "" : location.arguments.back();
    return path.starts_with('@') ||
           (path.find_first_not_of("^/.*$()") == path.npos && first_argument(location) != "=");
}

bool refuses(const Directive& directive) {
    return directive.name == "return" && !directive.arguments.empty() &&
           directive.arguments.front().starts_with('4');
}

bool only_redirects(const Directive& block) {
    bool redirects = false;
    for (const auto& child : block.children) {
        const bool answers = child->name == "return" || child->name == "rewrite";
        const bool to_https =
            answers && std::any_of(child->arguments.begin(), child->arguments.end(),
                                   [](const std::string& argument) {
                                       return argument.starts_with("https://");
                                   });
        const bool inner = child->is_block && (child->name == "location" || child->name == "if") &&
                           only_redirects(*child);
        redirects = redirects || to_https || inner;
        if (!to_https && !inner && word_of(*child) != Word::harmless) {
            return false;
        }
    }
    return redirects;
}

Word word_of(const Directive& directive) {
    const std::string_view name = directive.name;
    const std::string first = directive.arguments.empty() ? "" : directive.arguments.front();
    if (has_word(harmless, name)) {
        return Word::harmless;
    }
    if (name == "proxy_set_header") {
        return is_usual_header(first) ? Word::harmless : Word::other;
    }
    if ((first == "off" && !name.starts_with("proxy_pass_")) ||
        (name == "allow" && first == "all") || (name == "if" && only_redirects(directive))) {
        return Word::harmless;
    }
    const bool restricts =
        refuses(directive) || has_word(restrictions, name) ||
        std::any_of(restricting_modules.begin(), restricting_modules.end(),
                    [name](std::string_view start) { return name.starts_with(start); });
    return restricts ? Word::restriction : Word::other;
}

} // namespace lync::lyncctl
