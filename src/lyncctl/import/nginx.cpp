// nginx.conf as people write it for Lync: servers with names, locations with proxy_pass, upstreams.
// Directives mean what nginx's own documentation says; what is inherited is looked up outwards.

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "lyncctl/import/nginx_values.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

namespace {

using config::Directive;

constexpr std::size_t most_directives = 500'000; ///< looked at for one server

class NginxReader {
public:
    explicit NginxReader(const Directive& root, std::string prefix)
        : root_(root), prefix_(std::move(prefix)) {
        proxy_.product = "nginx";
        proxy_.file = root.place.file;
    }

    OldProxy read() {
        for (const auto& child : root_.children) {
            if (child->name == "http" && child->is_block) {
                read_http({&root_, child.get()});
            } else if (child->name == "stream" && child->is_block) {
                remark(RemarkKind::lost, "the \"stream\" block: what it passes on isn't HTTP here",
                       *child);
            }
        }
        read_http({&root_}); // a file that is included at http level
        for (const Chain& chain : without_pass_) {
            read_plain_http(chain);
        }
        if (servers_ == 0) {
            throw Mistake("no \"server\" block with \"proxy_pass\" in it: is it the right "
                          "file?",
                          {proxy_.file, 1});
        }
        finish();
        return std::move(proxy_);
    }

private:
    void remark(RemarkKind kind, std::string text, const Directive& directive) {
        if (said_.insert(text).second) {
            proxy_.remarks.push_back({kind, std::move(text), directive.place});
        }
    }

    void read_http(const Chain& chain) {
        for (const auto& child : chain.back()->children) {
            if (child->name == "upstream" && child->is_block && !child->arguments.empty()) {
                upstreams_[child->arguments.front()] = child.get();
            }
        }
        for (const auto& child : chain.back()->children) {
            if (child->name == "server" && child->is_block) {
                Chain inner = chain;
                inner.push_back(child.get());
                read_server(inner);
            } else if (child->name == "lync_publish") {
                remark(RemarkKind::check, child->title() + " is a publication already", *child);
            }
        }
    }

    /// A proxy_pass with the blocks around it.
    struct Pass {
        const Directive* directive;
        Chain chain;
        bool root; ///< of the server itself or `location /`
    };

    void find_passes(const Chain& chain, bool root, std::vector<Pass>& passes) {
        if (chain.size() > 20) {
            return;
        }
        for (const auto& child : chain.back()->children) {
            if (child->name == "proxy_pass" && !child->arguments.empty()) {
                passes.push_back({child.get(), chain, root});
            } else if (child->is_block && child->children.size() < most_directives) {
                Chain inner = chain;
                inner.push_back(child.get());
                const bool slash = child->name == "location" && child->arguments.size() == 1 &&
                                   child->arguments.front() == "/";
                find_passes(inner, slash, passes);
            }
        }
    }

    void read_server(const Chain& chain) {
        std::vector<Pass> passes;
        find_passes(chain, true, passes);
        const Directive& server = *chain.back();
        if (passes.empty()) {
            without_pass_.push_back(chain); // redirects, or files of its own
            return;
        }
        servers_++;
        std::stable_sort(passes.begin(), passes.end(),
                         [](const Pass& a, const Pass& b) { return a.root > b.root; });

        bool tls = first_argument(inherited(chain, "ssl")) == "on";
        bool plain = false;
        read_listens(chain, tls, plain);
        OldRule rule;
        rule.place = server.place;
        if (!read_pass(passes.front(), tls, plain, rule)) {
            return;
        }
        for (std::size_t i = 1; i < passes.size(); i++) {
            compare_pass(passes.front(), passes[i]);
        }
        rule.services = services_of(passes);
        if (tls) {
            read_certificates(chain);
            read_protocols(chain);
        }
        for (const Pass& pass : passes) {
            read_proxying(pass);
        }
        read_rest(server);
        read_names(server, rule);
    }

    void read_listens(const Chain& chain, bool& tls, bool& plain) {
        const Directive& server = *chain.back();
        const bool all_tls = tls;
        tls = false;
        bool any = false;
        for (const auto& child : server.children) {
            if (child->name != "listen" || child->arguments.empty()) {
                continue;
            }
            any = true;
            const std::string& text = child->arguments.front();
            if (text.starts_with("unix:")) {
                remark(RemarkKind::lost, "listening on " + lync::quoted(text), *child);
                continue;
            }
            if (has_argument(*child, "quic")) {
                remark(RemarkKind::changed,
                       "HTTP/3 was offered, and NTLM doesn't work over it; now HTTP/1.1 alone is",
                       *child);
                continue;
            }
            const bool secure = all_tls || has_argument(*child, "ssl");
            (secure ? tls : plain) = true;
            add_socket(*child, secure);
            if (has_argument(*child, "http2") ||
                first_argument(inherited(chain, "http2")) == "on") {
                remark(RemarkKind::changed,
                       "HTTP/2 was offered, and NTLM doesn't work over it; now HTTP/1.1 alone is",
                       *child);
            }
        }
        if (!any) {
            plain = !all_tls;
            tls = all_tls;
            add_new(all_tls ? proxy_.https_sockets : proxy_.http_sockets, "80");
        }
    }

    /// Whether a server that passes nothing on answers for published names.
    bool is_for_published_names(const Directive& server) const {
        bool named = false;
        for (const auto& child : server.children) {
            if (child->name != "server_name") {
                continue;
            }
            for (const std::string& name : child->arguments) {
                named = named || std::any_of(proxy_.rules.begin(), proxy_.rules.end(),
                                             [&](const OldRule& rule) {
                                                 return server_name_holds(name, rule.host);
                                             });
            }
        }
        // Beside a redirect, a server for all names is somebody else's page.
        return named || (catches_all(server) && redirects_to_https(server));
    }

    /// What isn't a proxy's stays where it is, and names that only redirected to others are told.
    void read_foreign(const Directive& server) {
        std::string names;
        for (const auto& child : server.children) {
            for (const std::string& name : child->arguments) {
                if (child->name == "server_name" && !name.empty() && name != "_") {
                    names += (names.empty() ? "" : ", ") + lync::quoted(name);
                }
            }
        }
        if (!names.empty()) {
            remark(RemarkKind::check,
                   "the server of " + names +
                       " passes nothing on by \"proxy_pass\": it isn't part of the publication, "
                       "keep it beside it if it is still needed",
                   server);
        }
    }

    /// Port 80 beside the servers that pass requests on: as a rule it redirects to them.
    void read_plain_http(const Chain& chain) {
        const Directive& server = *chain.back();
        if (!is_for_published_names(server)) {
            read_foreign(server);
            return;
        }
        const bool all_tls = first_argument(inherited(chain, "ssl")) == "on";
        bool any = false;
        bool plain = false;
        for (const auto& child : server.children) {
            if (child->name != "listen" || child->arguments.empty()) {
                continue;
            }
            any = true;
            const std::string& text = child->arguments.front();
            if (!all_tls && !has_argument(*child, "ssl") && !has_argument(*child, "quic") &&
                !text.starts_with("unix:")) {
                add_socket(*child, false);
                plain = true;
            }
        }
        if (!any && !all_tls) {
            add_new(proxy_.http_sockets, "80");
            plain = true;
        }
        if (plain && !redirects_to_https(server)) {
            remark(RemarkKind::changed,
                   "plain HTTP of published names got an answer of its own; now it is redirected "
                   "to https",
                   server);
        }
    }

    static void add_new(std::vector<std::string>& all, std::string text) {
        if (std::find(all.begin(), all.end(), text) == all.end()) {
            all.push_back(std::move(text));
        }
    }

    void add_socket(const Directive& listen, bool secure) {
        const std::string socket = socket_of(listen);
        if (socket.empty()) {
            remark(RemarkKind::lost, "listening on " + lync::quoted(listen.arguments.front()),
                   listen);
        } else {
            add_new(secure ? proxy_.https_sockets : proxy_.http_sockets, socket);
        }
    }

    /// Where a proxy_pass leads. False with a remark if that can't be said.
    bool read_pass(const Pass& pass, bool tls, bool plain, OldRule& rule) {
        const std::string& url = pass.directive->arguments.front();
        const std::size_t scheme = url.find("://");
        const bool secure = url.starts_with("https://");
        if (scheme == std::string::npos || (!secure && !url.starts_with("http://"))) {
            remark(RemarkKind::lost, "\"proxy_pass\" to " + lync::quoted(url), *pass.directive);
            return false;
        }
        std::string target = url.substr(scheme + 3);
        // "https://lync$request_uri": what comes after the host, as the client wrote it.
        const std::size_t slash = std::min(target.find('/'), target.find("$request_uri"));
        const std::string path = slash == std::string::npos ? "" : target.substr(slash);
        target.resize(std::min(slash, target.size()));
        if (target.find('$') != std::string::npos || target.starts_with("unix:") ||
            target.empty()) {
            remark(RemarkKind::lost,
                   "\"proxy_pass\" to " + lync::quoted(url) +
                       ": where it leads is decided elsewhere, write the servers",
                   *pass.directive);
            return false;
        }
        if (!path.empty() && path != "$request_uri") {
            remark(RemarkKind::changed,
                   "\"proxy_pass\" to " + lync::quoted(url) +
                       " has a path, so nginx normalized the request line; now it arrives as the "
                       "client sent it",
                   *pass.directive);
        }

        std::uint16_t port = 0;
        if (const auto known = upstreams_.find(target); known != upstreams_.end()) {
            port = read_upstream(*known->second, rule,
                                 [this](RemarkKind kind, std::string text, const Directive& line) {
                                     remark(kind, std::move(text), line);
                                 });
        } else {
            const Endpoint endpoint = split_endpoint(target);
            rule.servers = {{endpoint.host, ""}};
            port = endpoint.port;
        }
        if (rule.servers.empty()) {
            remark(RemarkKind::lost,
                   "upstream " + lync::quoted(target) +
                       " has no server that can be "
                       "carried over",
                   *pass.directive);
            return false;
        }
        port = port != 0 ? port : secure ? std::uint16_t{443} : std::uint16_t{80};
        if (tls) {
            rule.https_port = secure ? port : std::uint16_t{443};
            if (!secure) {
                rule.https_port = 4443;
                remark(
                    RemarkKind::changed,
                    "https requests went unencrypted to port " + std::to_string(port) +
                        " (SSL offloading), which isn't supported; now they go encrypted to 4443",
                    *pass.directive);
            }
        }
        if (plain) {
            rule.http_port = secure ? std::uint16_t{8080} : port;
        }
        read_server_name(pass, rule);
        return true;
    }

    /// proxy_ssl_name, where it is a name, is what the servers' certificates carry.
    void read_server_name(const Pass& pass, const OldRule& rule) {
        const std::string name =
            to_ascii_lower(first_argument(inherited(pass.chain, "proxy_ssl_name")));
        if (!name.empty() && name.find('$') == std::string::npos) {
            for (const OldServer& server : rule.servers) {
                proxy_.pool_names.try_emplace(server.address, name);
            }
        }
    }

    /// What of Exchange the locations with a proxy_pass are; nothing if one of them takes all
    /// paths.
    std::optional<std::vector<std::string>> services_of(const std::vector<Pass>& passes) {
        std::vector<std::string> services;
        for (const Pass& pass : passes) {
            if (takes_every_path(pass.chain)) {
                return std::nullopt;
            }
            for (const Directive* block : pass.chain) {
                if (block->name == "location" && !block->arguments.empty()) {
                    for (std::string& service : exchange_services_of(block->arguments.back())) {
                        add_new(services, std::move(service));
                    }
                }
            }
        }
        return services;
    }

    void compare_pass(const Pass& first, const Pass& other) {
        if (target_of(*first.directive) != target_of(*other.directive)) {
            remark(RemarkKind::lost,
                   "\"proxy_pass\" to " + lync::quoted(other.directive->arguments.front()) +
                       " in " + title_of(*other.chain.back()) +
                       ": a name's requests go to one group of servers",
                   *other.directive);
        }
    }

    /// A server has one certificate of each kind of key, and their keys in the same order.
    void read_certificates(const Chain& chain) {
        const std::vector<std::string> certificates = all_inherited(chain, "ssl_certificate");
        const std::vector<std::string> keys = all_inherited(chain, "ssl_certificate_key");
        const bool first_server = proxy_.certificates.empty();
        for (std::size_t i = 0; i < certificates.size() && i < keys.size(); i++) {
            add_certificate(certificates[i], keys[i], first_server, *chain.back());
        }
    }

    void read_protocols(const Chain& chain) {
        const Directive* said = inherited(chain, "ssl_protocols");
        if (said != nullptr && (has_argument(*said, "TLSv1") || has_argument(*said, "TLSv1.1") ||
                                has_argument(*said, "SSLv3"))) {
            remark(RemarkKind::changed,
                   "TLS 1.1 or older was offered to clients; now TLS 1.2 and later are", *said);
        }
    }

    void add_certificate(const std::string& certificate, const std::string& key, bool first_server,
                         const Directive& server) {
        if (!is_file(certificate) || !is_file(key)) {
            remark(RemarkKind::lost, "certificate " + lync::quoted(certificate) + ": write a file",
                   server);
            return;
        }
        std::pair<std::string, std::string> files{full_name(certificate, prefix_),
                                                  full_name(key, prefix_)};
        if (std::find(proxy_.certificates.begin(), proxy_.certificates.end(), files) !=
            proxy_.certificates.end()) {
            return;
        }
        if (!first_server) {
            remark(RemarkKind::lost,
                   "certificate " + lync::quoted(certificate) +
                       ": all names of a publication share the "
                       "first server's; a second one is for another kind of key",
                   server);
            return;
        }
        proxy_.certificates.push_back(std::move(files));
    }

    void read_proxying(const Pass& pass) {
        const Directive* timeout = inherited(pass.chain, "proxy_read_timeout");
        const auto waits = timeout == nullptr ? std::optional(std::chrono::seconds(60))
                                              : time_of(first_argument(timeout));
        if (waits) {
            proxy_.timeout = std::min(proxy_.timeout.value_or(*waits), *waits);
        }
        if (first_argument(inherited(pass.chain, "proxy_ssl_verify")) != "on" &&
            pass.directive->arguments.front().starts_with("https://")) {
            remark(RemarkKind::changed,
                   "the servers' certificates weren't verified (\"proxy_ssl_verify\" is off unless "
                   "written); now chain and name are, against \"trusted_ca\" and the pool's FQDN",
                   *pass.directive);
        }
        const std::string ca =
            first_argument(inherited(pass.chain, "proxy_ssl_trusted_certificate"));
        if (!ca.empty() && is_file(ca) && proxy_.trusted_ca.empty()) {
            proxy_.trusted_ca = full_name(ca, prefix_);
        }
        const Directive* body = inherited(pass.chain, "client_max_body_size");
        if (body != nullptr) {
            const std::uint64_t size = size_of(first_argument(body));
            if (size == 0) {
                remark(RemarkKind::changed,
                       "bodies had no limit; now it is 512m, or what \"max_upload\" says", *body);
            }
            proxy_.max_upload = std::max(proxy_.max_upload, size);
        }
        bool host = false;
        for (const Directive* block : pass.chain) {
            for (const auto& child : block->children) {
                host = host ||
                       (child->name == "proxy_set_header" && child->arguments.size() == 2 &&
                        equal_ignore_case(child->arguments[0], "host") &&
                        (child->arguments[1] == "$host" || child->arguments[1] == "$http_host"));
            }
        }
        if (!host) {
            remark(RemarkKind::changed,
                   "the servers saw another \"Host\" than the client's; now they see the client's",
                   *pass.directive);
        }
        if (const Directive* authorization = inherited(pass.chain, "auth_basic");
            first_argument(authorization) != "" && first_argument(authorization) != "off") {
            remark(RemarkKind::lost, "\"auth_basic\": " + remedy_for("auth_basic"), *authorization);
        }
    }

    /// What else a server says, in one remark for each directive.
    void read_rest(const Directive& block) {
        for (const auto& child : block.children) {
            if (child->is_block && child->name == "location") {
                read_location(*child);
            } else if (!is_replaced(child->name)) {
                remark(RemarkKind::lost, lync::quoted(child->name) + ": " + remedy_for(child->name),
                       *child);
            }
        }
    }

    void read_location(const Directive& location) {
        std::string where;
        for (const std::string& argument : location.arguments) {
            where += (where.empty() ? "" : " ") + argument;
        }
        if (where != "/") {
            const bool refuses = own(location, "deny") != nullptr ||
                                 first_argument(own(location, "return")).starts_with("4");
            const bool passes = own(location, "proxy_pass") != nullptr;
            if (const auto path = exchange_admin_path(where); passes && !path.empty()) {
                remark(RemarkKind::changed,
                       "the administrative surface " + std::string(path) +
                           " of Exchange was published; it never is here",
                       location);
            }
            if (passes &&
                (!exchange_services_of(where).empty() || !exchange_admin_path(where).empty())) {
                return; // one of "services"; of other names, path_policy's business
            }
            remark(RemarkKind::lost,
                   "location " + lync::quoted(where) +
                       (refuses ? ": what must stay closed is \"deny_path\"; internal and "
                                  "administrative paths are closed anyway"
                                : ": paths are decided by \"path_policy\" and \"allow_path\""),
                   location);
            return;
        }
        read_rest(location);
    }

    void read_names(const Directive& server, const OldRule& rule) {
        bool any = false;
        for (const auto& child : server.children) {
            if (child->name != "server_name") {
                continue;
            }
            for (const std::string& name : child->arguments) {
                if (name.empty() || name == "_") {
                    continue;
                }
                any = true;
                publish(name, *child, rule);
            }
        }
        if (!any) {
            remark(RemarkKind::changed,
                   "a server without names took every request; now names alone are published",
                   server);
        }
    }

    void publish(const std::string& name, const Directive& directive, const OldRule& rule) {
        std::vector<std::string> hosts;
        if (name.starts_with('~')) {
            hosts = hosts_of_pattern(std::string_view(name).substr(1), false);
        } else if (name.find('*') == std::string::npos || name.ends_with(".*")) {
            hosts = {to_ascii_lower(name)};
        }
        if (hosts.empty() || name.starts_with('.')) {
            remark(RemarkKind::lost,
                   "server name " + lync::quoted(name) + ": write the names that are meant",
                   directive);
            return;
        }
        for (std::string& host : hosts) {
            OldRule one = rule;
            one.host = std::move(host);
            one.place = directive.place;
            proxy_.rules.push_back(std::move(one));
        }
    }

    /// IPv4 and IPv6 of the usual ports are the defaults.
    void finish() {
        const auto simplify = [](std::vector<std::string>& sockets, const std::string& port) {
            const bool usual = std::all_of(sockets.begin(), sockets.end(), [&](const auto& s) {
                return s == port || s == "[::]:" + port;
            });
            if (!sockets.empty() && usual) {
                sockets = {port};
            }
        };
        simplify(proxy_.http_sockets, "80");
        simplify(proxy_.https_sockets, "443");
        if (proxy_.https_sockets.empty()) {
            proxy_.https_sockets = {"443"};
            proxy_.remarks.push_back({RemarkKind::changed,
                                      "only plain HTTP was published; everything is https now, "
                                      "which needs a certificate",
                                      {}});
        }
    }

    const Directive& root_;
    std::string prefix_;
    OldProxy proxy_;
    std::map<std::string, const Directive*, std::less<>> upstreams_;
    std::vector<Chain> without_pass_; ///< servers
    std::set<std::string> said_;
    std::size_t servers_ = 0;
};

} // namespace

OldProxy read_nginx(const std::string& file, const Sources& sources) {
    const auto root = read_configuration(file, sources);
    return NginxReader(*root, directory_of(file)).read();
}

OldProxy read_nginx_text(std::string_view text, const std::string& name,
                         const Sources& sources) {
    const auto root = read_text(text, name, "/etc/nginx/", sources);
    return NginxReader(*root, "/etc/nginx/").read();
}

} // namespace lync::lyncctl
