// `show certificate`: what the listener's certificate has to carry, and the request for it.

#include "base/format.h"
#include "config/certificate_pem.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"
#include "lyncctl/published_names.h"

#include <CLI/CLI.hpp>
#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <deque>
#include <filesystem>
#include <memory>

namespace lync::lyncctl {

namespace {

Table table_of(const Configuration& configuration) {
    Table table{{"publication", "entry", "name", "use=For", "covered=Certificate"}, 0};
    for (const Published& published : configuration.publications) {
        const std::vector<PublishedName> names = certificate_names(published.plan);
        const auto add = [&](std::string_view entry, const std::string& text,
                             const PublishedName& name) {
            const std::string_view covered = yes_or_no(name.coverage);
            const Style style = covered == "no" ? Style::bad : Style::plain;
            table.rows.push_back(
                {published.plan.publication.name, entry, text, name.use, Cell(covered, style)});
        };
        add("subject", "CN=" + names.front().name, names.front());
        for (const PublishedName& name : names) {
            add(name.is_pattern() ? "each domain's own" : "subject alternative name", name.name,
                name);
        }
    }
    return table;
}

std::vector<std::string> patterns_of(const plan::Plan& plan) {
    std::vector<std::string> patterns;
    for (const PublishedName& name : certificate_names(plan)) {
        if (name.is_pattern()) {
            patterns.push_back(name.name);
        }
    }
    return patterns;
}

/// A subject has a common name only up to here [RFC 5280, ub-common-name].
inline constexpr std::size_t longest_common_name = 64;

struct CertificateRequest {
    CertificateRequest() = default;
    CertificateRequest(CertificateRequest&&) = default;
    ~CertificateRequest() { OPENSSL_cleanse(key.data(), key.size()); }

    std::string csr; ///< PEM
    std::string key; ///< PEM, PKCS #8, not encrypted; wiped when it goes
};

struct Free {
    void operator()(X509_REQ* request) const noexcept { X509_REQ_free(request); }
    void operator()(CONF* conf) const noexcept { NCONF_free(conf); }
};
template <typename Type>
using Owned = std::unique_ptr<Type, Free>;
using config::BioPtr, config::KeyPtr;

/// Nothing that is asked of OpenSSL here depends on the user: what fails is memory or a library
/// that is configured to refuse it.
void require(bool done, std::string_view doing) {
    if (!done) {
        char reason[256] = "";
        ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
        ERR_clear_error();
        throw Failure(formatted("OpenSSL can't {} ({})", doing, reason));
    }
}

KeyPtr make_key(const std::string& type) {
    KeyPtr key(
        type.starts_with("rsa:")
            ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA",
                                static_cast<std::size_t>(std::stoul(type.substr(4))))
            : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type == "ec:p256" ? "P-256" : "P-384"));
    require(key != nullptr, "make a key");
    return key;
}

/// As subject alternative names, for servers.
void add_extensions(X509_REQ* request, bool is_rsa, const std::vector<std::string>& names) {
    const std::string text = formatted("[all]\nsubjectAltName=DNS:{}\n"
                                       "keyUsage=critical,digitalSignature{}\n"
                                       "extendedKeyUsage=serverAuth\n",
                                       joined(names, ",DNS:"), is_rsa ? ",keyEncipherment" : "");
    const BioPtr lines(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    const Owned<CONF> conf(NCONF_new(nullptr));
    X509V3_CTX context{};
    X509V3_set_nconf(&context, conf.get());
    require(lines != nullptr && conf != nullptr &&
                NCONF_load_bio(conf.get(), lines.get(), nullptr) == 1 &&
                X509V3_EXT_REQ_add_nconf(conf.get(), &context, "all", request) == 1,
            "add extensions");
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

/// Makes a key and a request for `names` (the first is the common name, if it is short enough) as
/// subject alternative names, for servers, signed with SHA-256.
CertificateRequest make_certificate_request(const std::string& key_type,
                                            const std::vector<std::string>& names) {
    const KeyPtr key = make_key(key_type);
    const Owned<X509_REQ> request(X509_REQ_new());
    require(request != nullptr && X509_REQ_set_version(request.get(), 0) == 1 &&
                X509_REQ_set_pubkey(request.get(), key.get()) == 1,
            "make a request");

    // Clients read the alternative names anyway.
    const auto* common_name = reinterpret_cast<const unsigned char*>(names.front().c_str());
    require(names.front().size() > longest_common_name ||
                X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN",
                                           MBSTRING_UTF8, common_name, -1, -1, 0) == 1,
            "make a subject");

    add_extensions(request.get(), key_type.starts_with("rsa"), names);
    require(X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0, "sign the request");

    CertificateRequest result;
    const BioPtr csr(BIO_new(BIO_s_mem()));
    const BioPtr pem(BIO_new(BIO_s_secmem()));
    require(csr != nullptr && PEM_write_bio_X509_REQ(csr.get(), request.get()) == 1,
            "write the request");
    require(pem != nullptr && PEM_write_bio_PKCS8PrivateKey(pem.get(), key.get(), nullptr, nullptr,
                                                            0, nullptr, nullptr) == 1,
            "write the key");
    result.csr = text_of(csr.get());
    result.key = text_of(pem.get());
    return result;
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
    const std::vector<std::vector<std::string>> parts = split_names(plan);
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
    for (const std::string& pattern : patterns_of(plan)) {
        output.note(formatted("{} stands for any domain and isn't in the request: each domain "
                              "needs its own",
                              lync::quoted(pattern)));
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
    return key_type.starts_with("rsa:") ? formatted("rsa --rsa-key-size {}", size)
           : size == "p256"             ? "ecdsa --elliptic-curve secp256r1"
                                        : "ecdsa --elliptic-curve secp384r1";
}

/// What stands in the way of the commands.
void add_checks(std::string& out, const plan::Plan& plan, const std::string& webroot) {
    if (plan.publication.acme_challenge.empty()) {
        out +=
            formatted("# CHECK: the block has no \"acme_challenge\": write \"acme_challenge {};\" "
                      "into it, and reload nginx before this runs\n",
                      webroot);
    }
    if (plan.publication.http_sockets.empty()) {
        out += "# CHECK: \"http_listen\" is off, and a CA asks on port 80: take it out of the "
               "block\n";
    }
    for (const std::string& pattern : patterns_of(plan)) {
        out += formatted("# CHECK: {} stands for any domain, no command gets it: each domain needs "
                         "its own\n",
                         pattern);
    }
}

/// The lines of one publication: webroot, commands, and what then stands in the block.
void add_publication(std::string& out, const plan::Plan& plan, const std::string& key_type) {
    const config::Publication& declared = plan.publication;
    const std::string webroot =
        declared.acme_challenge.empty() ? "/var/www/acme" : declared.acme_challenge;
    out += formatted("\n# lync_publish {}\n", declared.name);
    add_checks(out, plan, webroot);
    out += formatted("mkdir -p {}\n", shell_word(webroot));

    std::string lines;
    const auto parts = split_names(plan);
    for (std::size_t i = 0; i < parts.size(); i++) {
        const std::string name =
            formatted("{}{}{}", declared.name, key_type.starts_with("ec:") ? "-ecdsa" : "",
                      i == 0 ? "" : formatted("-{}", i + 1));
        out += formatted("certbot certonly --webroot -w {} --cert-name {} --key-type {} \\\n"
                         "    --keep-until-expiring --renew-with-new-domains "
                         "--deploy-hook \"$hook\" \\\n    -d {}\n",
                         shell_word(webroot), name, key_words(key_type),
                         joined(parts[i], " \\\n    -d "));
        lines += formatted("#     certificate  /etc/letsencrypt/live/{0}/fullchain.pem "
                           "/etc/letsencrypt/live/{0}/privkey.pem;\n",
                           name);
    }
    out += formatted("\n# In the block, in place of its present \"certificate\"; then nginx -t, "
                     "and reload:\n#\n{}",
                     lines);
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
