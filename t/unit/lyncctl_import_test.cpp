// `lyncctl import`: the complete files of the three products (t/lyncctl/fixtures), and what is odd
// in others. Whatever is written is a block that the module accepts, once names that the old file
// doesn't tell are filled in.

#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "block_builder.h"
#include "catch.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/patterns.h"

#include <fstream>
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

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

/// Composes, and has the block declared as the module does.
struct Result {
    Result(OldProxy proxy, const ImportOptions& options)
        : imported(compose(std::move(proxy), options)) {
        INFO(imported.text);
        std::string filled = imported.text;
        for (const std::string_view word : {unknown_pool, unknown_external, unknown_domain}) {
            for (std::size_t at = filled.find(word); at != std::string::npos;
                 at = filled.find(word, at)) {
                filled.replace(at, word.size(), "filled-in." + lync::to_ascii_lower(word));
            }
        }
        World world;
        CHECK(world.mistake(filled) == "");
    }

    /// How many remarks hold a text, and at how many places.
    std::size_t says(std::string_view text) const {
        std::size_t times = 0;
        for (const Remark& remark : imported.remarks) {
            const std::string all = std::string(remark_word(remark.kind)) + ": " + remark.text;
            times += all.find(text) == std::string::npos
                         ? 0
                         : std::max<std::size_t>(1, remark.places.size());
        }
        return times;
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
};

Result nginx(std::string_view text, const ImportOptions& with = options()) {
    return {read_nginx_text(text, "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
            with};
}

/// A server of Lync with more lines in it.
std::string server(const std::string& name, const std::string& more,
                   const std::string& location = "") {
    return "server { listen 443 ssl; server_name " + name + ";\n" + more +
           "\nlocation / { proxy_pass https://10.0.0.11:4443;\n" + location + "\n} }\n";
}

Result arr(const std::string& xml, const ImportOptions& with = options()) {
    return {read_arr(xml, "applicationHost.config", ""), with};
}

/// One farm and one rule, with the given conditions and action, and a security section.
std::string small_arr(std::string_view conditions, std::string_view action,
                      std::string_view security = "",
                      std::string_view routing = "httpPort=\"8080\" httpsPort=\"4443\"") {
    return "<configuration><webFarms><webFarm name=\"webext.contoso.com\">"
           "<server address=\"fe.contoso.local\"><applicationRequestRouting " +
           std::string(routing) + "/></server></webFarm></webFarms><system.webServer><security>" +
           std::string(security) +
           "</security><rewrite><globalRules><rule name=\"one\" patternSyntax=\"Wildcard\"><match "
           "url=\"*\"/><conditions>" +
           std::string(conditions) + "</conditions><action type=\"Rewrite\" url=\"" +
           std::string(action) +
           "\"/></rule></globalRules></rewrite></system.webServer></configuration>";
}

constexpr std::string_view on_host = "<add input=\"{HTTP_HOST}\" pattern=\"webext.contoso.com\"/>";
constexpr std::string_view to_farm = "https://webext.contoso.com/{R:0}";

Result pfsense(const std::string& xml) {
    return {read_pfsense(xml, "config.xml", "", "lync"), options()};
}

template <typename Function>
std::string mistake(Function&& function) {
    try {
        function();
    } catch (const lync::Mistake& mistake) {
        return told(mistake.diagnostic());
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

std::string xml_mistake(const std::string& xml) {
    return mistake([&] { read_arr(xml, "a.config", ""); });
}

} // namespace

TEST_CASE("the walk-through of IIS ARR: six farms", "[import]") {
    const Result result(
        read_arr(fixture("applicationHost.config"), "applicationHost.config", fixture("arr-hosts")),
        options());
    for (const char* line :
         {"pool fepool.contoso.local {", "external_web_services lyncwebext.contoso.com;",
          "server 10.0.0.11;", "sip_domain *;", "simple_url meet https://meet.*;",
          "simple_url dialin https://dialin.*;", "simple_url scheduler https://scheduler.*;",
          "office_web_apps wac.contoso.com {", "server 10.0.0.15;",
          "certificate_name wac1.contoso.local;"}) {
        INFO(line);
        CHECK(result.has(line));
    }
    CHECK(result.imported.text.find("listening_ports") == std::string::npos);
    CHECK(result.says("RESTRICTION") == 0);
    CHECK(result.says("CHECK: rule \"ARR_dialin.contoso.com_loadbalance\" was switched off") == 1);
    CHECK(result.says("CHECK: the web.config files of the sites weren't read") == 1);
}

TEST_CASE("the walk-through of squid on pfSense", "[import]") {
    ImportOptions files = options();
    files.pools = {"10.0.0.11=sepool.contoso.local"};
    OldProxy proxy =
        read_pfsense(fixture("pfsense-config.xml"), "config.xml", "/etc/nginx/lync/", "lync");
    REQUIRE(proxy.files.size() == 3);
    const auto& chain = proxy.files[0];
    const auto& key = proxy.files[1];
    CHECK(chain.path == "/etc/nginx/lync/lync.pem");
    CHECK(key.path == "/etc/nginx/lync/lync.key");
    CHECK(proxy.files[2].path == "/etc/nginx/lync/lync-internal-ca.pem");
    CHECK((key.secret && !chain.secret && !proxy.files[2].secret));
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

    const Result result(std::move(proxy), files);
    for (const char* line :
         {"pool sepool.contoso.local {", "external_web_services lyncwebext.contoso.com;",
          "simple_url meet https://meet.contoso.com;",
          "simple_url dialin https://dialin.contoso.com;", "sip_domain contoso.com;"}) {
        INFO(line);
        CHECK(result.has(line));
    }
    CHECK(result.says("RESTRICTION") == 0);
    CHECK(result.says("CHECK: peer \"old\" was switched off, so it gets no requests") == 1);
}

TEST_CASE("an nginx.conf of the recipes", "[import]") {
    const Result result(
        read_nginx(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/old-nginx.conf",
                   lync::lyncctl::Sources{
                       lync::lyncctl::Sources::of_system().open,
                       [](const std::string&) -> std::vector<std::string> { return {}; }}),
        options());
    for (const char* line :
         {"pool fepool.contoso.local {", "external_web_services lyncwebext.contoso.com;",
          "server 10.0.0.11 weight=2 fail_timeout=30s;", "server 10.0.0.12 slow_start=30s;",
          "simple_url meet https://meet.contoso.com;", "simple_url meet https://meet.fabrikam.com;",
          "simple_url meet https://meet.adatum.com;",
          "simple_url dialin https://dialin.contoso.com;", "sip_domain contoso.com;",
          "office_web_apps wac.contoso.com {"}) {
        INFO(line);
        CHECK(result.has(line));
    }
    CHECK(result.says("RESTRICTION: \"return 403\" in \"location /cscp\" of server "
                      "\"lyncwebext.contoso.com\"") == 1);
    CHECK(result.says("NOT CARRIED OVER: server name \"*.example.com\"") == 1);
    CHECK(result.says("NOT CARRIED OVER: \"add_header Strict-Transport-Security") == 1);
    CHECK(result.says("NOT CARRIED OVER: \"client_max_body_size 1g\" in http") == 1);
    CHECK(result.says("\"sip.contoso.com\" is an Edge Server's name") == 1);
}

TEST_CASE("what nginx kept out is named, for each server and wherever it was written", "[import]") {
    for (const char* line :
         {"allow 10.0.0.0/8;", "deny all;", "ssl_verify_client on;", "limit_req zone=x;",
          "limit_conn x 5;", "auth_basic x;", "auth_request /auth;", "auth_jwt x;", "satisfy any;",
          "valid_referers none;", "if ($blocked) { return 403; }", "return 403;",
          "ssl_reject_handshake on;", "access_by_lua_file x.lua;", "modsecurity on;"}) {
        INFO(line);
        const std::string text(line, std::string_view(line).find_first_of(";{"));
        const std::string said =
            "RESTRICTION: \"" + text.substr(0, text.find_last_not_of(' ') + 1) + "\" in ";
        CHECK(nginx("http { " + std::string(line) + server("meet.contoso.com", "") + "}")
                  .says(said + "http") == 1);
        const Result both =
            nginx(server("meet.contoso.com", line) + server("dialin.contoso.com", "", line) +
                  server("webext.contoso.com", ""));
        CHECK(both.says(said + "server \"meet.contoso.com\"") == 1);
        CHECK(both.says(said + "\"location /\" of server \"dialin.contoso.com\"") == 1);
        CHECK(both.says("\"webext.contoso.com\"") == 0);
        // Before the block, and with its line.
        const std::string& block = both.imported.text;
        CHECK(block.find("# RESTRICTION (line 2): ") < block.find("lync_publish"));
    }
    const Result open = nginx(server("meet.contoso.com", "auth_basic off; allow all; "
                                                         "ssl_verify_client off; "
                                                         "if ($scheme = http) { return 301 "
                                                         "https://$host$request_uri; }"));
    CHECK(open.says("RESTRICTION") == 0);
}

TEST_CASE("paths and sockets that weren't passed on are named", "[import]") {
    const Result paths =
        nginx(server("meet.contoso.com",
                     "location /a { return 403; }\nlocation /b { root /x; }\n"
                     "location /c { internal; }\nlocation ~ ^/d { limit_except GET { deny all; } "
                     "proxy_pass https://10.0.0.11:4443; }") +
              "server { listen 443 ssl; server_name dialin.contoso.com;\n"
              "location /dialin { proxy_pass https://10.0.0.11:4443; } }\n");
    CHECK(paths.says("RESTRICTION: \"return 403\" in \"location /a\" of server") == 1);
    CHECK(paths.says("RESTRICTION: \"location /b\" of server \"meet.contoso.com\" passed nothing "
                     "on") == 1);
    CHECK(paths.says("RESTRICTION: \"internal\" in \"location /c\"") == 1);
    CHECK(paths.says("RESTRICTION: \"limit_except GET\" in \"location ~ ^/d\"") == 1);
    CHECK(paths.says("RESTRICTION: \"deny all\" in \"limit_except GET\"") == 1);
    CHECK(paths.says("RESTRICTION: server \"dialin.contoso.com\" passed on \"location /dialin\"") ==
          1);

    const Result sockets =
        nginx(server("meet.contoso.com", "listen [::]:443 ssl;") +
              replaced(server("webext.contoso.com", ""), "443", "10.0.0.5:8443"));
    CHECK(sockets.says("RESTRICTION: server \"webext.contoso.com\" was on 10.0.0.5:8443 alone") ==
          1);
    CHECK(sockets.says("RESTRICTION: server \"meet.contoso.com\" was on 443 alone") == 1);

    const Result answered =
        nginx(server("meet.contoso.com", "") +
              "server { listen 443 ssl; server_name meet.contoso.com; return 403; }"
              "server { listen 80; server_name meet.contoso.com; root /x; }"
              "server { listen 443 ssl; server_name www.contoso.com; root /x; }"
              "server { listen 443 ssl default_server; return 444; }");
    CHECK(answered.says("RESTRICTION: server \"meet.contoso.com\" answered for published names") ==
          1);
    CHECK(answered.says("CHANGED: server \"meet.contoso.com\" answered plain HTTP itself") == 1);
    CHECK(answered.says("CHECK: server \"www.contoso.com\" passes nothing on") == 1);
}

TEST_CASE("what isn't known of an nginx.conf is named", "[import]") {
    const Result result = nginx(
        "upstream u { server 10.0.0.11:4443 resolve weight=2; server 10.0.0.12:9;\n ip_hash; }\n" +
        server("meet.contoso.com",
               "proxy_bind 10.0.0.1;\naccess_log x;\nproxy_set_header Authorization \"\";\n"
               "proxy_set_header X-Forwarded-For $remote_addr;\nfoo on;") +
        server("dialin.contoso.com", "foo on;", "foo on;") +
        "server { listen 443 ssl deferred; server_name *.contoso.com webext.contoso.com;\n"
        "location / { proxy_pass https://u; } location /x { proxy_pass https://other; } }");
    for (const char* text :
         {"\"proxy_bind 10.0.0.1\" in server \"meet.contoso.com\"", "\"access_log x\"",
          "\"proxy_set_header Authorization \"", "\"foo on\" in server \"meet.contoso.com\"",
          "\"foo on\" in server \"dialin.contoso.com\"", "\"foo on\" in \"location /\" of server",
          "parameter \"resolve\" of a server", "\"server 10.0.0.12:9\" in \"upstream u\"",
          "\"ip_hash\" in \"upstream u\"", "parameter \"deferred\"",
          "server name \"*.contoso.com\": write the names",
          "\"proxy_pass https://other\" in server"}) {
        INFO(text);
        CHECK(result.says("NOT CARRIED OVER: "s + text) == 1);
    }
    CHECK(result.says("X-Forwarded-For") == 0);
}

TEST_CASE("what IIS kept out is named", "[import]") {
    for (const auto& [section, said] : std::vector<std::pair<const char*, const char*>>{
             {"<access sslFlags=\"Ssl, SslRequireCert\"/>", "<access sslFlags="},
             {"<ipSecurity allowUnlisted=\"false\"><add ipAddress=\"10.0.0.1\" allowed=\"true\"/>"
              "</ipSecurity>",
              "<ipSecurity allowUnlisted=\"false\"> <add ipAddress=\"10.0.0.1\""},
             {"<ipSecurity><add ipAddress=\"10.0.0.1\"/></ipSecurity>", "<ipSecurity> <add"},
             {"<dynamicIpSecurity><denyByRequestRate enabled=\"true\"/></dynamicIpSecurity>",
              "<dynamicIpSecurity> <denyByRequestRate"},
             {"<requestFiltering><denyUrlSequences><add sequence=\"..\"/></denyUrlSequences>"
              "</requestFiltering>",
              "<denyUrlSequences> <add sequence=\"..\">"},
             {"<requestFiltering><verbs allowUnlisted=\"false\"/></requestFiltering>", "<verbs"},
             {"<requestFiltering allowDoubleEscaping=\"false\"/>", "<requestFiltering"},
             {"<authorization><add accessType=\"Allow\" roles=\"x\"/></authorization>",
              "<authorization> <add"},
             {"<authentication><anonymousAuthentication enabled=\"false\"/></authentication>",
              "<anonymousAuthentication enabled=\"false\">"},
             {"<authentication><basicAuthentication enabled=\"true\"/></authentication>",
              "<basicAuthentication enabled=\"true\">"},
             {"<unheardOf a=\"b\"/>", "<unheardOf a=\"b\">"}}) {
        INFO(section);
        const std::string whole = small_arr(on_host, to_farm, section);
        CHECK(arr(whole).says("RESTRICTION: "s + said) == 1);
        const std::string site =
            replaced(whole, "</configuration>",
                     "\n<location path=\"Default Web Site\"><system.webServer><security>"s +
                         section + "</security></system.webServer></location></configuration>");
        const Result both = arr(site);
        CHECK(both.says("RESTRICTION: "s + said) == 2);
        CHECK(both.says(" of \"Default Web Site\"") == 1);
        CHECK(both.imported.text.find("# RESTRICTION (line 2): ") <
              both.imported.text.find("lync_publish"));
    }
    const Result usual = arr(small_arr(
        on_host, to_farm,
        "<access sslFlags=\"None\"/><authorization><add accessType=\"Allow\" users=\"*\"/>"
        "</authorization><authentication><anonymousAuthentication enabled=\"true\"/>"
        "<basicAuthentication/></authentication><ipSecurity allowUnlisted=\"true\"/>"
        "<dynamicIpSecurity><denyByRequestRate enabled=\"false\"/></dynamicIpSecurity>"));
    CHECK(usual.says("RESTRICTION") == 0);
}

TEST_CASE("rules of ARR that restrict are named", "[import]") {
    const Result condition = arr(small_arr(
        std::string(on_host) + "<add input=\"{REMOTE_ADDR}\" pattern=\"10.*\"/>", to_farm));
    CHECK(condition.says("RESTRICTION: rule \"one\" has the condition <add "
                         "input=\"{REMOTE_ADDR}\"") == 1);
    CHECK(arr(replaced(small_arr(on_host, to_farm), "url=\"*\"", "url=\"lync/*\""))
              .says("RESTRICTION: rule \"one\" was for the paths \"lync/*\"") == 1);
    const Result others = arr(replaced(
        small_arr(on_host, to_farm), "<rule name=\"one\"",
        "<rule name=\"stop\" stopProcessing=\"true\"><match url=\"x\"/><action type=\"None\"/>"
        "</rule><rule name=\"abort\"><match url=\"x\"/><action type=\"AbortRequest\"/></rule>"
        "<rule name=\"one\""));
    CHECK(others.says("RESTRICTION: rule \"stop\" keeps requests from the rules") == 1);
    CHECK(others.says("RESTRICTION: rule \"abort\" answers by itself") == 1);
    const Result bound =
        arr(replaced(small_arr(on_host, to_farm), "<webFarms>",
                     "<system.applicationHost><sites><site name=\"s\"><bindings><binding "
                     "protocol=\"https\" bindingInformation=\"10.0.0.5:443:webext.contoso.com\"/>"
                     "</bindings></site></sites></system.applicationHost><webFarms>"));
    CHECK(bound.says("RESTRICTION: binding \"10.0.0.5:443:webext.contoso.com\" of site \"s\"") ==
          1);
    CHECK(bound.has("https_listen 10.0.0.5:443;"));
}

TEST_CASE("what kept clients from squid on pfSense is named", "[import]") {
    const std::string config = fixture("pfsense-config.xml");
    const auto says = [&](std::string_view what, std::string_view with, std::string_view text) {
        INFO(with);
        const Result result = pfsense(replaced(config, what, with));
        CHECK(result.says("RESTRICTION: " + std::string(text)) == 1);
    };
    says("<reverse_check_clientca></reverse_check_clientca>",
         "<reverse_check_clientca>on</reverse_check_clientca>",
         "\"reverse_check_clientca\" \"on\"");
    says("<description><![CDATA[Lync over HTTPS]]></description>", "<acl>office</acl>",
         "\"acl\" \"office\" of mapping \"dc-https\"");
    says("<uri>meet.contoso.com</uri>", "<uri>^https://meet.contoso.com/office/</uri>",
         "mapping \"dc-https\" was for the paths");
    says("<custom_options></custom_options>",
         "<custom_options>http_access deny all</custom_options>",
         "\"custom_options\" of squid's general settings");
    says("<squidreversegeneral>",
         "<squidnac><config><banned_hosts>MTAu</banned_hosts></config></squidnac>"
         "<squidreversegeneral>",
         "\"banned_hosts\" \"MTAu\" of \"squidnac\"");
    says("<any></any>", "<address>192.0.2.0/24</address>",
         "the firewall rule \"HTTPS to the reverse proxy & its names\" let in \"192.0.2.0/24\"");
    says("<type>pass</type>", "<type>block</type>", "the firewall rule \"HTTPS to");

    const Result off = pfsense(replaced(
        replaced(config, "<squidreverseredir></squidreverseredir>",
                 "<squidreverseredir><config><enable></enable><name>r</name>"
                 "<redirurl>https://x/</redirurl></config></squidreverseredir>"),
        "<enable>on</enable>\n\t\t\t\t<name>dc-http</name>\n\t\t\t\t<description><![CDATA[Lync "
        "over HTTP]]>",
        "<enable></enable>\n\t\t\t\t<name>dc-http</name>\n\t\t\t\t<description><![CDATA[Lync "
        "over HTTP]]>"));
    CHECK(off.says("CHECK: redirect \"r\" to \"https://x/\" was switched off") == 1);
    CHECK(off.says("CHECK: mapping \"dc-http\" was switched off") == 1);
}

TEST_CASE("what isn't Skype for Business stays out", "[import]") {
    const auto other = [](const std::string& name, const std::string& target) {
        return "server { listen 443 ssl; server_name " + name +
               "; location / { proxy_pass https://" + target + "; } }\n";
    };
    const std::string all =
        server("webext.contoso.com", "") + other("www.contoso.com", "10.0.0.50") +
        other("mailarchive.contoso.com", "10.0.0.51") +
        other("conf.contoso.com", "10.0.0.52:4443") + other("directory.contoso.com", "10.0.0.53");
    const Result result = nginx(all);
    for (const char* name : {"www", "mailarchive", "directory"}) {
        CHECK(result.says("CHECK: \""s + name + ".contoso.com\" doesn't look like Skype") == 1);
    }
    CHECK(result.imported.text.find("10.0.0.50;") == std::string::npos);
    CHECK(result.has("external_web_services conf.contoso.com;")); // the external web site's port

    ImportOptions with = options();
    with.roles = {"www.contoso.com=pool", "conf.contoso.com=skip"};
    const Result said = nginx(all, with);
    CHECK(said.has("external_web_services www.contoso.com;"));
    CHECK(said.imported.text.find("conf.contoso.com;") == std::string::npos);
}

TEST_CASE("pools that share a server are one, and no name is invented", "[import]") {
    const Result shared =
        nginx("upstream a { server 10.0.0.11:4443; server 10.0.0.12:4443; }"
              "upstream b { server 10.0.0.12:4443; server 10.0.0.13:4443; }"
              "server { listen 443 ssl; server_name webext.contoso.com; location / { proxy_pass "
              "https://a; } }"
              "server { listen 443 ssl; server_name meet.contoso.com; location / { proxy_pass "
              "https://b; } }");
    CHECK(shared.has("pool POOL-FQDN {"));
    CHECK(shared.imported.text.find("POOL-FQDN-2") == std::string::npos);
    for (const char* line : {"server 10.0.0.11;", "server 10.0.0.12;", "server 10.0.0.13;"}) {
        CHECK(shared.has(line));
    }
    CHECK(shared.has("sip_domain SIP-DOMAIN;"));

    const Result two = nginx(server("meet.contoso.com", "") +
                             replaced(server("dialin.contoso.com", ""), ".11", ".12"));
    CHECK(two.has("external_web_services EXTERNAL-FQDN;"));
    CHECK(two.has("external_web_services EXTERNAL-FQDN-2;"));
    CHECK(two.has("simple_url dialin https://dialin.contoso.com pool=POOL-FQDN-2;"));

    // nginx refuses the words, and says where.
    World world;
    CHECK(world.mistake(two.imported.text).find("\"SIP-DOMAIN\"") != std::string::npos);
}

TEST_CASE("a Director, a second pool, and a role that a name doesn't tell", "[import]") {
    ImportOptions with = options();
    with.pools = {"10.0.0.14=dirpool.contoso.local", "10.0.0.11=fepool.contoso.local",
                  "10.0.0.13=fepool2.fabrikam.local"};
    with.roles = {"conf.contoso.com=meet"};
    const Result result = nginx(R"(
        server { listen 443 ssl; server_name webdirext.contoso.com meet.contoso.com
                 lyncdiscover.contoso.com; location / { proxy_pass https://10.0.0.14:4443; } }
        server { listen 443 ssl; server_name webext.contoso.com conf.contoso.com;
                 location / { proxy_pass https://10.0.0.11:4443; } }
        server { listen 443 ssl; server_name webext2.fabrikam.com meet.fabrikam.com;
                 location / { proxy_pass https://10.0.0.13:4444; } })",
                                with);
    for (const char* line :
         {"director dirpool.contoso.local {", "pool fepool.contoso.local {",
          "pool fepool2.fabrikam.local {", "listening_ports http=8080 https=4444;",
          "simple_url meet https://meet.contoso.com;",
          "simple_url meet https://conf.contoso.com pool=fepool.contoso.local;",
          "simple_url meet https://meet.fabrikam.com pool=fepool2.fabrikam.local;",
          "http_listen off;"}) {
        INFO(line);
        CHECK(result.has(line));
    }
}

TEST_CASE("ports, sockets and schemes", "[import]") {
    const Result internal =
        arr(small_arr(on_host, to_farm, "", "httpPort=\"80\" httpsPort=\"443\""));
    CHECK(internal.says("CHANGED: \"webext.contoso.com\" went to port 443 of the servers, where "
                        "the internal web site is; now it goes to 4443") == 1);
    CHECK(arr(small_arr("<add input=\"{HTTPS}\" pattern=\"on\"/>" + std::string(on_host),
                        "http://webext.contoso.com/{R:0}"))
              .says("CHANGED: rule \"one\" passes https requests on unencrypted") == 1);
    CHECK(
        nginx(replaced(server("webext.contoso.com", ""), "https://", "http://"))
            .says("CHANGED: https requests of server \"webext.contoso.com\" went on unencrypted") ==
        1);
    const Result behind = nginx(server("meet.contoso.com", "listen [::]:443 ssl proxy_protocol;") +
                                server("webext.contoso.com", "listen 443 ssl proxy_protocol;"));
    CHECK(behind.has("https_listen 443 proxy_protocol;"));
    CHECK(behind.has("https_listen [::]:443 proxy_protocol;"));
    const Result ipv6 = nginx(
        replaced(server("webext.contoso.com", "listen 443;"), "listen 443", "listen [::]:443"));
    CHECK(ipv6.has("https_listen [::]:443;")); // and not the default, which takes IPv4 as well
    CHECK(ipv6.has("http_listen 443;"));
    CHECK(nginx(server("meet.contoso.com", "") +
                "server { listen 80; server_name meet.contoso.com; return 301 https://$host; }")
              .imported.text.find("http_listen") == std::string::npos);
    const Result farm = nginx(server("webext.contoso.com", "") +
                              replaced(replaced(server("wac.contoso.com", ""), ":4443", ":443"),
                                       "server_name", "server_name"));
    CHECK(farm.says("CHANGED: \"wac.contoso.com\" went to port 443 of servers of a pool") == 1);
}

TEST_CASE("names by the hosts file of ARR's machine", "[import]") {
    const std::string two = replaced(
        small_arr(on_host, to_farm), "<server ",
        "<server address=\"fe2.contoso.local\" enabled=\"false\"><applicationRequestRouting "
        "weight=\"50\" httpPort=\"8080\" httpsPort=\"4443\"/></server><server ");
    const auto imported = [&](std::string_view hosts) {
        return Result(read_arr(two, "a.config", hosts), options());
    };
    const Result own = imported("10.0.0.11 fe.contoso.local\n10.0.0.12 fe2.contoso.local\n");
    CHECK(own.has("server 10.0.0.12 down;"));
    CHECK(own.says("NOT CARRIED OVER: weight \"50\"") == 1);
    CHECK(own.has("server 10.0.0.11;"));
    CHECK(own.has("pool POOL-FQDN {")); // a Front End's name isn't the pool's
    const Result shared = imported("10.0.0.11 fe.contoso.local fepool.contoso.local fepool\n"
                                   "10.0.0.12 fepool.contoso.local fe2.contoso.local fepool\n");
    CHECK(shared.has("pool fepool.contoso.local {"));
}

TEST_CASE("certificates of an nginx.conf", "[import]") {
    ImportOptions given;
    given.trusted_ca = "ca.pem";
    const std::string other = "ssl_certificate other.pem; ssl_certificate_key other.key;";
    const Imported imported = compose(
        read_nginx_text(server("webext.contoso.com",
                               "ssl_certificate rsa.pem; ssl_certificate_key rsa.key;"
                               "ssl_certificate ec.pem; ssl_certificate_key ec.key;") +
                            server("meet.contoso.com", other) + server("dialin.contoso.com", other),
                        "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
        given);
    CHECK(imported.text.find("certificate            /etc/nginx/rsa.pem /etc/nginx/rsa.key;\n"
                             "    certificate            /etc/nginx/ec.pem /etc/nginx/ec.key;\n") !=
          std::string::npos);
    CHECK(std::count_if(imported.remarks.begin(), imported.remarks.end(), [](const Remark& remark) {
              return remark.text.find("\"other.pem\"") != std::string::npos &&
                     remark.places.size() == 2;
          }) == 1);
}

TEST_CASE("options that make no sense", "[import]") {
    const auto refused = [](ImportOptions with) {
        return mistake(
            [&] { compose(read_arr(small_arr(on_host, to_farm), "a.config", ""), with); });
    };
    ImportOptions with;
    with.roles = {"webext.contoso.com=chief"};
    CHECK(refused(with).starts_with("invalid role \"chief\" in --role: the roles are pool"));
    with.roles = {"webext.contoso.com"};
    CHECK(refused(with).find("it is written NAME=ROLE") != std::string::npos);
    with.roles = {"webext.contoso.com=skip"};
    CHECK(refused(with).starts_with("\"a.config\" publishes no name of a Front End pool"));
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

TEST_CASE("XML that isn't read, or means nothing", "[import]") {
    CHECK(xml_mistake("<pfsense/>") == "the outermost element is \"pfsense\" and not "
                                       "\"configuration\": is it the right file? in a.config:1");
    CHECK(xml_mistake("").starts_with("the file isn't well-formed XML"));
    CHECK(xml_mistake("<configuration>\n<webFarms></configuration>").ends_with("in a.config:2"));
    CHECK(xml_mistake("\xff\xfe<\0c\0"s).find("save it as UTF-8") != std::string::npos);
    CHECK(xml_mistake(std::string(17 * 1024 * 1024, ' ')).find("larger than 16 MB") !=
          std::string::npos);
    std::string wide = "<configuration>";
    std::string deep = wide;
    for (int i = 0; i < 1'100'000; i++) {
        wide += "<a/><b/>";
        deep += i < 400'000 ? "<a>" : "";
    }
    CHECK(xml_mistake(wide + "</configuration>").starts_with("the file has more than 2000000"));
    CHECK(xml_mistake(deep).starts_with("the file isn't well-formed XML"));
    // Entities of its own mean nothing, whatever they would hold.
    CHECK(xml_mistake("<!DOCTYPE c [<!ENTITY x SYSTEM \"/etc/passwd\">]><configuration>&x;"
                      "</configuration>")
              .starts_with("no \"webFarms\" and no rewrite rules"));
    CHECK(xml_mistake(small_arr(on_host, to_farm, "", "httpsPort=\"70000\""))
              .starts_with("invalid value \"70000\" of \"httpsPort\""));
    CHECK(mistake([] {
              read_pfsense("---- BEGIN config.xml ----\n", "config.xml", "", "lync");
          }).starts_with("the backup is encrypted"));
    CHECK(mistake([] {
              read_pfsense("<pfsense/>", "config.xml", "", "lync");
          }).starts_with("no \"squidreversegeneral\""));
}

TEST_CASE("bytes of the old file stay within comments", "[import]") {
    const Result result = arr(small_arr(
        std::string(on_host) + "<add input=\"&#10;} evil { \" pattern=\"&#10;load_module x;\"/>",
        to_farm));
    std::istringstream in(result.imported.text);
    std::size_t seen = 0;
    for (std::string line; std::getline(in, line);) {
        for (const char* word : {"evil", "load_module"}) {
            seen += line.find(word) == std::string::npos ? 0 : 1;
            CHECK((line.find(word) == std::string::npos || line.find('#') < line.find(word)));
        }
    }
    CHECK(seen == 2);
}

TEST_CASE("the hosts of patterns", "[import]") {
    using Hosts = std::vector<std::string>;
    CHECK(hosts_of_pattern("Dialin.*", true) == Hosts{"dialin.*"});
    CHECK(hosts_of_pattern("meet.contoso.com", true) == Hosts{"meet.contoso.com"});
    for (const std::string_view no : {"*", "*.contoso.com", "meet*", "", "m?et.*", "a b.*", ".*"}) {
        CHECK(hosts_of_pattern(no, true).empty());
    }
    for (const std::string_view one :
         {"^meet\\.contoso\\.com$", "meet.contoso.com", "(?:meet).contoso\\.com"}) {
        CHECK(hosts_of_pattern(one, false) == Hosts{"meet.contoso.com"});
    }
    for (const std::string_view any : {"^meet\\..*", "meet.*", "^meet\\."}) {
        CHECK(hosts_of_pattern(any, false) == Hosts{"meet.*"});
    }
    CHECK(hosts_of_pattern("^(meet|dialin)\\.", false) == Hosts{"meet.*", "dialin.*"});
    CHECK(hosts_of_pattern("meet\\.(contoso|fabrikam)\\.(com|net)", false).size() == 4);
    CHECK(hosts_of_pattern("a.com|b.com", false) == Hosts{"a.com", "b.com"});
    for (const std::string_view no :
         {"[a-z]+\\.contoso\\.com", "me+t.contoso.com", "(meet", "meet)", "meet\\d.contoso.com",
          ".*\\.contoso\\.com", "^$", "(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d).com",
          "meet?.contoso.com", "a(?=b).com", "^meet\\.$", "^\\.", "(a)+.com"}) {
        INFO(no);
        CHECK(hosts_of_pattern(no, false).empty());
    }
    CHECK(hosts_of_url_pattern("^https?://meet\\.contoso\\.com/.*$").hosts ==
          Hosts{"meet.contoso.com"});
    CHECK_FALSE(hosts_of_url_pattern("^https?://meet\\.contoso\\.com/.*$").has_path);
    CHECK(hosts_of_url_pattern("meet.contoso.com/lync").has_path);
    CHECK(hosts_of_url_pattern("^http://www.contoso.com:80/").hosts == Hosts{"www.contoso.com"});
    CHECK(hosts_of_url_pattern(".contoso.com").hosts.empty());
    CHECK(hosts_of_url_pattern("https://a.com|https://b.com").hosts.empty());
}
