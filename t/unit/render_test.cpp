// The plan as nginx directives. What they do is tested in t/*.t; here is what depends on the nginx
// at hand, what is said once, and who is blamed for which line.

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
    CHECK(blamed(r, "server_name lyncwebext.contoso.com") == 6);
    CHECK(blamed(r, "server_name lyncdiscover.contoso.com") == 1);
    CHECK(blamed(r, "server_name meet.contoso.com") == 16);
    CHECK(blamed(r, "listen 80") == 17);
    CHECK(blamed(r, "listen 443") == 18);
    CHECK(blamed(r, "include ") == 19);
    CHECK(blamed(r, "ssl_certificate ") == 3);
    CHECK(blamed(r, "ssl_certificate_key ") == 3);
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
