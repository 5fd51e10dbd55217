#pragma once

// The heads of a multipart body's parts and the fields of a form in it, found while the body passes
// in pieces of any size: nothing of it is kept but the end of a piece that may begin a boundary,
// and the head or field that is under way.

#include "base/ascii.h"

#include <cstddef>
#include <string_view>

namespace lync::policy {

class PartHeads {
public:
    static constexpr std::size_t max_boundary = 200; ///< RFC 2046 has 70
    static constexpr std::size_t max_head = 4096;
    static constexpr std::size_t max_field = 16384; ///< with its name

    enum class Type { other, multipart, unreadable };

    /// Takes the boundary of a Content-Type; `unreadable` if servers could find different ones, or
    /// none.
    Type begin(std::string_view content_type) noexcept;

    /// Calls `check_head(head)` for each head that ends in this piece, and `check_field(field,
    /// whole)` for each field, "name=value", or the beginning of one longer than max_field, as long
    /// as they say true. False if one didn't, if a head is longer than max_head, or if a line of a
    /// field only begins as the boundary does.
    template <typename CheckHead, typename CheckField>
    bool feed(std::string_view piece, CheckHead&& check_head, CheckField&& check_field) noexcept {
        while (!piece.empty()) {
            if (in_ == In::content) {
                skip_to_head(piece);
            } else if (in_ == In::field) {
                piece.remove_prefix(take_field(piece));
                if (in_ != In::field &&
                    !check_field(std::string_view(field_, field_size_), in_ == In::head)) {
                    return false;
                }
            } else {
                const std::size_t taken = take_head(piece);
                if (taken == 0) {
                    return false;
                }
                piece.remove_prefix(taken);
                if (in_ == In::content) {
                    const std::string_view head(head_, head_size_);
                    if (!check_head(head)) {
                        return false;
                    }
                    begin_field(head);
                }
            }
        }
        return true;
    }

private:
    enum class In { content, head, field };

    void skip_to_head(std::string_view& piece) noexcept;
    std::size_t take_head(std::string_view piece) noexcept;
    void begin_field(std::string_view head) noexcept;
    std::size_t take_field(std::string_view piece) noexcept;

    In in_ = In::content;
    bool behind_field_ = false; ///< of the boundary before the head
    std::size_t delimiter_size_ = 0;
    std::size_t carried_ = 0;
    std::size_t head_size_ = 0;
    std::size_t field_size_ = 0;
    std::size_t value_at_ = 0;         ///< in the field
    char delimiter_[max_boundary + 2]; // "--" and the boundary
    char carry_[2 * (max_boundary + 2)];
    char head_[max_head];
    char field_[max_field];
};

/// Whether servers find the same parameters in the head of a part: control characters, and what
/// isn't ASCII outside of quotes, are taken for nothing by some.
bool is_plain_head(std::string_view head) noexcept;

/// The file names in the head of a part, whatever a server takes of it: "filename=" and all that
/// follows, without quotes, and without blanks behind signs of equality, for which apostrophes
/// count too (`filename*=UTF-8''NAME`). Empty if there is none. `out` has room for max_head bytes.
std::string_view file_names(std::string_view head, char* out) noexcept;

} // namespace lync::policy
