// Request lines of real clients: every one passes under path_policy strict, as the service it is.
// Taken from Microsoft's documents, [MS-OCDISCWS], UCWA's samples, SIPE's source and field reports.

#include "catch.h"
#include "policy_sites.h"
#include "table.h"

using namespace policy_sites;

namespace {

/// Rows of "METHOD TARGET | verdict".
void check(const Site& site, std::string_view table) {
    for (const auto& [line, verdict] : lync::testing::rows(table)) {
        INFO(line);
        const std::size_t space = std::min(line.find(' '), line.size());
        CHECK(judged(site, line.substr(0, space), line.substr(std::min(space + 1, line.size()))) ==
              verdict);
    }
}

} // namespace

TEST_CASE("policy: clients find their pool", "[policy]") {
    const Site site(discovery());
    check(site, R"(
        GET /                                                                  | pass:autodiscover
        HEAD /                                                                 | pass:autodiscover
        GET /?sipuri=jdoe@contoso.com                                          | pass:autodiscover
        GET /?sipuri=sip:jdoe@contoso.com                                      | pass:autodiscover
        GET ?sipuri=lyncUser1@contoso.com                                      | pass:autodiscover
        GET                                                                    | pass:autodiscover
        GET /xframe                                                            | pass:autodiscover
        GET /XFrame/XFrame.html                                                | pass:autodiscover
        GET /Autodiscover/XFrame/XFrame.html                                   | pass:autodiscover
        GET /autodiscover/autodiscoverservice.svc/root                         | pass:autodiscover
        GET /Autodiscover/AutodiscoverService.svc/root?originalDomain=contoso.com | pass:autodiscover
        GET /Autodiscover/AutodiscoverService.svc/root/oauth/user?originalDomain=contoso.com | pass:autodiscover
        GET /webticket/webticketservice.svc                                    | refuse:path
        GET /abs/handler                                                       | refuse:path
        GET /index.html                                                        | refuse:path
    )");
}

TEST_CASE("policy: desktop clients", "[policy]") {
    const Site site(pool());
    check(site, R"(
        GET /Autodiscover/AutodiscoverService.svc/root/user             | pass:autodiscover
        GET /Autodiscover/AutodiscoverService.svc/root/domain           | pass:autodiscover
        GET /webticket/webticketservice.svc/mex                         | pass:webticket
        POST /WebTicket/WebTicketService.svc                            | pass:webticket
        POST /webticket/webticketservice.svc/Auth                       | pass:webticket
        POST /WebTicket/WebTicketService.svc/cert                       | pass:webticket
        GET /CertProv/CertProvisioningService.svc/mex                   | pass:certprov
        POST /CertProv/CertProvisioningService.svc/WebTicket_Proof_SHA1 | pass:certprov
        GET /abs/handler                                                | pass:abs
        GET /abs/handler/F-0bd2.lsabs                                   | pass:abs
        HEAD /ABS/Handler/D-0bd1-0bd2.lsabs                             | pass:abs
        GET /abs/handler/C-0bd2-2ab9.lsabs?x=1                          | pass:abs
        GET /groupexpansion/service.svc/mex                             | pass:groupexpansion
        POST /GroupExpansion/service.svc/WebTicket_Bearer               | pass:groupexpansion
        POST /groupexpansion/service.asmx                               | pass:groupexpansion
        POST /Reach/sip.svc                                             | pass:reach
        GET /reach/sip.svc/mex                                          | pass:reach
        GET /CollabContent/9f2c4b7a0d/Presentation%201.pptx             | pass:collabcontent
        PUT /CollabContent/9f2c4b7a0d/whiteboard.dat                    | pass:collabcontent
        GET /scheduler                                                  | pass:scheduler
        GET /dialin/Conference.aspx                                     | pass:dialin
    )");
}

TEST_CASE("policy: mobile clients and UCWA", "[policy]") {
    const Site site(pool());
    check(site, R"(
        POST /webticket/oauthtoken                                             | pass:webticket
        OPTIONS /WebTicket/oauthtoken                                          | pass:webticket
        POST /ucwa/v1/applications                                             | pass:ucwa
        POST /ucwa/oauth/v1/applications                                       | pass:ucwa
        GET /ucwa/oauth/v1/applications/101                                    | pass:ucwa
        DELETE /ucwa/oauth/v1/applications/101                                 | pass:ucwa
        POST /ucwa/v1/applications/103030/batch                                | pass:ucwa
        GET /ucwa/oauth/v1/applications/101/events?ack=1&timeout=900&low=1800  | pass:ucwa
        GET /ucwa/v1/applications/192/people/jdoe@contoso.com                  | pass:ucwa
        GET /ucwa/v1/applications/192/people/jdoe%40contoso.com/presence       | pass:ucwa
        GET /ucwa/v1/applications/192/photos/lenea@contoso.com                 | pass:ucwa
        GET /ucwa/v1/applications/192/people/sip:jdoe@contoso.com/note         | pass:ucwa
        PUT /ucwa/v1/applications/192/me/callForwardingSettings/immediateForwardSettings | pass:ucwa
        GET /ucwa/v1/applications/192/people/search?query=lene&limit=10        | pass:ucwa
        DELETE /ucwa/v1/applications/192/groups/7f0e/contacts/a%2Bb@contoso.com | pass:ucwa
        POST /ucwa/v1/applications/192/communication/conversations/137ab01f-3dba-4f6a-9b62-1d4f0a6d0b7c/messaging/messages?OperationContext=5a | pass:ucwa
        GET /ucwa/v1/applications/192/onlineMeetings/myOnlineMeetings/Q0FBQUFBRUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE~.-_! | pass:ucwa
        GET /ucwa/v1/applications/192/conf/sip:jdoe@contoso.com;gruu;opaque=app:conf:focus:id:7322994 | pass:ucwa
        OPTIONS /ucwa/v1/applications                                          | pass:ucwa
        PATCH /ucwa/v1/applications                                            | refuse:method
        PUT /webticket/oauthtoken                                              | refuse:method
        DELETE /abs/handler                                                    | refuse:method
    )");
}

TEST_CASE("policy: meetings", "[policy]") {
    const Site host(meet_host());
    check(host, R"(
        GET /                                                                  | pass:meet
        GET /kenmyer/7322994                                                   | pass:meet
        GET /john%20doe/ABC                                                    | pass:meet
        GET /kenmyer/7322994?sl=1                                              | pass:meet
        GET /meet/Resources/SFBFavIcon.ico                                     | pass:meet
        GET /meet/JavaScriptResourceHandler.ashx?lcs_se_w16_msrc6.0.9319.88&language=en-US | pass:meet
        GET /fonts/segoeui.woff                                                | pass:static
        POST /kenmyer/7322994                                                  | pass:meet
        DELETE /kenmyer/7322994                                                | refuse:method
        GET /hybridconfig/service.svc                                          | refuse:path
    )");
    const Site shared(shared_host());
    check(shared, R"(
        GET /Meet/kenmyer/7322994                 | pass:meet
        GET /meet/john%20doe/ABC                  | pass:meet
        GET /MEET                                 | pass:meet
        GET /dialin                               | pass:dialin
        GET /Dialin/Conference.aspx?x=y           | pass:dialin
        GET /fabrikam/meet/pat/XYZ                | pass:meet
        GET /lwa/WebPages/LwaClient.aspx          | pass:lwa
        GET /LMStaticData/style.css               | pass:static
        POST /WebTicket/WebTicketService.svc/Auth | pass:webticket
        GET /meeting/kenmyer                      | refuse:path
        GET /scheduler                            | refuse:path
        GET /abs/handler                          | refuse:path
        GET /fabrikam                             | refuse:path
        GET /                                     | refuse:path
    )");
    const Site web(pool());
    check(web, R"(
        GET /lwa/WebPages/LwaClient.aspx?legacy=RmFsc2U!&xml=PD94bWwgdmVyc2lvbj0iMS4wIj8- | pass:lwa
        GET /LWA/Scripts/main.js                                               | pass:lwa
        POST /DataCollabWeb/Ext/Handler/upload.ashx                            | pass:datacollab
        GET /Meet/kenmyer/7322994                                              | pass:meet
        GET /                                                                  | refuse:path
        GET /Join?uri=sip%3Ajdoe%40contoso.com&key=1                           | refuse:path
    )");
}

TEST_CASE("policy: what some organisations need is one allow_path away", "[policy]") {
    const Site closed(pool());
    SiteSpec spec = pool();
    spec.allow_paths = {"/PassiveAuth", "/hybridconfig/",       "/requestHandlerExt",
                        "/rgsclients",  "/LocationInformation", "/storage",
                        "/own/app"};
    const Site open(spec);
    for (const std::string& line : lync::testing::words(R"(
             /passiveauth/PassiveAuth.aspx /HybridConfig/service.svc /RequestHandlerExt/ucdevice.upx
             /requesthandlerext/Files/x.cat /locationinformation/liservice.svc
             /RgsClients/AgentService.svc /storage/x
         )")) {
        INFO(line);
        CHECK(judged(closed, "POST", line) == "refuse:path");
        const std::string remedy(closed.allow_path_remedy({"POST", {line, {}}, "x"}));
        CHECK_FALSE(remedy.empty());
        CHECK(policy::check_allow_path(remedy).empty());
        CHECK(judge(open, "POST", line).action == policy::Action::pass);
    }
    CHECK(closed.allow_path_remedy({"GET", {"/nothing", {}}, "x"}).empty());
    CHECK(closed.allow_path_remedy({"GET", {"/cscp", {}}, "x"}).empty());
    CHECK(closed.allow_path_remedy({"GET", {"/meet/..%2f", {}}, "x"}).empty());
    CHECK(judged(open, "GET", "/own/App/x") == "pass:unknown");
    CHECK(judged(open, "GET", "/own/apple") == "refuse:path");
}

TEST_CASE("policy: Office Communications Server", "[policy]") {
    const Site r2(ocs());
    check(r2, R"(
        GET /ABS/ext/Handler/F-0bd2.lsabs              | pass:abs
        POST /GroupExpansion/Ext/service.asmx          | pass:groupexpansion
        POST /RequestHandler/ucdevice.upx              | pass:device_update
        POST /RequestHandlerExt/ucdevice.upx           | pass:device_update
        GET /DeviceUpdateFiles_Ext/x.cat               | pass:device_update
        GET /etc/place/null/meeting/x.ppt              | pass:conferencing
        GET /abs/handler                               | refuse:path
        GET /abs/int/handler                           | refuse:internal
        POST /groupexpansion/int/service.asmx          | refuse:internal
        GET /DeviceUpdateFiles_Int/x.cat               | refuse:internal
        GET /conf/int                                  | refuse:internal
        GET /conf/ext                                  | refuse:path
        GET /autodiscover/autodiscoverservice.svc/root | refuse:path
        GET /meet/x                                    | refuse:path
        POST /webticket/webticketservice.svc           | refuse:path
        GET /sites/ucupdateserver/x                    | refuse:path
    )");
    const Site ocs_2007(ocs(lync::Product::ocs_2007));
    check(ocs_2007, R"(
        GET /ABS/ext/F-0bd2.lsabs   | pass:abs
        GET /sites/ucupdateserver/x | pass:device_update
        POST /RequestHandlerExt/x   | refuse:path
    )");
}

TEST_CASE("policy: mobility and Persistent Chat end with Skype for Business Server 2015",
          "[policy]") {
    for (const lync::Product product : {lync::Product::lync_2013, lync::Product::sfb_2015,
                                        lync::Product::sfb_2019, lync::Product::sfb_se}) {
        SiteSpec spec = pool();
        spec.product = product;
        const Site site(spec);
        const bool has = product <= lync::Product::sfb_2015;
        for (const char* path : {"/mcx", "/persistentchat"}) {
            INFO(path << " of " << lync::product_name(product));
            CHECK(site.allow_path_remedy({"POST", {path, {}}, "x"}) == (has ? path : ""));
        }
    }
}

TEST_CASE("policy: a script of another origin asks by OPTIONS first", "[policy]") {
    const Site site(pool());
    for (const char* path : {"/ucwa/v1", "/autodiscover/x", "/webticket/x", "/reach/x",
                             "/collabcontent/x", "/datacollabweb/x"}) {
        INFO(path);
        CHECK(judge(site, "OPTIONS", path).action == policy::Action::pass);
    }
    CHECK(judged(site, "OPTIONS", "/abs/handler") == "refuse:method");
}

TEST_CASE("policy: what a product doesn't have isn't published", "[policy]") {
    SiteSpec spec = pool();
    spec.product = lync::Product::lync_2010;
    const Site lync_2010(spec);
    CHECK(judged(lync_2010, "POST", "/mcx/mcxservice.svc") == "pass:mcx");
    CHECK(judged(lync_2010, "POST", "/ucwa/v1/applications") == "refuse:path");
    CHECK(judged(lync_2010, "GET", "/lwa/") == "refuse:path");
    CHECK(judged(lync_2010, "GET", "/reach/") == "pass:reach");
    CHECK(judged(lync_2010, "GET", "/requesthandler/Files/x") == "refuse:internal");
}

TEST_CASE("policy: Exchange", "[policy]") {
    const Site small(exchange());
    check(small, R"(
        POST /EWS/Exchange.asmx                                                | pass:ews
        GET /ews/Exchange.asmx/s/GetUserPhoto?email=jdoe@contoso.com&size=HR96x96 | pass:ews
        POST /Autodiscover/Autodiscover.xml                                    | pass:exchange_autodiscover
        GET /autodiscover/autodiscover.json?Email=jdoe%40contoso.com           | pass:exchange_autodiscover
        GET /owa/                                                              | refuse:path
        POST /mapi/emsmdb/?MailboxId=x                                         | refuse:path
        GET /ecp/                                                              | refuse:admin
        POST /PowerShell/                                                      | refuse:admin
        GET /                                                                  | refuse:path
        PROPFIND /EWS/x                                                        | refuse:method
        GET /abs/handler                                                       | refuse:path
    )");
    const Site all(exchange({Service::ews, Service::owa, Service::activesync, Service::mapi,
                             Service::oab, Service::exchange_autodiscover}));
    check(all, R"(
        GET /owa/auth/logon.aspx?url=https%3a%2f%2fmail.contoso.com%2fowa%2f   | pass:owa
        OPTIONS /Microsoft-Server-ActiveSync                                   | pass:activesync
        POST /Microsoft-Server-ActiveSync?Cmd=Sync&User=jdoe&DeviceId=x&DeviceType=iPhone | pass:activesync
        POST /mapi/nspi/?MailboxId=x                                           | pass:mapi
        GET /OAB/1f2e/oab.xml                                                  | pass:oab
        POST /OAB/1f2e/oab.xml                                                 | refuse:method
        GET /owa/web.config                                                    | refuse:internal
        GET /ecp/                                                              | refuse:admin
        RPC_IN_DATA /rpc/rpcproxy.dll?mail:6001                                | refuse:path
        RPC_IN_DATA /owa/                                                      | refuse:method
    )");
    const Site old_outlook(exchange({Service::owa, Service::exchange_admin, Service::rpc}));
    check(old_outlook, R"(
        GET /ecp/?rfr=owa&p=AccountInformation                                 | pass:exchange_admin
        GET /ECP/web.config                                                    | refuse:internal
        RPC_IN_DATA /rpc/rpcproxy.dll?mail:6001                                | pass:rpc
        RPC_OUT_DATA /Rpc/RpcProxy.dll?mail:6001                               | pass:rpc
        POST /rpc/rpcproxy.dll?mail:6001                                       | refuse:method
        GET /cscp/                                                             | refuse:admin
    )");
    for (const bool strict : {true, false}) {
        const Site lync(pool(strict));
        check(lync, "RPC_IN_DATA /meet/x | refuse:method\n GET /ecp/ | refuse:admin");
    }
    check(Site(spec_of(SiteKind::office_web_apps)), "RPC_IN_DATA /x | refuse:method");
}

TEST_CASE("policy: Office Web Apps pass byte for byte", "[policy]") {
    const Site site(spec_of(SiteKind::office_web_apps));
    check(site, R"(
        GET /hosting/discovery                                                | pass:office_web_apps
        GET /m/ParticipantFrame.aspx?a=0&e=true&WopiSrc=https%253A%252F%252Fx | pass:office_web_apps
        GET /p/ResReader.ashx/%252e%252e/%252Fx%255c..%252fy                  | pass:office_web_apps
        GET /m/met/participant.svc/%zz/%c0%af/..%2f;x                         | pass:office_web_apps
        POST /x/_vti_bin/EwaInternalWebService.json/GetSession                | pass:office_web_apps
        POST /p/view.svc/jsonAnonymous/GetPresentationInfoXml                 | pass:office_web_apps
        GET /reports/../wv/x                                                  | pass:office_web_apps
        GET /cscp                                                             | refuse:admin
        GET /Admin                                                            | refuse:admin
        GET /x/..\%63scp/                                                     | refuse:admin
        GET /cscp./x                                                          | refuse:admin
        GET /%2e%2e%2e/../cscp/                                               | refuse:ambiguous_path
        GET /%20/../cscp/                                                     | refuse:ambiguous_path
        GET /../cscp/                                                         | refuse:ambiguous_path
        TRACE /                                                               | refuse:method
        PROPFIND /                                                            | refuse:method
    )");
}

// A `set $args $uri` of a server_include puts decoded text into a query.
TEST_CASE("policy: nothing passes that would end the request line", "[policy]") {
    const policy::SiteSpec specs[] = {pool(),
                                      pool(false),
                                      exchange(),
                                      discovery(),
                                      plain_http(policy::PlainAutodiscover::always),
                                      spec_of(SiteKind::office_web_apps)};
    for (const policy::SiteSpec& spec : specs) {
        const Site site(spec);
        for (const std::string_view breaks : {" ", "\r\nX: y", "\t", "\x7f", "\x01"}) {
            for (const std::string& target :
                 {"/autodiscover?a" + std::string(breaks), "/x" + std::string(breaks)}) {
                CHECK(judged(site, "GET", target) == "refuse:malformed");
            }
        }
        CHECK(judged(site, "GET", "/autodiscover?a=\xc3\xbc") != "refuse:malformed");
    }
}
