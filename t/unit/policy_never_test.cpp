// What is never published stays closed under every known way to write a path, alone and in pairs,
// on every kind of host; and every legitimate spelling of a published path passes.

#include "catch.h"
#include "policy_iis.h"
#include "policy_sites.h"

#include <functional>
#include <random>
#include <set>

using namespace policy_sites;

namespace {

using Trick = std::function<std::string(const std::string&)>;

std::string hex(unsigned char c) {
    static constexpr char digits[] = "0123456789abcdef";
    return {digits[c >> 4], digits[c & 15]};
}

/// Applies `encode` to every character for which `which` holds.
std::string each(const std::string& path, const std::function<bool(char)>& which,
                 const std::function<std::string(char)>& encode) {
    std::string out;
    for (const char c : path) {
        out += which(c) ? encode(c) : std::string(1, c);
    }
    return out;
}

bool is_letter(char c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}
bool is_slash(char c) {
    return c == '/';
}

/// The first letter of the path's first segment, the way `encode` writes it.
std::string first_letter(const std::string& path, const std::function<std::string(char)>& encode) {
    for (std::size_t i = 0; i < path.size(); i++) {
        if (is_letter(path[i])) {
            return path.substr(0, i) + encode(path[i]) + path.substr(i + 1);
        }
    }
    return path;
}

std::string percent(char c) {
    return "%" + hex(static_cast<unsigned char>(c));
}
std::string percent2(char c) {
    return "%25" + hex(static_cast<unsigned char>(c));
}
std::string percent3(char c) {
    return "%2525" + hex(static_cast<unsigned char>(c));
}
std::string nested(char c) { // each character of the escape escaped
    const std::string once = percent(c);
    return percent(once[0]) + percent(once[1]) + percent(once[2]);
}
std::string unicode(char c) {
    return "%u00" + hex(static_cast<unsigned char>(c));
}
std::string unicode2(char c) {
    return "%25u00" + hex(static_cast<unsigned char>(c));
}
std::string full_width(char c) {
    std::string out;
    iis::append_utf8(out, 0xff00U + static_cast<unsigned char>(c) - 0x20U);
    return each(
        out, [](char) { return true; }, percent);
}
std::string full_width_unicode(char c) {
    return "%uff" + hex(static_cast<unsigned char>(c - 0x20));
}
std::string overlong2(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return "%" + hex(static_cast<unsigned char>(0xc0 | byte >> 6)) + "%" +
           hex(static_cast<unsigned char>(0x80 | (byte & 63)));
}
std::string overlong3(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return "%e0%" + hex(static_cast<unsigned char>(0x80 | byte >> 6)) + "%" +
           hex(static_cast<unsigned char>(0x80 | (byte & 63)));
}
std::string overlong_raw(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 63))};
}

const std::vector<Trick>& tricks() {
    static const std::vector<Trick> all = [] {
        std::vector<Trick> list;
        const auto letters = [&](std::string (*encode)(char)) {
            list.push_back(
                [encode](const std::string& path) { return each(path, is_letter, encode); });
            list.push_back(
                [encode](const std::string& path) { return first_letter(path, encode); });
        };
        for (const auto encode :
             {percent, percent2, percent3, nested, unicode, unicode2, full_width,
              full_width_unicode, overlong2, overlong3, overlong_raw}) {
            letters(encode);
        }
        list.push_back([](const std::string& path) { // upper case
            return each(path, is_letter,
                        [](char c) { return std::string(1, static_cast<char>(c & ~32)); });
        });
        list.push_back([](const std::string& path) { // everything but the first slash
            return "/" + each(
                             path.substr(1), [](char) { return true; }, percent);
        });
        list.push_back([](const std::string& path) { return "/" + path; });
        for (const std::string slash : {"//",          "\\",
                                        "/./",         "%2f",
                                        "%5c",         "%252f",
                                        "%255c",       "%c0%af",
                                        "%c1%9c",      "%u2215",
                                        "%u2216",      "%uff0f",
                                        "/%2e/",       "/%252e/",
                                        "\\.\\",       "/x/../",
                                        "/x/%2e%2e/",  "/x/..%2f",
                                        "/x/..;a/",    "/x/.%2e/",
                                        "/x/..%5c",    "/x/%252e%252e/",
                                        "/;a/",        "/ /",
                                        "/%20/",       "/.%20/",
                                        "/x/y/../../", "/%c2%ad/"}) {
            list.push_back([slash](const std::string& path) { // between the segments
                return "/" + each(path.substr(1), is_slash, [&](char) { return slash; });
            });
            list.push_back([slash](const std::string& path) { // in front
                return "/meet/.." + slash + path.substr(1);
            });
            list.push_back(
                [slash](const std::string& path) { return "/" + slash + path.substr(1); });
        }
        for (const std::string front :
             {"/meet/%2e%2e", "/abs/x/../..", "/abs/..;x", "/abs/.%2e", "/abs/%252e%252e",
              "/(S(abcdefghijklmnop))", "/meet/..%00", "/ucwa/...", "/ucwa/....//..", "/.", "/%2e",
              "/meet/..\\..", "/meet/%c0%ae%c0%ae", "/meet/%uff0e%uff0e", "/meet/.. ",
              "/meet/..%20", "/meet/..."}) {
            list.push_back([front](const std::string& path) { return front + path; });
        }
        for (const std::string end : {".",
                                      "..",
                                      "%20",
                                      "%2e",
                                      ".%20.",
                                      ";x",
                                      "%3bx",
                                      ";.css",
                                      "%253bx",
                                      "::$DATA",
                                      ":$I30:$INDEX_ALLOCATION",
                                      "%3a%3a$DATA",
                                      "%00",
                                      "%2500",
                                      "%00.css",
                                      "/",
                                      "//",
                                      "/.",
                                      "/x/..",
                                      "%09",
                                      "%c2%ad",
                                      "%e2%80%8b",
                                      "/(S(x))",
                                      "%3f",
                                      "%23",
                                      "\\",
                                      "/;"}) {
            list.push_back([end](const std::string& path) { return path + end; });
            list.push_back([end](const std::string& path) { // of the first segment
                const std::size_t slash = path.find('/', 1);
                return slash == std::string::npos
                           ? path + end + "/x"
                           : path.substr(0, slash) + end + path.substr(slash);
            });
        }
        return list;
    }();
    return all;
}

const std::vector<std::string> never_paths = {
    "/cscp",
    "/cscp/default.aspx",
    "/ocspowershell",
    "/powershell/x",
    "/rgsconfig",
    "/locationinformation/liservice.svc",
    "/ecp",
    "/abs/int",
    "/abs/int/handler",
    "/groupexpansion/int/service.svc",
    "/autodiscover/int/x",
    "/datacollabweb/int/handler",
    "/meet/web.config",
    "/web.config",
    "/lwa/bin/x.dll",
    "/bin",
    "/_vti_bin/shtml.dll",
    "/_vti_inf.html",
    "/ucwa/_vti_pvt",
    "/aspnet_client",
    "/reports",
    "/admin",
    "/admin/x",
    "/int/x",
    "/macp",
    "/supportconsole",
    "/abs/web~1.con",
    "/abs/web.config:x",
};

} // namespace

TEST_CASE("policy: what is never published can't be reached by any spelling", "[policy]") {
    const Site sites[] = {Site(pool()),           Site(pool(false)),        Site(meet_host()),
                          Site(meet_host(false)), Site(shared_host(false)), Site(discovery(false))};
    const Site plain(plain_http(policy::PlainAutodiscover::always));
    std::set<std::string> lines(never_paths.begin(), never_paths.end());
    for (const std::string& path : never_paths) {
        for (const Trick& first : tricks()) {
            const std::string once = first(path);
            lines.insert(once);
            for (const Trick& second : tricks()) {
                lines.insert(second(once));
            }
        }
    }
    std::size_t passed = 0;
    std::string example;
    for (const std::string& line : lines) {
        for (const Site& site : sites) {
            if (judge(site, "GET", line).action == policy::Action::pass) {
                passed++;
                example = line;
            }
        }
        if (judge(plain, "GET", line, "lyncdiscover.contoso.com").action == policy::Action::pass) {
            passed++;
            example = line;
        }
    }
    INFO(lines.size() << " request lines, one that passed: " << example);
    CHECK(lines.size() > 200000);
    CHECK(passed == 0);
}

TEST_CASE("policy: legitimate spellings pass", "[policy]") {
    const Site site(pool());
    const std::string published[] = {
        "/abs/handler",
        "/autodiscover/autodiscoverservice.svc/root",
        "/ucwa/v1/applications/101",
        "/webticket/webticketservice.svc",
        "/meet/kenmyer/7322994",
        "/collabcontent/a/b",
        "/ucwa/v1/applications/1/people/jdoe@contoso.com",
        "/groupexpansion/service.svc/mex",
        "/meet/integration/bing",
        "/meet/john.doe/config",
        "/reach/sip.svc",
        "/scheduler",
    };
    const Trick spellings[] = {
        [](const std::string& path) { return path; },
        [](const std::string& path) {
            return each(path, is_letter,
                        [](char c) { return std::string(1, static_cast<char>(c & ~32)); });
        },
        [](const std::string& path) { return each(path, is_letter, percent); },
        [](const std::string& path) { return first_letter(path, percent); },
        [](const std::string& path) {
            return each(
                path, [](char c) { return c == '@'; }, percent);
        },
        [](const std::string& path) { return path + "/"; },
        [](const std::string& path) { return path + "?a=%2e%2e%2fcscp;/../../cscp"; },
        [](const std::string& path) {
            return "/" + each(path.substr(1), is_slash, [](char) { return std::string("//"); });
        },
        [](const std::string& path) {
            return "/" + each(path.substr(1), is_slash, [](char) { return std::string("/./"); });
        },
        [](const std::string& path) { return "/abs/.." + path; },
        [](const std::string& path) { return path + "/john%20doe%c3%bc(1)$!'*+,-_~=&:x"; },
        [](const std::string& path) { return path + "/sip:jdoe@contoso.com;gruu;opaque=app:x"; },
        [](const std::string& path) { return path + "/" + std::string(900, 'Q') + "==,--"; },
        [](const std::string& path) { return path + "/100%25"; },
        [](const std::string& path) { return path + "/..a/.b./c..d"; },
    };
    for (const std::string& path : published) {
        const std::string expected = told(site, "GET", path);
        CHECK(expected.starts_with("pass:"));
        for (const Trick& spelling : spellings) {
            INFO(spelling(path));
            CHECK(told(site, "GET", spelling(path)) == expected);
        }
    }
}

TEST_CASE("policy: no habit of a server finds what the policy didn't", "[policy]") {
    // Paths put together at random from the pieces that tricks are made of. Fixed seed: the same
    // paths at every run.
    static const char* const pieces[] = {
        "/",          "/",         "/",
        "\\",         "..",        ".",
        "...",        " ",         "%20",
        "%2e",        "%2f",       "%5c",
        "%252e",      "%252f",     "%255c",
        "%25",        "%c0%ae",    "%c0%af",
        "%c1%9c",     "%c1",       "%c0",
        "%e0%80%af",  ";",         "%3b",
        "%253b",      "%u002f",    "%u002e",
        "%u2215",     "%uff0e",    "%uff0f",
        "%ff",        "%ad",       "%c2%ad",
        "%c2",        "%00",       "?",
        "%3f",        "%253f",     "::$DATA",
        ":",          "(S(x))",    "cscp",
        "CSCP",       "cscp",      "%63scp",
        "%2563scp",   "csc",       "p",
        "%u0063scp",  "%c4%87scp", "%ef%bd%83scp",
        "%c1%a3scp",  "\xc1\xa3",  "int",
        "%69nt",      "%2569nt",   "in",
        "t",          "abs",       "abs",
        "meet",       "meet",      "bin",
        "web.config", "web.con",   "fig",
        "_vti_bin",   "admin",     "x",
        "y",          "a%2fb",     "%u%30%30",
        "%2",         "5",         "#",
    };
    std::mt19937 random(20111103);
    const Site vendor(pool(false));
    const Site strict(pool());
    std::size_t passed = 0;
    std::string found;
    for (int i = 0; i < 300000 && found.empty(); i++) {
        std::string path = "/";
        for (std::size_t length = 1 + random() % 9; length > 0; length--) {
            path += pieces[random() % std::size(pieces)];
        }
        const bool is_open = judge(vendor, "GET", path).action == policy::Action::pass;
        if (judge(strict, "GET", path).action == policy::Action::pass && !is_open) {
            found = path + " passes under strict only";
        }
        if (!is_open) {
            continue;
        }
        passed++;
        const std::string sent = path.substr(0, path.find('?'));
        for (int j = 0; j < 60; j++) {
            const std::uint32_t bits =
                j == 0 ? ~0U : static_cast<std::uint32_t>(random()) % (1U << iis::habit_bits);
            if (iis::is_never(iis::segments_of(sent, iis::habits_from(bits)))) {
                found = path + " with habits " + std::to_string(bits);
            }
        }
    }
    INFO(found);
    CHECK(found.empty());
    CHECK(passed > 10000);
}
