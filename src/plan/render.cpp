#include "plan/render.h"

#include "base/format.h"
#include "plan/directives.h"

#include <map>
#include <set>
#include <tuple>

namespace lync::plan {

namespace {

using policy::SiteKind;

constexpr unsigned keepalive_by_default = 1029007; ///< upstreams cache connections from here on

/// Writes lines and remembers for each the directive that caused it.
class Writer {
public:
    void blame(const Place& place) {
        if (rendered_.places.empty() || rendered_.places.back().line != place.line ||
            rendered_.places.back().file != place.file) {
            rendered_.places.push_back(place);
        }
    }

    void line(std::string_view text) {
        if (!text.empty()) {
            rendered_.text.append(depth_ * 4, ' ').append(text);
        }
        rendered_.text += '\n';
        rendered_.origins.push_back(static_cast<std::uint32_t>(rendered_.places.size() - 1));
    }
    void open(std::string_view text) {
        line(std::string(text) + " {");
        depth_++;
    }
    void close() {
        depth_--;
        line("}");
    }
    void directive(std::string_view name, std::string_view arguments) {
        line(formatted("{} {};", name, arguments));
    }

    /// `name a b c ...;` over several lines.
    void list(std::string_view name, const std::vector<std::string>& arguments) {
        std::string text(name);
        for (const std::string& argument : arguments) {
            if (depth_ * 4 + text.size() + argument.size() + 2 > width) {
                line(text);
                text.assign(3, ' ');
            }
            text += ' ';
            text += argument;
        }
        line(text + ";");
    }

    /// As many directives as fit into a line: for those that are seldom read.
    void flow(std::string_view directive, std::string_view arguments) {
        const std::size_t size = directive.size() + arguments.size() + 2;
        if (!flowing_.empty() && depth_ * 4 + flowing_.size() + 1 + size > width) {
            end_flow();
        }
        flowing_ += flowing_.empty() ? "" : " ";
        flowing_.append(directive).append(" ").append(arguments).append(";");
    }
    void end_flow() {
        if (!flowing_.empty()) {
            line(std::exchange(flowing_, {}));
        }
    }

    Rendered take() { return std::move(rendered_); }

private:
    static constexpr std::size_t width = 96;

    Rendered rendered_;
    std::size_t depth_ = 0;
    std::string flowing_;
};

class Renderer {
public:
    Renderer(const Plan& plan, const Dialect& dialect) : plan_(plan), dialect_(dialect) {}

    Rendered render(bool first_publication) {
        out_.blame(declared().place);
        if (first_publication) {
            once_per_configuration();
        }
        for (const Upstream& upstream : plan_.upstreams) {
            render_upstream(upstream);
        }
        for (const VirtualHost& host : plan_.hosts) {
            render_server(host);
        }
        return out_.take();
    }

private:
    const config::Publication& declared() const { return plan_.publication; }

    void state(std::span<const Statement> statements, std::string_view header_buffers = {}) {
        for (const auto& [directive, arguments] : statements) {
            if (dialect_.has(directive)) {
                const bool other =
                    !header_buffers.empty() && directive == "large_client_header_buffers";
                out_.flow(directive, other ? header_buffers : arguments);
            }
        }
        out_.end_flow();
    }

    /// Limits of http level are inherited unless a server states its own. These count nothing:
    /// nginx doesn't account requests whose key is empty.
    void once_per_configuration() {
        if (dialect_.has("limit_req")) {
            out_.directive("limit_req_zone", "\"\" zone=lync_unlimited_requests:32k rate=1000r/s");
        }
        if (dialect_.has("limit_conn")) {
            out_.directive("limit_conn_zone", "\"\" zone=lync_unlimited_connections:32k");
        }
    }

    void render_upstream(const Upstream& upstream) {
        const config::Farm& farm = plan_.farm(upstream);
        out_.blame(farm.place);
        out_.line("");
        out_.open("upstream " + upstream.name);
        for (const config::Server& server : farm.servers) {
            out_.blame(server.place);
            render_upstream_server(server, upstream.port);
        }
        out_.blame(farm.place);
        if (dialect_.version >= keepalive_by_default) {
            out_.directive("keepalive", "0"); // the module keeps connections, and knows whose
        }
        out_.close();
    }

    /// nginx parses and resolves; the balancing is the module's own. A name that isn't to be
    /// resolved now keeps its line with an address that gets no requests.
    void render_upstream_server(const config::Server& server, std::uint16_t port) {
        const std::string at = ":" + std::to_string(port);
        if (server.by_name && !declared().resolve_at_start) {
            out_.line(formatted("# {}{} is looked up after the start", server.address, at));
            out_.directive("server", formatted("127.0.0.1{} down", at));
            return;
        }
        std::string arguments = server.address + at;
        const auto add = [&](std::string_view name, auto value, auto usual) {
            if (value != usual) {
                arguments += formatted(" {}={}", name, value);
            }
        };
        const config::Server usual;
        add("weight", server.weight, usual.weight);
        add("max_conns", server.max_conns, usual.max_conns);
        add("max_fails", server.max_fails, usual.max_fails);
        add("fail_timeout", server.fail_timeout.count(), usual.fail_timeout.count());
        arguments += server.backup ? " backup" : "";
        arguments += server.down ? " down" : "";
        out_.directive("server", arguments);
    }

    void render_listen(const VirtualHost& host) {
        const auto& sockets = host.tls ? declared().https_sockets : declared().http_sockets;
        for (const std::size_t index : host.sockets) {
            const config::Socket& socket = sockets[index];
            out_.blame(socket.place);
            std::string arguments = socket.address;
            arguments += host.tls ? " ssl" : "";
            arguments += socket.proxy_protocol ? " proxy_protocol" : "";
            if (socket.states_parameters && !stated_[host.tls].contains(index)) {
                stated_[host.tls].insert(index);
                arguments += socket.parameters;
            }
            out_.directive("listen", arguments);
        }
        out_.blame(host.place);
    }

    void render_server(const VirtualHost& host) {
        out_.blame(host.place);
        out_.line("");
        out_.line(formatted("# {} {} -> {}", host.tls ? "https" : "http",
                            host.catch_all ? "for any other name" : some_of(host.names),
                            host.what));
        out_.open("server");
        render_listen(host);
        if (host.catch_all) {
            // A name that is no other server's: without one it would have "", as they may.
            out_.directive("server_name", "_lync_publish");
        } else {
            out_.list("server_name", host.names);
        }
        if (host.tls) {
            render_certificates();
            out_.blame(host.place);
        }

        out_.directive("client_max_body_size", declared().max_upload);

        out_.line("");
        render_challenge(host);
        render_location(host);

        out_.line("");
        out_.line("# stated, so that nothing inherited from http { } changes it");
        // Until a host is named, a request is the catch-all's. By plain HTTP it needs no room for
        // tickets; over TLS the name in SNI comes first, but phones of Lync 2010 send none.
        state(request_statements, host.catch_all && !host.tls ? "4 8k" : "");
        if (host.tls) {
            state(tls_statements);
        }
        if (!host.upstreams.empty()) {
            state(proxy_statements);
            if (plan_.upstreams[host.upstreams.front()].tls) {
                state(proxy_tls_statements);
            }
        }
        render_includes();
        if (dialect_.has("allow")) {
            out_.directive("allow", "all"); // after the administrator's own rules, the first counts
        }
        out_.close();
    }

    /// The module presents what it has read; nginx reads no file whose name has a variable.
    void render_certificates() {
        if (declared().certificates.empty()) {
            return;
        }
        out_.blame(declared().certificates.front().place);
        out_.line("# presented by the name in the handshake: lyncctl show names");
        out_.directive("ssl_certificate", "$lync_nothing");
        out_.directive("ssl_certificate_key", "$lync_nothing");
    }

    void rule(const VirtualHost& host, std::string_view word = {}) {
        out_.directive("lync_rule", formatted("{} {}{}", declared().name, host.id, word));
    }

    /// A token of RFC 8555, in base64url; anything else is `location /`'s.
    void render_challenge(const VirtualHost& host) {
        if (declared().acme_challenge.empty() || host.site.kind != SiteKind::plain_http) {
            return;
        }
        out_.blame(declared().acme_challenge_place);
        out_.open("location ~ \"^/\\.well-known/acme-challenge/[A-Za-z0-9_-]{1,255}\\z\"");
        rule(host, " acme_challenge");
        out_.directive("root", quoted_argument(declared().acme_challenge));
        state(challenge_statements);
        out_.close();
        out_.line("");
        out_.blame(host.place);
    }

    void render_location(const VirtualHost& host) {
        if (host.upstreams.empty()) {
            out_.open("location /");
            rule(host);
            out_.close();
            out_.directive("error_page", "418 /"); // any error_page stops the inherited ones
            return;
        }

        const bool one = host.upstreams.size() == 1;
        const Upstream& upstream = plan_.upstreams[host.upstreams.front()];

        out_.open("location /");
        const std::string to = (upstream.tls ? "https://" : "http://") +
                               (one ? upstream.name : std::string("$lync_upstream"));
        rule(host);
        out_.directive("proxy_pass", to);
        out_.close();
        if (host.site.kind == SiteKind::exchange) {
            render_services(host, plan_.farm(upstream).services, to);
        }

        render_unavailable();

        out_.line("");
        out_.directive("proxy_read_timeout", declared().pending_get_timeout);
        render_headers(host.tls);
        if (upstream.tls) {
            render_proxy_tls(one ? plan_.farm(upstream).certificate_name : "$lync_pool");
        }
    }

    /// Not 502: on that Lync clients discard the addresses they know and start over with
    /// autodiscover.
    void render_unavailable() {
        out_.line("");
        out_.directive("error_page", "502 504 =503 @lync_unavailable");
        out_.open("location @lync_unavailable");
        out_.directive("return",
                       "503 \"The service is temporarily unavailable, please try again.\\n\"");
        out_.close();
    }

    void render_headers(bool tls) {
        if (declared().hide_server_names) {
            for (const std::string_view header :
                 {"X-MS-Server-Fqdn", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version",
                  "X-OWA-Version", "X-FEServer", "X-BEServer", "X-CalculatedBETarget",
                  "X-DiagInfo"}) {
                out_.directive("proxy_hide_header", header);
            }
        } else {
            out_.directive("proxy_pass_header", "Server");
        }
        out_.directive("proxy_set_header", "Host $lync_host");
        out_.directive("proxy_set_header", "Connection \"\"");
        out_.directive("proxy_set_header", "X-Forwarded-For $lync_client_addr");
        out_.directive("proxy_set_header",
                       formatted("X-Forwarded-Proto {}", tls ? "https" : "http"));
        for (const std::string_view header : dropped_headers) {
            out_.flow("proxy_set_header", std::string(header) + " \"\"");
        }
        out_.end_flow();
    }

    /// Locations differ in their limits only: what is refused doesn't depend on which one nginx
    /// finds by its reading of the path.
    void render_services(const VirtualHost& host, std::span<const config::FarmService> services,
                         const std::string& to) {
        std::map<std::tuple<std::string, std::string, bool>, std::string> directories;
        for (const policy::ExchangeService& known : policy::exchange_services()) {
            for (const auto& [service, timeout, max_upload] : services) {
                if (service == known.service && !(timeout.empty() && max_upload.empty())) {
                    const bool channel = service == policy::Service::rpc; // a body without an end
                    std::string& alternatives = directories[{timeout, max_upload, channel}];
                    alternatives += alternatives.empty() ? "" : "|";
                    alternatives += known.directory.substr(1);
                }
            }
        }
        for (const auto& [limits, alternatives] : directories) {
            const auto& [timeout, max_upload, channel] = limits;
            out_.line("");
            out_.open(formatted("location ~* ^/(?:{})(?:/|$)", alternatives));
            rule(host);
            out_.directive("proxy_pass", to);
            if (!timeout.empty()) {
                out_.directive("proxy_read_timeout", timeout);
            }
            if (!timeout.empty() && channel) {
                out_.directive("client_body_timeout", timeout);
            }
            if (!max_upload.empty()) {
                out_.directive("client_max_body_size", max_upload);
            }
            out_.close();
        }
    }

    void render_proxy_tls(const std::string& certificate_name) {
        out_.directive("proxy_ssl_name", certificate_name);
        out_.directive("proxy_ssl_verify", declared().backend_verify ? "on" : "off");
        if (declared().backend_verify) {
            out_.directive("proxy_ssl_verify_depth", "4");
            if (!declared().trusted_ca.empty()) {
                out_.directive("proxy_ssl_trusted_certificate",
                               quoted_argument(declared().trusted_ca));
            }
        }
    }

    void render_includes() {
        if (declared().includes.empty()) {
            return;
        }
        out_.line("");
        for (const auto& [file, place] : declared().includes) {
            out_.blame(place);
            out_.directive("include", quoted_argument(file));
        }
    }

    const Plan& plan_;
    const Dialect& dialect_;
    Writer out_;
    std::set<std::size_t> stated_[2]; ///< sockets whose parameters are stated: plain, TLS
};

} // namespace

std::string quoted_argument(std::string_view text) {
    if (!text.empty() && text.find_first_of(" \t\r\n;{}\"'\\#$") == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    return quoted + "\"";
}

Rendered render(const Plan& plan, const Dialect& dialect, bool first_publication) {
    return Renderer(plan, dialect).render(first_publication);
}

} // namespace lync::plan
