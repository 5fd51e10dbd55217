// The block that publishes what another proxy did.

#include "lyncctl/import/old_proxy.h"

#include "base/diagnostic.h"
#include "base/names.h"
#include "lyncctl/import/arrangement.h"
#include "lyncctl/import/block_writer.h"
#include "plan/render.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

namespace {

class Composer {
public:
    Composer(Arrangement arrangement, const ImportOptions& options)
        : plan_(std::move(arrangement)), options_(options) {
        result_.remarks = std::move(plan_.remarks);
        result_.names = std::move(plan_.left_out);
    }

    Imported compose() {
        write();
        result_.text = out_.take();
        result_.files = std::move(plan_.proxy.files);
        return std::move(result_);
    }

private:
    void tell(const Name& name, std::string became, std::string to = {}) {
        result_.names.push_back(
            {name.rule.host, std::move(became), std::move(to), name.rule.place});
    }

    void write() {
        out_.comment("Written by \"lyncctl import\" from " + lync::quoted(plan_.proxy.file) +
                     " of " + plan_.proxy.product + ".");
        out_.comment("CHANGED is what was unsafe or too tight and is now different, NOT CARRIED "
                     "OVER what has no counterpart, CHECK what was assumed.");
        for (const Remark& remark : result_.remarks) {
            out_.remark(remark);
        }
        out_.line("");
        out_.open("lync_publish " + options_.name);
        write_head();
        write_sockets();
        for (const Pool& pool : plan_.pools) {
            write_pool(pool);
        }
        write_simple_urls();
        write_farms(As::office_web_apps);
        write_farms(As::exchange);
        write_limits();
        out_.close();
    }

    /// A remark above the directive that it is about.
    void note(RemarkKind kind, std::string text, const Place& place = {}) {
        note({kind, std::move(text), place});
    }
    void note(Remark remark) {
        out_.remark(remark);
        result_.remarks.push_back(std::move(remark));
    }

    void write_head() {
        if (plan_.product) {
            out_.directive("product", product_name(*plan_.product));
        } else {
            note(RemarkKind::check, "the old proxy doesn't know the server product, and sfb_se is "
                                    "assumed: write \"product lync_2013\" or what it is");
        }
        write_sip_domains();

        const std::string base = "/etc/nginx/" + options_.name;
        if (!options_.certificate.empty()) {
            plan_.proxy.certificates = {{options_.certificate, options_.key}};
        }
        if (plan_.proxy.certificates.empty()) {
            note(RemarkKind::check,
                 plan_.proxy.has_certificate
                     ? "nothing wrote these files: import with --out-dir, or say with "
                       "--certificate and --key where they are"
                     : "the certificate isn't in the old file: export it with its intermediates "
                       "and its key as PEM to these files");
            plan_.proxy.certificates = {{base + ".pem", base + ".key"}};
        }
        for (const auto& [certificate, key] : plan_.proxy.certificates) {
            out_.directive("certificate",
                           plan::quoted_argument(certificate) + " " + plan::quoted_argument(key));
        }
        if (!options_.trusted_ca.empty()) {
            plan_.proxy.trusted_ca = options_.trusted_ca;
        }
        if (plan_.proxy.trusted_ca.empty()) {
            note(RemarkKind::check, "the servers' certificates are verified: write the CA that "
                                    "issued them, as PEM, to this file");
            plan_.proxy.trusted_ca = base + "-internal-ca.pem";
        }
        out_.directive("trusted_ca", plan::quoted_argument(plan_.proxy.trusted_ca));
    }

    void write_sip_domains() {
        if (plan_.is_ocs()) {
            return;
        }
        std::vector<std::string> domains;
        const Name* any = nullptr;
        for (const Name& name : plan_.names) {
            if (name.as != As::lyncdiscover) {
                continue;
            }
            tell(name, "sip_domain", plan_.pools.front().fqdn);
            if (name.rule.host.ends_with(".*")) {
                any = &name;
            } else if (name.rule.host.starts_with("lyncdiscover.") &&
                       parse_sip_domain(domain_of(name.rule.host))) {
                domains.emplace_back(domain_of(name.rule.host));
            } else {
                note(RemarkKind::lost,
                     lync::quoted(name.rule.host) +
                         ": clients look for autodiscover at lyncdiscover.DOMAIN only",
                     name.rule.place);
            }
        }
        if (any != nullptr) {
            if (!domains.empty()) {
                note(RemarkKind::check,
                     "besides the pattern there were names of their own, which it holds as well");
            }
            note(RemarkKind::check,
                 lync::quoted(any->rule.host) +
                     " is a pattern: better are the SIP domains themselves, which can be held "
                     "against the certificate",
                 any->rule.place);
            out_.directive("sip_domain", "*");
            return;
        }
        if (domains.empty()) {
            domains.push_back(plan_.some_domain());
            note(RemarkKind::check,
                 "lyncdiscover wasn't published, and clients look for it: write the SIP domains of "
                 "your users");
        }
        out_.list("sip_domain", domains);
    }

    void write_sockets() {
        const auto write = [this](std::string_view directive, std::string_view usual,
                                  const std::vector<std::string>& sockets) {
            if (sockets.size() == 1 && sockets.front() == usual) {
                return; // the default, IPv6 included
            }
            for (const std::string& socket : sockets) {
                out_.directive(directive, socket);
            }
        };
        if (plan_.proxy.http_sockets.empty()) {
            out_.line("");
            out_.directive("http_listen", "off");
        } else {
            write("http_listen", "80", plan_.proxy.http_sockets);
        }
        write("https_listen", "443", plan_.proxy.https_sockets);
    }

    void write_servers(const std::vector<OldServer>& servers) {
        for (const OldServer& server : servers) {
            out_.directive("server", server.address + server.parameters);
        }
    }

    void write_pool(const Pool& pool) {
        const Ports usual = plan_.usual_ports();
        out_.line("");
        for (const Remark& remark : pool.remarks) {
            note(remark);
        }
        out_.open((pool.director ? "director " : "pool ") + pool.fqdn);
        out_.directive("external_web_services", pool.external);
        write_servers(pool.servers);
        std::uint16_t http = pool.http == 0 ? usual.http : pool.http;
        const std::uint16_t https = pool.https == 0 ? usual.https : pool.https;
        if (http == https) {
            http = https == usual.http ? usual.https : usual.http;
            note(RemarkKind::check, "plain HTTP and https had the same port; write the two that "
                                    "Topology Builder shows");
        }
        if (http != usual.http || https != usual.https) {
            out_.directive("listening_ports",
                           "http=" + std::to_string(http) + " https=" + std::to_string(https));
        }
        out_.close();
        for (const Name& name : plan_.names) {
            if ((name.as == As::pool || name.as == As::director) &&
                same_servers(name.rule.servers, pool.servers) &&
                (name.rule.host == pool.external || name.rule.fqdn == pool.external)) {
                tell(name, "external_web_services", pool.fqdn);
            }
        }
    }

    void write_simple_urls() {
        bool begun = false;
        for (const Name& name : plan_.names) {
            if (name.as == As::lyncdiscover &&
                !same_servers(name.rule.servers, plan_.first_contact().servers)) {
                out_.line("");
                note(RemarkKind::changed,
                     lync::quoted(name.rule.host) + " went to other servers than " +
                         plan_.first_contact().fqdn + ", where autodiscover goes now",
                     name.rule.place);
            }
        }
        for (const Name& name : plan_.names) {
            if (!is_simple_url(name.as)) {
                continue;
            }
            if (!begun) {
                out_.line("");
                begun = true;
            }
            std::string arguments(word_of(name.as));
            arguments += " https://" + name.rule.host;
            if (name.as == As::admin) {
                note(RemarkKind::changed,
                     lync::quoted(name.rule.host) +
                         " was published; the admin simple URL is for the inside and is refused",
                     name.rule.place);
                tell(name, "simple_url admin, refused");
            } else {
                const Pool& pool = plan_.pool_of(name.rule.servers);
                if (!same_servers(pool.servers, plan_.first_contact().servers)) {
                    arguments += " pool=" + pool.fqdn;
                }
                tell(name, "simple_url " + std::string(word_of(name.as)), pool.fqdn);
            }
            out_.directive("simple_url", arguments);
        }
    }

    /// Names with the same servers and port are one farm; Exchange's stand in one block.
    void write_farms(As kind) {
        std::vector<bool> done(plan_.names.size());
        for (std::size_t i = 0; i < plan_.names.size(); i++) {
            if (plan_.names[i].as != kind || done[i]) {
                continue;
            }
            std::vector<const Name*> members;
            for (std::size_t j = i; j < plan_.names.size(); j++) {
                const bool together =
                    i == j ||
                    (kind == As::exchange && plan_.names[j].as == kind && !done[j] &&
                     same_servers(plan_.names[i].rule.servers, plan_.names[j].rule.servers));
                if (together) {
                    done[j] = true;
                    members.push_back(&plan_.names[j]);
                }
            }
            write_farm(kind, members);
        }
    }

    /// Whether a name that a pattern is taken for is somebody's already.
    bool is_taken(const std::string& fqdn) const {
        return meant_.contains(fqdn) || fqdn.starts_with("lyncdiscover.") ||
               std::any_of(plan_.names.begin(), plan_.names.end(),
                           [&](const Name& name) {
                               return name.as != As::skip && name.rule.host == fqdn;
                           }) ||
               std::any_of(plan_.pools.begin(), plan_.pools.end(), [&](const Pool& pool) {
                   return pool.external == fqdn || pool.fqdn == fqdn;
               });
    }

    void write_farm(As kind, const std::vector<const Name*>& members) {
        std::string fqdns;
        out_.line("");
        for (const Name* name : members) {
            const bool pattern = name->rule.host.ends_with(".*");
            const std::string fqdn = pattern ? normal_host(name->rule.fqdn) : name->rule.host;
            if (fqdn.empty()) {
                note(RemarkKind::lost,
                     lync::quoted(name->rule.host) + ": write the name that is meant",
                     name->rule.place);
                tell(*name, "not published");
                continue;
            }
            if (pattern && is_taken(fqdn)) {
                note(RemarkKind::lost,
                     lync::quoted(name->rule.host) + " seems to mean " + lync::quoted(fqdn) +
                         ", which is published by a rule of its own: write the name that is meant",
                     name->rule.place);
                tell(*name, "not published");
                continue;
            }
            if (pattern) {
                meant_.insert(fqdn);
                note(RemarkKind::check,
                     lync::quoted(name->rule.host) + " was published; here it is one name",
                     name->rule.place);
            }
            fqdns += " " + fqdn;
            tell(*name, std::string(word_of(kind)), fqdn);
        }
        if (fqdns.empty()) {
            return;
        }
        const OldRule& rule = members.front()->rule;
        if (!members.front()->said) {
            note(RemarkKind::check, "taken for " + std::string(word_of(kind)) + " by its name");
        }
        const std::string certificate_name = plan_.name_of(rule.servers);
        if (certificate_name.empty()) {
            note(RemarkKind::check, "the name in the servers' own certificate may be another one: "
                                    "\"certificate_name FQDN\"");
        }
        out_.open(std::string(word_of(kind)) + fqdns);
        write_servers(rule.servers);
        if (rule.https_port != 0 && rule.https_port != 443) {
            out_.directive("listening_ports", "https=" + std::to_string(rule.https_port));
        }
        if (!certificate_name.empty()) {
            out_.directive("certificate_name", certificate_name);
        }
        if (kind == As::exchange) {
            write_services(members);
        }
        out_.close();
    }

    /// The services of all names of a block, which serves each of them under every name.
    void write_services(const std::vector<const Name*>& members) {
        std::vector<std::string> services;
        bool every_path = false;
        for (const Name* name : members) {
            every_path = every_path || !name->rule.services;
            for (const std::string& service :
                 name->rule.services.value_or(std::vector<std::string>{})) {
                if (std::find(services.begin(), services.end(), service) == services.end()) {
                    services.push_back(service);
                }
            }
        }
        if (every_path || services.empty()) {
            note(RemarkKind::check,
                 "every path of Exchange was passed on: these are all services there are, without "
                 "/ecp and /powershell; leave those that are used from outside (Lync's clients "
                 "need ews and autodiscover)");
            services = {"ews", "autodiscover", "owa", "activesync", "mapi", "oab"};
        }
        out_.list("services", services);
    }

    void write_limits() {
        out_.line("");
        note(RemarkKind::changed,
             "the old proxy passed every path on, but for those that are told above; now it is the "
             "product's external paths alone. What your clients need besides is named by "
             "\"allow_path PREFIX\", as the error log says, or \"path_policy vendor\" passes every "
             "path but administrative ones");
        out_.directive("path_policy", "strict");
        write_plain_http();

        constexpr std::chrono::seconds longest_pending_get{920}; // phones ask for 900, wait 920
        if (plan_.proxy.timeout && *plan_.proxy.timeout < longest_pending_get) {
            note(RemarkKind::changed,
                 "the time-out was " + std::to_string(plan_.proxy.timeout->count()) +
                     " seconds; phones let a request wait for 900 and give up after 920");
            out_.directive("pending_get_timeout", "960s");
        } else if (plan_.proxy.timeout) {
            constexpr std::chrono::seconds week{7 * 86400};
            out_.directive("pending_get_timeout",
                           std::to_string(std::min(*plan_.proxy.timeout, week).count()) + "s");
        }
        constexpr std::uint64_t usual_upload = 512ULL * 1024 * 1024;
        if (plan_.proxy.max_upload > usual_upload) {
            const std::uint64_t megabytes = plan_.proxy.max_upload / 1024 / 1024;
            out_.directive("max_upload",
                           std::to_string(std::min<std::uint64_t>(megabytes, 1000000)) + "m");
        }
    }

    /// Plain HTTP: only autodiscover travels, the rest is redirected.
    void write_plain_http() {
        std::string redirected;
        bool autodiscover = false;
        std::size_t more = 0;
        for (const Name& name : plan_.names) {
            if (name.rule.http_port == 0) {
                continue;
            }
            if (name.as == As::lyncdiscover) {
                autodiscover = true;
            } else if (redirected.size() < 200) {
                redirected += (redirected.empty() ? "" : ", ") + name.rule.host;
            } else {
                more++;
            }
        }
        if (!redirected.empty()) {
            note(RemarkKind::changed,
                 "plain HTTP was passed on for " + redirected +
                     (more == 0 ? "" : " and " + std::to_string(more) + " more") +
                     "; now it is redirected to https, and only autodiscover of names that no "
                     "certificate covers travels to the servers");
        }
        if (!autodiscover && !plan_.is_ocs() && !plan_.proxy.http_sockets.empty()) {
            note(RemarkKind::check,
                 "autodiscover over plain HTTP wasn't published: right as long as the certificate "
                 "covers every lyncdiscover name");
            out_.directive("http_autodiscover", "off");
        }
    }

    Arrangement plan_;
    const ImportOptions& options_;
    BlockWriter out_;
    std::set<std::string> meant_; ///< names that patterns of farms were taken for
    Imported result_;
};

} // namespace

Imported compose(OldProxy proxy, const ImportOptions& options) {
    return Composer(arrange(std::move(proxy), options), options).compose();
}

} // namespace lync::lyncctl
