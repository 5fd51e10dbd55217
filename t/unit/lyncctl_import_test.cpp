// `lyncctl import`: the complete files of the three products (t/lyncctl/fixtures), and what is odd
// in others. Whatever is written is a block that the module accepts, once names that the old file
// doesn't tell are filled in.

#include "imported.h"
#include "lyncctl/import/patterns.h"

#include <sstream>

using namespace lync::testing;
using namespace lync::lyncctl;
using namespace std::literals;

namespace {

Result nginx(std::string_view text, const ImportOptions& with = options()) {
    return {read_nginx_text(text, "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
            with};
}

/// A server of Lync with more lines in it.
std::string server(const std::string& name, const std::string& more,
                   const std::string& location = "", const std::string& target = "10.0.0.11:4443") {
    return "server { listen 443 ssl; server_name " + name + ";\n" + more +
           "\nlocation / { proxy_pass https://" + target + ";\n" + location + "\n} }\n";
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

std::string xml_mistake(const std::string& xml) {
    return mistake([&] { read_arr(xml, "a.config", ""); });
}

} // namespace

TEST_CASE("the walk-through of IIS ARR: six farms", "[import]") {
    const Result result(
        read_arr(fixture("applicationHost.config"), "applicationHost.config", fixture("arr-hosts")),
        options());
    CHECK(result.lacks(
              {"pool fepool.contoso.local {", "external_web_services lyncwebext.contoso.com;",
               "server 10.0.0.11;", "sip_domain *;", "simple_url meet https://meet.*;",
               "simple_url dialin https://dialin.*;", "simple_url scheduler https://scheduler.*;",
               "office_web_apps wac.contoso.com {", "server 10.0.0.15;",
               "certificate_name wac1.contoso.local;"}) == "");
    CHECK_FALSE(result.holds("listening_ports"));
    CHECK(result.says("RESTRICTION") == 0);
    CHECK(result.says("CHECK: the sites' web.config files") == 1);
}

TEST_CASE("the walk-through of squid on pfSense", "[import]") {
    const Result result(read_pfsense(fixture("pfsense-config.xml"), "config.xml"), options());
    CHECK(result.lacks({"pool POOL-FQDN {", "external_web_services lyncwebext.contoso.com;",
                        "simple_url meet https://meet.contoso.com;",
                        "simple_url dialin https://dialin.contoso.com;",
                        "sip_domain contoso.com;"}) == "");
    CHECK(result.says("RESTRICTION") == 0);
    CHECK_FALSE(result.holds("10.0.0.99")); // a peer that was switched off
}

TEST_CASE("an nginx.conf of the recipes", "[import]") {
    const Result result(
        read_nginx(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/old-nginx.conf",
                   lync::lyncctl::Sources{
                       lync::lyncctl::Sources::of_system().open,
                       [](const std::string&) -> std::vector<std::string> { return {}; }}),
        options());
    CHECK(result.lacks(
              {"pool fepool.contoso.local {", "external_web_services lyncwebext.contoso.com;",
               "server 10.0.0.11 weight=2 fail_timeout=30s;", "server 10.0.0.12 slow_start=30s;",
               "simple_url meet https://meet.contoso.com;",
               "simple_url meet https://meet.fabrikam.com;",
               "simple_url dialin https://dialin.contoso.com;", "sip_domain contoso.com;",
               "office_web_apps wac.contoso.com {"}) == "");
    for (const char* text : {"RESTRICTION: \"location /cscp\" of server \"lyncwebext.contoso.com\"",
                             "NOT CARRIED OVER: server name \"*.example.com\"",
                             "NOT CARRIED OVER: server name \"~^meet\\.(adatum|",
                             "NOT CARRIED OVER: \"add_header Strict-Transport-Security",
                             "NOT CARRIED OVER: \"client_max_body_size 1g\" in http",
                             "CHECK: \"sip.contoso.com\" doesn't look like Skype"}) {
        INFO(text);
        CHECK(result.says(text) == 1);
    }
}

TEST_CASE("what nginx kept out is named, for each server and wherever it was written", "[import]") {
    for (const char* line :
         {"allow 10.0.0.0/8;", "deny all;", "ssl_verify_client on;", "limit_req zone=x;",
          "auth_basic x;", "auth_jwt x;", "satisfy any;", "valid_referers none;",
          "if ($blocked) { return 403; }", "return 403;", "ssl_reject_handshake on;",
          "access_by_lua_file x.lua;", "modsecurity on;"}) {
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
                                                         "https://$host$request_uri; }"
                                                         "location /a { rewrite ^/(.*) "
                                                         "https://meet.contoso.com/$1; }"));
    CHECK(open.says("RESTRICTION") == 0);
}

TEST_CASE("what else of an nginx.conf is named", "[import]") {
    const std::string upstream =
        "upstream u { server 10.0.0.11:4443 resolve weight=2; server 10.0.0.12:9;\n ip_hash; }\n";
    for (const auto& [text, said] : std::vector<std::pair<std::string, const char*>>{
             {server("meet.contoso.com", "location /b { root /x; }"),
              "RESTRICTION: \"location /b\" of server \"meet.contoso.com\" passed nothing on"},
             {server("meet.contoso.com", "location ~ ^/d { limit_except GET { deny all; } "
                                         "proxy_pass https://10.0.0.11:4443; }"),
              "RESTRICTION: \"deny all\" in \"limit_except GET\""},
             {"server { listen 443 ssl; server_name dialin.contoso.com; location /dialin { "
              "proxy_pass https://10.0.0.11:4443; } }",
              "RESTRICTION: server \"dialin.contoso.com\" passed some paths"},
             {server("meet.contoso.com", "listen [::]:443 ssl;") +
                  replaced(server("webext.contoso.com", ""), "443", "10.0.0.5:8443"),
              "RESTRICTION: \"webext.contoso.com\" wasn't on every socket"},
             {server("meet.contoso.com", "") +
                  "server { listen 443 ssl; server_name meet.contoso.com; return 403; }",
              "RESTRICTION: server \"meet.contoso.com\" passes nothing on"},
             {server("meet.contoso.com", "") + "server { server_name www.contoso.com; root /x; }",
              "CHECK: server \"www.contoso.com\" passes nothing on"},
             {server("meet.contoso.com",
                     "if ($remote_addr !~ ^10) { return 302 https://www.contoso.com/no; }"),
              "RESTRICTION: \"if ($remote_addr !~ ^10)\" in server \"meet.contoso.com\""},
             {server("meet.contoso.com",
                     "location /cscp { return 302 https://www.contoso.com$request_uri; }"),
              "RESTRICTION: \"location /cscp\" of server \"meet.contoso.com\" passed nothing on"},
             {server("meet.contoso.com", "location /lwa { rewrite ^ https://$host/no redirect; }"),
              "RESTRICTION: \"location /lwa\" of server \"meet.contoso.com\" passed nothing on"},
             {replaced(server("meet.contoso.com", ""), "location /", "location ~ ^/$"),
              "RESTRICTION: server \"meet.contoso.com\" passed some paths on"},
             {server("meet.contoso.com", "", "", "10.0.0.11:4443/meet/"),
              "NOT CARRIED OVER: \"proxy_pass https://10.0.0.11:4443/meet/\" in server "
              "\"meet.contoso.com\" changes the path"},
             {server("meet.contoso.com", "") +
                  "server { server_name meet.contoso.com; return 301 https://www.contoso.com/; }",
              "CHECK: server \"meet.contoso.com\" passes nothing on"},
             {server("meet.contoso.com", "proxy_bind 10.0.0.1;"),
              "NOT CARRIED OVER: \"proxy_bind 10.0.0.1\" in server \"meet.contoso.com\""},
             {server("meet.contoso.com", "", "foo on;"), "NOT CARRIED OVER: \"foo on\" in \"loc"},
             {server("meet.contoso.com", "proxy_set_header Authorization \"\";"),
              "NOT CARRIED OVER: \"proxy_set_header Authorization"},
             {server("*.contoso.com meet.contoso.com", ""),
              "NOT CARRIED OVER: server name \"*.contoso.com\""},
             {server("meet.contoso.com", "location /x { proxy_pass https://other; }"),
              "NOT CARRIED OVER: \"proxy_pass https://other\" in server"},
             {upstream + server("meet.contoso.com", "", "", "u"),
              "NOT CARRIED OVER: parameter \"resolve\" of a server"},
             {upstream + server("meet.contoso.com", "", "", "u"),
              "NOT CARRIED OVER: \"server 10.0.0.12:9\" in \"upstream u\""},
             {upstream + server("meet.contoso.com", "", "", "u"),
              "NOT CARRIED OVER: \"ip_hash\" in \"upstream u\""},
             {replaced(server("webext.contoso.com", ""), "https://", "http://"),
              "CHANGED: \"webext.contoso.com\" went on unencrypted"},
             {server("webext.contoso.com", "") + server("wac.contoso.com", "", "", "10.0.0.11:443"),
              "CHANGED: \"wac.contoso.com\" went to a pool's servers"}}) {
        INFO(text << said);
        CHECK(nginx(text).says(said) == 1);
    }
    CHECK(nginx(server("meet.contoso.com", "proxy_set_header X-Forwarded-For $remote_addr;"))
              .says("NOT CARRIED OVER") == 0);
    // A doubled look at each of these took 2^100 steps.
    std::string nested;
    for (int i = 0; i < 100; i++) {
        nested += "if ($x) { ";
    }
    CHECK(nginx(server("meet.contoso.com", nested + "foo; " + std::string(100, '}')))
              .says("RESTRICTION: \"if ($x)\" in server") == 1);
}

TEST_CASE("what IIS kept out is named, its defaults aren't", "[import]") {
    for (const auto& [section, said] : std::vector<std::pair<const char*, const char*>>{
             {"<access sslFlags=\"Ssl, SslRequireCert\"/>", "<access sslFlags="},
             {"<ipSecurity allowUnlisted=\"false\"><add ipAddress=\"10.0.0.1\" allowed=\"true\"/>"
              "</ipSecurity>",
              "<ipSecurity allowUnlisted=\"false\">"},
             {"<ipSecurity><add ipAddress=\"10.0.0.1\"/></ipSecurity>",
              "<add ipAddress=\"10.0.0.1\"> in \"ipSecurity\""},
             {"<dynamicIpSecurity><denyByRequestRate enabled=\"true\"/></dynamicIpSecurity>",
              "<denyByRequestRate enabled=\"true\"> in \"dynamicIpSecurity\""},
             {"<requestFiltering><denyUrlSequences><add sequence=\"..\"/></denyUrlSequences>"
              "</requestFiltering>",
              "<add sequence=\"..\"> in \"denyUrlSequences\""},
             {"<requestFiltering><verbs allowUnlisted=\"false\"/></requestFiltering>", "<verbs"},
             {"<requestFiltering><fileExtensions><add fileExtension=\".asax\" allowed=\"false\"/>"
              "<add fileExtension=\".exe\" allowed=\"false\"/></fileExtensions></requestFiltering>",
              "<add fileExtension=\".exe\""},
             {"<authorization><add accessType=\"Allow\" roles=\"x\"/></authorization>",
              "<add accessType=\"Allow\" roles=\"x\">"},
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
    CHECK(arr(small_arr(
                  on_host, to_farm,
                  "<access sslFlags=\"None\"/><authorization><add accessType=\"Allow\" "
                  "users=\"*\"/></authorization><authentication><anonymousAuthentication "
                  "enabled=\"true\"/><basicAuthentication/><windowsAuthentication "
                  "enabled=\"false\"><providers><add value=\"NTLM\"/></providers>"
                  "</windowsAuthentication></authentication><ipSecurity allowUnlisted=\"true\"/>"
                  "<dynamicIpSecurity><denyByRequestRate enabled=\"false\"/></dynamicIpSecurity>"
                  "<isapiCgiRestriction><add path=\"x\" allowed=\"false\"/></isapiCgiRestriction>"
                  "<requestFiltering><fileExtensions allowUnlisted=\"true\"><add "
                  "fileExtension=\".asax\" allowed=\"false\"/><add fileExtension=\".config\" "
                  "allowed=\"false\"/></fileExtensions><hiddenSegments><add segment=\"bin\"/>"
                  "</hiddenSegments></requestFiltering>"))
              .says("RESTRICTION") == 0);
}

TEST_CASE("rules of ARR that restrict are named", "[import]") {
    const std::string one = small_arr(on_host, to_farm);
    const std::string first = "<rule name=\"one\"";
    for (const auto& [xml, said] : std::vector<std::pair<std::string, const char*>>{
             {small_arr(std::string(on_host) + "<add input=\"{REMOTE_ADDR}\" pattern=\"10.*\"/>",
                        to_farm),
              "RESTRICTION: <add input=\"{REMOTE_ADDR}\" pattern=\"10.*\"> of rule \"one\""},
             {replaced(one, "url=\"*\"", "url=\"lync/*\""), "RESTRICTION: <match url=\"lync/*\">"},
             {replaced(one, first,
                       "<rule name=\"stop\" stopProcessing=\"true\"><match url=\"x\"/><action "
                       "type=\"None\"/></rule>" +
                           first),
              "RESTRICTION: <action type=\"None\"> of rule \"stop\""},
             {replaced(one, first,
                       "<rule name=\"abort\"><match url=\"x\"/><action type=\"AbortRequest\"/>"
                       "</rule>" +
                           first),
              "RESTRICTION: <action type=\"AbortRequest\"> of rule \"abort\""},
             {replaced(one, "<webFarms>",
                       "<system.applicationHost><sites><site name=\"s\"><bindings><binding "
                       "protocol=\"https\" bindingInformation=\"10.0.0.5:443:webext.contoso.com\"/>"
                       "</bindings></site></sites></system.applicationHost><webFarms>"),
              "RESTRICTION: binding \"10.0.0.5:443:webext.contoso.com\" of site \"s\""},
             {small_arr(on_host, to_farm, "", "httpPort=\"80\" httpsPort=\"443\""),
              "CHANGED: \"webext.contoso.com\" went to the internal web site, port 443"},
             {small_arr("<add input=\"{HTTPS}\" pattern=\"on\"/>" + std::string(on_host),
                        "http://webext.contoso.com/{R:0}"),
              "CHANGED: \"webext.contoso.com\" went on unencrypted"}}) {
        INFO(xml);
        CHECK(arr(xml).says(said) == 1);
    }
}

TEST_CASE("what kept clients from squid on pfSense is named", "[import]") {
    struct Case {
        const char* what;
        const char* with;
        const char* said;
    };
    for (const auto& [what, with, said] : std::vector<Case>{
             {"<reverse_check_clientca></reverse_check_clientca>",
              "<reverse_check_clientca>on</reverse_check_clientca>",
              "RESTRICTION: \"reverse_check_clientca\" \"on\""},
             {"<description><![CDATA[Lync over HTTPS]]></description>", "<acl>office</acl>",
              "RESTRICTION: \"acl\" \"office\" of mapping \"dc-https\""},
             {"<uri>meet.contoso.com</uri>", "<uri>^https://meet.contoso.com/office/</uri>",
              "RESTRICTION: mapping \"dc-https\" was for the paths"},
             {"<uri>meet.contoso.com</uri>", "<uri>.contoso.com</uri>",
              "NOT CARRIED OVER: mapping \"dc-https\" is for \".contoso.com\""},
             {"<uri>meet.contoso.com</uri>", "<uri>https://a.com|https://b.com</uri>",
              "NOT CARRIED OVER: mapping \"dc-https\" is for"},
             {"<custom_options></custom_options>",
              "<custom_options>http_access deny all</custom_options>",
              "RESTRICTION: \"custom_options\" of \"squid\""},
             {"<squidreversegeneral>",
              "<squidnac><config><banned_hosts>MTAu</banned_hosts></config></squidnac>"
              "<squidreversegeneral>",
              "RESTRICTION: \"banned_hosts\" of \"squidnac\""},
             {"<any></any>", "<address>192.0.2.0/24</address>",
              "RESTRICTION: the firewall rule \"HTTPS to the reverse proxy & its names\""},
             {"<type>pass</type>", "<type>block</type>", "RESTRICTION: the firewall rule"}}) {
        INFO(with);
        const std::string xml = replaced(fixture("pfsense-config.xml"), what, with);
        const Result result(read_pfsense(xml, "config.xml"), options());
        CHECK(result.says(said) == 1);
    }
}

TEST_CASE("squid's redirects", "[import]") {
    const auto redirect = [](const std::string& hosts, const std::string& pattern,
                             const std::string& to, const std::string& more = "") {
        return "<config><enable>on</enable><name>r</name><protocol>HTTP,HTTPS</"
               "protocol><row><uri>" +
               hosts + "</uri></row><pathregex>" + pattern + "</pathregex><redirurl>" + to +
               "</redirurl>" + more + "</config>";
    };
    const std::string www = "https://www.contoso.com/x";
    const Result result(
        read_pfsense(
            replaced(
                fixture("pfsense-config.xml"), "<squidreverseredir></squidreverseredir>",
                "<squidreverseredir>" +
                    redirect("meet.contoso.com Dialin.contoso.com", "^/$", www) +
                    redirect("meet.contoso.com", "^/old\\.htm/?$", www) +
                    redirect("meet.contoso.com", "^/$", "https://other.contoso.com") +
                    redirect("dialin.contoso.com", "/phones", "https://www.contoso.com/phones") +
                    redirect("meet.contoso.com", "^/(a|b)$", www) +
                    redirect("meet.contoso.com", "^/a$", "https://www.contoso.com/%u") +
                    redirect("meet.contoso.com", "^/b$", "http://www.contoso.com/") +
                    redirect("www.contoso.com", "^/c$", www) +
                    redirect("lyncdiscover.contoso.com", "^/d$", www) +
                    redirect("meet.contoso.com", "^/e$", "https://dialin.contoso.com/phones") +
                    redirect("meet.contoso.com", "^/cscp$", www) +
                    redirect("meet.contoso.com", "^/x$", "https://a.contoso.com;}\n") +
                    replaced(redirect("meet.contoso.com", "^/off$", www), ">on<", "><") +
                    "</squidreverseredir>"),
            "config.xml"),
        options());
    CHECK(result.lacks({
              "redirect https://meet.contoso.com/ https://www.contoso.com/x;",
              "redirect https://dialin.contoso.com/ https://www.contoso.com/x;",
              "redirect https://meet.contoso.com/old.htm https://www.contoso.com/x;",
              "redirect https://dialin.contoso.com/phones https://www.contoso.com/phones;",
          }) == "");
    CHECK(
        result.says("NOT CARRIED OVER: redirect \"r\" was for whatever matches \"/phones\", and is "
                    "for \"/phones\" alone") == 1);
    CHECK(result.says("NOT CARRIED OVER: redirect \"r\" of") == 2);
    CHECK(result.says("https://meet.contoso.com/b\" to \"http://www.contoso.com/\": it is an "
                      "absolute URL") == 1);
    CHECK(result.says("d\" to \"https://www.contoso.com/x\": the name isn't published") == 1);
    CHECK(result.says("c\" to \"https://www.contoso.com/x\": the name isn't published") == 1);
    CHECK(result.says("phones\": it leads on to another") == 1);
    CHECK(result.says("it is an administrative path") == 1);
    CHECK_FALSE(result.holds("/off"));
    CHECK_FALSE(result.holds("other.contoso.com;"));
}

TEST_CASE("what isn't Skype for Business stays out", "[import]") {
    const std::string all =
        server("webext.contoso.com", "") + server("www.contoso.com", "", "", "10.0.0.50") +
        server("mailarchive.contoso.com", "", "", "10.0.0.51") +
        server("mail.contoso.com", "", "", "10.0.0.54") +
        server("conf.contoso.com", "", "", "10.0.0.52:4443") +
        replaced(server("directory.contoso.com", "", "", "10.0.0.53"), "443", "8443");
    const Result result = nginx(all);
    for (const char* name : {"www", "mailarchive", "mail", "directory"}) {
        CHECK(result.says("CHECK: \""s + name + ".contoso.com\" doesn't look like Skype") == 1);
    }
    CHECK_FALSE(result.holds("10.0.0.50;"));
    CHECK_FALSE(result.holds("https_listen")); // nor its sockets
    CHECK(result.says("RESTRICTION") == 0);
    CHECK(result.lacks({"external_web_services conf.contoso.com;"}) == ""); // by its port

    ImportOptions with = options();
    with.roles = {"www.contoso.com=pool", "conf.contoso.com=skip"};
    const Result said = nginx(all, with);
    CHECK(said.lacks({"external_web_services www.contoso.com;"}) == "");
    CHECK_FALSE(said.holds("conf.contoso.com;"));
}

TEST_CASE("pools that share a server are one, and no name is invented", "[import]") {
    const Result shared =
        nginx("upstream a { server 10.0.0.11:4443; server 10.0.0.12:4443; }"
              "upstream b { server 10.0.0.12:4443; server 10.0.0.13:4443; }" +
              server("webext.contoso.com", "", "", "a") + server("meet.contoso.com", "", "", "b"));
    CHECK(shared.lacks({"pool POOL-FQDN {", "server 10.0.0.11;", "server 10.0.0.12;",
                        "server 10.0.0.13;", "sip_domain SIP-DOMAIN;"}) == "");
    CHECK_FALSE(shared.holds("POOL-FQDN-2"));

    const Result two = nginx(server("meet.contoso.com", "") +
                             server("dialin.contoso.com", "", "", "10.0.0.12:4443"));
    CHECK(
        two.lacks({"external_web_services EXTERNAL-FQDN;", "external_web_services EXTERNAL-FQDN-2;",
                   "simple_url dialin https://dialin.contoso.com pool=POOL-FQDN-2;"}) == "");

    // nginx refuses the words, and says where.
    World world;
    CHECK(world.mistake(two.imported.text).find("\"SIP-DOMAIN\"") != std::string::npos);
}

TEST_CASE("a Director, a second pool, and a role that a name doesn't tell", "[import]") {
    ImportOptions with = options();
    with.roles = {"conf.contoso.com=meet"};
    const auto named = [](const std::string& pool) { return "proxy_ssl_name " + pool + ";"; };
    const Result result =
        nginx(server("webdirext.contoso.com meet.contoso.com lyncdiscover.contoso.com", "",
                     named("dirpool.contoso.local"), "10.0.0.14:4443") +
                  server("webext.contoso.com conf.contoso.com", "", named("fepool.contoso.local")) +
                  server("webext2.fabrikam.com meet.fabrikam.com", "",
                         named("fepool2.fabrikam.local"), "10.0.0.13:4444"),
              with);
    CHECK(result.lacks({"director dirpool.contoso.local {", "pool fepool.contoso.local {",
                        "pool fepool2.fabrikam.local {", "listening_ports http=8080 https=4444;",
                        "simple_url meet https://meet.contoso.com;",
                        "simple_url meet https://conf.contoso.com pool=fepool.contoso.local;",
                        "simple_url meet https://meet.fabrikam.com pool=fepool2.fabrikam.local;",
                        "http_listen off;"}) == "");
}

TEST_CASE("sockets", "[import]") {
    const Result behind = nginx(server("meet.contoso.com", "listen [::]:443 ssl proxy_protocol;") +
                                server("webext.contoso.com", "listen 443 ssl proxy_protocol;"));
    CHECK(behind.lacks(
              {"https_listen 443 proxy_protocol;", "https_listen [::]:443 proxy_protocol;"}) == "");
    const Result ipv6 = nginx(
        replaced(server("webext.contoso.com", "listen 443;"), "listen 443", "listen [::]:443"));
    CHECK(ipv6.lacks({"https_listen [::]:443;", "http_listen 443;"}) == ""); // not the default
    const Result both = nginx(replaced(server("webext.contoso.com", ""), "listen 443 ssl",
                                       "listen [::]:8443 ssl ipv6only=off"));
    CHECK(both.lacks({"https_listen [::]:8443;", "https_listen 8443;"}) == "");
    // As certbot leaves a server behind.
    CHECK_FALSE(nginx(server("meet.contoso.com", "") +
                      "server { if ($host = meet.contoso.com) { return 301 "
                      "https://$host$request_uri; } server_name meet.contoso.com; return 404; }")
                    .holds("http_listen"));
    CHECK_FALSE(
        nginx(server("meet.contoso.com", "listen [::]:443 ssl;") +
              "server { listen *:80; server_name meet.contoso.com; return 301 https://$host; }")
            .holds("_listen"));
}

TEST_CASE("names by the hosts file of ARR's machine", "[import]") {
    const std::string two = replaced(
        small_arr(on_host, to_farm), "<server ",
        "<server address=\"fe2.contoso.local\" enabled=\"false\"><applicationRequestRouting "
        "weight=\"50\" httpPort=\"8080\" httpsPort=\"4443\"/></server><server ");
    const Result result(read_arr(two, "a.config",
                                 "# x\r\n10.0.0.11 fe.contoso.local\r\n\t10.0.0.12\tFE2.contoso."
                                 "local # 10.0.0.13 fe.contoso.local"),
                        options());
    CHECK(result.lacks({"server 10.0.0.12 down;", "server 10.0.0.11;", "pool POOL-FQDN {"}) ==
          ""); // a Front End's name isn't the pool's
    CHECK(result.says("weight=\"50\"") == 1);
}

TEST_CASE("certificates of an nginx.conf", "[import]") {
    ImportOptions given;
    given.trusted_ca = "ca.pem";
    const std::string other = "ssl_certificate other.pem; ssl_certificate_key other.key;";
    const Imported imported =
        compose(read_nginx_text(server("www.contoso.com",
                                       "ssl_certificate www.pem; ssl_certificate_key www.key;", "",
                                       "10.0.0.50") +
                                    server("webext.contoso.com",
                                           "ssl_certificate rsa.pem; ssl_certificate_key rsa.key;"
                                           "ssl_certificate ec.pem; ssl_certificate_key ec.key;") +
                                    server("meet.contoso.com", other),
                                "/etc/nginx/old.conf", lync::lyncctl::Sources::of_system()),
                given);
    CHECK(imported.text.find(
              "certificate            /etc/nginx/rsa.pem /etc/nginx/rsa.key;\n"
              "    certificate            /etc/nginx/ec.pem /etc/nginx/ec.key;\n"
              "    certificate            /etc/nginx/other.pem /etc/nginx/other.key;\n") !=
          std::string::npos);
}

TEST_CASE("options that make no sense", "[import]") {
    const auto refused = [](auto ImportOptions::*option, auto value) {
        ImportOptions with;
        with.*option = {value};
        return mistake(
            [&] { compose(read_arr(small_arr(on_host, to_farm), "a.config", ""), with); });
    };
    CHECK(refused(&ImportOptions::roles, "webext.contoso.com=chief").find("the roles are pool") !=
          std::string::npos);
    CHECK(refused(&ImportOptions::roles, "webext.contoso.com").find("NAME=ROLE") !=
          std::string::npos);
    CHECK(refused(&ImportOptions::roles, "webext.contoso.com=skip")
              .starts_with("\"a.config\" publishes no name of a Front End pool"));
    CHECK(refused(&ImportOptions::product, "lync_2014").find("the products are") !=
          std::string::npos);
    CHECK(refused(&ImportOptions::key, "a.key") == "--certificate and --key belong together");
}

TEST_CASE("XML that isn't read, or means nothing", "[import]") {
    CHECK(xml_mistake("<pfsense/>") == "the outermost element is \"pfsense\" and not "
                                       "\"configuration\": is it the right file? in a.config:1");
    CHECK(xml_mistake("").starts_with("the file isn't well-formed XML"));
    CHECK(xml_mistake("<configuration>\n<webFarms></configuration>").ends_with("in a.config:2"));
    CHECK(xml_mistake("\xff\xfe<\0c\0"s).find("save it as UTF-8") != std::string::npos);
    CHECK(xml_mistake(std::string(17 * 1024 * 1024, ' ')).find("larger than 16 MB") !=
          std::string::npos);
    // Entities of its own mean nothing, whatever they would hold.
    CHECK(xml_mistake("<!DOCTYPE c [<!ENTITY x SYSTEM \"/etc/passwd\">]><configuration>&x;"
                      "</configuration>")
              .starts_with("no \"webFarms\" and no rewrite rules"));
    CHECK(mistake([] {
              read_pfsense("---- BEGIN config.xml ----\n", "config.xml");
          }).starts_with("the backup is encrypted"));
    CHECK(mistake([] {
              read_pfsense("<pfsense/>", "config.xml");
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
    for (const auto& [pattern, host] :
         std::vector<std::pair<const char*, const char*>>{{"Dialin.*", "dialin.*"},
                                                          {"meet.contoso.com", "meet.contoso.com"},
                                                          {"*", ""},
                                                          {"*.contoso.com", ""},
                                                          {"meet*", ""},
                                                          {"", ""},
                                                          {"m?et.*", ""},
                                                          {"a b.*", ""},
                                                          {".*", ""}}) {
        INFO(pattern);
        CHECK(host_of_pattern(pattern, true) == host);
    }
    for (const auto& [pattern, host] : std::vector<std::pair<const char*, const char*>>{
             {"^meet\\.contoso\\.com$", "meet.contoso.com"},
             {"meet.contoso.com", "meet.contoso.com"},
             {"^meet\\..*", "meet.*"},
             {"meet.*", "meet.*"},
             {"^meet\\.", "meet.*"},
             {"^meet\\.$", ""},
             {"^(meet|dialin)\\.", ""},
             {"a.com|b.com", ""},
             {"[a-z]+\\.contoso\\.com", ""},
             {"meet\\d.contoso.com", ""},
             {".*\\.contoso\\.com", ""},
             {"meet\\", ""},
             {"^$", ""},
             {"^\\.", ""}}) {
        INFO(pattern);
        CHECK(host_of_pattern(pattern, false) == host);
    }
}
