// The rows of "show firewall" against the documents they come from: every row of tables 9 to 26 of
// Office Communications Server 2007 and of the two port summaries of Lync Server 2013, as those
// documents say them (t/lyncctl/fixtures).

#include "base/format.h"
#include "lyncctl/show/firewall_rows.h"

#include "block_builder.h"
#include "catch.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

using namespace lync::lyncctl;
using namespace lync::plan;
using namespace lync::testing;
using namespace lync;
using namespace lync::config;
using namespace std::literals;

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

/// The documented rows by the titles of their tables, a row's cells between bars.
std::map<std::string, Strings> documented() {
    std::ifstream file(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/firewall-tables.txt");
    REQUIRE(file);
    std::map<std::string, Strings> tables;
    std::string title;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("= ")) {
            title = line.substr(2);
        } else if (!line.empty() && !line.starts_with("# ")) {
            tables[title].push_back(line);
        }
    }
    return tables;
}

Strings cells_of(const std::string& line) {
    Strings cells;
    for (std::size_t at = 0; at != std::string::npos + 3;) {
        const std::size_t end = line.find(" | ", at);
        cells.push_back(line.substr(at, end - at));
        at = end + 3;
    }
    return cells;
}

/// What rows of Office Communications Server's tables let pass: "Internal 5061 TCP from", which is
/// from the perimeter network, "to": into it. A row of both directions is two.
Strings flows_of_ocs(const Strings& documented) {
    Strings flows;
    for (const std::string& line : documented) {
        const auto cells = cells_of(line);
        const bool from = cells[1] == "Any";
        std::string port = cells[from ? 3 : 1];
        port.erase(port.find(" ("));
        replace_all(port, ",", "");
        const std::string flow = cells[0] + " " + port;
        flows.push_back(flow + (from ? " from" : " to"));
        if (cells[2].starts_with("Inbound/Outbound")) {
            flows.push_back(flow + " from");
        }
    }
    return flows;
}

Strings flows_of_ocs(const std::vector<FirewallRow>& rows, std::string_view title) {
    Strings flows;
    for (const FirewallRow& row : rows) {
        const std::string& to = row.destination.text;
        const bool inward =
            to.find("Edge") != std::string::npos || to.find("everse proxy") != std::string::npos;
        if (row.table == title) {
            flows.push_back(formatted("{} {} {} {}", firewall_side_name(row.side), row.ports(),
                                      row.tcp ? "TCP" : "UDP", inward ? "to" : "from"));
            CHECK(row.source_port == (!inward && row.first_port != row.last_port));
        }
    }
    return flows;
}

/// "HTTPS/TCP/4443 | Internal reverse proxy interface | ...", of the newer documents' rows.
Strings ends_of(const Strings& documented) {
    Strings all;
    for (const std::string& line : documented) {
        auto cells = cells_of(line);
        replace_all(cells[0], " ", "/");
        all.push_back(cells[0] + " | " + cells[1] + " | " + cells[2]);
    }
    return all;
}

Strings ends_of(const std::vector<FirewallRow>& rows, std::string_view title) {
    Strings all;
    for (const FirewallRow& row : rows) {
        if (row.table == title) {
            all.push_back(row.service + " | " + row.source.text + " | " + row.destination.text);
        }
    }
    return all;
}

std::string shown(const Party& party) {
    std::string all = party.any ? "any" : "";
    for (const std::string& address : party.addresses) {
        all += (all.empty() ? "" : " ") + address;
    }
    return all;
}

std::vector<FirewallRow> rows_of(std::string_view text) {
    return firewall_rows(planned(text));
}

} // namespace

TEST_CASE("tables 9 to 26 of Office Communications Server 2007, row by row", "[firewall]") {
    std::map<std::string, std::vector<FirewallRow>> made;
    for (const std::string_view topology : {"consolidated", "single_site", "scaled_single_site",
                                            "multiple_site_remote", "scaled_remote_site"}) {
        for (const auto& row : rows_of(ocs("edge { topology " + std::string(topology) + "; }"))) {
            made[row.table].push_back(row);
        }
    }
    REQUIRE(made.size() == 18);
    for (const auto& [title, rows] : made) {
        CAPTURE(title);
        CHECK(flows_of_ocs(rows, title) == flows_of_ocs(documented().at(title)));
    }
}

namespace {

/// A Director, a pool and Office Web Apps; `domains` that public.pem covers or not.
std::string lync_2013(std::string_view domain, std::string_view more = "") {
    return "lync_publish contoso { sip_domain " + std::string(domain) +
           "; certificate public.pem public.key; trusted_ca ca.pem;"
           "pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; "
           "server 10.0.0.11; server [2001:db8::11]; }"
           "director dirpool.contoso.local { external_web_services webdirext.contoso.com; "
           "server 10.0.0.14; }"
           "office_web_apps wac.contoso.com { server 10.0.0.15; }" +
           std::string(more) + "}";
}

} // namespace

TEST_CASE("the port summary of the reverse proxy in Lync Server 2013", "[firewall]") {
    const auto rows = rows_of(lync_2013("example.com", "http_listen 80; https_listen 443;"));
    const std::string external = "Firewall Details for Reverse Proxy Server: External Interface";
    CHECK(ends_of(rows, external) == ends_of(documented().at(external)));

    // The document has one row of 8080 for all. Here the Director's is needed for autodiscover,
    // and the pool's is a row of its own that isn't.
    const std::string internal = "Firewall Details for Reverse Proxy Server: Internal Interface";
    auto made = ends_of(rows, internal);
    REQUIRE(made.size() == 4);
    CHECK(made[0] == made[1]);
    made.erase(made.begin());
    CHECK(made == ends_of(documented().at(internal)));
}

TEST_CASE("the port summary of a Director in Lync Server 2013", "[firewall]") {
    const std::string title = "Single Director Ports and Protocols for Firewall Definitions";
    REQUIRE(documented().at(title).size() == 9);
    CHECK(ends_of(rows_of(lync_2013("example.com")), title) == ends_of(documented().at(title)));
}

TEST_CASE("rows carry this topology's addresses, and what isn't needed says so", "[firewall]") {
    const std::string addresses = "edge { reverse_proxy external=203.0.113.10 "
                                  "internal=172.16.0.10; }\n"
                                  "lockout on; lockout_store redis://[2001:db8::7]:6380 key=x;";
    std::map<std::string, const FirewallRow*> by_service;
    const auto rows = rows_of(lync_2013("contoso.com", addresses));
    for (const FirewallRow& row : rows) {
        by_service.emplace(row.service, &row); // the reverse proxy's come first
    }
    const auto& https = *by_service.at("HTTPS/TCP/4443");
    CHECK(https.source.addresses == std::vector{"172.16.0.10"s});
    CHECK(https.destination.addresses == std::vector{"10.0.0.11"s, "2001:db8::11"s, "10.0.0.14"s});
    CHECK(https.needed);
    CHECK(https.source.shown() == "172.16.0.10 (Internal reverse proxy interface)");
    CHECK(by_service.at("HTTPS/TCP/443")->destination.addresses == std::vector{"203.0.113.10"s});
    // The certificate covers lyncdiscover.contoso.com, so nothing travels to 8080.
    CHECK_FALSE(by_service.at("HTTP/TCP/8080")->needed);
    CHECK(by_service.at("HTTP/TCP/80")->needed); // redirected
    CHECK(by_service.at("Redis/TCP/6380")->source.addresses == std::vector{"172.16.0.10"s});
    CHECK(by_service.at("Redis/TCP/6380")->destination.addresses == std::vector{"2001:db8::7"s});

    const auto uncovered = rows_of(lync_2013("example.com", "http_listen 80;"));
    for (const FirewallRow& row : uncovered) {
        if (row.service == "HTTP/TCP/8080") {
            CHECK(row.needed == (row.destination.addresses == std::vector{"10.0.0.14"s}));
        }
    }
    for (const FirewallRow& row : rows_of(lync_2013("contoso.com", "http_listen off;"))) {
        if (row.service == "HTTP/TCP/80" && row.table.ends_with("External Interface")) {
            CHECK_FALSE(row.needed);
        }
    }
}

TEST_CASE("a socket of any address isn't left out beside one of an address", "[firewall]") {
    const auto listener = [](std::string_view more) {
        Strings addresses;
        for (const FirewallRow& row : rows_of(lync_2013("contoso.com", more))) {
            if (row.service == "HTTPS/TCP/8443") {
                addresses = row.destination.addresses;
            }
        }
        return addresses;
    };
    const std::string sockets = "https_listen 10.1.1.1:8443; https_listen [::]:8443;";
    CHECK(listener(sockets).empty());
    CHECK(listener(sockets + "edge { reverse_proxy external=2001:db8::5; }") ==
          std::vector{"10.1.1.1"s, "2001:db8::5"s});
    CHECK(listener("https_listen 10.1.1.1:8443; https_listen [2001:db8::1]:8443;") ==
          std::vector{"10.1.1.1"s, "2001:db8::1"s});
}

TEST_CASE("edge rows carry the addresses that their words mean", "[firewall]") {
    const auto rows = rows_of(ocs(R"(
        edge redmond {
            topology scaled_single_site;
            reverse_proxy external=203.0.113.10 internal=172.16.0.10;
            access_edge external=203.0.113.21 internal=172.16.0.21;
            access_edge external=203.0.113.22 internal=172.16.0.22;
            access_edge vip external=203.0.113.20 internal=172.16.0.20;
            av_edge external=203.0.113.41 internal=172.16.0.41;
            av_edge vip external=203.0.113.40 internal=172.16.0.40;
        })"));
    const auto ends = [&rows](std::string_view service, FirewallSide side) {
        Strings all;
        for (const FirewallRow& row : rows) {
            if (row.service == service && row.side == side) {
                all.push_back(shown(row.source) + " > " + shown(row.destination));
            }
        }
        return all;
    };
    using enum FirewallSide;
    CHECK(ends("HTTP(S)/TCP/443", external) == Strings{"any > 203.0.113.10"});
    CHECK(ends("HTTP(S)/TCP/443", internal) == Strings{"172.16.0.10 > any"});
    CHECK(ends("SIP/MTLS/TCP/5061", internal) ==
          Strings{"172.16.0.21 172.16.0.22 > 10.0.0.21", "any > 172.16.0.21 172.16.0.22"});
    CHECK(ends("SIP/MTLS/TCP/5061", external) == // the load balancer's
          Strings{"any > 203.0.113.20", "203.0.113.20 > any"});
    CHECK(ends("PSOM/TLS/TCP/443", external) == Strings{"any > "}); // not said yet
    CHECK(ends("STUN/TCP/443", external) == Strings{"any > 203.0.113.40"});
    CHECK(ends("RTP/TCP/50000-59999", external) == // media goes to the server itself
          Strings{"any > 203.0.113.41", "203.0.113.41 > any"});
    CHECK(ends("STUN/UDP/3478", external) == Strings{"any > 203.0.113.41 203.0.113.40"});
    CHECK(ends("STUN/UDP/3478", internal) == Strings{"any > 172.16.0.41 172.16.0.40"});
    for (const FirewallRow& row : rows) {
        CHECK(row.site == "redmond");
        if (row.service == "PSOM/TLS/TCP/443") { // whose it is that is missing
            CHECK(row.destination.text == "Web Conferencing Edge Server, load balancer VIP");
        }
    }
}

namespace {

/// The rules of a ruleset, without what surrounds them.
Strings rules_of(const Ruleset& ruleset) {
    Strings rules;
    std::istringstream in(ruleset.text);
    for (std::string line; std::getline(in, line);) {
        if (line.ends_with(" accept")) {
            const std::size_t begin = line.find_first_not_of(' ');
            rules.push_back(line.substr(begin, line.size() - begin - 7));
        }
    }
    return rules;
}

Ruleset rules_for(std::string_view text, const Strings& internal = {}) {
    return ruleset("nft", rows_of(text), internal, [](const std::string& name) {
        return name == "named.contoso.local" ? std::vector{"10.0.0.30"s, "2001:db8::30"s}
                                             : Strings{};
    });
}

bool has(const Strings& rules, std::string_view rule) {
    return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

} // namespace

TEST_CASE("rules stand for each family that both ends have", "[firewall]") {
    const Ruleset ruleset = rules_for(lync_2013("example.com", R"(
        http_listen 192.0.2.1:80; https_listen 192.0.2.1:443; https_listen [2001:db8::1]:443;
        edge { reverse_proxy internal=172.16.0.10; })"));
    CHECK(ruleset.missing.empty());
    const auto rules = rules_of(ruleset);
    CHECK(has(rules, "ip daddr 192.0.2.1 tcp dport 80"));
    CHECK(has(rules, "ip daddr 192.0.2.1 tcp dport 443"));
    CHECK(has(rules, "ip6 daddr 2001:db8::1 tcp dport 443"));
    // The pool has IPv6, the reverse proxy's internal interface doesn't.
    CHECK(ruleset.text.find("# no rule for tcp dport 4443 to 2001:db8::") != std::string::npos);
    CHECK(ruleset.text.find(" has no IPv6 address here\n") != std::string::npos);
    CHECK(has(rules, "ip saddr 172.16.0.10 ip daddr { 10.0.0.11, 10.0.0.14 } tcp dport 4443"));
    CHECK(has(rules, "ip saddr 172.16.0.10 ip daddr 10.0.0.14 tcp dport 8080"));
    for (const std::string& rule : rules) {
        CHECK(rule.find("2001:db8::11") == std::string::npos);
        CHECK((rule.find("10.0.0.11") == std::string::npos ||
               rule.find("8080") == std::string::npos)); // nothing of the pool's travels there
    }
    // No internal network is declared, so "Internal Clients" and "Any" stay out.
    CHECK_FALSE(has(rules, "ip daddr 10.0.0.14 tcp dport 50001"));
    CHECK(ruleset.text.find("# no rule for MTLS/TCP/50001 from Any to 10.0.0.14") !=
          std::string::npos);
}

TEST_CASE("what a ruleset lacks is said", "[firewall]") {
    const auto missing = [](std::string_view text) { return rules_for(text).missing; };
    CHECK(missing(lync_2013("contoso.com")).front() ==
          "tcp dport 80: \"Reverse proxy listener\" has no address");
    CHECK(missing(ocs("edge { topology consolidated; reverse_proxy external=203.0.113.1 "
                      "internal=172.16.0.1; }"))
              .front() == "tcp dport 5061: \"Edge Server internal interface\" has no address");
    CHECK(
        missing(ocs("edge { reverse_proxy external=203.0.113.1 internal=2001:db8::1; }")).empty());

    const auto of_server = [](const std::string& server) {
        return "lync_publish a { sip_domain contoso.com; certificate public.pem public.key; "
               "trusted_ca ca.pem; pool fepool.contoso.local { external_web_services "
               "lyncwebext.contoso.com; server " +
               server + "; } edge { reverse_proxy external=203.0.113.1 internal=172.16.0.1; } }";
    };
    const std::string named = "ip saddr 172.16.0.1 ip daddr 10.0.0.30 tcp dport 4443";
    const Strings unknown{"tcp dport 4443: \"unknown.contoso.local\" has no address"};
    CHECK(missing(of_server("named.contoso.local")).empty());
    CHECK(has(rules_of(rules_for(of_server("named.contoso.local"))), named));
    CHECK(missing(of_server("unknown.contoso.local")).front() == unknown.front());
    const std::string one_of_two = of_server("unknown.contoso.local; server 10.0.0.30");
    CHECK(missing(one_of_two) == unknown);
    CHECK(has(rules_of(rules_for(one_of_two)), named));
    CHECK(missing(of_server("[2001:db8::11]")).front().find("have no address of the same family") !=
          std::string::npos);
}

TEST_CASE("\"any\" is the internal networks inside, any address or all others outside",
          "[firewall]") {
    const auto rules = rules_of(rules_for(ocs(R"(edge {
        topology consolidated;
        reverse_proxy external=203.0.113.10 internal=172.16.0.10;
        access_edge external=203.0.113.11 internal=172.16.0.11;
        web_conferencing_edge external=203.0.113.12 internal=172.16.0.12;
        av_edge external=203.0.113.13 internal=172.16.0.13; })"),
                                          {"10.0.0.0/8", "192.168.0.0/16", "fd00::/8"}));
    const std::string inside = "{ 10.0.0.0/8, 192.168.0.0/16 }";
    CHECK(has(rules, "ip saddr 172.16.0.10 ip daddr " + inside + " tcp dport 443"));
    CHECK(has(rules, "ip saddr " + inside + " ip daddr 172.16.0.12 tcp dport 8057"));
    CHECK(has(rules, "ip daddr 203.0.113.11 tcp dport 5061"));
    CHECK(has(rules, "ip saddr 203.0.113.11 ip daddr != " + inside + " tcp dport 5061"));
    CHECK(has(rules, "ip saddr 203.0.113.13 ip daddr != " + inside + " udp sport 50000-59999"));
    CHECK(has(rules, "ip saddr 172.16.0.11 ip daddr 10.0.0.21 tcp dport 5061"));
}

namespace {

constexpr std::string_view lync_edge = R"(edge redmond {
    access_edge external=203.0.113.11 internal=172.16.0.11;
    web_conferencing_edge external=203.0.113.12 internal=172.16.0.11;
    av_edge external=203.0.113.13 internal=172.16.0.11; })";

/// "5061 tcp 172.16.0.11 > 10.0.0.11", of needed rows of the tables that begin so.
Strings flows_of(const std::vector<FirewallRow>& rows, std::string_view table) {
    Strings all;
    for (const FirewallRow& row : rows) {
        if (row.table.starts_with(table) && row.needed) {
            all.push_back(std::to_string(row.first_port) + (row.tcp ? " tcp " : " udp ") +
                          shown(row.source) + " > " + shown(row.destination));
        }
    }
    return all;
}

} // namespace

TEST_CASE("Skype for Business Server, Edge Server environmental requirements: port tables",
          "[firewall]") {
    const Strings documented{
        // External port firewall summary table
        "80 tcp 203.0.113.11 > any",
        "53 tcp 203.0.113.11 > any",
        "53 udp 203.0.113.11 > any",
        "443 tcp any > 203.0.113.11",
        "5061 tcp any > 203.0.113.11",
        "5061 tcp 203.0.113.11 > any",
        "443 tcp any > 203.0.113.12",
        "50000 tcp 203.0.113.13 > any",
        "50000 udp 203.0.113.13 > any",
        "3478 udp 203.0.113.13 > any",
        "3478 udp any > 203.0.113.13",
        "443 tcp any > 203.0.113.13",
        "443 tcp 203.0.113.13 > any",
        // Internal port firewall summary table. 5061 in both directions: second document,
        // "DNS and HLB load balanced in Lync Server 2013", first paragraph
        "5061 tcp 10.0.0.11 2001:db8::11 10.0.0.14 > 172.16.0.11",
        "5061 tcp 172.16.0.11 > 10.0.0.11 2001:db8::11 10.0.0.14",
        "8057 tcp 10.0.0.11 2001:db8::11 > 172.16.0.11",
        "5062 tcp 10.0.0.11 2001:db8::11 > 172.16.0.11",
        "3478 udp any > 172.16.0.11",
        "443 tcp any > 172.16.0.11",
        "4443 tcp 10.0.0.11 2001:db8::11 > 172.16.0.11",
        "50001 tcp any > 172.16.0.11",
        "50002 tcp any > 172.16.0.11",
        "50003 tcp any > 172.16.0.11",
    };
    CHECK(flows_of(rows_of(lync_2013("contoso.com", lync_edge)), "Edge Server") == documented);

    auto lync_2010 = documented;
    lync_2010.resize(lync_2010.size() - 3); // no Centralized Logging Service
    CHECK(flows_of(rows_of(lync_2013("contoso.com; product lync_2010", lync_edge)),
                   "Edge Server") == lync_2010);

    unsigned xmpp = 0;
    for (const std::string product : {"lync_2010", "lync_2013", "sfb_2015", "sfb_2019", "sfb_se"}) {
        for (const FirewallRow& row :
             rows_of(lync_2013("contoso.com; product " + product, lync_edge))) {
            xmpp += row.service.starts_with("XMPP") ? 1 : 0;
            if (row.service == "HTTPS/TCP/4443" && row.table.starts_with("Edge Server")) {
                CHECK(row.why.find("Not to be confused with the 4443 from the reverse proxy") !=
                      std::string::npos); // "Port summary - Reverse proxy", CAUTION
            }
        }
    }
    CHECK(xmpp == 4);
}

TEST_CASE("one external address for all services of an Edge Server: each has its port",
          "[firewall]") {
    const std::string one = lync_2013("contoso.com", R"(edge {
        access_edge external=203.0.113.11 internal=172.16.0.11 port=5061;
        web_conferencing_edge external=203.0.113.11 internal=172.16.0.11 port=444;
        web_conferencing_edge external=203.0.113.12 internal=172.16.0.12;
        av_edge external=203.0.113.11 internal=172.16.0.11; })");
    Strings inward;
    for (const FirewallRow& row : rows_of(one)) {
        if (row.table.starts_with("Edge Server") && row.side == FirewallSide::external &&
            row.needed && row.source.any) {
            inward.push_back(row.service + " > " + shown(row.destination) + ": " +
                             row.why.substr(0, row.why.find('.')));
        }
    }
    CHECK(inward == Strings{
                        "Access/SIP(TLS)/TCP/5061 > 203.0.113.11: Clients outside, federation",
                        "Access/SIP(MTLS)/TCP/5061 > 203.0.113.11: Federation, public instant "
                        "messaging",
                        "Web conferencing/PSOM(TLS)/TCP/443 > 203.0.113.12: Web conferences",
                        "Web conferencing/PSOM(TLS)/TCP/444 > 203.0.113.11: Web conferences",
                        "A/V/STUN.MSTURN/UDP/3478 > 203.0.113.11: Candidates for media are "
                        "negotiated",
                        "A/V/STUN.MSTURN/TCP/443 > 203.0.113.11: Candidates for media are "
                        "negotiated",
                    });
    const auto flows = flows_of(rows_of(one), "Edge Server");
    for (const std::string_view flow :
         {"5061 tcp any > 203.0.113.11", "444 tcp any > 203.0.113.11", "443 tcp any > 203.0.113.12",
          "443 tcp any > 203.0.113.11", "443 tcp 203.0.113.11 > any",
          "8057 tcp 10.0.0.11 2001:db8::11 > 172.16.0.11 172.16.0.12",
          "443 tcp any > 172.16.0.11"}) {
        INFO(flow);
        CHECK(has(flows, flow));
    }
}

TEST_CASE("Hardware load balancers for Edge port tables", "[firewall]") {
    const auto flows = flows_of(rows_of(lync_2013("contoso.com", R"(edge {
            access_edge external=203.0.113.11 internal=172.16.0.11;
            access_edge vip external=203.0.113.21 internal=172.16.0.21;
            web_conferencing_edge external=203.0.113.12 internal=172.16.0.11;
            web_conferencing_edge vip external=203.0.113.22;
            av_edge external=203.0.113.13 internal=172.16.0.11;
            av_edge vip external=203.0.113.23 internal=172.16.0.21; })")),
                                "Edge Server");
    for (const std::string_view flow :
         {"443 tcp any > 203.0.113.21", "5061 tcp any > 203.0.113.21", "443 tcp any > 203.0.113.22",
          "3478 udp any > 203.0.113.13 203.0.113.23", "50000 udp 203.0.113.13 > any",
          "8057 tcp 10.0.0.11 2001:db8::11 > 172.16.0.11",
          "5062 tcp 10.0.0.11 2001:db8::11 > 172.16.0.21",
          "5061 tcp 10.0.0.11 2001:db8::11 10.0.0.14 > 172.16.0.21",
          "4443 tcp 10.0.0.11 2001:db8::11 > 172.16.0.11", "50001 tcp any > 172.16.0.11"}) {
        INFO(flow);
        CHECK(has(flows, flow));
    }
}

TEST_CASE("DNS and HLB load balanced in Lync Server 2013: the VIP, and the Directors behind it",
          "[firewall]") {
    std::string text = lync_2013("contoso.com", lync_edge);
    replace_all(text, "server 10.0.0.14;", "server 10.0.0.140; computer 10.0.0.14 10.0.0.24;");
    const auto flows = flows_of(rows_of(text), "Single Director");
    CHECK(flows ==
          Strings{"4443 tcp  > 10.0.0.140", "444 tcp 10.0.0.14 10.0.0.24 > 10.0.0.11 2001:db8::11",
                  "80 tcp any > 10.0.0.140", "443 tcp any > 10.0.0.140",
                  "5061 tcp 172.16.0.11 > 10.0.0.14 10.0.0.24",
                  "50001 tcp any > 10.0.0.14 10.0.0.24", "50002 tcp any > 10.0.0.14 10.0.0.24",
                  "50003 tcp any > 10.0.0.14 10.0.0.24"});
}
