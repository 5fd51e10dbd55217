// `lyncctl import`: the complete files of the three products (t/lyncctl/fixtures), and what is odd
// in others. Whatever is written is a block that the module accepts, once names that the old file
// doesn't say are filled in.

#include "imported.h"

using namespace lync::testing;
using namespace lync::lyncctl;
using namespace std::literals;

namespace {

Draft nginx(std::string_view text) {
    return read_nginx(*read_text(text, "/etc/nginx/old.conf", "/etc/nginx/"), "/etc/nginx/");
}

/// A server of Lync with more lines in it.
std::string server(const std::string& name, const std::string& more = "",
                   const std::string& location = "", const std::string& target = "10.0.0.11:4443") {
    return "server { listen 443 ssl; server_name " + name + ";\n" + more +
           "\nlocation / { proxy_pass https://" + target + ";\n" + location + "\n} }\n";
}
const std::string meet = server("meet.contoso.com");

Draft arr(const std::string& xml, std::string_view hosts = "") {
    Draft draft = read_arr(xml, "applicationHost.config");
    draft.hosts = read_hosts(hosts);
    return draft;
}

/// One farm and one rule, with the given conditions and action, and a security section.
std::string small_arr(const std::string& more = "", std::string_view security = "") {
    return "<configuration><webFarms><webFarm name=\"webext.contoso.com\">"
           "<server address=\"fe.contoso.local\"><applicationRequestRouting httpPort=\"8080\" "
           "httpsPort=\"4443\"/></server></webFarm></webFarms><system.webServer><security>" +
           std::string(security) +
           "</security><rewrite><globalRules><rule name=\"one\" patternSyntax=\"Wildcard\"><match "
           "url=\"*\"/><conditions><add input=\"{HTTP_HOST}\" pattern=\"webext.contoso.com\"/>" +
           more +
           "</conditions><action type=\"Rewrite\" url=\"https://webext.contoso.com/{R:0}\"/></rule>"
           "</globalRules></rewrite></system.webServer></configuration>";
}

Draft pfsense(std::string_view what = "", std::string_view with = "") {
    return read_pfsense(replaced(fixture("pfsense-config.xml"), what, with), "config.xml");
}

std::string xml_mistake(const std::string& xml) {
    return mistake([&] { read_arr(xml, "a.config"); });
}

} // namespace

TEST_CASE("the complete file of each product", "[import]") {
    const Result iis(arr(fixture("applicationHost.config"), fixture("arr-hosts")));
    CHECK(iis.lacks({"pool POOL-FQDN {", "external_web_services EXTERNAL-FQDN;",
                     "server 10.0.0.11;", "sip_domain *;", "simple_url meet https://meet.*;",
                     "simple_url dialin https://dialin.*;",
                     "simple_url scheduler https://scheduler.*;",
                     "office_web_apps EXTERNAL-FQDN-2 {", "server 10.0.0.15;"}) == "");
    CHECK_FALSE(iis.holds("listening_ports"));
    CHECK_FALSE(iis.holds("_listen"));
    CHECK(iis.says("RESTRICTION") == 0);
    CHECK(iis.says("CHECK: other sections") == 1);
    CHECK(iis.says("CHECK: better than \"sip_domain *\" are your users' SIP domains") == 1);

    const Result squid(pfsense());
    CHECK(squid.lacks({"pool POOL-FQDN {", "external_web_services lyncwebext.contoso.com;",
                       "simple_url meet https://meet.contoso.com;",
                       "simple_url dialin https://dialin.contoso.com;",
                       "sip_domain contoso.com;"}) == "");
    CHECK(squid.says("RESTRICTION") == 0);
    CHECK_FALSE(squid.holds("10.0.0.99")); // a peer that was switched off
    const Result https(pfsense("<reverse_http>on", "<reverse_http>")); // its mapping has no peers
    CHECK(https.says("NOT CARRIED OVER") == 0);

    const Result old(nginx(fixture("old-nginx.conf")));
    CHECK(old.lacks({"pool fepool.contoso.local {", "external_web_services lyncwebext.contoso.com;",
                     "server 10.0.0.11;", "server 10.0.0.12;",
                     "simple_url meet https://meet.contoso.com;",
                     "simple_url meet https://meet.fabrikam.com;",
                     "simple_url dialin https://dialin.contoso.com;", "sip_domain contoso.com;",
                     "office_web_apps wac.contoso.com {"}) == "");
    for (const char* text :
         {"RESTRICTION: \"location /cscp\" of server \"lyncwebext.contoso.com\"",
          "NOT CARRIED OVER: parameters of \"server 10.0.0.12:4443 slow_start=30s\" in",
          "NOT CARRIED OVER: server name \"*.example.com\"",
          "NOT CARRIED OVER: server name \"~^meet\\.(adatum|",
          "NOT CARRIED OVER: \"add_header Strict-Transport-Security",
          "NOT CARRIED OVER: \"client_max_body_size 1g\" in http",
          "CHECK: \"sip.contoso.com\" doesn't look like Skype"}) {
        INFO(text);
        CHECK(old.says(text) == 1);
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
        CHECK(Result(nginx("http { " + std::string(line) + meet + "}")).says(said + "http") == 1);
        const Result both(nginx(server("meet.contoso.com", line) +
                                server("dialin.contoso.com", "", line) +
                                server("webext.contoso.com")));
        CHECK(both.says(said + "server \"meet.contoso.com\"") == 1);
        CHECK(both.says(said + "\"location /\" of server \"dialin.contoso.com\"") == 1);
        CHECK(both.says("\"webext.contoso.com\"") == 0);
        // Before the block, and with its line.
        CHECK(both.text.find("# RESTRICTION (line 2): ") < both.text.find("lync_publish"));
    }
}

TEST_CASE("what else of an nginx.conf is named, and what isn't", "[import]") {
    const std::string upstream =
        "upstream u { server 10.0.0.11:4443 resolve down; server 10.0.0.12:9;\n ip_hash; }\n" +
        server("meet.contoso.com", "", "", "u");
    const char* https = "return 301 https://$host$request_uri;";
    for (const auto& [text, said, count] :
         std::vector<std::tuple<std::string, const char*, std::size_t>>{
             {server("meet.contoso.com", "location /b { root /x; }"),
              "RESTRICTION: \"location /b\" of server \"meet.contoso.com\" passed nothing on", 1},
             {server("meet.contoso.com", "location ~ ^/d { limit_except GET { deny all; } "
                                         "proxy_pass https://10.0.0.11:4443; }"),
              "RESTRICTION: \"limit_except GET\" in \"location ~ ^/d\"", 1},
             {replaced(meet, "location /", "location ~ ^/$"), "RESTRICTION: server \"meet.", 1},
             {replaced(meet, "location /", "location = /"), "RESTRICTION: server \"meet.", 1},
             {server("meet.contoso.com", "listen [::]:443 ssl;") +
                  replaced(server("webext.contoso.com"), "443", "10.0.0.5:8443"),
              "RESTRICTION: \"webext.contoso.com\" wasn't on every https socket", 1},
             {meet + replaced(server("dialin.contoso.com"), "443 ssl", "10.0.0.5:8081"),
              "RESTRICTION: \"dialin.contoso.com\" wasn't on every https socket", 1},
             {replaced(meet, "443 ssl", "443"), "RESTRICTION: nothing was published by https", 1},
             {meet + "server { listen 443 ssl; server_name meet.contoso.com; return 403; }",
              "RESTRICTION: server \"meet.contoso.com\" passes nothing on", 1},
             {meet + "server { server_name www.contoso.com; root /x; }",
              "NOT CARRIED OVER: server \"www.contoso.com\" passes nothing on", 1},
             {server("meet.contoso.com",
                     "if ($remote_addr !~ ^10) { return 302 https://www.contoso.com/no; }"),
              "RESTRICTION: \"if ($remote_addr !~ ^10)\" in server \"meet.contoso.com\"", 1},
             {server("meet.contoso.com",
                     "location /cscp { return 302 https://www.contoso.com$request_uri; }"),
              "RESTRICTION: \"location /cscp\" of server", 1},
             {server("meet.contoso.com", "location /lwa { deny all; "s + https + " }"),
              "RESTRICTION: \"location /lwa\" of server", 1},
             {server("meet.contoso.com", "return 302 https://www.contoso.com$request_uri;"),
              "RESTRICTION: \"return 302", 1},
             {server("meet.contoso.com", "location /a/ { rewrite ^/a/(.*)$ https://$host/$1; }"),
              "RESTRICTION: \"location /a/\" of server", 1},
             {meet + "server { listen 443 ssl; server_name contoso.com; return 301 "
                     "https://www.contoso.com$request_uri; }",
              "NOT CARRIED OVER: server \"contoso.com\" passes nothing on", 1},
             {meet + "server { listen 443 ssl default_server; server_name _; return 444; }",
              "passes nothing on", 0},
             {meet + "server { server_name meet.contoso.com; rewrite ^/?(.*) https://$host/$1; }",
              "passes nothing on", 0},
             // To the page itself, where it is https already: a loop.
             {server("meet.contoso.com", https), "RESTRICTION: \"return 301 https://$host", 1},
             {server("meet.contoso.com", "if ($remote_addr = 10.1.1.1) { "s + https + " }"),
              "RESTRICTION: \"if ($remote_addr = 10.1.1.1)\" in server", 1},
             {server("meet.contoso.com", "location /a { "s + https + " }"),
              "RESTRICTION: \"location /a\" of server", 1},
             {server("meet.contoso.com", "set $limit_rate 10k;"),
              "RESTRICTION: \"set $limit_rate 10k\"", 1},
             {server("meet.contoso.com", "set $args \"\";"), "NOT CARRIED OVER: \"set $args", 1},
             {server("meet.contoso.com", "proxy_set_header Host fe.contoso.local;"),
              "NOT CARRIED OVER: \"proxy_set_header Host fe", 1},
             {meet + server("dialin.contoso.com", "set $b 10.0.0.11:4443;", "", "$b/"),
              "changes the path", 1},
             {server("meet.contoso.com", "proxy_set_header Host $Host:$server_port;"),
              "NOT CARRIED OVER", 0},
             {server("meet.contoso.com", "location /a/ { proxy_pass https://10.0.0.11:4443/; }"),
              "changes the path", 1},
             {replaced(meet, "4443;", "4443/;"), "changes the path", 0},
             {meet +
                  "server { server_name meet.contoso.com; return 301 https://www.contoso.com/; }",
              "NOT CARRIED OVER: server \"meet.contoso.com\" passes nothing on", 1},
             {server("meet.contoso.com", "", "", "10.0.0.11:4443/meet/"),
              "NOT CARRIED OVER: \"proxy_pass https://10.0.0.11:4443/meet/\" in server", 1},
             {server("meet.contoso.com", "", "foo on;"), "NOT CARRIED OVER: \"foo on\" in \"loc",
              1},
             {server("meet.contoso.com", "proxy_set_header Authorization \"\";"),
              "NOT CARRIED OVER: \"proxy_set_header Authorization", 1},
             {server("*.contoso.com meet.contoso.com"),
              "NOT CARRIED OVER: server name \"*.contoso.com\"", 1},
             {server("meet.contoso.com", "location /x { proxy_pass https://other; }"),
              "NOT CARRIED OVER: \"proxy_pass https://other\" in server", 1},
             {upstream, "NOT CARRIED OVER: parameters of \"server 10.0.0.11:4443 resolve down\"",
              1},
             {upstream, "NOT CARRIED OVER: \"server 10.0.0.12:9\" in \"upstream u\"", 1},
             {upstream, "NOT CARRIED OVER: \"ip_hash\" in \"upstream u\"", 1},
             {replaced(meet, "ssl", "ssl ipv6only=off"), "NOT CARRIED OVER: \"listen", 1},
             {meet + server("wac.contoso.com", "", "", "10.0.0.11:443"),
              "NOT CARRIED OVER: \"wac.contoso.com\" went to servers", 1},
             {meet + server("webext.contoso.com", "", "", "10.0.0.11:443"),
              "NOT CARRIED OVER: port 443 of servers that have port 4443", 1},
             {meet + server("meet.contoso.com", "", "", "10.0.0.12:4443"),
              "NOT CARRIED OVER: \"meet.contoso.com\" went to other servers", 1},
             {replaced(meet, "4443", "443"), "CHECK: port 443 is the internal web site's", 1},
             {meet + server("dialin.contoso.com", "", "", "fe$n.contoso.local:4443"),
              "NOT CARRIED OVER: \"proxy_pass https://fe$n.contoso.local:4443\" in server "
              "\"dialin.contoso.com\": where does it lead?",
              1},
             {meet + server("dialin.contoso.com", "set $fe 10.0.0.11;", "", "$fe_1:4443"),
              "\"dialin.contoso.com\": where does it lead?", 1},
             {meet + server("dialin.contoso.com", "set $fe 10.0.0.11; set $fe $arg_x;", "",
                            "$fe:4443"),
              "where does it lead?", 1},
             {meet + server("dialin.contoso.com",
                            "location /a { set $fe 10.0.0.11; proxy_pass https://$fe:4443; }", "",
                            "$fe:4443"),
              "where does it lead?", 1},
             // A location inside of another one has only its own lines and the server's.
             {meet + server("dialin.contoso.com", "set $fe 10.0.0.99;",
                            "set $fe 10.0.0.11; location /a { proxy_pass https://$fe:4443; }",
                            "$fe:4443"),
              "a name's requests go to one group of servers", 1},
             {meet + server("dialin.contoso.com", "set $fe " + std::string(4090, 'a') + ";", "",
                            "$fe$fe:4443"),
              "where does it lead?", 1},
             {"upstream a { server 10.0.0.11:8080 down; }\nserver { server_name meet.contoso.com; "
              "location / { proxy_pass http://a; } }\n" +
                  meet,
              "CHECK: server \"10.0.0.11\" was \"down\" for some requests only", 1},
             {server("intranet.contoso.com wac.contoso.com", "", "", "10.0.0.15") + meet,
              "CHECK: \"intranet.contoso.com\" doesn't look like Skype", 1},
             // These mean nothing.
             {meet + server("dialin.contoso.com", "set $Fe 10.0.0.11;", "", "${fE}:4443"),
              "NOT CARRIED OVER", 0},
             {meet + server("dialin.contoso.com", "set $fe_1 10.0.0.11;", "", "$fe_1:4443"),
              "NOT CARRIED OVER", 0},
             {server("meet.contoso.com", "auth_basic off; allow all; ssl_verify_client off; if "
                                         "($scheme = http) { "s +
                                             https + " }"),
              "RESTRICTION", 0},
             {meet + "server { listen 80; server_name meet.contoso.com; " + https + " }",
              "passes nothing on", 0},
             {meet + server("dialin.contoso.com", "", "", "$x"), "changes the path", 0},
             {server("meet.contoso.com", "location /a/ { proxy_pass https://10.0.0.11:4443/a/; }"),
              "changes the path", 0},
             {server("meet.contoso.com", "location /a/ { proxy_pass https://10.0.0.11:4443/b/; }"),
              "changes the path", 1},
             {server("meet.contoso.com", "ssl_certificate /x/$ssl_server_name.pem;\n"
                                         "ssl_certificate_key /x/$ssl_server_name.key;"),
              "NOT CARRIED OVER: \"ssl_certificate /x/$ssl_server_name.pem\"", 1},
             {server("_ \"\" meet.contoso.com"), "took every request", 0},
             {meet + replaced(server("dialin.contoso.com"), "listen 443 ssl;",
                              "listen 443 ssl; listen 8443 ssl;"),
              "RESTRICTION: \"meet.contoso.com\" wasn't on every https socket", 1},
             {"stream { server { listen 5061; proxy_pass 10.0.0.9:5061; } }\nhttp {" + meet + "}",
              "NOT CARRIED OVER: \"stream\" isn't HTTP", 1},
             {meet + server("dialin.contoso.com", "ssl_certificate b.pem;"),
              "NOT CARRIED OVER: \"ssl_certificate b.pem\"", 1},
             {meet + "server { listen 443 ssl; server_name _ autod.contoso.com; root /x; }",
              "server \"autod.contoso.com\" passes nothing on", 1},
             {server("meet.contoso.com", "proxy_set_header X-Forwarded-For $remote_addr;"),
              "NOT CARRIED OVER", 0}}) {
        INFO(text << said);
        CHECK(Result(nginx(text)).says(said) == count);
    }
    // A doubled look at each of these took 2^100 steps.
    for (const char* inner : {"foo; ", https}) {
        std::string nested;
        for (int i = 0; i < 100; i++) {
            nested += "if ($scheme = http) { ";
        }
        const Result result(
            nginx(server("meet.contoso.com", nested + inner + std::string(100, '}'))));
        CHECK(result.says("RESTRICTION: \"if ($scheme = http)\" in server") ==
              (inner == https ? 0 : 1));
    }
}

TEST_CASE("what IIS kept out is named, its defaults aren't", "[import]") {
    for (const auto& [section, said] : std::vector<std::pair<const char*, const char*>>{
             {"<access sslFlags=\"Ssl, SslRequireCert\"/>", "<access sslFlags="},
             {"<ipSecurity allowUnlisted=\"false\"/>", "<ipSecurity allowUnlisted=\"false\">"},
             {"<ipSecurity><add ipAddress=\"10.0.0.1\"/></ipSecurity>",
              "<add ipAddress=\"10.0.0.1\"> in \"ipSecurity\""},
             {"<dynamicIpSecurity><denyByRequestRate enabled=\"true\"/></dynamicIpSecurity>",
              "<denyByRequestRate enabled=\"true\"> in \"dynamicIpSecurity\""},
             {"<requestFiltering><denyUrlSequences><add sequence=\"..\"/></denyUrlSequences>"
              "</requestFiltering>",
              "<add sequence=\"..\"> in \"denyUrlSequences\""},
             {"<requestFiltering><verbs allowUnlisted=\"false\"/></requestFiltering>", "<verbs"},
             {"<authorization><add accessType=\"Allow\" roles=\"x\"/></authorization>",
              "<add accessType=\"Allow\" roles=\"x\">"},
             {"<authentication><anonymousAuthentication enabled=\"false\"/></authentication>",
              "<anonymousAuthentication enabled=\"false\">"},
             {"<authentication><basicAuthentication enabled=\"true\"/></authentication>",
              "<basicAuthentication enabled=\"true\">"},
             {"<unheardOf a=\"b\"/>", "<unheardOf a=\"b\">"}}) {
        INFO(section);
        const std::string site =
            replaced(small_arr("", section), "</configuration>",
                     "\n<location path=\"Default Web Site\"><system.webServer><security>"s +
                         section + "</security></system.webServer></location></configuration>");
        const Result both(arr(site));
        CHECK(both.says("RESTRICTION: "s + said) == 2);
        CHECK(both.says(" of \"Default Web Site\"") == 1);
    }
    CHECK(Result(arr(small_arr(
                     "",
                     "<access sslFlags=\"None\"/><authorization><add accessType=\"Allow\" "
                     "users=\"*\"/></authorization><authentication><anonymousAuthentication "
                     "enabled=\"true\"/><basicAuthentication/><windowsAuthentication "
                     "enabled=\"false\"><providers><add value=\"NTLM\"/></providers>"
                     "</windowsAuthentication></authentication><ipSecurity allowUnlisted=\"true\"/>"
                     "<dynamicIpSecurity><denyByRequestRate enabled=\"false\"/></dynamicIpSecurity>"
                     "<isapiCgiRestriction><add path=\"x\" allowed=\"false\"/>"
                     "</isapiCgiRestriction><requestFiltering><fileExtensions "
                     "allowUnlisted=\"true\"><add fileExtension=\".asax\" allowed=\"false\"/>"
                     "</fileExtensions><hiddenSegments><add segment=\"bin\"/></hiddenSegments>"
                     "</requestFiltering>")))
              .says("RESTRICTION") == 0);
}

TEST_CASE("rules of ARR that restrict, and what else is named", "[import]") {
    const std::string one = small_arr();
    const std::string first = "<rule name=\"one\"";
    const auto rule = [&](const std::string& action) {
        return replaced(one, first,
                        "<rule name=\"two\"><match url=\"x\"/>" + action + "</rule>" + first);
    };
    for (const auto& [xml, said] : std::vector<std::pair<std::string, const char*>>{
             {small_arr("<add input=\"{REMOTE_ADDR}\" pattern=\"10.*\"/>"),
              "RESTRICTION: <add input=\"{REMOTE_ADDR}\" pattern=\"10.*\"> in rule \"one\""},
             {small_arr("<add input=\"{SERVER_PORT}\" pattern=\"^8531$\"/>"),
              "RESTRICTION: <add input=\"{SERVER_PORT}\" pattern=\"^8531$\"> in rule \"one\""},
             {replaced(one, "url=\"*\"", "url=\"lync/*\""), "RESTRICTION: <match url=\"lync/*\">"},
             {rule("<action type=\"None\"/>"), "RESTRICTION: <action type=\"None\"> in rule"},
             {rule("<action type=\"AbortRequest\"/>"), "RESTRICTION: <action type=\"AbortRequest"},
             {rule("<action type=\"Redirect\" url=\"https://www.contoso.com\"/>"),
              "RESTRICTION: <action type=\"Redirect\""},
             {rule("<action type=\"Rewrite\" url=\"/x\"/>"), "NOT CARRIED OVER: <action type=\"Re"},
             {rule("<action type=\"Rewrite\" url=\"https://webext.contoso.com/{R:0}\"/>"),
              "NOT CARRIED OVER: <rule name=\"two\">"},
             {replaced(one, "<webFarms>",
                       "<system.applicationHost><sites><site name=\"s\"><bindings><binding "
                       "protocol=\"https\" bindingInformation=\"10.0.0.5:443:webext.contoso.com\"/>"
                       "</bindings></site></sites></system.applicationHost><webFarms>"),
              "RESTRICTION: <binding protocol=\"https\" bindingInformation=\"10.0.0.5:443:webext"},
             {replaced(one, "httpPort=", "weight=\"50\" httpPort="),
              "NOT CARRIED OVER: <applicationRequestRouting weight=\"50\""},
             {replaced(one, "4443", "443"), "CHECK: port 443 is the internal web site's"}}) {
        INFO(xml);
        // A pool is known by a name of Skype for Business where it isn't by its port.
        const std::string meeting =
            replaced(one.substr(one.find(first), one.find("</rule>") + 7 - one.find(first)),
                     "webext.contoso.com\"/>", "meet.contoso.com\"/>");
        CHECK(Result(arr(replaced(xml, "</globalRules>", meeting + "</globalRules>"))).says(said) ==
              1);
    }
    const std::string sites =
        "<system.applicationHost><sites><site name=\"s\" serverAutoStart=\"false\"><bindings>"
        "<binding protocol=\"https\" bindingInformation=\"10.9.9.9:8531:\"/></bindings></site>"
        "</sites></system.applicationHost><webFarms>";
    CHECK_FALSE(Result(arr(replaced(one, "<webFarms>", sites))).holds("8531"));
    const std::string two = replaced(
        one, "<server ",
        "<server address=\"fe2.contoso.local\" enabled=\"false\"><applicationRequestRouting "
        "httpPort=\"8080\" httpsPort=\"4443\"/></server><server ");
    CHECK(Result(arr(two, "# x\r\n10.0.0.11 fe.contoso.local\r\n\t10.0.0.12\tFE2.contoso.local # "
                          "10.0.0.13 fe.contoso.local"))
              .lacks({"server 10.0.0.12 down;", "server 10.0.0.11;"}) == "");
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
              "RESTRICTION: mapping \"dc-https\" was for"},
             {"<uri>meet.contoso.com</uri>", "<uri>.contoso.com</uri>",
              "NOT CARRIED OVER: mapping \"dc-https\" was for \".contoso.com\""},
             {"<uri>meet.contoso.com</uri>", "<uri>https://a.com|https://b.com</uri>",
              "NOT CARRIED OVER: mapping \"dc-https\" was for"},
             {"<custom_options></custom_options>",
              "<custom_options>http_access deny all</custom_options>",
              "RESTRICTION: \"custom_options\""},
             {"<squidreverseredir></squidreverseredir>",
              "<squidreverseredir><config><enable>on</enable><name>r</name><pathregex>^/$</"
              "pathregex>"
              "<redirurl>https://www.contoso.com/</redirurl></config></squidreverseredir>",
              "NOT CARRIED OVER: redirect \"r\" of \"^/$\" to \"https://www.contoso.com/\""},
             {"<squidreversegeneral>",
              "<squidnac><config><banned_hosts>MTAu</banned_hosts></config></squidnac>"
              "<squidreversegeneral>",
              "RESTRICTION: \"banned_hosts\""},
         }) {
        INFO(with);
        CHECK(Result(pfsense(what, with)).says(said) == 1);
    }
}

TEST_CASE("what isn't Skype for Business stays out", "[import]") {
    const std::string all =
        server("webext.contoso.com") + server("www.contoso.com", "", "", "10.0.0.50") +
        server("mail.contoso.com", "", "", "10.0.0.54") +
        replaced(server("directory.contoso.com", "", "", "10.0.0.53"), "443", "8443");
    const Result result(nginx(all));
    for (const char* name : {"www", "mail", "directory"}) {
        CHECK(result.says("CHECK: \""s + name + ".contoso.com\" doesn't look like Skype") == 1);
    }
    CHECK(result.lacks({"external_web_services webext.contoso.com;"}) == ""); // by its port
    CHECK_FALSE(result.holds("10.0.0.50;"));
    CHECK_FALSE(result.holds("8443")); // nor its sockets
    CHECK_FALSE(
        Result(nginx(meet + "server { listen 127.0.0.1:8080; stub_status; }")).holds("8080"));
    CHECK_FALSE(
        Result(nginx(meet + "server { listen 127.0.0.1:8081; server_name www.contoso.com; " +
                     "return 301 https://$host$request_uri; }"))
            .holds("8081"));
    CHECK(result.says("RESTRICTION") == 0);

    const Result skipped(nginx(all + meet + server("conf.contoso.com", "", "", "10.0.0.52:4443")),
                         {"conf.contoso.com"});
    CHECK_FALSE(skipped.holds("conf.contoso.com"));
    CHECK_FALSE(skipped.holds("10.0.0.52"));
    CHECK(mistake([] {
              Draft draft = nginx(meet);
              settle(draft, {"meet.contoso.com"});
          }).starts_with("\"/etc/nginx/old.conf\" publishes no name of a Front End pool"));
}

TEST_CASE("pools that share a server are one, and no name is invented", "[import]") {
    const Result shared(nginx("upstream a { server 10.0.0.11:4443; server 10.0.0.12:4443; }"
                              "upstream b { server 10.0.0.13:4443; server 10.0.0.14:4443; }"
                              "upstream c { server 10.0.0.12:4443; server 10.0.0.13:4443; }" +
                              server("webext.contoso.com", "", "", "a") +
                              server("meet.contoso.com", "", "", "b") +
                              server("dialin.contoso.com", "", "", "c")));
    CHECK(shared.lacks({"pool POOL-FQDN {", "server 10.0.0.11;", "server 10.0.0.12;",
                        "server 10.0.0.13;", "server 10.0.0.14;", "sip_domain SIP-DOMAIN;"}) == "");
    CHECK_FALSE(shared.holds("POOL-FQDN-2"));

    const Result two(nginx(meet + server("dialin.contoso.com", "", "", "10.0.0.12:4443")));
    CHECK(
        two.lacks({"external_web_services EXTERNAL-FQDN;", "external_web_services EXTERNAL-FQDN-2;",
                   "simple_url dialin https://dialin.contoso.com pool=POOL-FQDN-2;"}) == "");
    CHECK(two.says("CHECK: several pools") == 1);
    // nginx refuses the words, and says where.
    CHECK(World().mistake(two.text).find("\"SIP-DOMAIN\"") != std::string::npos);

    const Result named(nginx(
        server("webext.contoso.com", "proxy_ssl_name fepool.contoso.local;") +
        server("meet.fabrikam.com lyncdiscover.contoso.com", "", "proxy_ssl_name p2.contoso.local;",
               "10.0.0.13:4444") +
        server("dialin.fabrikam.com", "proxy_ssl_name P2.contoso.local;", "", "10.0.0.14:4444")));
    CHECK(named.lacks({"pool fepool.contoso.local {", "pool p2.contoso.local {",
                       "listening_ports http=8080 https=4444;", "server 10.0.0.14;",
                       "simple_url meet https://meet.fabrikam.com;", "http_listen off;"}) == "");

    // lyncdiscover by http goes to the same servers, but isn't where a name leads.
    const Result discovery(nginx(
        "server { server_name lyncdiscover.contoso.com; location / { "
        "proxy_pass http://10.0.0.11:8080; } }\n" +
        server("lyncdiscover.contoso.com webext.contoso.com", "", "", "fe1.contoso.local:4443")));
    CHECK(discovery.lacks(
              {"external_web_services webext.contoso.com;", "server fe1.contoso.local;"}) == "");
    CHECK_FALSE(discovery.holds("10.0.0.11"));
}

TEST_CASE("sockets and certificates of an nginx.conf", "[import]") {
    const Result behind(nginx(server("meet.contoso.com", "listen [::]:443 ssl proxy_protocol;") +
                              server("webext.contoso.com", "listen 443 ssl proxy_protocol;")));
    CHECK(behind.lacks(
              {"https_listen 443 proxy_protocol;", "https_listen [::]:443 proxy_protocol;"}) == "");
    const Result ipv6(nginx(
        replaced(server("webext.contoso.com", "listen 443;"), "listen 443", "listen [::]:443")));
    CHECK(ipv6.lacks({"https_listen [::]:443;", "http_listen 443;"}) == ""); // not the default
    CHECK(Result(nginx(replaced(meet, "listen 443 ssl", "listen 443; ssl on")))
              .lacks({"https_listen 443;", "http_listen off;"}) == "");
    CHECK(Result(nginx("http { ssl on; " + replaced(meet, "443 ssl", "443") + "}"))
              .lacks({"https_listen 443;", "http_listen off;"}) == "");
    CHECK_FALSE(Result(nginx(server("meet.contoso.com", "listen 10.0.0.5:443 quic;")))
                    .holds("10.0.0.5")); // HTTP/3 is never offered
    // As certbot leaves a server behind, and one for all names.
    for (const char* plain :
         {"server { if ($host = meet.contoso.com) { return 301 https://$host$request_uri; } "
          "server_name meet.contoso.com; return 404; }",
          "server { listen *:80; return 301 https://$host$request_uri; }"}) {
        CHECK_FALSE(Result(nginx(server("meet.contoso.com", "listen [::]:443 ssl;") + plain))
                        .holds("_listen"));
    }

    const auto files = [](const std::string& name) {
        return "ssl_certificate " + name + ".pem; ssl_certificate_key " + name + ".key;";
    };
    Draft draft = nginx(server("www.contoso.com", files("www"), "", "10.0.0.50") +
                        server("webext.contoso.com", files("rsa") + files("ec") +
                                                         "proxy_ssl_trusted_certificate ca.pem;") +
                        server("meet.contoso.com", files("other")));
    settle(draft);
    CHECK(draft.certificates == Certificates{{"/etc/nginx/rsa.pem", "/etc/nginx/rsa.key"},
                                             {"/etc/nginx/ec.pem", "/etc/nginx/ec.key"},
                                             {"/etc/nginx/other.pem", "/etc/nginx/other.key"}});
    CHECK(draft.trusted_ca == "/etc/nginx/ca.pem");
    // Without TLS, as behind a load balancer.
    CHECK(Result(nginx(replaced(meet, "443 ssl", "127.0.0.1:8080 proxy_protocol; listen 443")))
              .lacks({"http_listen 127.0.0.1:8080 proxy_protocol;"}) == "");

    // What http level says is for servers that don't say it themselves.
    const auto ca = [](const std::string& name) {
        return "proxy_ssl_trusted_certificate " + name + ".pem;";
    };
    Draft inherited = nginx("http { " + files("wild") + ca("bundle") +
                            server("wiki.contoso.com", ca("wiki"), "", "10.0.0.50") +
                            server("meet.contoso.com", files("lync"), ca("lync-ca")) +
                            server("webext.contoso.com", files("lync"), ca("other-ca")) + "}");
    settle(inherited);
    Draft keyed = nginx("http { ssl_certificate_key all.key;" +
                        server("meet.contoso.com", "ssl_certificate all.pem;") + "}");
    settle(keyed);
    CHECK(keyed.certificates == Certificates{{"/etc/nginx/all.pem", "/etc/nginx/all.key"}});
    CHECK(inherited.certificates == Certificates{{"/etc/nginx/lync.pem", "/etc/nginx/lync.key"}});
    CHECK(inherited.trusted_ca == "/etc/nginx/lync-ca.pem");
    CHECK(Result(std::move(inherited)).says("CHECK: \"/etc/nginx/other-ca.pem\" verified") == 1);
}

TEST_CASE("XML that isn't read, or means nothing", "[import]") {
    CHECK(xml_mistake("<pfsense/>") == "the outermost element is \"pfsense\" and not "
                                       "\"configuration\": is it the right file? in a.config:1");
    CHECK(xml_mistake("").starts_with("the file isn't well-formed XML"));
    CHECK(xml_mistake("<configuration>\n<webFarms></configuration>").ends_with("in a.config:2"));
    CHECK(xml_mistake("\xff\xfe<\0c\0"s).find("XML in UTF-8") != std::string::npos);
    CHECK(xml_mistake("<configuration/>").starts_with("no \"webFarms\" and no rewrite rules"));
    CHECK(xml_mistake("<!DOCTYPE c [<!ENTITY x SYSTEM \"/etc/passwd\">]><configuration>&x;"
                      "</configuration>")
              .starts_with("the file has a document type"));
    for (const auto& [text, said] :
         {std::pair("---- BEGIN config.xml ----\n", "the backup is encrypted"),
          {"<pfsense/>", "no \"squidreversegeneral\""}}) {
        CHECK(mistake([&, text = text] { read_pfsense(text, "c"); }).starts_with(said));
    }
}

TEST_CASE("bytes of the old file stay within comments", "[import]") {
    const Result result(
        arr(small_arr("<add input=\"&#10;} evil { \" pattern=\"&#10;load_module x;\"/>")));
    CHECK(result.says("evil") == 1);
    CHECK_FALSE(result.holds("evil"));
    for (const std::string& line : result.lines) {
        CHECK((line.find("load_module") == line.npos || line.starts_with('#')));
    }
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
             {"^meet\\.contoso\\.com.*$", "meet.contoso.com"},
             {"^meet.contoso.*$", "meet.contoso.*"},
             {"meet\\.contoso\\..*", "meet.contoso.*"},
             {"^(meet|dialin)\\.", ""},
             {"a.com|b.com", ""},
             {"[a-z]+\\.contoso\\.com", ""},
             {"meet\\d.contoso.com", ""},
             {".*\\.contoso\\.com", ""},
             {"meet\\", ""},
             {"^$", ""}}) {
        INFO(pattern);
        CHECK(host_of_pattern(pattern, false) == host);
    }
}
