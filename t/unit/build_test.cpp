// Builds that servers report, and which known attacks they leave open.

#include "base/build.h"
#include "policy/shield.h"

#include "catch.h"
#include "table.h"

using namespace lync;
using namespace lync::testing;

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
    for (const policy::ShieldRow& row : policy::shield_rows()) {
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
