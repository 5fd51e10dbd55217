#include "base/utc.h"

#include "base/format.h"

namespace lync {

std::string utc_stamp(std::chrono::sys_seconds time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto seconds = (time - day).count();
    return formatted("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string utc_text(std::chrono::sys_seconds time) {
    const std::string stamp = utc_stamp(time);
    return formatted("{} {} UTC", stamp.substr(0, 10), stamp.substr(11, 5));
}

} // namespace lync
