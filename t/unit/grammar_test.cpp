// What may stand where, how often, with how many arguments; and how messages show what was written.

#include "config/grammar.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

namespace {

std::string mistake(std::string_view text) {
    return mistake_of([&] { check_grammar(*block(text)); });
}

} // namespace

TEST_CASE("what isn't grammatical is reported with its block and its line", "[grammar]") {
    for (const auto& [inside, message] : rows(R"(
        sip_domian contoso.com;                        | unknown directive "sip_domian" in lync_publish "contoso", did you mean "sip_domain"? in nginx.conf:2
        SIP_DOMAIN contoso.com;                        | unknown directive "SIP_DOMAIN" in lync_publish "contoso", did you mean "sip_domain"? in nginx.conf:2
        frobnicate on;                                 | unknown directive "frobnicate" in lync_publish "contoso" in nginx.conf:2
        server 10.0.0.11;                              | "server" directive is not allowed in lync_publish "contoso", it belongs in a pool, director, office_web_apps or exchange block in nginx.conf:2
        pool a.contoso.local { // product sfb_se; }    | "product" directive is not allowed in pool "a.contoso.local", it belongs in lync_publish itself in nginx.conf:3
        pool a.contoso.local { pool b.contoso.local { } } | "pool" directive is not allowed in pool "a.contoso.local", it belongs in lync_publish itself in nginx.conf:2
        pool a.contoso.local { services ews; }         | "services" directive is not allowed in pool "a.contoso.local", it belongs in an exchange block in nginx.conf:2
        exchange a.contoso.com { external_web_services b.contoso.com; } | "external_web_services" directive is not allowed in exchange "a.contoso.com", it belongs in a pool or director block in nginx.conf:2
        certificate_name a.contoso.local;              | "certificate_name" directive is not allowed in lync_publish "contoso", it belongs in an office_web_apps or exchange block in nginx.conf:2
        pool a.contoso.local;                          | directive "pool" has no opening "{", it is written "pool FQDN { ... }" in nginx.conf:2
        product sfb_se { }                             | directive "product" is not terminated by ";", it is written "product NAME" in nginx.conf:2
        product;                                       | invalid number of arguments in "product" directive of lync_publish "contoso", it is written "product NAME" in nginx.conf:2
        pool { }                                       | invalid number of arguments in "pool" directive of lync_publish "contoso", it is written "pool FQDN { ... }" in nginx.conf:2
        product sfb_se // max_upload 1g;               | invalid number of arguments in "product" directive of lync_publish "contoso": is the ";" before "max_upload" missing? in nginx.conf:3
        product sfb_se server;                         | invalid number of arguments in "product" directive of lync_publish "contoso", it is written "product NAME" in nginx.conf:2  # no directive of this block
        product sfb_se; // product sfb_se;             | "product" directive is duplicate in lync_publish "contoso", the first stands at nginx.conf:2 in nginx.conf:3
    )")) {
        INFO(inside);
        CHECK(mistake("lync_publish contoso {\n" + std::string(inside) + "\n}") == message);
    }
}

TEST_CASE("the first mistake of a block is the one that is reported", "[grammar]") {
    CHECK(mistake("lync_publish contoso {\n"
                  "pool a.contoso.local {\nservr 10.0.0.1;\n}\n"
                  "product;\n}")
              .starts_with("unknown directive \"servr\" in pool \"a.contoso.local\""));
}

TEST_CASE("a typo has a nearest directive, another word has none", "[grammar]") {
    for (const auto& [name, block, nearest] : rows<3>(R"(
        sip_domains                                    | lync_publish | sip_domain
        Product                                        | lync_publish | product
        trusted-ca                                     | lync_publish | trusted_ca
        poll                                           | lync_publish | pool
        http_listn                                     | lync_publish | http_listen
        servers                                        | pool         | server
        servers                                        | director     | server
        servers                                        | exchange     | server
        service                                        | exchange     | services
        servers                                        | lync_publish |   # nothing of that name stands there
        ssl_certificate                                | lync_publish |
        x                                              | lync_publish |
                                                       | lync_publish |
        servers                                        | http         |
        a_word_that_is_longer_than_any_directive_may_be | lync_publish |
    )")) {
        INFO(name << " in " << block);
        CHECK(nearest_directive(name, block) == nearest);
    }
}

TEST_CASE("a word is shown so that a terminal survives it", "[grammar]") {
    const struct {
        std::string_view text;
        std::string_view shown;
    } rows[] = {
        {"", "\"\""},
        {"contoso.com", "\"contoso.com\""},
        {"b\xc3\xbcro.contoso.com", "\"b\xc3\xbcro.contoso.com\""},
        {"\xe4\xbe\x8b\xf0\x9f\x98\x80", "\"\xe4\xbe\x8b\xf0\x9f\x98\x80\""},
        {"b\xfcro", "\"b\\xfcro\""},    // Latin-1
        {"\xc3", "\"\\xc3\""},          // cut off
        {"\xe4\xbe", "\"\\xe4\\xbe\""}, // cut off
        {"\xc0\xaf", "\"\\xc0\\xaf\""}, // overlong
        {"\x80", "\"\\x80\""},          // a byte that follows nothing
        {"a\tb\nc", "\"a\\x09b\\x0ac\""},
        {"\x1b[31m", "\"\\x1b[31m\""},
        {"\x7f", "\"\\x7f\""},
        {"\xc2\x9b", "\"\\xc2\\x9b\""}, // CSI in one character
        {"\0"sv, "\"\\x00\""},
    };
    for (const auto& row : rows) {
        INFO(row.shown);
        CHECK(lync::quoted(row.text) == row.shown);
    }
}

TEST_CASE("a long word is cut off between two characters", "[grammar]") {
    const std::string a(300, 'a');
    CHECK(lync::quoted(a) == "\"" + a.substr(0, 255) + "...\"");
    CHECK(lync::quoted(a.substr(0, 255)) == "\"" + a.substr(0, 255) + "\"");

    const std::string umlauts = a.substr(0, 254) + "\xc3\xbc\xc3\xbc";
    CHECK(lync::quoted(umlauts) == "\"" + a.substr(0, 254) + "...\"");
}
