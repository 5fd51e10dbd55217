#include "policy/multipart.h"

#include <algorithm>
#include <cstring>

namespace lync::policy {

namespace {

std::size_t find(std::string_view text, std::string_view what) noexcept {
    const void* found = memmem(text.data(), text.size(), what.data(), what.size());
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// The line of a head that makes its part a field, as ASP.NET reads it; empty if there is none.
std::string_view line_of_field(std::string_view head) noexcept {
    constexpr std::string_view disposition = "content-disposition";
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find('\n'));
        head.remove_prefix(std::min(line.size() + 1, head.size()));
        if (equal_ignore_case(trimmed(line, " \t").substr(0, disposition.size()), disposition) &&
            contains_ignore_case(line, "name=") && !contains_ignore_case(line, "filename=")) {
            return line;
        }
    }
    return {};
}

} // namespace

PartHeads::Type PartHeads::begin(std::string_view content_type) noexcept {
    constexpr std::string_view multipart = "multipart/";
    static constexpr std::string_view word = "boundary";
    content_type = trimmed(content_type, " \t");
    if (!equal_ignore_case(content_type.substr(0, multipart.size()), multipart)) {
        return Type::other;
    }

    // .NET trims blanks of all kinds, and ignores some characters of Unicode.
    const bool odd =
        std::ranges::any_of(content_type, [](char c) { return (c < ' ' && c != '\t') || c > '~'; });
    const std::size_t at = find_ignore_case(content_type, word);
    if (odd || at == content_type.npos) {
        return Type::unreadable;
    }
    std::string_view rest = trimmed(content_type.substr(at + word.size()), " \t");
    if (!rest.starts_with('=')) {
        return Type::unreadable;
    }
    rest = trimmed(rest.substr(1), " \t");
    const bool is_quoted = rest.starts_with('"');
    rest.remove_prefix(is_quoted ? 1 : 0);
    const std::string_view boundary =
        rest.substr(0, rest.find_first_of(is_quoted ? "\"" : "; \t,\""));
    rest.remove_prefix(boundary.size());
    if (boundary.empty() || boundary.size() > max_boundary || contains_ignore_case(rest, word) ||
        boundary.find('\\') != std::string_view::npos ||
        trimmed(boundary, " \t").size() != boundary.size()) {
        return Type::unreadable;
    }
    delimiter_[0] = delimiter_[1] = '-';
    std::memcpy(delimiter_ + 2, boundary.data(), boundary.size());
    delimiter_size_ = boundary.size() + 2;
    return Type::multipart;
}

/// Leaves what follows the next boundary in `piece`, nothing if there is none in it.
void PartHeads::skip_to_head(std::string_view& piece) noexcept {
    const std::string_view delimiter(delimiter_, delimiter_size_);
    const std::size_t most = delimiter_size_ - 1; // of a boundary that isn't whole
    std::size_t behind = std::string_view::npos;

    // The end of the pieces before, and as much of this one as may belong to a boundary.
    const std::size_t joined = std::min(most, piece.size());
    std::memcpy(carry_ + carried_, piece.data(), joined);
    const std::string_view seam(carry_, carried_ + joined);
    if (const std::size_t at = find(seam, delimiter); at != std::string_view::npos) {
        behind = at + delimiter_size_ - carried_;
    } else if (const std::size_t here = find(piece, delimiter); here != std::string_view::npos) {
        behind = here + delimiter_size_;
    }
    if (behind != std::string_view::npos) {
        piece.remove_prefix(behind);
        in_ = In::head;
        behind_field_ = false;
        carried_ = head_size_ = 0;
        return;
    }
    const std::string_view last = piece.size() >= most ? piece : seam;
    const std::size_t kept = std::min(most, last.size());
    std::memmove(carry_, last.data() + last.size() - kept, kept);
    carried_ = kept;
    piece = {};
}

/// How much of `piece` belongs to the head, which is whole if `in_` is content afterwards. 0: there
/// is no room for it.
std::size_t PartHeads::take_head(std::string_view piece) noexcept {
    for (std::size_t i = 0; i < piece.size(); i++) {
        if (head_size_ == max_head) {
            return 0;
        }
        head_[head_size_++] = piece[i];
        const std::string_view head(head_, head_size_);
        const bool is_whole = head.ends_with("\n\r\n") || head.ends_with("\n\n");
        // A line that only begins as a boundary belongs to the field.
        if (behind_field_ && (is_whole || head_size_ > 4)) {
            const std::string_view line = head.substr(head.starts_with("--") ? 2 : 0);
            if (!line.starts_with('\n') && !line.starts_with("\r\n")) {
                return 0;
            }
        }
        if (is_whole) {
            in_ = In::content;
            return i + 1;
        }
    }
    return piece.size();
}

void PartHeads::begin_field(std::string_view head) noexcept {
    std::string_view name = line_of_field(head);
    if (name.empty()) {
        return;
    }
    name.remove_prefix(find_ignore_case(name, "name=") + 5);
    name = trimmed(name, " \t\"");
    name = name.substr(0, name.find_first_of("\";\r"));
    std::memcpy(field_, name.data(), name.size());
    field_[name.size()] = '=';
    value_at_ = field_size_ = name.size() + 1;
    in_ = In::field;
}

/// How much of `piece` belongs to the field and the boundary behind it. One that is too long is
/// content from there on.
std::size_t PartHeads::take_field(std::string_view piece) noexcept {
    const std::string_view delimiter(delimiter_, delimiter_size_);
    for (std::size_t i = 0; i < piece.size(); i++) {
        field_[field_size_++] = piece[i];
        const std::string_view value(field_ + value_at_, field_size_ - value_at_);
        if (value.ends_with(delimiter)) {
            std::string_view text = value.substr(0, value.size() - delimiter.size());
            if (text.empty() || text.ends_with('\n')) {
                text.remove_suffix(text.ends_with("\r\n") ? 2 : text.empty() ? 0 : 1);
                field_size_ = value_at_ + text.size();
                in_ = In::head;
                behind_field_ = true;
                head_size_ = 0;
                return i + 1;
            }
        }
        if (field_size_ == max_field) {
            carried_ = delimiter.size() - 1;
            std::memcpy(carry_, field_ + field_size_ - carried_, carried_);
            in_ = In::content;
            return i + 1;
        }
    }
    return piece.size();
}

bool is_plain_head(std::string_view head) noexcept {
    bool quoted = false;
    return std::ranges::all_of(head, [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        quoted = quoted != (c == '"');
        return byte >= 0x80 ? quoted : byte >= 0x20 || c == '\r' || c == '\n' || c == '\t';
    });
}

std::string_view file_names(std::string_view head, char* out) noexcept {
    head.remove_prefix(std::min(find_ignore_case(head, "filename"), head.size()));
    char* end = out;
    for (const char c : head) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (c != '"' && !(blank && end != out && end[-1] == '=')) {
            *end++ = c == '\'' ? '=' : c;
        }
    }
    return {out, static_cast<std::size_t>(end - out)};
}

} // namespace lync::policy
