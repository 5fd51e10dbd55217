#pragma once

// Known attacks on servers, refused before and after the update is installed. A row of the table
// describes such a request; the administrator may add rows (`shield_file`). Rows are matched
// against every reading of a request that a server may have: the path as the policy reads it
// (path.h), everything else as it stands and with each layer of encoding taken off; in queries and
// file names "\\" is "/".

#include "base/build.h"
#include "policy/pattern.h"
#include "policy/services.h"

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::policy {

/// The parts of a request that a row looks at. The words of a row file are those of `place_words`.
using ShieldPlaces = std::uint16_t;
inline constexpr ShieldPlaces in_path = 1;
inline constexpr ShieldPlaces in_query = 2;
inline constexpr ShieldPlaces in_url = 4;     ///< path and query as one text, "/owa/x?a=b"
inline constexpr ShieldPlaces in_header = 8;  ///< the value of each header, or of one
inline constexpr ShieldPlaces in_cookie = 16; ///< each cookie, "name=value"
inline constexpr ShieldPlaces in_file = 32; ///< each file of an upload (multipart), "filename=NAME"
inline constexpr ShieldPlaces in_form = 64; ///< each field of a form, "name=value"
// Of built-in rows only:
inline constexpr ShieldPlaces in_meeturl =
    128; ///< what the meeting URL guard refuses (meeting_url.h)
inline constexpr ShieldPlaces in_answer = 256; ///< no request: a page is sent with page_policy
inline constexpr std::size_t shield_place_count = 9;
inline constexpr ShieldPlaces in_target = in_path | in_query | in_url;

/// A set of services (services.h): what of a deployment an attack is for.
using ServiceSet = std::uint64_t;
constexpr ServiceSet service_bit(Service service) noexcept {
    return ServiceSet{1} << static_cast<unsigned>(service);
}
/// "lync", "exchange", "uploads", "all", or a word of `$lync_service`; 0 if it is none.
ServiceSet services_of(std::string_view word) noexcept;

/// "path", "query", "url", "header", "cookie", "file", "form"; 0 if it is none.
ShieldPlaces shield_place(std::string_view word) noexcept;
std::string shield_place_words(ShieldPlaces places);

/// An example is a path with its query; a line "Name: value"; or a file name.
struct ShieldRow {
    std::string_view name; ///< the CVE, or what it is called
    std::string_view what; ///< in a few words
    std::string_view on;   ///< a word of services_of
    ShieldPlaces places;
    std::string_view pattern;
    std::string_view stops;  ///< an example
    std::string_view passes; ///< its neighbour: ordinary
    std::string_view source;
    /// The builds that fix it, the first of each update that Microsoft still mended; else empty.
    std::string_view fixed = {};
};

/// The CVE that a row is about: "CVE-2026-66302" of "CVE-2026-66302-path".
constexpr std::string_view cve_of(std::string_view row) noexcept {
    return row.substr(0, row.find('-', 9));
}

/// A build that fixes what a row is about, and that a server doesn't have.
struct MissingFix {
    std::string_view cve;
    Build build;
};
/// Of built-in rows, each CVE once; in the order of the builds.
std::vector<MissingFix> missing_fixes(Build build);
/// "older than 15.1.2507.16, which fixes CVE-2022-41040, CVE-2022-41080; older than ...".
std::string missing_fixes_words(const std::vector<MissingFix>& fixes);

/// The Content-Security-Policy that closes CVE-2026-42897, as Microsoft's mitigation M2 sets it for
/// Outlook on the web: a script in an attribute, which a message brings, isn't run.
inline constexpr std::string_view page_policy = "script-src-attr 'none'";

/// The rows that the module brings.
std::span<const ShieldRow> shield_rows() noexcept;

enum class ShieldAction : std::uint8_t { off, log, refuse };
std::string_view shield_action_name(ShieldAction action) noexcept;

/// A row in use, built in or not.
struct Shield {
    std::string name;
    std::string on;
    ShieldPlaces places = 0;
    std::string header; ///< of in_header: this one only; lower case; empty: all
    std::string pattern_text;
    ShieldAction action = ShieldAction::refuse;
    std::string source;             ///< where to read about it
    std::string defined;            ///< "built in", or FILE:LINE
    std::optional<Pattern> pattern; ///< none of in_meeturl and in_answer
};

/// A built-in row, compiled.
Shield make_shield(const ShieldRow& row);

/// More than these can't be counted.
inline constexpr std::size_t max_shields = 128;

/// The row that stops a request: its number in the rows of the publication.
struct ShieldHit {
    static constexpr std::uint8_t none = 0xff;
    std::uint8_t row = none;
    bool gave_up = false; ///< by the pattern's limits (pattern.h)
    explicit operator bool() const noexcept { return row != none; }
};
static_assert(max_shields < ShieldHit::none);

/// The rows of a publication, in the order of their numbers.
class Shields {
public:
    Shields() = default;
    explicit Shields(std::vector<Shield> rows);

    const std::vector<Shield>& rows() const noexcept { return rows_; }

    /// Whether any row that is in use looks there, for this service.
    bool look(ShieldPlaces places, Service service) const noexcept {
        return (places_[static_cast<std::size_t>(service)] & places) != 0;
    }

    // These return the first row that refuses, else the first that logs.

    /// `path` in normal form, `query` as it came.
    ShieldHit find_in_target(Service service, std::string_view path,
                             std::string_view query) const noexcept;
    /// A text: the value of a header with its name, a file's name, a field of a form.
    ShieldHit find_in(ShieldPlaces place, Service service, std::string_view text,
                      std::string_view header = {}) const noexcept {
        return telltales_of(service, place_of(place)).stand_in(text)
                   ? find_in_layers(place, service, text, header)
                   : ShieldHit{}; // nearly always
    }
    /// Each of several: cookies, which ';' separates, or the fields of a form, '&'.
    ShieldHit find_in_each(ShieldPlaces place, Service service, std::string_view texts,
                           char separator) const noexcept;
    /// For a body that is too large to be searched: as if the patterns had given up.
    ShieldHit give_up(ShieldPlaces place, Service service) const noexcept;

    /// The row that stands for the meeting URL guard.
    ShieldHit meeting_url() const noexcept;

    bool refuses(ShieldHit hit) const noexcept {
        return hit && rows_[hit.row].action == ShieldAction::refuse;
    }

private:
    /// A row where it looks.
    struct Look {
        ServiceSet services;
        std::uint8_t row;
    };

    /// Tells an ordinary text at once: for each row that looks there a byte without which its
    /// pattern matches nothing, and those that differ from it in 0x20 alone. A text that may be
    /// encoded isn't ordinary.
    struct Telltales {
        std::array<char, 4> bytes{'%'};
        std::uint8_t count = 0;
        bool everywhere = false; ///< too many of them, or one that doesn't stand in the text itself
        void add(char byte) noexcept;
        bool stand_in(std::string_view text) const noexcept;
    };

    static constexpr std::size_t place_of(ShieldPlaces place) noexcept {
        return static_cast<std::size_t>(std::countr_zero(place));
    }
    const Telltales& telltales_of(Service service, std::size_t place) const noexcept {
        return telltales_[static_cast<std::size_t>(service)][place];
    }
    ShieldHit find_in_layers(ShieldPlaces where, Service service, std::string_view text,
                             std::string_view header) const noexcept;
    void look_for(ShieldHit& found, std::size_t place, Service service, std::string_view header,
                  std::string_view text) const noexcept;

    std::vector<Shield> rows_;
    std::vector<Look> looks_[shield_place_count]; ///< by place; of those in use
    ShieldPlaces places_[64]{};                   ///< by service
    Telltales telltales_[64]
                        [shield_place_count]{}; ///< by service and place; in_target is the first
};

} // namespace lync::policy
