#include "lyncctl/commands.h"

namespace lync::lyncctl {

namespace {

constexpr Command table[] = {
    {"", "check", "asks nginx -t about publications, and gives advice",
     "  sudo lyncctl check\n"
     "  sudo lyncctl check && sudo systemctl reload nginx\n"
     "  lyncctl check --fragment contoso.conf",
     "", false, declare_check, check},
    {"", "doctor", "tests publications as clients use them: what is wrong, the cause, the remedy",
     "  lyncctl doctor\n"
     "  lyncctl doctor --from proxy\n"
     "  lyncctl doctor --fragment contoso.conf --resolve '*:443:203.0.113.10'",
     "", false, declare_doctor, run_doctor},

    {"", "drift", "prints what differs between a topology and the publications",
     "  lyncctl drift topology.xml\n"
     "  lyncctl drift topology.xml simple-urls.xml web-servers.xml\n"
     "  lyncctl drift topology.xml -c /etc/nginx/nginx.conf --publication contoso",
     "", false, declare_drift, drift},

    {"", "servers", "prints what the servers are doing, as a running nginx sees them",
     "  sudo lyncctl servers\n"
     "  watch -n 2 sudo lyncctl servers\n"
     "  sudo lyncctl servers --format json | jq -r '.[] | select(.state != \"up\").server'",
     "", false, declare_servers, servers},
    {"", "drain", "sends a server no new clients, at once and until it is taken back",
     "  sudo lyncctl drain fe1\n"
     "  sudo lyncctl drain fe1 --wait --timeout 1200\n"
     "  sudo lyncctl drain fepool.contoso.local/fe1",
     "", false, declare_drain, drain},
    {"", "undrain", "takes a drained server back",
     "  sudo lyncctl undrain fe1\n"
     "  sudo lyncctl undrain 10.0.0.11\n"
     "  sudo lyncctl undrain fe1 && sudo lyncctl servers",
     "", false, declare_undrain, undrain},

    {"", "shields", "prints the known attacks that are refused, and how often they were tried",
     "  sudo lyncctl shields\n"
     "  sudo lyncctl shields --format json | jq -r '.[] | select(.hits > 0).shield'\n"
     "  lyncctl shields --built-in --format csv",
     "", false, declare_shields, shields},
    {"lockout", "list", "prints which accounts and sources nginx holds",
     "  sudo lyncctl lockout list\n"
     "  sudo lyncctl lockout list --format csv\n"
     "  watch -n 5 sudo lyncctl lockout list",
     "", false, declare_servers, lockout_list},
    {"lockout", "release", "ends a hold",
     "  sudo lyncctl lockout release ken@contoso.com\n"
     "  sudo lyncctl lockout release 203.0.113.7\n"
     "  sudo lyncctl lockout release --all",
     "", false, declare_lockout_release, lockout_release},

    {"show", "names", "prints every published name, and where it leads",
     "  lyncctl show names\n"
     "  lyncctl show names --fragment contoso.conf\n"
     "  lyncctl show names --format json | jq -r '.[] | select(.certificate == \"no\").name'",
     "", false, add_configuration, show_names},
    {"show", "rules", "prints each port flip and what it lets pass",
     "  lyncctl show rules\n"
     "  lyncctl show rules --publication contoso\n"
     "  lyncctl show rules --format markdown",
     "", false, add_configuration, show_rules},
    {"show", "ports", "prints the ports that are listened on and connected to",
     "  lyncctl show ports\n"
     "  lyncctl show ports --fragment contoso.conf\n"
     "  lyncctl show ports --format csv",
     "", false, add_configuration, show_ports},
    {"show", "firewall",
     "prints what to open: a page, Microsoft's port summaries, or rules for a firewall",
     "  lyncctl show firewall --plan\n"
     "  lyncctl show firewall --plan --format html > firewall.html\n"
     "  lyncctl show firewall --format nft > lync.nft && sudo nft -c -f lync.nft",
     "nft pf windows", false, declare_firewall, show_firewall},
    {"show", "dns", "prints the DNS records, and what must not resolve outside",
     "  lyncctl show dns --address 203.0.113.10\n"
     "  lyncctl show dns --format zone --address 203.0.113.10\n"
     "  lyncctl show dns --format zone --address 203.0.113.10 --inside",
     "zone", false, declare_dns, show_dns},
    {"show", "certificate",
     "prints subject and names for the certificate, certbot's commands, or writes a request",
     "  lyncctl show certificate\n"
     "  lyncctl show certificate --format certbot > get-certificates.sh\n"
     "  lyncctl show certificate --csr contoso.csr --key contoso.key --key-type ec:p256",
     "certbot", false, declare_certificate, show_certificate},
    {"show", "nginx", "prints the generated nginx configuration",
     "  lyncctl show nginx\n"
     "  lyncctl show nginx --publication contoso\n"
     "  lyncctl show nginx --format csv",
     "nginx", true, add_configuration, show_nginx},

    {"import", "arr", "reads applicationHost.config of IIS with Application Request Routing",
     "  lyncctl import arr applicationHost.config\n"
     "  lyncctl import arr applicationHost.config --hosts hosts > contoso.conf\n"
     "  lyncctl import arr applicationHost.config --role intranet.contoso.com=skip",
     "nginx", true, declare_import, import_arr},
    {"import", "pfsense", "reads config.xml of pfSense with the squid package's reverse proxy",
     "  lyncctl import pfsense config.xml\n"
     "  lyncctl import pfsense config.xml > contoso.conf\n"
     "  lyncctl import pfsense config.xml --format table",
     "nginx", true, declare_import, import_pfsense},
    {"import", "topology", "reads what Get-CsTopology -AsXml writes",
     "  lyncctl import topology topology.xml\n"
     "  lyncctl import topology topology.xml simple-urls.xml web-servers.xml\n"
     "  lyncctl import topology contoso.tbxml --hosts hosts > contoso.conf",
     "nginx", true, declare_import_topology, import_topology},
    {"import", "nginx", "reads an nginx.conf written by hand",
     "  lyncctl import nginx old.conf\n"
     "  lyncctl import nginx old.conf > contoso.conf\n"
     "  lyncctl import nginx old.conf --role intranet.contoso.com=skip",
     "nginx", true, declare_import, import_nginx},
};

} // namespace

std::span<const Command> commands() noexcept {
    return table;
}

} // namespace lync::lyncctl
