// nginx.conf as people write it for Lync: servers with names, locations with proxy_pass, upstreams.
// Directives mean what nginx's own documentation says. Each is looked at once.

#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/import/patterns.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

using config::Directive;

// -- single directives ---------------------------------------------------------------------------

/// Directives that keep somebody out, of nginx and of modules that people add for it.
constexpr std::string_view restrictions =
    "BasicRule CheckRule SecRulesEnabled access_by_- allow app_protect_- auth_- deny if internal "
    "js_access limit_- modsecurity- rewrite_by_- satisfy secure_link- ssl_client_- ssl_crl "
    "ssl_ocsp- "
    "ssl_reject_- ssl_verify_- valid_referers";

/// The publication has these, or they do nothing to a request; those that are read among them.
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

/// Empty where there is none.
std::string first_argument(const Directive& directive) {
    return directive.arguments.empty() ? std::string{} : directive.arguments.front();
}

bool has_argument(const Directive& directive, std::string_view word) {
    return std::find(directive.arguments.begin(), directive.arguments.end(), word) !=
           directive.arguments.end();
}

/// A directive as it is written: `"deny 10.0.0.0/8"`.
std::string line_of(const Directive& directive) {
    std::string text = directive.name;
    for (const std::string& argument : directive.arguments) {
        text += " " + argument;
    }
    return quoted(text);
}

/// Whether it leads to the page that was asked for, by https. From anywhere else clients are kept
/// away.
bool is_to_https(const Directive& directive) {
    constexpr std::string_view hosts = "$host $http_host $server_name";
    constexpr std::string_view pages = "$request_uri $request_uri? $uri$is_args$args $1 /$1";
    return (directive.name == "return" || directive.name == "rewrite") &&
           std::any_of(directive.arguments.begin(), directive.arguments.end(), [&](auto& url) {
               const std::size_t end = std::min(url.find_first_of("/$", 9), url.size());
               return url.starts_with("https://$") && has_word(hosts, url.substr(8, end - 8)) &&
                      has_word(pages, url.substr(end));
           });
}

/// What to say of a directive that nothing is read of; nothing where it is harmless.
std::optional<RemarkKind> remark_on(const Directive& directive);

/// Whether all that is in a block is; `redirects`: whether some of it leads to https. Each line is
/// looked at once.
bool is_harmless(const Directive& block, bool& redirects) {
    return std::all_of(block.children.begin(), block.children.end(), [&](const auto& child) {
        if (child->is_block && (child->name == "location" || child->name == "if")) {
            return is_harmless(*child, redirects);
        }
        redirects = redirects || is_to_https(*child);
        return !remark_on(*child);
    });
}

/// Whether a block sends clients to https and does nothing else.
bool only_redirects(const Directive& block) {
    bool redirects = false;
    return is_harmless(block, redirects) && redirects;
}

std::optional<RemarkKind> remark_on(const Directive& directive) {
    constexpr std::string_view of_zones =
        "limit_conn_log_level limit_conn_zone limit_req_log_level limit_req_zone";
    const std::string_view name = directive.name;
    const std::string first = first_argument(directive);
    if (name == "proxy_set_header") {
        return is_usual_header(first) ? std::nullopt : std::optional(lost);
    }
    if ((first == "off" && !name.starts_with("proxy_pass_")) ||
        (name == "allow" && first == "all") || is_to_https(directive) ||
        (name == "if" && directive.is_block && only_redirects(directive))) {
        return std::nullopt;
    }
    if ((has_word(restrictions, name) && !has_word(of_zones, name)) ||
        (name == "return" && first.starts_with('4'))) {
        return restriction;
    }
    return has_word(harmless, name) ? std::nullopt : std::optional(lost);
}

/// A server with its proxy_pass: of several the first that takes every path, else the first.
struct NginxServer {
    const Directive& block;
    std::vector<std::pair<std::string, Place>> names; ///< but for "" and "_"
    std::string title;                                ///< server "meet.contoso.com"
    const Directive* pass = nullptr;
    std::string proxy_name; ///< proxy_ssl_name there
    bool every_path = false;
    bool tls = false;
    bool plain = false;
};

/// Whether a block can name it: not a variable, not "data:" or "engine:".
bool is_file(std::string_view name) {
    return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '$' || c == ':';
    });
}

/// The lines and blocks of that name.
std::vector<const Directive*> children(const Directive& block, std::string_view name) {
    std::vector<const Directive*> found;
    for (const auto& child : block.children) {
        if (child->name == name) {
            found.push_back(child.get());
        }
    }
    return found;
}

/// Its first argument in this block, or what is inherited.
std::string value_of(const Directive& block, std::string_view name, const std::string& inherited) {
    const auto lines = children(block, name);
    return lines.empty() ? inherited : first_argument(*lines.front());
}

/// Upstream or server of a proxy_pass, and the path; empty if it is a variable's.
std::pair<std::string, std::string> target_of(const Directive& pass) {
    const std::string& url = pass.arguments.front();
    const std::size_t begin = url.find("://");
    std::string target = begin == url.npos ? "" : url.substr(begin + 3);
    const std::size_t end =
        std::min({target.find('/'), target.find("$request_uri"), target.size()});
    std::string path = target.substr(end);
    target.resize(end);
    const bool known = target.find('$') == target.npos && !target.starts_with("unix:");
    return {known ? target : "", std::move(path)};
}

class NginxReader {
public:
    NginxReader(const Directive& root, std::string prefix) : prefix_(std::move(prefix)) {
        draft_.source = "nginx";
        draft_.file = root.place.file;
    }

    Draft read(const Directive& root) {
        const auto blocks = children(root, "http");
        for (const Directive* http : blocks) {
            read_http(*http);
        }
        if (blocks.empty()) {
            read_http(root); // a file that is included at http level
        }
        for (const char* name : {"stream", "mail"}) {
            for (const Directive* block : children(root, name)) {
                draft_.add(lost, block->place, "{} isn't HTTP", line_of(*block));
            }
        }
        if (passing_.empty()) {
            throw Mistake("no \"server\" block with \"proxy_pass\" in it: is it the right file?",
                          {draft_.file, 1});
        }
        return std::move(draft_);
    }

private:
    /// A directive that nothing is read of.
    void add_line(const Directive& directive, const std::string& where) {
        if (const auto kind = remark_on(directive)) {
            draft_.add(*kind, directive.place, "{} in {}", line_of(directive), where);
        }
    }

    void read_http(const Directive& http) {
        for (const Directive* upstream : children(http, "upstream")) {
            upstreams_[first_argument(*upstream)] = upstream;
        }
        read_certificates(http, draft_.certificates);
        read_trusted_ca(http);
        const bool tls = value_of(http, "ssl", "") == "on";
        const std::string proxy_name = value_of(http, "proxy_ssl_name", "");
        for (const auto& child : http.children) {
            if (child->name == "server" && child->is_block) {
                read_server(*child, tls, proxy_name);
            } else if (child->name != "access_log" && child->name != "error_log") {
                add_line(*child, "http");
            }
        }
    }

    void read_server(const Directive& block, bool tls, const std::string& proxy_name) {
        NginxServer server{block, {}, "server without a name", nullptr, "", false, false, false};
        for (const Directive* line : children(block, "server_name")) {
            for (const std::string& name : line->arguments) {
                if (!name.empty() && name != "_") {
                    server.names.emplace_back(to_ascii_lower(name), line->place);
                }
            }
        }
        if (!server.names.empty()) {
            server.title = "server " + quoted(server.names.front().first);
        }
        Listener listener;
        read_listens(server, tls || value_of(block, "ssl", "") == "on", listener);
        read_certificates(block, listener.certificates);
        const auto shared = std::make_shared<const Listener>(std::move(listener));
        if (find_passes(block)) {
            walk(block, server, server.title, proxy_name, true, 0);
        }
        if (server.pass != nullptr && !server.every_path) {
            draft_.add(restriction, server.pass->place,
                       "{} passed some paths on; now it is the product's external ones",
                       server.title);
        } else if (server.pass == nullptr && !only_redirects(block)) {
            const auto& lines = block.children;
            const bool closed =
                server.tls && std::any_of(lines.begin(), lines.end(), [](auto& line) {
                    return remark_on(*line) == restriction;
                });
            draft_.add(closed ? restriction : lost, block.place, "{} passes nothing on",
                       server.title);
        } else if (server.pass == nullptr && server.names.empty()) {
            server.names.emplace_back("", block.place); // of every name
        }
        read_names(server, shared);
    }

    /// Finds the blocks with a proxy_pass somewhere in them, each looked at once.
    bool find_passes(const Directive& block) {
        bool any = false;
        for (const auto& child : block.children) {
            any = (child->is_block ? find_passes(*child)
                                   : child->name == "proxy_pass" && !child->arguments.empty()) ||
                  any;
        }
        if (any) {
            passing_.insert(&block);
        }
        return any;
    }

    /// Every line of a server and the blocks in it. A location that passes nothing on is one.
    void walk(const Directive& block, NginxServer& server, const std::string& where,
              const std::string& inherited, bool every_path, unsigned depth) {
        constexpr unsigned deepest = 20; // ifs within each other that are looked into
        const std::string proxy_name = value_of(block, "proxy_ssl_name", inherited);
        read_trusted_ca(block);
        for (const auto& child : block.children) {
            const bool location = child->name == "location" && child->is_block;
            const auto inner = [&] { return line_of(*child) + " of " + server.title; };
            if (child->name == "proxy_pass" && !child->arguments.empty()) {
                take_pass(*child, server, proxy_name, every_path);
            } else if (location && passing_.contains(child.get())) {
                const std::string path = child->arguments.empty() ? "" : child->arguments.back();
                walk(*child, server, inner(), proxy_name,
                     every_path && path == "/" && first_argument(*child) != "=", depth + 1);
            } else if (location && !only_redirects(*child)) {
                draft_.add(restriction, child->place,
                           "{} passed nothing on: what must stay closed is \"deny_path\"", inner());
            } else if (!location) {
                add_line(*child, where);
                if (child->is_block && depth < deepest && remark_on(*child)) {
                    walk(*child, server, inner(), proxy_name, false, depth + 1);
                }
            }
        }
    }

    void take_pass(const Directive& pass, NginxServer& server, const std::string& proxy_name,
                   bool every_path) {
        constexpr std::string_view same = "/ $request_uri /$request_uri";
        if (const std::string path = target_of(pass).second;
            !path.empty() && !has_word(same, path)) {
            draft_.add(lost, pass.place, "{} in {} changes the path", line_of(pass), server.title);
        }
        const Directive* lesser = &pass;
        if (server.pass == nullptr || (every_path && !server.every_path)) {
            lesser = std::exchange(server.pass, &pass);
            server.proxy_name = proxy_name;
            server.every_path = every_path;
        }
        if (lesser != nullptr && target_of(*lesser).first != target_of(*server.pass).first) {
            draft_.add(lost, lesser->place,
                       "{} in {}: a name's requests go to one group of servers", line_of(*lesser),
                       server.title);
        }
    }

    void read_listens(NginxServer& server, bool all_tls, Listener& listener) {
        const auto lines = children(server.block, "listen");
        if (lines.empty()) {
            (all_tls ? server.tls : server.plain) = true;
            add_socket(listener.sockets, "80", {all_tls, false});
        }
        for (const Directive* line : lines) {
            if (has_argument(*line, "quic")) {
                continue; // HTTP/3 is never offered
            }
            const bool tls = all_tls || has_argument(*line, "ssl");
            (tls ? server.tls : server.plain) = true;
            if (!add_socket(listener.sockets, first_argument(*line),
                            {tls, has_argument(*line, "proxy_protocol")}) ||
                has_argument(*line, "ipv6only=off")) {
                draft_.add(lost, line->place, "{}", line_of(*line));
            }
        }
    }

    /// One certificate for each kind of key, and their keys in the same order.
    void read_certificates(const Directive& block, Certificates& certificates) {
        const auto lines = children(block, "ssl_certificate");
        const auto keys = children(block, "ssl_certificate_key");
        for (std::size_t i = 0; i < lines.size(); i++) {
            const std::string certificate = first_argument(*lines[i]);
            const std::string key = i < keys.size() ? first_argument(*keys[i]) : "";
            if (is_file(certificate) && is_file(key)) {
                certificates.emplace_back(full_name(certificate, prefix_), full_name(key, prefix_));
            } else {
                draft_.add(lost, lines[i]->place, "{}", line_of(*lines[i]));
            }
        }
    }

    void read_trusted_ca(const Directive& block) {
        const std::string file = value_of(block, "proxy_ssl_trusted_certificate", "");
        if (draft_.trusted_ca.empty() && is_file(file)) {
            draft_.trusted_ca = full_name(file, prefix_);
        }
    }

    /// The servers of a target, read once; their port is that of the scheme.
    Farm* farm_of(const Directive& pass) {
        const std::string target = target_of(pass).first;
        const auto [known, is_new] = farms_.try_emplace(target);
        auto& [farm, port] = known->second;
        if (is_new) {
            farm = &draft_.farms.emplace_back();
            farm->place = pass.place;
            if (const auto upstream = upstreams_.find(target); upstream != upstreams_.end()) {
                port = read_upstream(*upstream->second, *farm);
            } else {
                auto [host, own] = split_endpoint(target);
                farm->servers.push_back({std::move(host), ""});
                port = own;
            }
        }
        const bool secure = first_argument(pass).starts_with("https:");
        (secure ? farm->https : farm->http) = port != 0 ? port : secure ? 443 : 80;
        return farm;
    }

    /// The first server's port; other ports have no counterpart.
    std::uint16_t read_upstream(const Directive& upstream, Farm& farm) {
        constexpr std::string_view kept =
            "zone least_conn keepalive keepalive_requests keepalive_time keepalive_timeout ntlm "
            "ntlm_timeout random";
        std::uint16_t port = 0;
        for (const auto& child : upstream.children) {
            auto [host, own] = split_endpoint(first_argument(*child));
            const bool server = child->name == "server" && !host.empty() &&
                                !host.starts_with("unix:") && (farm.servers.empty() || own == port);
            const bool down = has_argument(*child, "down");
            if (server) {
                port = own;
                farm.servers.push_back({std::move(host), down ? " down" : ""});
            }
            if (server ? child->arguments.size() > (down ? 2 : 1) : !has_word(kept, child->name)) {
                draft_.add(lost, child->place, "{}{} in {}", server ? "parameters of " : "",
                           line_of(*child), line_of(upstream));
            }
        }
        return port;
    }

    void read_names(const NginxServer& server, const std::shared_ptr<const Listener>& listener) {
        Farm* farm = nullptr;
        if (server.pass != nullptr && target_of(*server.pass).first.empty()) {
            draft_.add(lost, server.pass->place, "{} in {}: where does it lead?",
                       line_of(*server.pass), server.title);
            return;
        }
        if (server.pass != nullptr) {
            farm = farm_of(*server.pass);
            farm->fqdn = farm->fqdn.empty() ? server.proxy_name : farm->fqdn;
            if (server.names.empty()) {
                draft_.add(lost, server.block.place,
                           "{} took every request: write the names it is for", server.title);
            }
        }
        for (const auto& [name, place] : server.names) {
            const std::string host = name.starts_with('~')
                                         ? host_of_pattern(std::string_view(name).substr(1), false)
                                         : name;
            if ((host.empty() && !name.empty()) || host.find_first_of(".*") == 0) {
                if (farm != nullptr) {
                    draft_.add(lost, place, "server name {}", quoted(name));
                }
                continue;
            }
            for (const bool tls : {true, false}) {
                if (tls ? server.tls : server.plain) {
                    draft_.names.push_back({host, farm, place, tls, Role::unknown, "", listener});
                }
            }
        }
    }

    std::string prefix_;
    Draft draft_;
    std::unordered_set<const Directive*> passing_;
    std::unordered_map<std::string, const Directive*> upstreams_;
    std::unordered_map<std::string, std::pair<Farm*, std::uint16_t>> farms_; ///< by target
};

} // namespace

Draft read_nginx(const Directive& root, const std::string& prefix) {
    return NginxReader(root, prefix).read(root);
}

} // namespace lync::lyncctl
