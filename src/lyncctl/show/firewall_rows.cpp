// The reverse proxy's and the Director's rows.

#include "lyncctl/show/firewall_rows.h"

#include <algorithm>
#include <set>

namespace lync::lyncctl {

namespace {

using config::Edge;
using config::Farm;
using config::Role;
using plan::Plan;

constexpr std::string_view external_table =
    "Firewall Details for Reverse Proxy Server: External Interface";
constexpr std::string_view internal_table =
    "Firewall Details for Reverse Proxy Server: Internal Interface";
constexpr std::string_view director_table =
    "Single Director Ports and Protocols for Firewall Definitions";

/// What a row is for: in a few words of ours, and in the documents'.
struct Note {
    std::string_view why;
    std::string_view text;
};

constexpr Note on_external_http{
    "redirects to https, Autodiscover over plain HTTP",
    "(Optional) Redirection to HTTPS if user enters http://<publishedSiteFQDN>. Also required if "
    "using Office Web Apps for conferencing and the Autodiscover Service for mobile devices "
    "running Lync in situations where the organization does not want to modify the external web "
    "service publishing rule certificate."};
constexpr Note on_external_https{
    "all web services",
    "Address book downloads, Address Book Web Query service, Autodiscover, client updates, "
    "meeting content, device updates, group expansion, Office Web Apps for conferencing, dial-in "
    "conferencing, and meetings."};
constexpr Note on_internal_http{
    "Autodiscover over plain HTTP",
    "Required if using the Autodiscover Service for mobile devices running Lync in situations "
    "where the organization does not want to modify the external web service publishing rule "
    "certificate. Traffic sent to port 80 on the reverse proxy external interface is redirected to "
    "a pool on port 8080 from the reverse proxy internal interface so that the pool Web Services "
    "can distinguish it from internal web traffic."};
constexpr Note on_internal_https{
    "all web services",
    "Traffic sent to port 443 on the reverse proxy external interface is redirected to a pool on "
    "port 4443 from the reverse proxy internal interface so that the pool web services can "
    "distinguish it from internal web traffic."};
constexpr Note on_director_proxy{
    "the Director's web services",
    "Initially received by the external side of the reverse proxy, the communication is sent on to "
    "the Director HLB VIP and Front End Server web services."};
constexpr Note on_director_444{
    "between Director and Front Ends",
    "Inter-server communication between the Director HLB VIP and the Front End Server or Front End "
    "Servers."};
constexpr Note on_director_clients{
    "the Director's web services",
    "The Director provides web services to internal as well as external clients."};
constexpr Note on_director_sip{
    "SIP of users outside",
    "SIP communication from the Edge Server to the Director, as well as the Front End Servers."};
constexpr Note on_director_logging{
    "Centralized Logging Service",
    "Centralized Logging Service controller (ClsController.exe) or agent (ClsAgent.exe)commands "
    "and log collection"};

/// "[2001:db8::1]" without its brackets.
std::string plain(std::string_view address) {
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    return std::string(bracketed ? address.substr(1, address.size() - 2) : address);
}

void add_new(std::vector<std::string>& all, std::string text) {
    if (!text.empty() && std::find(all.begin(), all.end(), text) == all.end()) {
        all.push_back(std::move(text));
    }
}

/// "443" of the socket "[::]:443".
std::uint16_t port_of(const config::Socket& socket) {
    const std::string_view text = socket.address;
    const std::size_t colon = text.rfind(':');
    return static_cast<std::uint16_t>(
        std::stoul(std::string(colon == text.npos ? text : text.substr(colon + 1))));
}

/// The address of a socket, empty for any.
std::string address_of(const config::Socket& socket) {
    const std::string_view text = socket.address;
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) {
        return {};
    }
    std::string address = plain(text.substr(0, colon));
    return address == "::" ? std::string{} : address;
}

class Rows {
public:
    Rows(const Plan& plan, const config::Interfaces& proxy) : plan_(plan), proxy_(own_proxy()) {
        proxy_.external = proxy.external.empty() ? proxy_.external : proxy.external;
        proxy_.internal = proxy.internal.empty() ? proxy_.internal : proxy.internal;
    }

    std::vector<FirewallRow> make() {
        if (is_ocs(declared().product)) {
            add_ocs_proxy();
        } else {
            add_external();
            add_internal();
            add_director();
        }
        add_edges();
        return std::move(rows_);
    }

private:
    const config::Publication& declared() const { return plan_.publication; }

    /// Which edge block says where this reverse proxy is: a remote site has one of its own.
    config::Interfaces own_proxy() const {
        const Edge* found = nullptr;
        for (const Edge& edge : declared().edges) {
            const auto& said = edge.reverse_proxy;
            const bool remote = edge.topology && config::is_remote_site(*edge.topology);
            if (!remote && (!said.external.empty() || !said.internal.empty())) {
                found = &edge;
                break;
            }
        }
        return found == nullptr ? config::Interfaces{} : found->reverse_proxy;
    }

    Party internal_interface(std::string text) const {
        Party party{std::move(text), {}, false};
        add_new(party.addresses, proxy_.internal);
        return party;
    }

    /// All servers of some farms. What a farm is published as is this proxy: its servers have no
    /// address yet.
    template <typename Wanted>
    Party servers(std::string text, Wanted&& wanted) const {
        Party party{std::move(text), {}, false};
        for (const Farm& farm : declared().farms) {
            if (wanted(farm)) {
                for (const config::Server& server : farm.servers) {
                    const bool unknown = std::find(farm.published.begin(), farm.published.end(),
                                                   server.address) != farm.published.end();
                    add_new(party.addresses, unknown ? "" : plain(server.address));
                }
            }
        }
        return party;
    }

    /// The computers of some farms: behind a load balancer, those that it leads to.
    template <typename Wanted>
    Party computers(std::string text, Wanted&& wanted) const {
        Party party = servers(std::move(text), [&](const Farm& farm) {
            return wanted(farm) && farm.computers.empty();
        });
        for (const Farm& farm : declared().farms) {
            for (const std::string& computer : farm.computers) {
                if (wanted(farm)) {
                    add_new(party.addresses, plain(computer));
                }
            }
        }
        return party;
    }

    FirewallRow& add(std::string_view table, FirewallSide side, std::string_view role,
                     std::string service, std::uint16_t port, Party source, Party destination,
                     const Note& note) {
        FirewallRow row;
        row.table = table;
        row.side = side;
        row.role = role;
        row.service = std::move(service);
        row.source = std::move(source);
        row.destination = std::move(destination);
        row.notes = note.text;
        row.why = note.why;
        row.flows.push_back({row.source, row.destination, true, port, port, false});
        rows_.push_back(std::move(row));
        return rows_.back();
    }

    /// A row for each port that is listened on; 80 is in the documents even where it isn't.
    void add_listener(const std::vector<config::Socket>& sockets, std::string_view protocol,
                      const Note& note) {
        std::vector<std::uint16_t> ports;
        for (const config::Socket& socket : sockets) {
            if (std::find(ports.begin(), ports.end(), port_of(socket)) == ports.end()) {
                ports.push_back(port_of(socket));
            }
        }
        const bool listens = !ports.empty();
        if (!listens) {
            ports.push_back(80);
        }
        for (const std::uint16_t port : ports) {
            Party listener{"Reverse proxy listener", {}, false};
            bool unknown = false; // any address, and those aren't declared
            for (const config::Socket& socket : sockets) {
                if (port_of(socket) == port) {
                    const std::string address = address_of(socket);
                    add_new(listener.addresses, address.empty() ? proxy_.external : address);
                    unknown = unknown || (address.empty() && proxy_.external.empty());
                }
            }
            if (unknown) {
                listener.addresses.clear(); // some of them would pass for all
            }
            add(external_table, FirewallSide::external, "Reverse proxy",
                std::string(protocol) + std::to_string(port), port, {"Any", {}, true}, listener,
                note)
                .needed = listens;
        }
    }

    void add_external() {
        add_listener(declared().http_sockets, "HTTP/TCP/", on_external_http);
        add_listener(declared().https_sockets, "HTTPS/TCP/", on_external_https);
    }

    /// Whether requests to a farm by plain HTTP or by TLS are part of the plan.
    bool has_upstream(const Farm& farm, bool tls) const {
        return std::any_of(plan_.upstreams.begin(), plan_.upstreams.end(),
                           [&](const auto& u) { return u.tls == tls && &plan_.farm(u) == &farm; });
    }

    void add_web_services(bool tls) {
        const auto port_of_farm = [tls](const Farm& farm) {
            return tls ? farm.ports.https : farm.ports.http;
        };
        std::set<std::uint16_t> ports;
        for (const Farm& farm : declared().farms) {
            if (farm.role == Role::pool || farm.role == Role::director) {
                ports.insert(port_of_farm(farm));
            }
        }
        for (const std::uint16_t port : ports) {
            // Plain HTTP goes only where lyncdiscover does; the other farms' 8080 stays closed.
            for (const bool needed : {true, false}) {
                Party destination =
                    servers("Front End Server, Front End pool, Director, Director pool",
                            [&](const Farm& farm) {
                                return (farm.role == Role::pool || farm.role == Role::director) &&
                                       port_of_farm(farm) == port &&
                                       has_upstream(farm, tls) == needed;
                            });
                if (!destination.addresses.empty()) {
                    add(internal_table, FirewallSide::internal, "Reverse proxy",
                        (tls ? "HTTPS/TCP/" : "HTTP/TCP/") + std::to_string(port), port,
                        internal_interface("Internal reverse proxy interface"),
                        std::move(destination), tls ? on_internal_https : on_internal_http)
                        .needed = needed;
                }
            }
        }
    }

    void add_farms(Role role, const std::string& text, std::string_view why) {
        std::set<std::uint16_t> ports;
        for (const Farm& farm : declared().farms) {
            if (farm.role == role) {
                ports.insert(farm.ports.https);
            }
        }
        for (const std::uint16_t port : ports) {
            add(internal_table, FirewallSide::internal, "Reverse proxy",
                "HTTPS/TCP/" + std::to_string(port), port,
                internal_interface("Internal reverse proxy interface"),
                servers(text,
                        [&](const Farm& farm) {
                            return farm.role == role && farm.ports.https == port;
                        }),
                {why, ""});
        }
    }

    void add_internal() {
        add_web_services(false);
        add_web_services(true);
        add_farms(Role::office_web_apps, "Office Web Apps for conferencing",
                  "presentations in meetings");
        add_farms(Role::exchange, "Exchange", "mail and calendars for clients");
    }

    void add_director() {
        const auto is_pool = [](const Farm& farm) { return farm.role == Role::pool; };
        for (const Farm& farm : declared().farms) {
            if (farm.role != Role::director) {
                continue;
            }
            const auto is_this = [&farm](const Farm& other) { return &other == &farm; };
            const Party vip = servers("Director Hardware Load Balancer VIP", is_this);
            const Party director = computers("Director", is_this);
            const Party proxy = internal_interface("Reverse proxy internal interface");
            const auto row = [&](FirewallSide side, const std::string& protocol, std::uint16_t port,
                                 const Party& source, const Party& destination,
                                 const Note& note) -> FirewallRow& {
                return add(director_table, side, "Director", protocol + std::to_string(port), port,
                           source, destination, note);
            };

            row(FirewallSide::internal, "HTTP/TCP ", farm.ports.http, proxy, vip, on_director_proxy)
                .needed = has_upstream(farm, false);
            row(FirewallSide::internal, "HTTPS/TCP ", farm.ports.https, proxy, vip,
                on_director_proxy);
            row(FirewallSide::inside, "HTTPS/TCP ", 444, director,
                with(servers("Front End pool or Front End Server", is_pool),
                     computers("", is_pool)),
                on_director_444);
            row(FirewallSide::inside, "HTTP/TCP ", 80, {"Internal Clients", {}, true}, vip,
                on_director_clients);
            row(FirewallSide::inside, "HTTPS/TCP ", 443, {"Internal Clients", {}, true}, vip,
                on_director_clients);
            row(FirewallSide::internal, "SIP/MTLS/TCP ", 5061, edge_internal(), director,
                on_director_sip)
                .needed = !edge_internal().addresses.empty();
            for (const std::uint16_t port : {50001, 50002, 50003}) {
                row(FirewallSide::inside, "MTLS/TCP/", port, {"Any", {}, true}, director,
                    on_director_logging);
            }
        }
    }

    static Party with(Party party, const Party& more) {
        for (const std::string& address : more.addresses) {
            add_new(party.addresses, address);
        }
        return party;
    }

    Party edge_internal() const {
        Party party{"Edge Server internal interface", {}, false};
        for (const Edge& edge : declared().edges) {
            for (const auto& server : edge.of(config::EdgeRole::access_edge).servers) {
                add_new(party.addresses, server.internal);
            }
        }
        return party;
    }

    /// Where edge blocks have no topology (or there is none), the consolidated one's words.
    void add_ocs_proxy() {
        bool said = false;
        for (const Edge& edge : declared().edges) {
            said = said || edge.topology.has_value();
        }
        if (said) {
            return; // in each block's own tables
        }
        Edge edge;
        edge.reverse_proxy = proxy_;
        append(edge_rows(edge, config::EdgeTopology::consolidated, true));
    }

    void add_edges() {
        const auto& farms = declared().farms;
        const bool has_director = std::any_of(farms.begin(), farms.end(), [](const Farm& farm) {
            return farm.role == Role::director;
        });
        const Farm& first = farms[declared().first_contact()];
        const Party next_hop = servers("", [&first](const Farm& farm) { return &farm == &first; });
        const auto is_web_services = [](const Farm& farm) {
            return config::is_web_services(farm.role);
        };
        const auto is_pool = [](const Farm& farm) { return farm.role == Role::pool; };
        const Party sip = with(servers("", is_web_services), computers("", is_web_services));
        const InternalServers inside{sip.addresses, sip.addresses,
                                     computers("", is_pool).addresses};
        for (const Edge& edge : declared().edges) {
            if (!is_ocs(declared().product)) {
                append(lync_edge_rows(edge, declared().product, inside));
                continue;
            }
            for (const bool proxy : {true, false}) {
                if (edge.topology) {
                    append(
                        edge_rows(edge, *edge.topology, proxy, has_director, next_hop.addresses));
                }
            }
        }
    }

    void append(std::vector<FirewallRow> rows) {
        std::move(rows.begin(), rows.end(), std::back_inserter(rows_));
    }

    const Plan& plan_;
    config::Interfaces proxy_;
    std::vector<FirewallRow> rows_;
};

} // namespace

std::string_view firewall_side_name(FirewallSide side) noexcept {
    switch (side) {
    case FirewallSide::external:
        return "External";
    case FirewallSide::internal:
        return "Internal";
    case FirewallSide::inside:
        return "Inside";
    }
    return {};
}

std::string Party::shown() const {
    if (addresses.empty()) {
        return text;
    }
    std::string all;
    for (const std::string& address : addresses) {
        all += (all.empty() ? "" : ", ") + address;
    }
    return all + " (" + text + ")";
}

std::vector<FirewallRow> firewall_rows(const Plan& plan, const config::Interfaces& proxy) {
    return Rows(plan, proxy).make();
}

} // namespace lync::lyncctl
