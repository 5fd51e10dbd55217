#include "policy/path.h"

#include "base/ascii.h"
#include "policy/decode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace lync::policy {

namespace {

constexpr bool is_letter(char c) noexcept {
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}
constexpr bool is_slash(char c) noexcept {
    return c == '/' || c == '\\';
}

// Flags of a byte of a path, above its lower case in the lower eight bits.
enum : std::uint16_t {
    near = 0x100,    // depends on what is next to it: "//", "/.", "./", "::"
    tricky = 0x200,  // needs the long way
    refused = 0x400, // never in a request line
    of_file = 0x800, // Reading::may_name_file
};

constexpr auto bytes = [] {
    std::array<std::uint16_t, 256> table{};
    for (std::size_t c = 0; c < 256; c++) {
        const auto is_one_of = [c](std::string_view some) {
            return some.find(static_cast<char>(c)) != some.npos;
        };
        table[c] = static_cast<unsigned char>(ascii_lower(static_cast<char>(c)));
        table[c] |= is_one_of("/.:") ? near : 0;
        table[c] |= c >= 0x80 || is_one_of("%\\;($") ? tricky : 0;
        table[c] |= c <= 0x20 || c == 0x7f || is_one_of("#?") ? refused : 0;
        table[c] |= is_one_of("._~bB") ? of_file : 0;
    }
    return table;
}();

constexpr unsigned look_up(char c) noexcept {
    return bytes[static_cast<unsigned char>(c)];
}

/// Whether a pair of them, the second of which is near, needs the long way.
constexpr bool is_tricky(char before, char c) noexcept {
    return before == '/' ? c != ':' : (before == '.' && c == '/') || (before == ':' && c == ':');
}

bool has_bad_escape(std::string_view raw) noexcept {
    for (std::size_t i = raw.find('%'); i != std::string_view::npos; i = raw.find('%', i)) {
        long code = 0;
        const std::size_t length = escape_at(raw.data() + i, raw.size() - i, code);
        if (length == 0) {
            return true;
        }
        i += length;
    }
    return false;
}

/// What decoded text has beside its segments.
struct Marks {
    std::size_t slashes = 0;
    bool backslash = false;
    bool question = false;
    bool cut = false;           ///< ";" or "#"
    bool windows_trick = false; ///< ASP.NET's "(S(", NTFS's "::" or ":$"
    bool more_to_decode = false;
};

Marks find_marks(std::string_view text) noexcept {
    Marks marks;
    for (std::size_t i = 0; i < text.size(); i++) {
        const auto next = [&](std::size_t k) { return i + k < text.size() ? text[i + k] : '\0'; };
        switch (text[i]) {
        case '/':
            marks.slashes++;
            break;
        case '\\':
            marks.backslash = true;
            break;
        case '?':
            marks.question = true;
            break;
        case ';':
        case '#':
            marks.cut = true;
            break;
        case '%':
            marks.more_to_decode = true;
            break;
        case ':':
            marks.windows_trick |= next(1) == ':' || next(1) == '$';
            break;
        case '(':
            marks.windows_trick |= is_letter(next(1)) && next(2) == '(';
            break;
        default:
            marks.more_to_decode |= static_cast<unsigned char>(text[i]) >= 0x80;
        }
    }
    return marks;
}

/// A path in which nothing but "." and ".." has to be resolved.
bool is_literal(std::string_view raw) noexcept {
    return raw.find("//") == std::string_view::npos &&
           std::ranges::none_of(raw, [](char c) { return (look_up(c) & tricky) != 0; });
}

} // namespace

/// Brings decoded text into normal form.
class PathReader {
public:
    /// `cuts`: there are parameters or fragments to cut off if lenient.
    PathReader(Reading& reading, bool lenient, bool cuts = false) noexcept
        : reading_(reading), lenient_(lenient), cuts_(cuts) {
        reading_.size_ = 0;
        reading_.may_name_file_ = true;
    }

    /// The short way, for a path that needs no decoding and has no odd segment. If it returns
    /// false, `seen` has the flags of the path's bytes.
    bool read_ordinary(std::string_view raw, unsigned& seen) noexcept {
        seen = 0;
        for (std::size_t i = 0; i < raw.size(); i++) {
            const unsigned byte = look_up(raw[i]);
            seen |= byte;
            reading_.text_[i] = static_cast<char>(byte);
            if ((byte & near) != 0 && i > 0 && is_tricky(raw[i - 1], raw[i])) {
                seen |= tricky;
            }
        }
        if ((seen & (tricky | refused)) != 0 || raw.back() == '.') {
            return false;
        }
        reading_.size_ = raw.size() - (raw.back() == '/' ? 1 : 0);
        reading_.may_name_file_ = (seen & of_file) != 0;
        return true;
    }

    /// The long way. `keep_parents`: ".." stays in, for what is never published.
    PathState read(std::string_view text, bool keep_parents = false) noexcept {
        std::size_t start = 0;
        for (std::size_t i = 0; i <= text.size(); i++) {
            if (i < text.size() && !is_slash(text[i])) {
                continue;
            }
            if (!add_segment(text.substr(start, i - start), keep_parents)) {
                return PathState::ambiguous;
            }
            start = i + 1;
        }
        return PathState::fine;
    }

    /// Whether there was a "..".
    bool has_parents() const noexcept { return parents_; }

    /// Whether a segment begins or ends with what a lenient reader drops.
    bool has_odd_edges() const noexcept { return odd_edges_; }

private:
    bool add_segment(std::string_view text, bool keep_parents) noexcept {
        if (cuts_) {
            const std::size_t end = std::min(text.find_first_of(";#"), text.size());
            if (contains_ignore_case(text.substr(end), ".config")) {
                return false; // what ends in .config is never published, parameter or not
            }
            text = text.substr(0, end);
        }
        if (text.empty() || text == ".") {
            return true;
        }
        if (text == "..") {
            parents_ = true;
            if (!keep_parents) {
                return remove_segment();
            }
        } else {
            std::string_view bare = text;
            while (!bare.empty() && (bare.back() == '.' || bare.back() == ' ')) {
                bare.remove_suffix(1);
            }
            if (bare.empty()) {
                return false; // dots and spaces alone
            }
            while (bare.front() == ' ') {
                bare.remove_prefix(1);
            }
            odd_edges_ |= bare.size() != text.size();
            text = lenient_ ? bare : text;
        }
        char* out = reading_.text_ + reading_.size_;
        *out++ = '/';
        for (std::size_t i = 0; i < text.size(); i++) {
            out[i] = ascii_lower(text[i]);
        }
        reading_.size_ += text.size() + 1;
        return true;
    }

    bool remove_segment() noexcept {
        if (reading_.size_ == 0) {
            return false;
        }
        while (reading_.text_[--reading_.size_] != '/') {
        }
        return true;
    }

    Reading& reading_;
    bool lenient_;
    bool cuts_;
    bool parents_ = false;
    bool odd_edges_ = false;
};

namespace {

/// Takes off all further layers of encoding; false if there are too many, or the result isn't text.
bool decode_fully(char* text, std::size_t& size, Marks& marks) noexcept {
    for (int encodings = 0; marks.more_to_decode; encodings++) {
        const Decoded decoded = decode_once(text, size, Decoding::folding);
        if (decoded.state != TextState::fine || encodings == max_encodings) {
            return false;
        }
        marks = find_marks({text, decoded.size});
        // Decoding and folding always shorten the text if they change anything.
        if (std::exchange(size, decoded.size) == decoded.size) {
            break;
        }
    }
    return true;
}

/// The second reading, of text that is decoded once and that `strict` has read.
PathState read_on(std::string_view raw, char* text, std::size_t size, const PathReader& strict,
                  Readings& readings) noexcept {
    Marks marks = find_marks({text, size});
    const bool settled = !marks.more_to_decode;
    if (!decode_fully(text, size, marks)) {
        return PathState::ambiguous;
    }
    const bool hidden_slash =
        marks.backslash || marks.slashes != static_cast<std::size_t>(std::ranges::count(raw, '/'));
    if (marks.question || marks.windows_trick || (hidden_slash && marks.cut)) {
        return PathState::ambiguous;
    }
    if (settled && !marks.cut && !strict.has_odd_edges() && !strict.has_parents()) {
        return PathState::fine; // the lenient reading would be the same
    }
    PathReader lenient(readings.other, true, marks.cut);
    if (const PathState state = lenient.read({text, size}); state != PathState::fine) {
        return state;
    }
    const bool differ = readings.strict.path() != readings.other.path();
    if (strict.has_parents() || lenient.has_parents()) {
        if (differ || !is_literal(raw)) {
            return PathState::ambiguous;
        }
        readings.second = Second::unresolved;
        return PathReader(readings.other, false).read(raw, true);
    }
    readings.second = differ ? Second::lenient : Second::none;
    return PathState::fine;
}

} // namespace

PathState read_path(std::string_view raw, Readings& readings) noexcept {
    readings.second = Second::none;
    if (raw.empty()) {
        raw = "/";
    }
    if (raw.size() > max_path || raw.front() != '/') {
        return PathState::malformed;
    }

    // Nearly every request ends here.
    PathReader strict(readings.strict, false);
    unsigned seen = 0;
    if (strict.read_ordinary(raw, seen)) {
        return PathState::fine;
    }
    if ((seen & refused) != 0 || has_bad_escape(raw)) {
        return PathState::malformed;
    }

    char text[max_path];
    std::memcpy(text, raw.data(), raw.size());
    const Decoded decoded = decode_once(text, raw.size(), Decoding::exact);
    if (decoded.state != TextState::fine) {
        return decoded.state == TextState::has_controls ? PathState::malformed
                                                        : PathState::ambiguous;
    }
    const PathState state = strict.read({text, decoded.size});
    return state != PathState::fine ? state : read_on(raw, text, decoded.size, strict, readings);
}

PathState read_plain(std::string_view raw, Reading& reading) noexcept {
    if (raw.size() > max_path || (!raw.empty() && raw.front() != '/')) {
        return PathState::malformed;
    }
    PathReader reader(reading, true);
    if (unsigned seen = 0; !raw.empty() && reader.read_ordinary(raw, seen)) {
        return PathState::fine;
    }
    char text[max_path];
    std::size_t size = 0;
    for (std::size_t i = 0; i < raw.size();) {
        long code = 0;
        const std::size_t length = escape_at(raw.data() + i, raw.size() - i, code);
        const bool decodes = length == 3 || (length == 6 && code < 0x80);
        text[size++] = decodes ? static_cast<char>(code) : raw[i];
        i += decodes ? length : 1;
    }
    return reader.read({text, size});
}

} // namespace lync::policy
