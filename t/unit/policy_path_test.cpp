// How a path is read.

#include "catch.h"
#include "policy/path.h"
#include "table.h"

#include <string>
#include <string_view>

using namespace lync::policy;

namespace {

/// "strict", "strict | lenient", "strict | unresolved", "malformed" or "ambiguous".
std::string read(std::string_view raw) {
    Readings readings;
    switch (read_path(raw, readings)) {
    case PathState::malformed:
        return "malformed";
    case PathState::ambiguous:
        return "ambiguous";
    case PathState::fine:
        break;
    }
    std::string text(readings.strict.path());
    if (readings.second != Second::none) {
        text += " | " + std::string(readings.other.path());
    }
    return text;
}

struct Row {
    std::string_view raw;
    std::string_view expected;
};

} // namespace

TEST_CASE("policy: ordinary paths have one reading", "[policy]") {
    for (const auto& [raw, expected] : lync::testing::rows(R"(
                                         |
        /                                |
        /Meet                            | /meet
        /Meet/                           | /meet
        /ABS/Handler                     | /abs/handler
        /a.b/c.d                         | /a.b/c.d
        /ucwa/v1/people/jdoe@contoso.com | /ucwa/v1/people/jdoe@contoso.com
        /ucwa/v1/people/sip:jdoe         | /ucwa/v1/people/sip:jdoe
        /a!$&'()*+,=-_~b                 | /a!$&'()*+,=-_~b
        /meet/john%20doe/ABC             | /meet/john doe/abc
        /ucwa/jdoe%40contoso.com         | /ucwa/jdoe@contoso.com
        /%4d%65%65%74                    | /meet
        /%u004deet                       | /meet
        //meet///x//                     | /meet/x
        \meet                            | malformed
        /meet\x                          | /meet/x
        /meet%5cx%2fy                    | /meet/x/y
        /./meet/./x/.                    | /meet/x
        /müller                          | /müller
        /m%c3%bcller                     | /müller
        /.well-known/x                   | /.well-known/x
        /100%25                          | /100%
    )")) {
        INFO(raw);
        CHECK(read(raw) == expected);
    }
}

TEST_CASE("policy: a path says whether it may name a server's file", "[policy]") {
    Readings readings;
    for (const std::string_view mark : {".", "_", "~", "b", "B", "%62", "%2e"}) {
        CAPTURE(mark);
        REQUIRE(read_path("/ucwa/x", readings) == PathState::fine);
        CHECK_FALSE(readings.strict.may_name_file());
        REQUIRE(read_path("/ucwa/" + std::string(mark) + "in", readings) == PathState::fine);
        CHECK(readings.strict.may_name_file());
    }
}

TEST_CASE("policy: tricky paths have two readings", "[policy]") {
    for (const auto& [raw, expected] : lync::testing::rows(R"(
        /%2563scp      | /%63scp | /cscp
        /%252563scp    | /%2563scp | /cscp
        /%25u0063scp   | /%u0063scp | /cscp
        /cscp.         | /cscp. | /cscp
        /cscp%20/x     | /cscp /x | /cscp/x
        /%20cscp       | / cscp | /cscp
        /cscp;x/y      | /cscp;x/y | /cscp/y
        /;x/cscp       | /;x/cscp | /cscp
        /cscp%23x      | /cscp#x | /cscp
        /a%252fb       | /a%2fb | /a/b
        /%ef%bd%83scp  | /ｃscp | /cscp
        /%u0107scp     | /ćscp | /cscp
        /c%c2%adscp    | /c\xc2\xadscp | /cscp
        /a%e2%81%84b   | /a\xe2\x81\x84b | /a/b
        /a%ef%bc%852fb | /a％2fb | /a/b
        /%e2%92%b8scp  | /\xe2\x92\xb8scp | /cscp
        /cscp%e3%80%80/x | /cscp\xe3\x80\x80/x | /cscp/x
        /%252e/x       | /%2e/x | /x
        /a/../b        | /b | /a/../b
        /a/b/../../c   | /c | /a/b/../../c
    )")) {
        INFO(raw);
        CHECK(read(raw) == expected);
    }
}

TEST_CASE("policy: what can't be followed is ambiguous", "[policy]") {
    for (const std::string_view raw : {"/..",           "/../x",           "/a/../../x",
                                       "/a/%2e%2e/x",   "/a/.%2e/x",       "/a/%252e%252e/x",
                                       "/a//../x",      "/a/..\\x",        "/a\\..\\x",
                                       "/a%2f../x",     "/a/..;/x",        "/a;x/../y",
                                       "/a/..%20/x",    "/a/.../x",        "/a/.%20./x",
                                       "/%20/x",        "/a/%2e%2e%2e/x",  "/a;b%2fc",
                                       "/a%5cb;c",      "/a%3fb",          "/a%253fb",
                                       "/%c0%ae",       "/%c1%a3scp",      "/%e0%80%af",
                                       "/%ff",          "/\xff",           "/a%c3",
                                       "/%ed%a0%80",    "/%f4%90%80%80",   "/%ud800",
                                       "/(S(x))/y",     "/a(f(x))",        "/x:$data",
                                       "/x::y",         "/x%3a$data",      "/%25252525252525252e",
                                       "/%2500",        "/;web.config",    "/x%23.CONFIG/y",
                                       "/a/..%c2%ad/x", "/%f0%9d%90%9cscp"}) {
        INFO(raw);
        CHECK(read(raw) == "ambiguous");
    }
}

TEST_CASE("policy: what no server could parse is malformed", "[policy]") {
    for (const std::string_view raw :
         {"*", "x", "http://h/p", "?x", "/a?b", "/a#b", "/%", "/%2", "/%zz", "/%u12", "/%u12g4",
          "/%00", "/%0a", "/%7f", "/%u0000", "/\t", "/a b", "/\x7f"}) {
        INFO(raw);
        CHECK(read(raw) == "malformed");
    }
    CHECK(read("/" + std::string(max_path - 1, 'a')).size() == max_path);
    CHECK(read("/" + std::string(max_path, 'a')) == "malformed");
    // as long as can be, the long way
    std::string escapes;
    while (escapes.size() + 4 < max_path) {
        escapes += "/%41";
    }
    CHECK(read(escapes).size() == escapes.size() / 2);
    std::string units;
    while (units.size() + 7 < max_path) {
        units += "/%u4e2d";
    }
    CHECK(read(units).size() == units.size() / 7 * 4);
}

TEST_CASE("policy: the plain reading keeps what it can't decode", "[policy]") {
    const auto plain = [](std::string_view raw) {
        Reading reading;
        return read_plain(raw, reading) == PathState::fine ? std::string(reading.path())
                                                           : "not read";
    };
    CHECK(plain("/X/%252e%252e/%zz") == "/x/%2e%2e/%zz");
    CHECK(plain("/x/..%2fy") == "/y");
    CHECK(plain("/a\\B") == "/a/b");
    CHECK(plain("") == "");
    CHECK(plain("/..") == "not read");
    CHECK(plain("x") == "not read");
}
