#pragma once

// A stand-in for the way a server resolves paths, written apart from src/policy/path.cpp and, on
// purpose, in another manner: every lenient habit can be switched on by itself. What a path means
// to any combination of habits is what the policy has to withstand.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iis {

struct Habits {
    int decodings = 1;            ///< how many times percent escapes are decoded
    bool unicode_escapes = true;  ///< %u0063
    bool overlong = false;        ///< 0xc1 0xa3 is "c"
    bool best_fit = false;        ///< full-width and accented letters become ASCII
    bool drops_invisible = false; ///< soft hyphens and the like vanish
    bool drops_invalid = false;   ///< bytes that aren't UTF-8 vanish
    bool backslash = true;
    bool parameters = false;       ///< what follows ";" in a segment is cut off
    bool parameters_first = false; ///< ... before anything is decoded
    bool trims = false;            ///< dots and spaces at the end of a segment are cut off
    bool streams = false;          ///< ":$DATA" and the like are cut off
    bool cookieless = false;       ///< "(S(x))" vanishes
    bool dots_first = false;       ///< dot segments are resolved before anything is decoded, too
    bool keeps_empty = false;      ///< ".." removes an empty segment between two slashes
    bool query_late = false;       ///< "?" is looked for after decoding
};

inline Habits habits_from(std::uint32_t bits) {
    const auto take = [&bits](int width) {
        const std::uint32_t value = bits & ((1U << width) - 1);
        bits >>= width;
        return value;
    };
    Habits habits;
    habits.decodings = static_cast<int>(take(2)) + 1;
    habits.unicode_escapes = take(1) != 0;
    habits.overlong = take(1) != 0;
    habits.best_fit = take(1) != 0;
    habits.drops_invisible = take(1) != 0;
    habits.drops_invalid = take(1) != 0;
    habits.backslash = take(1) != 0;
    habits.parameters = take(1) != 0;
    habits.parameters_first = take(1) != 0;
    habits.trims = take(1) != 0;
    habits.streams = take(1) != 0;
    habits.cookieless = take(1) != 0;
    habits.dots_first = take(1) != 0;
    habits.keeps_empty = take(1) != 0;
    habits.query_late = take(1) != 0;
    return habits;
}

inline constexpr std::uint32_t habit_bits = 16;

inline int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

inline void append_utf8(std::string& out, unsigned c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 63));
    } else {
        out += static_cast<char>(0xe0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 63));
        out += static_cast<char>(0x80 | (c & 63));
    }
}

inline std::string decode(const std::string& in, const Habits& habits) {
    std::string out;
    for (std::size_t i = 0; i < in.size();) {
        if (in[i] == '%' && habits.unicode_escapes && i + 5 < in.size() &&
            (in[i + 1] == 'u' || in[i + 1] == 'U') && digit(in[i + 2]) >= 0 &&
            digit(in[i + 3]) >= 0 && digit(in[i + 4]) >= 0 && digit(in[i + 5]) >= 0) {
            append_utf8(out, static_cast<unsigned>(digit(in[i + 2]) << 12 | digit(in[i + 3]) << 8 |
                                                   digit(in[i + 4]) << 4 | digit(in[i + 5])));
            i += 6;
        } else if (in[i] == '%' && i + 2 < in.size() && digit(in[i + 1]) >= 0 &&
                   digit(in[i + 2]) >= 0) {
            out += static_cast<char>(digit(in[i + 1]) << 4 | digit(in[i + 2]));
            i += 3;
        } else {
            out += in[i++];
        }
    }
    return out;
}

/// Bytes to characters, as leniently as the habits say.
inline std::string characters(const std::string& in, const Habits& habits) {
    std::string out;
    for (std::size_t i = 0; i < in.size();) {
        const auto at = [&](std::size_t k) {
            return i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0U;
        };
        const unsigned lead = at(0);
        if (lead < 0x80) {
            out += in[i++];
            continue;
        }
        unsigned code = 0;
        std::size_t length = 0;
        if ((lead & 0xe0) == 0xc0 && i + 1 < in.size()) {
            // the old decoder didn't even look at the second byte's top bits
            const bool continues = (at(1) & 0xc0) == 0x80;
            if (continues || (habits.overlong && lead < 0xc2)) {
                code = (lead & 31) << 6 | (at(1) & 63);
                length = 2;
            }
        } else if ((lead & 0xf0) == 0xe0 && (at(1) & 0xc0) == 0x80 && (at(2) & 0xc0) == 0x80) {
            code = (lead & 15) << 12 | (at(1) & 63) << 6 | (at(2) & 63);
            length = 3;
        }
        if (length == 0 || (length == 2 && code < 0x80 && !habits.overlong) ||
            (length == 3 && code < 0x800 && !habits.overlong)) {
            if (!habits.drops_invalid) {
                out += in[i];
            }
            i++;
            continue;
        }
        i += length;
        if (habits.drops_invisible && (code == 0xad || code == 0x200b || code == 0xfeff)) {
            continue;
        }
        if (habits.best_fit) {
            if (code >= 0xff01 && code <= 0xff5e) {
                code = code - 0xff01 + 0x21;
            } else if (code == 0x107 || code == 0x109 || code == 0x10d) {
                code = 'c';
            } else if (code == 0x15b || code == 0x15f) {
                code = 's';
            } else if (code == 0x2215 || code == 0x2044) {
                code = '/';
            } else if (code == 0x2216) {
                code = '\\';
            } else if (code == 0x2024) {
                code = '.';
            }
        }
        append_utf8(out, code);
    }
    return out;
}

inline std::vector<std::string> split(const std::string& path, bool backslash) {
    std::vector<std::string> segments(1);
    for (const char c : path) {
        if (c == '/' || (backslash && c == '\\')) {
            segments.emplace_back();
        } else {
            segments.back() += c;
        }
    }
    return segments;
}

inline std::string join(const std::vector<std::string>& segments) {
    std::string path;
    for (std::size_t i = 0; i < segments.size(); i++) {
        path += (i == 0 ? "" : "/") + segments[i];
    }
    return path;
}

inline std::vector<std::string> resolve(const std::vector<std::string>& segments,
                                        bool keeps_empty) {
    std::vector<std::string> out(1); // what is before the first slash
    for (std::size_t i = 1; i < segments.size(); i++) {
        const std::string& segment = segments[i];
        if (segment == ".." && out.size() > 1) {
            out.pop_back();
        } else if (segment != "." && segment != ".." &&
                   (!segment.empty() || (keeps_empty && i + 1 < segments.size()))) {
            out.push_back(segment);
        }
    }
    return out;
}

/// The segments that a server with these habits ends up with, in lower case, without empty ones.
inline std::vector<std::string> segments_of(std::string path, const Habits& habits) {
    if (habits.dots_first) {
        path = join(resolve(split(path, habits.backslash), habits.keeps_empty));
    }
    if (habits.parameters_first) {
        auto segments = split(path, habits.backslash);
        for (std::string& segment : segments) {
            segment = segment.substr(0, segment.find(';'));
        }
        path = join(segments);
    }
    for (int i = 0; i < habits.decodings; i++) {
        path = characters(decode(path, habits), habits);
    }
    if (habits.query_late) {
        path = path.substr(0, path.find('?'));
    }
    path = path.substr(0, path.find('\0'));
    if (habits.cookieless) {
        for (std::size_t i = path.find("/(S("); i != std::string::npos; i = path.find("/(S(")) {
            const std::size_t end = path.find("))", i);
            if (end == std::string::npos) {
                break;
            }
            path.erase(i, end + 2 - i);
        }
    }
    auto segments = split(path, habits.backslash);
    for (std::string& segment : segments) {
        if (habits.parameters) {
            segment = segment.substr(0, segment.find(';'));
        }
        if (habits.streams) {
            segment = segment.substr(0, segment.find(":$"));
            segment = segment.substr(0, segment.find("::"));
        }
        if (habits.trims && segment != "." && segment != "..") {
            while (segment.ends_with('.') || segment.ends_with(' ')) {
                segment.pop_back();
            }
        }
    }
    std::vector<std::string> out;
    for (std::string segment : resolve(segments, habits.keeps_empty)) {
        for (char& c : segment) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        if (!segment.empty()) {
            out.push_back(std::move(segment));
        }
    }
    return out;
}

/// Whether a server that understands these segments would serve something never to be published.
inline bool is_never(const std::vector<std::string>& segments) {
    static const std::vector<std::string_view> roots = {
        "cscp", "ocspowershell", "powershell", "rgsconfig",      "ecp", "reports", "aspnet_client",
        "int",  "admin",         "macp",       "supportconsole",
    };
    static const std::vector<std::string_view> services = {
        "abs",  "groupexpansion", "autodiscover",      "meet",      "dialin", "datacollabweb",
        "conf", "autoupdate",     "phoneconferencing", "webticket", "lwa",
    };
    if (segments.empty()) {
        return false;
    }
    for (const std::string_view root : roots) {
        if (segments[0] == root) {
            return true;
        }
    }
    for (const std::string& segment : segments) {
        if (segment == "bin" || segment.ends_with(".config") || segment.starts_with("_vti_") ||
            (segment.starts_with("app_gl~") && segment.find_first_of("0123456789") == 7)) {
            return true;
        }
    }
    if (segments.size() > 1 && segments[1] == "int") {
        for (const std::string_view service : services) {
            if (segments[0] == service) {
                return true;
            }
        }
    }
    return false;
}

} // namespace iis
