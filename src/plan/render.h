#pragma once

// The plan as nginx directives: what `nginx -T` shows under the name `lync_publish NAME`, and
// what nginx's own modules parse, check and run.

#include "plan/plan.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::plan {

/// The nginx that the text is for.
struct Dialect {
    /// Whether some loaded module knows a directive: nginx may be built without gzip, and newer
    /// ones have directives whose defaults matter (`http2`, `proxy_pass_trailers`).
    std::function<bool(std::string_view directive)> has;
    /// As the macro nginx_version: 1022001.
    unsigned version = 0;
};

/// Text, and for each line (counted from 1) the directive of the block that caused it.
struct Rendered {
    std::string text;
    std::vector<Place> places;          ///< one after the other, as they caused lines
    std::vector<std::uint32_t> origins; ///< of each line, an index into places

    const Place& origin(std::size_t line) const { return places[origins.at(line - 1)]; }
};

/// `first_publication`: this one brings what is needed once per nginx.conf.
Rendered render(const Plan& plan, const Dialect& dialect, bool first_publication);

/// An argument in nginx's quoting: as it is where that is enough, else in double quotes.
std::string quoted_argument(std::string_view text);

} // namespace lync::plan
