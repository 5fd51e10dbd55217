#pragma once

// Ways to write a path: what attackers try, what clients do. Shared by the unit tests of the policy
// and by the differential test (t/differential).

#include "policy_iis.h"
#include "table.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace spellings {

using Trick = std::function<std::string(const std::string&)>;

inline std::string hex(unsigned char c) {
    static constexpr char digits[] = "0123456789abcdef";
    return {digits[c >> 4], digits[c & 15]};
}

/// Applies `encode` to every character for which `which` holds.
inline std::string each(const std::string& path, const std::function<bool(char)>& which,
                        const std::function<std::string(char)>& encode) {
    std::string out;
    for (const char c : path) {
        out += which(c) ? encode(c) : std::string(1, c);
    }
    return out;
}

inline bool is_letter(char c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}
inline bool is_slash(char c) {
    return c == '/';
}

/// The first letter of the path's first segment, the way `encode` writes it.
inline std::string first_letter(const std::string& path,
                                const std::function<std::string(char)>& encode) {
    for (std::size_t i = 0; i < path.size(); i++) {
        if (is_letter(path[i])) {
            return path.substr(0, i) + encode(path[i]) + path.substr(i + 1);
        }
    }
    return path;
}

inline std::string percent(char c) {
    return "%" + hex(static_cast<unsigned char>(c));
}
inline std::string percent2(char c) {
    return "%25" + hex(static_cast<unsigned char>(c));
}
inline std::string percent3(char c) {
    return "%2525" + hex(static_cast<unsigned char>(c));
}
inline std::string nested(char c) { // each character of the escape escaped
    const std::string once = percent(c);
    return percent(once[0]) + percent(once[1]) + percent(once[2]);
}
inline std::string unicode(char c) {
    return "%u00" + hex(static_cast<unsigned char>(c));
}
inline std::string unicode2(char c) {
    return "%25u00" + hex(static_cast<unsigned char>(c));
}
inline std::string full_width(char c) {
    std::string out;
    iis::append_utf8(out, 0xff00U + static_cast<unsigned char>(c) - 0x20U);
    return each(
        out, [](char) { return true; }, percent);
}
inline std::string full_width_unicode(char c) {
    return "%uff" + hex(static_cast<unsigned char>(c - 0x20));
}
inline std::string overlong2(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return "%" + hex(static_cast<unsigned char>(0xc0 | byte >> 6)) + "%" +
           hex(static_cast<unsigned char>(0x80 | (byte & 63)));
}
inline std::string overlong3(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return "%e0%" + hex(static_cast<unsigned char>(0x80 | byte >> 6)) + "%" +
           hex(static_cast<unsigned char>(0x80 | (byte & 63)));
}
inline std::string overlong_raw(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 63))};
}

inline const std::vector<Trick>& tricks() {
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
        for (const std::string& slash : lync::testing::words(R"(
                 // \ /./ %2f %5c %252f %255c %c0%af %c1%9c %u2215 %u2216 %uff0f /%2e/ /%252e/ \.\
                 /x/../ /x/%2e%2e/ /x/..%2f /x/..;a/ /x/.%2e/ /x/..%5c /x/%252e%252e/ /x/y/../../
                 /;a/ /\x20/ /%20/ /.%20/ /%c2%ad/
             )")) {
            list.push_back([slash](const std::string& path) { // between the segments
                return "/" + each(path.substr(1), is_slash, [&](char) { return slash; });
            });
            list.push_back([slash](const std::string& path) { // in front
                return "/meet/.." + slash + path.substr(1);
            });
            list.push_back(
                [slash](const std::string& path) { return "/" + slash + path.substr(1); });
        }
        for (const std::string& front : lync::testing::words(R"(
                 /meet/%2e%2e /abs/x/../.. /abs/..;x /abs/.%2e /abs/%252e%252e /. /%2e
                 /(S(abcdefghijklmnop)) /meet/..%00 /ucwa/... /ucwa/....//.. /meet/..\..
                 /meet/%c0%ae%c0%ae /meet/%uff0e%uff0e /meet/..\x20 /meet/..%20 /meet/...
             )")) {
            list.push_back([front](const std::string& path) { return front + path; });
        }
        for (const std::string& end : lync::testing::words(R"(
                 . .. %20 %2e .%20. ;x %3bx ;.css %253bx ::$DATA :$I30:$INDEX_ALLOCATION %3a%3a$DATA
                 %00 %2500 %00.css / // /. /x/.. %09 %c2%ad %e2%80%8b /(S(x)) %3f %23 \ /;
             )")) {
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

inline const std::vector<std::string> never_paths = lync::testing::words(R"(
    /cscp /cscp/default.aspx /ocspowershell /powershell/x /rgsconfig /ecp /macp /supportconsole
    /abs/int /abs/int/handler /groupexpansion/int/service.svc /autodiscover/int/x
    /datacollabweb/int/handler /int/x /meet/web.config /web.config /abs/web.config:x
    /lwa/bin/x.dll /bin /_vti_bin/shtml.dll /_vti_inf.html /ucwa/_vti_pvt /aspnet_client
    /reports /admin /admin/x
    /abs/web~1.con /lwa/app_gl~1/x.resx /lwa/ap3f2c~1 /ocspow~2/x
)");

/// Paths that strict publishes on a pool.
inline const std::vector<std::string> published_paths = lync::testing::words(R"(
    /abs/handler /autodiscover/autodiscoverservice.svc/root /ucwa/v1/applications/101
    /webticket/webticketservice.svc /meet/kenmyer/7322994 /collabcontent/a/b
    /ucwa/v1/applications/1/people/jdoe@contoso.com /groupexpansion/service.svc/mex
    /meet/integration/bing /meet/john.doe/config /meet/app~1/~user~10 /reach/sip.svc /scheduler
)");

/// What clients and pages do write: none of it may be refused.
inline const std::vector<Trick> legitimate_spellings = {
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

} // namespace spellings
