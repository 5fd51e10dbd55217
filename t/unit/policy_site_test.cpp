// The rules of a virtual host: kinds, plain HTTP, allow and deny, targets, methods.

#include "base/ascii.h"
#include "base/name_set.h"
#include "catch.h"
#include "policy/path.h"
#include "policy_sites.h"

using namespace policy_sites;
using policy::PlainAutodiscover;

TEST_CASE("policy: hosts that publish nothing", "[policy]") {
    const Site unknown(spec_of(SiteKind::unknown_host));
    CHECK(judged(unknown, "GET", "/") == "refuse:unknown_host");
    CHECK(judged(unknown, "GET", "/cscp") == "refuse:unknown_host");
    const Site blocked(spec_of(SiteKind::blocked));
    CHECK(judged(blocked, "GET", "/") == "refuse:admin");
    CHECK(judged(blocked, "GET", "/meet/x") == "refuse:admin");
}

TEST_CASE("policy: the admin simple URL's path is closed on every host", "[policy]") {
    for (const SiteSpec& spec :
         {pool(), pool(false), discovery(false), meet_host(), meet_host(false), shared_host(),
          exchange(), spec_of(SiteKind::office_web_apps), plain_http(PlainAutodiscover::always)}) {
        const Site site(spec);
        for (const char* path : {"/admin", "/ADMIN/", "/Admin/x?y", "/contososipdomain/admin/x",
                                 "/%61dmin", "//admin", "/x/../admin", "\\admin"}) {
            if (path[0] != '/') {
                continue;
            }
            INFO(static_cast<int>(spec.host.kind) << " " << path);
            CHECK(judge(site, "GET", path).action == policy::Action::refuse);
        }
        CHECK(judged(site, "GET", "/Admin/x") == "refuse:admin");
    }
    const Site site(meet_host());
    CHECK(judged(site, "GET", "/administrator/ABC") == "pass:meet");
}

TEST_CASE("policy: vendor publishes everything but what is never published", "[policy]") {
    const Site site(pool(false));
    CHECK(judged(site, "GET", "/") == "pass:unknown");
    CHECK(judged(site, "GET", "/anything/else") == "pass:unknown");
    CHECK(judged(site, "POST", "/passiveauth/x") == "pass:passiveauth");
    CHECK(judged(site, "DELETE", "/abs/handler") == "pass:abs");
    CHECK(judged(site, "GET", "/cscp") == "refuse:admin");
    CHECK(judged(site, "GET", "/abs/int/handler") == "refuse:internal");
    CHECK(judged(site, "GET", "/anything/web.config") == "refuse:internal");
    for (const char* method : {"TRACE", "CONNECT", "PROPFIND", "DEBUG", "get", "FOO", "", "LOCK"}) {
        CHECK(judged(site, method, "/abs/handler") == "refuse:method");
    }
    // two readings, two services
    CHECK(judged(site, "GET", "/%2561bs/handler") == "refuse:ambiguous_path");
    CHECK(judged(site, "GET", "/%61bs/handler") == "pass:abs");
    const Site shared(shared_host(false));
    CHECK(judged(shared, "GET", "/whatever") == "pass:unknown");
    CHECK(judged(shared, "GET", "/meet/x") == "pass:meet");
}

TEST_CASE("policy: deny_path wins", "[policy]") {
    SiteSpec spec = pool();
    spec.allow_paths = {"/own", "/passiveauth"};
    spec.deny_paths = {"/own/secret", "/scheduler", "/ucwa/V2/"};
    const Site site(spec);
    CHECK(judged(site, "GET", "/own/x") == "pass:unknown");
    CHECK(judged(site, "GET", "/own/Secret") == "refuse:denied");
    CHECK(judged(site, "GET", "/own/secretary") == "pass:unknown");
    CHECK(judged(site, "GET", "/own/%73ecret/x") == "refuse:denied");
    CHECK(judged(site, "GET", "/own/%2573ecret/x") == "refuse:denied");
    CHECK(judged(site, "GET", "/scheduler/") == "refuse:denied");
    CHECK(judged(site, "GET", "/ucwa/v1/applications") == "pass:ucwa");
    CHECK(judged(site, "GET", "/ucwa/v2/applications") == "refuse:denied");
    CHECK(judged(site, "GET", "/cscp") == "refuse:admin");

    spec.host.kind = SiteKind::plain_http;
    CHECK(judged(Site(spec), "GET", "/scheduler") == "refuse:denied");
    spec.host.kind = SiteKind::office_web_apps;
    CHECK(judged(Site(spec), "GET", "/scheduler") == "refuse:denied");
    CHECK(judged(Site(spec), "GET", "/scheduler.%20/x") == "refuse:denied");
    CHECK(judged(Site(spec), "GET", "/.../../scheduler") == "refuse:ambiguous_path");
}

TEST_CASE("policy: allow_path can't open what is never published", "[policy]") {
    SiteSpec spec = pool();
    spec.allow_paths = {"/cscp", "/abs/int", "/"};
    const Site site(spec);
    CHECK(judged(site, "GET", "/cscp/x") == "refuse:admin");
    CHECK(judged(site, "GET", "/abs/int/x") == "refuse:internal");
    CHECK(judged(site, "GET", "/nothing") == "refuse:path");
}

TEST_CASE("policy: a simple URL's target", "[policy]") {
    SiteSpec spec = shared_host();
    spec.host.simple_urls.push_back({"/contoso/Meet/east", Service::meet, 7});
    spec.host.simple_urls.push_back({"/contoso/Meet", Service::meet, 6});
    const Site site(spec);
    CHECK(judge(site, "GET", "/Meet/x").target == 2);
    CHECK(judge(site, "GET", "/fabrikam/MEET/x").target == 3);
    CHECK(judge(site, "GET", "/dialin").target == 4);
    CHECK(judge(site, "GET", "/contoso/meet/x").target == 6);
    CHECK(judge(site, "GET", "/contoso/meet/East/x").target == 7);
    CHECK(judge(site, "GET", "/contoso/meet/eastern/x").target == 6);
    CHECK(judge(site, "GET", "/lwa/x").target == 1);
    CHECK(judge(site, "GET", "/fonts/x").target == 1);

    // two readings, two pools
    CHECK(judged(site, "GET", "/contoso/meet/%2565ast/x") == "refuse:ambiguous_path");
    CHECK(judged(site, "GET", "/contoso/meet/%65ast/x") == "pass:meet");
    CHECK(judge(site, "GET", "/contoso/meet/%65ast/x").target == 7);

    const Site whole(meet_host());
    CHECK(judge(whole, "GET", "/lwa/x").target == 2);
    CHECK(judged(whole, "GET", "/lwa/x") == "pass:lwa");
}

TEST_CASE("policy: a dialin host serves /dialin, not /meet", "[policy]") {
    SiteSpec spec = spec_of(SiteKind::simple_urls);
    spec.host.simple_urls = {{"/numbers", Service::dialin, 5}};
    const Site site(spec);
    CHECK(judged(site, "GET", "/Numbers/x") == "pass:dialin");
    CHECK(judged(site, "GET", "/dialin/Resources/x.png") == "pass:dialin");
    CHECK(judged(site, "GET", "/meet/x") == "refuse:path");
    CHECK(judged(site, "PUT", "/numbers/x") == "refuse:method");
}

TEST_CASE("policy: plain HTTP", "[policy]") {
    constexpr const char* host = "lyncdiscover.contoso.com";
    struct Line {
        const char* method;
        const char* target;
        const char* host;
        const char* verdict;
    };
    const Line lines[] = {
        {"GET", "/", host, "pass:autodiscover"},
        {"HEAD", "/", host, "pass:autodiscover"},
        {"GET", "/?sipuri=jdoe@contoso.com", host, "pass:autodiscover"},
        {"GET", "?sipuri=jdoe@contoso.com", host, "pass:autodiscover"},
        {"GET", "", host, "pass:autodiscover"},
        {"GET", "/AutoDiscover/AutodiscoverService.svc/root", host, "pass:autodiscover"},
        {"GET", "/autodiscover", host, "pass:autodiscover"},
        {"GET", "/%61utodiscover/x", host, "pass:autodiscover"},
        {"POST", "/", host, "redirect"},
        {"OPTIONS", "/", host, "redirect"},
        {"POST", "/autodiscover/x", host, "redirect"},
        {"GET", "/autodiscovery", host, "redirect"},
        {"GET", "/xframe", host, "redirect"},
        {"POST", "/webticket/webticketservice.svc", host, "redirect"},
        {"GET", "/abs/handler", host, "redirect"},
        {"GET", "/autodiscover/../abs/handler", host, "redirect"},
        {"GET", "/%2561utodiscover/x", host, "redirect"},
        {"GET", "/meet/%252e%252e", host, "refuse:ambiguous_path"},
        {"GET", "/", "meet.contoso.com", "redirect"},
        {"GET", "/autodiscover/x", "lyncwebext.contoso.com", "redirect"},
        {"GET", "/", "lyncdiscoverinternal.contoso.com", "redirect"},
        {"GET", "/", "xlyncdiscover.contoso.com", "redirect"},
        {"GET", "/", "", "redirect"},
        {"GET", "/cscp", host, "refuse:admin"},
        {"GET", "/%2563scp", host, "refuse:admin"},
        {"GET", "/Admin", "lync.contoso.com", "refuse:admin"},
        {"GET", "/autodiscover/int", host, "refuse:internal"},
        {"GET", "/autodiscover/web.config", host, "refuse:internal"},
        {"TRACE", "/", host, "refuse:method"},
        {"PROPFIND", "/x", host, "refuse:method"},
        {"GET", "/%zz", host, "refuse:malformed"},
    };
    const Site always(plain_http(PlainAutodiscover::always));
    for (const Line& line : lines) {
        INFO(line.method << " " << line.target << " of " << line.host);
        CHECK(judged(always, line.method, line.target, line.host) == line.verdict);
    }

    const Site never(plain_http(PlainAutodiscover::never));
    CHECK(judged(never, "GET", "/?sipuri=x", host) == "redirect");

    SiteSpec spec = plain_http(PlainAutodiscover::always);
    spec.https_redirect = false;
    const Site refusing(spec);
    CHECK(judged(refusing, "GET", "/", host) == "pass:autodiscover");
    CHECK(judged(refusing, "GET", "/meet", host) == "refuse:plain_http");
    CHECK(judged(refusing, "GET", "/", "meet.contoso.com") == "refuse:plain_http");
}

TEST_CASE("policy: plain HTTP asks the certificates under a wildcard", "[policy]") {
    auto names = std::make_shared<lync::NameSet>();
    names->add("lyncdiscover.contoso.com");
    names->add("*.fabrikam.com");
    SiteSpec spec = plain_http(PlainAutodiscover::unless_covered);
    spec.certificate_names = names;
    const Site site(spec);
    CHECK(judged(site, "GET", "/", "lyncdiscover.contoso.com") == "redirect");
    CHECK(judged(site, "GET", "/", "lyncdiscover.fabrikam.com") == "redirect");
    CHECK(judged(site, "GET", "/", "lyncdiscover.tailspintoys.com") == "pass:autodiscover");
    CHECK(judged(site, "GET", "/", "lyncdiscover.east.fabrikam.com") == "pass:autodiscover");
    CHECK(judged(site, "POST", "/", "lyncdiscover.tailspintoys.com") == "redirect");
    CHECK(judged(site, "GET", "/meet", "lyncdiscover.tailspintoys.com") == "redirect");
}

TEST_CASE("policy: request targets that aren't a path", "[policy]") {
    for (const SiteSpec& spec :
         {pool(), pool(false), meet_host(), exchange(), spec_of(SiteKind::office_web_apps)}) {
        const Site site(spec);
        CHECK(judged(site, "GET", "*") == "refuse:malformed");
        CHECK(judged(site, "GET", "https://lyncwebext.contoso.com/abs") == "refuse:malformed");
        CHECK(judged(site, "GET", "abs/handler") == "refuse:malformed");
        CHECK(judged(site, "GET", "/" + std::string(policy::max_path, 'a')) == "refuse:malformed");
    }
    const Site site(pool());
    CHECK(judged(site, "GET", "/abs/" + std::string(policy::max_path - 5, 'a')) == "pass:abs");
    CHECK(judged(site, "GET", "/abs/" + std::string(policy::max_path - 16, 'a') + "/web.config") ==
          "refuse:internal");
    CHECK(judged(site, "GET", "/ucwa/x?" + std::string(60000, 'q')) == "pass:ucwa");
}

TEST_CASE("policy: the paths listed are the paths that pass", "[policy]") {
    SiteSpec allowing = pool();
    allowing.allow_paths = {"/PassiveAuth", "/custom"};
    SiteSpec dialin = spec_of(SiteKind::simple_urls);
    dialin.host.simple_urls = {{"/numbers", Service::dialin, 2}};
    for (const SiteSpec& spec :
         {pool(), allowing, discovery(), shared_host(), dialin, exchange(),
          exchange({Service::owa, Service::oab}), plain_http(policy::PlainAutodiscover::always),
          plain_http(policy::PlainAutodiscover::never), ocs(), ocs(lync::Product::ocs_2007),
          spec_of(SiteKind::blocked), spec_of(SiteKind::unknown_host)}) {
        const Site site(spec);
        const auto listed = site.passing_paths();
        const auto is_listed = [&](const std::string& path) {
            return std::any_of(listed.begin(), listed.end(), [&](const std::string& prefix) {
                return prefix == "/" ? path == "/"
                                     : policy::covers(lync::to_ascii_lower(prefix), path);
            });
        };
        std::vector<std::string> paths{"/",        "/custom",        "/numbers",     "/meet/x",
                                       "/unknown", "/fabrikam/meet", "/passiveauth", "/xframe"};
        for (const policy::PathRow& row : policy::path_rows()) {
            paths.emplace_back(row.prefix);
        }
        for (const std::string& path : paths) {
            CAPTURE(static_cast<int>(spec.host.kind), path);
            const auto passes = [&](const char* method) {
                return judge(site, method, path, "lyncdiscover.contoso.com").action ==
                       policy::Action::pass;
            };
            CHECK(is_listed(path) == (passes("GET") || passes("POST")));
        }
    }
    CHECK(Site(pool(false)).passing_paths() == std::vector<std::string>{"/*"});
    CHECK(Site(meet_host()).passing_paths() == std::vector<std::string>{"/*"});
    CHECK(Site(spec_of(SiteKind::office_web_apps)).passing_paths() ==
          std::vector<std::string>{"/*"});
}
