// From a block tree to the declaration: what is read, what follows where nothing was written, and
// the checks on each directive with their whole message and place. What only the whole shows is
// tested in declare_checks_test.cpp.

#include "config/publication.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

namespace {

std::vector<std::string> addresses(const std::vector<Socket>& sockets) {
    std::vector<std::string> all;
    for (const Socket& socket : sockets) {
        all.push_back(socket.address + socket.parameters +
                      (socket.proxy_protocol ? " proxy_protocol" : ""));
    }
    return all;
}

} // namespace

TEST_CASE("the smallest publication, and every default", "[declare]") {
    World world;
    const Publication p = world.declare(smallest());

    CHECK(p.name == "contoso");
    CHECK(p.product == Product::sfb_se);
    CHECK(p.sip_domains == Strings{"contoso.com"});
    REQUIRE(p.certificates.size() == 1);
    CHECK(p.certificates[0].certificate.ends_with("/public.pem"));
    CHECK(p.certificates[0].key.ends_with("/public.key"));
    CHECK(p.trusted_ca.ends_with("/ca.pem"));
    CHECK(p.backend_verify);
    CHECK(p.simple_urls.empty());
    CHECK(addresses(p.http_sockets) == Strings{"80", "[::]:80"});
    CHECK(addresses(p.https_sockets) == Strings{"443", "[::]:443"});
    CHECK(p.http_autodiscover == HttpAutodiscover::automatic);
    CHECK(p.https_redirect);
    CHECK(p.pending_get_timeout == "960s");
    CHECK(p.max_upload == "512m");
    CHECK(p.unknown_host == UnknownHost::refuse);
    CHECK(p.includes.empty());
    CHECK(p.place.line == 1);
    CHECK(p.first_contact() == 0);
    CHECK_FALSE(p.has_wildcard_sip_domain());
    CHECK(p.presented.names()->covers("meet.contoso.com"));

    REQUIRE(p.farms.size() == 1);
    const Farm& pool = p.farms[0];
    CHECK(pool.role == Role::pool);
    CHECK(pool.name == "fepool.contoso.local");
    CHECK(pool.published == Strings{"lyncwebext.contoso.com"});
    CHECK(pool.certificate_name == "fepool.contoso.local");
    CHECK(pool.ports.http == 8080);
    CHECK(pool.ports.https == 4443);
    CHECK(pool.place.line == 6);
    CHECK(pool.published_place.line == 8);
    REQUIRE(pool.servers.size() == 1);
    CHECK(pool.servers[0].address == "10.0.0.11");
    CHECK(pool.servers[0].name == "10.0.0.11");
    CHECK_FALSE(pool.servers[0].by_name);
    CHECK(pool.servers[0].weight == 1);
    CHECK(pool.servers[0].max_conns == 0);
    CHECK(pool.servers[0].max_fails == 1);
    CHECK(pool.servers[0].fail_timeout == std::chrono::seconds(10));
    CHECK(pool.servers[0].slow_start == std::chrono::seconds(30));
    CHECK_FALSE(pool.servers[0].backup);
    CHECK_FALSE(pool.servers[0].down);
    CHECK(pool.affinity == Affinity::none);
    CHECK(pool.servers[0].place.line == 7);

    CHECK(world.remarks.empty());
}

namespace {

Strings services(const Farm& farm) {
    Strings texts;
    for (const config::FarmService& each : farm.services) {
        texts.push_back(std::string(policy::service_name(each.service)) + " " + each.timeout + " " +
                        each.max_upload);
    }
    return texts;
}

} // namespace

TEST_CASE("everything that can be written is read", "[declare]") {
    World world;
    // The order of the block doesn't matter: Directors and farms stand before the pools.
    const Publication p = world.declare(R"(lync_publish contoso {
        simple_url  meet    https://Meet.contoso.com/ https://meet.fabrikam.com;
        simple_url  dialin  https://lync.contoso.com/Dialin https://dialin.fabrikam.com
                            pool=fepool2.contoso.local;
        simple_url  admin   https://lync.contoso.com/Admin;
        exchange Mail.contoso.com autodiscover.contoso.com {
            server            mail01;
            certificate_name  mail.contoso.local;
            services          ews owa timeout=1h max_upload=2g;
            services          oab;
            services          max_upload=64m activesync;
            listening_ports   https=8443;
        }
        office_web_apps wac.contoso.com {
            server  10.0.0.14;
        }
        director dirpool.contoso.local {
            external_web_services  dirwebext.contoso.com;
            listening_ports        https=5443;
        }
        pool fepool.contoso.local {
            external_web_services  lyncwebext.contoso.com;
            server                 10.0.0.11  name=FE-1 weight=2 max_conns=10 max_fails=3 fail_timeout=1m;
            server                 [2001:DB8::12]  backup;
            server                 10.0.0.13  down;
        }
        pool fepool2.contoso.local {
            external_web_services  lyncwebext2.contoso.com;
        }
        product              sfb_2015;
        certificate          public.pem public.key;
        certificate          rsa.pem rsa.key;
        backend_verify       off;
        sip_domain           contoso.com Fabrikam.com;
        sip_domain           example.com;
        http_listen          127.0.0.1:8080 backlog=5 proxy_protocol;
        https_listen         *:8443;
        https_listen         [0:0::1]:8443 reuseport;
        http_autodiscover    off;
        https_redirect       off;
        pending_get_timeout  20m;
        max_upload           1g;
        unknown_host         ignore;
        server_include       one.conf two.conf;
    })");

    CHECK(p.product == Product::sfb_2015);
    CHECK(p.sip_domains == Strings{"contoso.com", "fabrikam.com", "example.com"});
    CHECK(p.place_of_sip_domain(1).line == 34);
    CHECK(p.place_of_sip_domain(2).line == 35);
    CHECK(p.trusted_ca.empty());
    CHECK_FALSE(p.backend_verify);
    CHECK(addresses(p.http_sockets) == Strings{"127.0.0.1:8080 backlog=5 proxy_protocol"});
    CHECK(addresses(p.https_sockets) == Strings{"8443", "[::1]:8443 reuseport"});
    CHECK(p.http_autodiscover == HttpAutodiscover::off);
    CHECK_FALSE(p.https_redirect);
    CHECK(p.pending_get_timeout == "20m");
    CHECK(p.max_upload == "1g");
    CHECK(p.unknown_host == UnknownHost::ignore);
    REQUIRE(p.includes.size() == 2);
    CHECK(p.includes[1].first.ends_with("/two.conf"));

    REQUIRE(p.farms.size() == 5);
    CHECK(p.farms[0].name == "fepool.contoso.local");
    CHECK(p.farms[1].name == "fepool2.contoso.local");
    CHECK(p.farms[2].role == Role::director);
    CHECK(p.farms[3].role == Role::office_web_apps);
    CHECK(p.farms[4].role == Role::exchange);
    CHECK(p.first_contact() == 2);

    REQUIRE(p.farms[0].servers.size() == 3);
    CHECK(p.farms[0].servers[0].name == "FE-1");
    CHECK(p.farms[0].servers[1].name == "[2001:db8::12]");
    CHECK(p.farms[0].servers[0].weight == 2);
    CHECK(p.farms[0].servers[0].max_conns == 10);
    CHECK(p.farms[0].servers[0].max_fails == 3);
    CHECK(p.farms[0].servers[0].fail_timeout == std::chrono::seconds(60));
    CHECK(p.farms[0].servers[1].address == "[2001:db8::12]");
    CHECK(p.farms[0].servers[1].backup);
    CHECK_FALSE(p.farms[0].servers[1].by_name);
    CHECK(p.farms[1].servers[0].by_name);
    // A pool without a server is reached by its own name.
    REQUIRE(p.farms[1].servers.size() == 1);
    CHECK(p.farms[1].servers[0].address == "fepool2.contoso.local");
    CHECK(p.farms[2].ports.http == 8080);
    CHECK(p.farms[2].ports.https == 5443);

    const Farm& wac = p.farms[3];
    CHECK(wac.published == Strings{"wac.contoso.com"});
    CHECK(wac.certificate_name == "wac.contoso.com");
    CHECK(wac.ports.https == 443);

    const Farm& exchange = p.farms[4];
    CHECK(exchange.name == "mail.contoso.com");
    CHECK(exchange.published == Strings{"mail.contoso.com", "autodiscover.contoso.com"});
    CHECK(exchange.certificate_name == "mail.contoso.local");
    CHECK(services(exchange) == Strings{"ews 1h 2g", "owa 1h 2g", "oab  ", "activesync 3600s 64m"});
    CHECK(exchange.servers[0].address == "mail01");
    CHECK(exchange.ports.https == 8443);

    REQUIRE(p.simple_urls.size() == 5);
    CHECK(p.simple_urls[0].kind == SimpleUrlKind::meet);
    CHECK(p.simple_urls[0].host == "meet.contoso.com");
    CHECK(p.simple_urls[0].path.empty());
    CHECK(p.simple_urls[0].farm == 2); // the Director
    CHECK(p.simple_urls[1].kind == SimpleUrlKind::meet);
    CHECK(p.simple_urls[1].host == "meet.fabrikam.com");
    CHECK(p.simple_urls[2].path == "/Dialin");
    CHECK(p.simple_urls[2].farm == 1);
    CHECK(p.simple_urls[3].host == "dialin.fabrikam.com");
    CHECK(p.simple_urls[3].farm == 1);
    CHECK(p.simple_urls[4].kind == SimpleUrlKind::admin);
}

TEST_CASE("Exchange publishes what Lync clients need, if nothing is said", "[declare]") {
    World world;
    const Publication p =
        world.declare(smallest("exchange mail.contoso.com { server 10.0.0.15; }"));
    CHECK(services(p.farms[1]) == Strings{"ews 1860s ", "exchange_autodiscover  "});
}

TEST_CASE("Office Communications Server listens on 80 and 443 and has no lyncdiscover",
          "[declare]") {
    World world;
    for (const auto product : {"ocs_2007", "ocs_2007_r2"}) {
        world.registry = {};
        const Publication p = world.declare(smallest("product "s + product + ";"));
        CHECK(p.farms[0].ports.http == 80);
        CHECK(p.farms[0].ports.https == 443);
        CHECK(p.sip_domains.empty());
        CHECK(world.shown_remarks() ==
              Strings{"\"sip_domain\" publishes nothing in lync_publish \"contoso\": product "s +
                      product + " has no lyncdiscover in nginx.conf:2"});
    }
}

TEST_CASE("the default sockets leave out IPv6 where there is none", "[declare]") {
    World world;
    world.environment.has_ipv6 = false;
    const Publication p = world.declare(smallest());
    CHECK(addresses(p.http_sockets) == Strings{"80"});
    CHECK(addresses(p.https_sockets) == Strings{"443"});
    CHECK(
        world.shown_remarks() ==
        Strings{"this system has no IPv6, so lync_publish \"contoso\" listens on port 80 of IPv4 "
                "only in nginx.conf:1",
                "this system has no IPv6, so lync_publish \"contoso\" listens on port 443 of IPv4 "
                "only in nginx.conf:1"});
    CHECK(world.remarks[0].severity == lync::Severity::notice);

    // What is written stays, wherever it leads.
    world.registry = {};
    const Publication written = world.declare(smallest("http_listen [::]:80; https_listen 443;"));
    CHECK(addresses(written.http_sockets) == Strings{"[::]:80"});
    CHECK(world.remarks.empty());
}

TEST_CASE("http_listen off is no socket", "[declare]") {
    World world;
    const Publication p = world.declare(smallest("http_listen off;"));
    CHECK(p.http_sockets.empty());
    CHECK(p.https_sockets.size() == 2);
}

TEST_CASE("times and sizes are nginx's", "[declare]") {
    World world;
    for (const auto time : {"960", "960s", "16m", "1h", "1h30m", "1d", "1w", "7d", "2h0m1s"}) {
        world.registry = {};
        CHECK(world.mistake(smallest("pending_get_timeout "s + time + ";")).empty());
    }
    for (const auto size : {"1", "100", "10k", "10K", "512m", "512M", "2g", "2G"}) {
        world.registry = {};
        CHECK(world.mistake(smallest("max_upload "s + size + ";")).empty());
    }
}

TEST_CASE("what is wrong with one directive is reported with its block and its line", "[declare]") {
    for (const auto& [more, message] : rows(R"(
        product sfb_2017;                                  | invalid value "sfb_2017" in "product" directive of lync_publish "contoso": the products are sfb_se, sfb_2019, sfb_2015, lync_2013, lync_2010, ocs_2007_r2, ocs_2007 in nginx.conf:11
        backend_verify yes;                                | invalid value "yes" in "backend_verify" directive of lync_publish "contoso": it is "on" or "off" in nginx.conf:11
        https_redirect 1;                                  | invalid value "1" in "https_redirect" directive of lync_publish "contoso": it is "on" or "off" in nginx.conf:11
        acme_challenge /var/$host;                         | invalid value "/var/$host" in "acme_challenge" directive of lync_publish "contoso": it is the path of a directory in nginx.conf:11
        acme_challenge "";                                 | invalid value "" in "acme_challenge" directive of lync_publish "contoso": it is the path of a directory in nginx.conf:11
        http_autodiscover yes;                             | invalid value "yes" in "http_autodiscover" directive of lync_publish "contoso": it is "auto", "on" or "off" in nginx.conf:11
        unknown_host drop;                                 | invalid value "drop" in "unknown_host" directive of lync_publish "contoso": it is "refuse" or "ignore" in nginx.conf:11
        pending_get_timeout soon;                          | invalid value "soon" in "pending_get_timeout" directive of lync_publish "contoso": a time is written as "960s", "16m" or "1h" in nginx.conf:11
        pending_get_timeout 1m1h;                          | invalid value "1m1h" in "pending_get_timeout" directive of lync_publish "contoso": a time is written as "960s", "16m" or "1h" in nginx.conf:11
        pending_get_timeout "";                            | invalid value "" in "pending_get_timeout" directive of lync_publish "contoso": a time is written as "960s", "16m" or "1h" in nginx.conf:11
        pending_get_timeout 0h0s;                          | invalid value "0h0s" in "pending_get_timeout" directive of lync_publish "contoso": it can't be zero in nginx.conf:11
        pending_get_timeout 169h;                          | invalid value "169h" in "pending_get_timeout" directive of lync_publish "contoso": the maximum is one week in nginx.conf:11
        max_upload 0;                                      | invalid value "0" in "max_upload" directive of lync_publish "contoso": a size is written as "512m" or "2g", from 1 to a terabyte, or in bytes up to 2000000000 in nginx.conf:11
        max_upload "";                                     | invalid value "" in "max_upload" directive of lync_publish "contoso": a size is written as "512m" or "2g", from 1 to a terabyte, or in bytes up to 2000000000 in nginx.conf:11
        max_upload 99999999g;                               | invalid value "99999999g" in "max_upload" directive of lync_publish "contoso": a size is written as "512m" or "2g", from 1 to a terabyte, or in bytes up to 2000000000 in nginx.conf:11
        certificate "" a.key;                              | invalid value "" in "certificate" directive of lync_publish "contoso": it is the path of a PEM file in nginx.conf:11
        certificate a.pem "$x";                            | invalid value "$x" in "certificate" directive of lync_publish "contoso": it is the path of a PEM file in nginx.conf:11
        server_include "";                                 | invalid value "" in "server_include" directive of lync_publish "contoso": it is the path of a file in nginx.conf:11
        server_include "a // b";                           | invalid value "a\x5cx0ab" in "server_include" directive of lync_publish "contoso": it is the path of a file in nginx.conf:12
        sip_domain *.fabrikam.com;                         | invalid domain "*.fabrikam.com" in "sip_domain" directive of lync_publish "contoso": a wildcard ... in nginx.conf:11
        sip_domain CONTOSO.COM;                            | domain "CONTOSO.COM" (contoso.com in DNS) is duplicate in "sip_domain" directive of lync_publish "contoso" in nginx.conf:11
        sip_domain a.com b.com a.com;                      | domain "a.com" is duplicate in "sip_domain" directive of lync_publish "contoso" in nginx.conf:11
        simple_url join https://meet.contoso.com;          | invalid value "join" in "simple_url" directive of lync_publish "contoso": it is written "simple_url meet|dialin|scheduler|admin URL ... [pool=FQDN]" in nginx.conf:11
        simple_url meet https://meet.contoso.com:443;      | invalid URL "https://meet.contoso.com:443" in "simple_url" directive of lync_publish "contoso": it contains a port ... in nginx.conf:11
        simple_url meet https://meet.contoso.com pool=a.contoso.local; | invalid value "pool=a.contoso.local" in "simple_url" directive of lync_publish "contoso": no pool or director of this publication has that FQDN in nginx.conf:11
        simple_url meet https://meet.contoso.com director=a.contoso.local; | invalid parameter "director=a.contoso.local" in "simple_url" directive of lync_publish "contoso": it may be pool=FQDN in nginx.conf:11
        simple_url admin https://admin.contoso.com pool=fepool.contoso.local; | invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso": the admin URL is declared so that it is blocked, it goes nowhere in nginx.conf:11
        simple_url meet pool=fepool.contoso.local;         | invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso": it stands once, after all URLs of the line in nginx.conf:11
        simple_url meet https://meet.contoso.com pool=fepool.contoso.local https://a.contoso.com; | invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso": it stands once, after all URLs of the line in nginx.conf:11
        simple_url meet https://meet.contoso.com/CSCP;     | invalid value "https://meet.contoso.com/CSCP" in "simple_url" directive of lync_publish "contoso": it is an administrative path ... in nginx.conf:11
        simple_url meet https://a.contoso.com // sip_domain b.com; | invalid URL "sip_domain" in "simple_url" directive of lync_publish "contoso": is the ";" before it missing? in nginx.conf:12
        office_web_apps wac.contoso.com { server 10.0.0.14; } simple_url meet https://a.contoso.com pool=wac.contoso.com; | invalid value "pool=wac.contoso.com" in "simple_url" directive of lync_publish "contoso": no pool or director of this publication has that FQDN in nginx.conf:11
        product ocs_2007_r2; simple_url meet https://meet.contoso.com; | "simple_url" directive is not allowed in lync_publish "contoso": product ocs_2007_r2 has no simple URLs in nginx.conf:11
        allow_path /abs/Int;                               | invalid value "/abs/Int" in "allow_path" directive of lync_publish "contoso": it is an internal path ... in nginx.conf:11
        deny_path x;                                       | invalid value "x" in "deny_path" directive of lync_publish "contoso": it must begin with a slash in nginx.conf:11
        deny_path /mcx; // allow_path /MCX/;               | invalid value "/mcx" in "deny_path" directive of lync_publish "contoso": the same path stands at nginx.conf:12 in nginx.conf:11
        deny_path ~ x;                                     | invalid value "~" in "deny_path" directive of lync_publish "contoso": a pattern is written "~* PATTERN", one in a directive in nginx.conf:11
        allow_path ~* /x( /y;                              | invalid value "~*" in "allow_path" directive of lync_publish "contoso": a pattern is written "~* PATTERN", one in a directive in nginx.conf:11
        allow_path ~* /x(;                                 | invalid value "/x(" in "allow_path" directive of lync_publish "contoso": it isn't a regular expression ... at character 3 in nginx.conf:11
        redirect /cscp https://a.contoso.com;              | invalid value "/cscp" in "redirect" directive of lync_publish "contoso": it is an administrative path ... in nginx.conf:11
        redirect https://lyncdiscover.contoso.com/x https://a.contoso.com; | invalid value "https://lyncdiscover.contoso.com/x" in "redirect" directive of lync_publish "contoso": it is no name of a pool, a simple URL or Exchange in this publication in nginx.conf:11
        redirect /x http://a.contoso.com;                  | invalid value "http://a.contoso.com" in "redirect" directive of lync_publish "contoso": it is an absolute URL, https://NAME/... in nginx.conf:11
        redirect /x https://lyncwebext.contoso.com/y; // redirect https://lyncwebext.contoso.com/y https://lyncwebext.contoso.com/%78; | invalid value "https://lyncwebext.contoso.com/y" in "redirect" directive of lync_publish "contoso": it leads on to https://lyncwebext.contoso.com/%78: write where that ends in nginx.conf:11
        redirect /x https://a.com; // redirect /X/ https://a.com; | invalid value "/X/" in "redirect" directive of lync_publish "contoso": the same page stands at nginx.conf:11 in nginx.conf:12
        sign_in ntlm;                                      | invalid value "ntlm" in "sign_in" directive of lync_publish "contoso": it is written "sign_in any | windows|password|certificate|oauth ..." in nginx.conf:11
        sign_in windows any;                               | invalid value "any" in "sign_in" directive of lync_publish "contoso": it stands alone in nginx.conf:11
        sign_in windows windows;                           | invalid value "windows" in "sign_in" directive of lync_publish "contoso": it is duplicate in nginx.conf:11
        sign_in certificate;                               | no client could sign in to product sfb_se: "sign_in" has to open "windows", "password" or "oauth" as well in nginx.conf:11
        product lync_2013; sign_in oauth;                  | no client could sign in to product lync_2013: its "oauth" is /passiveauth, which "allow_path /passiveauth" publishes in nginx.conf:11
        exchange mail.contoso.com { server 10.0.0.15; sign_in password; } | no client could sign in to exchange "mail.contoso.com": "sign_in" has to open "windows" or "oauth" as well in nginx.conf:11
    )")) {
        INFO(more);
        World world;
        CHECK(shown_as(world.mistake(smallest(more)), message) == message);
    }
}

TEST_CASE("what is wrong inside a block is reported with that block", "[declare]") {
    for (const auto& [block, message] : rows(R"(
        pool fepool2 { }                               | invalid FQDN "fepool2" in "pool" directive of lync_publish "contoso": it has one label only ... in nginx.conf:11
        pool IT { }                               | invalid FQDN "IT" in "pool" directive of lync_publish "contoso": it has one label only ... it.contoso.com in nginx.conf:11
        director dirpool.contoso.local { }             | no "external_web_services" in director "dirpool.contoso.local" of lync_publish "contoso": write the external web services FQDN that Topology Builder shows in nginx.conf:11
        director a.contoso.local { // external_web_services A.contoso.local; } | "a.contoso.local" is published as external_web_services of director "a.contoso.local": clients must be able ... in nginx.conf:12
        director a.contoso.local { // server 10.0.0.1:443; // external_web_services b.contoso.com; } | invalid address "10.0.0.1:443" in "server" directive of director "a.contoso.local": it has a port ... in nginx.conf:12
        office_web_apps a.contoso.com { }              | no "server" in office_web_apps "a.contoso.com" of lync_publish "contoso": write the address of each server, or of their load balancer in nginx.conf:11
        office_web_apps a.contoso.com { // server 10.0.0.1 backup; } | every "server" of office_web_apps "a.contoso.com" is a backup: at least one must not be in nginx.conf:12
        office_web_apps a.contoso.com { // server 10.0.0.1; // server 10.0.0.1; } | server "10.0.0.1" is duplicate in office_web_apps "a.contoso.com", the first stands at nginx.conf:12 in nginx.conf:13
        office_web_apps a.contoso.com { // server 10.0.0.1; // listening_ports http=80; } | invalid parameter "http=80" in "listening_ports" directive of office_web_apps "a.contoso.com": it is written "listening_ports https=443" in nginx.conf:13
        director a.contoso.local { // external_web_services b.contoso.com; // listening_ports https=0; } | invalid parameter "https=0" in "listening_ports" directive of director "a.contoso.local": https is a number from 1 to 65535 in nginx.conf:13
        director a.contoso.local { // external_web_services b.contoso.com; // listening_ports https=8080; } | http and https are both port 8080 in "listening_ports" directive of director "a.contoso.local": Topology Builder lists two listening ports for the external web site in nginx.conf:13
        director a.contoso.local { // external_web_services b.contoso.com; // listening_ports http=1 http=2; } | parameter "http" is duplicate in "listening_ports" directive of director "a.contoso.local" in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1 weight=1 weight=2; } | parameter "weight" is duplicate in "server" directive of exchange "a.contoso.com" in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1 slowstart=1s; } | invalid parameter "slowstart=1s" in "server" directive of exchange "a.contoso.com": it is written "server ADDRESS [name=NAME] [weight=N] [max_conns=N] [max_fails=N] [fail_timeout=TIME] [slow_start=TIME] [backup] [down]" in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1 slow_start=x; } | invalid value "x" in "server" directive of exchange "a.contoso.com": a time is written as "960s", "16m" or "1h" in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1; // affinity ip; } | invalid value "ip" in "affinity" directive of exchange "a.contoso.com": it is "none", "source" or "cookie" in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1 fail_timeout=x; } | invalid value "x" in "server" directive of exchange "a.contoso.com": a time is written as "960s", "16m" or "1h" in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1; // services ews powershell; } | invalid value "powershell" in "services" directive of exchange "a.contoso.com": remote PowerShell is never published in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1; // services oof; } | invalid value "oof" in "services" directive of exchange "a.contoso.com": it is written "services ews|autodiscover|owa|ecp|activesync|mapi|oab|rpc ... [timeout=TIME] [max_upload=SIZE]" in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1; // services ews timeout=0; } | invalid value "0" in "services" directive of exchange "a.contoso.com": it can't be zero in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1; // services ews max_upload=10x; } | invalid value "10x" in "services" directive of exchange "a.contoso.com": a size is written as "512m" or "2g", from 1 to a terabyte, or in bytes up to 2000000000 in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1; // services timeout=1h; } | no service in "services" directive of exchange "a.contoso.com": write before the limits which services they are for in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1; // certificate_name 10.0.0.1; } | invalid FQDN "10.0.0.1" in "certificate_name" directive of exchange "a.contoso.com": it is an address ... in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1 weight=0; } | invalid parameter "weight=0" in "server" directive of exchange "a.contoso.com": weight is a number from 1 to 1000000 in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1 max_fails=x; } | invalid parameter "max_fails=x" in "server" directive of exchange "a.contoso.com": max_fails is a number from 0 to 1000000 in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1 name=a/b; } | invalid parameter "name=a/b" in "server" directive of exchange "a.contoso.com": a name is up to 63 letters, digits, ".", "_" and "-", and begins with a letter or digit in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1 name=-a; } | invalid parameter "name=-a" in "server" directive of exchange "a.contoso.com": a name is up to 63 letters, digits, ".", "_" and "-", and begins with a letter or digit in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1 name=b; // server 10.0.0.2 name=B; } | server "B" is duplicate in exchange "a.contoso.com", the first stands at nginx.conf:12 in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1 name=10.0.0.2; // server 10.0.0.2; } | server "10.0.0.2" is duplicate in exchange "a.contoso.com", the first stands at nginx.conf:12 in nginx.conf:13
        director a.contoso.local { // computer 10.0.0.1:443; // external_web_services b.contoso.com; } | invalid value "10.0.0.1:443" in "computer" directive of director "a.contoso.local": it has a port ... in nginx.conf:12
        exchange a.contoso.com { // server 10.0.0.1; // services ews ews; } | invalid value "ews" in "services" directive of exchange "a.contoso.com": it is duplicate in nginx.conf:13
        exchange a.contoso.com { // server 10.0.0.1 // services ews; } | invalid parameter "services" in "server" directive of exchange "a.contoso.com": is the ";" before it missing? in nginx.conf:13
    )")) {
        INFO(block);
        World world;
        CHECK(shown_as(world.mistake(smallest(block)), message) == message);
    }
}

TEST_CASE("a block lacks what it needs", "[declare]") {
    for (const auto& [line, message] : rows(R"(
        sip_domain   contoso.com;                      | no "sip_domain" in lync_publish "contoso": write the SIP domains of your users, or "*" for any in nginx.conf:1
        certificate  public.pem public.key;            | no "certificate" in lync_publish "contoso": write the PEM files that the listener presents, "certificate FILE KEY" in nginx.conf:1
        trusted_ca   ca.pem;                           | no "trusted_ca" in lync_publish "contoso": write the file of the CA that issued the servers' own certificates in nginx.conf:1
        external_web_services  lyncwebext.contoso.com; | no "external_web_services" in pool "fepool.contoso.local" of lync_publish "contoso": write the external web services FQDN that Topology Builder shows in nginx.conf:6
    )")) {
        INFO(line);
        std::string text = smallest();
        text.erase(text.find(line), line.size());
        World world;
        CHECK(world.mistake(text) == message);
    }

    World world;
    CHECK(world.mistake("lync_publish contoso {\nsip_domain contoso.com;\ncertificate public.pem "
                        "public.key;\ntrusted_ca ca.pem;\n}") ==
          "no \"pool\" in lync_publish \"contoso\": declare the Front End pool or Standard Edition "
          "server, \"pool FQDN { ... }\" in nginx.conf:1");
}

TEST_CASE("a publication needs one name", "[declare]") {
    World world;
    const std::string why = ": it is made of up to 64 letters, digits, \"_\" and \"-\", and "
                            "doesn't begin with \"-\" in nginx.conf:1";
    CHECK(world.mistake("lync_publish contoso.com { }") ==
          "invalid name \"contoso.com\" in \"lync_publish\" directive" + why);
    CHECK(world.mistake("lync_publish \"\" { }") ==
          "invalid name \"\" in \"lync_publish\" directive" + why);
    CHECK(world.mistake("lync_publish " + std::string(65, 'a') + " { }").ends_with(why));
    CHECK(world.mistake("lync_publish -x { }").ends_with(why)); // an option of certbot's
    CHECK(world.mistake("lync_publish { }") ==
          "invalid number of arguments in \"lync_publish\" directive, it is written "
          "\"lync_publish NAME { ... }\" in nginx.conf:1");
    CHECK(world.mistake("lync_publish a b { }") ==
          "invalid number of arguments in \"lync_publish\" directive, it is written "
          "\"lync_publish NAME { ... }\" in nginx.conf:1");
}

TEST_CASE("affinity is by product, unless written", "[declare]") {
    const std::pair<const char*, Affinity> rows[] = {
        {"sfb_se", Affinity::none},      {"sfb_2019", Affinity::none},
        {"sfb_2015", Affinity::none},    {"lync_2013", Affinity::none},
        {"lync_2010", Affinity::cookie}, {"ocs_2007_r2", Affinity::source},
        {"ocs_2007", Affinity::source},
    };
    for (const auto& [product, affinity] : rows) {
        World world;
        INFO(product);
        const Publication p = world.declare(smallest("product " + std::string(product) +
                                                     ";\noffice_web_apps wac.contoso.com { "
                                                     "server 10.0.0.21; }"));
        CHECK(product_name(p.product) == product);
        CHECK(product_names().find(product) != std::string_view::npos);
        CHECK(p.farms[0].affinity == affinity);
        CHECK(p.farms[1].affinity == Affinity::none);
    }
    World world;
    const Publication written =
        world.declare(smallest("exchange mail.contoso.com { server 10.0.0.1; affinity source; }"));
    CHECK(written.farms[1].affinity == Affinity::source);
}

TEST_CASE("slow_start can be switched off", "[declare]") {
    World world;
    const Publication p = world.declare(
        smallest("exchange mail.contoso.com { server 10.0.0.1 slow_start=0; server 10.0.0.2 "
                 "slow_start=0s; server mail.contoso.local slow_start=2m; }"));
    CHECK(p.farms[1].servers[0].slow_start == std::chrono::seconds(0));
    CHECK(p.farms[1].servers[1].slow_start == std::chrono::seconds(0));
    CHECK(p.farms[1].servers[2].slow_start == std::chrono::seconds(120));
    CHECK(p.farms[1].servers[2].by_name);
}
