#pragma once

// Times in fixed buckets: what a worker counts (shared_counters.h), what Prometheus scrapes, and
// what percentiles are read from. Fixed, so that the buckets of workers can be added up and no
// client can make more of them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace lync::status {

/// Upper limits in milliseconds, each inclusive; one more bucket takes what is longer. nginx keeps
/// time in milliseconds, so there is nothing below one.
inline constexpr std::array<std::uint32_t, 15> bucket_limits{
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
inline constexpr std::size_t bucket_count = bucket_limits.size() + 1;

constexpr std::size_t bucket_of(std::uint64_t milliseconds) noexcept {
    std::size_t bucket = 0;
    while (bucket < bucket_limits.size() && milliseconds > bucket_limits[bucket]) {
        bucket++;
    }
    return bucket;
}

struct Histogram {
    std::array<std::uint64_t, bucket_count> buckets{}; ///< not cumulative
    std::uint64_t sum = 0;                             ///< milliseconds

    std::uint64_t count() const noexcept {
        std::uint64_t all = 0;
        for (const std::uint64_t bucket : buckets) {
            all += bucket;
        }
        return all;
    }

    void add(std::uint64_t milliseconds) noexcept {
        buckets[bucket_of(milliseconds)]++;
        sum += milliseconds;
    }

    /// The time, in seconds, within which the share `part` (0 to 1) of all ended; nothing if there
    /// was none. Linear within a bucket, and the last limit for what is above it, as Prometheus'
    /// histogram_quantile() has it: a page and a graph of the same numbers agree.
    std::optional<double> quantile(double part) const noexcept {
        const std::uint64_t all = count();
        if (all == 0) {
            return std::nullopt;
        }
        const double rank = part * static_cast<double>(all);
        double below = 0;
        for (std::size_t i = 0; i < bucket_limits.size(); i++) {
            const auto here = static_cast<double>(buckets[i]);
            if (here > 0 && below + here >= rank) {
                const double low = i == 0 ? 0 : bucket_limits[i - 1];
                const double high = bucket_limits[i];
                return (low + (high - low) * ((rank - below) / here)) / 1000;
            }
            below += here;
        }
        return static_cast<double>(bucket_limits.back()) / 1000;
    }
};

} // namespace lync::status
