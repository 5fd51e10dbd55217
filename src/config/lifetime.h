#pragma once

// How soon a certificate has to be renewed: by how much of its lifetime is left, since public ones
// live for 200 days, 47 or 6, and those of a CA inside for years. What nginx logs at load, the
// status with its metrics and alerts, and the doctor all go by this.

#include <chrono>
#include <cstdint>
#include <string_view>

namespace lync::config {

enum class Renewal : std::uint8_t {
    later,
    due,    ///< less than a third of the lifetime is left: automatic renewal should have been done
    urgent, ///< of these, less than a tenth, or a day; or it has ended
};
constexpr std::string_view renewal_name(Renewal renewal) noexcept {
    return renewal == Renewal::later ? "later" : renewal == Renewal::due ? "due" : "urgent";
}

constexpr Renewal renewal_at(std::chrono::sys_seconds now, std::chrono::sys_seconds not_before,
                             std::chrono::sys_seconds not_after) noexcept {
    const auto left = not_after - now;
    const auto lifetime = not_after - not_before;
    return left > std::chrono::seconds(0) && left >= lifetime / 3  ? Renewal::later
           : left >= lifetime / 10 && left >= std::chrono::days(1) ? Renewal::due
                                                                   : Renewal::urgent;
}

} // namespace lync::config
