#pragma once

// The plan room: everything that follows from a declaration, once.
//
//     plan.h    sockets, upstreams and virtual hosts; the port flips. The one source for nginx
//               directives, firewall rows, DNS records, certificate names and the status page
//     render.h  the plan as nginx directives

#include "config/publication.h"
#include "policy/site.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::plan {

/// A group of servers on one port of theirs: the inside of a port flip.
struct Upstream {
    std::string name;       ///< "contoso_fepool.contoso.local_4443"
    std::size_t farm = 0;   ///< index into Publication::farms
    std::uint16_t port = 0; ///< listening port: 4443, 8080, 443
    bool tls = true;
    /// Whether connections to these servers are kept even while connection_auth is off: plain-HTTP
    /// autodiscover and Office Web Apps, which ask for no credential.
    bool anonymous = false;
};

/// One generated `server`: the names of one kind that go to the same place.
struct VirtualHost {
    std::string id;   ///< argument of lync_rule: "meet.contoso.com", "plain_http", ...
    std::string what; ///< where its requests go: "pool fepool.contoso.local, port 4443"
    bool tls = true;
    bool catch_all = false;
    std::vector<std::string> names;   ///< as `server_name` takes them, "lyncdiscover.*" included
    std::vector<std::size_t> sockets; ///< indices into http_sockets or https_sockets
    policy::SiteSpec site;
    /// Upstreams that requests of this host may go to, the default one first; Verdict::target
    /// is an index into this list. Empty where nothing passes.
    std::vector<std::size_t> upstreams;
    Place place; ///< the directive that an error in this server is blamed on

    struct Route {
        std::string_view path; ///< of a simple URL where several share the host; else empty
        std::size_t upstream;
    };
    /// Where its requests go, path by path if that makes a difference.
    std::vector<Route> routes() const;
};

/// The plan of one publication. Owns its publication.
struct Plan {
    config::Publication publication;
    std::vector<Upstream> upstreams;
    std::vector<VirtualHost> hosts;
    std::shared_ptr<const policy::Rules> rules; ///< what all hosts have in common

    const config::Farm& farm(const Upstream& upstream) const {
        return publication.farms[upstream.farm];
    }

    /// Whether clients that ask for a name of an https host accept the certificate: at a time, or
    /// whatever the certificates' dates are.
    config::Coverage coverage(const VirtualHost& host, std::string_view name,
                              std::optional<std::chrono::sys_seconds> time = {}) const noexcept;
};

Plan make_plan(config::Publication publication);

} // namespace lync::plan
