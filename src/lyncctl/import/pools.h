#pragma once

// Inside of `compose` only: which service each name of another proxy is, and which servers are one
// pool (roles.cpp, pools.cpp). block.cpp writes it down.

#include "base/product.h"
#include "lyncctl/import/import.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// What a name is here.
enum class As : std::uint8_t {
    pool,     ///< external web services of a pool
    director, ///< of a Director
    meet,
    dialin,
    scheduler,
    admin,
    lyncdiscover,
    office_web_apps,
    exchange,
    skip,    ///< isn't published
    unknown, ///< the name doesn't tell; its servers may
};

/// The word of --role, and back.
std::string_view word_of(As as) noexcept;
std::optional<As> as_of_word(std::string_view word) noexcept;

/// By the first label of a name, as Microsoft's guides give them.
As as_of_label(std::string_view label);

constexpr bool is_simple_url(As as) noexcept {
    return as >= As::meet && as <= As::admin;
}

/// A name that is to be published. Its host is in the one spelling that everything else uses.
struct Name {
    OldName old;
    As as;
    std::string fqdn; ///< of a farm: the host, or what the pattern stands for
};

/// Servers that answer for Lync's names.
struct Pool {
    std::string fqdn; ///< or "POOL-FQDN", which somebody has to replace
    std::string external;
    bool director = false;
    bool first_contact = false; ///< lyncdiscover goes there
    std::vector<OldServer> servers;
    std::uint16_t https = 0;
    std::uint16_t http = 0;
};

struct Arrangement {
    OldProxy proxy; ///< sockets and servers as the directives take them
    std::optional<Product> product;
    std::vector<Name> names;
    std::vector<Pool> pools;          ///< never empty; pools before Directors
    std::vector<std::size_t> pool_of; ///< by group: a pool, or none of them

    bool is_ocs() const { return product && lync::is_ocs(*product); }
    Ports usual_ports() const { return default_ports(product.value_or(Product::sfb_se)); }
    /// The pool or Director where simple URLs and lyncdiscover go.
    std::size_t first_contact() const;
};

/// Throws Failure where the options contradict each other or no Front End pool is published.
Arrangement arrange(OldProxy proxy, const ImportOptions& options);

} // namespace lync::lyncctl
