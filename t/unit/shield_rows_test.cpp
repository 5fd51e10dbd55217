// The rows of the shield: patterns and files of rows that can't be meant, what a pattern matches
// and when it gives up, paths by pattern, which rows are in use.

#include "config/publication.h"

#include "block_builder.h"
#include "catch.h"
#include "policy_sites.h"
#include "table.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace lync::testing;
using namespace policy_sites;
using policy::Pattern;

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
    const auto mistake_in = [&](const std::string& text) {
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
        CHECK(mistake_in(line) == wrong + " in " + file + ":3");
    }
    CHECK(mistake_in("X url ~* /owa/x\n x  url ~* /owa/y") ==
          "shield \"x\" is duplicate, the first is at " + file + ":3 in " + file + ":4");
    CHECK(mistake_in("X url ~* /owa/x\rY url ~* /owa/y") ==
          "a line ends in a carriage return alone: save the file with line feeds in " + file +
              ":3");
    std::string many;
    for (int i = 0; i < 200; i++) {
        many += "X" + std::to_string(i) + " url ~* /owa/x\n";
    }
    CHECK(mistake_in(many).starts_with("shield \"X117\" is one too many, the maximum is 128"));
    CHECK(mistake_in("CVE-2021-44228 log\r\nX header:X-Foo  on=owa action=log  source=https://x ~* "
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
    CHECK(judged(site, "GET", "/custom1/x") == "pass:unknown");
    CHECK(judged(site, "GET", "/custom/x") == "refuse:path");
    CHECK(judged(site, "GET", "/custom1/a.SVC") == "refuse:denied");
    CHECK(judged(site, "GET", "/custom1/cscp/../../cscp") == "refuse:admin");
    // Where a pattern gives up, what is denied stays so, and nothing is allowed.
    CHECK(judged(site, "GET", "/custom1/" + std::string(600, 'x')) == "refuse:denied");
    CHECK(judge(site, "GET", "/custom1/" + std::string(600, 'x')).shield.gave_up);
    CHECK_FALSE(judge(site, "GET", "/custom1/a.svc").shield.gave_up);
    spec.deny_patterns.clear();
    CHECK(judged(Site(spec), "GET", "/custom1/" + std::string(600, 'x')) == "pass:unknown");
    spec.allow_patterns = {Pattern("^/custom[0-9]+/", Pattern::Needs::nothing)};
    CHECK(judged(Site(spec), "GET", "/custom1/" + std::string(600, 'x')) == "refuse:path");
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
