// `edge { ... }`: what is read, and each refusal on its whole text.

#include "config/edge.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

namespace {

std::string mistake(std::string_view edges) {
    World world;
    return world.mistake(ocs(edges));
}

} // namespace

TEST_CASE("everything an edge block can say", "[edge]") {
    World world;
    const Publication p = world.declare(ocs(R"(edge redmond {
        topology scaled_single_site;
        reverse_proxy external=203.0.113.10 internal=172.16.0.10;
        access_edge external=203.0.113.21 internal=172.16.0.21;
        access_edge vip external=203.0.113.20;
        web_conferencing_edge internal=[2001:DB8:0::31];
        av_edge external=198.51.100.41 internal=172.16.0.41;
        next_hop 10.0.0.14 10.0.0.15;
        internal_network 10.0.0.0/8 192.168.0.0/16;
        internal_network fd00:0::/8;
    }
    edge { topology multiple_site_remote; web_conferencing_edge external=203.0.113.51;
           web_conferencing_edge external=203.0.113.52; })"));
    CHECK(world.shown_remarks().empty());
    REQUIRE(p.edges.size() == 2);

    const Edge& edge = p.edges[0];
    CHECK(edge.site == "redmond");
    CHECK(edge.topology == EdgeTopology::scaled_single_site);
    CHECK(edge.reverse_proxy.external == "203.0.113.10");
    CHECK(edge.reverse_proxy.internal == "172.16.0.10");
    const EdgeServers& access = edge.of(EdgeRole::access_edge);
    REQUIRE(access.servers.size() == 1);
    CHECK(access.servers[0].internal == "172.16.0.21");
    REQUIRE(access.vip);
    CHECK(access.vip->external == "203.0.113.20");
    CHECK(access.vip->internal.empty());
    CHECK(edge.of(EdgeRole::web_conferencing_edge).servers[0].internal == "2001:db8::31");
    CHECK(edge.next_hops == Strings{"10.0.0.14", "10.0.0.15"});
    CHECK(edge.internal_networks == Strings{"10.0.0.0/8", "192.168.0.0/16", "fd00::/8"});
    CHECK(p.edges[1].of(EdgeRole::web_conferencing_edge).servers.size() == 2);
}

TEST_CASE("the words of topologies", "[edge]") {
    for (const std::string word : {"consolidated", "single_site", "scaled_single_site",
                                   "multiple_site_remote", "scaled_remote_site"}) {
        const Publication p = World().declare(ocs("edge { topology " + word + "; }"));
        CHECK(edge_topology_name(*p.edges.at(0).topology) == word);
    }
}

TEST_CASE("what is wrong in an edge block", "[edge]") {
    for (const auto& [text, message] : rows(R"(
        edge { topology big; }                         | invalid value "big" in "topology" directive of edge: it is written "topology consolidated|single_site|scaled_single_site|multiple_site_remote|scaled_remote_site" in nginx.conf:3
        edge "a b" { topology consolidated; }          | invalid value "a b" in "edge" directive of lync_publish "ocs": the name of a site is made of up to 64 letters, digits, "_" and "-" in nginx.conf:3
        edge { access_edge external=203.0.113.1; }     | no "topology" in edge, and "access_edge" needs one: write "topology consolidated" or what it is in nginx.conf:3
        edge { topology consolidated; access_edge outside=203.0.113.1; } | invalid parameter "outside=203.0.113.1" in "access_edge" directive of edge: it is written "access_edge [vip] [external=ADDRESS] [internal=ADDRESS] [port=N]" in nginx.conf:3
        edge { topology consolidated; access_edge external=edge.contoso.com; } | invalid value "edge.contoso.com" in "access_edge" directive of edge: firewalls know addresses, write an IPv4 or IPv6 address in nginx.conf:3
        edge { topology consolidated; access_edge external=203.0.113.1 external=203.0.113.2; } | parameter "external" is duplicate in "access_edge" directive of edge in nginx.conf:3
        edge { topology consolidated; access_edge external=203.0.113.1 internal=203.0.113.1; } | invalid value "203.0.113.1" in "access_edge" directive of edge: the external and the internal interface have addresses of their own in nginx.conf:3
        edge { topology consolidated; access_edge vip external=203.0.113.1; } | invalid value "vip" in "access_edge" directive of edge: topology consolidated has no load balancers in nginx.conf:3
        edge { topology scaled_single_site; av_edge vip; } | no address in "av_edge" directive of edge: write external=ADDRESS, internal=ADDRESS or both in nginx.conf:3
        edge { topology scaled_single_site; av_edge vip internal=172.16.0.1; // av_edge vip internal=172.16.0.2; } | "av_edge vip" is duplicate in edge, the first stands at nginx.conf:3 in nginx.conf:4
        edge { topology multiple_site_remote; access_edge external=203.0.113.1; } | "access_edge" directive is not allowed in edge: users of a remote site use the Access Edge Server of the central site in nginx.conf:3
        edge { topology single_site; av_edge external=198.51.100.1; // av_edge external=198.51.100.2; } | "av_edge" directive is duplicate in edge, the first stands at nginx.conf:3: topology single_site has one A/V Edge Server in nginx.conf:4
        edge { topology scaled_single_site; av_edge external=198.51.100.1; // av_edge external=198.51.100.1; } | address "198.51.100.1" is duplicate among the "av_edge" directives of edge in nginx.conf:4
        edge { topology consolidated; reverse_proxy external=203.0.113.1; // access_edge external=203.0.113.1; } | address "203.0.113.1" in "access_edge" directive of edge is the reverse proxy's, at nginx.conf:3 in nginx.conf:4
        edge { topology consolidated; reverse_proxy internal=172.16.0.1; // access_edge internal=172.16.0.1; } | address "172.16.0.1" in "access_edge" directive of edge is the reverse proxy's, at nginx.conf:3 in nginx.conf:4
        edge { internal_network 10.0.0.1; }            | invalid value "10.0.0.1" in "internal_network" directive of edge: a network is written ADDRESS/BITS, such as 10.0.0.0/8 in nginx.conf:3
        edge { internal_network 10.0.0.0/33; }         | invalid value "10.0.0.0/33" in "internal_network" directive of edge: a network is written ADDRESS/BITS, such as 10.0.0.0/8 in nginx.conf:3
        edge { internal_network ::ffff:10.0.0.0/8; }   | invalid value "::ffff:10.0.0.0/8" in "internal_network" directive of edge: a network is written ADDRESS/BITS, such as 10.0.0.0/8 in nginx.conf:3
        edge { internal_network 10.0.0.1/8; }          | invalid value "10.0.0.1/8" in "internal_network" directive of edge: it has bits beyond the network's 8 in nginx.conf:3
        edge { next_hop dirpool.contoso.local; }       | invalid value "dirpool.contoso.local" in "next_hop" directive of edge: firewalls know addresses, write an IPv4 or IPv6 address in nginx.conf:3
        edge redmond { topology consolidated; } // edge redmond { topology single_site; } | edge "redmond" is duplicate in lync_publish "ocs", the first stands at nginx.conf:3: each site has a name of its own in nginx.conf:4
        edge { server 10.0.0.1; }                      | "server" directive is not allowed in edge, it belongs ... in nginx.conf:3
        topology consolidated;                         | "topology" directive is not allowed in lync_publish "ocs", it belongs in an edge block in nginx.conf:3
        edge { topology consolidated; reverse_proxy external=[::ffff:203.0.113.1]; // access_edge external=203.0.113.1; } | address "203.0.113.1" in "access_edge" directive of edge is the reverse proxy's, at nginx.conf:3 in nginx.conf:4
        edge { acces_edge external=203.0.113.1; }      | unknown directive "acces_edge" in edge, did you mean "access_edge"? in nginx.conf:3
    )")) {
        CHECK(shown_as(mistake(text), message) == message);
    }
}

TEST_CASE(
    "Edge Server environmental requirements, IP Address requirements: one address, three ports",
    "[edge]") {
    World world;
    const Publication p = world.declare(smallest(
        "edge { access_edge external=203.0.113.1 internal=172.16.0.1 port=5061; "
        "web_conferencing_edge external=203.0.113.1 port=444; av_edge external=203.0.113.1; "
        "av_edge vip external=203.0.113.9 internal=172.16.0.9 port=442; }"));
    CHECK(p.edges[0].of(EdgeRole::access_edge).servers[0].port == 5061);
    CHECK(p.edges[0].of(EdgeRole::web_conferencing_edge).servers[0].port == 444);
    CHECK(p.edges[0].of(EdgeRole::av_edge).servers[0].port == 443);
    CHECK(p.edges[0].of(EdgeRole::av_edge).vip->port == 442);

    const std::string remedy =
        ": write another port=N or another address for one of them in nginx.conf:";
    for (const auto& [text, message] : rows(R"(
        access_edge external=203.0.113.1; // av_edge external=203.0.113.1;                         | port 443 of "203.0.113.1" in "av_edge" directive of edge is taken by "access_edge" at nginx.conf:12
        access_edge external=203.0.113.1; // av_edge vip external=203.0.113.1;                     | port 443 of "203.0.113.1" in "av_edge" directive of edge is taken by "access_edge" at nginx.conf:12
        web_conferencing_edge external=::1 port=444; // av_edge external=0::1 port=444;            | port 444 of "::1" in "av_edge" directive of edge is taken by "web_conferencing_edge" at nginx.conf:12
        access_edge external=203.0.113.1; // web_conferencing_edge external=203.0.113.1 port=5061; | port 5061 of "203.0.113.1" in "web_conferencing_edge" directive of edge is taken by "access_edge" at nginx.conf:12, for federation
    )")) {
        CHECK(World().mistake(smallest("edge {\n" + text + " }")) == message + remedy + "13");
    }
    for (const auto& [line, message] : rows(R"(
        av_edge internal=172.16.0.1 port=0       | invalid parameter "port=0" in "av_edge" directive of edge: port is a number from 1 to 65535
        av_edge internal=172.16.0.1 port=        | invalid parameter "port=" in "av_edge" directive of edge: it is written "av_edge [vip] [external=ADDRESS] [internal=ADDRESS] [port=N]"
        av_edge external=::1 port=444 port=444   | parameter "port" is duplicate in "av_edge" directive of edge
        av_edge port=444                         | no address in "av_edge" directive of edge: write external=ADDRESS, internal=ADDRESS or both
        av_edge internal=172.16.0.1 port         | invalid parameter "port" in "av_edge" directive of edge: it is written "av_edge [vip] [external=ADDRESS] [internal=ADDRESS] [port=N]"
        reverse_proxy external=::1 port=444      | invalid parameter "port=444" in "reverse_proxy" directive of edge: it is written "reverse_proxy [external=ADDRESS] [internal=ADDRESS]"
    )")) {
        CHECK(World().mistake(smallest("edge { " + line + "; }")) == message + " in nginx.conf:11");
    }
    // The tables of Office Communications Server 2007 know no other port.
    CHECK(mistake("edge { topology consolidated; av_edge external=203.0.113.1 port=444; }") ==
          "invalid parameter \"port=444\" in \"av_edge\" directive of edge: product "
          "ocs_2007 has port 443 alone in nginx.conf:3");
}

TEST_CASE("what is legal in an edge block but worth a word", "[edge]") {
    World world;
    world.declare(ocs("edge { topology consolidated; av_edge external=10.1.2.3; }"));
    CHECK(world.shown_remarks() ==
          Strings{"external address \"10.1.2.3\" of the A/V Edge Server in edge is private: it "
                  "must be publicly routable, without NAT in nginx.conf:3"});
}

TEST_CASE("NAT for the A/V Edge Server goes by product, and by what balances it", "[edge]") {
    const std::string servers = "access_edge vip external=203.0.113.1; av_edge external=10.1.2.3; ";
    for (const auto& [product, message] : rows(R"(
        lync_2010 | is private: it must be publicly routable, without NAT
        lync_2013 |
        sfb_se    |
    )")) {
        INFO(product);
        World world;
        world.declare(smallest("product " + product + "; edge { " + servers + "}"));
        CHECK(world.shown_remarks() ==
              (message.empty()
                   ? Strings{}
                   : Strings{"external address \"10.1.2.3\" of the A/V Edge Server in edge " +
                             message + " in nginx.conf:11"}));
    }
    World balanced;
    balanced.declare(smallest("edge { " + servers + "av_edge vip external=203.0.113.3; }"));
    CHECK(
        balanced.shown_remarks() ==
        Strings{"external address \"10.1.2.3\" of the A/V Edge Server in edge is private: it must "
                "be publicly routable, without NAT behind a hardware load balancer in "
                "nginx.conf:11"});
}

TEST_CASE("since Lync 2010 Edge Servers need no topology, and a pool has several", "[edge]") {
    const Publication p =
        World().declare(smallest("edge { access_edge external=203.0.113.1 internal=172.16.0.1; "
                                 "access_edge external=203.0.113.2 internal=172.16.0.2; }"));
    CHECK(p.edges[0].of(EdgeRole::access_edge).servers.size() == 2);

    World world;
    CHECK_FALSE(world.declare(smallest("edge { topology consolidated; }")).edges[0].topology);
    CHECK(
        world.shown_remarks() ==
        Strings{"\"topology\" does nothing in edge: since Lync Server 2010 an Edge Server has all "
                "three services in nginx.conf:11"});
}

TEST_CASE("networks and their addresses", "[edge]") {
    CHECK(is_private("10.255.0.1"));
    CHECK_FALSE(is_private("11.0.0.1"));
    CHECK(is_private("172.31.255.255"));
    CHECK_FALSE(is_private("172.32.0.0"));
    CHECK(is_private("fdff::1"));
    CHECK_FALSE(is_private("fe00::1"));
    CHECK(is_private("::1"));
    CHECK_FALSE(is_private("::2"));
    CHECK_FALSE(is_private("nonsense"));
}
