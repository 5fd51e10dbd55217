#include "lyncctl/published_names.h"

#include "block_builder.h"
#include "catch.h"

using namespace lync::lyncctl;
using namespace lync::testing;

TEST_CASE("names are split so that a certificate holds them", "[show]") {
    const auto split = [](const std::string& more) {
        std::string text = "sip_domain";
        std::string meet = "simple_url meet";
        for (int i = 0; i < 60; i++) {
            const std::string domain = "d" + std::to_string(i) + ".example";
            text += " " + domain;
            meet.insert(15, " https://meet." + domain + " https://a.b." + domain);
        }
        for (int i = 0; i < 120; i++) {
            meet += " https://m" + std::to_string(i) + ".last.example";
        }
        return split_names(
            planned(smallest(text + " last.example" + more +
                             ";\nsimple_url dialin https://dial.org;\n" + meet + ";")));
    };
    const std::vector<Strings> parts = split("");
    REQUIRE(parts.size() == 4);
    CHECK(Strings(parts[0].begin(), parts[0].begin() + 6) ==
          Strings{"lyncwebext.contoso.com", "dial.org", "lyncdiscover.contoso.com",
                  "lyncdiscover.d0.example", "meet.d0.example", "a.b.d0.example"});
    CHECK(parts[0].size() == 3 + 32 * 3); // three more would be too many
    CHECK(parts[1].size() == 28 * 3);
    CHECK(parts[1].front() == "lyncdiscover.d32.example");
    CHECK(parts[2].size() == 100); // a domain with more names than a certificate holds
    CHECK(parts[3].size() == 21);
    CHECK(parts[3].back() == "m119.last.example");

    std::vector<Strings> longer = split(" new.example");
    CHECK(longer[3].back() == "lyncdiscover.new.example");
    longer[3].pop_back();
    CHECK(longer == parts);
}
