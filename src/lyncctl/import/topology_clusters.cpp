#include "lyncctl/import/topology_clusters.h"

#include "base/ascii.h"
#include "base/names.h"
#include "lyncctl/import/xml_file.h"

namespace lync::lyncctl {

namespace {

/// `<ClusterId SiteId="1" Number="2"/>` as a key; what Topology Builder has instead is unique.
std::string key_of(pugi::xml_node id) {
    return attribute(id, "SiteId") + ":" + attribute(id, "Number");
}

std::string cluster_key(pugi::xml_node service) {
    const std::string unique = attribute(service, "InstalledOn");
    return unique.empty() ? key_of(service.child("InstalledOn").child("ClusterId")) : unique;
}

} // namespace

std::string attribute(pugi::xml_node node, const char* name) {
    return node.attribute(name).value();
}

bool is_true(pugi::xml_node node, const char* name) {
    return equal_ignore_case(node.attribute(name).value(), "true");
}

std::string service_role(pugi::xml_node service) {
    const std::string role = attribute(service, "RoleName");
    return role.empty() ? attribute(service.child("ServiceId"), "RoleName") : role;
}

std::string address_of(pugi::xml_node machine, std::string_view side, std::string_view number) {
    for (const pugi::xml_node interface : machine.children("NetInterface")) {
        const std::string address = attribute(interface, "IPAddress");
        if (attribute(interface, "InterfaceSide") == side &&
            attribute(interface, "InterfaceNumber") == number && address != "0.0.0.0" &&
            address != "::") {
            return address;
        }
    }
    return {};
}

void Clusters::read(pugi::xml_node root) {
    for (auto node = root; node; node = next_element(node, root)) {
        const std::string_view name = node.name();
        if (node.attribute("SiteId") && node.child("Name")) {
            sites_[attribute(node, "SiteId")] = node.child("Name").text().get();
        } else if (name == "Cluster") {
            add(node);
        } else if (name == "Service") {
            services_.push_back(node);
        }
    }
    for (const pugi::xml_node service : services_) {
        if (const auto found = clusters_.find(cluster_key(service)); found != clusters_.end()) {
            Cluster& cluster = found->second;
            cluster.roles.insert(service_role(service));
            cluster.is_director =
                cluster.is_director || is_true(service.child("RegistrarService"), "IsDirector");
        }
    }
}

void Clusters::add(pugi::xml_node node) {
    Cluster cluster;
    cluster.fqdn = parse_fqdn(attribute(node, "Fqdn")).name;
    const std::string unique = attribute(node, "UniqueId");
    cluster.site = sites_[attribute(
        unique.empty() ? node.child("ClusterId") : node.parent().parent(), "SiteId")];
    for (const pugi::xml_node around : {node, node.child("Machines")}) {
        for (const pugi::xml_node machine : around.children("Machine")) {
            cluster.machines.push_back(machine);
        }
    }
    clusters_[unique.empty() ? key_of(node.child("ClusterId")) : unique] = std::move(cluster);
}

const Cluster* Clusters::of(pugi::xml_node service) const {
    const auto found = clusters_.find(cluster_key(service));
    return found == clusters_.end() || found->second.fqdn.empty() ? nullptr : &found->second;
}

} // namespace lync::lyncctl
