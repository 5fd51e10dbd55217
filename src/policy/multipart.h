#pragma once

// The heads of a multipart body's parts, found while the body passes in pieces of any size: nothing
// of it is kept but the end of a piece that may begin a boundary, and the head that is under way.

#include "base/ascii.h"

#include <cstddef>
#include <string_view>

namespace lync::policy {

class PartHeads {
public:
    static constexpr std::size_t max_boundary = 200; ///< RFC 2046 has 70
    static constexpr std::size_t max_head = 4096;

    enum class Type { other, multipart, unreadable };

    /// Takes the boundary of a Content-Type; `unreadable` if servers could find different ones, or
    /// none.
    Type begin(std::string_view content_type) noexcept;

    /// Calls `check(head)` for each head that ends in this piece, as long as it says true. False if
    /// it didn't, or if a head is longer than max_head.
    template <typename Check>
    bool feed(std::string_view piece, Check&& check) noexcept {
        while (!piece.empty()) {
            if (!in_head_) {
                skip_to_head(piece);
                continue;
            }
            const std::size_t taken = take_head(piece);
            if (taken == 0) {
                return false;
            }
            piece.remove_prefix(taken);
            if (!in_head_ && !check(std::string_view(head_, head_size_))) {
                return false;
            }
        }
        return true;
    }

private:
    void skip_to_head(std::string_view& piece) noexcept;
    std::size_t take_head(std::string_view piece) noexcept;

    bool in_head_ = false;
    std::size_t delimiter_size_ = 0;
    std::size_t carried_ = 0;
    std::size_t head_size_ = 0;
    char delimiter_[max_boundary + 2]; // "--" and the boundary
    char carry_[2 * (max_boundary + 2)];
    char head_[max_head];
};

/// Whether servers find the same parameters in the head of a part: control characters, and what
/// isn't ASCII outside of quotes, are taken for nothing by some.
bool is_plain_head(std::string_view head) noexcept;

/// The file names in the head of a part, whatever a server takes of it: "filename=" and all that
/// follows, without quotes, and without blanks behind signs of equality, for which apostrophes
/// count too (`filename*=UTF-8''NAME`). Empty if there is none. `out` has room for max_head bytes.
std::string_view file_names(std::string_view head, char* out) noexcept;

} // namespace lync::policy
