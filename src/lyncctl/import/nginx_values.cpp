#include "lyncctl/import/nginx_values.h"

#include "base/ascii.h"
#include "config/declare.h"
#include "plan/directives.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace lync::lyncctl {

using config::Directive;

const Directive* own(const Directive& block, std::string_view name) {
    for (const auto& child : block.children) {
        if (child->name == name) {
            return child.get();
        }
    }
    return nullptr;
}

const Directive* inherited(const Chain& chain, std::string_view name) {
    for (auto block = chain.rbegin(); block != chain.rend(); ++block) {
        if (const Directive* found = own(**block, name)) {
            return found;
        }
    }
    return nullptr;
}

std::string first_argument(const Directive* directive) {
    return directive == nullptr || directive->arguments.empty() ? std::string{}
                                                                : directive->arguments.front();
}

bool has_argument(const Directive& directive, std::string_view word) {
    return std::find(directive.arguments.begin(), directive.arguments.end(), word) !=
           directive.arguments.end();
}

std::uint16_t port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() ? port : std::uint16_t{0};
}

Endpoint split_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos || text.ends_with(']')) {
        return {to_ascii_lower(text), 0};
    }
    const std::uint16_t port = port_of(text.substr(colon + 1));
    return port == 0 ? Endpoint{to_ascii_lower(text), 0}
                     : Endpoint{to_ascii_lower(text.substr(0, colon)), port};
}

std::string socket_of(const Directive& listen) {
    const std::string& text = listen.arguments.front();
    const Endpoint endpoint = split_endpoint(text);
    const std::uint16_t alone = port_of(text);
    std::string socket = std::to_string(alone);
    if (alone == 0) {
        const bool good = std::all_of(text.begin(), text.end(), [](char c) {
            return is_ascii_alnum(c) ||
                   std::string_view("[]:.*-").find(c) != std::string_view::npos;
        });
        if (!good) {
            return {};
        }
        const std::uint16_t port = endpoint.port == 0 ? std::uint16_t{80} : endpoint.port;
        socket = endpoint.host == "*" || endpoint.host == "0.0.0.0"
                     ? std::to_string(port)
                     : endpoint.host + ":" + std::to_string(port);
    }
    for (std::size_t i = 1; i < listen.arguments.size(); i++) {
        const std::string& parameter = listen.arguments[i];
        // The usual ones, which need no word: each socket has its own listen, and IPv6's only.
        const bool usual = parameter == "bind" || parameter == "ipv6only=on";
        if (parameter == "proxy_protocol" || (config::is_socket_parameter(parameter) && !usual)) {
            socket += " " + parameter;
        }
    }
    return socket;
}

std::string_view target_of(const Directive& pass) {
    const std::string_view url = pass.arguments.front();
    const std::size_t scheme = url.find("://");
    return scheme == url.npos
               ? url
               : url.substr(0, std::min(url.find('/', scheme + 3), url.find("$request_uri")));
}

bool takes_every_path(const Chain& chain) {
    return std::all_of(chain.begin(), chain.end(), [](const Directive* block) {
        if (block->name != "location" || block->arguments.empty()) {
            return true;
        }
        const std::string& path = block->arguments.back();
        return path.starts_with('@') || (path.find_first_not_of("^/.*$()") == std::string::npos &&
                                         block->arguments.front() != "=");
    });
}

std::optional<std::chrono::seconds> time_of(std::string_view text) {
    std::uint64_t total = 0;
    bool any = false;
    while (!text.empty()) {
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{}) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        std::uint64_t unit = 1;
        if (text.starts_with("ms")) {
            total += number / 1000;
            text.remove_prefix(2);
            any = true;
            continue;
        }
        if (!text.empty()) {
            constexpr std::array<std::pair<char, std::uint64_t>, 7> units{{{'s', 1},
                                                                           {'m', 60},
                                                                           {'h', 3600},
                                                                           {'d', 86400},
                                                                           {'w', 604800},
                                                                           {'M', 2592000},
                                                                           {'y', 31536000}}};
            const auto known = std::find_if(units.begin(), units.end(),
                                            [&](const auto& u) { return u.first == text.front(); });
            if (known == units.end()) {
                return std::nullopt;
            }
            unit = known->second;
            text.remove_prefix(1);
        }
        total += number * unit;
        any = true;
    }
    constexpr std::uint64_t century = 3'153'600'000;
    return any ? std::optional(std::chrono::seconds(std::min(total, century))) : std::nullopt;
}

std::uint64_t size_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc{} || number > 1'000'000'000'000ULL) {
        return 0;
    }
    return unit == "k" || unit == "K"   ? number * 1024
           : unit == "m" || unit == "M" ? number * 1024 * 1024
           : unit == "g" || unit == "G" ? number * 1024 * 1024 * 1024
                                        : number;
}

bool server_name_holds(std::string_view written, std::string_view host) {
    const std::string name = to_ascii_lower(written);
    if (name.starts_with('~')) {
        const std::vector<std::string> hosts = hosts_of_pattern(written.substr(1), false);
        return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
    }
    if (name.starts_with("*.")) {
        return host.ends_with(std::string_view(name).substr(1));
    }
    if (name.starts_with('.')) {
        return host.ends_with(name) || host == std::string_view(name).substr(1);
    }
    if (name.ends_with(".*")) {
        return host.starts_with(std::string_view(name).substr(0, name.size() - 1));
    }
    return name == host;
}

bool catches_all(const Directive& server) {
    bool nameless = true;
    for (const auto& child : server.children) {
        if (child->name == "listen" &&
            (has_argument(*child, "default_server") || has_argument(*child, "default"))) {
            return true;
        }
        if (child->name == "server_name") {
            nameless = nameless && std::all_of(child->arguments.begin(), child->arguments.end(),
                                               [](const std::string& name) {
                                                   return name.empty() || name == "_";
                                               });
        }
    }
    return nameless;
}

bool redirects_to_https(const Directive& block) {
    return std::any_of(block.children.begin(), block.children.end(), [](const auto& child) {
        const bool answers = child->name == "return" || child->name == "rewrite";
        const bool leads = std::any_of(
            child->arguments.begin(), child->arguments.end(),
            [](const std::string& argument) { return argument.starts_with("https://"); });
        return (answers && leads) || (child->is_block && redirects_to_https(*child));
    });
}

bool is_replaced(std::string_view name) {
    constexpr std::array<std::string_view, 60> names{"listen",
                                                     "server_name",
                                                     "location",
                                                     "include",
                                                     "proxy_pass",
                                                     "proxy_http_version",
                                                     "proxy_set_header",
                                                     "proxy_read_timeout",
                                                     "proxy_send_timeout",
                                                     "proxy_connect_timeout",
                                                     "proxy_buffering",
                                                     "proxy_request_buffering",
                                                     "proxy_buffers",
                                                     "proxy_buffer_size",
                                                     "proxy_busy_buffers_size",
                                                     "proxy_redirect",
                                                     "proxy_pass_header",
                                                     "proxy_pass_request_headers",
                                                     "proxy_pass_request_body",
                                                     "proxy_next_upstream",
                                                     "proxy_ssl_verify",
                                                     "proxy_ssl_verify_depth",
                                                     "proxy_ssl_name",
                                                     "proxy_ssl_server_name",
                                                     "proxy_ssl_trusted_certificate",
                                                     "proxy_ssl_session_reuse",
                                                     "proxy_ssl_protocols",
                                                     "proxy_ssl_ciphers",
                                                     "proxy_max_temp_file_size",
                                                     "proxy_temp_file_write_size",
                                                     "proxy_ignore_client_abort",
                                                     "proxy_hide_header",
                                                     "proxy_cache",
                                                     "proxy_intercept_errors",
                                                     "client_max_body_size",
                                                     "client_body_buffer_size",
                                                     "client_body_timeout",
                                                     "client_header_timeout",
                                                     "send_timeout",
                                                     "large_client_header_buffers",
                                                     "ssl",
                                                     "ssl_certificate",
                                                     "ssl_certificate_key",
                                                     "ssl_protocols",
                                                     "ssl_ciphers",
                                                     "ssl_prefer_server_ciphers",
                                                     "ssl_session_cache",
                                                     "ssl_session_timeout",
                                                     "ssl_dhparam",
                                                     "ssl_ecdh_curve",
                                                     "ssl_session_tickets",
                                                     "keepalive_timeout",
                                                     "keepalive_requests",
                                                     "tcp_nodelay",
                                                     "tcp_nopush",
                                                     "sendfile",
                                                     "gzip",
                                                     "root",
                                                     "index",
                                                     "server_tokens"};
    return std::find(names.begin(), names.end(), name) != names.end() || name == "http2" ||
           name == "charset" || name == "reset_timedout_connection";
}

bool is_file(std::string_view name) {
    return name.find('$') == name.npos && !name.starts_with("data:") &&
           !name.starts_with("engine:") && !name.starts_with("store:") &&
           std::none_of(name.begin(), name.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::vector<std::string> all_inherited(const Chain& chain, std::string_view name) {
    std::vector<std::string> all;
    for (auto block = chain.rbegin(); block != chain.rend() && all.empty(); ++block) {
        for (const auto& child : (*block)->children) {
            if (child->name == name && !first_argument(child.get()).empty()) {
                all.push_back(child->arguments.front());
            }
        }
    }
    return all;
}

std::string remedy_for(std::string_view name) {
    if (name == "ssl_verify_client" || name == "ssl_client_certificate" ||
        name == "ssl_verify_depth") {
        return "clients of Lync have no certificate to show";
    }
    if (name == "auth_basic" || name == "auth_basic_user_file") {
        return "clients authenticate with the servers alone";
    }
    if (name == "limit_except" || name == "alias" || name == "internal") {
        return "it has no counterpart"; // in locations alone
    }
    if (plan::is_stated_once(name)) {
        return "the generated servers state it themselves, and \"server_include\" can't change "
               "that";
    }
    return "what is still needed goes into a file named by \"server_include\"";
}

std::string title_of(const Directive& block) {
    std::string text = block.name;
    for (const std::string& argument : block.arguments) {
        text += " " + argument;
    }
    return lync::quoted(text);
}

} // namespace lync::lyncctl
