#pragma once

// Inside of `read_topology` only: which services run on which computers.

#include <pugixml.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

std::string attribute(pugi::xml_node node, const char* name);
bool is_true(pugi::xml_node node, const char* name);

/// Computers that do the same together.
struct Cluster {
    std::string fqdn; ///< in lower case, valid
    std::string site; ///< its name
    std::vector<pugi::xml_node> machines;
    std::set<std::string, std::less<>> roles; ///< of the services on it
    bool is_director = false;
};

/// "WebServices"
std::string service_role(pugi::xml_node service);

/// The address of one of a machine's sides; empty where it is 0.0.0.0, all that it has.
std::string address_of(pugi::xml_node machine, std::string_view side,
                       std::string_view number = "1");

class Clusters {
public:
    void read(pugi::xml_node root);

    const std::vector<pugi::xml_node>& services() const noexcept { return services_; }
    /// Where a service runs; null on a database, or where the file contradicts itself.
    const Cluster* of(pugi::xml_node service) const;

private:
    void add(pugi::xml_node node);

    std::map<std::string, std::string> sites_; ///< names by SiteId
    std::map<std::string, Cluster> clusters_;
    std::vector<pugi::xml_node> services_;
};

} // namespace lync::lyncctl
