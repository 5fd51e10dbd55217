// What a row of the shield costs at worst: texts of 64 KB that are made for each pattern, of its
// own literals and characters. Prints the slowest of each; ends with an error past 50 microseconds.
//
//     shield [TEXTS]     so many texts for each row (3000)

#include "policy/shield.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

using namespace lync::policy;

namespace {

constexpr std::size_t size = 65536;
constexpr double most = 50; // microseconds

/// The best of several runs: what the machine does beside it isn't the pattern's.
double cost_of(const Pattern& pattern, const std::string& text) {
    double best = 1e9;
    for (int i = 0; i < 5 || (best > most && i < 200); i++) {
        const auto begin = std::chrono::steady_clock::now();
        const volatile auto result = pattern.match(text);
        (void)result;
        const std::chrono::duration<double, std::micro> taken =
            std::chrono::steady_clock::now() - begin;
        best = std::min(best, taken.count());
    }
    return best;
}

/// A text of parts of the pattern and of what it stops, one of them again and again or at random,
/// filled up with a character; as long as it may be, or just as long as a pattern is run on.
std::string text_for(const ShieldRow& row, std::mt19937& random) {
    const std::string material = std::string(row.pattern) + std::string(row.stops) + "a0/.%$={";
    const auto part = [&] {
        const std::size_t at = random() % material.size();
        std::string text = material.substr(at, 1 + random() % 24);
        std::erase(text, '\\');
        return text;
    };
    const std::size_t length = random() % 2 == 0 ? size : Pattern::max_text;
    const bool mixed = random() % 2 == 0;
    const std::string unit = part();
    std::string text = random() % 2 == 0 ? std::string(row.stops) : "";
    while (text.size() < length) {
        text += mixed ? part() : unit;
        if (random() % 64 == 0) {
            text.append(random() % length, material[random() % material.size()]);
        }
        if (text.empty()) {
            text = "a";
        }
    }
    text.resize(length);
    return text;
}

} // namespace

int main(int count, char** arguments) {
    const unsigned long texts = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 3000;
    bool fine = true;
    for (const ShieldRow& row : shield_rows()) {
        if (row.pattern.empty()) {
            continue;
        }
        const Pattern pattern(row.pattern);
        std::mt19937 random(20261129);
        double worst = 0;
        std::string of;
        for (unsigned long i = 0; i < texts; i++) {
            const std::string text = text_for(row, random);
            if (const double cost = cost_of(pattern, text); cost > worst) {
                worst = cost;
                of = text.substr(0, 60);
            }
        }
        std::printf("%-22.*s %6.1f us  %s\n", static_cast<int>(row.name.size()), row.name.data(),
                    worst, of.c_str());
        fine = fine && worst <= most;
    }
    return fine ? 0 : 1;
}
