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

TEST_CASE("parse_fqdn refuses what isn't a name", "[names]") {
    const std::string long_label(64, 'a');
    refused(parse_fqdn, R"(
                                 | it is empty: write a name, such as lyncwebext.contoso.com
        fepool                   | it has one label only: write the full name, such as fepool.contoso.com
        lyncwebext.contoso.com:443 | it contains a port: leave it out, ports belong to the rule
        lyncwebext.contoso.com:  | it contains a port: leave it out, ports belong to the rule
        https://lync.contoso.com | it is a URL: write the host name only
        *.contoso.com            | it contains "*": a name is made of letters, digits, "-" and "."
        lync web.contoso.com     | it contains a space: a name is made of letters, digits, "-" and "."
        lync\x00.contoso.com     | it contains the byte 0x00: a name is made of letters, digits, "-" and "."
        bü\x00.contoso.com       | it contains the byte 0x00: a name is made of letters, digits, "-" and "."
        contoso.com\x7f          | it contains the byte 0x7f: a name is made of letters, digits, "-" and "."
        lyncwebext.contoso.com.  | it ends in a dot: leave the dot out
        büro.contoso.com.        | it ends in a dot: leave the dot out
        10.0.0.11                | it is an address, and an FQDN is needed: certificates and Host headers carry names
        fd00::11                 | it is an address, and an FQDN is needed: certificates and Host headers carry names
        [fd00::11]               | it is an address, and an FQDN is needed: certificates and Host headers carry names
        10.0.0.256               | it ends in the number "256", so it is neither a name nor a valid IPv4 address
        １.２.３.４                  | it ends in the number "4", so it is neither a name nor a valid IPv4 address
        -a.contoso.com           | the label "-a" starts or ends with "-", which a label may not
        a-.contoso.com           | the label "a-" starts or ends with "-", which a label may not
        .contoso.com             | it has an empty label: one dot stands between two labels, none before the first
        a..contoso.com           | it has an empty label: one dot stands between two labels, none before the first
        .                        | it has an empty label: one dot stands between two labels, none before the first
        xn--zzzzzzzz.contoso.com | the label "xn--zzzzzzzz" starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
        xn--n3h.contoso.com      | the label "xn--n3h" starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
        ☃.contoso.com            | it is not a valid internationalized name (IDN2_DISALLOWED)
        ℀.contoso.com            | it contains "/": a name is made of letters, digits, "-" and "."  # is mapped to "a/c"
        אa.contoso.com           | it is not a valid internationalized name (IDN2_BIDI)
        b\xfcro.contoso.com      | it is not valid UTF-8: save the file in UTF-8, or write A-labels ("xn--...")  # Latin-1
        \xed\xa0\x80.contoso.com | it is not valid UTF-8: save the file in UTF-8, or write A-labels ("xn--...")  # a surrogate
    )");
    check(parse_fqdn, long_label + ".com", "",
          "the label \"" + long_label + "\" is 64 characters long, a label has at most 63");
    check(parse_fqdn, long_label.substr(1) + ".com", long_label.substr(1) + ".com", "");
}

TEST_CASE("parse_fqdn counts characters", "[names]") {
    const std::string longest = long_name(253, ".com");
    check(parse_fqdn, longest, longest, "");
    check(parse_fqdn, long_name(254, ".com"), "",
          "it is 254 characters long, a name has at most 253");
    check(parse_fqdn, std::string(1U << 20U, 'a'), "",
          "it is 1048576 bytes long, a name has at most 253");
    // Short enough as it is written, too long in DNS.
    CHECK(parse_fqdn(repeat("ü.", 40) + "com").error.starts_with("it is not a valid"));
}

TEST_CASE("no byte is taken for another, and refusals are printable", "[names]") {
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
        lyncdiscovery.com | lyncdiscovery.com
    )");
    refused(parse_sip_domain, R"(
        *.contoso.com         | a wildcard can only stand alone: sip_domain *
        contoso.*             | a wildcard can only stand alone: sip_domain *
        LyncDiscover.contoso.com | lyncdiscover is put before it: write the part of SIP addresses after the "@"
        lyncdiscoverinternal.contoso.com | lyncdiscover is put before it: write the part of SIP addresses after the "@"
        sip:contoso.com       | it is a SIP URI: write the domain only
        contoso.com:5061      | it contains a port: leave it out, ports belong to the rule
        contoso.com\x00.evil.example | it contains the byte 0x00: a name is made of letters, digits, "-" and "."
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
                                           | it is written https://HOST or https://HOST/PATH
        meet.contoso.com                   | it is written https://HOST or https://HOST/PATH
        https:/meet.contoso.com            | it is written https://HOST or https://HOST/PATH
        HTTP://meet.contoso.com            | its scheme is http: simple URLs are always https
        https://meet.contoso.com:443       | it contains a port: leave it out, ports belong to the rule
        https://meet.contoso.com:/         | it contains a port: leave it out, ports belong to the rule
        https://user:pass@meet.contoso.com | its host contains ":": a name is made of letters, digits, "-" and "."
        https://meet.contoso.com?a         | its host contains "?": a name is made of letters, digits, "-" and "."
        https:///meet                      | its host is empty: write a name, such as lyncwebext.contoso.com
        https://meet                       | its host has one label only: write the full name, such as meet.contoso.com
        https://meet.contoso.com./         | its host ends in a dot: leave the dot out
        https://10.0.0.1/meet              | its host is an address, and an FQDN is needed: certificates and Host headers carry names
        https://[::1]:443/meet             | its host is an address, and an FQDN is needed: certificates and Host headers carry names
        https://.*                         | its host contains "*": a name is made of letters, digits, "-" and "."
        https://*.*                        | its host contains "*": a name is made of letters, digits, "-" and "."
        https://meet.*.com                 | its host contains "*": a name is made of letters, digits, "-" and "."
        https://meet..*                    | its host ends in a dot: leave the dot out
    )")) {
        refused(text, error);
    }
    for (const std::string path : {"//", "//meet", "/a//b", "/./a", "/a/..", "/a\\b", "/a*", "/%6d",
                                   "/?a=b", "/#a", "/a b", "/b\xc3\xbcro"}) {
        refused("https://meet.contoso.com" + path,
                "its path is made of segments of letters, digits, \".\", \"-\" and \"_\"");
    }
}

TEST_CASE("parse_address takes addresses and host names", "[names]") {
    taken(parse_address, R"(
        10.0.0.11             | 10.0.0.11
        [fd00::11]            | [fd00::11]
        [FD00:0:0:0:0:0:0:11] | [fd00::11]
        fe01.contoso.local    | fe01.contoso.local
        FE01                  | fe01
        localhost             | localhost
        büro                  | xn--bro-hoa
    )");
}

TEST_CASE("parse_address says how an address is written", "[names]") {
    refused(parse_address, R"(
                                | it is empty: write a name, such as lyncwebext.contoso.com
        https://10.0.0.11:4443  | it is a URL: write the address or the host name only
        10.0.0.11:4443          | it has a port: write the address only, ports come from listening_ports
        fe01.contoso.local:4443 | it has a port: write the address only, ports come from listening_ports
        [fd00::11]:4443         | it has a port: write the address only, ports come from listening_ports
        fd00::11                | an IPv6 address stands in brackets: write [fd00::11]
        1:2:3                   | it contains ":": a name is made of letters, digits, "-" and "."
        unix:/run/lync.sock     | it contains ":": a name is made of letters, digits, "-" and "."
        10.0.0.0/24             | it contains "/": a name is made of letters, digits, "-" and "."
        [fd00::11               | there is no valid IPv6 address between its brackets
        [10.0.0.1]              | there is no valid IPv6 address between its brackets
        [fe80::1%eth0]          | there is no valid IPv6 address between its brackets
        [fd00::11]x             | there is no valid IPv6 address between its brackets
        0.0.0.0                 | it is no address of one server: write the server's own
        [::]                    | it is no address of one server: write the server's own
        255.255.255.255         | it is no address of one server: write the server's own
        [ff02::1]               | it is no address of one server: write the server's own
        224.0.0.1               | it is no address of one server: write the server's own
        [::ffff:0.0.0.0]        | it is no address of one server: write the server's own
        [::FFFF:a00:b]          | it is an IPv4 address as IPv6 has it: write 10.0.0.11
        10.0.0                  | it ends in the number "0", so it is neither a name nor a valid IPv4 address
        010.0.0.1               | it ends in the number "1", so it is neither a name nor a valid IPv4 address
        10.0.0.1\x00            | it contains the byte 0x00: a name is made of letters, digits, "-" and "."
        fe01.contoso.local.     | it ends in a dot: leave the dot out
    )");
}
