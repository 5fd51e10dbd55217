#pragma once

// nginx's own directives: which there are, where they may stand, and how. For what nginx -t would
// say of a line inside of lync_publish that isn't one of ours ("unknown" or "not allowed"), of the
// files that server_include names, and for the text that a given nginx is fed. The table is made
// of nginx's sources by list-nginx-directives.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// Where a directive may stand: bits.
using Contexts = std::uint16_t;
inline constexpr Contexts in_main = 1;
inline constexpr Contexts in_http = 2;
inline constexpr Contexts in_server = 4;
inline constexpr Contexts in_location = 8;
inline constexpr Contexts in_upstream = 16;
inline constexpr Contexts in_server_if = 32;
inline constexpr Contexts in_location_if = 64;
inline constexpr Contexts in_limit_except = 128;
inline constexpr Contexts elsewhere = 256; ///< events, mail, stream
inline constexpr Contexts anywhere = 0x7fff;

/// How many arguments a directive takes: a bit for each number, or `flag`, which is one "on" or
/// "off".
using Arguments = std::uint16_t;
inline constexpr Arguments any = 0x7fff;
inline constexpr Arguments flag = 0x8000;
constexpr Arguments take(unsigned numbers) noexcept {
    return static_cast<Arguments>(numbers);
}
constexpr Arguments from(unsigned least) noexcept {
    return static_cast<Arguments>(any & ~((1U << least) - 1));
}

struct NginxDirective {
    std::string_view name;
    Contexts contexts;
    bool is_block;
    Arguments arguments;
    bool once;               ///< "is duplicate" if it stands twice in one block
    unsigned since;          ///< nginx_version; 0: before 1.22.1
    std::string_view option; ///< what configure needs: "http_v2_module"; empty: always there
};

/// All directives of this name: http's "server" and upstream's are two.
std::span<const NginxDirective> find_nginx_directives(std::string_view name) noexcept;

/// An nginx, as far as its directives go.
struct NginxBuild {
    unsigned version = 1022001;
    /// configure's --with-... without the "--with-", those that became dynamic modules left out.
    std::vector<std::string> options;
    /// configure's --without-..., likewise.
    std::vector<std::string> left_out;
    /// Directives of later versions that a distribution has added: Debian's 1.22.1 has max_headers.
    std::vector<std::string> backported;
    /// Whether ngx_lync_module is part of the program, as configure's --add-module makes it.
    bool has_our_module = false;

    /// Whether this nginx has a row of the table.
    bool has(const NginxDirective& row) const noexcept;
    /// Whether http { } or a block in it may have the directive, as plan::Dialect asks.
    bool has(std::string_view directive) const noexcept;
    /// Whether it may stand anywhere at all.
    bool knows(std::string_view directive) const noexcept;

    /// nginx as Debian 12 has it.
    static NginxBuild debian_12();
    /// What `BINARY -V` says of itself, and which later directives its file has the names of.
    /// Throws Failure.
    static NginxBuild of(const std::string& binary);
};

/// As nginx_version: 1.22.1 is 1022001; 0 if it isn't a version.
unsigned parse_nginx_version(std::string_view text) noexcept;

} // namespace lync::lyncctl
