// The block that publishes what another proxy did, for people: directives in columns, comments
// broken into lines.

#include "base/format.h"
#include "base/names.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/draft.h"
#include "lyncctl/output.h"
#include "plan/render.h"
#include "policy/redirect.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

constexpr std::string_view explanation =
    "RESTRICTION: kept somebody out, and here it doesn't. NOT CARRIED OVER: has no counterpart; "
    "what is still needed of it may go into a file named by \"server_include\". CHECK: was "
    "assumed, or has to be filled in. CHANGED: was unsafe, and is different.";
constexpr std::size_t width = 96;
constexpr std::size_t column = 23; ///< where arguments begin: after external_web_services

/// A comment in lines. Whatever bytes the text holds, it stays one.
std::string comment(std::string_view text, std::size_t indent) {
    const std::string clean = printable(text);
    std::string lines;
    std::string line = "#";
    for (std::size_t at = 0; at < clean.size();) {
        const std::size_t end = std::min(clean.find(' ', at), clean.size());
        if (indent + line.size() + 1 + end - at > width && line.size() > 4) {
            lines.append(indent, ' ').append(line).append("\n");
            line = "#  ";
        }
        line.append(end == at ? "" : " ").append(clean, at, end - at);
        at = end + 1;
    }
    return lines.append(indent, ' ').append(line).append("\n");
}

class Composer {
public:
    Composer(Draft draft, const ImportOptions& options)
        : draft_(std::move(draft)), options_(options) {}

    Imported compose() {
        write_head();
        write_sockets();
        for (const Farm* pool : draft_.pools) {
            write_pool(*pool);
        }
        write_simple_urls();
        write_redirects();
        for (const Farm& farm : draft_.farms) {
            if (farm.role == Role::office_web_apps) {
                write_office_web_apps(farm);
            }
        }
        for (const config::Edge& edge : draft_.edges) {
            write_edge(edge);
        }
        return {body_ + "}\n", std::move(draft_.proxy.remarks)};
    }

private:
    void line(const std::string& text) { body_.append(depth_ * 4, ' ').append(text).append("\n"); }
    void open(const std::string& text) {
        body_ += "\n";
        line(text + " {");
        depth_++;
    }
    void close() {
        depth_--;
        line("}");
    }
    void directive(std::string_view name, const std::string& arguments) {
        std::string text(name);
        text.append(std::max<std::size_t>(column, name.size() + 2) - name.size(), ' ');
        line(text + arguments + ";");
    }
    void note(RemarkKind kind, const std::string& text, const Place& place = {}) {
        draft_.proxy.add(kind, text, place);
        body_ += comment(sentence(draft_.proxy.remarks.back()), depth_ * 4);
    }
    /// "CHECK (line 12): ...", with the file where it isn't the main one.
    std::string sentence(const Remark& remark) const {
        if (remark.place.line == 0) {
            return formatted("{}: {}", remark_word(remark.kind), remark.text);
        }
        const bool main = remark.place.file == draft_.proxy.file;
        return formatted("{} ({}{}): {}", remark_word(remark.kind),
                         main ? "line " : remark.place.file + ":", remark.place.line, remark.text);
    }

    void write_head() {
        const OldProxy& proxy = draft_.proxy;
        body_ = comment(formatted("Written by \"lyncctl import\" from {} of {}. {}",
                                  quoted(proxy.file), proxy.product, explanation),
                        0);
        for (const RemarkKind kind : {restriction, lost, check, changed}) {
            for (const Remark& remark : proxy.remarks) {
                body_ += remark.kind == kind ? comment(sentence(remark), 0) : "";
            }
        }
        open("lync_publish " + options_.name);
        if (draft_.product) {
            directive("product", std::string(product_name(*draft_.product)));
        } else {
            note(check, "sfb_se is assumed: write \"product lync_2013\" or what it is");
        }
        if (!draft_.is_ocs()) {
            write_sip_domains();
        }
        write_certificates();
    }

    void write_certificates() {
        const std::string base = "/etc/nginx/" + options_.name;
        auto& certificates = draft_.proxy.certificates;
        if (!options_.certificate.empty()) {
            certificates = {{options_.certificate, options_.key}};
        }
        if (certificates.empty()) {
            note(check, "write certificate, intermediates and key, as PEM, to these files");
            certificates = {{base + ".pem", base + ".key"}};
        }
        for (const auto& [certificate, key] : certificates) {
            directive("certificate",
                      plan::quoted_argument(certificate) + " " + plan::quoted_argument(key));
        }
        std::string ca =
            options_.trusted_ca.empty() ? draft_.proxy.trusted_ca : options_.trusted_ca;
        if (ca.empty()) {
            note(check, "write the CA that issued the servers' certificates, as PEM, to this file");
            ca = base + "-internal-ca.pem";
        }
        directive("trusted_ca", plan::quoted_argument(ca));
    }

    void write_sip_domains() {
        std::vector<std::string> domains;
        for (const Name& name : draft_.names) {
            const std::string domain = name.host.substr(name.host.find('.') + 1);
            const bool any = domain == "*";
            if (name.role != Role::lyncdiscover) {
                continue;
            }
            if (name.farm != draft_.first) {
                note(changed, quoted(name.host) + " went to other servers", name.place);
            }
            if (!name.host.starts_with("lyncdiscover.") || !(any || parse_sip_domain(domain))) {
                note(lost, quoted(name.host) + ": clients ask for lyncdiscover.DOMAIN", name.place);
            } else if (any) {
                note(check, "better are your users' SIP domains, one by one");
                domains = {domain};
                break;
            } else {
                domains.push_back(domain);
            }
        }
        if (domains.empty()) {
            note(check, "no lyncdiscover was published: write the SIP domains of your users");
            domains.emplace_back(unknown_domain);
        }
        for (const std::string& domain : domains) {
            directive("sip_domain", domain);
        }
    }

    /// The default, IPv6 included, isn't written.
    void write_sockets() {
        for (const bool tls : {false, true}) {
            const std::string usual = tls ? "443" : "80";
            bool any = false;
            bool is_default = draft_.proxy.sockets.contains(usual);
            for (const auto& [address, socket] : draft_.proxy.sockets) {
                const bool is_usual = address == usual || address == "[::]:" + usual;
                const bool ours = socket.tls == tls;
                any = any || ours;
                is_default = is_default && ours == is_usual && !(ours && socket.proxy_protocol);
            }
            if (!any) {
                directive("http_listen", "off");
            }
            for (const auto& [address, socket] : draft_.proxy.sockets) {
                if (socket.tls == tls && !is_default) {
                    directive(tls ? "https_listen" : "http_listen",
                              address + (socket.proxy_protocol ? " proxy_protocol" : ""));
                }
            }
        }
    }

    void write_servers(const std::vector<OldServer>& servers) {
        for (const OldServer& server : servers) {
            directive("server", server.address + server.parameters);
        }
    }

    void write_pool(const Farm& pool) {
        open((pool.role == Role::director ? "director " : "pool ") + pool.fqdn);
        if (pool.fqdn.starts_with(unknown_pool)) {
            note(check, formatted("write the pool's own FQDN, which its servers' certificates "
                                  "carry, in place of {}",
                                  pool.fqdn));
        }
        if (pool.external.starts_with(unknown_external)) {
            note(check, "write the one that Topology Builder shows in place of " + pool.external);
        }
        directive("external_web_services", pool.external);
        write_servers(pool.servers);
        const Ports usual = draft_.usual_ports();
        const std::uint16_t https = pool.https == 0 ? usual.https : pool.https;
        std::uint16_t http = pool.http == 0 ? usual.http : pool.http;
        if (http == https) {
            http = https == usual.http ? usual.https : usual.http;
        }
        if (http != usual.http || https != usual.https) {
            directive("listening_ports", formatted("http={} https={}", http, https));
        }
        close();
    }

    void write_simple_urls() {
        std::string_view before = "\n";
        for (const Name& name : draft_.names) {
            if (!is_simple_url(name.role)) {
                continue;
            }
            body_ += std::exchange(before, "");
            if (name.role == Role::admin) {
                note(changed, quoted(name.host) + " is for the inside and is refused now",
                     name.place);
            }
            const bool elsewhere = name.farm != nullptr && name.farm != draft_.first;
            directive("simple_url",
                      formatted("{} https://{}{}{}", word_of(name.role), name.host, name.path,
                                elsewhere ? " pool=" + name.farm->fqdn : ""));
        }
    }

    /// squid takes the first of a page.
    void write_redirects() {
        std::vector<policy::Redirect> all;
        std::vector<const OldRedirect*> old;
        const auto lose = [this](const OldRedirect& each, const std::string& why) {
            note(lost,
                 formatted("the redirect of {} to {}: {}",
                           quoted("https://" + each.host + each.path), quoted(each.to), why),
                 each.place);
        };
        for (const OldRedirect& each : draft_.proxy.redirects) {
            const auto from = policy::read_redirect_from("https://" + each.host + each.path,
                                                         draft_.product.value_or(Product::sfb_se));
            const auto to = policy::read_redirect_to(each.to);
            const bool published =
                std::any_of(draft_.names.begin(), draft_.names.end(), [&](const Name& name) {
                    return name.host == from.host && name.farm != nullptr &&
                           name.role != Role::lyncdiscover && name.role != Role::office_web_apps;
                });
            if (!from.error.empty() || !to.error.empty()) {
                lose(each, from.error.empty() ? to.error : from.error);
            } else if (!published) {
                lose(each, "the name isn't published");
            } else if (std::none_of(all.begin(), all.end(), [&](const auto& other) {
                           return other.host == from.host && other.path == from.path;
                       })) {
                all.push_back({from.host, from.path, to.location});
                old.push_back(&each);
            }
        }
        for (std::size_t i = 0; i < all.size(); i++) {
            const auto to = policy::read_redirect_to(all[i].location);
            if (policy::find_redirect(all, to.host, to.path) != nullptr) {
                lose(*old[i], "it leads on to another");
            } else {
                directive("redirect",
                          plan::quoted_argument("https://" + all[i].host +
                                                (all[i].path.empty() ? "/" : all[i].path)) +
                              " " + plan::quoted_argument(all[i].location));
            }
        }
    }

    void write_office_web_apps(const Farm& farm) {
        open("office_web_apps " + farm.external);
        write_servers(farm.servers);
        if (farm.https != 0 && farm.https != 443) {
            directive("listening_ports", formatted("https={}", farm.https));
        }
        if (farm.fqdn.empty()) {
            note(check, "\"certificate_name FQDN\" if the servers' certificate has another name");
        } else {
            directive("certificate_name", farm.fqdn);
        }
        close();
    }

    void write_edge(const config::Edge& edge) {
        open("edge" + (edge.site.empty() ? "" : " " + edge.site));
        note(check,
             "\"reverse_proxy external=ADDRESS internal=ADDRESS\": this machine's two sides");
        for (const auto role :
             {config::EdgeRole::access_edge, config::EdgeRole::web_conferencing_edge,
              config::EdgeRole::av_edge}) {
            for (const config::Interfaces& server : edge.of(role).servers) {
                const bool moved = server.port != config::edge_client_port;
                std::string words;
                for (const auto& [word, value] :
                     {std::pair("external=", server.external),
                      {"internal=", server.internal},
                      {"port=", moved ? std::to_string(server.port) : ""}}) {
                    words += value.empty() ? "" : (words.empty() ? "" : " ") + (word + value);
                }
                directive(config::edge_role_directive(role), words);
            }
        }
        close();
    }

    Draft draft_;
    const ImportOptions& options_;
    std::string body_;
    std::size_t depth_ = 0;
};

} // namespace

std::string_view remark_word(RemarkKind kind) noexcept {
    constexpr std::array<std::string_view, 4> words{"RESTRICTION", "NOT CARRIED OVER", "CHECK",
                                                    "CHANGED"};
    return words[static_cast<std::size_t>(kind)];
}

Imported compose(Draft draft, const ImportOptions& options) {
    if (options.certificate.empty() != options.key.empty()) {
        throw Failure("--certificate and --key belong together");
    }
    return Composer(std::move(draft), options).compose();
}

Imported compose(OldProxy proxy, const ImportOptions& options) {
    return compose(make_draft(std::move(proxy), options), options);
}

} // namespace lync::lyncctl
