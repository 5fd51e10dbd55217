// What only the whole declaration shows, or all publications of one nginx.conf together: names,
// sockets, certificates; and what is legal but remarked upon.

#include "config/publication.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

#include <filesystem>

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

TEST_CASE("a name is published once", "[declare]") {
    for (const auto& [more, message] : rows(R"(
        pool fepool.contoso.local { external_web_services a.contoso.com; } | pool "fepool.contoso.local" is duplicate in lync_publish "contoso", the first stands at nginx.conf:6 in nginx.conf:11
        director a.contoso.local { // external_web_services lyncwebext.contoso.com; } | "lyncwebext.contoso.com" is published twice in lync_publish "contoso": as external_web_services of director "a.contoso.local" and as external_web_services of pool "fepool.contoso.local" at nginx.conf:8 in nginx.conf:12
        office_web_apps LyncWebExt.contoso.com { server 10.0.0.14; } | "lyncwebext.contoso.com" is published twice in lync_publish "contoso": as office_web_apps "lyncwebext.contoso.com" and as external_web_services of pool "fepool.contoso.local" at nginx.conf:8 in nginx.conf:11
        exchange mail.contoso.com mail.contoso.com { server 10.0.0.15; } | "mail.contoso.com" is published twice in lync_publish "contoso": as exchange "mail.contoso.com" and as exchange "mail.contoso.com" at nginx.conf:11 in nginx.conf:11
        simple_url meet https://lyncwebext.contoso.com/meet; | "lyncwebext.contoso.com" is published twice in lync_publish "contoso": as simple_url meet and as external_web_services of pool "fepool.contoso.local" at nginx.conf:8 in nginx.conf:11
        simple_url meet https://lyncdiscover.contoso.com/meet; | "lyncdiscover.contoso.com" is published twice in lync_publish "contoso": as lyncdiscover of a sip_domain and as simple_url meet at nginx.conf:11 in nginx.conf:2
        simple_url meet https://fepool.contoso.local;  | "fepool.contoso.local" is published as simple_url meet but is the own name of pool "fepool.contoso.local": clients must be able to tell the external name from the pool's own in nginx.conf:11
        simple_url meet https://lyncdiscoverinternal.contoso.com; | "lyncdiscoverinternal.contoso.com" is published as simple_url meet: clients ask for it first and take its answer for the inside, it must not be reachable from outside in nginx.conf:11
        simple_url meet https://a.contoso.com; // simple_url dialin https://A.contoso.com/; | simple URL "https://a.contoso.com" is duplicate in lync_publish "contoso", the first stands at nginx.conf:11 in nginx.conf:12
        simple_url meet https://a.contoso.com; // simple_url dialin https://a.contoso.com/x; | simple URL "https://a.contoso.com/x" and simple URL "https://a.contoso.com" at nginx.conf:11 lie one below the other: no simple URL may be a prefix of another in nginx.conf:12
        simple_url meet https://a.contoso.com/x/y; // simple_url dialin https://a.contoso.com/X; | simple URL "https://a.contoso.com/X" and simple URL "https://a.contoso.com/x/y" at nginx.conf:11 lie one below the other: no simple URL may be a prefix of another in nginx.conf:12
    )")) {
        INFO(more);
        World world;
        CHECK(world.mistake(smallest(more)) == message);
    }

    // What only looks alike.
    World world;
    CHECK(world
              .mistake(smallest("product lync_2013; allow_path /PassiveAuth; sign_in oauth;\n"
                                "deny_path /passiveauth/old;\n"
                                "simple_url meet https://a.contoso.com/meet;\n"
                                "simple_url dialin https://a.contoso.com/meeting;\n"
                                "simple_url meet https://meet.*;\n"
                                "simple_url meet https://meet.contoso.com;\n"
                                "sip_domain *;"))
              .empty());
}

TEST_CASE("sign_in: no set of doors is accepted by which nobody could come in", "[declare]") {
    constexpr const char* doors[] = {"windows", "password", "certificate", "oauth"};
    // product, and the doors by which one comes in without having been in before
    for (const auto& [product, ways] : rows(R"(
        sfb_se    | windows password oauth
        sfb_2019  | windows password oauth
        sfb_2015  | windows password oauth
        lync_2013 | windows password
        lync_2010 | windows password
        ocs_2007_r2 | windows
    )")) {
        for (unsigned set = 1; set < 16; set++) {
            std::string open;
            bool leads_in = false;
            for (unsigned i = 0; i < 4; i++) {
                if ((set >> i & 1) != 0) {
                    open += " "s + doors[i];
                    leads_in |= ways.find(doors[i]) != std::string::npos;
                }
            }
            INFO(product << open);
            World world;
            CHECK(world.mistake(smallest("product " + product + ";\nsign_in" + open + ";"))
                      .starts_with("no client could sign in to product " + product) != leads_in);
        }
    }
    World world;
    world.declare(smallest("exchange mail.contoso.com { server 10.0.0.15; services ews owa; "
                           "sign_in password; }"));
    CHECK(world.shown_remarks().back() ==
          "no client can sign in to ews of exchange \"mail.contoso.com\": their doors are "
          "\"windows\" "
          "or \"oauth\", \"password\" opens OWA's form only in nginx.conf:11");
}

TEST_CASE("a name is published once in all publications", "[declare]") {
    World world;
    REQUIRE(world.mistake(smallest()).empty());

    CHECK(world.mistake(smallest()) ==
          "publication \"contoso\" is duplicate in \"lync_publish\" directive, the first stands at "
          "nginx.conf:1 in nginx.conf:1");

    // nginx compares the names of upstreams ignoring case, and they begin with this one.
    std::string capital = smallest();
    capital.replace(capital.find("contoso"), 7, "Contoso");
    CHECK(world.mistake(capital) == "publication \"Contoso\" is duplicate in \"lync_publish\" "
                                    "directive, the first stands at nginx.conf:1 in nginx.conf:1");

    CHECK(world.mistake(fabrikam("", "lyncwebext.contoso.com")) ==
          "\"lyncwebext.contoso.com\" is published twice: as external_web_services of pool "
          "\"fepool.contoso.local\" of lync_publish \"fabrikam\" and as external_web_services of "
          "pool \"fepool.contoso.local\" of lync_publish \"contoso\" at nginx.conf:8 in "
          "nginx.conf:4");

    world.registry = {};
    REQUIRE(world.mistake(smallest()).empty());
    CHECK(world.mistake(fabrikam("", "lyncwebext.fabrikam.com", "contoso.com")) ==
          "\"lyncdiscover.contoso.com\" is published twice: as lyncdiscover of a sip_domain of "
          "lync_publish \"fabrikam\" and as lyncdiscover of a sip_domain of lync_publish "
          "\"contoso\" at nginx.conf:2 in nginx.conf:2");

    // One pool behind two publications, as hosters have it, is one thing.
    world.registry = {};
    REQUIRE(world.mistake(smallest()).empty());
    CHECK(world.mistake(fabrikam()).empty());
}

TEST_CASE("publications agree on a socket", "[declare]") {
    for (const auto& [one, other, message] : rows<3>(R"(
        http_listen 81;                     | https_listen 81;                    | socket "81" in lync_publish "fabrikam" is for https, but for http at nginx.conf:11 of lync_publish "contoso": a socket speaks one of them in nginx.conf:5
        https_listen 81;                    | http_listen 81;                     | socket "81" in lync_publish "fabrikam" is for http, but for https at nginx.conf:11 of lync_publish "contoso": a socket speaks one of them in nginx.conf:5
        https_listen 443 proxy_protocol;    | https_listen 443;                   | socket "443" in lync_publish "fabrikam" lacks "proxy_protocol", unlike at nginx.conf:11 of lync_publish "contoso": it is the same socket in nginx.conf:5
        https_listen 443;                   | https_listen 443 proxy_protocol;    | socket "443" in lync_publish "fabrikam" has "proxy_protocol", unlike at nginx.conf:11 of lync_publish "contoso": it is the same socket in nginx.conf:5
        https_listen 443 backlog=1;         | https_listen 443 backlog=2;         | socket "443" in lync_publish "fabrikam" has other parameters than at nginx.conf:11 of lync_publish "contoso": it is the same socket in nginx.conf:5
        https_listen 443 backlog=1;         | https_listen 443 backlog=1;         |
        https_listen 443 backlog=1;         | https_listen 443;                   |
        https_listen 443;                   | https_listen 443 backlog=1;         |
        http_listen 81; // https_listen 82; | http_listen 82; // https_listen 81; | socket "82" in lync_publish "fabrikam" is for http, but for https at nginx.conf:12 of lync_publish "contoso": a socket speaks one of them in nginx.conf:5
        http_listen 81;                     | http_listen 127.0.0.1:81;           |
    )")) {
        INFO(one << " " << other);
        World world;
        REQUIRE(world.mistake(smallest(one)).empty());
        CHECK(world.mistake(fabrikam(other)) == message);
    }
}

TEST_CASE("the first publication of a socket brings its catch-all, the first to say parameters "
          "states them",
          "[declare]") {
    World world;
    const Publication first = world.declare(smallest("http_listen off; https_listen 443;"));
    REQUIRE(first.https_sockets.size() == 1);
    CHECK(first.https_sockets[0].needs_catch_all);
    CHECK_FALSE(first.https_sockets[0].states_parameters);

    const Publication second = world.declare(
        fabrikam("http_listen off; https_listen 443 backlog=1; https_listen 444 backlog=2;"));
    REQUIRE(second.https_sockets.size() == 2);
    CHECK_FALSE(second.https_sockets[0].needs_catch_all);
    CHECK(second.https_sockets[0].states_parameters);
    CHECK(second.https_sockets[1].needs_catch_all);
    CHECK(second.https_sockets[1].states_parameters);
}

TEST_CASE("a socket stands once in a publication", "[declare]") {
    for (const auto& [sockets, message] : rows(R"(
        http_listen 443;                               | socket "443" in lync_publish "contoso" is for https, but for http at nginx.conf:11 of lync_publish "contoso": a socket speaks one of them in nginx.conf:1
        http_listen off; // http_listen 80;            | invalid value "off" in "http_listen" directive of lync_publish "contoso": there are other "http_listen" lines in nginx.conf:11
        http_listen off deferred;                      | invalid value "off" in "http_listen" directive of lync_publish "contoso": it takes no parameters in nginx.conf:11
        https_listen 0;                                | invalid value "0" in "https_listen" directive of lync_publish "contoso": a socket is written [ADDRESS:]PORT, with a port from 1 to 65535 in nginx.conf:11
        https_listen [::];                             | invalid value "[::]" in "https_listen" directive of lync_publish "contoso": a socket is written [ADDRESS:]PORT, with a port from 1 to 65535 in nginx.conf:11
        https_listen 2001:db8::1:443;                  | invalid value "2001:db8::1:443" in "https_listen" directive of lync_publish "contoso": the address is an IPv4 address, an IPv6 address in brackets, or "*"; a host name may mean several in nginx.conf:11
        https_listen localhost:443;                    | invalid value "localhost:443" in "https_listen" directive of lync_publish "contoso": the address ... in nginx.conf:11
        https_listen unix:/run/lync.sock;              | invalid value "unix:/run/lync.sock" in "https_listen" directive of lync_publish "contoso": clients come by TCP, write [ADDRESS:]PORT in nginx.conf:11
        http_listen 80 ssl;                            | invalid parameter "ssl" in "http_listen" directive of lync_publish "contoso": "https_listen" implies it, and "http_listen" is plain HTTP in nginx.conf:11
        https_listen 443 default_server;               | invalid parameter "default_server" in "https_listen" directive of lync_publish "contoso": "unknown_host" chooses the default server of a socket in nginx.conf:11
        https_listen 443 http2;                        | invalid parameter "http2" in "https_listen" directive of lync_publish "contoso": NTLM needs HTTP/1.1, so published names offer nothing else in nginx.conf:11
        https_listen 443 "backlog=1; } server { listen 1"; | invalid parameter "backlog=1; } server { listen 1" in "https_listen" directive of lync_publish "contoso": the parameters of "listen" that concern the socket may stand here, such as proxy_protocol, backlog= or reuseport in nginx.conf:11
        https_listen 443; // https_listen *:443;       | socket "*:443" is duplicate in "https_listen" directive of lync_publish "contoso", the first stands at nginx.conf:11 in nginx.conf:12
        https_listen [::1]:443; // https_listen [0:0::1]:443; | socket "[0:0::1]:443" is duplicate in "https_listen" directive of lync_publish "contoso", the first stands at nginx.conf:11 in nginx.conf:12
        https_listen 443 backlgo=10; | invalid parameter "backlgo=10" in "https_listen" directive of lync_publish "contoso": the parameters of "listen" that concern the socket may stand here, such as proxy_protocol, backlog= or reuseport in nginx.conf:11
        https_listen 443 accept_filter=httpready; | invalid parameter "accept_filter=httpready" in "https_listen" directive of lync_publish "contoso": the parameters of "listen" that concern the socket may stand here, such as proxy_protocol, backlog= or reuseport in nginx.conf:11
        http_listen 80 // https_listen 443;            | invalid parameter "https_listen" in "http_listen" directive of lync_publish "contoso": is the ";" ... in nginx.conf:12
    )")) {
        INFO(sockets);
        World world;
        CHECK(shown_as(world.mistake(smallest(sockets)), message) == message);
    }
}

TEST_CASE("what is legal but risky is remarked upon once", "[declare]") {
    for (const auto& [more, message] : rows(R"(
        backend_verify off;                            | "backend_verify" is off in lync_publish "contoso": answers of the servers can be read and changed in transit in nginx.conf:11
        max_upload 512;                                | "max_upload" 512 in lync_publish "contoso" is so many bytes: "512m" is megabytes, 512m are right for meeting content in nginx.conf:11
        pending_get_timeout 919s;                      | "pending_get_timeout" 919s in lync_publish "contoso" is shorter than the 920 seconds for which phones wait for an answer: 960s is right where there are mobile clients in nginx.conf:11
        director a.contoso.local { // external_web_services b.contoso.com; // server 10.0.0.1; // health_check autodiscover interval=5000; } | interval 5000s is longer than an hour in "health_check" directive of director "a.contoso.local": times without a unit are seconds in nginx.conf:14
        http_autodiscover on; http_listen off;         | "http_autodiscover" does nothing in lync_publish "contoso": "http_listen" is off, so nothing listens for plain HTTP in nginx.conf:11
        director a.contoso.local { external_web_services b.contoso.com; listening_ports https=443; } | "listening_ports" of director "a.contoso.local" names port 443, which is the internal web site's by default: write the listening ports of the external web site, 8080 and 4443 by default in nginx.conf:11
        director a.contoso.local { external_web_services b.contoso.com; listening_ports http=443; } | "listening_ports" of director "a.contoso.local" names port 443, which is the internal web site's by default: write the listening ports of the external web site, 8080 and 4443 by default in nginx.conf:11
        director a.contoso.local { external_web_services b.contoso.com; listening_ports https=80; } | "listening_ports" of director "a.contoso.local" names port 80, which is the internal web site's by default: write the listening ports of the external web site, 8080 and 4443 by default in nginx.conf:11
        simple_url meet https://meet.example.com;      | "meet.example.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in nginx.conf:11
        office_web_apps wac.example.com { server 10.0.0.14; } | "wac.example.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in nginx.conf:11
        http_listen off; sip_domain example.com;       | "lyncdiscover.example.com" is not covered by a certificate of lync_publish "contoso": phones drop the connection, add the name to the certificate's subject alternative names or remove "http_listen off" in nginx.conf:11
        acme_challenge /tmp; http_listen off;          | "acme_challenge" does nothing in lync_publish "contoso": a CA asks by plain HTTP, on port 80, remove "http_listen off" in nginx.conf:11
        acme_challenge /no/such/webroot/;              | "/no/such/webroot" in "acme_challenge" directive of lync_publish "contoso" does not exist: "mkdir -p /no/such/webroot" in nginx.conf:11
        acme_challenge /etc/passwd;                    | "/etc/passwd" in "acme_challenge" directive of lync_publish "contoso" is not a directory: write the one that the ACME client has, "certbot --webroot -w DIR" in nginx.conf:11
        acme_challenge /etc/passwd/x;                  | "/etc/passwd/x" in "acme_challenge" directive of lync_publish "contoso" is not a directory: write the one that the ACME client has, "certbot --webroot -w DIR" in nginx.conf:11
        http_autodiscover off; sip_domain example.com; | "lyncdiscover.example.com" is not covered by a certificate of lync_publish "contoso": phones drop the connection, add the name to the certificate's subject alternative names or set "http_autodiscover" to "auto" in nginx.conf:11
        director a.contoso.local { external_web_services b.contoso.com; server 10.0.0.11; } | server "10.0.0.11" of director "a.contoso.local" is one of pool "fepool.contoso.local" as well, at nginx.conf:7: a Front End belongs to one pool in nginx.conf:11
        director a.contoso.local { external_web_services b.contoso.com; server 10.0.0.12 down; } | every "server" of director "a.contoso.local" is down: all its clients get 503 until "down" is removed in nginx.conf:11
        sign_in oauth; connection_auth on;             | "connection_auth" does nothing in lync_publish "contoso": "sign_in" closes "windows", so no client authenticates a connection in nginx.conf:11
        https_listen 10.0.0.11:443;                    | server "10.0.0.11" of pool "fepool.contoso.local" is this proxy itself, which listens on "10.0.0.11:443" at nginx.conf:11: write the address of the server behind it in nginx.conf:7
        http_listen 127.0.0.1:80; https_listen 127.0.0.1:443; exchange mail.contoso.com { server 127.0.0.1; } | server "127.0.0.1" of exchange "mail.contoso.com" is this proxy itself, which listens on "127.0.0.1:443" at nginx.conf:11: write the address of the server behind it in nginx.conf:11
    )")) {
        INFO(more);
        World world;
        CHECK(world.mistake(smallest(more)).empty());
        CHECK(world.shown_remarks() == Strings{std::string(message)});
        if (!world.remarks.empty()) {
            CHECK(world.remarks[0].severity == lync::Severity::warning);
        }
    }
}

TEST_CASE("no farm stands at a pool's internal web site", "[declare]") {
    for (const auto& [more, message] : rows(R"(
        office_web_apps wac.contoso.com { server 10.0.0.14; server 10.0.0.11; } | server "10.0.0.11" of office_web_apps "wac.contoso.com" in lync_publish "contoso" is that of a server of POOL write the addresses of the farm's own servers in nginx.conf:11
        exchange mail.contoso.com { server fepool.contoso.local; } | server "fepool.contoso.local" of exchange "mail.contoso.com" in lync_publish "contoso" is that of a server of POOL write the addresses of the farm's own servers in nginx.conf:11
        exchange mail.contoso.com { server 10.0.0.15; certificate_name FEpool.contoso.local; } | certificate_name "fepool.contoso.local" of exchange "mail.contoso.com" in lync_publish "contoso" is that of POOL write the name that the farm's own servers have in their certificate in nginx.conf:11
    )")) {
        INFO(more);
        std::string expected = message;
        expected.replace(expected.find("POOL"), 4,
                         R"(pool "fepool.contoso.local" at nginx.conf:6, whose external web site )"
                         "has port 4443: port 443 would publish its internal web site,");
        CHECK(World().mistake(smallest(more)) == expected);
    }

    // The external site's own port; another address.
    for (const std::string_view more :
         {"exchange mail.contoso.com { server 10.0.0.11; listening_ports https=4443; }",
          "exchange mail.contoso.com { server 10.0.0.111; }"}) {
        INFO(more);
        CHECK(World().mistake(smallest(more)).empty());
    }

    // Whichever publication comes first.
    const std::string other = R"(lync_publish fabrikam {
        sip_domain fabrikam.com; certificate public.pem public.key; trusted_ca ca.pem;
        pool sepool.fabrikam.local { external_web_services a.fabrikam.com; server 10.0.0.21; }
        exchange mail.fabrikam.com { server 10.0.0.15; }
    })";
    World world;
    REQUIRE(world.mistake(other).empty());
    CHECK(world.mistake(smallest("exchange mail.contoso.com { server 10.0.0.21; }"))
              .starts_with("server \"10.0.0.21\" of exchange \"mail.contoso.com\" in lync_publish "
                           "\"contoso\" is that of a server of pool \"sepool.fabrikam.local\""));
    world.registry = {};
    REQUIRE(world.mistake(other).empty());
    CHECK(world
              .mistake(smallest("director dir.contoso.local { external_web_services "
                                "dir.contoso.com; server 10.0.0.15; }"))
              .starts_with("server \"10.0.0.15\" of exchange \"mail.fabrikam.com\" in lync_publish "
                           "\"fabrikam\" is that of a server of director \"dir.contoso.local\""));
}

TEST_CASE("what is no reason for a warning", "[declare]") {
    for (const std::string_view more : {
             // patterns and blocked names need no certificate
             "simple_url meet https://meet.*; simple_url admin https://admin.example.com; "
             "sip_domain *;",
             // nor does a lyncdiscover name that plain HTTP serves
             "sip_domain example.com;",
             "http_autodiscover auto; sip_domain example.com;",
             "http_autodiscover on; sip_domain example.com;",
             // a tunnel on loopback, beside nginx
             "https_listen 127.0.0.1:443; director a.contoso.local { external_web_services "
             "b.contoso.com; server 127.0.0.1; }",
             // one load balancer for two pools, on a port for each
             "director a.contoso.local { external_web_services b.contoso.com; server 10.0.0.11; "
             "listening_ports https=5443; }",
         }) {
        INFO(more);
        World world;
        world.declare(smallest(more));
        CHECK(world.shown_remarks().empty());
    }
}

TEST_CASE("twenty thousand uncovered names are ten warnings and a number", "[declare]") {
    std::string domains = "http_autodiscover off; sip_domain";
    std::string urls = "simple_url meet";
    for (int i = 0; i < 20000; i++) {
        domains += " d" + std::to_string(i) + ".example.com";
        urls += " https://m" + std::to_string(i) + ".example.com";
    }
    World world;
    world.declare(smallest(urls + ";\n" + domains + ";"));
    REQUIRE(world.remarks.size() == 22);
    CHECK(shown(world.remarks[10]) ==
          "19990 more names are not covered by a certificate of lync_publish \"contoso\": clients "
          "refuse it, add the name to the certificate's subject alternative names in nginx.conf:1");
    CHECK(shown(world.remarks[21]) ==
          "19990 more lyncdiscover names are not covered by a certificate of lync_publish "
          "\"contoso\": phones drop the connection, add the name to the certificate's subject "
          "alternative names or set \"http_autodiscover\" to \"auto\" in nginx.conf:1");
}

TEST_CASE("each name has its own certificates", "[declare]") {
    // public.pem, ECDSA, has *.contoso.com; rsa.pem has lyncdiscover.example.com and both-kinds;
    // named.pem, ECDSA, has lyncwebext and lyncdiscover of contoso.com.
    World world;
    world.environment.lists_names = true;
    const Publication all = world.declare(
        smallest("certificate rsa.pem rsa.key; sip_domain example.com;\n"
                 "certificate named.pem named.key;\n"
                 "simple_url meet https://both-kinds.contoso.com https://meet.northwind.example;"));
    CHECK(all.coverage("both-kinds.contoso.com") == Coverage::covered);
    CHECK(all.coverage("lyncwebext.contoso.com") == Coverage::covered);
    CHECK(all.coverage("meet.northwind.example") == Coverage::uncovered);
    CHECK(all.coverage("meet.*") == Coverage::by_request);
    CHECK_FALSE(all.serves_over_http("lyncdiscover.example.com"));

    CHECK(world.shown_remarks() ==
          Strings{"\"meet.northwind.example\" is not covered by a certificate of lync_publish "
                  "\"contoso\": clients refuse it, add the name to the certificate's subject "
                  "alternative names in nginx.conf:13",
                  "certificate \"" + all.certificates[0].certificate +
                      "\" (ECDSA) is presented for both-kinds.contoso.com in nginx.conf:3",
                  "certificate \"" + all.certificates[1].certificate +
                      "\" (RSA) is presented for both-kinds.contoso.com, "
                      "lyncdiscover.example.com in nginx.conf:11",
                  "certificate \"" + all.certificates[2].certificate +
                      "\" (ECDSA) is presented for lyncwebext.contoso.com, "
                      "lyncdiscover.contoso.com in nginx.conf:12"});
}

TEST_CASE("whether a farm's names have one certificate and no other", "[declare]") {
    for (const auto& [more, one] : rows(R"(
        exchange mail.contoso.com autodiscover.contoso.com { server 10.0.0.15; }                            | yes
        exchange mail.contoso.com lyncdiscover.example.com { server 10.0.0.15; } certificate rsa.pem rsa.key; | no
        exchange both-kinds.contoso.com { server 10.0.0.15; } certificate rsa.pem rsa.key;                  | no
        exchange mail.contoso.com mail.example.com { server 10.0.0.15; }                                    | no
    )")) {
        INFO(more);
        World world;
        const Publication p = world.declare(smallest(more));
        CHECK((p.only_certificate(p.farms.back()) == p.loaded_certificates[0].digest) ==
              (one == "yes"));
        CHECK(p.only_certificate(p.farms.back()).empty() == (one == "no"));
    }
}

TEST_CASE("a certificate that is presented for nothing", "[declare]") {
    World world;
    world.environment.lists_names = true;
    const std::string pattern = "certificate rsa.pem rsa.key; certificate named.pem named.key;\n"
                                "certificate wild.pem wild.key; simple_url meet https://meet.*";
    std::string text = smallest();
    text.replace(text.find("certificate  public.pem public.key"), 34, pattern);
    text.replace(text.find("contoso.com;"), 12, "*;");
    const Publication p = world.declare(text);
    const auto file = [&](std::size_t i) {
        return "certificate \"" + p.certificates[i].certificate;
    };
    CHECK(world.shown_remarks() ==
          Strings{file(0) + "\" (RSA) is presented for lyncdiscover.example.com in nginx.conf:3",
                  file(1) + "\" (ECDSA) is presented for lyncwebext.contoso.com, "
                            "lyncdiscover.contoso.com in nginx.conf:3",
                  file(2) + "\" (ECDSA) is presented for meet.northwind.example, "
                            "lyncdiscover.northwind.example in nginx.conf:4"});

    World other;
    const std::string said = other.mistake(smallest("certificate wild.pem wild.key;"));
    CHECK(said.empty());
    REQUIRE(other.shown_remarks().size() == 1);
    CHECK(other.shown_remarks()[0].ends_with(
        "/wild.pem\" covers no name of lync_publish \"contoso\", it is for "
        "\"*.northwind.example\": publish one of its names, or take it out in nginx.conf:11"));
    CHECK(World()
              .mistake(smallest("certificate public.pem rsa.key;"))
              .ends_with("/public.pem\" is duplicate in lync_publish \"contoso\", the first stands "
                         "at nginx.conf:3 "
                         "in nginx.conf:11"));
}

TEST_CASE("a webroot that nginx's workers can't enter is a warning", "[declare]") {
    const Directory directory;
    const std::string closed = directory.path("closed");
    std::filesystem::create_directories(closed + "/webroot");
    directory.permit("", 0755);
    World world;
    world.environment.worker = getuid() + 1;
    world.environment.worker_group = getgid() + 1;
    const auto remark = [&](unsigned mode) {
        directory.permit("closed", mode);
        world.registry = {};
        world.declare(smallest("acme_challenge " + closed + "/webroot;"));
        return world.remarks.empty() ? "" : world.remarks.front().text;
    };
    CHECK(remark(0755).empty());
    CHECK(remark(0750) ==
          "\"" + closed +
              "/webroot\" in \"acme_challenge\" directive of lync_publish \"contoso\" "
              "can't be read by nginx's workers: \"chmod o+x " +
              closed + "\"");
    world.environment.worker_group = getgid();
    CHECK(remark(0750).empty());
    CHECK_FALSE(remark(0701).empty());
    world.environment.worker = getuid();
    CHECK(remark(0700).empty());
}
