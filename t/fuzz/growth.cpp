// In place of libFuzzer: whether a target's time is linear in its input. Inputs are
// words of its dictionary, and bytes, again and again: 64 KB of them, the longest body that is read
// whole, and 256 KB. Four times as much may take eight times as long; what is quadratic takes
// sixteen. Libraries that a target asks for their opinion count as well.
//
//     growth_TARGET DICTIONARY [INPUTS]     (300)

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t longest = 262144;
constexpr double most_growth = 8;     // from a quarter of it
constexpr double worth_a_look = 2e-2; // seconds: what is quadratic takes hundreds of msec

std::vector<std::string> read_words(const char* file) {
    std::vector<std::string> words;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const auto begin = line.find('"');
        if (begin == std::string::npos || line.front() == '#') {
            continue;
        }
        std::string word;
        for (std::size_t i = begin + 1; i < line.rfind('"'); i++) {
            if (line[i] == '\\' && line[i + 1] == 'x') {
                word += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
                i += 3;
            } else {
                i += line[i] == '\\' ? 1 : 0;
                word += line[i];
            }
        }
        words.push_back(word);
    }
    return words;
}

/// Seconds of this thread, the least of a few: what the machine does beside it isn't the target's.
double time_of(const std::string& input) {
    double least = 1e9;
    for (int i = 0; i < 3; i++) {
        timespec begin{}, end{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        least = std::min(least, static_cast<double>(end.tv_sec - begin.tv_sec) +
                                    static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9);
    }
    return least;
}

} // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words = read_words(count > 1 ? arguments[1] : "");
    const unsigned long inputs = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 300;
    std::mt19937 random(20261130);
    const auto part = [&] {
        constexpr std::string_view bytes = " \t\r\n\"'<>=:;,&%/\\{}[]()a0.?#@-_\x80\xff";
        return !words.empty() && random() % 2 == 0
                   ? words[random() % words.size()]
                   : std::string(1 + random() % 3 * (random() % 2), bytes[random() % bytes.size()]);
    };
    double slowest = 0;
    for (unsigned long i = 0; i < inputs; i++) {
        std::string begin(1, static_cast<char>(random())), first, second, end;
        for (auto* text : {&begin, &first, &second, &end}) {
            const unsigned long parts = random() % 2 == 0 ? 1 : random() % 4;
            for (unsigned long n = 0; n < parts; n++) {
                *text += part();
            }
        }
        first += first.empty() ? " " : "";
        second = second.empty() ? first : second;
        const auto input = [&](std::size_t size) {
            std::string text = begin;
            for (const std::string& unit : {first, second}) {
                for (const std::size_t most = text.size() + size / 2; text.size() < most;) {
                    text += unit;
                }
            }
            return text + end;
        };
        const std::string whole = input(longest), quarter = input(longest / 4);
        const double taken = time_of(whole);
        slowest = std::max(slowest, taken);
        bool grows = taken > worth_a_look;
        // What the machine does beside it isn't the same twice.
        for (int again = 0; grows && again < 8; again++) {
            grows = time_of(whole) > most_growth * time_of(quarter);
        }
        if (grows) {
            std::printf("%s: %.1f ms, from a quarter of it more than %.0f times: %d, then \"%s\" "
                        "and \"%s\", each again and again\n",
                        arguments[0], taken * 1e3, most_growth,
                        static_cast<unsigned char>(begin[0]), first.c_str(), second.c_str());
            return 1;
        }
    }
    std::printf("%s: %.1f ms at most\n", arguments[0], slowest * 1e3);
    return 0;
}
