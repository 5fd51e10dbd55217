#pragma once

// What stands beside a topology: objects that Export-Clixml wrote, and the elements of a topology's
// own SimpleUrlConfiguration.

#include "base/diagnostic.h"
#include "lyncctl/import/xml_file.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lync::lyncctl {

/// One URL of Get-CsSimpleUrlConfiguration.
struct SimpleUrlObject {
    std::string component; ///< "Meet", "Dialin", "Cscp", "WebScheduler"
    std::string url;
    std::string scope; ///< "Global", "Site:Redmond"
    Place place;
};

/// A pool of Get-CsService -WebServer. Ports: 0 where it isn't told.
struct WebServerObject {
    std::string external_fqdn;
    std::uint16_t https = 0;
    std::uint16_t published_https = 0;
};

struct TopologyObjects {
    std::vector<SimpleUrlObject> simple_urls;
    std::map<std::string, WebServerObject, std::less<>> web_servers; ///< by the pool's FQDN
};

/// Adds what a file holds. Throws Mistake where it holds nothing of them and is no topology.
void read_objects(const XmlFile& file, TopologyObjects& objects);

} // namespace lync::lyncctl
