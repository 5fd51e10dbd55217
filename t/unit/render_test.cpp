// The plan as nginx directives. That nginx takes and runs them is tested in t/*.t; here is what
// depends on the nginx at hand, what is said once, and who is blamed for which line.

#include "plan/render.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

#include <algorithm>

using namespace lync;
using namespace lync::plan;
using namespace lync::testing;
using namespace std::literals;

namespace {

constexpr unsigned debian_12 = 1022001;
constexpr unsigned newest = 1031004;

bool all(std::string_view) {
    return true;
}
bool none(std::string_view) {
    return false;
}

Rendered rendered(std::string_view block, const decltype(Dialect::has)& has = all,
                  unsigned version = debian_12, bool first_publication = true) {
    World world;
    const Plan plan = make_plan(world.declare(block));
    return render(plan, {has, version}, first_publication);
}

std::vector<std::string_view> lines(std::string_view text) {
    std::vector<std::string_view> all;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        all.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return all;
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t times = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) {
        times++;
    }
    return times;
}

bool contains(const Rendered& rendered, std::string_view part) {
    return rendered.text.find(part) != std::string::npos;
}

/// The server whose comment contains `part`, with all that belongs to it.
std::string server(const Rendered& rendered, std::string_view part) {
    const std::size_t at = rendered.text.find(part);
    REQUIRE(at != std::string::npos);
    const std::size_t begin = rendered.text.rfind("\n#", at) + 1;
    return rendered.text.substr(begin, rendered.text.find("\n}\n", at) + 3 - begin);
}

/// The line of the block that is blamed for the first line that contains `part`.
unsigned blamed(const Rendered& rendered, std::string_view part) {
    const auto all = lines(rendered.text);
    const auto line = std::find_if(all.begin(), all.end(), [part](std::string_view each) {
        return each.find(part) != each.npos;
    });
    REQUIRE(line != all.end());
    return rendered.origin(static_cast<std::size_t>(line - all.begin()) + 1).line;
}

constexpr std::string_view two_servers = "director dirpool.contoso.local {\n"
                                         "    external_web_services dirwebext.contoso.com;\n"
                                         "    server 10.0.0.21;\n"
                                         "    server [2001:db8::22] weight=2 backup;\n"
                                         "}";

} // namespace

TEST_CASE("every line has one origin", "[render]") {
    const Rendered r = rendered(smallest(two_servers));
    CHECK(r.origins.size() == lines(r.text).size());
    CHECK(r.text.ends_with("}\n"));
    for (const Place& origin : r.places) {
        CHECK(origin.file == "nginx.conf");
        CHECK(origin.line >= 1);
    }
    CHECK_THROWS(r.origin(r.origins.size() + 1));
}

TEST_CASE("every brace is closed", "[render]") {
    const Rendered r = rendered(smallest(two_servers));
    int depth = 0;
    for (const std::string_view line : lines(r.text)) {
        if (line.find('#') != line.npos) {
            continue; // a comment
        }
        depth += line.ends_with("{") ? 1 : 0;
        depth -= line.ends_with("}") ? 1 : 0;
        CHECK(depth >= 0);
        const bool ends =
            line.empty() || line.ends_with(";") || line.ends_with("{") || line.ends_with("}");
        CHECK((ends || line.find("server_name") != line.npos));
    }
    CHECK(depth == 0);
}

TEST_CASE("an upstream has the servers with the port of the rule", "[render]") {
    const Rendered r = rendered(smallest(two_servers));
    CHECK(contains(r, "upstream contoso_fepool.contoso.local_4443 {\n"
                      "    server 10.0.0.11:4443;\n"));
    CHECK(contains(r, "    server 10.0.0.21:4443;\n"
                      "    server [2001:db8::22]:4443 weight=2 backup;\n"));
}

TEST_CASE("what fails is blamed on the directive that caused it", "[render]") {
    const Rendered r = rendered(smallest(std::string(two_servers) + R"(
        simple_url meet https://meet.contoso.com;
        http_listen 80;
        https_listen 443 backlog=5;
        server_include one.conf;)"));
    CHECK(blamed(r, "server 10.0.0.11:4443") == 7);
    CHECK(blamed(r, "server 10.0.0.21:4443") == 13);
    CHECK(blamed(r, "server [2001:db8::22]:4443") == 14);
    CHECK(blamed(r, "upstream contoso_fepool") == 6);
    CHECK(blamed(r, "server_name meet.contoso.com") == 16);
    CHECK(blamed(r, "listen 80") == 17);
    CHECK(blamed(r, "listen 443") == 18);
    CHECK(blamed(r, "include ") == 19);
    CHECK(blamed(r, "ssl_certificate ") == 3);
    CHECK(blamed(r, "ssl_certificate_key ") == 3);
}

TEST_CASE("each server says in a comment what it publishes where", "[render]") {
    const Rendered r = rendered(smallest());
    CHECK(contains(r, "\n# https lyncwebext.contoso.com -> pool fepool.contoso.local, port 4443\n"
                      "server {\n"
                      "    listen 443 ssl;\n"
                      "    listen [::]:443 ssl;\n"
                      "    server_name lyncwebext.contoso.com;\n"));
    CHECK(count(r.text, "\nserver {\n") == count(r.text, "\n# http"));
}

TEST_CASE("a proxying server verifies its servers under the pool's name", "[render]") {
    const std::string verified = server(rendered(smallest()), "# https lyncwebext");
    CHECK(count(verified, "proxy_pass https://contoso_fepool.contoso.local_4443;") == 1);
    CHECK(count(verified, "proxy_ssl_name fepool.contoso.local;") == 1);
    CHECK(count(verified, "proxy_ssl_verify on;") == 1);
    CHECK(count(verified, "/ca.pem;") == 1);
    CHECK(count(verified, "proxy_ssl_server_name on;") == 1);

    const std::string trusting =
        server(rendered(smallest("backend_verify off;")), "# https lyncwebext");
    CHECK(count(trusting, "proxy_ssl_verify off;") == 1);
    CHECK(count(trusting, "proxy_ssl_trusted_certificate") == 0);

    const Rendered named = rendered(smallest("office_web_apps wac.contoso.com {\n"
                                             "server 10.0.0.14;\n"
                                             "certificate_name wac.contoso.local;\n}"));
    CHECK(count(server(named, "# https wac"), "proxy_ssl_name wac.contoso.local;") == 1);
}

TEST_CASE("a host with several pools asks for each request which", "[render]") {
    const Rendered r = rendered(
        smallest("pool fepool2.contoso.local { external_web_services lyncwebext2.contoso.com; }\n"
                 "simple_url meet https://lync.contoso.com/meet;\n"
                 "simple_url dialin https://lync.contoso.com/dialin pool=fepool2.contoso.local;"));
    const std::string shared = server(r, "# https lync.contoso.com");
    CHECK(count(shared, "proxy_pass https://$lync_upstream;") == 1);
    CHECK(count(shared, "proxy_ssl_name $lync_pool;") == 1);
}

TEST_CASE("plain HTTP travels without TLS, and only where autodiscover does", "[render]") {
    const Rendered r = rendered(smallest("sip_domain example.com;"));
    const std::string http = server(r, "# http lyncdiscover.example.com");
    CHECK(count(http, "proxy_pass http://contoso_fepool.contoso.local_8080;") == 1);
    CHECK(count(http, "ssl") == 0);
    CHECK(count(http, "X-Forwarded-Proto http;") == 1);

    const std::string redirect = server(r, "# http lyncwebext.contoso.com");
    CHECK(count(redirect, "proxy_") == 0);
    CHECK(count(redirect, "location / {\n        lync_rule contoso https_redirect;\n    }\n") == 1);
}

TEST_CASE("every host of plain HTTP answers ACME challenges", "[render]") {
    const Rendered r = rendered(smallest("acme_challenge \"/var/w w\"; sip_domain example.com;\n"
                                         "simple_url admin https://admin.contoso.com;"));
    for (const auto host : {"# http lyncdiscover.example.com", "# http lyncwebext.contoso.com"}) {
        CHECK(count(server(r, host),
                    "    location ~ \"^/\\.well-known/acme-challenge/[A-Za-z0-9_-]{1,255}\\z\" {\n"
                    "        lync_rule contoso ") == 1);
    }
    CHECK(count(r.text, "root \"/var/w w\";") == 2);
    CHECK(count(r.text, "dav_methods off;") == 2);
    CHECK(count(server(r, "# http admin.contoso.com"), "acme") == 0);
    CHECK_FALSE(contains(rendered(smallest()), "acme"));
}

TEST_CASE("what counts nothing is declared once", "[render]") {
    const Rendered first = rendered(smallest());
    const Rendered second = rendered(smallest(), all, debian_12, false);
    CHECK(count(first.text, "limit_req_zone ") == 1);
    CHECK(count(first.text, "limit_conn_zone ") == 1);
    CHECK(count(second.text, "limit_req_zone ") == 0);
    CHECK(count(second.text, "limit_conn_zone ") == 0);
}

TEST_CASE("nginx's own cache of connections is switched off where there is one", "[render]") {
    CHECK_FALSE(contains(rendered(smallest(), all, debian_12), "keepalive 0;"));
    CHECK_FALSE(contains(rendered(smallest(), all, 1029006), "keepalive 0;"));
    CHECK(contains(rendered(smallest(), all, 1029007), "keepalive 0;"));
    CHECK(contains(rendered(smallest(), all, newest), "keepalive 0;"));
}

TEST_CASE("an nginx that knows nothing optional still gets a publication", "[render]") {
    const Rendered r =
        rendered(smallest(std::string(two_servers) + "\nsip_domain example.com;"), none);
    for (const auto optional : {"gzip", "http2", "limit_req", "limit_conn", "auth_basic",
                                "sub_filter", "keepalive_timeout"}) {
        INFO(optional);
        CHECK_FALSE(contains(r, optional));
    }
    for (const auto needed : {"proxy_pass", "proxy_ssl_verify", "proxy_read_timeout",
                              "proxy_set_header Host $lync_host", "client_max_body_size",
                              "error_page", "lync_rule", "ssl_certificate"}) {
        INFO(needed);
        CHECK(contains(r, needed));
    }
}

TEST_CASE("a directive is stated where the nginx at hand knows it", "[render]") {
    const auto only_gzip = [](std::string_view name) { return name == "gzip"; };
    const Rendered r = rendered(smallest(), only_gzip);
    CHECK(count(r.text, "gzip off;") == count(r.text, "\nserver {\n"));
    CHECK_FALSE(contains(r, "gunzip"));
}

TEST_CASE("the balancer is the module's own", "[render]") {
    CHECK_FALSE(contains(rendered(smallest(two_servers)), "least_conn"));
    CHECK(contains(rendered(smallest()), "proxy_next_upstream_tries 0;"));
}

TEST_CASE("the parameters of a socket are stated by one listen alone", "[render]") {
    const Rendered r = rendered(smallest("https_listen 443 backlog=5 reuseport proxy_protocol;"));
    CHECK(count(r.text, "backlog=5 reuseport") == 1);
    CHECK(count(r.text, "listen 443 ssl proxy_protocol") == count(r.text, "listen 443 ssl"));
    CHECK(contains(r, "listen 443 ssl proxy_protocol backlog=5 reuseport;"));
}

TEST_CASE("a list of names is broken into lines", "[render]") {
    std::string domains = "sip_domain";
    for (int i = 0; i < 100; i++) {
        domains += " d" + std::to_string(i) + ".contoso.com";
    }
    const Rendered r = rendered(smallest(domains + ";"));
    CHECK(contains(r, "lyncdiscover.d99.contoso.com"));
    for (const std::string_view line : lines(r.text)) {
        if (line.find("lyncdiscover.d") != line.npos && line.find('#') == line.npos) {
            CHECK(line.size() <= 100);
        }
    }
    CHECK(r.origins.size() == lines(r.text).size());
}

TEST_CASE("what the block says about limits stands in every server", "[render]") {
    const Rendered r = rendered(smallest("pending_get_timeout 20m; max_upload 1g;"));
    CHECK(count(r.text, "client_max_body_size 1g;") == count(r.text, "\nserver {\n"));
    CHECK(count(r.text, "proxy_read_timeout 20m;") == count(r.text, "proxy_pass http"));
}

TEST_CASE("server_include is the last word of every server but for who may come", "[render]") {
    const Rendered r = rendered(smallest("server_include \"with space.conf\" b.conf;"));
    CHECK(count(r.text, "/with space.conf\";\n") == count(r.text, "\nserver {\n"));
    CHECK(count(r.text, "/b.conf;\n    allow all;\n}\n") == count(r.text, "\nserver {\n"));
}

TEST_CASE("an argument is quoted as nginx reads it", "[render]") {
    for (const auto& [text, quoted] : rows(R"(
        /etc/nginx/a.pem | /etc/nginx/a.pem
                         | ""
        a b              | "a b"
        a;b              | "a;b"
        a{b}             | "a{b}"
        a#b              | "a#b"
        a"b              | "a\"b"
        a\b              | "a\\b"
        it's             | "it's"
        büro             | büro
    )")) {
        INFO(text);
        CHECK(quoted_argument(text) == quoted);
    }
}

TEST_CASE("services of Exchange with limits of their own have a location", "[render]") {
    const std::string text = rendered(smallest(R"(
        exchange mail.contoso.com {
            server   10.0.0.15;
            services ews owa activesync mapi;
            services rpc timeout=20m;
        })")).text;
    const auto location = [&](std::string_view alternatives, std::string_view limits) {
        const std::size_t at = text.find("location ~* ^/(?:" + std::string(alternatives) + ")(?:/|$)");
        REQUIRE(at != std::string::npos);
        CHECK(text.substr(at, text.find('}', at) - at).find(limits) != std::string::npos);
    };
    location("EWS|mapi", "proxy_read_timeout 1860s;");
    location("Microsoft-Server-ActiveSync", "proxy_read_timeout 3600s;");
    location("rpc", "client_max_body_size 2g;");
    location("rpc", "client_body_timeout 20m;");
    CHECK(text.find("(?:owa") == std::string::npos);
}
