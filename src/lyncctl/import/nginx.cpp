// nginx.conf as people write it for Lync: servers with names, locations with proxy_pass, upstreams.
// Directives mean what nginx's own documentation says. Each is looked at once.

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/import/nginx_words.h"
#include "lyncctl/import/patterns.h"

#include <algorithm>
#include <set>
#include <unordered_set>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

using config::Directive;

constexpr unsigned deepest = 20;

/// What inner blocks inherit.
struct Settings {
    bool tls = false;                  ///< `ssl on`
    const Directive* server = nullptr; ///< with ssl_certificate lines
    const Directive* proxy_name = nullptr;
    const Directive* trusted_ca = nullptr;

    Settings within(const Directive& block) const {
        Settings inner = *this;
        for (const auto& child : block.children) {
            if (child->name == "ssl") {
                inner.tls = first_argument(*child) == "on";
            } else if (child->name == "ssl_certificate") {
                inner.server = &block;
            } else if (child->name == "proxy_ssl_name") {
                inner.proxy_name = child.get();
            } else if (child->name == "proxy_ssl_trusted_certificate") {
                inner.trusted_ca = child.get();
            }
        }
        return inner;
    }
};

/// A proxy_pass and what counts there.
struct Pass {
    const Directive* directive;
    const Directive* location; ///< the innermost, or nullptr
    Settings settings;
    bool every_path;
};

struct Server {
    const Directive* block;
    std::string title; ///< server "meet.contoso.com"
    std::vector<Pass> passes;
    std::set<std::string> sockets; ///< of https
    bool tls = false;
    bool plain = false;
};

class NginxReader {
public:
    NginxReader(const Directive& root, std::string prefix) : prefix_(std::move(prefix)) {
        proxy_.product = "nginx";
        proxy_.file = root.place.file;
    }

    OldProxy read(const Directive& root) {
        bool any = false;
        for (const auto& child : root.children) {
            if (child->name == "http" && child->is_block) {
                any = true;
                read_http(*child);
            } else if ((child->name == "stream" || child->name == "mail") && child->is_block) {
                add(lost, line_of(*child) + ": what it passes on isn't HTTP here", *child);
            }
        }
        if (!any) {
            read_http(root); // a file that is included at http level
        }
        if (!passes_) {
            throw Mistake("no \"server\" block with \"proxy_pass\" in it: is it the right file?",
                          {proxy_.file, 1});
        }
        compare_sockets();
        for (const Directive* server : without_pass_) {
            read_without_pass(*server);
        }
        finish();
        return std::move(proxy_);
    }

private:
    void add(RemarkKind kind, std::string text, const Directive& directive) {
        proxy_.remarks.add(kind, std::move(text), directive.place);
    }

    /// A directive that nothing is read of.
    void add_line(const Directive& directive, const std::string& where) {
        const Word word = word_of(directive);
        if (word != Word::harmless) {
            add(word == Word::restriction ? restriction : lost, line_of(directive) + " in " + where,
                directive);
        }
    }

    void read_http(const Directive& http) {
        const Settings settings = Settings{}.within(http);
        for (const auto& child : http.children) {
            if (child->name == "upstream" && child->is_block && !child->arguments.empty()) {
                upstreams_[child->arguments.front()] = child.get();
            }
        }
        for (const auto& child : http.children) {
            if (child->name == "server" && child->is_block) {
                read_server(*child, settings);
            } else if (child->name == "lync_publish") {
                add(check, child->title() + " is a publication already", *child);
            } else if (child->name != "access_log" && child->name != "error_log") {
                add_line(*child, "http");
            }
        }
    }

    void read_server(const Directive& block, const Settings& outer) {
        Server server{&block, title_of(block), {}, {}, false, false};
        const Settings settings = outer.within(block);
        if (!has_pass(block, 0)) {
            without_pass_.push_back(&block); // redirects, or files of its own
            return;
        }
        passes_ = true;
        read_listens(server, settings.tls);
        walk(block, server, settings, server.title, nullptr, true, 0);
        if (server.passes.empty()) {
            return;
        }
        std::stable_sort(server.passes.begin(), server.passes.end(),
                         [](const Pass& a, const Pass& b) { return a.every_path > b.every_path; });
        OldName name;
        if (!read_target(server, name)) {
            return;
        }
        read_paths(server);
        if (server.tls && settings.server != nullptr) {
            read_certificates(*settings.server);
        }
        read_names(server, name);
        if (server.tls) {
            servers_.emplace_back(&block, std::move(server.title), std::move(server.sockets));
        }
    }

    static bool has_pass(const Directive& block, unsigned depth) {
        return depth < deepest &&
               std::any_of(block.children.begin(), block.children.end(), [&](const auto& child) {
                   return (child->name == "proxy_pass" && !child->arguments.empty()) ||
                          (child->is_block && has_pass(*child, depth + 1));
               });
    }

    /// By the first name, since a server has no other title.
    static std::string title_of(const Directive& server) {
        for (const auto& child : server.children) {
            if (child->name == "server_name" && !first_argument(*child).empty()) {
                return "server " + quoted(first_argument(*child));
            }
        }
        return "the server without a name at line " + std::to_string(server.place.line);
    }

    /// Every line of a server and the blocks in it.
    void walk(const Directive& block, Server& server, const Settings& settings,
              const std::string& where, const Directive* location, bool every_path,
              unsigned depth) {
        for (const auto& child : block.children) {
            if (child->name == "proxy_pass" && !child->arguments.empty()) {
                server.passes.push_back({child.get(), location, settings, every_path});
            } else if (child->name != "location" || !child->is_block) {
                add_line(*child, where);
                if (child->is_block && word_of(*child) != Word::harmless && depth < deepest) {
                    walk(*child, server, settings.within(*child), line_of(*child) + " of " + where,
                         location, false, depth + 1);
                }
            } else if (depth < deepest) {
                const std::string title = line_of(*child) + " of " + server.title;
                if (!has_pass(*child, 0) && !only_redirects(*child) && !is_closed(*child)) {
                    add(restriction,
                        title + " passed nothing on: what must stay closed is \"deny_path\"",
                        *child);
                }
                walk(*child, server, settings.within(*child), title, child.get(),
                     every_path && takes_every_path(*child), depth + 1);
            } else {
                add(restriction, line_of(*child) + " isn't read: it lies too deep", *child);
            }
        }
    }

    /// Whether one of its own lines is going to be named as a restriction anyway.
    static bool is_closed(const Directive& location) {
        return std::any_of(location.children.begin(), location.children.end(),
                           [](const auto& c) { return word_of(*c) == Word::restriction; });
    }

    /// A `listen`, as a socket of the publication; its address, or nothing where it can't be one.
    std::string read_listen(const Directive& listen, bool secure) {
        const std::string& text = listen.arguments.front();
        const std::uint16_t alone = port_of(text);
        auto [host, port] = split_endpoint(text);
        if (text.starts_with("unix:")) {
            add(lost, line_of(listen), listen);
            return {};
        }
        const std::string number = std::to_string(alone != 0 ? alone : port != 0 ? port : 80);
        const bool any = alone != 0 || host == "*" || host == "0.0.0.0";
        std::string address = any ? number : host + ":" + number;
        constexpr std::string_view known =
            " ssl http2 spdy default_server default bind ipv6only=on reuseport proxy_protocol ";
        for (std::size_t i = 1; i < listen.arguments.size(); i++) {
            const std::string& parameter = listen.arguments[i];
            if (!has_word(known, parameter)) {
                add(lost, "parameter " + quoted(parameter) + " of \"listen\" " + quoted(text),
                    listen);
            }
        }
        (secure ? proxy_.https_sockets : proxy_.http_sockets)
            .push_back({address, has_argument(listen, "proxy_protocol")});
        return address;
    }

    void read_listens(Server& server, bool all_tls) {
        bool any = false;
        for (const auto& child : server.block->children) {
            if (child->name != "listen" || child->arguments.empty()) {
                continue;
            }
            any = true;
            if (has_argument(*child, "quic")) {
                continue; // HTTP/3 is never offered
            }
            const bool secure = all_tls || has_argument(*child, "ssl");
            (secure ? server.tls : server.plain) = true;
            const std::string socket = read_listen(*child, secure);
            if (secure && !socket.empty()) {
                server.sockets.insert(socket.starts_with("[::]:") ? socket.substr(5) : socket);
            }
        }
        if (!any) {
            (all_tls ? server.tls : server.plain) = true;
            (all_tls ? proxy_.https_sockets : proxy_.http_sockets).push_back({"80"});
        }
    }

    /// Where the first proxy_pass leads. False with a remark if that can't be said.
    bool read_target(const Server& server, OldName& name) {
        const Directive& pass = *server.passes.front().directive;
        const std::string& url = pass.arguments.front();
        const bool secure = url.starts_with("https://");
        const std::string target = target_of(url);
        if (target.empty()) {
            add(lost,
                line_of(pass) + " in " + server.title + ": where it leads isn't written there",
                pass);
            return false;
        }
        const auto [group, written] = group_of(target, server.passes.front().settings);
        if (proxy_.groups[group].servers.empty()) {
            add(lost, "upstream " + quoted(target) + " has no server that can be used", pass);
            return false;
        }
        name.group = group;
        name.place = server.block->place;
        const std::uint16_t port = written != 0 ? written : secure ? 443 : 80;
        if (server.tls && !secure) {
            add(changed,
                "https requests of " + server.title + " went on unencrypted, to port " +
                    std::to_string(port) + "; now they go encrypted to 4443",
                pass);
        }
        name.https_port = !server.tls ? 0 : secure ? port : 4443;
        name.http_port = !server.plain ? 0 : secure ? 8080 : port;
        for (const Pass& other : server.passes) {
            if (target_of(other.directive->arguments.front()) != target) {
                add(lost,
                    line_of(*other.directive) + " in " + server.title +
                        ": a name's requests go to one group of servers",
                    *other.directive);
            }
        }
        return true;
    }

    /// Upstream or server of a proxy_pass, without the path; empty if it is a variable's.
    static std::string target_of(const std::string& url) {
        const std::size_t begin = url.starts_with("https://")  ? 8
                                  : url.starts_with("http://") ? 7
                                                               : url.size();
        std::string target = url.substr(
            begin, std::min(url.find('/', begin), url.find("$request_uri", begin)) - begin);
        return target.find('$') == target.npos && !target.starts_with("unix:") ? target
                                                                               : std::string{};
    }

    /// The servers of a target and their port, read once.
    std::pair<std::size_t, std::uint16_t> group_of(const std::string& target,
                                                   const Settings& settings) {
        const auto [known, is_new] =
            groups_.try_emplace(target, proxy_.groups.size(), std::uint16_t{0});
        if (is_new) {
            OldGroup& group = proxy_.groups.emplace_back();
            if (const auto upstream = upstreams_.find(target); upstream != upstreams_.end()) {
                known->second.second = read_upstream(*upstream->second, group);
            } else {
                auto [host, port] = split_endpoint(target);
                group.servers.push_back({std::move(host), ""});
                known->second.second = port;
            }
        }
        OldGroup& group = proxy_.groups[known->second.first];
        if (settings.proxy_name != nullptr && group.name.empty()) {
            group.name = to_ascii_lower(first_argument(*settings.proxy_name));
        }
        if (settings.trusted_ca != nullptr && proxy_.trusted_ca.empty() &&
            is_file(first_argument(*settings.trusted_ca))) {
            proxy_.trusted_ca = full_name(first_argument(*settings.trusted_ca), prefix_);
        }
        return known->second;
    }

    /// The first server's port; other ports have no counterpart.
    std::uint16_t read_upstream(const Directive& upstream, OldGroup& group) {
        std::uint16_t port = 0;
        const std::string where = line_of(upstream);
        for (const auto& child : upstream.children) {
            constexpr std::string_view kept =
                " zone least_conn keepalive keepalive_requests keepalive_time keepalive_timeout "
                "ntlm ntlm_timeout random ";
            if (child->name != "server" || child->arguments.empty()) {
                if (!has_word(kept, child->name)) {
                    add(lost, line_of(*child) + " in " + where, *child);
                }
                continue;
            }
            const std::string& text = child->arguments.front();
            auto [host, own] = split_endpoint(text);
            if (text.starts_with("unix:") || (!group.servers.empty() && own != port)) {
                add(lost,
                    line_of(*child) + " in " + where +
                        ": a pool's servers are addresses with the same port",
                    *child);
                continue;
            }
            port = own;
            group.servers.push_back({std::move(host), parameters_of(*child)});
        }
        return port;
    }

    /// What a server line may keep: numbers and times in seconds.
    std::string parameters_of(const Directive& server) {
        std::string parameters;
        std::set<std::string_view> seen;
        for (std::size_t i = 1; i < server.arguments.size(); i++) {
            const std::string_view word = server.arguments[i];
            const std::string_view name = word.substr(0, word.find('='));
            std::string_view value = word.substr(std::min(name.size() + 1, word.size()));
            const bool time = name == "fail_timeout" || name == "slow_start";
            value.remove_suffix(time && value.ends_with('s') ? 1 : 0);
            const bool number = !value.empty() && value.size() <= 5 &&
                                value.find_first_not_of("0123456789") == value.npos;
            const bool positive = number && value.find_first_not_of('0') != value.npos;
            const bool known = word == "backup" || word == "down" ||
                               (number && (name == "max_conns" || name == "max_fails")) ||
                               (positive && (name == "weight" || time));
            if (known && seen.insert(name).second) {
                parameters += " " + std::string(word);
            } else {
                add(lost, "parameter " + quoted(word) + " of a server", server);
            }
        }
        return parameters;
    }

    /// What was passed on of a server, if it wasn't every path.
    void read_paths(const Server& server) {
        for (const Pass& pass : server.passes) {
            if (!server.passes.front().every_path && pass.location != nullptr) {
                add(restriction,
                    server.title + " passed on " + line_of(*pass.location) +
                        " and not every path; now it is the product's external paths",
                    *pass.location);
            }
        }
    }

    /// A server has one certificate of each kind of key, and their keys in the same order.
    void read_certificates(const Directive& server) {
        std::vector<std::string> certificates;
        std::vector<std::string> keys;
        for (const auto& child : server.children) {
            if (child->name == "ssl_certificate") {
                certificates.push_back(first_argument(*child));
            } else if (child->name == "ssl_certificate_key") {
                keys.push_back(first_argument(*child));
            }
        }
        auto& known = proxy_.certificates;
        const bool first = known.empty();
        for (std::size_t i = 0; i < certificates.size() && i < keys.size(); i++) {
            std::pair<std::string, std::string> files{full_name(certificates[i], prefix_),
                                                      full_name(keys[i], prefix_)};
            if (std::find(known.begin(), known.end(), files) != known.end()) {
                continue;
            }
            if (first && is_file(certificates[i]) && is_file(keys[i])) {
                known.push_back(std::move(files));
            } else {
                add(lost,
                    "certificate " + quoted(certificates[i]) +
                        ": all names of a publication have those of its first server",
                    server);
            }
        }
    }

    void read_names(const Server& server, const OldName& target) {
        bool any = false;
        for (const auto& child : server.block->children) {
            if (child->name != "server_name") {
                continue;
            }
            for (const std::string& name : child->arguments) {
                if (name.empty() || name == "_") {
                    continue;
                }
                any = true;
                std::vector<std::string> hosts;
                if (name.starts_with('~')) {
                    hosts = hosts_of_pattern(std::string_view(name).substr(1), false);
                } else if (!name.starts_with('.') && !name.starts_with('*')) {
                    hosts = {to_ascii_lower(name)};
                }
                if (hosts.empty()) {
                    add(lost, "server name " + quoted(name) + ": write the names that are meant",
                        *child);
                }
                for (std::string& host : hosts) {
                    published_.insert(host);
                    OldName& one = proxy_.names.emplace_back(target);
                    one.host = std::move(host);
                    one.place = child->place;
                }
            }
        }
        if (!any) {
            add(lost, server.title + " took every request: write the names it is for",
                *server.block);
        }
    }

    /// Sockets are the publication's: a name that was on some of them is on all now.
    void compare_sockets() {
        std::set<std::string> all;
        for (const auto& [block, title, sockets] : servers_) {
            all.insert(sockets.begin(), sockets.end());
        }
        for (const auto& [block, title, sockets] : servers_) {
            if (sockets.size() == all.size() || sockets.empty()) {
                continue;
            }
            std::string own;
            for (const std::string& socket : sockets) {
                own += (own.empty() ? "" : ", ") + socket;
            }
            add(restriction,
                title + " was on " + own +
                    " alone; now its names are on every socket of the "
                    "publication",
                *block);
        }
    }

    /// A server without proxy_pass. As a rule it redirects port 80 of the names that are published.
    void read_without_pass(const Directive& server) {
        bool named = false;
        bool published = false;
        bool pattern = false;
        for (const auto& child : server.children) {
            for (const std::string& name : child->arguments) {
                if (child->name == "server_name" && !name.empty() && name != "_") {
                    named = true;
                    pattern = pattern || name.find_first_of("~*") != name.npos || name[0] == '.';
                    published = published || published_.contains(to_ascii_lower(name));
                }
            }
        }
        bool plain = true;
        bool any = false;
        const bool redirects = only_redirects(server);
        for (const auto& child : server.children) {
            if (child->name != "listen" || child->arguments.empty()) {
                continue;
            }
            any = true;
            plain = plain && !has_argument(*child, "ssl") && !has_argument(*child, "quic");
            if (!has_argument(*child, "ssl") && !has_argument(*child, "quic") &&
                (published || (redirects && (pattern || !named)))) {
                read_listen(*child, false);
            }
        }
        if (!any && (published || (redirects && (pattern || !named)))) {
            proxy_.http_sockets.push_back({"80"});
        }
        if (redirects && plain) {
            return;
        }
        if (published && !plain) {
            add(restriction,
                title_of(server) + " answered for published names and passed nothing on", server);
        } else if (published) {
            add(changed,
                title_of(server) + " answered plain HTTP itself; now it is redirected to https",
                server);
        } else if (named) {
            add(check,
                title_of(server) + " passes nothing on by \"proxy_pass\": it isn't part of the "
                                   "publication, keep it beside it if it is still needed",
                server);
        }
    }

    void finish() {
        if (proxy_.https_sockets.empty()) {
            proxy_.https_sockets = {{"443"}};
            proxy_.remarks.add(changed,
                               "only plain HTTP was published; everything is https now, which "
                               "needs a certificate",
                               {});
        }
    }

    std::string prefix_;
    OldProxy proxy_;
    bool passes_ = false;
    std::unordered_map<std::string, const Directive*> upstreams_;
    std::unordered_map<std::string, std::pair<std::size_t, std::uint16_t>> groups_; ///< by target
    std::vector<std::tuple<const Directive*, std::string, std::set<std::string>>> servers_;
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
