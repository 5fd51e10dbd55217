// The guard of LwaClient.aspx's meeturl (CVE-2023-41763).

#include "catch.h"
#include "ntlm_messages.h"
#include "policy_sites.h"
#include "policy_spellings.h"
#include "table.h"

using namespace policy_sites;

namespace {

std::string base64(std::string_view text, std::string_view alphabet_end = "+/",
                   std::string_view padding = "=") {
    std::string out;
    for (const char c : lync::testing::base64(text)) {
        out += c == '=' ? padding
                        : std::string_view(c == '+'   ? &alphabet_end[0]
                                           : c == '/' ? &alphabet_end[1]
                                                      : &c,
                                           1);
    }
    return out;
}

std::string percent(std::string_view text) {
    return spellings::each(
        std::string(text), [](char) { return true; }, spellings::percent);
}

const std::string page = "/lwa/WebPages/LwaClient.aspx?";
const std::string good = "https://meet.contoso.com/kenmyer/7322994";
const std::string evil = "https://10.137.0.26/x/y";

} // namespace

TEST_CASE("policy: meeting URLs that are published pass", "[policy]") {
    const Site site(pool());
    const std::string urls[] = {
        good,
        "https://meet.contoso.com",
        "https://meet.contoso.com/",
        "HTTPS://Meet.Contoso.com/kenmyer/7322994",
        "https://meet.contoso.com/kenmyer/7322994?sl=1",
        "https://meet.contoso.com/john%20doe/ABC",
        "https://meet.contoso.com/meet/kenmyer/7322994",
        "https://lync.contoso.com/meet/kenmyer/7322994",
        "https://meet.contoso.com/~~~~/~~~/~~", // holds a "+" or "-" whatever the alignment
    };
    for (const std::string& url : urls) {
        for (const char* end : {"+/", "-_"}) {
            for (const char* padding : {"=", "!", ""}) {
                const std::string value = base64(url, end, padding);
                {
                    // a raw "+" is a space to the page, and no part of the value
                    const bool plus = value.find('+') != std::string::npos;
                    INFO(url << " " << value);
                    CHECK(judged(site, "GET", page + "meeturl=" + value) ==
                          (plus ? "refuse:meeting_url" : "pass:lwa"));
                }
                INFO(url << " " << value);
                CHECK(judged(site, "GET", page + "meetURL=" + percent(value)) == "pass:lwa");
                CHECK(judged(site, "GET", page + "x=1&meeturl=" + percent(value) + "&y=%26") ==
                      "pass:lwa");
                CHECK(judged(site, "GET", page + "meeturl=" + percent(percent(value))) ==
                      "pass:lwa");
            }
        }
    }
    CHECK(judged(site, "GET", page + "x=1&y=2") == "pass:lwa");
    CHECK(judged(site, "GET", page + "meet=1&meeturls=x&xmeeturl=y&url=meeturl") == "pass:lwa");
    CHECK(judged(site, "GET", page + "junk=%zz%ff%00%e4&&=&") == "pass:lwa");
    CHECK(judged(site, "GET", page.substr(0, page.size() - 1)) == "pass:lwa");
    CHECK(judged(site, "GET", "/ucwa/v1?meeturl=" + base64(evil)) == "pass:ucwa");
}

TEST_CASE("policy: meeting URLs that aren't published are refused", "[policy]") {
    const Site site(pool());
    std::vector<std::string> urls = lync::testing::words(R"(
        http://meet.contoso.com/kenmyer/7322994 http://10.137.0.26/?id=POC%25{1337*1337}#.xx//
        https://meet.contoso.com@evil.example/x/y https://evil.example@meet.contoso.com/x/y
        https://meet.contoso.com:443/x/y https://meet.contoso.com:/x/y
        https://meet.contoso.com.evil.example/x/y https://evilmeet.contoso.com/x/y
        https://meet.contoso.com./x/y https://.meet.contoso.com/x/y
        https://meet.contoso.com\@evil.example/x https:\\meet.contoso.com/x
        https:/meet.contoso.com/x https:meet.contoso.com/x https:///meet.contoso.com/x
        \x20https://meet.contoso.com/x https://meet.contoso.com\x20/x
        https://meet.contoso.com/x\x20y https://meet.contoso.com\x09/x
        https://meet.contoso.com/x\x0a https://meet.contoso.com/x\x00
        https://meet.contoso.com/x#.com/ https://meet%2econtoso.com/x
        https://meet.contoso.com%2f@evil.example/x https://[::1]/x https://2130706433/x
        https://m\xc3\xaaet.contoso.com/x https://meet\xe3\x80\x82contoso.com/x
        file:///c:/windows/win.ini https:// meet.contoso.com/x/y //meet.contoso.com/x/y
        https://lync.contoso.com/dialin https://lync.contoso.com/meeting/x
        https://lync.contoso.com/meet/../cscp https://lync.contoso.com/meet/%2e%2e/cscp
        https://meet.contoso.com/cscp https://meet.contoso.com/%2563scp
        https://meet.contoso.com/lwa/WebPages/LwaClient.aspx?meeturl=aHR0cHM6Ly8xMC4xMzcuMC4yNi8
        https://meet.contoso.com/Abs/Int/x https://meet.contoso.com/kenmyer/web.config
        https://meet.contoso.com/x/%5fvti_bin/y https://meet.contoso.com/x?y#z
        https://meet.contoso.com/x?y\z https://lync.contoso.com//meet/x
        https://lync.contoso.com/%6deet/x
    )");
    urls.insert(urls.end(), {"", evil});
    for (const std::string& url : urls) {
        INFO(url);
        const std::string value = base64(url);
        CHECK_FALSE(policy::is_meeting_url(url, site.spec().rules->meet_urls));
        CHECK(judged(site, "GET", page + "meeturl=" + percent(value)) == "refuse:meeting_url");
        CHECK(judged(site, "GET", page + "meeturl=" + percent(percent(value))) ==
              "refuse:meeting_url");
    }
}

TEST_CASE("policy: meeturl is recognised in any dress", "[policy]") {
    const std::string value = base64(evil, "-_", "!");
    const std::string fine = base64(good, "-_", "!");
    const std::string queries[] = {
        "meeturl=" + value,
        "MeetUrl=" + value,
        "MEETURL=" + value,
        "x=1&meeturl=" + value,
        "x=1;meeturl=" + value,
        "?meeturl=" + value,
        "&&meeturl=" + value,
        "%6deeturl=" + value,
        percent("meeturl") + "=" + value,
        percent(percent("meeturl")) + "=" + value,
        percent(percent(percent("MeetUrl"))) + "=" + value,
        "%u006deeturl=" + value,
        "+meeturl=" + value,
        "meeturl+=" + value,
        "meeturl%20=" + value,
        "meeturl%00=" + value,
        "m%c2%adeeturl=" + value,
        "%ef%bd%8deeturl=" + value,
        "m%e2%80%8beeturl=" + value,
        "m%ffeeturl=" + value,
        "meeturl",
        "meeturl=",
        "meeturl=" + fine + "&meeturl=" + value,
        "meeturl=" + value + "&meeturl=" + fine,
        "meeturl=" + fine + "&MEETURL",
        "meeturl=" + fine + "," + value,
        "meeturl=" + fine + ";x=1",
        "meeturl=" + fine + "=" + fine,
        "meeturl=" + fine + "===",
        "meeturl=" + fine.substr(0, 8) + "+" + fine.substr(8),
        "meeturl=" + fine.substr(0, 8) + "%20" + fine.substr(8),
        "meeturl=" + fine.substr(0, 8) + "%0a" + fine.substr(8),
        "meeturl=" + fine + "%00",
        "meeturl=" + fine.substr(0, 9),
        "meeturl=" + base64("https://meet.contoso.com/ab") + "A",
        "x=1%26meeturl=" + value,
        "x=1%26meeturl%3d" + value,
        "x=1%2526meeturl%253d" + value,
        "meeturl=" + fine + "%26meeturl=" + value,
        "meeturl=" + fine + "&x=%26meeturl%3d" + value,
        percent("meeturl=" + value),
        percent(percent("x=1&meeturl=" + value)),
        "r=%2flwa%2f%3fmeeturl%3d" + value,
        "x=%25252525252525252526meeturl=" + value,
    };
    const Site site(pool());
    SiteSpec off = pool();
    off.meeting_url_guard = false;
    const Site open(off);
    for (const std::string& query : queries) {
        INFO(query);
        CHECK(judged(site, "GET", page + query) == "refuse:meeting_url");
        CHECK(judged(site, "GET", "/LWA/?" + query) == "refuse:meeting_url");
        CHECK_FALSE(site.parameters_pass(query));
        CHECK(judged(open, "GET", page + query) == "pass:lwa");
        CHECK_FALSE(judge(open, "GET", page + query).guarded);
    }
    for (const char* filler : {"+", "%20", "%2520", "%c2%ad", "\xc2\xad"}) {
        std::string name;
        for (int i = 0; i < 600; i++) {
            name += filler;
        }
        INFO(filler);
        CHECK(judged(site, "GET", page + name + "meeturl=" + value) == "refuse:meeting_url");
    }
    CHECK_FALSE(site.parameters_pass(std::string(policy::max_parameters + 1, 'x')));
    CHECK(site.parameters_pass("meeturl=" + fine + "&x=" + std::string(60000, 'x')));
    CHECK(site.parameters_pass("r=%2flwa%2f%3fmeeturl%3d" + fine));
}

TEST_CASE("policy: cookies and forms are parameters of what is guarded", "[policy]") {
    const Site site(pool());
    CHECK(judge(site, "GET", "/lwa/").guarded);
    CHECK(judge(site, "POST", "/lwa/WebPages/LwaClient.aspx?meeturl=" + base64(good)).guarded);
    CHECK_FALSE(judge(site, "GET", "/abs/handler").guarded);
    CHECK_FALSE(judge(site, "GET", "/lwa/?meeturl=x").guarded); // refused already
    // A meet simple URL may lie under the web app's own path.
    SiteSpec under = meet_host();
    under.host.simple_urls = {{"/lwa/meet", policy::Service::meet, 0}};
    CHECK(judge(Site(under), "GET", "/lwa/meet/x").guarded);

    CHECK(site.parameters_pass("sid=1; MS-WSMAN=abc; a=b%20c"));
    CHECK(site.parameters_pass("sid=1; meeturl=" + base64(good)));
    CHECK_FALSE(site.parameters_pass("sid=1; MeetURL=" + base64(evil)));
    CHECK_FALSE(site.parameters_pass("meeturl=" + base64(good) + "; meeturl=" + base64(evil)));
}

TEST_CASE("policy: the guard holds on every host that has the web app", "[policy]") {
    for (const SiteSpec& spec :
         {pool(), pool(false), meet_host(), meet_host(false), shared_host(), shared_host(false)}) {
        const Site site(spec);
        for (const char* path : {"/lwa/WebPages/LwaClient.aspx", "/LWA/webpages/lwaclient.ASPX",
                                 "/lwa", "/lwa/", "/%6cwa/x", "//lwa//x", "/lwa/x.aspx/y",
                                 "/lwa;x/LwaClient.aspx", "/%256cwa/LwaClient.aspx"}) {
            INFO(path);
            CHECK(judge(site, "GET", path + ("?meeturl=" + base64(evil))).action ==
                  policy::Action::refuse);
        }
        CHECK(judged(site, "GET", page + "meeturl=" + base64(good, "-_", "!")) == "pass:lwa");
    }
}

TEST_CASE("policy: the guard holds where the web app has no row", "[policy]") {
    SiteSpec spec = pool(false);
    spec.product = lync::Product::lync_2010;
    const Site site(spec);
    CHECK(judged(site, "GET", page + "meeturl=" + base64(evil)) == "refuse:meeting_url");
    CHECK(judged(site, "GET", "/%256cwa/?meeturl=" + base64(evil)) == "refuse:meeting_url");
    CHECK(judged(site, "GET", "/%256cwa/") == "pass:unknown");
}

TEST_CASE("policy: the guard under https://meet.*", "[policy]") {
    SiteSpec spec = pool();
    spec.meet_urls = {{"Meet.*", ""}, {"lync.*", "/contoso/Meet/"}};
    const Site site(spec);
    const auto verdict = [&](std::string_view url) {
        return judged(site, "GET", page + "meeturl=" + percent(base64(url)));
    };
    CHECK(verdict("https://meet.contoso.com/x/y") == "pass:lwa");
    CHECK(verdict("https://MEET.fabrikam.com/x/y") == "pass:lwa");
    CHECK(verdict("https://lync.fabrikam.com/Contoso/meet/x/y") == "pass:lwa");
    CHECK(verdict("https://lync.fabrikam.com/meet/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet./x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meeting.contoso.com/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://10.0.0.1/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet.x@evil.example/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet.x:y@evil.example/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet.contoso.com:8080/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet.contoso..com/x/y") == "refuse:meeting_url");
    CHECK(verdict("https://meet.contoso%2ecom/x/y") == "refuse:meeting_url");
}
