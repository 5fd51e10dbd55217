#pragma once

// Tests of all bytes of a text, eight at a time, since every header of every request is tested.

#include <cstdint>
#include <cstring>
#include <string_view>

namespace lync {

/// Eight bytes of a text. A test yields the top bits of the matching bytes; a byte above a match
/// may be reported too, so only whether there is any match counts.
class Word {
public:
    constexpr explicit Word(std::uint64_t bytes) noexcept : bytes_(bytes) {}
    static Word at(const char* text) noexcept {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, text, sizeof(bytes));
        return Word(bytes);
    }
    static constexpr Word of(char c) noexcept { return Word(each * static_cast<unsigned char>(c)); }

    constexpr std::uint64_t above_ascii() const noexcept { return bytes_; }
    constexpr std::uint64_t below(char c) const noexcept {
        return (bytes_ - of(c).bytes_) & ~bytes_;
    }
    constexpr std::uint64_t is(char c) const noexcept {
        return Word(bytes_ ^ of(c).bytes_).below(1);
    }
    constexpr std::uint64_t is_control() const noexcept { return below(' ') | is(0x7f); }
    /// Equal for what differs in these bits alone: 0x20, of letters the case.
    constexpr Word without(char bits) const noexcept { return Word(bytes_ | of(bits).bytes_); }

    static constexpr std::uint64_t each = 0x0101010101010101;
    static constexpr std::uint64_t tops = each * 0x80;

private:
    std::uint64_t bytes_;
};

/// Whether `test` holds for any byte of `text`.
template <typename Test>
bool any_byte(std::string_view text, Test&& test) noexcept {
    constexpr std::size_t step = sizeof(std::uint64_t);
    std::uint64_t found = 0;
    std::size_t i = 0;
    for (; i + step <= text.size(); i += step) {
        found |= test(Word::at(text.data() + i));
    }
    if (i != 0 && i != text.size()) {
        i = text.size(); // the last eight: some are tested twice
        found |= test(Word::at(text.data() + i - step));
    }
    for (; i < text.size(); i++) {
        found |= test(Word::of(text[i]));
    }
    return (found & Word::tops) != 0;
}

} // namespace lync
