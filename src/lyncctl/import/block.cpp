// The block that publishes what another proxy did, for people: directives in columns, comments
// broken into lines.

#include "base/names.h"
#include "lyncctl/import/pools.h"
#include "lyncctl/output.h"
#include "plan/render.h"

#include <algorithm>
#include <array>
#include <map>

namespace lync::lyncctl {

namespace {

using enum RemarkKind;

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
    Composer(Arrangement arrangement, const ImportOptions& options)
        : plan_(std::move(arrangement)), options_(options) {}

    Imported compose() {
        const std::size_t before = plan_.proxy.remarks.all().size();
        line("lync_publish " + options_.name + " {");
        depth_++;
        write_head();
        write_sockets();
        for (std::size_t i = 0; i < plan_.pools.size(); i++) {
            write_pool(i);
        }
        write_simple_urls();
        write_farms(As::office_web_apps);
        write_farms(As::exchange);
        depth_--;
        line("}");
        result_.remarks = plan_.proxy.remarks.all();
        result_.text = head(before) + body_;
        result_.files = std::move(plan_.proxy.files);
        return std::move(result_);
    }

private:
    void line(const std::string& text) {
        body_.append(text.empty() ? 0 : depth_ * 4, ' ').append(text).append("\n");
    }
    void directive(std::string_view name, const std::string& arguments) {
        std::string text(name);
        text.append(std::max<std::size_t>(column, name.size() + 2) - name.size(), ' ');
        line(text + arguments + ";");
    }
    void note(RemarkKind kind, const std::string& text, const Place& place = {}) {
        const Remark remark{kind, text,
                            place.line == 0 ? std::vector<Place>{} : std::vector{place}};
        body_ += comment(sentence(remark), depth_ * 4);
        plan_.proxy.remarks.add(kind, text, place);
    }
    /// "CHECK (line 12): ...", with the file where it isn't the main one.
    std::string sentence(const Remark& remark) const {
        std::string where;
        for (const Place& place : remark.places) {
            const bool main = place.file == plan_.proxy.file;
            where += (where.empty() ? "" : ", ") + (main ? "line " : place.file + ":") +
                     std::to_string(place.line);
        }
        return std::string(remark_word(remark.kind)) + (where.empty() ? "" : " (" + where + ")") +
               ": " + remark.text;
    }

    /// The first `count` remarks, by kind; the others stand in the block.
    std::string head(std::size_t count) const {
        std::array<std::size_t, 4> times{};
        for (const Remark& remark : result_.remarks) {
            times[static_cast<std::size_t>(remark.kind)]++;
        }
        constexpr std::array<std::pair<RemarkKind, std::string_view>, 4> kinds{
            {{restriction, "kept somebody out, and here it doesn't"},
             {lost, "has no counterpart; what is still needed of it may go into a file "
                    "named by \"server_include\""},
             {check, "was assumed or has to be filled in"},
             {changed, "was unsafe and is different"}}};
        std::string text =
            comment("Written by \"lyncctl import\" from " + quoted(plan_.proxy.file) + " of " +
                        plan_.proxy.product + ".",
                    0);
        for (const auto& [kind, meaning] : kinds) {
            const std::size_t number = times[static_cast<std::size_t>(kind)];
            if (number == 0) {
                continue;
            }
            text += "#\n" +
                    comment(std::string(remark_word(kind)) + ", " + std::to_string(number) +
                                (number == 1 ? " time: " : " times: ") + std::string(meaning) + ".",
                            0);
            for (std::size_t i = 0; i < count; i++) {
                if (result_.remarks[i].kind == kind) {
                    text += comment(sentence(result_.remarks[i]), 0);
                }
            }
        }
        return text + "\n";
    }

    void write_head() {
        if (plan_.product) {
            directive("product", std::string(product_name(*plan_.product)));
        } else {
            note(check, "the server product isn't in the old file, and sfb_se is "
                        "assumed: write \"product lync_2013\" or what it is");
        }
        if (!plan_.is_ocs()) {
            write_sip_domains();
        }
        const std::string base = "/etc/nginx/" + options_.name;
        auto& certificates = plan_.proxy.certificates;
        if (!options_.certificate.empty()) {
            certificates = {{options_.certificate, options_.key}};
        }
        if (certificates.empty()) {
            note(check, "write the certificate with its intermediates and its key, as "
                        "PEM, to these files");
            certificates = {{base + ".pem", base + ".key"}};
        }
        for (const auto& [certificate, key] : certificates) {
            directive("certificate",
                      plan::quoted_argument(certificate) + " " + plan::quoted_argument(key));
        }
        std::string& ca = plan_.proxy.trusted_ca;
        ca = options_.trusted_ca.empty() ? ca : options_.trusted_ca;
        if (ca.empty()) {
            note(check, "the servers' certificates are verified: write the CA that "
                        "issued them, as PEM, to this file");
            ca = base + "-internal-ca.pem";
        }
        directive("trusted_ca", plan::quoted_argument(ca));
    }

    void write_sip_domains() {
        std::string domains;
        bool any = false;
        std::size_t count = 0;
        for (const Name& name : plan_.names) {
            if (name.as != As::lyncdiscover) {
                continue;
            }
            const std::string_view host = name.old.host;
            const std::string domain(host.substr(std::min(host.find('.') + 1, host.size())));
            if (!host.starts_with("lyncdiscover.") ||
                !(domain == "*" || parse_sip_domain(domain))) {
                note(lost,
                     quoted(host) + ": clients look for autodiscover at lyncdiscover.DOMAIN only",
                     name.old.place);
                continue;
            }
            any = any || domain == "*";
            domains += (count++ % 8 == 7  ? "\n" + std::string(column + 4, ' ')
                        : domains.empty() ? ""
                                          : " ") +
                       domain;
        }
        if (any) {
            note(check, "\"lyncdiscover.*\" was published: better are your users' SIP "
                        "domains, which can be held against the certificate");
            domains = "*";
        } else if (domains.empty()) {
            note(check, "lyncdiscover wasn't published, and clients look for it: write "
                        "the SIP domains of your users");
            domains = unknown_domain;
        }
        directive("sip_domain", domains);
    }

    /// The default, IPv6 included, isn't written.
    static bool is_default(const std::vector<OldSocket>& sockets, const std::string& port,
                           const std::vector<OldSocket>& others) {
        const std::string ipv6 = "[::]:" + port;
        const auto is_ipv6 = [&](const OldSocket& socket) { return socket.address == ipv6; };
        const auto is_usual = [&](const OldSocket& socket) {
            return !socket.proxy_protocol && (socket.address == port || is_ipv6(socket));
        };
        return std::any_of(sockets.begin(), sockets.end(),
                           [&](const OldSocket& socket) { return socket.address == port; }) &&
               std::all_of(sockets.begin(), sockets.end(), is_usual) &&
               std::none_of(others.begin(), others.end(), is_ipv6);
    }

    void write_sockets() {
        const auto& http = plan_.proxy.http_sockets;
        const auto& https = plan_.proxy.https_sockets;
        const auto write = [this](std::string_view name, const std::vector<OldSocket>& sockets) {
            for (const OldSocket& socket : sockets) {
                directive(name, socket.address + (socket.proxy_protocol ? " proxy_protocol" : ""));
            }
        };
        if (http.empty()) {
            directive("http_listen", "off");
        } else if (!is_default(http, "80", https)) {
            write("http_listen", http);
        }
        if (!is_default(https, "443", http)) {
            write("https_listen", https);
        }
    }

    void write_servers(const std::vector<OldServer>& servers) {
        for (const OldServer& server : servers) {
            directive("server", server.address + server.parameters);
        }
    }

    void write_pool(std::size_t index) {
        const Pool& pool = plan_.pools[index];
        line("");
        if (pool.fqdn.starts_with(unknown_pool)) {
            note(check,
                 "the pool's own FQDN isn't in the old file, and the servers' certificates are "
                 "verified against it: write it in place of " +
                     pool.fqdn + ", or import with --pool ADDRESS=FQDN");
        }
        line((pool.director ? "director " : "pool ") + pool.fqdn + " {");
        depth_++;
        if (pool.external.starts_with(unknown_external)) {
            note(check,
                 "no external web services FQDN of this pool was published: write the one that "
                 "Topology Builder shows in place of " +
                     pool.external);
        }
        directive("external_web_services", pool.external);
        write_servers(pool.servers);
        const Ports usual = plan_.usual_ports();
        std::uint16_t http = pool.http == 0 ? usual.http : pool.http;
        const std::uint16_t https = pool.https == 0 ? usual.https : pool.https;
        if (http == https) {
            http = https == usual.http ? usual.https : usual.http;
            note(check, "plain HTTP and https had the same port: write the two that "
                        "Topology Builder shows");
        }
        if (http != usual.http || https != usual.https) {
            directive("listening_ports",
                      "http=" + std::to_string(http) + " https=" + std::to_string(https));
        }
        depth_--;
        line("}");
    }

    void write_simple_urls() {
        const std::size_t first = plan_.first_contact();
        bool begun = false;
        for (const Name& name : plan_.names) {
            const std::size_t pool = plan_.pool_of[name.old.group];
            if (name.as == As::lyncdiscover && pool != first) {
                note(changed,
                     quoted(name.old.host) + " went to other servers than " +
                         plan_.pools[first].fqdn + ", where autodiscover goes now",
                     name.old.place);
            }
            if (!is_simple_url(name.as)) {
                continue;
            }
            if (!begun) {
                line("");
                begun = true;
            }
            std::string arguments = std::string(word_of(name.as)) + " https://" + name.old.host;
            if (name.as == As::admin) {
                note(changed,
                     quoted(name.old.host) +
                         " was published; the admin simple URL is for the inside and is refused",
                     name.old.place);
            } else {
                arguments += pool == first ? "" : " pool=" + plan_.pools[pool].fqdn;
            }
            directive("simple_url", arguments);
        }
    }

    /// Names with the same servers are one farm. Exchange's stand in one block; Office Web Apps
    /// have one name.
    void write_farms(As kind) {
        std::map<std::pair<std::size_t, std::uint16_t>, std::vector<const Name*>> farms;
        for (const Name& name : plan_.names) {
            if (name.as == kind) {
                farms[{name.old.group, name.old.https_port}].push_back(&name);
            }
        }
        for (auto& [target, names] : farms) {
            line("");
            for (std::size_t i = 1; kind == As::office_web_apps && i < names.size(); i++) {
                note(lost,
                     quoted(names[i]->old.host) + " went to the same servers as " +
                         quoted(names.front()->fqdn) + ", and the farm has one FQDN",
                     names[i]->old.place);
            }
            names.resize(kind == As::office_web_apps ? 1 : names.size());
            write_farm(kind, plan_.proxy.groups[target.first], names);
        }
    }

    void write_farm(As kind, const OldGroup& group, const std::vector<const Name*>& names) {
        std::string title(word_of(kind));
        for (const Name* name : names) {
            title += " " + name->fqdn;
        }
        note(check, "taken for " + std::string(word_of(kind)) + ": is it?");
        line(title + " {");
        depth_++;
        write_servers(group.servers);
        const std::uint16_t port = names.front()->old.https_port;
        if (port != 0 && port != 443) {
            directive("listening_ports", "https=" + std::to_string(port));
        }
        if (!group.name.empty()) {
            directive("certificate_name", group.name);
        } else {
            note(check, "the name in the servers' own certificate may be another one: "
                        "\"certificate_name FQDN\"");
        }
        if (kind == As::exchange) {
            note(check,
                 "Lync's clients need these two: add what else is used from outside, of owa, "
                 "activesync, mapi and oab; /ecp and /powershell never are published");
            directive("services", "ews autodiscover");
        }
        depth_--;
        line("}");
    }

    Arrangement plan_;
    const ImportOptions& options_;
    std::string body_;
    std::size_t depth_ = 0;
    Imported result_;
};

} // namespace

std::string_view remark_word(RemarkKind kind) noexcept {
    constexpr std::array<std::string_view, 4> words{"RESTRICTION", "NOT CARRIED OVER", "CHECK",
                                                    "CHANGED"};
    return words[static_cast<std::size_t>(kind)];
}

void Remarks::add(RemarkKind kind, std::string text, const Place& place) {
    const auto [known, is_new] =
        index_.try_emplace(std::string(remark_word(kind)) + text, all_.size());
    if (is_new) {
        all_.push_back({kind, std::move(text), {}});
    }
    std::vector<Place>& places = all_[known->second].places;
    if (place.line != 0 &&
        (places.empty() || places.back().line != place.line || places.back().file != place.file)) {
        places.push_back(place);
    }
}

Imported compose(OldProxy proxy, const ImportOptions& options) {
    return Composer(arrange(std::move(proxy), options), options).compose();
}

} // namespace lync::lyncctl
