// `redirect`: which pages may lead elsewhere, where to, and which requests are sent there.

#include "policy/redirect.h"
#include "policy_sites.h"

#include "catch.h"

#include <string>
#include <tuple>

using namespace policy_sites;
using policy::Action;
using policy::Reason;

TEST_CASE("where a redirect may be from", "[redirect]") {
    for (const auto& [text, host, path, error] :
         {std::tuple("/owa", "", "/owa", ""),
          {"/Dialin/", "", "/dialin", ""},
          {"https://Meet.contoso.com", "meet.contoso.com", "", ""},
          {"https://mail.contoso.com/", "mail.contoso.com", "", ""},
          {"https://mail.contoso.com/OWA/", "mail.contoso.com", "/owa", ""},
          {"/", "", "", "it is the first page of every simple URL, too"},
          {"owa", "", "", "it "},
          {"http://meet.contoso.com/x", "", "", "its scheme is http"},
          {"https://meet.*/x", "", "", "it holds a \"*\""},
          {"/owa?x", "", "", "it must be a path"},
          {"/x%2fy", "", "", "it must be written without"},
          {"/cscp", "", "", "it is an administrative path"},
          {"/abs/Int/x", "", "", "it is an internal path"},
          {"https://meet.contoso.com/OcsPowershell", "", "", "it is an administrative path"},
          {"/webticket", "", "", "it is of the service webticket, which only programs request"},
          {"/ucwa/v1", "", "", "it is of the service ucwa"},
          {"/autodiscover", "", "", "it is of the service autodiscover"},
          {"https://mail.contoso.com/EWS", "", "", "it is of the service ews"}}) {
        INFO(text);
        const auto from = policy::read_redirect_from(text, Product::sfb_se);
        if (*error == '\0') {
            CHECK(std::tuple(from.host, from.path, from.error) ==
                  std::tuple(std::string(host), std::string(path), std::string()));
        } else {
            CHECK_THAT(from.error, Catch::Matchers::StartsWith(error));
        }
    }
}

TEST_CASE("where a redirect may lead", "[redirect]") {
    for (const auto& [text, location, error] :
         {std::tuple("https://www.contoso.com/phone?x=%20#top",
                     "https://www.contoso.com/phone?x=%20#top", ""),
          {"HTTPS://WWW.Contoso.COM", "https://www.contoso.com/", ""},
          {"https://www.contoso.com?x", "https://www.contoso.com/?x", ""},
          {"https://www.contoso.com:8443/", "https://www.contoso.com:8443/", ""},
          {"https://b\xc3\xbcro.contoso.com/x", "https://xn--bro-hoa.contoso.com/x", ""},
          {"http://www.contoso.com/", "", "it is an absolute URL"},
          {"//www.contoso.com/", "", "it is an absolute URL"},
          {"/x", "", "it is an absolute URL"},
          {"https:///x", "", "its name isn't one"},
          {"https://user@www.contoso.com/", "", "its name isn't one"},
          {"https://www.contoso.com:0/", "", "its port"},
          {"https://www.contoso.com:/", "", "its port"},
          {"https://www.contoso.com:65536/", "", "its port"},
          {"https://www.contoso.com:443x/", "", "its port"},
          {"https://$host/x", "", "its name isn't one"},
          {"https://www.contoso.com$request_uri", "", "its name isn't one"},
          {"https://www.contoso.com/$request_uri", "", "it is sent as it stands"},
          {"https://www.contoso.com/x\r\nSet-Cookie: y", "", "it is sent as it stands"},
          {"https://www.contoso.com/a b", "", "it is sent as it stands"},
          {"https://www.contoso.com/b\xc3\xbcro", "", "it is sent as it stands"}}) {
        INFO(text);
        const auto to = policy::read_redirect_to(text);
        CHECK(to.location == location);
        CHECK_THAT(to.error, Catch::Matchers::StartsWith(error));
        CHECK(to.error.empty() == (*error == '\0'));
    }
    CHECK(policy::read_redirect_to("https://x.contoso.com/%4Fwa/?x").path == "/owa");
}

TEST_CASE("requests that are redirected", "[redirect]") {
    struct Judged {
        Action action;
        Reason reason;
        std::string location;
    };
    const auto judged = [](SiteSpec spec, std::string_view host, std::string_view path,
                           std::string_view method = "GET") {
        spec.redirects = {{"", "/owa", "https://mail.example.com/"},
                          {"meet.contoso.com", "", "https://www.contoso.com/meetings"},
                          {"meet.contoso.com", "/owa", "https://webmail.example.com/"},
                          {"", "/cscp", "https://www.contoso.com/"}};
        spec.deny_paths = {"/owa/denied"};
        const Site site(spec);
        const policy::Verdict verdict = site.judge({method, policy::split_target(path), host});
        return Judged{verdict.action, verdict.reason, std::string(verdict.location)};
    };
    for (const auto& [spec, host, path, location] :
         {std::tuple(pool(), "lyncwebext.contoso.com", "/owa", "https://mail.example.com/"),
          {pool(), "lyncwebext.contoso.com", "/OWA/?x=1", "https://mail.example.com/"},
          {pool(), "lyncwebext.contoso.com", "/o%77a", "https://mail.example.com/"},
          {meet_host(), "meet.contoso.com", "/owa", "https://webmail.example.com/"},
          {meet_host(), "meet.contoso.com", "/", "https://www.contoso.com/meetings"},
          {pool(), "lyncwebext.contoso.com", "/", ""},
          {pool(), "lyncwebext.contoso.com", "/owa/x", ""},
          {pool(), "lyncwebext.contoso.com", "/owax", ""},
          {pool(), "lyncwebext.contoso.com", "/cscp", ""},
          {pool(), "lyncwebext.contoso.com", "/x;/../owa", ""},
          {discovery(), "lyncdiscover.contoso.com", "/owa", ""}}) {
        INFO(host << path);
        const Judged verdict = judged(spec, host, path);
        CHECK(verdict.location == location);
        CHECK((verdict.action == Action::redirect) == (*location != '\0'));
    }
    CHECK(judged(pool(), "lyncwebext.contoso.com", "/cscp").reason == Reason::admin);
    CHECK(judged(pool(), "lyncwebext.contoso.com", "/owa", "HEAD").action == Action::redirect);
    for (const char* method : {"POST", "TRACE", "PUT"}) {
        CHECK(judged(pool(), "lyncwebext.contoso.com", "/owa", method).action == Action::refuse);
    }
}
