// Names as administrators write them: what is taken, and the whole text of every refusal.

#include "base/names.h"

#include "catch.h"

#include <string>
#include <string_view>

using namespace lync;
using namespace std::literals;

namespace {

struct Row {
    std::string_view text;
    std::string_view name;  ///< expected, empty if refused
    std::string_view error; ///< expected, empty if taken
};

std::string repeat(std::string_view text, std::size_t times) {
    std::string all;
    while (times-- > 0) {
        all += text;
    }
    return all;
}

/// `size` characters of labels, `tail` at the end.
std::string long_name(std::size_t size, std::string_view tail) {
    std::string name = repeat("abcdefghi.", size / 10 + 1);
    name.resize(size - tail.size());
    name.back() = 'x';
    return name.append(tail);
}

template <typename Parse>
void check(const Row& row, Parse parse) {
    INFO(row.text);
    const ParsedName parsed = parse(row.text);
    CHECK(parsed.name == row.name);
    CHECK(parsed.error == row.error);
    CHECK(static_cast<bool>(parsed) == row.error.empty());
}

constexpr std::string_view needs_name =
    "it is an address, and an FQDN is needed: certificates and Host headers carry names";
constexpr std::string_view has_port = "it contains a port: leave it out, ports belong to the rule";
constexpr std::string_view disallowed =
    "it has a character that internationalized names may not have (IDNA2008)";
constexpr std::string_view bad_a_label = " starts with \"xn--\" and is not a valid A-label: write "
                                         "the name in UTF-8, or copy it from DNS";

} // namespace

TEST_CASE("parse_fqdn takes names and gives them in lower case", "[names]") {
    const Row rows[] = {
        {"lyncwebext.contoso.com", "lyncwebext.contoso.com", ""},
        {"LyncWebExt.CONTOSO.com", "lyncwebext.contoso.com", ""},
        {"a.b", "a.b", ""},
        {"1and1.example", "1and1.example", ""},
        {"3.2.1.example", "3.2.1.example", ""},
        {"a-b--c.contoso.com", "a-b--c.contoso.com", ""},
        {"r3---sn.contoso.com", "r3---sn.contoso.com", ""},
    };
    for (const Row& row : rows) {
        check(row, parse_fqdn);
    }
}

TEST_CASE("parse_fqdn gives both spellings of an internationalized name as A-labels", "[names]") {
    const Row rows[] = {
        {"büro.contoso.com", "xn--bro-hoa.contoso.com", ""},
        {"BÜRO.Contoso.com", "xn--bro-hoa.contoso.com", ""},
        {"bu\u0308ro.contoso.com", "xn--bro-hoa.contoso.com", ""}, // not composed
        {"xn--bro-hoa.contoso.com", "xn--bro-hoa.contoso.com", ""},
        {"XN--BRO-HOA.contoso.com", "xn--bro-hoa.contoso.com", ""},
        {"xn--bro-hoa.büro.com", "xn--bro-hoa.xn--bro-hoa.com", ""},
        {"straße.example", "xn--strae-oqa.example", ""}, // transitional: strasse
        {"пример.рф", "xn--e1afmkfd.xn--p1ai", ""},
        {"日本語。jp", "xn--wgv71a119e.jp", ""},   // an ideographic full stop is a dot
        {"ｃｏｎｔｏｓｏ.com", "contoso.com", ""}, // full width
    };
    for (const Row& row : rows) {
        check(row, parse_fqdn);
    }
}

TEST_CASE("parse_fqdn says what was written in place of a name", "[names]") {
    const Row rows[] = {
        {"", "", "it is empty: write a name, such as lyncwebext.contoso.com"},
        {"fepool", "", "it has one label only: write the full name, such as fepool.contoso.com"},
        {"https://lyncwebext.contoso.com/", "", "it is a URL: write the host name only"},
        {"lyncwebext.contoso.com/", "", "it contains a path: write the host name only"},
        {"lyncwebext.contoso.com:4443", "", has_port},
        {"lyncwebext.contoso.com:", "", has_port},
        {"user@contoso.com", "", "it contains \"@\": write only what follows it"},
        {"*.contoso.com", "", "it contains a wildcard: write the name itself"},
        {"lyncwebext.contoso.com.", "", "it ends in a dot: leave the dot out"},
        {"büro.contoso.com.", "", "it ends in a dot: leave the dot out"},
        {"10.0.0.11", "", needs_name},
        {"10.0.0.11:443", "", needs_name},
        {"fd00::11", "", needs_name},
        {"[fd00::11]", "", needs_name},
        {"[fd00::11]:443", "", needs_name},
        {"１.２.３.４", "", needs_name}, // full width digits
        {"10.0.0.256", "",
         "it ends in the number \"256\", so it is neither a name nor a valid IPv4 address"},
        {"contoso.1", "",
         "it ends in the number \"1\", so it is neither a name nor a valid IPv4 address"},
    };
    for (const Row& row : rows) {
        check(row, parse_fqdn);
    }
}

TEST_CASE("parse_fqdn refuses labels that DNS can't have", "[names]") {
    const std::string long_label(64, 'a');
    const std::string long_label_error =
        "the label \"" + long_label + "\" is 64 characters long, a label has at most 63";
    const std::string bad_labels[] = {
        "the label \"xn--\" starts or ends with \"-\", which a label may not",
        "the label \"xn--zzzzzzzz\"" + std::string(bad_a_label),
        "the label \"xn--n3h\"" + std::string(bad_a_label), // a snowman
        "the label \"xn--a\"" + std::string(bad_a_label),
        "the label \"xn--contoso-\" starts or ends with \"-\", which a label may not",
    };
    constexpr std::string_view empty_label =
        "it has an empty label: one dot stands between two labels, none before the first";

    const Row rows[] = {
        {"lync_web.contoso.com", "",
         "it contains \"_\": a name is made of letters, digits, \"-\" and \".\""},
        {"lync web.contoso.com", "",
         "it contains a space: a name is made of letters, digits, \"-\" and \".\""},
        {"lync%20web.contoso.com", "",
         "it contains \"%\": a name is made of letters, digits, \"-\" and \".\""},
        {"a:b.contoso.com", "",
         "it contains \":\": a name is made of letters, digits, \"-\" and \".\""},
        {"-a.contoso.com", "", "the label \"-a\" starts or ends with \"-\", which a label may not"},
        {"a-.contoso.com", "", "the label \"a-\" starts or ends with \"-\", which a label may not"},
        {".contoso.com", "", empty_label},
        {"a..contoso.com", "", empty_label},
        {".", "", empty_label},
        {"xn--.contoso.com", "", bad_labels[0]},
        {"xn--zzzzzzzz.contoso.com", "", bad_labels[1]},
        {"xn--n3h.contoso.com", "", bad_labels[2]},
        {"xn--a.contoso.com", "", bad_labels[3]},
        {"xn--contoso-.contoso.com", "", bad_labels[4]},
    };
    for (const Row& row : rows) {
        check(row, parse_fqdn);
    }
    check({long_label + ".com", "", long_label_error}, parse_fqdn);
    check({long_label.substr(1) + ".com", long_label.substr(1) + ".com", ""}, parse_fqdn);
}

TEST_CASE("parse_fqdn refuses what IDNA2008 has no name for", "[names]") {
    const std::string many(70, 'x');
    const Row rows[] = {
        {"☃.contoso.com", "", disallowed},
        {"℀.contoso.com", "", disallowed}, // maps to "a/c"
        {"\u0301a.contoso.com", "",
         "it has a character where internationalized names may not have it (IDNA2008)"},
        {"a\u200cü.contoso.com", "",
         "it has a character where internationalized names may not have it (IDNA2008)"},
        {"אa.contoso.com", "",
         "it mixes writing directions in a way that internationalized names may not (IDNA2008)"},
        {"-ü.contoso.com", "",
         "it has a label with hyphens where an internationalized name may not have them: at its "
         "ends, or third and fourth"},
        {"xn--ü.contoso.com", "",
         "it has a label that starts with \"xn--\" and is not a valid A-label: write the name in "
         "UTF-8, or copy it from DNS"},
        {"b\xfcro.contoso.com", "", // Latin-1
         "it is not valid UTF-8: save the file in UTF-8, or write A-labels (\"xn--...\")"},
        {"\xed\xa0\x80.contoso.com", "", // a surrogate
         "it is not valid UTF-8: save the file in UTF-8, or write A-labels (\"xn--...\")"},
    };
    for (const Row& row : rows) {
        check(row, parse_fqdn);
    }
    check({many + "ü.com", "", "it has a label longer than 63 characters in DNS (\"xn--...\")"},
          parse_fqdn);
}

TEST_CASE("parse_fqdn counts characters", "[names]") {
    const std::string longest = long_name(253, ".com");
    check({longest, longest, ""}, parse_fqdn);
    check({long_name(254, ".com"), "", "it is 254 characters long, a name has at most 253"},
          parse_fqdn);
    check({long_name(300, ".com"), "", "it is 300 characters long, a name has at most 253"},
          parse_fqdn);
    check(
        {std::string(1U << 20U, 'a'), "", "it is 1048576 characters long, a name has at most 253"},
        parse_fqdn);
    check({repeat("ü", 600), "", "it is 1200 bytes long, a name has at most 253 characters in DNS"},
          parse_fqdn);
    // Short enough as it is written, too long in DNS.
    check({repeat("ü.", 40) + "com", "", "it is longer than 253 characters in DNS (\"xn--...\")"},
          parse_fqdn);
}

TEST_CASE("names with bytes that can't be printed are refused in printable text", "[names]") {
    check({"lync\0.contoso.com"sv, "",
           "it contains the byte 0x00: a name is made of letters, digits, \"-\" and \".\""},
          parse_fqdn);
    check({"contoso.com\0.evil.example"sv, "",
           "it contains the byte 0x00: a name is made of letters, digits, \"-\" and \".\""},
          parse_sip_domain);
    check({"contoso.com\n", "",
           "it contains the byte 0x0a: a name is made of letters, digits, \"-\" and \".\""},
          parse_fqdn);
    check({"\x7f.com", "",
           "it contains the byte 0x7f: a name is made of letters, digits, \"-\" and \".\""},
          parse_fqdn);

    // Every byte in every place of a short name: an answer, and printable text.
    for (int byte = 0; byte < 256; byte++) {
        for (std::size_t at = 0; at < 8; at++) {
            std::string text = "ab.co.cd";
            text[at] = static_cast<char>(byte);
            for (const ParsedName& parsed :
                 {parse_fqdn(text), parse_sip_domain(text), parse_address(text)}) {
                CHECK(parsed.name.empty() != parsed.error.empty());
                for (const char c : parsed.error) {
                    CHECK((c >= 0x20 && c < 0x7f));
                }
            }
        }
    }
}

TEST_CASE("a parsed FQDN parses to itself", "[names]") {
    for (const std::string_view text :
         {"LyncWebExt.contoso.com"sv, "büro.contoso.com"sv, "straße.example"sv, "пример.рф"sv,
          "日本語。jp"sv, "Σίσυφος.gr"sv}) {
        const ParsedName once = parse_fqdn(text);
        REQUIRE(once);
        check({once.name, once.name, ""}, parse_fqdn);
    }
}

TEST_CASE("parse_sip_domain takes a domain or a lone wildcard", "[names]") {
    constexpr std::string_view alone = "a wildcard can only stand alone: sip_domain *";
    const Row rows[] = {
        {"contoso.com", "contoso.com", ""},
        {"BÜRO.contoso.com", "xn--bro-hoa.contoso.com", ""},
        {"*", "*", ""},
        {"**", "", alone},
        {"*.contoso.com", "", alone},
        {"contoso.*", "", alone},
        {"con*so.com", "", alone},
        {"", "", "it is empty: write a name, such as lyncwebext.contoso.com"},
        {"sip:contoso.com", "", "it is a SIP URI: write the domain only"},
        {"SIPS:user@contoso.com", "", "it is a SIP URI: write the domain only"},
        {"user@contoso.com", "", "it contains \"@\": write only what follows it"},
        {"contoso.com:5061", "", has_port},
        {"10.0.0.1", "", needs_name},
    };
    for (const Row& row : rows) {
        check(row, parse_sip_domain);
    }

    const std::string longest = long_name(240, ".com");
    check({longest, longest, ""}, parse_sip_domain);
    check({long_name(241, ".com"), "",
           "it is 241 characters long, a SIP domain has at most 240 so that lyncdiscover can stand "
           "before it"},
          parse_sip_domain);
}

TEST_CASE("parse_https_url takes the three naming options and free labels", "[names]") {
    struct UrlRow {
        std::string_view text;
        std::string_view host;
        std::string_view path;
        bool wildcard;
    };
    const UrlRow rows[] = {
        {"https://meet.contoso.com", "meet.contoso.com", "", false},
        {"https://meet.contoso.com/", "meet.contoso.com", "", false},
        {"HTTPS://Meet.Contoso.COM/Meet", "meet.contoso.com", "/Meet", false},
        {"https://lync.contoso.com/contoso.com/Meet/", "lync.contoso.com", "/contoso.com/Meet",
         false},
        {"https://büro.contoso.com/a-b_c.1", "xn--bro-hoa.contoso.com", "/a-b_c.1", false},
        {"https://meet.*", "meet.*", "", true},
        {"https://Meet.*/Contoso", "meet.*", "/Contoso", true},
        {"https://a.b.*", "a.b.*", "", true},
        {"https://meet.contoso.com/...", "meet.contoso.com", "/...", false},
    };
    for (const UrlRow& row : rows) {
        INFO(row.text);
        const ParsedUrl url = parse_https_url(row.text);
        CHECK(url.error.empty());
        CHECK(static_cast<bool>(url));
        CHECK(url.host == row.host);
        CHECK(url.path == row.path);
        CHECK(url.wildcard_tld == row.wildcard);
    }
}

TEST_CASE("parse_https_url says what a simple URL may not have", "[names]") {
    constexpr std::string_view wildcard =
        "a wildcard can only stand at the end of the host: https://meet.*";
    constexpr std::string_view empty_segment =
        "its path has an empty segment: one \"/\" stands between two segments";
    constexpr std::string_view address = "its host is an address, and an FQDN is needed: "
                                         "certificates and Host headers carry names";
    const std::string long_host = "https://" + long_name(300, ".com") + "/meet";

    const Row rows[] = {
        {"", "", "it is empty: write https://HOST or https://HOST/PATH"},
        {"meet.contoso.com", "", "it has no scheme: write https://HOST or https://HOST/PATH"},
        {"https:/meet.contoso.com", "",
         "it has no scheme: write https://HOST or https://HOST/PATH"},
        {"http://meet.contoso.com", "", "its scheme is http: simple URLs are always https"},
        {"HTTP://meet.contoso.com", "", "its scheme is http: simple URLs are always https"},
        {"sip://meet.contoso.com", "", "its scheme is not https: simple URLs are always https"},
        {"https://meet.contoso.com:443", "", has_port},
        {"https://meet.contoso.com:/", "", has_port},
        {"https://user@meet.contoso.com", "",
         "it contains a user name: leave out the \"@\" and what precedes it"},
        {"https://user:pass@meet.contoso.com", "",
         "it contains a user name: leave out the \"@\" and what precedes it"},
        {"https://meet.contoso.com/?a=b", "",
         "it contains a query: leave out the \"?\" and what follows"},
        {"https://meet.contoso.com?a", "",
         "it contains a query: leave out the \"?\" and what follows"},
        {"https://meet.contoso.com/#a", "",
         "it contains a fragment: leave out the \"#\" and what follows"},
        {"https://meet.contoso.com/%6deet", "",
         "it contains a percent-escape: simple URLs are written without"},
        {"https://", "", "its host is empty: write a name, such as lyncwebext.contoso.com"},
        {"https:///meet", "", "its host is empty: write a name, such as lyncwebext.contoso.com"},
        {"https://meet", "",
         "its host has one label only: write the full name, such as meet.contoso.com"},
        {"https://meet.contoso.com./", "", "its host ends in a dot: leave the dot out"},
        {"https://10.0.0.1/meet", "", address},
        {"https://10.0.0.1:443/meet", "", address},
        {"https://[::1]/meet", "", address},
        {"https://[::1]:443/meet", "", address},
        {"https://*", "", wildcard},
        {"https://.*", "", wildcard},
        {"https://*.*", "", wildcard},
        {"https://*.contoso.com", "", wildcard},
        {"https://meet.*.com", "", wildcard},
        {"https://meet*", "", wildcard},
        {"https://meet..*", "", "its host ends in a dot: leave the dot out"},
        {"https://me_et.contoso.com", "",
         "its host contains \"_\": a name is made of letters, digits, \"-\" and \".\""},
        {"https://meet.contoso.com//", "", empty_segment},
        {"https://meet.contoso.com//meet", "", empty_segment},
        {"https://meet.contoso.com/a//b", "", empty_segment},
        {"https://meet.contoso.com/./a", "",
         "its path has the segment \".\": write the path that it leads to"},
        {"https://meet.contoso.com/a/..", "",
         "its path has the segment \"..\": write the path that it leads to"},
        {"https://meet.contoso.com/a\\b", "",
         "its path contains \"\\\": a path is made of letters, digits, \".\", \"-\", \"_\" and "
         "\"/\""},
        {"https://meet.contoso.com/a*", "",
         "its path contains \"*\": a path is made of letters, digits, \".\", \"-\", \"_\" and "
         "\"/\""},
        {"https://meet.contoso.com/büro", "",
         "its path contains a character outside of ASCII: a path is made of letters, digits, "
         "\".\", \"-\", \"_\" and \"/\""},
        {"https://meet.contoso.com/a b", "", "it contains a space, which a URL may not"},
        {"https://meet.contoso.com/\0"sv, "", "it contains the byte 0x00, which a URL may not"},
        {long_host, "", "its host is 300 characters long, a name has at most 253"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const ParsedUrl url = parse_https_url(row.text);
        CHECK(url.error == row.error);
        CHECK_FALSE(static_cast<bool>(url));
        CHECK(url.host.empty());
        CHECK(url.path.empty());
        CHECK_FALSE(url.wildcard_tld);
    }
}

TEST_CASE("parse_address takes addresses and host names", "[names]") {
    const Row rows[] = {
        {"10.0.0.11", "10.0.0.11", ""},
        {"[fd00::11]", "[fd00::11]", ""},
        {"[FD00:0:0:0:0:0:0:11]", "[fd00::11]", ""},
        {"[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]", ""},
        {"fe01.contoso.local", "fe01.contoso.local", ""},
        {"FE01", "fe01", ""},
        {"localhost", "localhost", ""},
        {"büro", "xn--bro-hoa", ""},
    };
    for (const Row& row : rows) {
        check(row, parse_address);
    }
}

TEST_CASE("parse_address says how an address is written", "[names]") {
    constexpr std::string_view port =
        "it has a port: write the address only, ports come from listening_ports";
    constexpr std::string_view unspecified =
        "it means any address: write the one address of the server";
    constexpr std::string_view brackets = "there is no valid IPv6 address between its brackets";

    const Row rows[] = {
        {"", "", "it is empty: write an IPv4 address, an IPv6 address in brackets, or a host name"},
        {"10.0.0.11:4443", "", port},
        {"fe01.contoso.local:4443", "", port},
        {"[fd00::11]:4443", "", port},
        {"fe01:", "", port},
        {"fd00::11", "", "an IPv6 address stands in brackets: write [fd00::11]"},
        {"::1", "", "an IPv6 address stands in brackets: write [::1]"},
        {"1:2:3", "", "it is not a valid IPv6 address, which would stand in brackets"},
        {"unix:/run/lync.sock", "",
         "it is a UNIX domain socket: servers are reached by TCP, write an address or a host name"},
        {"http://10.0.0.11", "", "it is a URL: write the address or the host name only"},
        {"10.0.0.0/24", "", "it contains \"/\": write the one address of the server"},
        {"[fd00::11", "", brackets},
        {"[]", "", brackets},
        {"[10.0.0.1]", "", brackets},
        {"[fe80::1%eth0]", "", brackets},
        {"[fd00::11]x", "", "something follows its \"]\": write the address only"},
        {"0.0.0.0", "", unspecified},
        {"[::]", "", unspecified},
        {"10.0.0.256", "",
         "it ends in the number \"256\", so it is neither a name nor a valid IPv4 address"},
        {"10.0.0", "",
         "it ends in the number \"0\", so it is neither a name nor a valid IPv4 address"},
        {"010.0.0.1", "",
         "it ends in the number \"1\", so it is neither a name nor a valid IPv4 address"},
        {"fe_01", "", "it contains \"_\": a name is made of letters, digits, \"-\" and \".\""},
        {"fe 01", "", "it contains a space, which neither an address nor a name may"},
        {"10.0.0.1\0"sv, "", "it contains the byte 0x00, which neither an address nor a name may"},
        {"fe01.contoso.local.", "", "it ends in a dot: leave the dot out"},
    };
    for (const Row& row : rows) {
        check(row, parse_address);
    }
}
