#include "lyncctl/commands.h"

#include "lyncctl/check.h"
#include "lyncctl/control/control.h"
#include "lyncctl/doctor/doctor.h"
#include "lyncctl/import/import.h"
#include "lyncctl/show/show.h"

namespace lync::lyncctl {

namespace {

constexpr Command table[] = {
    {"", "check", "asks nginx -t about publications, and gives advice", "", false, declare_check,
     check},
    {"", "doctor", "does what a client does, and says what is wrong, why, and what helps", "",
     false, declare_doctor, run_doctor},

    {"", "servers", "prints what the servers are doing, as a running nginx sees them", "", false,
     declare_servers, servers},
    {"", "drain", "sends a server no new clients, at once and until it is taken back", "", false,
     declare_drain, drain},
    {"", "undrain", "takes a drained server back", "", false, declare_undrain, undrain},

    {"show", "names", "prints every published name, and where it leads", "", false,
     add_configuration, show_names},
    {"show", "rules", "prints each port flip and what it lets pass", "", false, add_configuration,
     show_rules},
    {"show", "ports", "prints the ports that are listened on and connected to", "", false,
     add_configuration, show_ports},
    {"show", "firewall", "prints the rows of Microsoft's port summaries, or an nftables ruleset",
     "nft", false, add_configuration, show_firewall},
    {"show", "dns", "prints the DNS records, and what must not resolve outside", "zone", false,
     declare_dns, show_dns},
    {"show", "certificate", "prints subject and names for the certificate, or writes a request", "",
     false, declare_certificate, show_certificate},
    {"show", "nginx", "prints the generated nginx configuration", "nginx", true, add_configuration,
     show_nginx},

    {"import", "arr", "reads applicationHost.config of IIS with Application Request Routing",
     "nginx", true, declare_import_arr, import_arr},
    {"import", "pfsense", "reads config.xml of pfSense with the squid package's reverse proxy",
     "nginx", true, declare_import, import_pfsense},
    {"import", "nginx", "reads an nginx.conf written by hand", "nginx", true, declare_import,
     import_nginx},
};

} // namespace

std::span<const Command> commands() noexcept {
    return table;
}

} // namespace lync::lyncctl
