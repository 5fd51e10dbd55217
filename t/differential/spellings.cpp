// The generator and the judge of t/34-differential.t.
//
//     spellings never N     N distinct request targets, one in a line: paths that are never to be
//                           published, with each trick and with pairs of tricks
//     spellings published   legitimate spellings of published paths
//     spellings resolve     reads targets; prints those that a server ends up with as a path never
//                           to be published, with any of its habits
//
// The same at every run: the pairs are drawn with a fixed seed.

#include "policy_iis.h"
#include "policy_spellings.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

namespace {

void print_never(std::size_t count) {
    std::set<std::string> lines;
    for (const std::string& path : spellings::never_paths) {
        lines.insert(path);
        for (const spellings::Trick& trick : spellings::tricks()) {
            lines.insert(trick(path));
        }
    }
    std::mt19937 random(20111103);
    const auto& paths = spellings::never_paths;
    const auto& tricks = spellings::tricks();
    while (lines.size() < count) {
        const std::string& path = paths[random() % paths.size()];
        const std::string once = tricks[random() % tricks.size()](path);
        lines.insert(tricks[random() % tricks.size()](once));
    }
    for (const std::string& line : lines) {
        std::cout << line << '\n';
    }
}

void print_published() {
    std::set<std::string> lines;
    for (const std::string& path : spellings::published_paths) {
        for (const spellings::Trick& spelling : spellings::legitimate_spellings) {
            lines.insert(spelling(path));
        }
    }
    for (const std::string& line : lines) {
        std::cout << line << '\n';
    }
}

bool is_never(const std::string& path) {
    for (std::uint32_t bits = 0; bits < 1U << iis::habit_bits; bits += 1 + bits % 37) {
        if (iis::is_never(iis::segments_of(path, iis::habits_from(bits)))) {
            return true;
        }
    }
    return iis::is_never(iis::segments_of(path, iis::habits_from(~0U)));
}

void resolve() {
    for (std::string line; std::getline(std::cin, line);) {
        if (is_never(line.substr(0, line.find('?')))) {
            std::cout << line << '\n';
        }
    }
}

} // namespace

int main(int count, char** arguments) {
    const std::string mode = count > 1 ? arguments[1] : "";
    if (mode == "never" && count == 3) {
        print_never(std::strtoul(arguments[2], nullptr, 10));
    } else if (mode == "published") {
        print_published();
    } else if (mode == "resolve") {
        resolve();
    } else {
        std::cerr << "usage: spellings never N | published | resolve\n";
        return 2;
    }
    return 0;
}
