#include "base/build.h"

#include "base/ascii.h"
#include "base/format.h"

#include <charconv>
#include <cstring>

namespace lync {

Build build_of(std::string_view text) noexcept {
    if (text.size() > max_build) {
        return 0;
    }
    Build build = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (int i = 0; i < 4; i++) {
        std::uint16_t number = 0;
        const auto [behind, error] = std::from_chars(at, end, number);
        const bool is_last = i == 3;
        if (error != std::errc{} || (is_last ? behind != end : behind == end || *behind != '.')) {
            return 0;
        }
        build = build << 16 | number;
        at = is_last ? end : behind + 1;
    }
    return build;
}

std::string build_text(Build build) {
    return formatted("{}.{}.{}.{}", build >> 48, build >> 32 & 0xffff, build >> 16 & 0xffff,
                     build & 0xffff);
}

void BuildComment::feed(char* piece, std::size_t size, bool hide) noexcept {
    constexpr std::string_view words = "Web Scheduler Version";
    constexpr std::size_t most_between = 8;
    for (char* const end = piece + size; piece != end; piece++) {
        if (matched_ < words.size()) {
            if (matched_ == 0) {
                void* first =
                    std::memchr(piece, words.front(), static_cast<std::size_t>(end - piece));
                if (first == nullptr) {
                    return;
                }
                piece = static_cast<char*>(first);
            }
            matched_ = *piece == words[matched_] ? matched_ + 1 : *piece == words.front() ? 1 : 0;
        } else if (is_ascii_digit(*piece) || (*piece == '.' && size_ != 0)) {
            if (size_ <= max_build) {
                text_[size_++] = *piece;
            }
            *piece = hide ? ' ' : *piece;
        } else if (size_ != 0 || ++between_ > most_between) {
            found_ = found_ != 0 ? found_ : build_of({text_, size_});
            matched_ = between_ = size_ = 0;
        }
    }
}

} // namespace lync
