#pragma once

// What a block will publish: for another proxy, which service each of its names is and which
// servers are one pool; of a topology, what it says. block.cpp writes it down.

#include "base/product.h"
#include "config/edge.h"
#include "lyncctl/import/import.h"

#include <deque>
#include <optional>

namespace lync::lyncctl {

/// What a name is here.
enum class Role : std::uint8_t {
    pool,     ///< external web services of a pool
    director, ///< of a Director
    meet,
    dialin,
    scheduler,
    lyncdiscover,
    admin,
    office_web_apps,
    skip,    ///< isn't published
    unknown, ///< the name doesn't tell; its servers may
};

/// The word of --role.
std::string_view word_of(Role role) noexcept;

constexpr bool is_simple_url(Role role) noexcept {
    return (role >= Role::meet && role <= Role::scheduler) || role == Role::admin;
}

/// Servers that answer for the same names, as one block.
struct Farm {
    Role role = Role::pool; ///< pool, director or office_web_apps
    std::string fqdn; ///< in its servers' certificates. Of a pool never empty: maybe "POOL-FQDN"
    std::string external;       ///< the published FQDN of a pool's web services, or of the farm
    bool first_contact = false; ///< lyncdiscover goes there
    std::vector<OldServer> servers;
    std::uint16_t https = 0; ///< 0: the usual one
    std::uint16_t http = 0;
};

/// A name that was published. Its host is in the one spelling that everything else uses.
struct Name {
    std::string host;
    std::string fqdn; ///< of a farm or pool: the host, or what the pattern stands for
    std::size_t group = 0;
    std::uint16_t https = 0; ///< the servers' port for https requests
    std::uint16_t http = 0;
    Place place;
    Role role = Role::unknown;
    Farm* farm = nullptr;                        ///< of all but skip and admin
    std::shared_ptr<const OldListener> listener; ///< as in Route
    std::string path;                            ///< of a simple URL: "/Meet"
};

struct Draft {
    OldProxy proxy; ///< with servers as the directives take them
    std::optional<Product> product;
    std::vector<Name> names;
    std::deque<Farm> farms;          ///< also those of Office Web Apps
    std::vector<Farm*> pools;        ///< never empty; pools before Directors
    Farm* first = nullptr;           ///< the pool or Director where simple URLs and lyncdiscover go
    std::vector<config::Edge> edges; ///< addresses of servers alone
    bool knows_simple_urls =
        true; ///< false: none were told, which doesn't mean that there are none

    bool is_ocs() const { return product && lync::is_ocs(*product); }
    Ports usual_ports() const { return default_ports(product.value_or(Product::sfb_se)); }
};

/// The product of --product; nothing without one. Throws Failure for a word that is none.
std::optional<Product> product_of(const ImportOptions& options);

/// The files of the command line, read. Throws Mistake and Failure.
Draft read_topology(const ImportOptions& options);

/// Throws Failure where the options contradict each other or no Front End pool is published.
Draft make_draft(OldProxy proxy, const ImportOptions& options);

/// A file of a topology and what goes beside it.
struct TopologyFile {
    std::string name;
    std::string content; ///< as it was read
};

/// A topology that Get-CsTopology or Topology Builder wrote, and simple URLs and web servers that
/// Export-Clixml did. `hosts`: a hosts file with the servers' addresses, or empty. Throws Mistake
/// and Failure.
Draft read_topology(const std::vector<TopologyFile>& files, std::string_view hosts);

/// The block of a draft.
Imported compose(Draft draft, const ImportOptions& options);

} // namespace lync::lyncctl
