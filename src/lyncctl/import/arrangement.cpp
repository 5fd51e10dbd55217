// What is asked of an arrangement once it stands.

#include "lyncctl/import/arrangement.h"

#include "base/names.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

bool same_servers(const std::vector<OldServer>& a, const std::vector<OldServer>& b) {
    std::set<std::string_view> left;
    std::set<std::string_view> right;
    for (const OldServer& server : a) {
        left.insert(server.address);
    }
    for (const OldServer& server : b) {
        right.insert(server.address);
    }
    return left == right;
}

Ports Arrangement::usual_ports() const {
    return default_ports(product.value_or(Product::sfb_se));
}

const Pool& Arrangement::first_contact() const {
    const auto director =
        std::find_if(pools.begin(), pools.end(), [](const Pool& pool) { return pool.director; });
    return director == pools.end() ? pools.front() : *director;
}

const Pool& Arrangement::pool_of(const std::vector<OldServer>& servers) const {
    return *std::find_if(pools.begin(), pools.end(), [&servers](const Pool& pool) {
        return same_servers(pool.servers, servers);
    });
}

std::string Arrangement::name_of(const std::vector<OldServer>& servers) const {
    for (const OldServer& server : servers) {
        if (const auto said = pool_names.find(server.address); said != pool_names.end()) {
            return said->second;
        }
    }
    // What the old file calls one of several servers is that server's name, not the pool's.
    std::set<std::string> names;
    for (const OldServer& server : servers) {
        const auto known = proxy.pool_names.find(server.address);
        names.insert(known == proxy.pool_names.end() ? std::string{} : known->second);
    }
    return names.size() == 1 ? parse_fqdn(*names.begin()).name : std::string{};
}

std::string Arrangement::some_domain() const {
    for (const Name& name : names) {
        const std::string& host = name.rule.host.ends_with(".*") ? name.rule.fqdn : name.rule.host;
        const std::string domain(domain_of(host));
        if (domain != "*" && parse_sip_domain(domain)) {
            return domain;
        }
    }
    return "example.invalid";
}

} // namespace lync::lyncctl
