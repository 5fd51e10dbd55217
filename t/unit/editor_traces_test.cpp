// What editors leave in a file, and the remedy for each.

#include "config/editor_traces.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

TEST_CASE("what an editor has left in a word is named", "[grammar]") {
    const struct {
        std::string_view word;
        std::string_view begins;
    } rows[] = {
        {"\xef\xbb\xbfsip_domain", "the file begins with a byte order mark"},
        {"\xff\xfes\0"sv, "the file is UTF-16"},
        {"\xfe\xff\0s"sv, "the file is UTF-16"},
        {"i\0p\0"sv, "the file is UTF-16"},
        {"server\xc2\xa0"
         "10.0.0.11",
         "it has a no-break space in it"},
        {"\xe2\x80\x9c/etc/nginx/x.pem\xe2\x80\x9d", "it has typographic quotes in it"},
        {"\xe2\x80\x9e/etc/nginx/x.pem\xe2\x80\x9c", "it has typographic quotes in it"},
        {"//", "a comment begins with \"#\""},
        {"/*", "a comment begins with \"#\""},
        {"contoso.com,", "values are separated by spaces"},
        {"=", "a directive is followed by a space and its value, without \"=\""},
        {"=contoso.com", "a directive is followed by a space and its value, without \"=\""},
        {"C:\\certs\\x.pem", "it is a path of Windows"},
        {"C:\nginx\\x.pem", "it is a path of Windows"},
        {"d:/certs/x.pem", "it is a path of Windows"},
    };
    for (const auto& row : rows) {
        INFO(row.word);
        CHECK(editor_trace(row.word).starts_with(row.begins));
    }
    for (const std::string_view word :
         {"", "sip_domain", "b\xc3\xbcro.contoso.com", "/etc/nginx/x.pem", "[::1]:443", "a::1",
          "weight=5", "https://meet.contoso.com", "*", "a,b", "10.0.0.1:443", "C:"}) {
        INFO(word);
        CHECK(editor_trace(word).empty());
    }
}

TEST_CASE("a publication is refused for them, with the directive", "[grammar]") {
    for (const auto& [more, message] : rows(R"(
        sip_domain = example.com;        | invalid value "=" in "sip_domain" directive of lync_publish "contoso": a directive is followed by a space and its value, without "=" in nginx.conf:11
        sip_domain=example.com;          | unknown directive "sip_domain=example.com" in lync_publish "contoso": a directive is followed by a space and its value, without "=" in nginx.conf:11
        /* ours // sip_domain a.com;     | unknown directive "/*" in lync_publish "contoso": a comment begins with "#" in nginx.conf:12
        deny_path /lwa, /scheduler;      | invalid value "/lwa," in "deny_path" directive of lync_publish "contoso": values are separated by spaces, without commas in nginx.conf:11
        product sfb_se /* or 2019 */;    | invalid value "/*" in "product" directive of lync_publish "contoso": a comment begins with "#" in nginx.conf:11
        allow_path /*;                   | invalid value "/*" in "allow_path" directive of lync_publish "contoso": it would allow every path: write "path_policy vendor" in nginx.conf:11
        certificate C:\y.pem C:\y.key;   | invalid value "C:\y.pem" in "certificate" directive of lync_publish "contoso": it is a path of Windows, write one of this system, such as /etc/nginx/contoso.pem in nginx.conf:11
        office_web_apps wac.contoso.com { server “10.0.0.14”; } | invalid value "“10.0.0.14”" in "server" directive of office_web_apps "wac.contoso.com": it has typographic quotes in it, as a word processor writes them: type " or none in nginx.conf:11
    )")) {
        INFO(more);
        CHECK(World().mistake(smallest(more)) == message);
    }
}

TEST_CASE("a value in another case is asked for", "[grammar]") {
    for (const auto& [more, ends] : rows(R"(
        http_autodiscover Auto; | it is "auto", "on" or "off", did you mean "auto"?
        product SFB_2019;       | , did you mean "sfb_2019"?
        exchange mail.contoso.com { server 10.0.0.15; services EWS; } | [timeout=TIME] [max_upload=SIZE]", did you mean "ews"?
        exchange mail.contoso.com { server 10.0.0.15 Backup; }        | [backup] [down]", did you mean "backup"?
        http_autodiscover Yes;  | it is "auto", "on" or "off"
    )")) {
        INFO(more);
        CHECK(World().mistake(smallest(more)).ends_with(ends + " in nginx.conf:11"));
    }
}
