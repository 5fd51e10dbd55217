// nginx.conf as people write it for Lync: servers with names, locations with proxy_pass, upstreams.
// Directives mean what nginx's own documentation says. Each is looked at once.

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/import/patterns.h"

#include <algorithm>
#include <regex>
#include <set>
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

/// What becomes of a directive of an old nginx.conf that nothing is read of.
enum class Word : std::uint8_t {
    harmless,    ///< the publication has it, or it does nothing to a request
    restriction, ///< keeps somebody out
    other,       ///< changes what clients or servers see, or isn't known
};
Word word_of(const Directive& directive);

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

constexpr unsigned deepest = 20; ///< blocks within each other that are looked into

using Names = std::vector<std::pair<std::string, Place>>;

/// Whether it is the page that was asked for, by https. To anywhere else clients are kept away.
bool is_same_page(const std::string& url, const Names& names) {
    constexpr std::string_view hosts = "$host $http_host $server_name";
    constexpr std::string_view pages =
        "$1 /$1 $request_uri $request_uri? $uri $uri$is_args$args $uri?$args";
    const std::size_t begin = std::min<std::size_t>(url.size(), 8);
    const std::size_t end = std::min(url.find_first_of("/$", begin + 1), url.size());
    const std::string host = to_ascii_lower(url.substr(begin, end - begin));
    return url.starts_with("https://") && has_word(pages, url.substr(end)) &&
           (has_word(hosts, host) || std::any_of(names.begin(), names.end(), [&](const auto& name) {
                return name.first == host;
            }));
}

/// Whether it sends clients to https and does nothing else.
bool only_redirects(const Directive& block, const Names& names) {
    bool redirects = false;
    for (const auto& child : block.children) {
        const bool inner = child->is_block && (child->name == "location" || child->name == "if");
        const bool answers = child->name == "return" || child->name == "rewrite";
        if (inner ? only_redirects(*child, names)
                  : answers && std::any_of(child->arguments.begin(), child->arguments.end(),
                                           [&](const std::string& argument) {
                                               return is_same_page(argument, names);
                                           })) {
            redirects = true;
        } else if (inner || word_of(*child) != Word::harmless) {
            return false;
        }
    }
    return redirects;
}

/// Whether it sends some clients to https, as certbot has nginx do before a "return 404".
bool redirects_somewhere(const Directive& block, unsigned depth = 0) {
    return depth < deepest &&
           std::any_of(block.children.begin(), block.children.end(), [&](const auto& child) {
               return ((child->name == "return" || child->name == "rewrite") &&
                       std::any_of(
                           child->arguments.begin(), child->arguments.end(),
                           [](const auto& each) { return each.starts_with("https://"); })) ||
                      (child->is_block && redirects_somewhere(*child, depth + 1));
           });
}

Word word_of(const Directive& directive) {
    const std::string_view name = directive.name;
    const std::string first = first_argument(directive);
    if (name == "proxy_set_header") {
        return is_usual_header(first) ? Word::harmless : Word::other;
    }
    if ((first == "off" && !name.starts_with("proxy_pass_")) ||
        (name == "allow" && first == "all")) {
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

// -- servers and where they lead -----------------------------------------------------------------

/// What inner blocks inherit.
struct Settings {
    bool tls = false;                        ///< `ssl on`
    const Directive* certificates = nullptr; ///< the block with them
    const Directive* proxy_name = nullptr;
    const Directive* trusted_ca = nullptr;

    Settings within(const Directive& block) const {
        Settings inner = *this;
        for (const auto& child : block.children) {
            if (child->name == "ssl") {
                inner.tls = first_argument(*child) == "on";
            } else if (child->name == "ssl_certificate") {
                inner.certificates = &block;
            } else if (child->name == "proxy_ssl_name") {
                inner.proxy_name = child.get();
            } else if (child->name == "proxy_ssl_trusted_certificate") {
                inner.trusted_ca = child.get();
            }
        }
        return inner;
    }
};

/// A server with its proxy_pass: of several the first that takes every path, else the first.
struct Server {
    const Directive* block;
    Names names;
    std::string title; ///< server "meet.contoso.com"
    const Directive* pass = nullptr;
    Settings settings; ///< there
    bool every_path = false;
    OldListener listener; ///< of https
    bool tls = false;
    bool plain = false;
};

/// Whether a block can name it: not a variable, not "data:" or "engine:".
bool is_file(std::string_view name) {
    return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '$' || c == ':';
    });
}

bool takes_every_path(const Directive& location) {
    constexpr std::string_view every =
        "/ ^ ^/ .* ^.* /.* ^/.* .*$ ^.*$ ^/.*$ (.*) ^(.*) /(.*) ^/(.*) ^(.*)$ ^/(.*)$ ^(/.*)$";
    const std::string path = location.arguments.empty() ? "" : location.arguments.back();
    return path.starts_with('@') || (has_word(every, path) && first_argument(location) != "=");
}

bool has_pass(const Directive& block, unsigned depth = 0) {
    return depth < deepest &&
           std::any_of(block.children.begin(), block.children.end(), [&](const auto& child) {
               return (child->name == "proxy_pass" && !child->arguments.empty()) ||
                      (child->is_block && has_pass(*child, depth + 1));
           });
}

/// The lines of that name, which have an argument.
std::vector<const Directive*> children(const Directive& block, std::string_view name) {
    std::vector<const Directive*> found;
    for (const auto& child : block.children) {
        if (child->name == name && !child->arguments.empty()) {
            found.push_back(child.get());
        }
    }
    return found;
}

/// But for "" and "_".
Names names_of(const Directive& server) {
    Names names;
    for (const Directive* line : children(server, "server_name")) {
        for (const std::string& name : line->arguments) {
            if (!name.empty() && name != "_") {
                names.emplace_back(to_ascii_lower(name), line->place);
            }
        }
    }
    return names;
}

/// By the first name, since a server has no other title.
std::string title_of(const Directive& server) {
    const auto names = names_of(server);
    return "server " + (names.empty() ? "without a name" : quoted(names.front().first));
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
        proxy_.product = "nginx";
        proxy_.file = root.place.file;
    }

    OldProxy read(const Directive& root) {
        const auto is_http = [](const auto& child) {
            return child->name == "http" && child->is_block;
        };
        if (std::none_of(root.children.begin(), root.children.end(), is_http)) {
            read_http(root); // a file that is included at http level
        }
        for (const auto& child : root.children) {
            if (is_http(child)) {
                read_http(*child);
            } else if (child->name == "stream" || child->name == "mail") {
                add(lost, line_of(*child) + " isn't HTTP", *child);
            }
        }
        if (!passes_) {
            throw Mistake("no \"server\" block with \"proxy_pass\" in it: is it the right file?",
                          {proxy_.file, 1});
        }
        for (const Directive* server : without_pass_) {
            read_without_pass(*server);
        }
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, const Directive& directive) {
        proxy_.add(kind, std::move(text), directive.place);
    }

    /// A directive that nothing is read of.
    void add_line(const Directive& directive, const std::string& where) {
        if (const Word word = word_of(directive); word != Word::harmless) {
            add(word == Word::restriction ? restriction : lost,
                formatted("{} in {}", line_of(directive), where), directive);
        }
    }

    void read_http(const Directive& http) {
        const Settings settings = Settings{}.within(http);
        for (const Directive* upstream : children(http, "upstream")) {
            upstreams_[upstream->arguments.front()] = upstream;
        }
        for (const auto& child : http.children) {
            if (child->name == "server" && child->is_block && has_pass(*child)) {
                read_server(*child, settings);
            } else if (child->name == "server" && child->is_block) {
                without_pass_.push_back(child.get()); // redirects, or files of its own
            } else if (child->name != "access_log" && child->name != "error_log") {
                add_line(*child, "http");
            }
        }
    }

    void read_server(const Directive& block, const Settings& outer) {
        passes_ = true;
        Server server{&block, names_of(block), title_of(block), nullptr, {}, false, {}, false,
                      false};
        const Settings settings = outer.within(block);
        read_listens(server, settings.tls);
        walk(block, server, settings, server.title, true, 0);
        if (server.pass == nullptr) {
            return;
        }
        if (!server.every_path) {
            add(restriction,
                server.title + " passed some paths on; now it is the product's external ones",
                *server.pass);
        }
        if (server.tls && settings.certificates != nullptr) {
            const OldListener& read = certificates_of(*settings.certificates);
            server.listener.certificates = read.certificates;
            server.listener.place = read.place;
        }
        read_names(server);
    }

    /// Every line of a server and the blocks in it. A location that passes nothing on is one.
    void walk(const Directive& block, Server& server, const Settings& settings,
              const std::string& where, bool every_path, unsigned depth) {
        for (const auto& child : block.children) {
            const bool location = child->name == "location" && child->is_block;
            if (child->name == "proxy_pass" && !child->arguments.empty()) {
                take_pass(*child, server, settings, every_path);
            } else if (child->is_block && (location || child->name == "if") &&
                       only_redirects(*child, server.names)) {
                continue;
            } else if ((location && !has_pass(*child)) || (child->is_block && depth == deepest)) {
                add(restriction,
                    formatted("{} of {} passed nothing on: what must stay closed is "
                              "\"deny_path\"",
                              line_of(*child), where),
                    *child);
            } else {
                if (!location) {
                    add_line(*child, where);
                }
                if (location || (child->is_block && word_of(*child) != Word::harmless)) {
                    walk(*child, server, settings.within(*child), line_of(*child) + " of " + where,
                         location && every_path && takes_every_path(*child), depth + 1);
                }
            }
        }
    }

    void take_pass(const Directive& pass, Server& server, const Settings& settings,
                   bool every_path) {
        constexpr std::string_view same = "/ $request_uri /$request_uri";
        if (const std::string path = target_of(pass).second;
            !path.empty() && !has_word(same, path)) {
            add(lost, formatted("{} in {} changes the path", line_of(pass), server.title), pass);
        }
        const Directive* lesser = &pass;
        if (server.pass == nullptr || (every_path && !server.every_path)) {
            lesser = std::exchange(server.pass, &pass);
            server.settings = settings;
            server.every_path = every_path;
        }
        if (lesser != nullptr && target_of(*lesser).first != target_of(*server.pass).first) {
            add(lost,
                formatted("{} in {}: a name's requests go to one group of servers",
                          line_of(*lesser), server.title),
                *lesser);
        }
    }

    /// The socket; empty with a remark if a block can't have it.
    std::string read_listen(const Directive& line, bool tls) {
        std::string socket =
            proxy_.listen(first_argument(line), {tls, has_argument(line, "proxy_protocol")});
        if (socket.empty()) {
            add(lost, line_of(line), line);
        } else if (socket.starts_with("[::]:") && has_argument(line, "ipv6only=off")) {
            proxy_.listen(socket.substr(5), proxy_.sockets.at(socket)); // IPv4 as well
        }
        return socket;
    }

    void read_listens(Server& server, bool all_tls) {
        const auto lines = children(*server.block, "listen");
        if (lines.empty()) {
            (all_tls ? server.tls : server.plain) = true;
            proxy_.listen("80", {all_tls, false});
        }
        for (const Directive* line : lines) {
            if (has_argument(*line, "quic")) {
                continue; // HTTP/3 is never offered
            }
            const bool tls = all_tls || has_argument(*line, "ssl");
            (tls ? server.tls : server.plain) = true;
            if (const std::string socket = read_listen(*line, tls); tls && !socket.empty()) {
                server.listener.sockets.insert(socket.starts_with("[::]:") ? socket.substr(5)
                                                                           : socket);
            }
        }
    }

    /// The servers of a target and their port, read once.
    std::pair<std::size_t, std::uint16_t> group_of(const std::string& target,
                                                   const Settings& settings) {
        const auto [known, is_new] =
            groups_.try_emplace(target, proxy_.groups.size(), std::uint16_t{0});
        OldGroup& group =
            is_new ? proxy_.groups.emplace_back() : proxy_.groups[known->second.first];
        if (const auto upstream = upstreams_.find(target); is_new && upstream != upstreams_.end()) {
            known->second.second = read_upstream(*upstream->second, group);
        } else if (is_new) {
            auto [host, port] = split_endpoint(target);
            group.servers.push_back({std::move(host), ""});
            known->second.second = port;
        }
        if (group.name.empty() && settings.proxy_name != nullptr) {
            group.name = first_argument(*settings.proxy_name);
        }
        if (proxy_.trusted_ca.empty() && settings.trusted_ca != nullptr &&
            is_file(first_argument(*settings.trusted_ca))) {
            proxy_.trusted_ca = full_name(first_argument(*settings.trusted_ca), prefix_);
        }
        return known->second;
    }

    /// The first server's port; other ports have no counterpart.
    std::uint16_t read_upstream(const Directive& upstream, OldGroup& group) {
        constexpr std::string_view kept =
            "zone least_conn keepalive keepalive_requests keepalive_time keepalive_timeout ntlm "
            "ntlm_timeout random";
        const std::string where = line_of(upstream);
        std::uint16_t port = 0;
        for (const auto& child : upstream.children) {
            auto [host, own] = split_endpoint(first_argument(*child));
            if (child->name == "server" && !host.empty() && !host.starts_with("unix:") &&
                (group.servers.empty() || own == port)) {
                port = own;
                group.servers.push_back({std::move(host), parameters_of(*child)});
            } else if (!has_word(kept, child->name)) {
                add(lost, formatted("{} in {}", line_of(*child), where), *child);
            }
        }
        return port;
    }

    /// What a server line may keep: numbers and times in seconds.
    std::string parameters_of(const Directive& server) {
        static const std::regex kept("down|weight=[1-9][0-9]{0,4}|"
                                     "(max_conns|max_fails)=[0-9]{1,5}|"
                                     "(fail_timeout|slow_start)=[1-9][0-9]{0,4}s?");
        std::string parameters;
        std::set<std::string> seen;
        for (std::size_t i = 1; i < server.arguments.size(); i++) {
            const std::string& word = server.arguments[i];
            if (std::regex_match(word, kept) &&
                seen.insert(word.substr(0, word.find('='))).second) {
                parameters += " " + word;
            } else {
                add(lost, formatted("parameter {} of a server", quoted(word)), server);
            }
        }
        return parameters;
    }

    /// A server has one certificate of each kind of key, and their keys in the same order. Many may
    /// inherit them.
    const OldListener& certificates_of(const Directive& block) {
        const auto [known, is_new] = certificates_.try_emplace(&block);
        if (!is_new) {
            return known->second;
        }
        const auto certificates = children(block, "ssl_certificate");
        const auto keys = children(block, "ssl_certificate_key");
        for (std::size_t i = 0; i < std::min(certificates.size(), keys.size()); i++) {
            const std::string& certificate = certificates[i]->arguments.front();
            const std::string& key = keys[i]->arguments.front();
            if (is_file(certificate) && is_file(key)) {
                known->second.certificates.emplace_back(full_name(certificate, prefix_),
                                                        full_name(key, prefix_));
                known->second.place = certificates[i]->place;
            } else {
                add(lost, line_of(*certificates[i]), *certificates[i]);
            }
        }
        return known->second;
    }

    void read_names(const Server& server) {
        const std::string target = target_of(*server.pass).first;
        const bool secure = server.pass->arguments.front().starts_with("https:");
        if (target.empty()) {
            add(lost,
                formatted("{} in {}: where does it lead?", line_of(*server.pass), server.title),
                *server.pass);
            return;
        }
        const auto [group, written] = group_of(target, server.settings);
        const std::uint16_t port = written != 0 ? written : secure ? 443 : 80;
        const Names& names = server.names;
        const auto listener = std::make_shared<const OldListener>(server.listener);
        for (const auto& [name, place] : names) {
            const std::string host = name.starts_with('~')
                                         ? host_of_pattern(std::string_view(name).substr(1), false)
                                     : name.find_first_of(".*") == 0 ? ""
                                                                     : name;
            if (host.empty()) {
                proxy_.add(lost, "server name " + quoted(name), place);
                continue;
            }
            published_.insert(host);
            for (const bool tls : {true, false}) {
                if (tls ? server.tls : server.plain) {
                    proxy_.routes.push_back({host, "", group,
                                             tls == secure ? port : std::uint16_t{0}, tls, secure,
                                             place, tls ? listener : nullptr});
                }
            }
        }
        if (names.empty()) {
            add(lost, server.title + " took every request: write the names it is for",
                *server.block);
        }
    }

    /// A server without proxy_pass. As a rule it redirects port 80 of the names that are published.
    void read_without_pass(const Directive& server) {
        const auto lines = children(server, "listen");
        const auto names = names_of(server);
        const bool tls = std::any_of(lines.begin(), lines.end(), [](const Directive* line) {
            return has_argument(*line, "ssl") || has_argument(*line, "quic");
        });
        const bool published =
            names.empty() || std::any_of(names.begin(), names.end(), [&](const auto& name) {
                return published_.contains(name.first);
            });
        const bool same = !tls && only_redirects(server, names);
        if (same || (!tls && published && redirects_somewhere(server))) {
            for (const Directive* line : lines) {
                read_listen(*line, false);
            }
            if (lines.empty()) {
                proxy_.listen("80", {});
            }
        }
        if (!same && !names.empty()) {
            add(published && tls ? restriction : check,
                title_of(server) + " passes nothing on by \"proxy_pass\" and isn't carried over",
                server);
        }
    }

    std::string prefix_;
    OldProxy proxy_;
    bool passes_ = false;
    std::unordered_map<std::string, const Directive*> upstreams_;
    std::unordered_map<std::string, std::pair<std::size_t, std::uint16_t>> groups_; ///< by target
    std::unordered_map<const Directive*, OldListener> certificates_; ///< by their block
    std::vector<const Directive*> without_pass_;
    std::unordered_set<std::string> published_;
};

OldProxy read_tree(const Directive& root, std::string prefix) {
    return NginxReader(root, std::move(prefix)).read(root);
}

} // namespace

OldProxy read_nginx(const std::string& file, const Sources& sources) {
    return read_tree(*read_configuration(file, sources), directory_of(file));
}

OldProxy read_nginx_text(std::string_view text, const std::string& name, const Sources& sources) {
    return read_tree(*read_text(text, name, "/etc/nginx/", sources), "/etc/nginx/");
}

} // namespace lync::lyncctl
