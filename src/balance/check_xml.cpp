#include "balance/check_xml.h"

namespace lync::balance {

namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
constexpr bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
/// Bytes of UTF-8 beyond ASCII pass as letters.
constexpr bool begins_name(char c) noexcept {
    return is_letter(c) || c == '_' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool continues_name(char c) noexcept {
    return begins_name(c) || is_digit(c) || c == '-' || c == '.';
}
constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 && !is_space(c);
}

constexpr std::string_view section_key = "[CDATA[";

} // namespace

std::string_view XmlReader::root() const noexcept {
    return root_size_ > root_.size() ? std::string_view{}
                                     : std::string_view(root_.data(), root_size_);
}

std::string_view XmlReader::access_location() const noexcept {
    return access_location_size_ > access_location_.size()
               ? std::string_view{}
               : std::string_view(access_location_.data(), access_location_size_);
}

bool XmlReader::take(char c) noexcept {
    if (is_control(c)) {
        return false;
    }
    switch (state_) {
    case State::text:
        return take_text(c);
    case State::entity:
        return take_entity(c);
    case State::open:
    case State::bang:
    case State::comment_one:
    case State::section_key:
        return take_open(c);
    case State::instruction:
    case State::comment:
    case State::section:
        return take_markup(c);
    case State::name:
    case State::tag:
    case State::space:
    case State::attribute:
    case State::equals:
    case State::quote:
    case State::empty:
        return take_tag(c);
    case State::value:
        return take_value(c);
    case State::end_first:
    case State::end_name:
    case State::end_space:
        return take_end(c);
    }
    return false;
}

bool XmlReader::take_text(char c) noexcept {
    if (c == '<') {
        state_ = State::open;
        return true;
    }
    if (depth_ == 0) {
        return is_space(c);
    }
    if (c == '&') {
        after_entity_ = State::text;
        state_ = State::entity;
        length_ = 0;
    }
    return true;
}

bool XmlReader::take_entity(char c) noexcept {
    if (c == ';') {
        state_ = after_entity_;
        return length_ > 0;
    }
    length_++;
    return length_ <= 32 && (continues_name(c) || (c == '#' && length_ == 1));
}

bool XmlReader::take_open(char c) noexcept {
    switch (state_) {
    case State::open:
        if (c == '/') {
            state_ = State::end_first;
            return depth_ > 0;
        }
        if (c == '?') {
            state_ = State::instruction;
            seen_ = 0;
            return true;
        }
        if (c == '!') {
            state_ = State::bang;
            return true;
        }
        begin_name(c);
        state_ = State::name;
        // A document has one root, and no deeper a tree than anybody sends.
        return begins_name(c) && (depth_ > 0 || !has_root_) && depth_ < deepest;
    case State::bang:
        if (c == '-') {
            state_ = State::comment_one;
            return true;
        }
        state_ = State::section_key;
        seen_ = 1;
        return c == section_key.front() && depth_ > 0;
    case State::comment_one:
        state_ = State::comment;
        seen_ = 0;
        return c == '-';
    default: // section_key
        if (c != section_key[seen_]) {
            return false;
        }
        if (++seen_ == section_key.size()) {
            state_ = State::section;
            seen_ = 0;
        }
        return true;
    }
}

/// What ends at "?>", "-->" or "]]>" and says nothing.
bool XmlReader::take_markup(char c) noexcept {
    const bool instruction = state_ == State::instruction;
    const char mark = instruction ? '?' : state_ == State::comment ? '-' : ']';
    const std::uint8_t needed = instruction ? 1 : 2;
    if (c == mark) {
        seen_ = seen_ < needed ? static_cast<std::uint8_t>(seen_ + 1) : seen_;
    } else if (c == '>' && seen_ == needed) {
        state_ = State::text;
    } else {
        seen_ = 0;
    }
    return true;
}

void XmlReader::begin_name(char c) noexcept {
    hash_ = 14695981039346656037ULL; // FNV-1a
    name_size_ = 0;
    add_to_name(c);
}

void XmlReader::add_to_name(char c) noexcept {
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    if (name_size_ < name_.size()) {
        name_[name_size_] = c;
    }
    name_size_++;
}

bool XmlReader::take_tag(char c) noexcept {
    switch (state_) {
    case State::name:
        if (continues_name(c)) {
            add_to_name(c);
            return true;
        }
        names_[depth_] = hash_;
        in_root_tag_ = depth_ == 0;
        if (in_root_tag_) {
            has_root_ = true;
            std::string_view name(name_.data(), name_size_ > name_.size() ? 0 : name_size_);
            name.remove_prefix(name.find(':') + 1);
            root_size_ = name_size_ > name_.size() ? root_.size() + 1 : name.copy(root_.data(), 32);
        }
        state_ = State::tag;
        return take_tag(c);
    case State::tag:
        if (is_space(c)) {
            state_ = State::space;
            return true;
        }
        [[fallthrough]];
    case State::space:
        if (c == '>') {
            return tag_ends(false);
        }
        if (c == '/') {
            state_ = State::empty;
            return true;
        }
        if (state_ == State::space && !is_space(c)) {
            begin_name(c);
            state_ = State::attribute;
            return begins_name(c);
        }
        return state_ == State::space;
    case State::attribute:
        if (continues_name(c)) {
            add_to_name(c);
            return true;
        }
        keeps_value_ = in_root_tag_ && name_size_ <= name_.size() &&
                       std::string_view(name_.data(), name_size_) == "AccessLocation";
        state_ = State::equals;
        return take_tag(c);
    case State::equals:
        if (c == '=') {
            state_ = State::quote;
            return true;
        }
        return is_space(c);
    case State::quote:
        if (c == '"' || c == '\'') {
            quote_ = c;
            state_ = State::value;
            access_location_size_ = keeps_value_ ? 0 : access_location_size_;
            return true;
        }
        return is_space(c);
    default: // empty
        return c == '>' && tag_ends(true);
    }
}

bool XmlReader::take_value(char c) noexcept {
    if (c == quote_) {
        state_ = State::tag;
        return true;
    }
    if (keeps_value_) {
        if (access_location_size_ < access_location_.size()) {
            access_location_[access_location_size_] = c;
        }
        access_location_size_++;
    }
    if (c == '&') {
        after_entity_ = State::value;
        state_ = State::entity;
        length_ = 0;
    }
    return c != '<';
}

bool XmlReader::tag_ends(bool is_empty) noexcept {
    in_root_tag_ = false;
    keeps_value_ = false;
    depth_ += is_empty ? 0 : 1;
    state_ = State::text;
    return true;
}

bool XmlReader::take_end(char c) noexcept {
    switch (state_) {
    case State::end_first:
        begin_name(c);
        state_ = State::end_name;
        return begins_name(c);
    case State::end_name:
        if (continues_name(c)) {
            add_to_name(c);
            return true;
        }
        state_ = State::end_space;
        [[fallthrough]];
    default: // end_space
        if (c != '>') {
            return is_space(c);
        }
        state_ = State::text;
        return names_[--depth_] == hash_;
    }
}

} // namespace lync::balance
