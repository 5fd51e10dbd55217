// `lyncctl import topology`: made topologies in the shape of published ones (t/lyncctl/fixtures),
// of each product, and what is odd in others.

#include "imported.h"
#include "lyncctl/import/powershell.h"

using namespace lync::testing;
using namespace lync::lyncctl;
using namespace std::literals;

namespace {

std::vector<TopologyFile> files(std::initializer_list<std::string> names) {
    std::vector<TopologyFile> all;
    for (const std::string& name : names) {
        all.push_back({name, fixture(name)});
    }
    return all;
}

Result whole(const std::string& topology = fixture("topology.xml"), std::string_view hosts = "") {
    auto all = files({"topology.xml", "simple-urls.xml", "web-servers.xml"});
    all.front().content = topology;
    return read_topology(all, read_hosts(hosts));
}

std::string topology_mistake(const std::string& content, const std::string& name = "t.xml") {
    return mistake([&] { read_topology({{name, content}}); });
}

std::string utf16(std::string_view text, bool big) {
    std::string wide = big ? "\xfe\xff" : "\xff\xfe";
    for (const char c : text) { // ASCII
        wide.append(big ? 1 : 0, '\0').append(1, c).append(big ? 0 : 1, '\0');
    }
    return wide;
}

} // namespace

TEST_CASE("a topology of two sites, a Director, an Edge pool and Office Web Apps", "[topology]") {
    const Result result = whole();
    CHECK(result.lacks({
              "product sfb_2019;",
              "sip_domain contoso.com;",
              "sip_domain fabrikam.com;",
              "pool fepool.contoso.local {",
              "external_web_services lyncwebext.contoso.com;",
              "server 10.0.0.11 name=fe1.contoso.local;",
              "server 10.0.0.12 name=fe2.contoso.local;",
              "pool se.dublin.contoso.local {",
              "external_web_services dublinext.contoso.com;",
              "server 10.1.0.11 name=se.dublin.contoso.local;",
              "listening_ports http=8081 https=4444;",
              "director dirpool.contoso.local {",
              "external_web_services webdirext.contoso.com;",
              "server 10.0.0.14 name=dir1.contoso.local;",
              "simple_url dialin https://dialin.contoso.com;",
              "simple_url meet https://meet.contoso.com;",
              "simple_url meet https://lync.contoso.com/Meet;",
              "simple_url meet https://meet.fabrikam.com;",
              "simple_url meet https://meet-dublin.contoso.com pool=se.dublin.contoso.local;",
              "simple_url admin https://admin.contoso.com;",
              "office_web_apps officewebapps01.contoso.com {",
              "server 10.0.0.15 name=wac1.contoso.local;",
              "edge Redmond {",
              "access_edge external=203.0.113.11 internal=172.16.0.11;",
              "access_edge external=203.0.113.12 internal=172.16.0.12;",
              "web_conferencing_edge external=203.0.113.21 internal=172.16.0.11 port=444;",
              "av_edge external=203.0.113.31 internal=172.16.0.11;",
          }) == "");
    // One URL of the ways in which it is said.
    CHECK(result.text.find("https://meet.contoso.com;") ==
          result.text.rfind("https://meet.contoso.com;"));
    CHECK(result.says("CHECK: subdomains of \"fabrikam.com\" are SIP domains too") == 1);
    CHECK(result.says("CHECK: \"officewebapps01.contoso.com\" is the host of Office Web Apps'") ==
          1);
    CHECK(result.says("NOT CARRIED OVER") == 0);
    CHECK(result.says("CHECK: \"reverse_proxy external=ADDRESS") == 1);
    CHECK(result.says("addresses of") == 0);
}

TEST_CASE("pools of several products, and of unknown ones", "[topology]") {
    const Result mixed =
        whole(replaced(fixture("topology.xml"),
                       "<Service RoleVersion=\"1\" ServiceVersion=\"8\" "
                       "Type=\"Microsoft.Rtc.Management.Deploy.Internal.ServiceRoles.WebService\">",
                       "<Service RoleVersion=\"1\" ServiceVersion=\"6\">"));
    CHECK(mixed.lacks({"product lync_2013;"}) == "");
    CHECK(mixed.says("the oldest is written here") == 2);
    for (const char* version : {"ServiceVersion=\"4\"", "ServiceVersion=\"99\""}) {
        CHECK(
            topology_mistake(replaced_all(fixture("topology.xml"), "ServiceVersion=\"8\"", version))
                .starts_with("the topology has no pool with web services"));
    }
}

TEST_CASE("a file of Topology Builder holds the simple URLs, too", "[topology]") {
    const Result result(read_topology(files({"topology.tbxml"})));
    CHECK(result.lacks({"product sfb_2015;", "sip_domain contoso.com;", "pool se.contoso.local {",
                        "server 10.0.0.11 name=se.contoso.local;",
                        "simple_url meet https://meet.contoso.com;",
                        "simple_url dialin https://dialin.contoso.com;"}) == "");
    CHECK(result.says("CHECK: a file of Topology Builder: it may not be published yet") == 1);
}

TEST_CASE("what a topology doesn't say is to be checked", "[topology]") {
    const std::string without =
        replaced_all(fixture("topology.xml"), "IPAddress=\"10.0.0.11\"", "IPAddress=\"0.0.0.0\"");
    const Result unknown(read_topology({{"topology.xml", without}}));
    CHECK(unknown.lacks(
              {"server fe1.contoso.local;", "server 10.0.0.12 name=fe2.contoso.local;"}) == "");
    CHECK(unknown.says("CHECK: the topology doesn't hold the addresses of \"fe1.contoso.local\"") ==
          1);
    CHECK(unknown.says("CHECK: no simple URLs: add them") == 1);
    const Result known = whole(without, "10.0.0.111 FE1.contoso.local # by hosts\n");
    CHECK(known.lacks({"server 10.0.0.111 name=fe1.contoso.local;"}) == "");

    const Result shared = whole(without, "10.0.0.12 fe1.contoso.local");
    CHECK(shared.says("CHECK: \"fe2.contoso.local\" has the address of another server") == 1);

    const Result own = whole(replaced(fixture("topology.xml"), "Host=\"lyncwebext.contoso.com\"",
                                      "Host=\"fepool.contoso.local\""));
    CHECK(own.lacks({"external_web_services EXTERNAL-FQDN;"}) == "");
    CHECK(own.says("CHECK: the external FQDN of pool \"fepool.contoso.local\" is \"fepool") == 1);

    // From Get-CsService, where the topology says nothing.
    const Result external =
        whole(replaced(fixture("topology.xml"), "Host=\"lyncwebext.contoso.com\"", ""));
    CHECK(external.lacks({"external_web_services lyncwebext.contoso.com;"}) == "");

    const Result odd = whole(
        replaced_all(fixture("topology.xml"), "ConfiguredPort=\"443\"", "ConfiguredPort=\"8443\""));
    CHECK(odd.lacks({"https_listen 8443;", "https_listen 443;"}) == "");

    const Result later =
        whole(replaced(replaced(fixture("topology.xml"), "Topology.2008\"", "Topology.2030\""),
                       "RoleName=\"ConfServices\"", "RoleName=\"Holograms\""));
    CHECK(later.says("CHECK: the schema "
                     "\"urn:schema:Microsoft.Rtc.Management.Deploy.Topology.2030\" isn't known") ==
          1);
    CHECK(later.says("NOT CARRIED OVER: services \"Holograms\" aren't known") == 1);
}

TEST_CASE("a topology in the shape of the published ones of 2015", "[topology]") {
    const std::string text = fixture("topology-edge.xml");
    const auto read = [](const std::string& topology) {
        return Result(read_topology({{"topology.xml", utf16(topology, false)}}));
    };
    const Result result = read(text);
    CHECK(result.lacks({
              "product sfb_2015;",
              "sip_domain fabrikam.com;",
              "pool sfb1.fabrikam.local {",
              "external_web_services EXTERNAL-FQDN;",
              "server sfb1.fabrikam.local;",
              "edge Head_office {",
              "access_edge external=172.17.0.11 internal=172.16.0.11 port=5061;",
              "web_conferencing_edge external=172.17.0.11 internal=172.16.0.11 port=444;",
              "av_edge external=172.17.0.11 internal=172.16.0.11;",
          }) == "");
    CHECK(
        result.says("NOT CARRIED OVER: Office Web Apps at \"https://WAC1/hosting/discovery/\": its "
                    "name isn't one") == 1);
    CHECK(result.says("CHECK: the external FQDN of pool \"sfb1.fabrikam.local\" is ") == 1);
    CHECK(result.says("NOT CARRIED OVER") == 1); // what the other services are is known
    const Result odd = read(replaced(text, "Port=\"444\"", "Port=\"4 44\""));
    CHECK(odd.says("NOT CARRIED OVER: the port of the Web Conferencing Edge Server") == 1);
    CHECK(odd.lacks({"web_conferencing_edge internal=172.16.0.11;"}) == "");

    // An Edge Server that takes whatever address it has.
    const Result any = read(replaced_all(replaced_all(text, "\"172.17.0.11\"", "\"0.0.0.0\""),
                                         "\"172.16.0.11\"", "\"0.0.0.0\""));
    CHECK_FALSE(any.holds("edge Head"));
    CHECK(any.says("CHECK: the topology doesn't hold the addresses of the Edge Servers of "
                   "\"edge1.fabrikam.local\"") == 1);
}

TEST_CASE("a topology that says things twice", "[topology]") {
    const std::string text = fixture("topology-edge.xml");
    const std::string services = text.substr(
        text.find("  <Services>\n"), text.find("</Topology>") - text.find("  <Services>\n"));
    const Result result(
        read_topology({{"t.xml", replaced(text, "</Topology>", services + "</Topology>")}}));
    CHECK(result.says("NOT CARRIED OVER: \"WebServices\" of no computers with an FQDN, or a "
                      "second time") == 1);
    CHECK(result.says("NOT CARRIED OVER: \"EdgeServer\" of") == 1);

    // Two Edge pools of one site.
    const std::string second =
        "<Cluster Fqdn=\"EDGE2.fabrikam.local\"><ClusterId SiteId=\"1\" Number=\"9\"/><Machine>"
        "<NetInterface InterfaceSide=\"Internal\" InterfaceNumber=\"1\" IPAddress=\"172.16.0.12\"/>"
        "</Machine></Cluster><Service RoleName=\"EdgeServer\"><InstalledOn><ClusterId SiteId=\"1\" "
        "Number=\"9\"/></InstalledOn></Service></Topology>";
    CHECK(Result(read_topology({{"t.xml", replaced(text, "</Topology>", second)}}))
              .lacks({"edge Head_office {", "edge Head_office-2 {"}) == "");
}

TEST_CASE("a hostile topology costs no more than its size", "[topology]") {
    // Clusters within each other had the machines of all.
    std::string nested;
    for (int i = 0; i < 200; i++) {
        nested += "<Cluster Fqdn=\"c" + std::to_string(i) + ".contoso.local\">";
    }
    for (int i = 0; i < 300'000; i++) {
        nested += "<Machine/>";
    }
    for (int i = 0; i < 200; i++) {
        nested += "</Cluster>";
    }
    CHECK(topology_mistake("<Topology>" + nested + "</Topology>") ==
          "the topology has no pool with web services that could be published in t.xml:1");

    // Each of the services had all machines.
    std::string many = "<Topology><Cluster Fqdn=\"p.contoso.local\"><ClusterId Number=\"1\"/>";
    for (int i = 0; i < 20'000; i++) {
        many += "<Machine/>";
    }
    many += "</Cluster>";
    for (int i = 0; i < 20'000; i++) {
        many += "<Service RoleName=\"WebServices\" ServiceVersion=\"8\"><InstalledOn><ClusterId "
                "Number=\"1\"/></InstalledOn></Service>";
    }
    CHECK(read_topology({{"t.xml", many + "</Topology>"}}).pools.size() == 1);

    // Each of the objects around an entry had its URL.
    std::string objects = "<Objs>";
    for (int i = 0; i < 100; i++) {
        objects += "<Obj><Props><S N=\"Component\">x</S></Props>";
    }
    for (int i = 0; i < 100; i++) {
        objects += "<Obj><Props><S N=\"Url\">u</S></Props></Obj>";
    }
    for (int i = 0; i < 100; i++) {
        objects += "</Obj>";
    }
    const std::size_t usual = read_topology(files({"topology.xml"})).remarks.size();
    CHECK(read_topology({{"topology.xml", fixture("topology.xml")}, {"o.xml", objects + "</Objs>"}})
              .remarks.size() == usual + 99); // one of them asked for simple URLs
}

TEST_CASE("names of a topology can't leave their line", "[topology]") {
    const Result result = whole(replaced(
        replaced_all(fixture("topology.xml"), "lyncwebext.contoso.com", "x;}\n&#10;server 1.2.3.4"),
        "Fqdn=\"fe1.contoso.local\"", "Fqdn=\"fe1;} evil\""));
    CHECK_FALSE(result.holds("\nserver 1.2.3.4"));
    CHECK(result.lacks({"external_web_services EXTERNAL-FQDN;"}) == "");
    const Result url(
        read_topology({{"topology.xml", fixture("topology.xml")},
                       {"urls\nserver 1.2.3.4;\n#.xml",
                        replaced(fixture("simple-urls.xml"), "\"Url\">https://dialin.contoso.com<",
                                 "\"Url\">https://dialin.contoso.com/; }<")}}));
    CHECK(url.text.find("\nserver 1.2.3.4") == std::string::npos);
    CHECK(url.says(
              "NOT CARRIED OVER: simple URL \"https://dialin.contoso.com/; }\" of component") == 1);
}

TEST_CASE("what PowerShell's Out-File makes of a topology", "[topology]") {
    const std::string text = fixture("topology.xml");
    const std::string block = whole().text;
    for (const bool big : {false, true}) {
        CHECK(whole(utf16(replaced_all(text, "\n", "\r\n"), big)).text == block);
    }
    for (const std::size_t width : {80, 120, 132}) {
        INFO(width);
        std::string broken;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) {
            for (; line.size() > width; line.erase(0, width)) {
                broken += line.substr(0, width) + "\r\n";
            }
            broken += line + "\r\n";
        }
        const Result result = whole(utf16(broken, false));
        CHECK(result.lacks({"server 10.0.0.11 name=fe1.contoso.local;",
                            "director dirpool.contoso.local {",
                            "external_web_services dublinext.contoso.com;",
                            "av_edge external=203.0.113.32 internal=172.16.0.12;"}) == "");
    }
    CHECK(text_of_powershell("short\nlines\n\nalone", "x") == "short\nlines\n\nalone\n");
    CHECK(topology_mistake("\xff\xfe\0\xd8<\0"s) == "the file isn't well-formed UTF-16 in t.xml:1");
}

TEST_CASE("hostile and wrong files get one line", "[topology]") {
    CHECK(topology_mistake("<Objs><Obj/></Objs>")
              .starts_with("the file holds neither simple URLs nor web servers: "));
    CHECK(mistake([] {
              read_topology(files({"simple-urls.xml"}));
          }).starts_with("none of the files is a topology: "));
    CHECK(mistake([] {
              read_topology(files({"topology.xml", "topology.tbxml"}));
          }) == "the file is a second topology beside \"topology.xml\" in topology.tbxml:2");
}
