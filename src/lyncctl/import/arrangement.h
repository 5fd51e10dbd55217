#pragma once

// Inside of `compose` only: which service each name of another proxy is (import_names.cpp), and
// which servers are one pool (arrangement.cpp); old_proxy.cpp writes it down.

#include "base/product.h"
#include "lyncctl/import/old_proxy.h"

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
    never, ///< must not be published, or isn't HTTP
    skip,  ///< the user doesn't want it
};

/// The word of --role, and back.
std::string_view word_of(As as) noexcept;
std::optional<As> as_of_word(std::string_view word) noexcept;

/// By the names that Microsoft's guides give to services.
As guess(std::string_view host);

constexpr bool is_simple_url(As as) noexcept {
    return as >= As::meet && as <= As::admin;
}

/// The first label of a host, which people tell services by; and what follows it.
std::string_view first_label(std::string_view host) noexcept;
std::string_view domain_of(std::string_view host) noexcept;

/// A host, or "meet.*", in the one spelling that everything else uses; empty if it is neither.
std::string normal_host(const std::string& host);

/// A name that is to be published, with everything that is known of it.
struct Name {
    OldRule rule;
    As as = As::pool;
    bool said = false; ///< by the user, not by its first label
};

/// Servers that answer for Lync's names.
struct Pool {
    std::string fqdn;
    bool director = false;
    std::string external;
    std::vector<OldServer> servers;
    std::uint16_t https = 0;
    std::uint16_t http = 0;
    bool first_contact = false; ///< lyncdiscover, or else a simple URL, goes there
    std::vector<Remark> remarks;
};

/// Whether two groups of servers have the same addresses.
bool same_servers(const std::vector<OldServer>& a, const std::vector<OldServer>& b);

struct Arrangement {
    OldProxy proxy; ///< sockets and servers as the directives take them
    std::optional<Product> product;
    std::vector<Name> names;
    std::vector<Pool> pools; ///< never empty; pools before Directors, the default pool first
    std::vector<Remark> remarks;
    std::vector<ImportedName> left_out;
    std::map<std::string, std::string> pool_names; ///< of --pool: address to FQDN

    bool is_ocs() const { return product && lync::is_ocs(*product); }
    Ports usual_ports() const;
    /// The pool or Director where simple URLs and lyncdiscover go.
    const Pool& first_contact() const;
    /// The pool of some servers, which has to be there.
    const Pool& pool_of(const std::vector<OldServer>& servers) const;
    /// What the user or the old file calls a group of servers; empty if that isn't a name.
    std::string name_of(const std::vector<OldServer>& servers) const;
    /// A domain that certainly is one of theirs, for what has to be filled in.
    std::string some_domain() const;
};

/// Throws Failure where the options contradict each other or no Front End pool is published.
Arrangement arrange(OldProxy proxy, const ImportOptions& options);

} // namespace lync::lyncctl
