#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fuzz {

/// Stops at a broken promise; libFuzzer keeps the input.
inline void require(bool holds, const char* promise, std::string_view input) {
    if (!holds) {
        std::fprintf(stderr, "broken: %s: %.*s\n", promise, static_cast<int>(input.size()),
                     input.data());
        std::abort();
    }
}

} // namespace fuzz
