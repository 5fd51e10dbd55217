// `lyncctl import`: the complete files of the three products (t/lyncctl/fixtures), and what is odd
// in others. Whatever is written is a block that the module accepts.

#include "lyncctl/import/import.h"

#include "block_builder.h"
#include "catch.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/base64.h"

#include <fstream>
#include <map>
#include <sstream>

using namespace lync::testing;
using namespace lync::lyncctl;
using namespace std::literals;

namespace {

std::string fixture(const std::string& name) {
    std::ifstream file(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/" + name,
                       std::ios::binary);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The certificates of World stand in for those that aren't there.
ImportOptions options() {
    ImportOptions options;
    options.certificate = "public.pem";
    options.key = "public.key";
    options.trusted_ca = "ca.pem";
    return options;
}

/// Composes, and has the block declared as the module does.
struct Result {
    Result(OldProxy proxy, const ImportOptions& options)
        : imported(compose(std::move(proxy), options)) {
        INFO(imported.text);
        World world;
        CHECK(world.mistake(imported.text) == "");
        for (const ImportedName& name : imported.names) {
            names[name.host] = name.became + (name.to.empty() ? "" : " " + name.to);
        }
    }

    bool says(std::string_view text) const {
        return std::any_of(
            imported.remarks.begin(), imported.remarks.end(), [text](const Remark& remark) {
                return (std::string(remark_word(remark.kind)) + ": " + remark.text).find(text) !=
                       std::string::npos;
            });
    }
    /// Whether the block has this line, spaces aside.
    bool has(std::string_view line) const {
        std::istringstream in(imported.text);
        for (std::string text; std::getline(in, text);) {
            std::istringstream split(text);
            std::string words;
            for (std::string word; split >> word;) {
                words += (words.empty() ? "" : " ") + word;
            }
            if (words == line) {
                return true;
            }
        }
        return false;
    }

    Imported imported;
    std::map<std::string, std::string> names;
};

using Names = std::map<std::string, std::string>;

Result arr(const std::string& xml, const ImportOptions& with = options()) {
    return {read_arr(xml, "applicationHost.config", ""), with};
}

/// One farm and one rule, with the given conditions and action.
std::string small_arr(std::string_view conditions, std::string_view action,
                      std::string_view routing = "httpPort=\"8080\" httpsPort=\"4443\"",
                      std::string_view protocol = "<protocol timeout=\"00:16:00\"><cache "
                                                  "enabled=\"false\"/></protocol>") {
    return "<configuration><webFarms><webFarm name=\"webext.contoso.com\">"
           "<server address=\"fe.contoso.local\"><applicationRequestRouting " +
           std::string(routing) + "/></server><applicationRequestRouting>" + std::string(protocol) +
           "</applicationRequestRouting></webFarm></webFarms><system.webServer><rewrite>"
           "<globalRules><rule name=\"one\" patternSyntax=\"Wildcard\"><match url=\"*\"/>"
           "<conditions>" +
           std::string(conditions) + "</conditions><action type=\"Rewrite\" url=\"" +
           std::string(action) +
           "\"/></rule></globalRules></rewrite></system.webServer>"
           "</configuration>";
}

constexpr std::string_view on_host = "<add input=\"{HTTP_HOST}\" pattern=\"webext.contoso.com\"/>";
constexpr std::string_view to_farm = "https://webext.contoso.com/{R:0}";

std::string mistake(const std::string& xml, bool pfsense = false) {
    try {
        if (pfsense) {
            read_pfsense(xml, "config.xml", "", "lync");
        } else {
            read_arr(xml, "applicationHost.config", "");
        }
    } catch (const lync::Mistake& mistake) {
        return told(mistake.diagnostic());
    }
    return {};
}

} // namespace

TEST_CASE("the walk-through of IIS ARR: six farms", "[import]") {
    const Result result(
        read_arr(fixture("applicationHost.config"), "applicationHost.config", fixture("arr-hosts")),
        options());
    CHECK(result.names == Names{{"lyncwebext.*", "external_web_services fepool.contoso.local"},
                                {"meet.*", "simple_url meet fepool.contoso.local"},
                                {"dialin.*", "simple_url dialin fepool.contoso.local"},
                                {"scheduler.*", "simple_url scheduler fepool.contoso.local"},
                                {"lyncdiscover.*", "sip_domain fepool.contoso.local"},
                                {"wac.*", "office_web_apps wac.contoso.com"}});
    CHECK(result.has("pool fepool.contoso.local {"));
    CHECK(result.has("external_web_services lyncwebext.contoso.com;"));
    CHECK(result.has("server 10.0.0.11;"));
    CHECK(result.has("sip_domain *;"));
    CHECK(result.has("simple_url dialin https://dialin.*;"));
    CHECK(result.has("office_web_apps wac.contoso.com {"));
    CHECK(result.has("server 10.0.0.15;"));
    CHECK(result.has("certificate_name wac1.contoso.local;"));
    CHECK(result.has("http_autodiscover off;"));
    CHECK(result.has("pending_get_timeout 960s;"));
    CHECK(result.imported.text.find("listening_ports") == std::string::npos);
    CHECK(result.says("CHANGED: the time-out was 900 seconds"));
    CHECK(result.says("CHANGED: plain HTTP was passed on for meet.*;")); // dialin's is disabled
}

TEST_CASE("the walk-through of squid on pfSense", "[import]") {
    ImportOptions given;
    given.pools = {"10.0.0.11=sepool.contoso.local"};
    OldProxy proxy =
        read_pfsense(fixture("pfsense-config.xml"), "config.xml", "/etc/nginx/lync/", "lync");
    REQUIRE(proxy.files.size() == 3);

    const ImportedFile& chain = proxy.files[1].secret ? proxy.files[0] : proxy.files[1];
    const ImportedFile& key = proxy.files[1].secret ? proxy.files[1] : proxy.files[0];
    CHECK(chain.path == "/etc/nginx/lync/lync.pem");
    CHECK(key.path == "/etc/nginx/lync/lync.key");
    CHECK(key.secret);
    CHECK_FALSE(chain.secret);
    CHECK(proxy.files[2].path == "/etc/nginx/lync/lync-internal-ca.pem");
    CHECK_FALSE(proxy.files[2].secret);
    CHECK(key.content.find("PRIVATE KEY") != std::string::npos);
    CHECK(chain.content.find("PRIVATE KEY") == std::string::npos);
    CHECK(chain.content.find('\r') == std::string::npos);

    // What nginx would load: the listener's own certificate first, then the intermediate.
    Directory directory;
    directory.write("chain.pem", chain.content);
    directory.write("chain.key", key.content);
    directory.write("internal.pem", proxy.files[2].content);
    const auto now = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1);
    const auto loaded = lync::config::load_certificate(directory.path("chain.pem"),
                                                       directory.path("chain.key"), now);
    CHECK(loaded.error == "");
    CHECK(loaded.intermediates == 1);
    CHECK(loaded.names.front() == "lyncwebext.contoso.com");
    const auto ca = lync::config::load_trusted_ca(directory.path("internal.pem"), now);
    CHECK(ca.error == "");
    CHECK(ca.count == 1); // not the one of the listener's certificate

    ImportOptions files = options();
    files.pools = given.pools;
    const Result result(std::move(proxy), files);
    CHECK(result.names ==
          Names{{"lyncwebext.contoso.com", "external_web_services sepool.contoso.local"},
                {"meet.contoso.com", "simple_url meet sepool.contoso.local"},
                {"dialin.contoso.com", "simple_url dialin sepool.contoso.local"},
                {"lyncdiscover.contoso.com", "sip_domain sepool.contoso.local"}});
    CHECK(result.says("CHANGED: the servers' certificates weren't verified (DONT_VERIFY_PEER)"));
    CHECK(result.says("CHANGED: mapping \"dc-https\" matches \"meet.contoso.com\" anywhere"));
    CHECK_FALSE(result.says("matches \"^https"));
    CHECK(result.says("CHANGED: the time-out was 900 seconds"));
    CHECK(result.says("CHANGED: plain HTTP was passed on for lyncwebext.contoso.com;"));
    CHECK(result.imported.text.find("http_autodiscover") == std::string::npos); // auto
}

TEST_CASE("pfSense without --out-dir tells what is in the file", "[import]") {
    const Result result(read_pfsense(fixture("pfsense-config.xml"), "config.xml", "", "lync"),
                        options());
    CHECK(result.imported.files.empty());
    CHECK(result.says("CHECK: the certificate \"dcpool_ext\", its intermediates and its key"));
    CHECK(result.says("CHECK: nobody says the pool's own FQDN"));
    CHECK(result.has("pool pool-10-0-0-11.invalid {"));
}

TEST_CASE("an nginx.conf of the recipes", "[import]") {
    const Result result(
        read_nginx(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/old-nginx.conf",
                   lync::lyncctl::Sources{
                       lync::lyncctl::Sources::of_system().open,
                       [](const std::string&) -> std::vector<std::string> { return {}; }}),
        options());
    CHECK(result.names ==
          Names{{"lyncwebext.contoso.com", "external_web_services fepool.contoso.local"},
                {"meet.contoso.com", "simple_url meet fepool.contoso.local"},
                {"meet.fabrikam.com", "simple_url meet fepool.contoso.local"},
                {"meet.adatum.com", "simple_url meet fepool.contoso.local"},
                {"dialin.contoso.com", "simple_url dialin fepool.contoso.local"},
                {"lyncdiscover.contoso.com", "sip_domain fepool.contoso.local"},
                {"wac.contoso.com", "office_web_apps wac.contoso.com"},
                {"sip.contoso.com", "not published"}});
    CHECK(result.has("server 10.0.0.11 weight=2 fail_timeout=30s;"));
    CHECK(result.has("server 10.0.0.12;"));
    CHECK(result.has("max_upload 1024m;"));
    CHECK(result.has("pending_get_timeout 960s;"));
    CHECK(result.says("CHANGED: upstream \"lync\" kept one pool of connections for all clients"));
    CHECK(result.says("CHANGED: HTTP/2 was offered"));
    CHECK(result.says("CHANGED: the servers' certificates weren't verified"));
    CHECK(result.says("CHANGED: the time-out was 60 seconds"));
    CHECK(result.says("CHANGED: plain HTTP was passed on for lyncwebext.contoso.com"));
    CHECK(result.says("NOT CARRIED OVER: server name \"*.example.com\""));
    CHECK(result.says("NOT CARRIED OVER: location \"/cscp\""));
    CHECK(result.says("NOT CARRIED OVER: \"add_header\""));
    CHECK(result.says("NOT CARRIED OVER: parameter \"slow_start=30s\""));
    CHECK(result.says("\"sip.contoso.com\" is an Edge Server's name"));
}

TEST_CASE("what is unsafe in an ARR configuration is said and mended", "[import]") {
    const std::string https = "<add input=\"{HTTPS}\" pattern=\"on\"/>" + std::string(on_host);

    const Result offloaded = arr(small_arr(https, "http://webext.contoso.com/{R:0}"));
    CHECK(offloaded.says("CHANGED: rule \"one\" passes https requests on without encryption"));

    const Result open = arr(small_arr("", to_farm));
    CHECK(open.says("CHANGED: rule \"one\" has no condition on the host and takes every request; "
                    "now \"webext.contoso.com\" alone is published"));
    CHECK(open.names.contains("webext.contoso.com"));

    const Result internal = arr(small_arr(https, to_farm, "httpPort=\"80\" httpsPort=\"443\""));
    CHECK(internal.says("CHANGED: requests went to port 443 of the servers, where the internal web "
                        "site is; now they go to 4443"));

    const Result cached = arr(small_arr(https, to_farm, "", ""));
    CHECK(cached.says("CHANGED: the disk cache of farm \"webext.contoso.com\" was on"));
    CHECK(cached.says("CHANGED: the time-out was 30 seconds"));

    const Result long_wait = arr(small_arr(https, to_farm, "httpsPort=\"4443\"",
                                           "<protocol timeout=\"1.00:00:00\"><cache "
                                           "enabled=\"false\"/></protocol>"));
    CHECK(long_wait.has("pending_get_timeout 86400s;"));
    CHECK_FALSE(long_wait.says("time-out was"));
}

TEST_CASE("a pattern that means a name of another rule's", "[import]") {
    std::string text = fixture("applicationHost.config");
    const std::size_t begin = text.find("<rule name=\"ARR_wac.contoso.com_loadbalance_SSL\"");
    const std::size_t end = text.find("</rule>", begin) + 7;
    REQUIRE(end < text.size());
    std::string rule = text.substr(begin, end - begin);
    rule.replace(rule.find("pattern=\"wac.*\""), 15, "pattern=\"wac.contoso.com\"");
    text.insert(end, rule);
    const Result result(read_arr(text, "applicationHost.config", fixture("arr-hosts")), options());
    CHECK(result.names.at("wac.contoso.com") == "office_web_apps wac.contoso.com");
    CHECK(result.names.at("wac.*") == "not published");
    CHECK(result.says("NOT CARRIED OVER: \"wac.*\" seems to mean \"wac.contoso.com\", which is "
                      "published by a rule of its own"));
}

TEST_CASE("rules of ARR that have no counterpart are named", "[import]") {
    const Result condition = arr(small_arr(
        std::string(on_host) + "<add input=\"{REMOTE_ADDR}\" pattern=\"10.*\"/>", to_farm));
    CHECK(condition.says("NOT CARRIED OVER: rule \"one\" has the condition \"{REMOTE_ADDR}\" "
                         "\"10.*\""));

    const Result path = arr(small_arr(on_host, "https://webext.contoso.com/lync/{R:0}"));
    CHECK(path.says("NOT CARRIED OVER: rule \"one\" changes the path to \"/lync/{R:0}\""));

    try {
        arr(small_arr("<add input=\"{HTTP_HOST}\" pattern=\"*.contoso.com\"/>", to_farm));
        FAIL("nothing was left to publish");
    } catch (const Failure& failure) {
        CHECK(failure.what() ==
              "\"applicationHost.config\" publishes no name of a Front End pool: rule \"one\" is "
              "for the hosts \"*.contoso.com\": write the names that are meant"s);
    }
}

TEST_CASE("rules of ARR in other spellings, and those that are for something else", "[import]") {
    const Result uri = arr(small_arr(on_host, "https://webext.contoso.com{REQUEST_URI}"));
    CHECK(uri.names.contains("webext.contoso.com"));
    CHECK_FALSE(uri.says("changes the path"));
    CHECK(arr(small_arr(on_host, "https://webext.contoso.com{UNENCODED_URL}"))
              .names.contains("webext.contoso.com"));

    // ignoreCase is on unless written.
    const std::string routing = "httpPort=\"8081\" httpsPort=\"5443\"";
    for (const char* pattern : {"on", "ON", "On", "^On$"}) {
        const Result result =
            arr(small_arr("<add input=\"{HTTPS}\" pattern=\"" + std::string(pattern) + "\"/>" +
                              std::string(on_host),
                          to_farm, routing));
        INFO(pattern);
        CHECK(result.has("listening_ports http=8080 https=5443;"));
        CHECK_FALSE(result.says("plain HTTP was passed on"));
    }

    std::string stops = small_arr(on_host, to_farm);
    stops.insert(stops.find("<rule name=\"one\""),
                 "<rule name=\"stop\" stopProcessing=\"true\"><match url=\"^x\"/><action "
                 "type=\"None\"/></rule><rule name=\"idle\"><match url=\"^x\"/><action "
                 "type=\"None\"/></rule>");
    const Result stopped = arr(stops);
    CHECK(stopped.says("NOT CARRIED OVER: rule \"stop\" keeps requests from the rules behind it"));
    CHECK_FALSE(stopped.says("\"idle\""));

    const auto placed = [](std::string_view path) {
        std::string text = small_arr(on_host, to_farm);
        text.insert(text.find("<system.webServer>"),
                    "<location path=\"" + std::string(path) + "\">");
        text.insert(text.find("</configuration>"), "</location>");
        return arr(text).says(
            "NOT CARRIED OVER: rule \"one\" is for \"Default Web Site/lync\" only");
    };
    CHECK(placed("Default Web Site/lync"));
    CHECK_FALSE(placed("Default Web Site"));
}

TEST_CASE("what was switched off, and what nothing led to, is said", "[import]") {
    std::string text = small_arr(on_host, to_farm);
    text.insert(text.find("</webFarms>"),
                "<webFarm name=\"dialin.contoso.com\"><server address=\"10.0.0.12\"/></webFarm>");
    text.insert(text.find("</globalRules>"),
                "<rule name=\"off\" enabled=\"false\"><match url=\"*\"/><action type=\"Rewrite\" "
                "url=\"https://dialin.contoso.com/{R:0}\"/></rule>");
    const Result result = arr(text);
    CHECK(result.says("CHECK: rule \"off\" was switched off, so it isn't carried over"));
    CHECK(result.says("CHECK: no rule passes requests to farm \"dialin.contoso.com\""));
    CHECK_FALSE(result.says("to farm \"webext.contoso.com\""));

    std::string config = fixture("pfsense-config.xml");
    const std::size_t mapping = config.find("<squidreverseuri>");
    REQUIRE(mapping != std::string::npos);
    config.replace(config.find("<enable>on</enable>", mapping), 19, "<enable></enable>");
    const std::size_t peer = config.find("<squidreversepeer>");
    config.insert(peer + 18, "<config><enable></enable><name>old</name><ip>10.0.0.99</ip>"
                             "<port>4443</port><protocol>HTTPS</protocol></config>");
    const Result pfsense(read_pfsense(config, "config.xml", "", "lync"), options());
    CHECK(pfsense.says("CHECK: mapping \""));
    CHECK(pfsense.says(" was switched off, so its names aren't published"));
    CHECK(pfsense.says("CHECK: peer \"old\" was switched off, so it gets no requests"));
}

TEST_CASE("servers of ARR without a farm, farms that are off, weights", "[import]") {
    const Result direct = arr(small_arr(on_host, "https://fe2.contoso.local:4443/{R:0}"));
    CHECK(direct.has("pool fe2.contoso.local {"));

    std::string off = small_arr(on_host, to_farm);
    off.replace(off.find("name=\"webext.contoso.com\""), 25,
                "name=\"webext.contoso.com\" enabled=\"false\"");
    CHECK_THROWS_AS(arr(off), Failure);

    std::string two = small_arr(on_host, to_farm);
    two.insert(two.find("<server "), "<server address=\"10.0.0.12\" enabled=\"false\">"
                                     "<applicationRequestRouting weight=\"50\" httpPort=\"8080\" "
                                     "httpsPort=\"4443\"/></server>");
    ImportOptions with = options();
    with.pools = {"10.0.0.12=fepool.contoso.local"};
    const Result weighted = arr(two, with);
    CHECK(weighted.has("server 10.0.0.12 weight=50 down;"));
    CHECK(weighted.has("server fe.contoso.local weight=100;"));
}

TEST_CASE("a Director, a second pool, and a role that a name doesn't tell", "[import]") {
    const std::string_view text = R"(
        server { listen 443 ssl; server_name webdirext.contoso.com meet.contoso.com
                 lyncdiscover.contoso.com; location / { proxy_pass https://10.0.0.14:4443; } }
        server { listen 443 ssl; server_name webext.contoso.com conf.contoso.com;
                 location / { proxy_pass https://10.0.0.11:4443; } }
        server { listen 443 ssl; server_name webext2.fabrikam.com meet.fabrikam.com;
                 location / { proxy_pass https://10.0.0.13:4444; } })";
    ImportOptions with = options();
    with.pools = {"10.0.0.14=dirpool.contoso.local", "10.0.0.11=fepool.contoso.local",
                  "10.0.0.13=fepool2.fabrikam.local"};
    with.roles = {"conf.contoso.com=meet"};
    const Result result(
        read_nginx_text(text, "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()), with);
    CHECK(result.has("director dirpool.contoso.local {"));
    CHECK(result.has("pool fepool.contoso.local {"));
    CHECK(result.has("pool fepool2.fabrikam.local {"));
    CHECK(result.has("listening_ports http=8080 https=4444;"));
    CHECK(result.has("simple_url meet https://meet.contoso.com;"));
    CHECK(result.has("simple_url meet https://conf.contoso.com pool=fepool.contoso.local;"));
    CHECK(result.has("simple_url meet https://meet.fabrikam.com pool=fepool2.fabrikam.local;"));
    CHECK(result.has("http_listen off;"));
}

TEST_CASE("parameters of nginx's servers that can't be written as they are", "[import]") {
    const Result result(read_nginx_text(R"(
            upstream u { server 10.0.0.11:4443 backup weight=2 backup weight=3 max_conns=x; }
            server { listen 443 ssl; server_name webext.contoso.com;
                     location / { proxy_pass https://u; } })",
                                        "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                        options());
    CHECK(result.has("server 10.0.0.11 weight=2;")); // the only one is no backup
    CHECK(result.says("NOT CARRIED OVER: a second \"backup\" of a server"));
    CHECK(result.says("NOT CARRIED OVER: a second \"weight\" of a server"));
    CHECK(result.says("NOT CARRIED OVER: parameter \"max_conns=x\" of a server"));
}

TEST_CASE("a socket of https that can't be one leaves the default to https", "[import]") {
    const Result result(read_nginx_text(R"(
            server { listen 443 ssl'http2; listen 81[::]:441 ssl; listen 81; listen [::]:443;
                     server_name webext.contoso.com;
                     location / { proxy_pass https://10.0.0.11:4443; } })",
                                        "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                        options());
    CHECK(result.has("http_listen 81;"));
    CHECK_FALSE(result.has("http_listen 443;"));
    CHECK(result.says("NOT CARRIED OVER: listening on \"81[::]:441\""));
    CHECK(result.says("NOT CARRIED OVER: listening on \"443\" for the other protocol"));
}

TEST_CASE("a proxy_pass with the client's own request line", "[import]") {
    const Result result(read_nginx_text(R"(
            upstream lync { server 10.0.0.11:4443; }
            server { listen 443 ssl; server_name webext.contoso.com;
                     location / { proxy_pass https://lync$request_uri; } }
            server { listen 443 ssl; server_name meet.contoso.com;
                     location / { proxy_pass https://10.0.0.11:4443$request_uri; } }
            server { listen 443 ssl; server_name dialin.contoso.com;
                     location / { proxy_pass https://lync$uri; } })",
                                        "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                        options());
    CHECK(result.names ==
          Names{{"webext.contoso.com", "external_web_services pool-10-0-0-11.invalid"},
                {"meet.contoso.com", "simple_url meet pool-10-0-0-11.invalid"}});
    CHECK(result.says("NOT CARRIED OVER: \"proxy_pass\" to \"https://lync$uri\""));
    CHECK_FALSE(result.says("nginx normalized the request line"));
}

TEST_CASE("older TLS, and servers that pass nothing on", "[import]") {
    const auto imported = [](const std::string& more) {
        return Result(read_nginx_text("server { listen 443 ssl; server_name webext.contoso.com; "
                                      "location / { proxy_pass https://10.0.0.11:4443; } }" +
                                          more,
                                      "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                      options());
    };
    const std::string older = "CHANGED: TLS 1.1 or older was offered to clients";
    CHECK(imported("ssl_protocols TLSv1 TLSv1.2;").says(older));
    CHECK(imported("ssl_protocols TLSv1.1;").says(older));
    CHECK_FALSE(imported("ssl_protocols TLSv1.2 TLSv1.3;").says(older));
    CHECK_FALSE(imported("").says(older));

    CHECK(imported("server { listen 443 ssl; server_name dialin.contoso.com d.contoso.com; "
                   "rewrite ^ https://meet.contoso.com; }")
              .says("CHECK: the server of \"dialin.contoso.com\", \"d.contoso.com\" passes nothing "
                    "on by \"proxy_pass\""));
    CHECK(imported("server { listen 443 ssl; server_name a.contoso.com; "
                   "location / { grpc_pass 10.0.0.11:4443; } }")
              .says("CHECK: the server of \"a.contoso.com\""));
    CHECK_FALSE(imported("server { listen 80; return 301 https://$host; }").says("passes nothing"));
}

TEST_CASE("what one server says of a socket holds for all of it", "[import]") {
    const auto imported = [](const std::string& listens, const std::string& others) {
        return Result(read_nginx_text("server { " + listens + R"( server_name meet.contoso.com;
                     location / { proxy_pass https://10.0.0.11:4443; } }
            server { )" + others + R"( server_name webext.contoso.com;
                     location / { proxy_pass https://10.0.0.11:4443; } })",
                                      "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                      options());
    };
    const Result behind = imported("listen 443 ssl; listen [::]:443 ssl;",
                                   "listen 443 ssl proxy_protocol backlog=1024; listen [::]:443 "
                                   "ssl ipv6only=on proxy_protocol so_keepalive=30m::10;");
    CHECK(behind.has("https_listen 443 proxy_protocol backlog=1024;"));
    CHECK(behind.has("https_listen [::]:443 proxy_protocol so_keepalive=30m::10;"));

    const Result first = imported("listen 443 ssl proxy_protocol;", "listen 443 ssl bind;");
    CHECK(first.has("https_listen 443 proxy_protocol;"));

    const Result both = imported("listen [::]:8443 ssl ipv6only=off;", "listen [::]:8443 ssl;");
    CHECK(both.has("https_listen [::]:8443 ipv6only=off;"));

    const Result quic = imported("listen 443 ssl; listen 443 quic reuseport;", "listen 443 ssl;");
    CHECK(quic.says("CHANGED: HTTP/3 was offered"));
    CHECK_FALSE(quic.says("plain HTTP was passed on"));
    CHECK_FALSE(quic.says("for the other protocol"));
    CHECK(quic.has("http_listen off;"));
}

TEST_CASE("port 80 that redirects stays, and what else answers there is said", "[import]") {
    const auto imported = [](const std::string& server) {
        return Result(read_nginx_text("upstream lync { server 10.0.0.11:4443; }\n" + server + R"(
            server { listen 443 ssl; server_name webext.contoso.com meet.contoso.com;
                     location / { proxy_pass https://lync; } })",
                                      "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                      options());
    };
    const std::string said = "CHANGED: plain HTTP of published names got an answer of its own";
    for (const char* server :
         {"server { listen 80; listen [::]:80; server_name webext.contoso.com meet.contoso.com; "
          "return 301 https://$host$request_uri; }",
          "server { server_name *.contoso.com; location / { return 302 https://$host/; } }",
          "server { listen 80; server_name ~^meet\\.contoso\\.com$; "
          "rewrite ^ https://$host$request_uri permanent; }",
          "server { listen 80 default_server; server_name _; "
          "return 301 https://$host$request_uri; }"}) {
        INFO(server);
        const Result result = imported(server);
        CHECK_FALSE(result.has("http_listen off;"));
        CHECK_FALSE(result.says(said));
    }
    for (const char* server :
         {"server { listen 127.0.0.1:8080; server_name _; location / { stub_status; } }",
          "server { listen 80; server_name www.fabrikam.com; return 301 https://$host/; }",
          "server { listen 443 ssl; server_name webext.contoso.com; return 403; }"}) {
        INFO(server);
        CHECK(imported(server).has("http_listen off;"));
    }
    const Result result = imported("server { listen 8080; server_name webext.contoso.com; "
                                   "root /srv/www; }");
    CHECK(result.has("http_listen 8080;"));
    CHECK(result.says(said));
}

TEST_CASE("that paths are no longer passed as they come is said for every product", "[import]") {
    for (OldProxy proxy :
         {read_arr(fixture("applicationHost.config"), "applicationHost.config", ""),
          read_pfsense(fixture("pfsense-config.xml"), "config.xml", "", "lync"),
          read_nginx_text("server { listen 443 ssl; server_name webext.contoso.com; "
                          "location / { proxy_pass https://10.0.0.11:4443; } }",
                          "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system())}) {
        const Result result(std::move(proxy), options());
        CHECK(result.has("path_policy strict;"));
        CHECK(result.says("CHANGED: the old proxy passed every path on"));
        CHECK(result.says("\"allow_path PREFIX\""));
        CHECK(result.says("\"path_policy vendor\""));
    }
}

TEST_CASE("what of Exchange was published stays so", "[import]") {
    const auto imported = [](const std::string& locations) {
        return Result(read_nginx_text("server { listen 443 ssl; server_name webext.contoso.com; "
                                      "location / { proxy_pass https://10.0.0.11:4443; } }\n"
                                      "server { listen 443 ssl; server_name mail.contoso.com; " +
                                          locations + " }",
                                      "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                      options());
    };
    const std::string every = "services ews autodiscover owa activesync mapi oab;";
    const std::string check = "CHECK: every path of Exchange was passed on";
    for (const char* locations :
         {"location / { proxy_pass https://10.0.0.16; }",
          "location /owa { proxy_pass https://10.0.0.16; } "
          "location ~ ^/ { proxy_pass https://10.0.0.16; }",
          "location / { try_files $uri @ex; } location @ex { proxy_pass https://10.0.0.16; }",
          "location /rpc { proxy_pass https://10.0.0.16; }"}) {
        INFO(locations);
        const Result result = imported(locations);
        CHECK(result.has(every));
        CHECK(result.says(check));
    }
    const Result result = imported(
        "location / { return 301 /owa/; } location /owa { proxy_pass https://10.0.0.16/owa; } "
        "location ~* ^/(ews|Microsoft-Server-ActiveSync)/ { proxy_pass https://10.0.0.16; } "
        "location /ecp { proxy_pass https://10.0.0.16/ecp; }");
    CHECK(result.has("services owa ews activesync;"));
    CHECK_FALSE(result.says(check));
    CHECK_FALSE(result.says("NOT CARRIED OVER: location"));
    CHECK_FALSE(result.says("NOT CARRIED OVER: \"proxy_pass\""));
    CHECK(result.says("CHANGED: the administrative surface /ecp of Exchange was published"));

    std::string two = small_arr(on_host, to_farm);
    const auto rule = [](std::string_view match) {
        return "<rule name=\"mail\"><match url=\"" + std::string(match) +
               "\"/><conditions><add input=\"{HTTP_HOST}\" pattern=\"^mail\\.contoso\\.com$\"/>"
               "</conditions><action type=\"Rewrite\" url=\"https://10.0.0.16/{R:0}\"/></rule>";
    };
    const std::size_t end = two.find("</globalRules>");
    const std::string all = std::string(two).insert(end, rule(".*"));
    CHECK(arr(all).has(every));
    CHECK(arr(all).says(check));
    two.insert(end, rule("^owa/") + rule("^(oab|mapi)/"));
    CHECK(arr(two).has("services owa mapi oab;"));
}

TEST_CASE("both certificates of a server, its log and its error pages", "[import]") {
    ImportOptions given;
    given.trusted_ca = "ca.pem";
    const Imported imported =
        compose(read_nginx_text(R"(
            server { listen 443 ssl; server_name webext.contoso.com;
                     ssl_certificate rsa.pem; ssl_certificate_key rsa.key;
                     ssl_certificate ec.pem; ssl_certificate_key ec.key;
                     access_log /var/log/lync.log; error_page 403 /403.html;
                     location / { proxy_pass https://10.0.0.11:4443; } }
            server { listen 443 ssl; server_name meet.contoso.com;
                     ssl_certificate other.pem; ssl_certificate_key other.key;
                     location / { proxy_pass https://10.0.0.11:4443; } })",
                                "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                given);
    CHECK(imported.text.find("certificate            /etc/nginx/rsa.pem /etc/nginx/rsa.key;\n"
                             "    certificate            /etc/nginx/ec.pem /etc/nginx/ec.key;\n") !=
          std::string::npos);
    for (const char* said : {"\"other.pem\": all names of a publication share",
                             "\"access_log\": what", "\"error_page\": what"}) {
        INFO(said);
        CHECK(std::count_if(imported.remarks.begin(), imported.remarks.end(),
                            [&](const Remark& remark) {
                                return remark.kind == RemarkKind::lost &&
                                       remark.text.find(said) != std::string::npos;
                            }) == 1);
    }
}

TEST_CASE("server_include is advised for what it may hold", "[import]") {
    const Result result(read_nginx_text(R"(
            server { listen 443 ssl; server_name webext.contoso.com; satisfy any;
                     ssl_client_certificate ca.pem; ssl_verify_client on; limit_req zone=x;
                     location / { proxy_pass https://10.0.0.11:4443; proxy_bind 10.0.0.1;
                                  proxy_ssl_certificate c.pem; auth_basic x;
                                  limit_except GET { deny all; } allow 10.0.0.0/8; } })",
                                        "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                        options());
    const std::string include =
        ": what is still needed goes into a file named by \"server_include\"";
    const std::string stated = ": the generated servers state it themselves";
    for (const char* name : {"limit_req", "allow"}) {
        INFO(name);
        CHECK(result.says("NOT CARRIED OVER: \"" + std::string(name) + "\"" + include));
    }
    for (const char* name : {"satisfy", "proxy_bind", "proxy_ssl_certificate"}) {
        INFO(name);
        CHECK(result.says("NOT CARRIED OVER: \"" + std::string(name) + "\"" + stated));
    }
    CHECK(result.says("\"ssl_verify_client\": clients of Lync have no certificate to show"));
    CHECK(result.says("\"auth_basic\": clients authenticate with the servers alone"));
    CHECK(result.says("\"limit_except\": it has no counterpart"));
}

TEST_CASE("a Front End's name in the hosts file isn't the pool's", "[import]") {
    std::string two = small_arr(on_host, to_farm);
    two.insert(two.find("<server "),
               "<server address=\"fe2.contoso.local\"><applicationRequestRouting "
               "httpPort=\"8080\" httpsPort=\"4443\"/></server>");
    const auto imported = [&](std::string_view hosts) {
        return Result(read_arr(two, "a.config", hosts), options());
    };
    const Result own = imported("10.0.0.11 fe.contoso.local\n10.0.0.12 fe2.contoso.local\n");
    CHECK(own.has("server 10.0.0.11;"));
    CHECK(own.has("server 10.0.0.12;"));
    CHECK(own.says("CHECK: nobody says the pool's own FQDN"));

    const Result shared = imported("10.0.0.11 fe.contoso.local fepool.contoso.local fepool\n"
                                   "10.0.0.12 fepool.contoso.local fe2.contoso.local fepool\n");
    CHECK(shared.has("pool fepool.contoso.local {"));
    CHECK_FALSE(shared.says("CHECK: nobody says the pool's own FQDN"));
}

TEST_CASE("where the certificate is, is said once", "[import]") {
    const auto told = [](OldProxy proxy) {
        ImportOptions given;
        given.trusted_ca = "ca.pem";
        return compose(std::move(proxy), given).text;
    };
    const std::string pfsense =
        told(read_pfsense(fixture("pfsense-config.xml"), "config.xml", "", "lync"));
    CHECK(pfsense.find("the certificate isn't in the old file") == std::string::npos);
    CHECK(pfsense.find("# CHECK: nothing wrote these files: import with --out-dir") !=
          std::string::npos);
    CHECK(told(read_arr(small_arr(on_host, to_farm), "a.config", ""))
              .find("# CHECK: the certificate isn't in the old file") != std::string::npos);
}

TEST_CASE("options that make no sense", "[import]") {
    const auto refused = [](ImportOptions with) -> std::string {
        try {
            compose(read_arr(small_arr(on_host, to_farm), "a.config", ""), with);
        } catch (const Failure& failure) {
            return failure.what();
        }
        return {};
    };
    ImportOptions with;
    with.roles = {"webext.contoso.com=chief"};
    CHECK(refused(with) == "invalid role \"chief\" in --role: the roles are pool, director, meet, "
                           "dialin, scheduler, admin, lyncdiscover, office_web_apps, exchange and "
                           "skip");
    with.roles = {"webext.contoso.com"};
    CHECK(refused(with) == "invalid value \"webext.contoso.com\" of --role: it is written "
                           "NAME=ROLE");
    with.roles = {"webext.contoso.com=skip"};
    CHECK(refused(with) == "\"a.config\" publishes no name of a Front End pool");
    with = {};
    with.pools = {"10.0.0.1=10.0.0.2"};
    CHECK(refused(with).starts_with("invalid FQDN \"10.0.0.2\" in --pool: it is an address"));
    with = {};
    with.product = "lync_2014";
    CHECK(refused(with).starts_with("invalid value \"lync_2014\" of --product: the products are"));
    with = {};
    with.key = "a.key";
    CHECK(refused(with) == "--certificate and --key belong together");
}

TEST_CASE("XML that isn't read", "[import]") {
    const std::string head = "<?xml version=\"1.0\"?>\n";
    CHECK(mistake("") == "the file is empty in applicationHost.config:1");
    CHECK(mistake("<pfsense/>") == "the outermost element is \"pfsense\" and not "
                                   "\"configuration\": is it the right file? in "
                                   "applicationHost.config:1");
    CHECK(mistake("hello") ==
          "the file isn't well-formed XML: no document element found in applicationHost.config:1");
    CHECK(mistake(head + "<configuration>\n<webFarms>\n") ==
          "the file isn't well-formed XML: start-end tags mismatch in applicationHost.config:3");
    CHECK(mistake(head + "<configuration>\n<webFarms></configuration>")
              .starts_with("the file isn't well-formed XML: "));
    CHECK(mistake("<configuration/>\n<configuration/>")
              .starts_with("the file isn't well-formed XML: there is more after"));
    CHECK(mistake(head + "<!DOCTYPE c [<!ENTITY a \"b\">]>\n<configuration>&a;</configuration>") ==
          "the file has a document type or entities (\"<!\"): the product writes none, so it isn't "
          "read in applicationHost.config:2");
    CHECK(mistake(head + "<!DOCTYPE c SYSTEM \"http://127.0.0.1/x.dtd\"><configuration/>")
              .starts_with("the file has a document type"));
    CHECK(mistake(head + "<configuration>\n&xxe;</configuration>") ==
          "unknown entity \"&xxe;\" in applicationHost.config:3");
    CHECK(mistake("<configuration a=\"&lol;\"/>") ==
          "unknown entity \"&lol;\" in applicationHost.config:1");
    CHECK(mistake("<configuration>\n<!-- never").starts_with("the file ends within a comment"));
    CHECK(mistake("<configuration>\n<![CDATA[ never").starts_with("the file ends within a CDATA"));
    CHECK(mistake("<configuration a=\"never").starts_with("the file ends within the value"));
    CHECK(mistake("\xff\xfe<\0c\0"s) ==
          "the file is UTF-16 or UTF-32: save it as UTF-8 in applicationHost.config:1");
    CHECK(mistake("<configuration>\n\0</configuration>"s) ==
          "the file holds a byte 0x00: it isn't XML in applicationHost.config:2");
    CHECK(mistake("<configuration>\nM\xfcnchen</configuration>") ==
          "the file isn't UTF-8: byte \"\\xfc\" in applicationHost.config:2");
    CHECK(mistake("<?xml version=\"1.0\" encoding=\"windows-1252\"?><configuration>\xc3\xbc"
                  "</configuration>") ==
          "the file says it is \"windows-1252\": save it as UTF-8 in applicationHost.config:1");
    CHECK(mistake(std::string(17 * 1024 * 1024, ' ')) ==
          "the file is larger than 16 MB in applicationHost.config:1");

    std::string wide = "<configuration>";
    for (int i = 0; i < 600'000; i++) {
        wide += "<a/><b/>";
    }
    CHECK(
        mistake(wide + "</configuration>").starts_with("the file has more than 1000000 elements"));
    CHECK(mistake("<configuration>" + std::string(300'000, '<')).starts_with("the file "));
    std::string deep;
    for (int i = 0; i < 400'000; i++) {
        deep += "<a>";
    }
    CHECK(mistake("<configuration>" + deep).starts_with("the file isn't well-formed XML"));
}

TEST_CASE("an encrypted backup of pfSense", "[import]") {
    CHECK(mistake("---- BEGIN config.xml ----\nVersion: pfSense 2.7\n", true)
              .starts_with("the backup is encrypted: make one without"));
}

TEST_CASE("XML that is read but holds nothing, or nonsense", "[import]") {
    CHECK(mistake("\xef\xbb\xbf<configuration>\r\n</configuration>") ==
          "no \"webFarms\" and no rewrite rules that pass requests on: is Application Request "
          "Routing configured on this machine? in applicationHost.config:1");
    CHECK(mistake(small_arr(on_host, to_farm, "httpsPort=\"70000\"")) ==
          "invalid value \"70000\" of \"httpsPort\": a port is a number from 1 to 65535 in "
          "applicationHost.config:1");
    CHECK(mistake(small_arr(on_host, to_farm, "", "<protocol timeout=\"900\"/>")) ==
          "invalid value \"900\" of \"timeout\": it is written hours:minutes:seconds in "
          "applicationHost.config:1");
    CHECK(mistake("<pfsense/>", true) ==
          "no \"squidreversegeneral\" in \"installedpackages\": is the squid package's reverse "
          "proxy configured on this machine? in config.xml:1");
    CHECK(mistake("<pfsense><installedpackages><squidreversegeneral><config/>"
                  "</squidreversegeneral></installedpackages></pfsense>",
                  true) == "neither \"reverse_http\" nor \"reverse_https\" is on: the reverse "
                           "proxy is switched off in config.xml:1");
    std::string peer = fixture("pfsense-config.xml");
    peer.replace(peer.find("<port>4443</port>"), 17, "<port>44430</port>");
    CHECK(mistake(peer, true).empty());
    peer.replace(peer.find("<port>44430</port>"), 18, "<port>444300</port>");
    CHECK(mistake(peer, true).starts_with("invalid value \"444300\" of \"port\" of peer"));
}

TEST_CASE("bytes of the old file stay within comments", "[import]") {
    const Result result = arr(small_arr(
        std::string(on_host) + "<add input=\"&#10;} evil { \" pattern=\"&#10;load_module x;\"/>",
        to_farm));
    CHECK(result.says("NOT CARRIED OVER"));
    std::istringstream in(result.imported.text);
    for (std::string line; std::getline(in, line);) {
        CHECK((line.find("evil") == std::string::npos || line.find('#') < line.find("evil")));
        CHECK((line.find("load_module") == std::string::npos ||
               line.find('#') < line.find("load_module")));
    }
}

TEST_CASE("the hosts of patterns", "[import]") {
    using Hosts = std::vector<std::string>;
    CHECK(hosts_of_pattern("Dialin.*", true) == Hosts{"dialin.*"});
    CHECK(hosts_of_pattern("meet.contoso.com", true) == Hosts{"meet.contoso.com"});
    for (const std::string_view no : {"*", "*.contoso.com", "meet*", "", "m?et.*", "a b.*", ".*"}) {
        CHECK(hosts_of_pattern(no, true).empty());
    }
    CHECK(hosts_of_pattern("^meet\\.contoso\\.com$", false) == Hosts{"meet.contoso.com"});
    CHECK(hosts_of_pattern("meet.contoso.com", false) == Hosts{"meet.contoso.com"});
    CHECK(hosts_of_pattern("^meet\\..*", false) == Hosts{"meet.*"});
    CHECK(hosts_of_pattern("meet.*", false) == Hosts{"meet.*"});
    CHECK(hosts_of_pattern("^meet\\.", false) == Hosts{"meet.*"});
    CHECK(hosts_of_pattern("^(meet|dialin)\\.", false) == Hosts{"meet.*", "dialin.*"});
    CHECK(hosts_of_pattern("^meet\\.$", false).empty());
    CHECK(hosts_of_pattern("^\\.", false).empty());
    CHECK(hosts_of_pattern("^(meet|dialin)\\.contoso\\.com$", false) ==
          Hosts{"meet.contoso.com", "dialin.contoso.com"});
    CHECK(hosts_of_pattern("meet\\.(contoso|fabrikam)\\.(com|net)", false).size() == 4);
    CHECK(hosts_of_pattern("a.com|b.com", false) == Hosts{"a.com", "b.com"});
    for (const std::string_view no :
         {"[a-z]+\\.contoso\\.com", "me+t.contoso.com", "(meet", "meet)", "meet\\d.contoso.com",
          ".*\\.contoso\\.com", "^$", "(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d).com",
          "((((((((((a))))))))))", "meet?.contoso.com", "a(?=b).com"}) {
        CHECK(hosts_of_pattern(no, false).empty());
    }

    const UrlPattern whole = hosts_of_url_pattern("^https?://meet\\.contoso\\.com/.*$");
    CHECK(whole.hosts == Hosts{"meet.contoso.com"});
    CHECK(whole.anchored);
    CHECK_FALSE(whole.has_path);
    const UrlPattern loose = hosts_of_url_pattern("meet.contoso.com/lync");
    CHECK(loose.hosts == Hosts{"meet.contoso.com"});
    CHECK_FALSE(loose.anchored);
    CHECK(loose.has_path);
    CHECK(hosts_of_url_pattern("^http://www.contoso.com:80/").hosts == Hosts{"www.contoso.com"});
    CHECK(hosts_of_url_pattern(".contoso.com").hosts.empty());
    CHECK(hosts_of_url_pattern("https://a.com|https://b.com").hosts.empty());
}

TEST_CASE("base64 of configuration files", "[import]") {
    CHECK(decode_base64("TGFi") == "Lab");
    CHECK(decode_base64("TGF\n iYQ==") == "Laba");
    CHECK(decode_base64("TGFiYWI=") == "Labab");
    for (const std::string_view no : {"", "=", "TGFi=", "T", "TGF", "TG!i", "TG=i", "TGFiYQ="}) {
        CHECK_FALSE(decode_base64(no));
    }
}
