// nginx.conf as people write it for Lync: servers with names, locations with proxy_pass, upstreams.
// Each directive is examined once.

#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/addresses.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

using config::Directive;

/// Directives that restrict access, of nginx and of third-party modules.
constexpr std::string_view restrictions =
    "BasicRule CheckRule SecRulesEnabled access_by_- allow app_protect_- auth_- deny if internal "
    "js_access limit_conn limit_except limit_rate limit_rate_after limit_req modsecurity- return "
    "rewrite rewrite_by_- satisfy secure_link- ssl_client_- ssl_crl ssl_ocsp- ssl_reject_- "
    "ssl_verify_- valid_referers";

/// Directives that are read, that the publication sets itself, or that don't affect a request.
constexpr std::string_view harmless =
    "aio- charset- chunked_transfer_encoding client_body_buffer_size client_body_temp_path "
    "client_body_timeout client_header_- connection_pool_size default_type directio- etag events "
    "geo gzip- http2- http3- index keepalive- large_client_header_buffers least_conn limit_- "
    "lingering_- listen load_module log_format log_not_found map- merge_slashes msie_- ntlm- "
    "open_file_cache- output_buffers pcre_jit perl_modules pid port_in_redirect postpone_output "
    "proxy_buffer- proxy_busy_buffers_size proxy_cache_path proxy_connect_timeout "
    "proxy_headers_hash_- proxy_http_version proxy_ignore_client_abort proxy_max_temp_file_size "
    "proxy_next_upstream- proxy_read_timeout proxy_redirect proxy_request_buffering "
    "proxy_send_timeout proxy_socket_keepalive proxy_ssl_ciphers proxy_ssl_name "
    "proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse "
    "proxy_ssl_trusted_certificate proxy_ssl_verify- proxy_temp_- random recursive_error_pages "
    "request_pool_size reset_timedout_connection resolver- root send- server_name- server_tokens "
    "split_clients ssl- tcp_no- types- underscores_in_headers upstream user variables_hash_- "
    "worker_- zone";

/// Headers that proxies usually set, and the publication sets as well; Host only to what the client
/// asked for.
constexpr std::string_view usual_headers =
    "accept-encoding connection early-data upgrade via x-client-ip x-forwarded-- x-original-host "
    "x-real-ip";
constexpr std::string_view hosts = "$host $http_host $server_name";

std::string first_argument(const Directive& directive) {
    return directive.arguments.empty() ? std::string{} : directive.arguments.front();
}

bool has_argument(const Directive& directive, std::string_view word) {
    return std::ranges::find(directive.arguments, word) != directive.arguments.end();
}

/// "$host", "$http_host:$server_port"
bool is_own_host(const std::string& value) {
    return has_word(hosts, to_ascii_lower(value.substr(0, value.find(':'))));
}

bool is_word_character(char c) {
    return is_ascii_alnum(c) || c == '_';
}

/// A directive as it is written: `"deny 10.0.0.0/8"`.
std::string line_of(const Directive& directive) {
    std::string text = directive.name;
    for (const std::string& argument : directive.arguments) {
        text += " " + argument;
    }
    return quoted(text);
}

/// Whether it redirects to the requested page over https. Other redirects keep clients away from
/// the page.
bool is_to_https(const Directive& directive) {
    constexpr std::string_view pages = "$request_uri $request_uri? $uri$is_args$args";
    constexpr std::string_view whole = "^(.*)$ ^(.*) (.*) ^/(.*)$ ^/(.*) ^/?(.*)$ ^/?(.*)";
    const bool captures = directive.name == "rewrite" && has_word(whole, first_argument(directive));
    return (directive.name == "rewrite" || directive.name == "return") &&
           std::ranges::any_of(directive.arguments, [&](const std::string& url) {
               const std::size_t end = std::min(url.find_first_of("/$", 9), url.size());
               const std::string page = url.substr(end);
               return url.starts_with("https://$") && has_word(hosts, url.substr(8, end - 8)) &&
                      (has_word(pages, page) || (captures && has_word("$1 /$1 $1? /$1?", page)));
           });
}

/// Whether it sends clients elsewhere. What a server that passes nothing on does so, is no
/// restriction.
bool redirects_away(const Directive& directive) {
    return directive.name == "rewrite" ||
           (directive.name == "return" && !first_argument(directive).starts_with('4'));
}

/// Whether a condition asks for the scheme alone: `($scheme != "https")`.
bool asks_for_scheme(const Directive& condition) {
    constexpr std::string_view schemes =
        "($scheme ($https ($server_port ($ssl_protocol ($http_x_forwarded_proto $scheme $https "
        "$server_port $ssl_protocol $http_x_forwarded_proto";
    return std::ranges::any_of(condition.arguments,
                               [&](const std::string& word) { return has_word(schemes, word); });
}

/// Whether it gives a variable a value without variables: what uses it is known, but for nginx's
/// own ones.
bool sets_constant(const Directive& directive) {
    return directive.name == "set" && directive.arguments.size() == 2 &&
           directive.arguments[1].find('$') == std::string::npos &&
           !has_word("$args $limit_rate", to_ascii_lower(directive.arguments[0]));
}

/// The remark on a directive that isn't carried over; none if it is harmless.
std::optional<RemarkKind> remark_on(const Directive& directive);

/// Whether everything in a block is harmless; `redirects` is set if something in it redirects to
/// https. Each line is examined once.
bool is_harmless(const Directive& block, bool& redirects) {
    return std::ranges::all_of(block.children, [&](const auto& child) {
        if (child->is_block && (child->name == "location" || child->name == "if")) {
            return is_harmless(*child, redirects);
        }
        redirects = redirects || is_to_https(*child);
        return !remark_on(*child);
    });
}

/// Whether a block redirects to https and does nothing else.
bool only_redirects(const Directive& block) {
    bool redirects = false;
    return is_harmless(block, redirects) && redirects;
}

std::optional<RemarkKind> remark_on(const Directive& directive) {
    const std::string_view name = directive.name;
    const std::string first = first_argument(directive);
    const std::string header = name == "proxy_set_header" ? to_ascii_lower(first) : "";
    if ((first == "off" && !name.starts_with("proxy_pass_")) || sets_constant(directive) ||
        (name == "allow" && first == "all") || is_to_https(directive) ||
        has_word(usual_headers, header) ||
        (header == "host" && is_own_host(directive.arguments.back())) ||
        (name == "if" && directive.is_block && only_redirects(directive))) {
        return std::nullopt;
    }
    if (has_word(restrictions, name) ||
        (name == "set" && equal_ignore_case(first, "$limit_rate"))) {
        return restriction;
    }
    return has_word(harmless, name) ? std::nullopt : std::optional(lost);
}

/// Whether there is a proxy_pass in a block.
bool passes(const Directive& block) {
    return std::ranges::any_of(block.children, [](const auto& child) {
        return child->is_block ? passes(*child) : child->name == "proxy_pass";
    });
}

std::vector<const Directive*> children(const Directive& block, std::string_view name) {
    std::vector<const Directive*> found;
    for (const auto& child : block.children) {
        if (child->name == name) {
            found.push_back(child.get());
        }
    }
    return found;
}

/// The first argument of a directive in this block, or the inherited value.
std::string value_of(const Directive& block, std::string_view name, const std::string& inherited) {
    const auto lines = children(block, name);
    return lines.empty() ? inherited : first_argument(*lines.front());
}

/// What a block inherits unless it has lines of its own: of each the first argument.
struct Settings {
    std::string proxy_ssl_name;
    std::string proxy_ssl_trusted_certificate;

    Settings of(const Directive& block) const {
        return {value_of(block, "proxy_ssl_name", proxy_ssl_name),
                value_of(block, "proxy_ssl_trusted_certificate", proxy_ssl_trusted_certificate)};
    }
};

struct Pass {
    const Directive& line;
    Target target;
    Settings settings; ///< there
    bool every_path;
    bool keeps_path;
};

/// Whether a proxy_pass in `block` leaves the request's path as it is: "/dialin/" in a location for
/// "/dialin/" does, unless a variable is before it.
bool keeps_path(const Directive& block, const Directive& line, const Target& target) {
    return target.path.empty() || has_word("$request_uri /$request_uri", target.path) ||
           (block.name == "location" && !block.arguments.empty() &&
            block.arguments.back() == target.path &&
            first_argument(line).find('$') == std::string::npos);
}

/// What the `set` lines of a block give to variables, in lower case: "$backend".
struct Scope {
    const Scope* around; ///< of a location the server's, since others' lines aren't run
    std::unordered_map<std::string, std::optional<std::string>> constants;

    /// NULL: it isn't known.
    const std::string* value(const std::string& name) const {
        if (const auto found = constants.find(name); found != constants.end()) {
            return found->second ? &*found->second : nullptr;
        }
        return around != nullptr ? around->value(name) : nullptr;
    }
};

/// "https://$backend:4443" or "https://${backend}:4443" with its values, unless they make it longer
/// than nginx's own longest word.
std::string with_constants(const std::string& written, const Scope& scope) {
    constexpr std::size_t longest = 4096;
    std::string_view url = written;
    std::string text;
    for (std::size_t at = url.find('$'); at != url.npos; at = url.find('$')) {
        text += url.substr(0, at);
        url.remove_prefix(at + 1);
        const bool braced = url.starts_with('{');
        const std::string_view rest = url.substr(braced ? 1 : 0);
        const std::string_view name =
            rest.substr(0, static_cast<std::size_t>(
                               std::ranges::find_if_not(rest, is_word_character) - rest.begin()));
        const std::string* known = scope.value("$" + to_ascii_lower(name));
        if (known == nullptr) {
            text += '$';
            continue;
        }
        if (text.size() + known->size() > longest) {
            return written;
        }
        text += *known;
        url.remove_prefix(std::min(name.size() + (braced ? 2 : 0), url.size()));
    }
    return text.append(url);
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
        } else {
            for (const char* name : {"stream", "mail"}) {
                for (const Directive* other : children(root, name)) {
                    draft_.add(lost, other->place, "{} isn't HTTP", line_of(*other));
                }
            }
        }
        if (farms_.empty() && draft_.remarks.empty()) {
            throw Mistake(
                "no \"server\" block with \"proxy_pass\" to servers: is it the right file?",
                {draft_.file, 1});
        }
        return std::move(draft_);
    }

private:
    /// A remark on a directive that isn't read, unless it is harmless.
    void add_line(const Directive& directive, const std::string& where) {
        if (const auto kind = remark_on(directive)) {
            draft_.add(*kind, directive.place, "{} in {}", line_of(directive), where);
        }
    }

    void read_http(const Directive& http) {
        for (const Directive* upstream : children(http, "upstream")) {
            upstreams_[to_ascii_lower(first_argument(*upstream))] = upstream;
        }
        ssl_ = value_of(http, "ssl", "");
        settings_ = Settings().of(http);
        for (const auto& child : http.children) {
            if (child->name == "server" && child->is_block) {
                read_server(*child, http);
            } else if (child->name != "access_log" && child->name != "error_log") {
                add_line(*child, "http");
            }
        }
    }

    void read_server(const Directive& block, const Directive& http) {
        std::string first;
        for (const Directive* line : children(block, "server_name")) {
            for (const std::string& name : line->arguments) {
                first = first.empty() && name != "_" ? name : first;
            }
        }
        const bool named = !first.empty();
        const std::string title =
            named ? formatted("server {}", quoted(first)) : "server without a name";
        Listener& listener = draft_.listeners.emplace_back();
        read_listens(block, listener.sockets);
        const auto is_tls = [](const auto& each) { return each.second.tls; };
        speaks_tls_ = std::ranges::any_of(listener.sockets, is_tls);
        if (speaks_tls_) {
            read_certificates(block, http, listener.certificates);
        }
        std::vector<Pass> found;
        if (passes(block)) {
            walk(block, title, title, settings_, nullptr, true, found);
        }
        Farm* farm = nullptr;
        if (!found.empty()) {
            farm = read_passes(found, title);
            if (!named) {
                draft_.add(lost, block.place, "{} took every request: write the names it is for",
                           title);
            }
        } else if (only_redirects(block)) {
            listener.of_all_names = !named;
        } else {
            const bool closed =
                speaks_tls_ && std::ranges::any_of(block.children, [](const auto& line) {
                    return remark_on(*line) == restriction && !redirects_away(*line);
                });
            if (named || !closed) { // other names are closed here, too
                draft_.add(closed ? restriction : lost, block.place, "{} passes nothing on", title);
            }
        }
        for (const Directive* line : children(block, "server_name")) {
            for (const std::string& name : line->arguments) {
                read_name(to_ascii_lower(name), line->place, farm, listener);
            }
        }
    }

    /// A name of a server; `farm` is null if the server passes nothing on.
    void read_name(const std::string& name, const Place& place, Farm* farm, Listener& listener) {
        const std::string host =
            name.starts_with('~') ? host_of_pattern(name.substr(1), false) : name;
        if (!host.empty() && host.find_first_of(".*_") != 0) {
            listener.hosts.push_back(host);
            if (farm != nullptr) {
                draft_.names.push_back({host, farm, place});
            }
        } else if (farm != nullptr && !name.empty() && name != "_") {
            draft_.add(lost, place, "server name {}", quoted(name));
        }
    }

    /// Reads each line of a server, and of the blocks in it with a proxy_pass.
    void walk(const Directive& block, const std::string& title, const std::string& where,
              const Settings& inherited, const Scope* around, bool every_path,
              std::vector<Pass>& found) {
        const Settings settings = inherited.of(block);
        Scope scope{around, {}};
        for (const Directive* line : children(block, "set")) {
            scope.constants[to_ascii_lower(first_argument(*line))] =
                sets_constant(*line) ? std::optional(line->arguments[1]) : std::nullopt;
        }
        const Scope& server = scope_of_server(scope);
        for (const auto& child : block.children) {
            const bool location = child->name == "location" && child->is_block;
            const auto inner = [&] { return formatted("{} of {}", line_of(*child), title); };
            if (child->name == "proxy_pass") {
                const Target target = split_url(with_constants(first_argument(*child), scope));
                found.push_back(
                    {*child, target, settings, every_path, keeps_path(block, *child, target)});
            } else if (child->is_block && passes(*child)) {
                if (!location) {
                    draft_.add(restriction, child->place, "{} in {}", line_of(*child), where);
                }
                walk(*child, title, inner(), settings, location ? &server : &scope,
                     every_path && location && has_argument(*child, "/") &&
                         !has_argument(*child, "="),
                     found);
            } else if (!location) {
                if (speaks_tls_ &&
                    (child->name == "if" ? !asks_for_scheme(*child) : is_to_https(*child))) {
                    draft_.add(restriction, child->place, "{} in {}", line_of(*child), where);
                } else {
                    add_line(*child, where);
                }
            } else if (speaks_tls_ || !only_redirects(*child)) {
                draft_.add(restriction, child->place,
                           "{} passed nothing on: what must stay closed is \"deny_path\"", inner());
            }
        }
    }

    static const Scope& scope_of_server(const Scope& scope) {
        return scope.around == nullptr ? scope : scope_of_server(*scope.around);
    }

    /// The servers of the first proxy_pass for every path, or else of the first one. Null if it
    /// leads to a variable.
    Farm* read_passes(const std::vector<Pass>& found, const std::string& title) {
        const auto every = std::ranges::find(found, true, &Pass::every_path);
        const Pass& best = every == found.end() ? found.front() : *every;
        for (const auto& [line, target, settings, every_path, keeps_path] : found) {
            if (!keeps_path) {
                draft_.add(lost, line.place, "{} in {} changes the path", line_of(line), title);
            }
            if (target.name != best.target.name) {
                draft_.add(lost, line.place,
                           "{} in {}: a name's requests go to one group of servers", line_of(line),
                           title);
            }
        }
        if (!best.every_path) {
            draft_.add(restriction, best.line.place,
                       "{} passed some paths on; now it is the product's external ones", title);
        }
        if (best.target.name.empty()) {
            draft_.add(lost, best.line.place, "{} in {}: where does it lead?", line_of(best.line),
                       title);
            return nullptr;
        }
        Farm* farm = farm_of(best.target, best.line.place);
        farm->fqdn = farm->fqdn.empty() ? best.settings.proxy_ssl_name : farm->fqdn;
        for (const Pass& pass : found) {
            const std::string& ca = pass.settings.proxy_ssl_trusted_certificate;
            if (!ca.empty() && pass.target.name == best.target.name) {
                farm->trusted_cas.insert(full_name(ca, prefix_));
            }
        }
        return farm;
    }

    void read_listens(const Directive& block, Sockets& sockets) {
        const bool all_tls = value_of(block, "ssl", ssl_) == "on"; // until nginx 1.25.1
        const auto lines = children(block, "listen");
        if (lines.empty()) {
            add_socket(sockets, "80", {all_tls, false});
        }
        for (const Directive* line : lines) {
            if (has_argument(*line, "quic")) {
                continue; // HTTP/3 is never offered
            }
            if (!add_socket(sockets, first_argument(*line),
                            {all_tls || has_argument(*line, "ssl"),
                             has_argument(*line, "proxy_protocol")}) ||
                has_argument(*line, "ipv6only=off")) {
                draft_.add(lost, line->place, "{}", line_of(*line));
            }
        }
    }

    /// Several certificates have their keys in the same order.
    void read_certificates(const Directive& block, const Directive& http,
                           Certificates& certificates) {
        const auto inherited = [&](std::string_view name) {
            auto lines = children(block, name);
            return lines.empty() ? children(http, name) : std::move(lines);
        };
        const auto lines = inherited("ssl_certificate");
        const auto keys = inherited("ssl_certificate_key");
        for (std::size_t i = 0; i < lines.size(); i++) {
            const std::string certificate = first_argument(*lines[i]);
            const std::string key = i < keys.size() ? first_argument(*keys[i]) : "";
            const bool is_file = (certificate + key).find('$') == std::string::npos;
            if (!certificate.empty() && !key.empty() && is_file) {
                certificates.emplace_back(full_name(certificate, prefix_), full_name(key, prefix_));
            } else if (noted_.insert(lines[i]).second) {
                draft_.add(lost, lines[i]->place, "{}", line_of(*lines[i]));
            }
        }
    }

    /// The servers of a target, which are read once; the port is for the scheme of the target.
    Farm* farm_of(const Target& target, const Place& place) {
        const auto [known, is_new] = farms_.try_emplace(target.name);
        auto& [farm, port] = known->second;
        if (is_new) {
            farm = &draft_.farms.emplace_back();
            farm->place = place;
            if (const auto found = upstreams_.find(target.name); found != upstreams_.end()) {
                port = read_upstream(*found->second, *farm);
            } else {
                auto [host, own] = split_socket(target.name);
                farm->servers.push_back({std::move(host), ""});
                port = own;
            }
        }
        farm->port(target.tls) = port_or_usual(port, target.tls);
        return farm;
    }

    /// Returns the port of the first server; servers with another port can't be carried over.
    std::uint16_t read_upstream(const Directive& upstream, Farm& farm) {
        std::uint16_t port = 0;
        for (const auto& child : upstream.children) {
            const auto [host, own] = split_socket(first_argument(*child));
            const bool down = has_argument(*child, "down");
            if (child->name != "server") {
                add_line(*child, line_of(upstream));
            } else if (farm.servers.empty() || own == port) {
                port = own;
                farm.servers.push_back({host, down ? " down" : ""});
                if (child->arguments.size() > (down ? 2 : 1)) {
                    draft_.add(lost, child->place, "parameters of {} in {}", line_of(*child),
                               line_of(upstream));
                }
            } else {
                draft_.add(lost, child->place, "{} in {}", line_of(*child), line_of(upstream));
            }
        }
        return port;
    }

    std::string prefix_;
    Draft draft_;
    std::unordered_map<std::string, const Directive*> upstreams_;
    std::string ssl_; ///< of http level, as what follows
    Settings settings_;
    bool speaks_tls_ = false;          ///< the server that is read
    std::set<const Directive*> noted_; ///< certificates that several servers inherit
    std::unordered_map<std::string, std::pair<Farm*, std::uint16_t>> farms_; ///< by target
};

} // namespace

Draft read_nginx(const Directive& root, const std::string& prefix) {
    return NginxReader(root, prefix).read(root);
}

} // namespace lync::lyncctl
