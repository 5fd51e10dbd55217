#pragma once

// Values as IIS writes them into applicationHost.config.

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <system_error>

namespace lync::lyncctl {

/// A decimal number and nothing else.
template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// .NET's TimeSpan: [days.]hours:minutes:seconds.
std::optional<std::chrono::seconds> time_span(std::string_view text);

} // namespace lync::lyncctl
