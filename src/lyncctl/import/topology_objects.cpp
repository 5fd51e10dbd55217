// Export-Clixml: `<Obj><Props><S N="Component">Meet</S>...`, and as far as its -Depth doesn't
// reach, strings: "Component=Meet;Domain=contoso.com;...;ActiveUrl=https://meet.contoso.com".

#include "lyncctl/import/topology_objects.h"

#include "base/ascii.h"
#include "lyncctl/import/patterns.h"

#include <array>

namespace lync::lyncctl {

namespace {

/// A property of an object; an object that is one stands for what it prints.
std::string property(pugi::xml_node object, std::string_view name) {
    for (const char* kind : {"Props", "MS"}) {
        for (const pugi::xml_node member : object.child(kind).children()) {
            if (member.attribute("N").value() == name) {
                const pugi::xml_node printed = member.child("ToString");
                return (printed ? printed : member).text().get();
            }
        }
    }
    return {};
}

class ObjectReader {
public:
    ObjectReader(const XmlFile& file, TopologyObjects& objects) : file_(file), objects_(objects) {}

    bool read() {
        const pugi::xml_node root = file_.root();
        for (auto node = root; node; node = next_element(node, root)) {
            const std::string_view name = node.name();
            if (name == "SimpleUrl") {
                read_element(node);
            } else if (name == "Obj") {
                read_object(node);
            } else if (name == "S" || name == "ToString") {
                read_text(node);
            }
        }
        return found_;
    }

private:
    void add(const std::string& component, const std::string& url, pugi::xml_node node) {
        if (!url.empty()) {
            objects_.simple_urls.push_back({component, url, scope_, file_.place(node)});
        }
        found_ = true;
    }

    /// `<SimpleUrl Component="Meet" ActiveUrl="..."><SimpleUrlEntry Url="..."/>`
    void read_element(pugi::xml_node node) {
        const std::string component = node.attribute("Component").value();
        add(component, node.attribute("ActiveUrl").value(), node);
        for (const pugi::xml_node entry : node.children("SimpleUrlEntry")) {
            add(component, entry.attribute("Url").value(), entry);
        }
    }

    void read_object(pugi::xml_node node) {
        if (const std::string identity = property(node, "Identity"); !identity.empty()) {
            scope_ = identity;
        }
        if (const std::string component = property(node, "Component"); !component.empty()) {
            component_ = component;
            add(component_, property(node, "ActiveUrl"), node);
        }
        if (!component_.empty()) {
            add(component_, property(node, "Url"), node);
        }
        const std::string pool = to_ascii_lower(property(node, "PoolFqdn"));
        if (!pool.empty() && !property(node, "ExternalFqdn").empty()) {
            WebServerObject& server = objects_.web_servers[pool];
            server.external_fqdn = property(node, "ExternalFqdn");
            server.https = port_of(property(node, "ExternalHttpsPort"));
            server.published_https = port_of(property(node, "PublishedExternalHttpsPort"));
            if (server.published_https == 0) {
                server.published_https = port_of(property(node, "ExternalPublishedHttpsPort"));
            }
            found_ = true;
        }
    }

    void read_text(pugi::xml_node node) {
        std::string component;
        std::string url;
        for (const std::string_view part : split(node.text().get(), ';')) {
            if (part.starts_with("Component=")) {
                component = part.substr(10);
            } else if (part.starts_with("ActiveUrl=")) {
                url = part.substr(10);
            }
        }
        if (!component.empty()) {
            add(component, url, node);
        }
    }

    const XmlFile& file_;
    TopologyObjects& objects_;
    std::string scope_; ///< "Global", "Site:Redmond": the last identity, that of an object around
    std::string component_; ///< "Meet": likewise
    bool found_ = false;
};

} // namespace

void read_objects(const XmlFile& file, TopologyObjects& objects) {
    const bool found = ObjectReader(file, objects).read();
    if (!found && !std::string_view(file.root().name()).starts_with("Topology")) {
        throw Mistake("the file holds neither simple URLs nor web servers: write it with "
                      "\"Get-CsSimpleUrlConfiguration | Export-Clixml -Depth 4 FILE\"",
                      file.place(file.root()));
    }
}

} // namespace lync::lyncctl
