// Known attacks: each row of the table stops its example however it is spelt, and nothing that is
// ordinary; patterns and row files that can't be meant.

#include "base/ascii.h"
#include "config/publication.h"
#include "policy/multipart.h"
#include "policy/shield.h"

#include "block_builder.h"
#include "catch.h"
#include "policy_sites.h"
#include "policy_spellings.h"
#include "table.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

using namespace lync;
using namespace lync::testing;
using namespace policy_sites;
using policy::Pattern;
using policy::ShieldHit;
using policy::ShieldRow;

namespace {

SiteSpec shielded(SiteSpec spec) {
    for (const ShieldRow& row : policy::shield_rows()) {
        spec.shields.push_back(policy::make_shield(row));
    }
    return spec;
}

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
                                                                        : told(verdict);
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

TEST_CASE("shield: patterns that can't be used", "[shield]") {
    for (const auto& [pattern, wrong] : rows(R"--(
        /owa/(x                  | isn't a regular expression: missing closing parenthesis at character 7
        abc                      | has no text that every match contains and no ticket does by chance: six characters outside of brackets, or three with one that is neither letter nor digit
        [abcdef]{6}              | has no text that every match contains and no ticket does by chance: six characters outside of brackets, or three with one that is neither letter nor digit
        (?i)/owa/x               | has an option or verb, "(?i)" or "(*...)": letter case never counts, and the others can't be used here
        (*LIMIT_MATCH=9)/owa/    | has an option or verb, "(?i)" or "(*...)": letter case never counts, and the others can't be used here
        /owa/\Kx                 | has "\K", which can't be used here
        /owa/(a+)+b              | backtracks without end over a text of 512 characters: avoid repetitions within repetitions
    )--")) {
        INFO(pattern);
        CHECK_THROWS_WITH(Pattern::probed(pattern), wrong);
    }
    CHECK_THROWS_WITH(Pattern::probed("(?:x)*", Pattern::Needs::nothing), "matches every text");
    CHECK_THROWS_WITH(Pattern::probed(""), "must have 1 to 512 characters");
    CHECK_THROWS_WITH(Pattern::probed(std::string(513, 'x')), "must have 1 to 512 characters");
}

TEST_CASE("shield: what a pattern matches, and when it gives up", "[shield]") {
    using enum Pattern::Result;
    const Pattern pattern("/owa/[^?]*?\\{id\\}");
    CHECK(pattern.match("x/OWA/a{ID}") == yes);
    CHECK(pattern.match("x/owa/a?{id}") == no);
    CHECK(pattern.match("/owa/a{id") == no);
    CHECK(pattern.match(std::string(60000, 'w')) == limit); // a literal may begin at each of them
    CHECK(pattern.match(std::string(4000, 'a')) == no);     // none of it stands there
    CHECK(pattern.match("/owa/{id}" + std::string(600, 'a')) == limit);
    // what is shorter than its text is looked for around its literal
    const Pattern bounded("\\$\\{[^}]{0,40}(?:jndi|env):?x");
    const std::string far(600, 'a');
    CHECK(bounded.match(far + "${foo}" + far) == no);
    CHECK(bounded.match(far + "${foo}" + far + "${" + std::string(40, 'b') + "JNDI:x" + far) ==
          yes);
    CHECK(bounded.match(far + "${" + std::string(41, 'b') + "jndi:x") == no);
    std::string often = far;
    for (int i = 0; i < 17; i++) {
        often += "${a}x";
    }
    CHECK(bounded.match(often) == limit);
    CHECK(Pattern("\\$\\{ab$").match(far + "${ab" + far) == no);
    CHECK(Pattern("\\$\\{ab$").match(far + "${ab") == yes);
    CHECK(Pattern("^\\$\\{ab").match(far + "${ab" + far) == no);
    CHECK(Pattern("/owa/x{1,|z", Pattern::Needs::nothing).match("z") == yes); // none to repeat
    CHECK(Pattern("/owa/x{ 1,2 }", Pattern::Needs::nothing).match("/owa/y") == no);
    CHECK(Pattern("{4/owa/", Pattern::Needs::nothing).match("{4/owa/") == yes);
    for (const char* text :
         {"\\$\\{a+b", "\\$\\{a{2,}b", "\\$\\{(?:a{0,9}){3}b", "\\$\\{a{100}", "\\$\\{a\\z"}) {
        CHECK(Pattern(text).match("${" + far + "b") == limit);
    }
    CHECK(Pattern("/owa/[[:digit:]]]").match("/owa/5]") == yes);
    CHECK(Pattern("\\.(?:svc|asmx)$", Pattern::Needs::nothing).match("/a/b.SVC") == yes);
    CHECK(
        Pattern("a{0,3}bcdef[\\]x]gh\\.ij(?:k)?l", Pattern::Needs::nothing).match("bcdefxgh.ijl") ==
        yes);
}

TEST_CASE("shield: row files that can't be meant", "[shield]") {
    const std::string file =
        (std::filesystem::temp_directory_path() / ("lync-shield-" + std::to_string(::getpid())))
            .string();
    const std::string more = "shield_file " + file + ";";
    const auto told = [&](const std::string& text) {
        std::ofstream(file) << "# comment\n\n" << text << "\n";
        World world;
        return world.mistake(smallest(more));
    };
    for (const auto& [line, wrong] : rows(R"--(
        X url                      | no pattern of shield "X": a row is written "NAME PLACE [FIELD=VALUE ...] ~* PATTERN"
        X                          | no pattern of shield "X": a row is written "NAME PLACE [FIELD=VALUE ...] ~* PATTERN"
        X body ~* /owa/x           | invalid place "body" of shield "X": the places are path, query, url, header, header:NAME, cookie, file and form, several with a comma and without a space
        X url on=owa on=ecp ~* /x/ | field "on=ecp" of shield "X" is duplicate
        X answer ~* /owa/x         | invalid place "answer" of shield "X": the places are path, query, url, header, header:NAME, cookie, file and form, several with a comma and without a space
        X meeturl ~* /owa/x        | invalid place "meeturl" of shield "X": the places are path, query, url, header, header:NAME, cookie, file and form, several with a comma and without a space
        X url when=now ~* /owa/x   | unknown field "when=now" of shield "X": the fields are on=all|lync|exchange|uploads or a service, action=refuse|log and source=URL, then "~*" and the pattern
        X url on=mail ~* /owa/x    | invalid value "on=mail" of shield "X": the fields are on=all|lync|exchange|uploads or a service, action=refuse|log and source=URL, then "~*" and the pattern
        X url /owa/x               | unknown field "/owa/x" of shield "X": the fields are on=all|lync|exchange|uploads or a service, action=refuse|log and source=URL, then "~*" and the pattern
        X url ~* /owa/(x           | pattern "/owa/(x" of shield "X" isn't a regular expression: missing closing parenthesis at character 7
        X url ~* "/owa/x"          | pattern ""/owa/x"" of shield "X" stands without quotes, to the end of its line
        X url ~* “/owa/x”          | pattern "“/owa/x”" of shield "X" stands without quotes, to the end of its line
        X url ~* /owa/(a+)+b       | pattern "/owa/(a+)+b" of shield "X" backtracks without end over a text of 512 characters: avoid repetitions within repetitions
        X"y url ~* /owa/x          | invalid name "X"y" of a shield: it is made of up to 64 letters, digits, ".", "_" and "-"
        cve-2021-26855 url ~* /o/x | shield "cve-2021-26855" is duplicate, the first is built in
        X off                      | there is no shield "X" before this line
        X header:a:b ~* /owa/x     | invalid place "header:a:b" of shield "X": the places are path, query, url, header, header:NAME, cookie, file and form, several with a comma and without a space
        X header:{} ~* /owa/x      | invalid place "header:{}" of shield "X": the places are path, query, url, header, header:NAME, cookie, file and form, several with a comma and without a space
        CVE-2026-42897 log         | shield "CVE-2026-42897" matches no request, there is nothing to log: it can be off
        CVE-2023-41763 off         | shield "CVE-2023-41763" is changed by "meeting_url_guard"
    )--")) {
        INFO(line);
        CHECK(told(line) == wrong + " in " + file + ":3");
    }
    CHECK(told("X url ~* /owa/x\n x  url ~* /owa/y") ==
          "shield \"x\" is duplicate, the first is at " + file + ":3 in " + file + ":4");
    CHECK(told("X url ~* /owa/x\rY url ~* /owa/y") ==
          "a line ends in a carriage return alone: save the file with line feeds in " + file +
              ":3");
    std::string many;
    for (int i = 0; i < 200; i++) {
        many += "X" + std::to_string(i) + " url ~* /owa/x\n";
    }
    CHECK(told(many).starts_with("shield \"X117\" is one too many, the maximum is 128"));
    CHECK(told("CVE-2021-44228 log\r\nX header:X-Foo  on=owa action=log  source=https://x ~* "
               "\\$\\{ a\r")
              .empty());
    const auto cannot_load = [&](const std::string& why) {
        return "cannot load \"shield_file\" \"" + file + "\" of lync_publish \"contoso\": " + why +
               " in nginx.conf:11";
    };
    World world;
    std::ofstream(file).close();
    CHECK(world.mistake(smallest(more)) == cannot_load("it is empty"));
    std::remove(file.c_str());
    CHECK(world.mistake(smallest(more)) ==
          cannot_load("open() failed (2: No such file or directory), check the path"));
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0); // nobody writes, so reading it would never end
    CHECK(world.mistake(smallest(more)) == cannot_load("it is not a regular file"));
    std::remove(file.c_str());
}

TEST_CASE("shield: paths by pattern", "[shield]") {
    SiteSpec spec = pool();
    spec.allow_patterns.emplace_back("^/custom[0-9]/", Pattern::Needs::nothing);
    spec.deny_patterns.emplace_back("\\.svc$|/deny", Pattern::Needs::nothing);
    const Site site{spec};
    CHECK(told(site, "GET", "/custom1/x") == "pass:unknown");
    CHECK(told(site, "GET", "/custom/x") == "refuse:path");
    CHECK(told(site, "GET", "/custom1/a.SVC") == "refuse:denied");
    CHECK(told(site, "GET", "/custom1/cscp/../../cscp") == "refuse:admin");
    // Where a pattern gives up, what is denied stays so, and nothing is allowed.
    CHECK(told(site, "GET", "/custom1/" + std::string(600, 'x')) == "refuse:denied");
    CHECK(judge(site, "GET", "/custom1/" + std::string(600, 'x')).shield.gave_up);
    CHECK_FALSE(judge(site, "GET", "/custom1/a.svc").shield.gave_up);
    spec.deny_patterns.clear();
    CHECK(told(Site(spec), "GET", "/custom1/" + std::string(600, 'x')) == "pass:unknown");
    spec.allow_patterns = {Pattern("^/custom[0-9]+/", Pattern::Needs::nothing)};
    CHECK(told(Site(spec), "GET", "/custom1/" + std::string(600, 'x')) == "refuse:path");
    CHECK(judge(Site(spec), "GET", "/custom1/" + std::string(600, 'x')).shield.gave_up);
    const auto passing = site.passing_paths();
    CHECK(std::find(passing.begin(), passing.end(), "~* ^/custom[0-9]/") != passing.end());
}

TEST_CASE("shield: which rows are in use", "[shield]") {
    const auto actions = [](const std::string& more) {
        World world;
        std::string text;
        for (const policy::Shield& row : world.declare(smallest(more)).shields) {
            text += row.action == policy::ShieldAction::refuse ? 'r'
                    : row.action == policy::ShieldAction::log  ? 'l'
                                                               : '-';
        }
        return text;
    };
    CHECK(actions("") == "rrrrrrrrrrr");
    CHECK(actions("shield log;") == "llllrllllll"); // the guard has a switch of its own
    CHECK(actions("shield off;") == "----r------");
    CHECK(actions("meeting_url_guard off;") == "rrrrrrrrrr");
}

TEST_CASE("shield: file names of a multipart body, in pieces of any size", "[shield]") {
    using policy::PartHeads;
    const auto names_in = [](const std::string& body, std::size_t piece, std::string type) {
        PartHeads parts;
        REQUIRE(parts.begin(type) == PartHeads::Type::multipart);
        std::string names;
        for (std::size_t i = 0; i < body.size(); i += piece) {
            if (!parts.feed(
                    std::string_view(body).substr(i, piece),
                    [&](std::string_view head) {
                        char text[PartHeads::max_head];
                        const std::string_view name = policy::file_names(head, text);
                        if (!name.empty()) {
                            names += std::string(name.substr(0, name.find_first_of("\r\n"))) + "|";
                        }
                        return name.find("evil") == std::string_view::npos;
                    },
                    [&](std::string_view field, bool whole) {
                        names += (whole ? "" : "long ") + std::string(field.substr(0, 20)) + "|";
                        return true;
                    })) {
                return names + "stopped";
            }
        }
        return names;
    };
    const std::string body =
        "preamble\r\n----B-B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
        "filename=\"not one\"\r\n--B-\r\n----B-B\r\nContent-Disposition: form-data; "
        "FileName = \"x.txt\"; filename*=UTF-8''y\r\nContent-Type: text/plain\r\n\r\n" +
        std::string(5000, '-') + "\r\n----B-B\ncontent-disposition: x; filename=z\n\n" +
        "data\r\n----B-B--\r\n";
    for (std::size_t piece = 1; piece < 200; piece++) {
        CHECK(names_in(body, piece, "Multipart/Form-Data; Boundary=\"--B-B\"; x=y") ==
              "a=filename=\"not one\"|FileName =x.txt; filename*=UTF-8==y|filename=z|");
    }
    const std::string head = "\r\nContent-Disposition: form-data; name=";
    for (const auto& [in, fields] : {
             std::pair("--b" + head + "\"n\"\r\n\r\n../x\r\n--b" + head + "m\n\n\n--b--\r\n",
                       "n=../x|m=|"),
             std::pair("--b" + head + "n; filename*=x\r\n\r\n1\r\n2--b\r\n--b",
                       "filename*=x|n=1\r\n2--b|"),
             std::pair("--b\r\nX: filename=" + head + "n\r\n\r\n1\r\n--b",
                       "filename=Content-Disposition: form-data; name=n|n=1|"),
             std::pair("--b\r\nX: name=y\r\n\r\n1\r\n--b" + head + "n\r\n\r\n\r\n--b--", "n=|"),
             std::pair("--b" + head + "n\r\n\r\n" + std::string(20000, 'x') + "\r\n--b" + head +
                           "m\r\n\r\n2\r\n--b",
                       "long n=xxxxxxxxxxxxxxxxxx|m=2|"),
             std::pair("--b" + head + "n\r\n\r\n1\r\n--bX\r\n\r\n../x\r\n--b--", "n=1|stopped"),
             std::pair("--b" + head + "n\r\n\r\n1\r\n--b--X\r\n../x\r\n--b--", "n=1|stopped"),
         }) {
        for (const std::size_t piece : {1, 2, 3, 7, 50, 99999}) {
            CHECK(names_in(in, piece, "multipart/form-data;boundary=b") == fields);
        }
    }
    const std::string evil = "--b\r\nContent-Disposition: a; filename=\"evil\"\r\n\r\n";
    CHECK(names_in(evil, 7, "multipart/form-data;boundary=b") == "filename=evil|stopped");
    CHECK(names_in("--b\r\n" + std::string(5000, 'x'), 99, "multipart/form-data;boundary=b") ==
          "stopped");

    CHECK(names_in("--WebKitFormBoundary7MA4\r\na: b; filename=\"x\"\r\n\r\n", 9,
                   "multipart/form-data; boundary=WebKitFormBoundary7MA4") == "filename=x|");
    for (const auto& [head, plain] :
         {std::pair("a; name=\"\xc3\xa9\"; filename=\"\xc3\xa9\"", true),
          std::pair("a; file\xc2\xadname=\"x\"", false), std::pair("a; file\vname=x", false)}) {
        CHECK(policy::is_plain_head(head) == plain);
    }

    PartHeads parts;
    CHECK(parts.begin("text/plain; boundary=x") == PartHeads::Type::other);
    for (const std::string type :
         {"", "; boundary", "; boundary=", "; boundary=a; boundary=b", "; boundary=\"\"",
          "; boundary=\"a\\b\"", "; boundary=\" a\"", "; boundary=\"a \"", "; boundary=\va",
          "; bound\xc2\xad"
          "ary=a; boundary=b"}) {
        CHECK(parts.begin("multipart/form-data" + type) == PartHeads::Type::unreadable);
    }
    const policy::Shields& rows = pool_site().shields();
    for (const std::string name :
         {"..\\..\\x.aspx", "..%5cx", "%2e%2e%2fx", "x.aspx::$DATA", "\\\\evil\\x", "//evil/x",
          "/\\evil\\x", "a/../b", "x.aspx:$DATA", "C:\\inetpub\\x", "c%3a/x", "x:a:$Data"}) {
        INFO(name);
        CHECK(rows.refuses(rows.find_in(policy::in_file, Service::datacollab, "filename=" + name)));
        CHECK_FALSE(rows.find_in(policy::in_file, Service::ucwa, "filename=" + name));
    }
    for (const std::string name :
         {"Q3..Q4.pptx", "12:30.txt", "50%.xlsx", "a ($x).docx", "Plan...final.pptx"}) {
        INFO(name);
        CHECK_FALSE(rows.find_in(policy::in_file, Service::datacollab, "filename=" + name));
    }
}

TEST_CASE("shield: fields of forms", "[shield]") {
    const policy::Shields& rows = pool_site().shields();
    const auto stops = [&](std::string_view form) {
        return rows.refuses(rows.find_in_each(policy::in_form, Service::datacollab, form, '&'));
    };
    for (const std::string_view form :
         {"a=b&name=..%2f..%2fx", "name=..\\x", "name=%2e%2e%252fx&a=b", "x=%5c%5cevil%5cx",
          "n=C:\\x", "n=+C:\\x", "n=%20%20C:\\x", "n=+%2b\\\\evil\\x"}) {
        INFO(form);
        CHECK(stops(form));
    }
    for (const std::string_view form :
         {"", "&&", "a=..&b=/", "a=1+C:/x", "name=Q3..Q4.pptx&from=https%3A%2F%2Fx"}) {
        INFO(form);
        CHECK_FALSE(stops(form));
    }
    CHECK_FALSE(rows.look(policy::in_form, Service::ucwa));
    const ShieldHit hit = rows.give_up(policy::in_form, Service::datacollab);
    CHECK((rows.refuses(hit) && hit.gave_up));
    CHECK_FALSE(rows.give_up(policy::in_form, Service::ucwa));
}

TEST_CASE("builds", "[shield]") {
    for (const std::string_view text :
         {"15.1.2507.6", "0.0.0.1", "7.0.2046.879", "65535.65535.65535.65535"}) {
        CHECK(build_text(build_of(text)) == text);
    }
    CHECK(build_of("15.01.2507.069") == build_of("15.1.2507.69"));
    for (const std::string_view text :
         {"", "15", "15.1.2507", "15.1.2507.", ".1.2507.6", "15.1.2507.6.1", "15.1.2507.6 ",
          "15.1.2507.x", "15.1.-2.6", "65536.1.1.1", "1.1.1.70000",
          "0000000015.1.2507.00000000000000000006"}) {
        INFO(text);
        CHECK(build_of(text) == 0);
    }
}

TEST_CASE("builds: which known attacks one leaves open", "[shield]") {
    for (const auto& [build, missing] : rows(R"--(
        15.1.2507.6   | older than 15.1.2507.16, which fixes CVE-2022-41040, CVE-2022-41080; older than 15.1.2507.69, which fixes CVE-2026-42897
        15.1.2507.16  | older than 15.1.2507.69, which fixes CVE-2026-42897
        15.1.2507.69  |
        15.2.1118.7   | older than 15.2.1118.20, which fixes CVE-2022-41040, CVE-2022-41080; older than 15.2.1544.41, which fixes CVE-2026-42897
        15.2.1258.12  | older than 15.2.1544.41, which fixes CVE-2026-42897
        15.2.1748.45  | older than 15.2.1748.46, which fixes CVE-2026-42897
        15.2.2562.43  |
        15.0.1497.2   | older than 15.0.1497.12, which fixes CVE-2021-26855; older than 15.0.1497.15, which fixes CVE-2021-34473; older than 15.0.1497.44, which fixes CVE-2022-41040, CVE-2022-41080
        6.0.9319.272  | older than 6.0.9319.869, which fixes CVE-2023-41763; older than 6.0.9319.885, which fixes CVE-2026-66302
        7.0.2046.530  | older than 7.0.2046.569, which fixes CVE-2026-66302
        7.0.2046.583  |
        7.0.2046.815  | older than 7.0.2046.879, which fixes CVE-2026-66302
        7.0.2046.889  |
        5.0.8308.0    |
        0.0.0.0       |
    )--")) {
        INFO(build);
        CHECK(policy::missing_fixes_words(policy::missing_fixes(build_of(build))) == missing);
    }
    for (const ShieldRow& row : policy::shield_rows()) {
        INFO(row.name);
        for (std::string_view left = row.fixed; !left.empty();) {
            const std::size_t end = std::min(left.find(' '), left.size());
            CHECK(build_of(left.substr(0, end)) != 0);
            left.remove_prefix(std::min(end + 1, left.size()));
        }
    }
}

TEST_CASE("builds: in the scheduler's page, in pieces of any size", "[shield]") {
    const auto read = [](std::string page, std::size_t piece, bool hide) {
        BuildComment comment;
        for (std::size_t i = 0; i < page.size(); i += piece) {
            comment.feed(page.data() + i, std::min(piece, page.size() - i), hide);
        }
        return std::pair(comment.found(), page);
    };
    const std::string page =
        "<html>Web Web Scheduler W\n<!-- Web Scheduler Version: 7.0.2046.530 --></html>";
    std::string hidden = page;
    hidden.replace(hidden.find("7.0"), 12, 12, ' ');
    for (std::size_t piece = 1; piece <= page.size(); piece++) {
        CHECK(read(page, piece, false) == std::pair(build_of("7.0.2046.530"), page));
        CHECK(read(page, piece, true) == std::pair(build_of("7.0.2046.530"), hidden));
    }
    for (const std::string none :
         {"Web Scheduler Version", "Web Scheduler Version is not told here: 7.0.2046.530",
          "web scheduler version 7.0.2046.530 ", "Web Scheduler Version 1.2.3 x 7.0.2046.530 "}) {
        CHECK(read(none, 3, true) ==
              std::pair(Build{0}, none.find("1.2.3") == std::string::npos
                                      ? none
                                      : "Web Scheduler Version       x 7.0.2046.530 "));
    }
    const std::string longest = "Web Scheduler Version " + std::string(40, '1') + " ";
    CHECK(read(longest, 5, true) ==
          std::pair(Build{0}, "Web Scheduler Version " + std::string(41, ' ')));
}
