#include "balance/affinity.h"

#include "base/ascii.h"

#include <algorithm>
#include <cmath>

namespace lync::balance {

namespace {

constexpr std::uint64_t fold(std::uint64_t n) noexcept {
    return n ^ n >> 33;
}

/// Every bit of the result depends on every bit of `n` (the finaliser of MurmurHash3), which has
/// been folded.
constexpr std::uint64_t mix_folded(std::uint64_t n) noexcept {
    n *= 0xff51afd7ed558ccdULL;
    n = fold(n) * 0xc4ceb9fe1a85ec53ULL;
    return fold(n);
}

constexpr std::uint64_t mix(std::uint64_t n) noexcept {
    return mix_folded(fold(n));
}

/// FNV-1a, mixed: byte by byte, so the same on every machine.
template <typename Bytes>
constexpr std::uint64_t hash(const Bytes& bytes) noexcept {
    std::uint64_t n = 0xcbf29ce484222325ULL;
    for (const auto byte : bytes) {
        n = (n ^ static_cast<std::uint8_t>(byte)) * 0x00000100000001b3ULL;
    }
    return mix(n);
}

constexpr std::uint64_t for_rank = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t for_ramp = 0xd1b54a32d192ed03ULL;

/// The number that a client and a server make.
constexpr std::uint64_t number(std::uint64_t key, std::uint64_t place,
                               std::uint64_t salt) noexcept {
    return mix(key ^ mix(place + salt));
}

/// The same between 0 and 1, neither of them.
double unit(std::uint64_t number) noexcept {
    return (static_cast<double>(number >> 11) + 0.5) / 9007199254740992.0; // 2^53
}

/// A server that is known by its number and its weight.
struct Ranked {
    std::size_t server = no_server;
    std::uint64_t number = 0;
    std::uint32_t weight = 0;

    /// The logarithm makes the chance to win proportional to the weight, and a weight that changes
    /// moves only as many clients as it must. It grows with the number.
    bool beats(const Ranked& other) const noexcept {
        return other.server == no_server ||
               (weight == other.weight ? number > other.number
                                       : std::log(unit(number)) / weight >
                                             std::log(unit(other.number)) / other.weight);
    }
};

template <typename Condition>
std::size_t first_in_rank(std::span<const Candidate> servers, std::uint64_t key,
                          Condition&& condition) noexcept {
    Ranked best;
    for (std::size_t i = 0; i < servers.size(); i++) {
        const Candidate& server = servers[i];
        if (condition(server)) {
            const Ranked mine{i, number(key, server.place, for_rank), server.weight};
            best = mine.beats(best) ? mine : best;
        }
    }
    return best.server;
}

} // namespace

std::uint64_t place_of(std::string_view bytes) noexcept {
    return hash(bytes);
}

std::uint64_t client_key(std::span<const std::uint8_t> address) noexcept {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    constexpr std::size_t network = 8; // of IPv6, in bytes

    if (address.size() == 16) {
        address = std::equal(mapped.begin(), mapped.end(), address.begin())
                      ? address.subspan(mapped.size())
                      : address.first(network);
    }
    return hash(address);
}

std::uint64_t cookie_key(std::string_view value) noexcept {
    return hash(value);
}

std::size_t choose_by_key(std::span<const Candidate> servers, std::uint64_t key,
                          bool backup) noexcept {
    const auto takes = [backup](const Candidate& server) {
        return server.takes() && server.backup == backup;
    };
    const std::size_t best = first_in_rank(servers, key, [&](const Candidate& server) {
        return takes(server) && (server.ramp >= full_weight ||
                                 unit(number(key, server.place, for_ramp)) * full_weight <
                                     static_cast<double>(server.ramp));
    });
    return best != no_server ? best : first_in_rank(servers, key, takes);
}

void Homes::add(std::uint64_t place, std::uint32_t weight, bool backup) {
    // Folding goes bit by bit, so that two numbers may be folded before they meet.
    numbers_.push_back(fold(mix(place + for_rank)));
    if (runs_.empty() || runs_.back().weight != weight || runs_.back().backup != backup) {
        runs_.push_back({weight, backup, 0});
    }
    runs_.back().end = numbers_.size();
}

std::size_t Homes::find(std::uint64_t key, bool backup) const noexcept {
    key = fold(key);
    Ranked best;
    std::size_t i = 0;
    for (const Run& run : runs_) {
        if (run.backup == backup) {
            Ranked mine{i, mix_folded(key ^ numbers_[i]), run.weight};
            while (++i < run.end) {
                const std::uint64_t number = mix_folded(key ^ numbers_[i]);
                if (number > mine.number) {
                    mine.server = i;
                    mine.number = number;
                }
            }
            best = mine.beats(best) ? mine : best;
        }
        i = run.end;
    }
    return best.server;
}

std::string_view affinity_cookie_in(std::string_view header) noexcept {
    while (!header.empty()) {
        const std::string_view pair = trimmed(take_until(header, ';'), " \t");
        if (pair.starts_with(affinity_cookie) && pair.size() > affinity_cookie.size() + 1 &&
            pair[affinity_cookie.size()] == '=') {
            return pair.substr(affinity_cookie.size() + 1);
        }
    }
    return {};
}

CookieValue cookie_value(std::span<const std::uint8_t, 16> random) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    CookieValue value{};
    for (std::size_t i = 0; i < random.size(); i++) {
        value[2 * i] = digits[random[i] >> 4];
        value[2 * i + 1] = digits[random[i] & 0x0f];
    }
    return value;
}

} // namespace lync::balance
