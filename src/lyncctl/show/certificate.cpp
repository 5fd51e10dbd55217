// `show certificate`: what the listener's certificate has to carry, and the request for it.

#include "base/format.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"
#include "lyncctl/show/certificate_request.h"
#include "plan/names.h"

#include <CLI/CLI.hpp>

#include <deque>
#include <filesystem>

namespace lync::lyncctl {

namespace {

Table table_of(const Configuration& configuration) {
    Table table{{"publication", "entry", "name", "use=For", "covered=Certificate"}, 0};
    for (const Published& published : configuration.publications) {
        const std::string& publication = published.plan.publication.name;
        const plan::CertificateNames names = plan::certificate_names(published.plan);
        const auto add = [&](std::string_view entry, const std::string& name, std::string_view use,
                             config::Coverage coverage) {
            const bool lacks = coverage == config::Coverage::uncovered;
            const Style style = lacks ? Style::bad : Style::plain;
            table.rows.push_back(
                {publication, entry, name, use, Cell(plan::coverage_name(coverage), style)});
        };
        add("subject", "CN=" + names.subject, names.names.front().use,
            names.names.front().coverage);
        for (const auto& name : names.names) {
            add("subject alternative name", name.name, name.use, name.coverage);
        }
        for (const auto& name : names.patterns) {
            add("each domain's own", name.name, name.use, name.coverage);
        }
    }
    return table;
}

/// "contoso.csr"; of the second certificate "contoso-2.csr".
std::string numbered(const std::string& file, std::size_t part) {
    std::filesystem::path path(file);
    if (part != 0) {
        path.replace_filename(
            formatted("{}-{}{}", path.stem().string(), part + 1, path.extension().string()));
    }
    return path.string();
}

void write_requests(const Configuration& configuration, const CertificateOptions& wanted,
                    Output& output) {
    if (configuration.publications.size() != 1) {
        throw Failure("several publications: --publication NAME says whose request is written");
    }
    if (wanted.csr == wanted.key) {
        throw Failure("the request and the key can't be the same file");
    }
    const plan::Plan& plan = configuration.publications.front().plan;
    const std::vector<std::vector<std::string>> parts = plan::split_names(plan);
    std::deque<CertificateRequest> requests; // keys stay where they are, and are wiped there
    std::vector<NewFile> files;
    for (std::size_t i = 0; i < parts.size(); i++) {
        output.progress("making a key");
        const CertificateRequest& request =
            requests.emplace_back(make_certificate_request(wanted.key_type, parts[i]));
        files.push_back({numbered(wanted.key, i), request.key, 0600});
        files.push_back({numbered(wanted.csr, i), request.csr, 0644});
    }
    write_files(files);
    for (std::size_t i = 0; i < parts.size(); i++) {
        output.note(formatted("wrote {} ({}, keep it secret) and {}",
                              lync::quoted(files[2 * i].path), wanted.key_type,
                              lync::quoted(files[2 * i + 1].path)));
        if (parts[i].front().size() > longest_common_name) {
            output.note(formatted("{} is too long for a common name (64 characters): the subject "
                                  "has none, clients read the alternative names",
                                  lync::quoted(parts[i].front())));
        }
    }
    for (const auto& pattern : plan::certificate_names(plan).patterns) {
        output.note(formatted("{} stands for any domain and isn't in the request: each domain "
                              "needs its own",
                              lync::quoted(pattern.name)));
    }
}

constexpr std::string_view script_head = R"(#!/bin/sh
# Certificates by ACME: what "lyncctl show certificate --format certbot" printed.
#
# Every name has to resolve to this proxy, and port 80 to be open from everywhere. certbot asks for
# an e-mail address the first time ("certbot register"); its timer renews from then on.
set -eu

)";

// Quoted as it is: nothing in it depends on the publication.
constexpr std::string_view hook = R"(hook=/etc/letsencrypt/nginx-lync-deploy
mkdir -p /etc/letsencrypt
cat >"$hook" <<'END'
#!/bin/sh
# After a renewal: nginx takes the new certificates if it accepts the configuration with them.
# Otherwise it goes on with those that it has in memory.
if ! said=$(nginx -t 2>&1); then
    printf '%s\n' "$said" >&2
    echo "nginx keeps the certificates that it has: mend what it says above, then nginx -s reload" >&2
    exit 1
fi
nginx -s reload
END
chmod 755 "$hook"
)";

std::string key_words(const std::string& key_type) {
    const std::string size = key_type.substr(key_type.find(':') + 1);
    return key_type.starts_with("rsa:") ? "rsa --rsa-key-size " + size
           : size == "p256"             ? "ecdsa --elliptic-curve secp256r1"
                                        : "ecdsa --elliptic-curve secp384r1";
}

/// The lines of one publication: webroot, commands, and what then stands in the block.
void add_publication(std::string& out, const plan::Plan& plan, const std::string& key_type) {
    const config::Publication& declared = plan.publication;
    const std::string webroot =
        declared.acme_challenge.empty() ? "/var/www/acme" : declared.acme_challenge;
    const auto parts = plan::split_names(plan);

    out += "\n# lync_publish " + declared.name + "\n";
    if (declared.acme_challenge.empty()) {
        out +=
            formatted("# CHECK: the block has no \"acme_challenge\": write \"acme_challenge {};\" "
                      "into it, and reload nginx before this runs\n",
                      webroot);
    }
    if (declared.http_sockets.empty()) {
        out += "# CHECK: \"http_listen\" is off, and a CA asks on port 80: take it out of the "
               "block\n";
    }
    for (const auto& pattern : plan::certificate_names(plan).patterns) {
        out += formatted("# CHECK: {} stands for any domain, no command gets it: each domain needs "
                         "its own\n",
                         pattern.name);
    }
    out += "mkdir -p " + shell_word(webroot) + "\n";

    std::string lines;
    for (std::size_t i = 0; i < parts.size(); i++) {
        const std::string name =
            formatted("{}{}{}", declared.name, key_type.starts_with("ec:") ? "-ecdsa" : "",
                      i == 0 ? "" : formatted("-{}", i + 1));
        out +=
            formatted("certbot certonly --webroot -w {} --cert-name {} --key-type {} \\\n"
                      "    --keep-until-expiring --renew-with-new-domains --deploy-hook \"$hook\"",
                      shell_word(webroot), name, key_words(key_type));
        for (const std::string& host : parts[i]) {
            out += " \\\n    -d " + host;
        }
        out += "\n";
        lines += formatted("#     certificate  /etc/letsencrypt/live/{0}/fullchain.pem "
                           "/etc/letsencrypt/live/{0}/privkey.pem;\n",
                           name);
    }
    out += "\n# In the block, in place of its present \"certificate\"; then nginx -t, and "
           "reload:\n#\n" +
           lines;
}

std::string certbot_script(const Configuration& configuration, const std::string& key_type) {
    std::string out(script_head);
    out += hook;
    for (const Published& published : configuration.publications) {
        add_publication(out, published.plan, key_type);
    }
    return out;
}

} // namespace

void declare_certificate(CLI::App& app, Options& options) {
    add_configuration(app, options);
    CertificateOptions& wanted = options.certificate;
    CLI::Option* csr =
        app.add_option("--csr", wanted.csr, "FILE|Write a certificate request into this new file");
    CLI::Option* key =
        app.add_option("--key", wanted.key,
                       "FILE|Write its new private key, readable by you alone, into this new file");
    csr->needs(key);
    key->needs(csr);
    app.add_option("--key-type", wanted.key_type,
                   "TYPE|rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384")
        ->check(CLI::IsMember({"rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384"})
                    .description(""))
        ->capture_default_str();
}

int show_certificate(const Options& options, Output& output) {
    const Configuration configuration = load_plans(options, output);
    if (!options.certificate.csr.empty()) {
        write_requests(configuration, options.certificate, output);
    }
    if (output.is_text()) {
        output.text(certbot_script(configuration, options.certificate.key_type));
        return exit_fine;
    }
    output.table(table_of(configuration));
    return exit_fine;
}

} // namespace lync::lyncctl
