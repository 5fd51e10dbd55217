#include "balance/check_json.h"

namespace lync::balance {

namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

} // namespace

bool JsonReader::take(char c) noexcept {
    switch (state_) {
    case State::value:
        return is_space(c) || begin_value(c);
    case State::first_value:
        return is_space(c) || (c == ']' ? end_nested(false) : begin_value(c));
    case State::first_key:
        if (c == '}') {
            return end_nested(true);
        }
        [[fallthrough]];
    case State::key:
        if (c == '"') {
            in_key_ = true;
            key_ = {};
            state_ = State::string;
            return true;
        }
        return is_space(c);
    case State::colon:
        if (c == ':') {
            state_ = State::value;
            return true;
        }
        return is_space(c);
    case State::after:
        return take_after(c);
    case State::string:
        if (c == '"') {
            end_string();
        } else if (c == '\\') {
            state_ = State::escape;
        } else {
            add(c);
            return static_cast<unsigned char>(c) >= 0x20;
        }
        return true;
    case State::escape:
        state_ = State::string;
        if (c == 'u') {
            state_ = State::unicode;
            digits_ = 0;
            return true;
        }
        add(c == '"' || c == '\\' || c == '/' ? c : '?');
        return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    case State::unicode:
        if (++digits_ == 4) {
            add('?'); // no value that anybody looks for has one
            state_ = State::string;
        }
        return is_hex(c);
    case State::literal:
        if (c != literal_.front()) {
            return false;
        }
        literal_.remove_prefix(1);
        if (literal_.empty()) {
            end_value();
        }
        return true;
    case State::done:
        return is_space(c);
    default:
        return take_number(c);
    }
}

bool JsonReader::begin_value(char c) noexcept {
    // The text of a kept value takes the place of what an earlier one of the same name said.
    if (c == '"') {
        if (keep_ == Keep::access_location) {
            access_location_ = {};
        } else if (keep_ == Keep::self) {
            self_ = {};
        }
        in_key_ = false;
        state_ = State::string;
        return true;
    }
    keep_ = Keep::nothing;
    switch (c) {
    case '{':
        return begin_nested(true);
    case '[':
        return begin_nested(false);
    case 't':
        literal_ = "rue";
        break;
    case 'f':
        literal_ = "alse";
        break;
    case 'n':
        literal_ = "ull";
        break;
    case '-':
        state_ = State::minus;
        return true;
    case '0':
        state_ = State::zero;
        return true;
    default:
        state_ = State::integer;
        return is_digit(c);
    }
    state_ = State::literal;
    return true;
}

bool JsonReader::begin_nested(bool object) noexcept {
    if (depth_ == deepest) {
        return false;
    }
    if (depth_ == 0) {
        is_object_ = object;
    }
    objects_[depth_] = object;
    places_[depth_] = object ? next_place_ : Place::other;
    has_links_ = has_links_ || places_[depth_] == Place::links;
    next_place_ = Place::other;
    depth_++;
    state_ = object ? State::first_key : State::first_value;
    return true;
}

bool JsonReader::end_nested(bool object) noexcept {
    if (objects_[depth_ - 1] != object) {
        return false;
    }
    depth_--;
    end_value();
    return true;
}

bool JsonReader::take_after(char c) noexcept {
    if (c == ',') {
        next_place_ = Place::other;
        state_ = objects_[depth_ - 1] ? State::key : State::value;
        return true;
    }
    if (c == '}' || c == ']') {
        return end_nested(c == '}');
    }
    return is_space(c);
}

bool JsonReader::take_number(char c) noexcept {
    const bool digit = is_digit(c);
    switch (state_) {
    case State::minus:
        state_ = c == '0' ? State::zero : State::integer;
        return digit;
    case State::point:
        state_ = State::fraction;
        return digit;
    case State::exponent:
        state_ = digit ? State::exponent_all : State::exponent_one;
        return digit || c == '+' || c == '-';
    case State::exponent_one:
        state_ = State::exponent_all;
        return digit;
    case State::integer:
    case State::fraction:
    case State::exponent_all:
        if (digit) {
            return true;
        }
        break;
    default:
        break;
    }

    if (c == '.' && (state_ == State::zero || state_ == State::integer)) {
        state_ = State::point;
        return true;
    }
    if ((c == 'e' || c == 'E') && state_ != State::exponent_all) {
        state_ = State::exponent;
        return true;
    }
    // A number has no end of its own: this byte belongs to what follows.
    end_value();
    return take(c);
}

void JsonReader::add(char c) noexcept {
    if (in_key_) {
        key_.add(c);
    } else if (keep_ == Keep::access_location) {
        access_location_.add(c);
    } else if (keep_ == Keep::self) {
        self_.add(c);
    }
}

void JsonReader::end_string() noexcept {
    if (!in_key_) {
        if (keep_ == Keep::access_location && access_location_.cut) {
            access_location_ = {};
        }
        keep_ = Keep::nothing;
        end_value();
        return;
    }

    state_ = State::colon;
    const std::string_view key = key_.cut ? std::string_view{} : key_.view();
    next_place_ = Place::other;
    keep_ = Keep::nothing;
    switch (places_[depth_ - 1]) {
    case Place::root:
        if (key == "AccessLocation") {
            keep_ = Keep::access_location;
        } else if (key == "_links") {
            next_place_ = Place::links;
        }
        break;
    case Place::links:
        if (key == "self") {
            next_place_ = Place::self;
        }
        break;
    case Place::self:
        if (key == "href") {
            keep_ = Keep::self;
        }
        break;
    case Place::other:
        break;
    }
}

} // namespace lync::balance
