// The names that certificates cover, as clients compare them.

#include "base/name_set.h"

#include "catch.h"
#include "table.h"

#include <ctime>
#include <initializer_list>
#include <string>
#include <string_view>

using namespace lync;
using namespace std::literals;

namespace {

NameSet set_of(std::initializer_list<std::string_view> names) {
    NameSet set;
    for (const std::string_view name : names) {
        set.add(name);
    }
    return set;
}

} // namespace

TEST_CASE("an empty set covers nothing", "[name_set]") {
    const NameSet set;
    CHECK(set.entries().empty());
    CHECK_FALSE(set.covers(""));
    CHECK_FALSE(set.covers("contoso.com"));
}

TEST_CASE("exact names are covered in any letter case", "[name_set]") {
    const NameSet set = set_of({"LyncWebExt.contoso.com", "meet.contoso.com", "localhost",
                                "xn--bro-hoa.contoso.com", "fe_01.contoso.local"});
    CHECK(set.entries().size() == 5);
    for (const std::string_view name :
         {"lyncwebext.contoso.com", "LYNCWEBEXT.Contoso.COM", "meet.contoso.com", "localhost",
          "XN--BRO-HOA.contoso.com", "fe_01.contoso.local"}) {
        INFO(name);
        CHECK(set.covers(name));
    }

    for (const std::string_view name :
         {"contoso.com", "a.meet.contoso.com", "meet.contoso.co", "meet.contoso.comm",
          "meet.contoso.com.", "meet.*", "büro.contoso.com"}) {
        INFO(name);
        CHECK_FALSE(set.covers(name));
    }
}

TEST_CASE("a wildcard covers exactly one label", "[name_set]") {
    const NameSet set = set_of({"*.Contoso.com", "*.a.b.example"});
    for (const std::string_view name :
         {"meet.contoso.com", "MEET.CONTOSO.COM", "xn--bro-hoa.contoso.com", "x.a.b.example"}) {
        INFO(name);
        CHECK(set.covers(name));
    }

    for (const std::string_view name :
         {"contoso.com"sv, ".contoso.com"sv, "*.contoso.com"sv, "a.meet.contoso.com"sv,
          "meet.contoso.com."sv, "meet\0.contoso.com"sv, "me et.contoso.com"sv, "xcontoso.com"sv,
          "a.b.example"sv}) {
        INFO(name);
        CHECK_FALSE(set.covers(name));
    }
}

TEST_CASE("names that no client matches are left out", "[name_set]") {
    NameSet set;
    set.add("");
    for (const std::string& name : lync::testing::words(R"(
             . * *. *.com *.* *.*.com f*.contoso.com *f.contoso.com meet.*.com meet.*
             **.contoso.com .contoso.com contoso.com. *.contoso.com. a..contoso.com *..contoso.com
             büro.contoso.com b\xfcro.contoso.com meet.contoso.com\x00
             meet.contoso.com\x00.evil.example meet\x20contoso.com https://meet.contoso.com
         )")) {
        set.add(name);
    }
    CHECK(set.entries().empty());
    for (const std::string_view name :
         {"meet.contoso.com", "contoso.com", "foo.contoso.com", "meet.com", "com"}) {
        INFO(name);
        CHECK_FALSE(set.covers(name));
    }
}

TEST_CASE("a set holds each name once", "[name_set]") {
    NameSet set = set_of({"meet.contoso.com", "MEET.contoso.com", "*.contoso.com"});
    CHECK(set.entries().size() == 2);
    set.add("dialin.fabrikam.com");
    CHECK(set.entries().size() == 3);
    CHECK(set.covers("dialin.fabrikam.com"));
    CHECK(set.covers("meet.contoso.com"));
}

TEST_CASE("names longer than DNS has are neither kept nor covered", "[name_set]") {
    const std::string long_name = std::string(1U << 20U, 'a') + ".contoso.com";
    NameSet set = set_of({long_name, "*.contoso.com"});
    CHECK(set.entries().size() == 1);
    CHECK_FALSE(set.covers(long_name));
}

TEST_CASE("twenty thousand names are looked up quickly", "[name_set]") {
    NameSet set;
    for (int i = 0; i < 20000; i++) {
        set.add("lyncdiscover.domain" + std::to_string(i * 7919 % 20000) + ".example");
        set.add("*.wild" + std::to_string(i) + ".example");
    }
    CHECK(set.entries().size() == 40000);

    const std::clock_t start = std::clock();
    std::size_t covered = 0;
    for (int i = 0; i < 20000; i++) {
        covered += set.covers("LyncDiscover.Domain" + std::to_string(i) + ".example") ? 1U : 0U;
        covered += set.covers("meet.wild" + std::to_string(i) + ".example") ? 1U : 0U;
        covered += set.covers("meet.tame" + std::to_string(i) + ".example") ? 1U : 0U;
    }
    const double spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    CHECK(covered == 40000);
    CHECK(spent < 10); // of CPU, sanitizers included; a scan would take minutes
}
