#include "lyncctl/show/certbot.h"

#include "base/format.h"
#include "plan/names.h"

namespace lync::lyncctl {

namespace {

constexpr std::string_view head = R"(#!/bin/sh
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

} // namespace

std::string certbot_script(const Configuration& configuration, const std::string& key_type) {
    std::string out(head);
    out += hook;
    for (const Published& published : configuration.publications) {
        add_publication(out, published.plan, key_type);
    }
    return out;
}

} // namespace lync::lyncctl
