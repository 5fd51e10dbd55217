// The one file that {fmt} is compiled into: nothing links its library. Locales and floating point,
// a third of it, are left out.
#define FMT_HEADER_ONLY
#define FMT_STATIC_THOUSANDS_SEPARATOR ','
#define FMT_USE_FLOAT 0
#define FMT_USE_DOUBLE 0
#define FMT_USE_LONG_DOUBLE 0

#include "base/format.h"

#include <fmt/format.h>

namespace lync {

std::string formatted_by(fmt::string_view format, fmt::format_args arguments) {
    return fmt::vformat(format, arguments);
}

} // namespace lync
