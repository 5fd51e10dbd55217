// Names as administrators write them: what is taken, and the whole text of every refusal.

#include "base/names.h"

#include "catch.h"
#include "table.h"

#include <string>
#include <string_view>

using namespace lync;
using namespace lync::testing;
using namespace std::literals;

namespace {
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

using Parse = ParsedName (*)(std::string_view);

/// What `parse` makes of a text: a name, or an error.
void check(Parse parse, std::string_view text, std::string_view name, std::string_view error) {
    INFO(text);
    const ParsedName parsed = parse(text);
    CHECK(parsed.name == name);
    CHECK(parsed.error == error);
    CHECK(static_cast<bool>(parsed) == error.empty());
}

void taken(Parse parse, std::string_view table) {
    for (const auto& [text, name] : rows(table)) {
        check(parse, text, name, {});
    }
}

void refused(Parse parse, std::string_view table) {
    for (const auto& [text, error] : rows(table)) {
        check(parse, text, {}, error);
    }
}

} // namespace

TEST_CASE("parse_fqdn takes names and gives them in lower case", "[names]") {
    taken(parse_fqdn, R"(
        lyncwebext.contoso.com | lyncwebext.contoso.com
        LyncWebExt.CONTOSO.com | lyncwebext.contoso.com
        a.b                    | a.b
        1and1.example          | 1and1.example
        3.2.1.example          | 3.2.1.example
        a-b--c.contoso.com     | a-b--c.contoso.com
        r3---sn.contoso.com    | r3---sn.contoso.com
    )");
}

TEST_CASE("parse_fqdn gives both spellings of an internationalized name as A-labels", "[names]") {
    taken(parse_fqdn, R"(
        büro.contoso.com         | xn--bro-hoa.contoso.com
        BÜRO.Contoso.com         | xn--bro-hoa.contoso.com
        bu\xcc\x88ro.contoso.com | xn--bro-hoa.contoso.com  # not composed
        xn--bro-hoa.contoso.com  | xn--bro-hoa.contoso.com
        XN--BRO-HOA.contoso.com  | xn--bro-hoa.contoso.com
        xn--bro-hoa.büro.com     | xn--bro-hoa.xn--bro-hoa.com
        straße.example           | xn--strae-oqa.example  # transitional: strasse
        пример.рф                | xn--e1afmkfd.xn--p1ai
        日本語。jp                   | xn--wgv71a119e.jp  # an ideographic full stop is a dot
        ｃｏｎｔｏｓｏ.com              | contoso.com  # full width
    )");
}

TEST_CASE("parse_fqdn says what was written in place of a name", "[names]") {
    refused(parse_fqdn, R"(
                                        | it is empty: write a name, such as lyncwebext.contoso.com
        fepool                          | it has one label only: write the full name, such as fepool.contoso.com
        https://lyncwebext.contoso.com/ | it is a URL: write the host name only
        lyncwebext.contoso.com/         | it contains a path: write the host name only
        lyncwebext.contoso.com:4443     | it contains a port: leave it out, ports belong to the rule
        lyncwebext.contoso.com:         | it contains a port: leave it out, ports belong to the rule
        user@contoso.com                | it contains "@": write only what follows it
        *.contoso.com                   | it contains a wildcard: write the name itself
        lyncwebext.contoso.com.         | it ends in a dot: leave the dot out
        büro.contoso.com.               | it ends in a dot: leave the dot out
        10.0.0.11                       | it is an address, and an FQDN is needed: certificates and Host headers carry names
        10.0.0.11:443                   | it is an address, and an FQDN is needed: certificates and Host headers carry names
        fd00::11                        | it is an address, and an FQDN is needed: certificates and Host headers carry names
        [fd00::11]                      | it is an address, and an FQDN is needed: certificates and Host headers carry names
        [fd00::11]:443                  | it is an address, and an FQDN is needed: certificates and Host headers carry names
        １.２.３.４                         | it is an address, and an FQDN is needed: certificates and Host headers carry names  # full width digits
        10.0.0.256                      | it ends in the number "256", so it is neither a name nor a valid IPv4 address
        contoso.1                       | it ends in the number "1", so it is neither a name nor a valid IPv4 address
    )");
}

TEST_CASE("parse_fqdn refuses labels that DNS can't have", "[names]") {
    const std::string long_label(64, 'a');
    const std::string long_label_error =
        "the label \"" + long_label + "\" is 64 characters long, a label has at most 63";

    refused(parse_fqdn, R"(
        lync_web.contoso.com     | it contains "_": a name is made of letters, digits, "-" and "."
        lync web.contoso.com     | it contains a space: a name is made of letters, digits, "-" and "."
        lync%20web.contoso.com   | it contains "%": a name is made of letters, digits, "-" and "."
        a:b.contoso.com          | it contains ":": a name is made of letters, digits, "-" and "."
        -a.contoso.com           | the label "-a" starts or ends with "-", which a label may not
        a-.contoso.com           | the label "a-" starts or ends with "-", which a label may not
        .contoso.com             | it has an empty label: one dot stands between two labels, none before the first
        a..contoso.com           | it has an empty label: one dot stands between two labels, none before the first
        .                        | it has an empty label: one dot stands between two labels, none before the first
        xn--.contoso.com         | the label "xn--" starts or ends with "-", which a label may not
        xn--zzzzzzzz.contoso.com | the label "xn--zzzzzzzz" starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
        xn--n3h.contoso.com      | the label "xn--n3h" starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
        xn--a.contoso.com        | the label "xn--a" starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
        xn--contoso-.contoso.com | the label "xn--contoso-" starts or ends with "-", which a label may not
    )");
    check(parse_fqdn, long_label + ".com", "", long_label_error);
    check(parse_fqdn, long_label.substr(1) + ".com", long_label.substr(1) + ".com", "");
}

TEST_CASE("parse_fqdn refuses what IDNA2008 has no name for", "[names]") {
    const std::string many(70, 'x');
    refused(parse_fqdn, R"(
        ☃.contoso.com              | it has a character that internationalized names may not have (IDNA2008)
        ℀.contoso.com              | it has a character that internationalized names may not have (IDNA2008)  # maps to "a/c"
        \xcc\x81a.contoso.com      | it has a character where internationalized names may not have it (IDNA2008)
        a\xe2\x80\x8cü.contoso.com | it has a character where internationalized names may not have it (IDNA2008)
        אa.contoso.com             | it mixes writing directions in a way that internationalized names may not (IDNA2008)
        -ü.contoso.com             | it has a label with hyphens where an internationalized name may not have them: at its ends, or third and fourth
        xn--ü.contoso.com          | it has a label that starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
        b\xfcro.contoso.com        | it is not valid UTF-8: save the file in UTF-8, or write A-labels ("xn--...")  # Latin-1
        \xed\xa0\x80.contoso.com   | it is not valid UTF-8: save the file in UTF-8, or write A-labels ("xn--...")  # a surrogate
    )");
    check(parse_fqdn, many + "ü.com", "",
          "it has a label longer than 63 characters in DNS (\"xn--...\")");
}

TEST_CASE("parse_fqdn counts characters", "[names]") {
    const std::string longest = long_name(253, ".com");
    check(parse_fqdn, longest, longest, "");
    check(parse_fqdn, long_name(254, ".com"), "",
          "it is 254 characters long, a name has at most 253");
    check(parse_fqdn, long_name(300, ".com"), "",
          "it is 300 characters long, a name has at most 253");
    check(parse_fqdn, std::string(1U << 20U, 'a'), "",
          "it is 1048576 characters long, a name has at most 253");
    check(parse_fqdn, repeat("ü", 600), "",
          "it is 1200 bytes long, a name has at most 253 characters in DNS");
    // Short enough as it is written, too long in DNS.
    check(parse_fqdn, repeat("ü.", 40) + "com", "",
          "it is longer than 253 characters in DNS (\"xn--...\")");
}

TEST_CASE("names with bytes that can't be printed are refused in printable text", "[names]") {
    check(parse_fqdn, "lync\0.contoso.com"sv, "",
          "it contains the byte 0x00: a name is made of letters, digits, \"-\" and \".\"");
    check(parse_sip_domain, "contoso.com\0.evil.example"sv, "",
          "it contains the byte 0x00: a name is made of letters, digits, \"-\" and \".\"");
    check(parse_fqdn, "contoso.com\n", "",
          "it contains the byte 0x0a: a name is made of letters, digits, \"-\" and \".\"");
    check(parse_fqdn, "\x7f.com", "",
          "it contains the byte 0x7f: a name is made of letters, digits, \"-\" and \".\"");

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
        check(parse_fqdn, once.name, once.name, "");
    }
}

TEST_CASE("parse_sip_domain takes a domain or a lone wildcard", "[names]") {
    taken(parse_sip_domain, R"(
        contoso.com      | contoso.com
        BÜRO.contoso.com | xn--bro-hoa.contoso.com
        *                | *
    )");
    refused(parse_sip_domain, R"(
        **                    | a wildcard can only stand alone: sip_domain *
        *.contoso.com         | a wildcard can only stand alone: sip_domain *
        contoso.*             | a wildcard can only stand alone: sip_domain *
        con*so.com            | a wildcard can only stand alone: sip_domain *
                              | it is empty: write a name, such as lyncwebext.contoso.com
        sip:contoso.com       | it is a SIP URI: write the domain only
        SIPS:user@contoso.com | it is a SIP URI: write the domain only
        user@contoso.com      | it contains "@": write only what follows it
        contoso.com:5061      | it contains a port: leave it out, ports belong to the rule
        10.0.0.1              | it is an address, and an FQDN is needed: certificates and Host headers carry names
    )");

    const std::string longest = long_name(240, ".com");
    check(parse_sip_domain, longest, longest, "");
    check(parse_sip_domain, long_name(241, ".com"), "",
          "it is 241 characters long, a SIP domain has at most 240 so that lyncdiscover can stand "
          "before it");
}

TEST_CASE("parse_https_url takes the three naming options and free labels", "[names]") {
    for (const auto& [text, host, path, tld] : rows<4>(R"(
        https://meet.contoso.com                   | meet.contoso.com        |                   |
        https://meet.contoso.com/                  | meet.contoso.com        |                   |
        HTTPS://Meet.Contoso.COM/Meet              | meet.contoso.com        | /Meet             |
        https://lync.contoso.com/contoso.com/Meet/ | lync.contoso.com        | /contoso.com/Meet |
        https://büro.contoso.com/a-b_c.1           | xn--bro-hoa.contoso.com | /a-b_c.1          |
        https://meet.*                             | meet.*                  |                   | any
        https://Meet.*/Contoso                     | meet.*                  | /Contoso          | any
        https://a.b.*                              | a.b.*                   |                   | any
        https://meet.contoso.com/...               | meet.contoso.com        | /...              |
    )")) {
        INFO(text);
        const ParsedUrl url = parse_https_url(text);
        CHECK(url.error.empty());
        CHECK(static_cast<bool>(url));
        CHECK(url.host == host);
        CHECK(url.path == path);
        CHECK(url.wildcard_tld == (tld == "any"));
    }
}

TEST_CASE("parse_https_url says what a simple URL may not have", "[names]") {
    const auto refused = [](std::string_view text, std::string_view error) {
        INFO(text);
        const ParsedUrl url = parse_https_url(text);
        CHECK(url.error == error);
        CHECK_FALSE(static_cast<bool>(url));
        CHECK(url.host.empty());
        CHECK(url.path.empty());
        CHECK_FALSE(url.wildcard_tld);
    };
    for (const auto& [text, error] : rows(R"(
                                           | it is empty: write https://HOST or https://HOST/PATH
        meet.contoso.com                   | it has no scheme: write https://HOST or https://HOST/PATH
        https:/meet.contoso.com            | it has no scheme: write https://HOST or https://HOST/PATH
        http://meet.contoso.com            | its scheme is http: simple URLs are always https
        HTTP://meet.contoso.com            | its scheme is http: simple URLs are always https
        sip://meet.contoso.com             | its scheme is not https: simple URLs are always https
        https://meet.contoso.com:443       | it contains a port: leave it out, ports belong to the rule
        https://meet.contoso.com:/         | it contains a port: leave it out, ports belong to the rule
        https://user@meet.contoso.com      | it contains a user name: leave out the "@" and what precedes it
        https://user:pass@meet.contoso.com | it contains a user name: leave out the "@" and what precedes it
        https://meet.contoso.com/?a=b      | it contains a query: leave out the "?" and what follows
        https://meet.contoso.com?a         | it contains a query: leave out the "?" and what follows
        https://meet.contoso.com/#a        | it contains a fragment: leave out the "#" and what follows
        https://meet.contoso.com/%6deet    | it contains a percent-escape: simple URLs are written without
        https://                           | its host is empty: write a name, such as lyncwebext.contoso.com
        https:///meet                      | its host is empty: write a name, such as lyncwebext.contoso.com
        https://meet                       | its host has one label only: write the full name, such as meet.contoso.com
        https://meet.contoso.com./         | its host ends in a dot: leave the dot out
        https://10.0.0.1/meet              | its host is an address, and an FQDN is needed: certificates and Host headers carry names
        https://10.0.0.1:443/meet          | its host is an address, and an FQDN is needed: certificates and Host headers carry names
        https://[::1]/meet                 | its host is an address, and an FQDN is needed: certificates and Host headers carry names
        https://[::1]:443/meet             | its host is an address, and an FQDN is needed: certificates and Host headers carry names
        https://*                          | a wildcard can only stand at the end of the host: https://meet.*
        https://.*                         | a wildcard can only stand at the end of the host: https://meet.*
        https://*.*                        | a wildcard can only stand at the end of the host: https://meet.*
        https://*.contoso.com              | a wildcard can only stand at the end of the host: https://meet.*
        https://meet.*.com                 | a wildcard can only stand at the end of the host: https://meet.*
        https://meet*                      | a wildcard can only stand at the end of the host: https://meet.*
        https://meet..*                    | its host ends in a dot: leave the dot out
        https://me_et.contoso.com          | its host contains "_": a name is made of letters, digits, "-" and "."
        https://meet.contoso.com//         | its path has an empty segment: one "/" stands between two segments
        https://meet.contoso.com//meet     | its path has an empty segment: one "/" stands between two segments
        https://meet.contoso.com/a//b      | its path has an empty segment: one "/" stands between two segments
        https://meet.contoso.com/./a       | its path has the segment ".": write the path that it leads to
        https://meet.contoso.com/a/..      | its path has the segment "..": write the path that it leads to
        https://meet.contoso.com/a\b       | its path contains "\": a path is made of letters, digits, ".", "-", "_" and "/"
        https://meet.contoso.com/a*        | its path contains "*": a path is made of letters, digits, ".", "-", "_" and "/"
        https://meet.contoso.com/büro      | its path contains a character outside of ASCII: a path is made of letters, digits, ".", "-", "_" and "/"
        https://meet.contoso.com/a b       | it contains a space, which a URL may not
        https://meet.contoso.com/\x00      | it contains the byte 0x00, which a URL may not
    )")) {
        refused(text, error);
    }
    refused("https://" + long_name(300, ".com") + "/meet",
            "its host is 300 characters long, a name has at most 253");
}

TEST_CASE("parse_address takes addresses and host names", "[names]") {
    taken(parse_address, R"(
        10.0.0.11             | 10.0.0.11
        [fd00::11]            | [fd00::11]
        [FD00:0:0:0:0:0:0:11] | [fd00::11]
        [::ffff:10.0.0.1]     | [::ffff:10.0.0.1]
        fe01.contoso.local    | fe01.contoso.local
        FE01                  | fe01
        localhost             | localhost
        büro                  | xn--bro-hoa
    )");
}

TEST_CASE("parse_address says how an address is written", "[names]") {
    refused(parse_address, R"(
                                | it is empty: write an IPv4 address, an IPv6 address in brackets, or a host name
        10.0.0.11:4443          | it has a port: write the address only, ports come from listening_ports
        fe01.contoso.local:4443 | it has a port: write the address only, ports come from listening_ports
        [fd00::11]:4443         | it has a port: write the address only, ports come from listening_ports
        fe01:                   | it has a port: write the address only, ports come from listening_ports
        fd00::11                | an IPv6 address stands in brackets: write [fd00::11]
        ::1                     | an IPv6 address stands in brackets: write [::1]
        1:2:3                   | it is not a valid IPv6 address, which would stand in brackets
        unix:/run/lync.sock     | it is a UNIX domain socket: servers are reached by TCP, write an address or a host name
        http://10.0.0.11        | it is a URL: write the address or the host name only
        10.0.0.0/24             | it contains "/": write the one address of the server
        [fd00::11               | there is no valid IPv6 address between its brackets
        []                      | there is no valid IPv6 address between its brackets
        [10.0.0.1]              | there is no valid IPv6 address between its brackets
        [fe80::1%eth0]          | there is no valid IPv6 address between its brackets
        [fd00::11]x             | something follows its "]": write the address only
        0.0.0.0                 | it means any address: write the one address of the server
        [::]                    | it means any address: write the one address of the server
        10.0.0.256              | it ends in the number "256", so it is neither a name nor a valid IPv4 address
        10.0.0                  | it ends in the number "0", so it is neither a name nor a valid IPv4 address
        010.0.0.1               | it ends in the number "1", so it is neither a name nor a valid IPv4 address
        fe_01                   | it contains "_": a name is made of letters, digits, "-" and "."
        fe 01                   | it contains a space, which neither an address nor a name may
        10.0.0.1\x00            | it contains the byte 0x00, which neither an address nor a name may
        fe01.contoso.local.     | it ends in a dot: leave the dot out
    )");
}
