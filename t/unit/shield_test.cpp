// Known attacks: each row of the table stops its example however it is spelt, and nothing that is
// ordinary.

#include "catch.h"
#include "policy_sites.h"
#include "policy_spellings.h"

#include <fstream>
#include <random>

using namespace policy_sites;
using policy::Pattern;
using policy::ShieldHit;
using policy::ShieldRow;

namespace {

const Site& exchange_site() {
    static const Site site(
        shielded(exchange({Service::ews, Service::exchange_autodiscover, Service::owa,
                           Service::activesync, Service::mapi, Service::oab})));
    return site;
}
const Site& pool_site() {
    static const Site site(shielded(pool()));
    return site;
}

/// The name of the row that an example is stopped by: "" if it passes, "refuse:REASON" if it is
/// refused for something else.
std::string stopped_by(const Site& site, Service service, const std::string& example) {
    const auto name = [&](ShieldHit hit) {
        return hit ? site.shields().rows()[hit.row].name : std::string();
    };
    if (example.starts_with('/')) {
        const policy::Verdict verdict = judge(site, "GET", example);
        return verdict.action == policy::Action::pass || verdict.shield ? name(verdict.shield)
                                                                        : judged(verdict);
    }
    const std::size_t colon = example.find(": ");
    const std::string value = example.substr(colon + 2);
    const ShieldHit in_header =
        site.shields().find_in(policy::in_header, service, value, example.substr(0, colon));
    return name(in_header || !example.starts_with("Cookie")
                    ? in_header
                    : site.shields().find_in_each(policy::in_cookie, service, value, ';'));
}

std::string stopped_by(const ShieldRow& row, std::string_view example) {
    return row.on == "exchange" || row.on == "owa"
               ? stopped_by(exchange_site(), Service::owa, std::string(example))
               : stopped_by(pool_site(), Service::ucwa, std::string(example));
}

} // namespace

TEST_CASE("shield: each row stops its example and passes the neighbour", "[shield]") {
    for (const ShieldRow& row : policy::shield_rows()) {
        INFO(row.name);
        CHECK(stopped_by(row, row.stops) == (row.places == policy::in_meeturl ? "refuse:meeting_url"
                                             : row.places == policy::in_answer ? ""
                                                                               : row.name));
        CHECK(stopped_by(row, row.passes).empty());
        CHECK((row.pattern.empty() || !Pattern::probed(row.pattern).text().empty()));
        CHECK(row.source.starts_with("https://"));
        CHECK(policy::services_of(row.on) != 0);
    }
    CHECK(pool_site().shields().meeting_url());
}

// What is taken off the URL is "/" and the address, wherever it stands: "=" and "&" may be in it.
TEST_CASE("shield: ProxyShell's address may hold what a query is made of", "[shield]") {
    for (const char* target :
         {"json?x=y@evil.example/ews/exchange.asmx?&Email=autodiscover/autodiscover.json%3Fx%3Dy@a",
          "json?x&y@evil.example/ecp/?&Email=autodiscover/autodiscover.json%3Fx%26y@evil.example",
          "json?=@evil.example/oab/", "json?a@evil.example@internal/", "json?a&b=c@d%2Fews",
          "json?Email=autodiscover/autodiscover.json", "json?a=b&email=x%2Fy%40evil.example"}) {
        CHECK(stopped_by(exchange_site(), Service::owa,
                         std::string("/autodiscover/autodiscover.") + target) == "CVE-2021-34473");
    }
    CHECK(stopped_by(exchange_site(), Service::owa,
                     "/autodiscover/x@evil.example/ews/exchange.asmx/autodiscover.json") ==
          "CVE-2022-41040");
}

TEST_CASE("shield: a row is asked wherever its text may stand", "[shield]") {
    struct Case {
        policy::ShieldPlaces place;
        std::string_view pattern;
        std::string_view text; ///< of a target "PATH?QUERY"
        bool found;
    };
    const auto found = [](const policy::Shields& shields, const Case& c) {
        const auto [path, query] = policy::split_target(c.text);
        return static_cast<bool>(c.place == policy::in_header
                                     ? shields.find_in(c.place, Service::ucwa, c.text, "X")
                                 : c.place == policy::in_cookie
                                     ? shields.find_in_each(c.place, Service::ucwa, c.text, ';')
                                     : shields.find_in_target(Service::ucwa, path, query));
    };
    const auto shield = [](const Case& c) {
        policy::Shield made;
        made.on = "lync";
        made.places = c.place;
        made.pattern.emplace(c.pattern);
        return made;
    };
    constexpr Case cases[] = {
        {policy::in_url, R"(\?!!)", "/ucwa?!!",
         true}, // the "?" is neither the path's nor the query's
        {policy::in_url, R"(\?!!)", "/ucwa?!", false},
        {policy::in_query, "=//!", R"(/ucwa?a=\\!)", true}, // "\\" is "/"
        {policy::in_query, "=///", R"(?a=\\\)", true},
        {policy::in_query, "=!!", "/ucwa?a=+!!", true},
        {policy::in_path, "/zz!", "/zz!", true},
        {policy::in_header, "QZ--QZ", "aaqZ--qza", true},
        {policy::in_header, "qz--qz", "AAQz--QZA", true},
        {policy::in_header, "@@evil", "x @@EVIL", true},
        {policy::in_header, "@@evil", "x ``evil", false},
        {policy::in_header, "qz--qz", "%71z--qz", true},
        {policy::in_header, "qz--qz", "\xc1\xb1z--qz", true},
        {policy::in_cookie, "z[0-9]!!", "a=b; c=Z1!!", true},
        {policy::in_cookie, "z[0-9]!!", "a=b; c=%5A1%21!", true},
        {policy::in_cookie, "z[0-9]!!", "a=b; c=d", false},
    };
    std::vector<policy::Shield> all;
    for (const Case& c : cases) {
        INFO(c.pattern << " in " << c.text);
        CHECK(found(policy::Shields({shield(c)}), c) == c.found);
        all.push_back(shield(c));
    }
    const policy::Shields together(std::move(all));
    for (const Case& c : cases) {
        CHECK((!c.found || found(together, c)));
    }

    // At every place in a text of any length.
    const policy::Shields dollars({shield({policy::in_header, R"(\$\$!)", "", true})});
    for (std::size_t size = 3; size < 40; size++) {
        for (std::size_t at = 0; at + 3 <= size; at++) {
            std::string text(size, 'a');
            CHECK_FALSE(dollars.find_in(policy::in_header, Service::ucwa, text, "X"));
            CHECK(
                dollars.find_in(policy::in_header, Service::ucwa, text.replace(at, 3, "$$!"), "X"));
        }
    }
}

TEST_CASE("shield: no spelling of an attack gets by", "[shield]") {
    const auto spellable = [](char c) {
        return std::string_view("/?&=:; ").find(c) == std::string_view::npos;
    };
    const auto in_query = [](char c) { return c != '&' && c != '='; };
    const std::vector<std::string (*)(char)> encoders{
        spellings::percent,      spellings::percent2,          spellings::percent3,
        spellings::nested,       spellings::unicode,           spellings::unicode2,
        spellings::overlong2,    spellings::overlong3,         spellings::full_width,
        spellings::overlong_raw, spellings::full_width_unicode};
    unsigned spelt = 0;
    for (const ShieldRow& row : policy::shield_rows()) {
        if (row.places == policy::in_answer) {
            continue;
        }
        const std::string stops(row.stops);
        const std::size_t begin = stops.starts_with('/') ? 0 : stops.find(' ') + 1;
        const std::size_t mark = std::min(stops.find('?'), stops.size());
        std::vector<std::string> all;
        for (const auto encode : encoders) {
            const auto inner = [&](char c) {
                return (c & 0x80) == 0 && spellable(c) ? encode(c) : std::string(1, c);
            };
            all.push_back(stops.substr(0, begin) +
                          spellings::each(stops.substr(begin), spellable, inner));
            if (begin == 0) {
                all.push_back(stops.substr(0, mark) + "?" +
                              spellings::each(stops.substr(std::min(mark + 1, stops.size())),
                                              in_query, encode));
            }
        }
        const auto upper = [](char c) { return std::string(1, static_cast<char>(c & ~32)); };
        all.push_back(stops.substr(0, begin) +
                      spellings::each(stops.substr(begin), spellings::is_letter, upper));
        if (begin == 0 && row.places != policy::in_meeturl) { // base64 is what it is
            for (const std::string between :
                 {"//", "/./", "/%2e/", "/;a/", "%2f", "%5c", "/x/../"}) {
                all.push_back("/" +
                              spellings::each(stops.substr(1, mark - 1), spellings::is_slash,
                                              [&](char) { return between; }) +
                              stops.substr(mark));
            }
            for (const std::string in : {"%00", "%e2%80%8b", "%c2%ad", "%0d", "%c0"}) {
                const std::size_t middle = stops.find_last_of("lepj$.");
                all.push_back(stops.substr(0, middle) + in + stops.substr(middle));
            }
        } else if (begin != 0) {
            for (const std::string in : {"%00", "\xe2\x80\x8b", "%E2%80%8B", "%u200b", "%c2%ad",
                                         "%08", "%25%30%38", "\xc2\xad"}) {
                const std::size_t middle = stops.find_last_of("rn");
                all.push_back(stops.substr(0, middle) + in + stops.substr(middle));
            }
        }
        CHECK(all.size() >= 20);
        for (const std::string& spelling : all) {
            if (row.places == policy::in_meeturl && spelling.find("meet") == std::string::npos) {
                continue; // another parameter's name in another case: policy_meeting_url_test.cpp
            }
            INFO(row.name << ": " << spelling);
            CHECK_FALSE(stopped_by(row, spelling).empty());
            spelt++;
        }
    }
    CHECK(spelt > 200);
}

TEST_CASE("shield: no ordinary request is stopped", "[shield]") {
    std::mt19937 random(20261129);
    const auto of = [&](std::initializer_list<std::string> texts) {
        return *(texts.begin() + random() % texts.size());
    };
    const auto token = [&](std::size_t size, std::string_view digits) {
        std::string text;
        while (text.size() < size) {
            text += digits[random() % digits.size()];
        }
        return text;
    };
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view base64url =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    constexpr std::string_view base64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto guid = [&] { return token(8, hex) + "-" + token(4, hex) + "-" + token(12, hex); };
    const auto user = [&] {
        return of({"ken", "jörg.müller", "o%27neil", "power.shell", "adm..in"}) + "%40contoso.com";
    };

    unsigned stopped = 0;
    const auto ask = [&](const Site& site, const std::string& target) {
        const policy::Verdict verdict = judge(site, "GET", target);
        const bool fine = verdict.action == policy::Action::pass && !verdict.shield;
        INFO(target);
        stopped += fine ? 0 : 1;
        CHECK(fine);
        // What comes with it.
        for (const std::string& header : std::initializer_list<std::string>{
                 "Authorization: Negotiate " + token(3000, base64),
                 "Cookie: cwt_ucwa=" + token(900, base64url) +
                     "; X-BackEndCookie=" + token(200, base64url) + "; UC=" + guid() +
                     "; DefaultAnchorMailbox=ken@contoso.com",
                 "User-Agent: Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; "
                 "Pro)",
                 "X-Ms-Client-Request-Id: {" + guid() + "}"}) {
            stopped += stopped_by(site, verdict.service, header).empty() ? 0 : 1;
        }
    };
    for (int i = 0; i < 5000; i++) {
        ask(exchange_site(),
            of({"/autodiscover/autodiscover.json?Email=" + user() +
                    "&Protocol=" + of({"ActiveSync", "AutodiscoverV1", "Ews"}) + "&RedirectCount=1",
                "/autodiscover/autodiscover.json/v1.0/ken@contoso.com?Protocol=rest",
                "/Autodiscover/Autodiscover.xml",
                "/EWS/Exchange.asmx/s/GetUserPhoto?email=" + user() + "&size=HR96x96",
                "/mapi/emsmdb/?MailboxId=" + guid() + "@contoso.com", "/OAB/" + guid() + "/oab.xml",
                "/Microsoft-Server-ActiveSync?User=" + user() + "&DeviceId=" + token(32, hex) +
                    "&DeviceType=iPhone&Cmd=Ping",
                "/Microsoft-Server-ActiveSync?" + token(60, base64),
                "/owa/?ae=Item&t=IPM.Note&id=" + token(150, base64url),
                "/owa/service.svc?action=GetItem&EP=1&ID=-" + token(2, "0123456789") + "&AC=1",
                "/owa/ken@contoso.com/?path=/mail/search&q=powershell",
                "/owa/auth/"
                "logon.aspx?replaceCurrent=1&url=https%3a%2f%2fmail.contoso.com%2fowa%2f%3fpath%3d%"
                "2fmail",
                "/owa/service.svc/s/GetFileAttachment?id=" + token(300, base64url) +
                    "&X-OWA-CANARY=" + token(70, base64url) + "..&isImagePreview=True",
                "/owa/prem/15.2.1118.7/scripts/globalize/globalize.culture.de-de.js",
                // what a crawl of Outlook on the web comes by
                "/owa/auth/15.2.1118/themes/resources/segoeui-regular.eot?iefix",
                "/owa/auth/15.2.1118/scripts/premium/flogon.js",
                "/owa/prem/15.2.1118.7/resources/styles/0/boot.worldwide.mouse.css",
                "/owa/prem/15.2.1118.7/resources/images/0/sprite1.mouse.png",
                "/owa/sessiondata.ashx?appcacheclient=1&acver=15.2.1118.7",
                "/owa/"
                "userspecificresourceinjector.ashx?ver=15.2.1118.7&appcacheclient=1&layout=mouse",
                "/owa/manifests/appCacheManifestHandler.ashx?owamanifest=1&manifest=" +
                    token(8, hex),
                "/owa/ev.owa2?ns=PendingRequest&ev=PendingNotificationRequest&UA=0&cid=" + guid() +
                    "&brwnm=chrome&X-OWA-CANARY=" + token(70, base64url) + "..",
                "/owa/plt1.ashx?perfReportSequenceNumber=1&msg=a:b;c:d",
                "/owa/attachment.ashx?attach=1&id=" + token(200, base64url) + "%3d%3d&attcnt=1",
                "/owa/calendar/" + token(32, hex) + "@contoso.com/" + token(40, hex) +
                    "/calendar.html",
                "/owa/" + user() + "/?offline=disabled&path=/mail", "/owa/lang.owa",
                "/owa/auth.owa", "/owa/logoff.owa", "/owa/smime/owasmime.msi"}));
        ask(pool_site(),
            of({"/ucwa/v1/applications/" + token(12, "0123456789") +
                    "/events?ack=" + token(3, "0123456789") + "&low=5&medium=30",
                "/ucwa/v1/applications/1/people/sip%3ajdoe%40contoso.com/presence?x=" + guid(),
                "/autodiscover/autodiscoverservice.svc/root/user?sipuri=" + user(),
                "/lwa/WebPages/"
                "LwaClient.aspx?legacy=RmFsc2U!&meeturl="
                "aHR0cHM6Ly9tZWV0LmNvbnRvc28uY29tL2tlbm15ZXIvNzMyMjk5NA!!",
                "/meet/kenmyer/" + token(8, base64url), "/webticket/webticketservice.svc/mex",
                "/dialin?lang=de&name=B%C3%BCro%20..%20%24%7Bx",
                "/DataCollabWeb/Ext/Handler/upload.ashx?id=" + guid() +
                    "&name=Plan%20Q3...%20final%20(2).pptx",
                "/CollabContent/" + guid() + "/Budget..xlsx?sig=" + token(400, base64url) + "..." +
                    token(100, base64url),
                "/abs/handler/F-" + token(4, hex) + ".dabs",
                "/groupexpansion/service.svc/WebTicket_Bearer", "/scheduler/?x=a/../b&y=//cdn",
                "/reach/sip.svc?to=http://a//b",
                // what a crawl of the web app comes by
                "/lwa/WebPages/LwaClient.aspx", "/lwa/WebPages/LwaError.aspx?code=1",
                "/lwa/Content/Images/lync_logo.png?v=6.0.9319.272",
                "/lwa/Content/Styles/LwaClient.css", "/lwa/Scripts/jquery-1.8.3.min.js",
                "/lwa/Scripts/Lwa." + token(8, hex) + ".js",
                "/lwa/Plugin/Win/LWAPluginInstaller.exe",
                "/meet/JoinLauncher/js/launch.js?v=" + token(4, hex), "/meet/Images/logo.png",
                "/dialin/Conference.aspx", "/dialin/resources/en-us/help.htm",
                "/scheduler/Scripts/app.js", "/scheduler/Content/main.css?v=7.0.2046.530",
                "/DataCollabWeb/Ext/Handler/wopi/files/" + guid() +
                    "?access_token=" + token(300, base64url) + "&access_token_ttl=0"}));
        const policy::Shields& rows = pool_site().shields();
        const std::string name =
            of({"Q3..Q4.pptx", "Ken's plan (final).docx", "a%20b...xlsx", "10:30 $.txt"});
        const std::string form = "id=" + guid() + "&name=" + name +
                                 "&from=https%3A%2F%2Fx%2Fy&__VIEWSTATE=%2FwEPDw" +
                                 token(60, base64);
        stopped += rows.find_in_each(policy::in_form, Service::datacollab, form, '&') ||
                           rows.find_in(policy::in_file, Service::datacollab, "filename=" + name)
                       ? 1
                       : 0;
    }
    // The lab's tour, for each service; but for what it shows to be refused.
    std::ifstream tour(std::string(LYNC_SOURCE_DIR) + "/lab/tour.py");
    unsigned stops = 0;
    for (std::string line; std::getline(tour, line) && !line.starts_with("REFUSED");) {
        const std::size_t url = line.find("\"https://");
        const std::size_t path = url == std::string::npos ? url : line.find('/', url + 9);
        if (path == std::string::npos) {
            continue;
        }
        const policy::Target target =
            policy::split_target(std::string_view(line).substr(path, line.find('"', path) - path));
        for (int service = 0; service <= static_cast<int>(Service::internal_twin); service++) {
            stopped += pool_site().shields().find_in_target(
                           static_cast<Service>(service), to_ascii_lower(target.path), target.query)
                           ? 1
                           : 0;
        }
        stops++;
    }
    CHECK(stops >= 15);
    CHECK(stopped == 0);
}
