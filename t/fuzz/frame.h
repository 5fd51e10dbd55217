#pragma once

// The frame of every target: FUZZ(input) { ... } is asked about each input, `require` stops at a
// broken promise; libFuzzer keeps the input. What plain readers of the targets share stands here,
// too.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define FUZZ(input)                                                                                \
    static void fuzz_one(std::string_view input);                                                  \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {            \
        fuzz_one({reinterpret_cast<const char*>(data), size});                                     \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz_one(std::string_view input)

namespace fuzz {

inline void require(bool holds, const char* promise, std::string_view input) {
    if (!holds) {
        std::fprintf(stderr, "broken: %s: %.*s\n", promise, static_cast<int>(input.size()),
                     input.data());
        std::abort();
    }
}

/// The first byte of an input says what is asked; it is taken from it. 0 where there is none.
inline unsigned choice(std::string_view& input) {
    const unsigned char first = input.empty() ? 0 : static_cast<unsigned char>(input.front());
    input.remove_prefix(input.empty() ? 0 : 1);
    return first;
}

/// What stands in front of `mark`, which is taken from the input with it.
inline std::string_view take_until(std::string_view& input, char mark) {
    const std::string_view part = input.substr(0, input.find(mark));
    input.remove_prefix(part.size() + (part.size() < input.size() ? 1 : 0));
    return part;
}

inline std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return out;
}

/// A value of a form or query: "+" is a space, then percent escapes.
inline std::string plain_decode(std::string_view text) {
    const auto digit = [&](std::size_t at) {
        return at < text.size()
                   ? static_cast<int>(std::string_view("0123456789abcdef")
                                          .find(static_cast<char>(text[at] >= 'A' && text[at] <= 'F'
                                                                      ? text[at] + 32
                                                                      : text[at])))
                   : -1;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
            out += static_cast<char>(digit(i + 1) << 4 | digit(i + 2));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

} // namespace fuzz
