#include "balance/check_document.h"

#include "base/ascii.h"

#include <algorithm>

namespace lync::balance {

namespace {

constexpr std::string_view blank = " \t\r\n";

/// The value of an attribute in the text of a start tag; empty if it isn't there.
std::string_view attribute(std::string_view tag, std::string_view name) noexcept {
    tag.remove_prefix(std::min(tag.find_first_of(blank), tag.size()));
    for (std::size_t sign = tag.find('='); sign != tag.npos; sign = tag.find('=')) {
        const std::size_t begin = tag.find_first_of("\"'", sign);
        const std::size_t end = begin == tag.npos ? begin : tag.find(tag[begin], begin + 1);
        if (end == tag.npos) {
            break;
        }
        if (trimmed(tag.substr(0, sign), blank) == name) {
            return tag.substr(begin + 1, end - begin - 1);
        }
        tag.remove_prefix(end + 1);
    }
    return {};
}

} // namespace

std::string_view CheckDocument::root() const noexcept {
    const std::string_view name = root_.view();
    return name.substr(name.find(':') + 1);
}

void CheckDocument::take_json(char c) noexcept {
    if (quote_ != 0) {
        if (c == '"' && !escaped_) {
            quote_ = 0;
            end_string();
        } else if (c != '\\' || escaped_) {
            text_.add(c);
        }
        escaped_ = c == '\\' && !escaped_;
        return;
    }
    switch (c) {
    case '"':
        quote_ = c;
        text_.size = 0;
        break;
    case ':':
        end_key();
        break;
    case '{':
    case '[':
        has_links_ = has_links_ || (is_value_ && depth_ == 1 && path_[1] == Key::links);
        is_value_ = false;
        if (++depth_ < path_.size()) {
            path_[depth_] = Key::other;
        }
        break;
    case '}':
    case ']':
        depth_ -= depth_ == 0 ? 0 : 1;
        complete_ = depth_ == 0;
        is_value_ = false;
        break;
    case ',':
        is_value_ = false;
        break;
    default:
        break;
    }
}

void CheckDocument::end_key() noexcept {
    is_value_ = true;
    if (depth_ < path_.size()) {
        const std::string_view key = text_.view();
        path_[depth_] = key == "AccessLocation" ? Key::access_location
                        : key == "_links"       ? Key::links
                        : key == "self"         ? Key::self
                        : key == "href"         ? Key::href
                                                : Key::other;
    }
}

void CheckDocument::end_string() noexcept {
    if (is_value_ && depth_ == 1 && path_[1] == Key::access_location) {
        access_location_.set(text_.view());
    }
    if (is_value_ && depth_ == 3 && path_[1] == Key::links && path_[2] == Key::self &&
        path_[3] == Key::href) {
        self_.set(text_.view());
    }
}

void CheckDocument::take_xml(char c) noexcept {
    if (!in_tag_) {
        in_tag_ = c == '<';
        text_.size = 0;
        return;
    }
    if (quote_ == 0 && c == '>') {
        in_tag_ = false;
        end_tag();
        return;
    }
    text_.add(c);
    // Comments and declarations may hold a quote alone.
    if (c == quote_) {
        quote_ = 0;
    } else if (quote_ == 0 && (c == '"' || c == '\'') && text_.bytes[0] != '!' &&
               text_.bytes[0] != '?') {
        quote_ = c;
    }
}

void CheckDocument::end_tag() noexcept {
    const std::string_view tag = text_.view();
    if (tag.starts_with('!') || tag.starts_with('?')) {
        return;
    }
    if (root_.size == 0) {
        root_.set(tag.substr(0, tag.find_first_of(" \t\r\n/")));
        access_location_.set(attribute(tag, "AccessLocation"));
        complete_ = tag.ends_with('/');
    } else if (tag.starts_with('/') && trimmed(tag.substr(1), blank) == root_.view()) {
        complete_ = true;
    }
}

} // namespace lync::balance
