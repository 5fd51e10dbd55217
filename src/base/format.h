#pragma once

// Text by format strings, which the compiler checks and a reader can grep for.

#include "base/diagnostic.h"

#include <fmt/core.h>

#include <string>
#include <type_traits>
#include <vector>

namespace lync {

/// {fmt}'s vformat, compiled once: a file that formats pays for <fmt/core.h> alone.
std::string formatted_by(fmt::string_view format, fmt::format_args arguments);

template <typename... T>
std::string formatted(fmt::format_string<T...> format, const T&... arguments) {
    static_assert((!std::is_floating_point_v<T> && ...), "left out in format.cpp");
    return formatted_by(format, fmt::make_format_args(arguments...));
}

/// `throw mistake(place, "server {} is duplicate", quoted(name))`
template <typename... T>
Mistake mistake(const Place& place, fmt::format_string<T...> format, const T&... arguments) {
    return {formatted<T...>(format, arguments...), place};
}

template <typename... T>
void remark(std::vector<Diagnostic>& remarks, Severity severity, const Place& place,
            fmt::format_string<T...> format, const T&... arguments) {
    remarks.push_back({severity, formatted<T...>(format, arguments...), place});
}

template <typename... T>
void warn(std::vector<Diagnostic>& remarks, const Place& place, fmt::format_string<T...> format,
          const T&... arguments) {
    remark<T...>(remarks, Severity::warning, place, format, arguments...);
}

} // namespace lync
