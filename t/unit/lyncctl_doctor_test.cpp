// The doctor's parts that need no network: the table of findings, the questions that follow from a
// plan, --resolve and --connect-to, documents of strangers. t/lyncctl/doctor_test has the rest.

#include "lyncctl/doctor/documents.h"
#include "lyncctl/doctor/examiner.h"
#include "lyncctl/doctor/findings.h"
#include "lyncctl/doctor/http.h"
#include "lyncctl/doctor/net.h"
#include "lyncctl/doctor/questions.h"

#include "base/names.h"
#include "block_builder.h"
#include "catch.h"

#include <set>
#include <sstream>

using namespace lync;
using namespace lync::testing;
using namespace lync::lyncctl::doctor;

namespace {

std::string http_word(PlainHttp http) {
    return http == PlainHttp::redirect       ? "redirect"
           : http == PlainHttp::autodiscover ? "autodiscover"
                                             : "unused";
}

/// "meet.contoso.com redirect /", "lyncdiscover.contoso.com redirect or autodiscover /"
Strings listed(const OutsideSteps& steps) {
    Strings all;
    for (const Name& name : steps.names) {
        std::string text = name.host + " " + http_word(name.http);
        if (name.http_uncovered != name.http) {
            text += " or " + http_word(name.http_uncovered);
        }
        for (const Question& question : name.questions) {
            text += " " + question.path;
        }
        all.push_back(text);
    }
    return all;
}

OutsideSteps outside(const plan::Plan& plan, const Strings& domains = {}) {
    return outside_steps({&plan}, domains);
}

const std::string web = " /Autodiscover/AutodiscoverService.svc/root /abs/handler "
                        "/WebTicket/WebTicketService.svc /WebTicket/WebTicketService.svc/mex "
                        "/cscp/";

} // namespace

TEST_CASE("a page that is redirected isn't asked for", "[doctor]") {
    const auto asked = [](const std::string& more) {
        return listed(outside(planned(smallest(
            "simple_url meet https://meet.contoso.com https://lync.contoso.com/Meet;" + more))));
    };
    const Strings all = asked("");
    CHECK(std::count(all.begin(), all.end(), "meet.contoso.com redirect /") == 1);
    CHECK(std::count(all.begin(), all.end(), "lync.contoso.com redirect /Meet/") == 1);
    const Strings moved = asked("redirect https://meet.contoso.com/ https://www.contoso.com;"
                                "redirect https://lync.contoso.com/meet https://www.contoso.com;");
    CHECK(std::count(moved.begin(), moved.end(), "meet.contoso.com redirect") == 1);
    CHECK(std::count(moved.begin(), moved.end(), "lync.contoso.com redirect") == 1);
}

TEST_CASE("every finding has a stable name and whole sentences", "[doctor]") {
    std::set<std::string_view> names;
    std::string_view before = "error";
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        CHECK(names.insert(kind.name).second);
        CHECK(kind.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
              std::string_view::npos);
        for (const std::string_view text : {kind.found, kind.cause, kind.remedy}) {
            CHECK_FALSE(text.ends_with('.'));
            CHECK(text.find('|') == std::string_view::npos); // it stands in a table of docs
        }
        CHECK_FALSE(kind.cause.empty());
        CHECK_FALSE(kind.remedy.empty());
        CHECK_NOTHROW(found_text(kind.id, Words(8)));
        CHECK(kind.severity >= before); // worst first
        before = kind.severity;
        CHECK(&kind_of(kind.id) == &kind);
    }
}

TEST_CASE("findings of the same thing are one finding, worst first", "[doctor]") {
    Findings findings;
    findings.add(Id::tls_old_accepted, "a.contoso.com", "10.0.0.1:443", {"10.0.0.1:443", "TLSv1"});
    findings.add(Id::certificate_expired, "a.contoso.com", "abc", Words(8));
    findings.add(Id::certificate_expired, "b.contoso.com", "abc", Words(8));
    findings.add(Id::certificate_expired, "b.contoso.com", "abc", Words(8));
    findings.add(Id::dns_past_proxy, "d.contoso.com", "d", Words(2));

    const auto sorted = findings.worst_first();
    REQUIRE(sorted.size() == 3);
    CHECK(sorted[0].kind->id == Id::dns_past_proxy);
    CHECK(sorted[1].where == Strings{"a.contoso.com", "b.contoso.com"});
    CHECK(sorted[2].kind->id == Id::tls_old_accepted);
}

TEST_CASE("text of strangers is printable and short", "[doctor]") {
    CHECK(shown("a\x1b[2Jb\nc\xc3\xa4") == "a?[2Jb?c??");
    CHECK(shown("0123456789", 4) == "0123...");
    CHECK(found_text(Id::dns_failed, {"{0}\x1b{1}"}) == "the DNS gives no answer: {0}?{1}");
}

TEST_CASE("doctor: --resolve is written as curl's", "[doctor]") {
    const Rule rule = parse_resolve("Meet.contoso.com:443:10.0.0.5");
    CHECK(rule.name == "meet.contoso.com");
    CHECK(rule.port == 443);
    CHECK(rule.address == "10.0.0.5");
    CHECK(parse_resolve("*:80:[::1]").address == "::1");
    for (const char* bad : {"", "meet.contoso.com", "meet.contoso.com:443", "a:443:",
                            ":443:1.2.3.4", "a:x:1.2.3.4", "a:0:1.2.3.4", "a:65536:1.2.3.4",
                            "a:443:proxy", "a:443:1.2.3.4,", "a:-1:1.2.3.4", "a:443:::1"}) {
        INFO(bad);
        CHECK_THROWS_AS(parse_resolve(bad), std::invalid_argument);
    }
}

TEST_CASE("doctor: --connect-to is written as curl's", "[doctor]") {
    const Rule rule = parse_connect_to("meet.contoso.com:443:10.0.0.5:8443");
    CHECK(rule.name == "meet.contoso.com");
    CHECK(rule.port == 443);
    CHECK(rule.address == "10.0.0.5");
    CHECK(rule.to_port == 8443);
    const Rule any = parse_connect_to("::[2001:db8::5]:");
    CHECK(any.name.empty());
    CHECK(any.port == 0);
    CHECK(any.address == "2001:db8::5");
    CHECK(any.to_port == 0);
    CHECK(parse_connect_to(":443::8443").address.empty());
    for (const char* bad :
         {"", "a", "a:443:10.0.0.5", "a:443:proxy:443", "a:0:10.0.0.5:443", "a:443:10.0.0.5:x"}) {
        INFO(bad);
        CHECK_THROWS_AS(parse_connect_to(bad), std::invalid_argument);
    }
}

TEST_CASE("documents that can't be read say why", "[doctor]") {
    for (const std::string body : {"", "<", "<a", "{\"AccessLocation\":\"External\"}", "\x00\x01",
                                   "<AutodiscoverResponse><Root>", "<html/>",
                                   "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;"
                                   "</a>"}) {
        INFO(body);
        CHECK_FALSE(parse_autodiscover(body).error.empty());
        CHECK_FALSE(parse_service_metadata(body).error.empty());
        CHECK_FALSE(parse_wopi_discovery(body).error.empty());
    }
    // Deep nesting costs no stack.
    std::string deep;
    for (int i = 0; i < 20'000; i++) {
        deep += "<a>";
    }
    CHECK_FALSE(parse_service_metadata(deep).error.empty());
}

TEST_CASE("addresses in the documents of services", "[doctor]") {
    const auto metadata = parse_service_metadata(
        "<m:Metadata xmlns:m=\"m\"><w:definitions xmlns:w=\"w\" xmlns:s=\"s\"><w:service>"
        "<w:port name=\"WebTicketServiceAnon\"><s:address location=\"https://a.contoso.com/t\"/>"
        "</w:port></w:service></w:definitions></m:Metadata>");
    CHECK(metadata.error.empty());
    REQUIRE(metadata.links.size() == 1);
    CHECK(metadata.links[0].token == "WebTicketServiceAnon");
    CHECK(metadata.links[0].href == "https://a.contoso.com/t");

    const auto discovery = parse_wopi_discovery(
        "<wopi-discovery><net-zone name=\"internal-https\"><app><action "
        "urlsrc=\"https://wac.contoso.local/p\"/></app></net-zone><net-zone "
        "name=\"external-https\">"
        "<app><action urlsrc=\"https://wac.contoso.com/p?a\"/><action "
        "urlsrc=\"https://wac.contoso.com/m\"/></app></net-zone></wopi-discovery>");
    CHECK(discovery.error.empty());
    REQUIRE(discovery.links.size() == 1); // once, and not the inside's
    CHECK(discovery.links[0].href == "https://wac.contoso.com");
}

TEST_CASE("titles of pages", "[doctor]") {
    CHECK(title_of("<html><HEAD><Title lang=en>\n Welcome to nginx! </TITLE>") ==
          "Welcome to nginx!");
    CHECK(title_of("<title>never closed") == "never closed");
    CHECK(title_of("<title") == "");
    CHECK(title_of("") == "");
}

TEST_CASE("URLs are taken apart", "[doctor]") {
    const auto url = parse_url("HTTPS://WebExt.contoso.com:4443/a/b?c=d");
    REQUIRE(url.has_value());
    CHECK(url->scheme == "https");
    CHECK(url->host == "webext.contoso.com");
    CHECK(url->port == "4443");
    CHECK(url->target == "/a/b?c=d");
    CHECK(parse_url("https://a.contoso.com")->target == "/");
    for (const std::string& bad :
         {std::string(), std::string("/relative"), std::string("https://"),
          std::string("https://a b/"), std::string("https://a.contoso.com\0.example.net/", 34)}) {
        INFO(bad);
        CHECK_FALSE(parse_url(bad).has_value());
    }
}

TEST_CASE("names are asked as clients come by them", "[doctor]") {
    const plan::Plan plan = planned(smallest("simple_url meet https://lync.contoso.com/Meet;\n"
                                             "simple_url dialin https://lync.contoso.com/Dialin;\n"
                                             "simple_url admin https://admin.contoso.com;"));
    const OutsideSteps steps = outside(plan);
    CHECK(listed(steps) == Strings{"lyncdiscover.contoso.com redirect or autodiscover /",
                                   "lyncwebext.contoso.com unused" + web,
                                   "lync.contoso.com redirect /Meet/ /Dialin/"});
    CHECK(steps.internal_names ==
          Strings{"fepool.contoso.local", "lyncdiscoverinternal.contoso.com"});
    CHECK(is_published(steps.published, "lync.contoso.com"));
    CHECK_FALSE(is_published(steps.published, "admin.contoso.com"));
    CHECK_FALSE(is_published(steps.published, "fepool.contoso.local"));
    CHECK(steps.patterns.empty());
}

TEST_CASE("doctor: what plain HTTP of lyncdiscover is for", "[doctor]") {
    for (const auto& [line, wanted] : {std::pair("", "redirect or autodiscover"),
                                       {"http_autodiscover on;", "unused or autodiscover"},
                                       {"http_autodiscover off;", "redirect"},
                                       {"https_redirect off;", "unused or autodiscover"},
                                       {"http_listen off;", "unused"}}) {
        CHECK(listed(outside(planned(smallest(line)))).front() ==
              "lyncdiscover.contoso.com " + std::string(wanted) + " /");
    }
}

TEST_CASE("doctor: --resolve and --connect-to together", "[doctor]") {
    const std::vector<Rule> rules{
        parse_connect_to(":443::8443"), parse_connect_to("a.b:80:10.0.0.9:"),
        parse_resolve("*:443:10.0.0.5"), parse_resolve("a.b:443:10.0.0.6")};
    const auto to = [&](std::string_view host, std::uint16_t port) {
        const auto [address, to_port] = redirected(rules, host, port);
        return address + ":" + std::to_string(to_port);
    };
    CHECK(to("a.b", 443) == "10.0.0.5:8443"); // the first rule of each
    CHECK(to("a.b", 80) == "10.0.0.9:80");
    CHECK(to("c.d", 80) == ":80");
}

TEST_CASE("names for any domain need one", "[doctor]") {
    const plan::Plan plan =
        planned(replaced(smallest("simple_url meet https://meet.*;"), "contoso.com;", "*;"));
    CHECK(outside(plan).patterns == Strings{"lyncdiscover.*", "meet.*"});
    CHECK(outside(plan).names.size() == 1);

    const OutsideSteps steps = outside(plan, {"contoso.com", "example.com"});
    CHECK(steps.patterns.empty());
    CHECK(listed(steps) == Strings{"lyncdiscover.contoso.com redirect or autodiscover /",
                                   "lyncdiscover.example.com redirect or autodiscover /",
                                   "lyncwebext.contoso.com unused" + web,
                                   "meet.contoso.com redirect /", "meet.example.com redirect /"});
    CHECK(is_published(steps.published, "meet.anything.example.net"));
}

TEST_CASE("doctor: --domain chooses among those declared", "[doctor]") {
    const plan::Plan plan = planned(smallest("sip_domain fabrikam.com example.com;"));
    CHECK(listed(outside(plan, {"fabrikam.com"})) ==
          Strings{"lyncdiscover.fabrikam.com redirect or autodiscover /",
                  "lyncwebext.contoso.com unused" + web});
}

TEST_CASE("servers are asked as the proxy asks them", "[doctor]") {
    const plan::Plan plan = planned(
        smallest("sip_domain example.com;\n"
                 "director dirpool.contoso.local { external_web_services dirwebext.contoso.com; "
                 "server 10.0.1.1; server 10.0.1.2 down; }\n"
                 "office_web_apps wac.contoso.com { server 10.0.2.1; }\n"
                 "exchange mail.contoso.com { server 10.0.3.1; services ews; }"));
    const ProxySteps steps = proxy_steps({&plan}, {});
    Strings servers;
    for (const ServerStep& step : steps.servers) {
        servers.push_back(step.address + " " + std::to_string(step.http) +
                          (step.http_in_use ? " used " : " ") + step.farm->published.front() + " " +
                          step.discovery_host + " " + std::to_string(step.questions.size()));
    }
    CHECK(servers == Strings{"10.0.0.11 8080 lyncwebext.contoso.com lyncdiscover.contoso.com 4",
                             "10.0.1.1 8080 used dirwebext.contoso.com lyncdiscover.contoso.com 3",
                             "10.0.2.1 0 wac.contoso.com lyncdiscover.contoso.com 1",
                             "10.0.3.1 0 mail.contoso.com lyncdiscover.contoso.com 1"});
}

TEST_CASE("OCS has neither autodiscover nor web tickets", "[doctor]") {
    const plan::Plan plan =
        planned(replaced(smallest("product ocs_2007_r2;"), "sip_domain   contoso.com;", ""));
    CHECK(listed(outside(plan)) == Strings{"lyncwebext.contoso.com unused /abs/ext/handler "
                                           "/groupexpansion/ext/service.asmx"});
    CHECK(proxy_steps({&plan}, {}).servers[0].http == 0);
}

TEST_CASE("a run ends by itself, whatever servers answer", "[doctor]") {
    Settings settings;
    settings.time_limit = std::chrono::milliseconds(0);
    Examination written;
    std::ostringstream out;
    lyncctl::Output output(out, out, "table", {});
    Examiner examiner(settings, written, output);
    try {
        examiner.resolve("meet.contoso.com");
        FAIL("it goes on");
    } catch (const Interrupted& interrupted) {
        CHECK(interrupted.why == "the run takes longer than 0 seconds, 60 times --timeout");
    }
    CHECK(written.asked == 0);
}
