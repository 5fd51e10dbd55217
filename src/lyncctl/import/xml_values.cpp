#include "lyncctl/import/xml_values.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lync::lyncctl {

std::optional<std::chrono::seconds> time_span(std::string_view text) {
    std::uint32_t days = 0;
    if (const std::size_t dot = text.find('.'); dot < text.find(':')) {
        const auto read = number_of<std::uint32_t>(text.substr(0, dot));
        if (!read || *read > 10000) {
            return std::nullopt;
        }
        days = *read;
        text.remove_prefix(dot + 1);
    }
    std::array<std::uint32_t, 3> parts{};
    for (std::size_t i = 0; i < parts.size(); i++) {
        const std::size_t colon = i == 2 ? text.size() : text.find(':');
        if (colon > text.size()) {
            return std::nullopt;
        }
        const auto read = number_of<std::uint32_t>(text.substr(0, colon));
        if (!read || *read >= (i == 0 ? 24U : 60U)) {
            return std::nullopt;
        }
        parts[i] = *read;
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    return std::chrono::seconds(((days * 24ULL + parts[0]) * 60 + parts[1]) * 60 + parts[2]);
}

} // namespace lync::lyncctl
