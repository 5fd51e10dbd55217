// The block of a draft as text: the remarks as comments, then the directives in columns.

#include "base/format.h"
#include "base/names.h"
#include "lyncctl/import/draft.h"
#include "lyncctl/output.h"
#include "plan/render.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

class Composer {
public:
    explicit Composer(Draft& draft) : draft_(draft) {}

    std::string compose() {
        open("lync_publish lync");
        write_head();
        write_sockets();
        for (Farm* pool : draft_.pools) {
            write_farm(*pool);
        }
        for (Farm& farm : draft_.farms) {
            if (farm.role == Role::office_web_apps) {
                write_farm(farm);
            }
        }
        const std::size_t urls = body_.size();
        for (const Name& name : draft_.names) {
            write_simple_url(name);
        }
        body_.insert(urls, body_.size() > urls ? "\n" : "");
        for (const config::Edge& edge : draft_.edges) {
            write_edge(edge);
        }
        close();
        std::ranges::stable_sort(draft_.remarks, {}, &Remark::kind);
        return remarks() + body_;
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
        line(formatted("{:<22} {};", name, arguments));
    }

    /// The remarks as comments, whatever bytes they contain.
    std::string remarks() const {
        std::string text = formatted(
            "# Written by \"lyncctl import\" from {} of {}\n"
            "# RESTRICTION: restricted access, and here it doesn't. NOT CARRIED OVER: what is "
            "still needed may go into a file of \"server_include\". CHECK: was assumed, or has to "
            "be filled in\n",
            quoted(draft_.file), draft_.source);
        for (const Remark& remark : draft_.remarks) {
            text += formatted("# {}\n", escaped(shown(draft_, remark)));
        }
        return text;
    }

    void write_head() {
        if (draft_.product) {
            directive("product", std::string(product_name(*draft_.product)));
        } else {
            draft_.add(check, {}, "sfb_se is assumed: write \"product lync_2013\" or what it is");
        }
        write_sip_domains();
        if (draft_.certificates.empty()) {
            draft_.add(check, {},
                       "write certificate, intermediates and key, as PEM, to "
                       "/etc/nginx/lync.pem and lync.key");
            draft_.certificates = {{"/etc/nginx/lync.pem", "/etc/nginx/lync.key"}};
        }
        for (const auto& [certificate, key] : draft_.certificates) {
            directive("certificate",
                      plan::quoted_argument(certificate) + " " + plan::quoted_argument(key));
        }
        if (draft_.trusted_ca.empty()) {
            draft_.add(check, {},
                       "write the CA that issued the servers' certificates, as PEM, to "
                       "/etc/nginx/lync-internal-ca.pem");
            draft_.trusted_ca = "/etc/nginx/lync-internal-ca.pem";
        }
        directive("trusted_ca", plan::quoted_argument(draft_.trusted_ca));
    }

    void write_sip_domains() {
        std::set<std::string> domains;
        for (const Name& name : draft_.names) {
            const std::string domain = name.host.substr(name.host.find('.') + 1);
            if (name.role != Role::lyncdiscover) {
                continue;
            }
            if (name.farm != draft_.first) {
                draft_.add(check, name.place, "{} went to other servers", quoted(name.host));
            }
            if (const ParsedName parsed = parse_sip_domain(domain)) {
                domains.insert(parsed.name);
            } else {
                draft_.add(lost, name.place, "{}: {}", quoted(name.host), parsed.error);
            }
        }
        if (domains.contains("*")) {
            draft_.add(check, {},
                       "better than \"sip_domain *\" are your users' SIP domains, one by one");
            domains = {"*"};
        } else if (domains.empty()) {
            draft_.add(check, {},
                       "no lyncdiscover was published: write the SIP domains of your users in "
                       "place of {}",
                       unknown_domain);
            domains.emplace(unknown_domain);
        }
        for (const std::string& domain : domains) {
            directive("sip_domain", domain);
        }
    }

    /// The default sockets aren't written, with or without those for IPv6.
    void write_sockets() {
        const Sockets& sockets = draft_.sockets;
        const auto is_usual = [](const auto& socket) {
            const std::string_view port = socket.second.tls ? "443" : "80";
            return !socket.second.proxy_protocol &&
                   (socket.first == port || socket.first == formatted("[::]:{}", port));
        };
        if (sockets.contains("443") && sockets.contains("80") &&
            std::ranges::all_of(sockets, is_usual)) {
            return;
        }
        const bool plain = !sockets.empty() && std::ranges::none_of(sockets, [](const auto& each) {
            return each.second.tls;
        });
        if (plain) {
            draft_.add(restriction, {},
                       "nothing was published by https, as behind what ends TLS: now it is, on 443 "
                       "of every address");
        }
        for (const auto& [address, socket] : sockets) {
            if (plain && (address == "443" || address.ends_with(":443"))) {
                continue;
            }
            directive(socket.tls ? "https_listen" : "http_listen",
                      address + (socket.proxy_protocol ? " proxy_protocol" : ""));
        }
        if (std::ranges::all_of(sockets, [](const auto& each) { return each.second.tls; })) {
            directive("http_listen", "off");
        }
    }

    /// Replaces an unknown name by a word that nginx rejects, a different one each time.
    void fill_in(std::string& name, std::string_view word, const std::string& what) {
        if (name.empty() || name.ends_with(".*")) {
            const std::string of =
                name.empty() ? "" : formatted(" that {} stood for", quoted(name));
            const unsigned number = ++filled_in_[word];
            name = number == 1 ? std::string(word) : formatted("{}-{}", word, number);
            draft_.add(check, {}, "write {}{} in place of {}", what, of, name);
        }
    }

    void write_farm(Farm& farm) {
        const bool office = farm.role == Role::office_web_apps;
        if (!office) {
            fill_in(farm.fqdn, unknown_pool,
                    "the pool's own FQDN, which its servers' certificates carry,");
        }
        fill_in(farm.external, unknown_external, "the published FQDN");
        open(formatted("{} {}", word_of(farm.role), office ? farm.external : farm.fqdn));
        if (!office) {
            directive("external_web_services", farm.external);
        }
        for (const Server& server : farm.servers) {
            directive("server", server.address + server.parameters);
        }
        const auto [http, https] = draft_.ports_of(farm);
        const Ports usual = draft_.usual_ports(farm);
        if (https != usual.https || (http != usual.http && !office)) {
            directive("listening_ports",
                      (office ? "" : formatted("http={} ", http)) + formatted("https={}", https));
        }
        if (office && farm.fqdn.empty()) {
            draft_.add(check, {},
                       "\"certificate_name FQDN\" in \"office_web_apps\" if the servers' "
                       "certificate has another name");
        } else if (office) {
            directive("certificate_name", farm.fqdn);
        }
        close();
    }

    void write_simple_url(const Name& name) {
        if (name.role >= Role::meet && name.role <= Role::admin) {
            const bool elsewhere = name.role != Role::admin && name.farm != draft_.first;
            directive("simple_url",
                      formatted("{} https://{}{}{}", word_of(name.role), name.host, name.path,
                                elsewhere ? " pool=" + name.farm->fqdn : ""));
        }
    }

    void write_edge(const config::Edge& edge) {
        open("edge " + edge.site);
        draft_.add(check, {},
                   "\"reverse_proxy external=ADDRESS internal=ADDRESS\" in \"edge\": this "
                   "machine's two sides");
        for (std::size_t role = 0; role < config::edge_roles; role++) {
            for (const config::Interfaces& server : edge.roles[role].servers) {
                const std::string text =
                    (server.external.empty() ? "" : " external=" + server.external) +
                    (server.internal.empty() ? "" : " internal=" + server.internal) +
                    (server.port == config::edge_client_port ? ""
                                                             : formatted(" port={}", server.port));
                directive(config::edge_role_directive(static_cast<config::EdgeRole>(role)),
                          text.substr(1));
            }
        }
        close();
    }

    Draft& draft_;
    std::string body_;
    std::size_t depth_ = 0;
    std::map<std::string_view, unsigned> filled_in_; ///< how often each of the words
};

} // namespace

std::string_view remark_word(RemarkKind kind) noexcept {
    constexpr std::array<std::string_view, 3> words{"RESTRICTION", "NOT CARRIED OVER", "CHECK"};
    return words[static_cast<std::size_t>(kind)];
}

std::string shown(const Draft& draft, const Remark& remark) {
    const auto& [kind, what, place] = remark;
    const std::string file = place.file == draft.file ? "line " : place.file + ":";
    return formatted("{}{}: {}", remark_word(kind),
                     place.line == 0 ? "" : formatted(" ({}{})", file, place.line), what);
}

std::string compose(Draft& draft) {
    return Composer(draft).compose();
}

} // namespace lync::lyncctl
