#include "config/editor_traces.h"

#include "base/ascii.h"

#include <algorithm>

namespace lync::config {

namespace {

bool contains_any(std::string_view word, std::initializer_list<std::string_view> parts) noexcept {
    return std::ranges::any_of(
        parts, [word](std::string_view part) { return word.find(part) != std::string_view::npos; });
}

/// Every second byte is zero, as in Latin letters; the byte order mark may be in the word before.
bool is_utf16(std::string_view word) noexcept {
    const auto zero_from = [word](std::size_t at) {
        for (; at < word.size(); at += 2) {
            if (word[at] != '\0') {
                return false;
            }
        }
        return true;
    };
    return word.size() > 1 && (zero_from(0) || zero_from(1));
}

/// "C:\nginx\x.pem" and "C:/nginx/x.pem". nginx's parser makes a newline of the first one's "\n".
bool is_windows_path(std::string_view word) noexcept {
    return word.size() > 2 && is_ascii_alnum(word[0]) && (word[0] < '0' || word[0] > '9') &&
           word[1] == ':' && (word[2] == '\\' || word[2] == '/' || word[2] < 0x20);
}

} // namespace

std::string_view encoding_trace(std::string_view bytes) noexcept {
    if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff")) {
        return "the file is UTF-16, save it as UTF-8 without a byte order mark";
    }
    if (bytes.starts_with("\xef\xbb\xbf")) {
        return "the file begins with a byte order mark, save it as UTF-8 without one";
    }
    return {};
}

std::string_view editor_trace(std::string_view word) noexcept {
    if (const std::string_view encoding = encoding_trace(word); !encoding.empty()) {
        return encoding;
    }
    if (is_utf16(word)) {
        return "the file is UTF-16, save it as UTF-8 without a byte order mark";
    }
    if (contains_any(word, {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x8b"})) {
        return "it has a no-break space in it, as copied from a web page: type the space again";
    }
    if (contains_any(word, {"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e", "\xe2\x80\x98",
                            "\xe2\x80\x99", "\xe2\x80\x9a", "\xc2\xab", "\xc2\xbb"})) {
        return "it has typographic quotes in it, as a word processor writes them: type \" or none";
    }
    if (word.starts_with("//") || word.starts_with("/*")) {
        return "a comment begins with \"#\"";
    }
    if (word.starts_with('=')) {
        return "a directive is followed by a space and its value, without \"=\"";
    }
    if (word.ends_with(',')) {
        return "values are separated by spaces, without commas";
    }
    if (is_windows_path(word)) {
        return "it is a path of Windows, write one of this system, such as /etc/nginx/contoso.pem";
    }
    return {};
}

} // namespace lync::config
