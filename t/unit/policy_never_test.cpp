// What is never published stays closed under every known way to write a path, alone and in pairs,
// on every kind of host; and every legitimate spelling of a published path passes.

#include "catch.h"
#include "policy_iis.h"
#include "policy_sites.h"
#include "policy_spellings.h"

#include <random>
#include <set>

using namespace policy_sites;
using namespace spellings;

TEST_CASE("policy: what is never published can't be reached by any spelling", "[policy]") {
    const Site sites[] = {Site(pool()),           Site(pool(false)),        Site(meet_host()),
                          Site(meet_host(false)), Site(shared_host(false)), Site(discovery(false))};
    const Site plain(plain_http(policy::PlainAutodiscover::always));
    std::set<std::string> lines(never_paths.begin(), never_paths.end());
    for (const std::string& path : never_paths) {
        for (const Trick& first : tricks()) {
            const std::string once = first(path);
            lines.insert(once);
            for (const Trick& second : tricks()) {
                lines.insert(second(once));
            }
        }
    }
    std::size_t passed = 0;
    std::string example;
    for (const std::string& line : lines) {
        for (const Site& site : sites) {
            if (judge(site, "GET", line).action == policy::Action::pass) {
                passed++;
                example = line;
            }
        }
        if (judge(plain, "GET", line, "lyncdiscover.contoso.com").action == policy::Action::pass) {
            passed++;
            example = line;
        }
    }
    INFO(lines.size() << " request lines, one that passed: " << example);
    CHECK(lines.size() > 200000);
    CHECK(passed == 0);
}

TEST_CASE("policy: legitimate spellings pass", "[policy]") {
    const Site site(pool());
    for (const std::string& path : published_paths) {
        const std::string expected = judged(site, "GET", path);
        CHECK(expected.starts_with("pass:"));
        for (const Trick& spelling : legitimate_spellings) {
            INFO(spelling(path));
            CHECK(judged(site, "GET", spelling(path)) == expected);
        }
    }
}

TEST_CASE("policy: no habit of a server finds what the policy didn't", "[policy]") {
    // Paths put together at random from the pieces that tricks are made of. Fixed seed: the same
    // paths at every run.
    const std::vector<std::string> pieces = lync::testing::words(R"(
        / / / \ .. . ... \x20 %20 %2e %2f %5c %252e %252f %255c %25 %c0%ae %c0%af %c1%9c %c1 %c0
        %e0%80%af ; %3b %253b %u002f %u002e %u2215 %uff0e %uff0f %ff %ad %c2%ad %c2 %00 ? %3f %253f
        ::$DATA : (S(x)) cscp CSCP cscp %63scp %2563scp csc p %u0063scp %c4%87scp %ef%bd%83scp
        %c1%a3scp \xc1\xa3 int %69nt %2569nt in t abs abs meet meet bin web.config web.con fig
        _vti_bin admin x y a%2fb %u%30%30 %2 5 #
    )");
    std::mt19937 random(20111103);
    const Site vendor(pool(false));
    const Site strict(pool());
    std::size_t passed = 0;
    std::string found;
    for (int i = 0; i < 300000 && found.empty(); i++) {
        std::string path = "/";
        for (std::size_t length = 1 + random() % 9; length > 0; length--) {
            path += pieces[random() % pieces.size()];
        }
        const bool is_open = judge(vendor, "GET", path).action == policy::Action::pass;
        if (judge(strict, "GET", path).action == policy::Action::pass && !is_open) {
            found = path + " passes under strict only";
        }
        if (!is_open) {
            continue;
        }
        passed++;
        const std::string sent = path.substr(0, path.find('?'));
        for (int j = 0; j < 60; j++) {
            const std::uint32_t bits =
                j == 0 ? ~0U : static_cast<std::uint32_t>(random()) % (1U << iis::habit_bits);
            if (iis::is_never(iis::segments_of(sent, iis::habits_from(bits)))) {
                found = path + " with habits " + std::to_string(bits);
            }
        }
    }
    INFO(found);
    CHECK(found.empty());
    CHECK(passed > 10000);
}
