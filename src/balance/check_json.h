#pragma once

// JSON [RFC 8259], checked byte by byte, of which two values are kept: AccessLocation, and the
// address of the self link in UCWA's dialect of autodiscover.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::balance {

class JsonReader {
public:
    void begin() noexcept { *this = JsonReader{}; }

    /// Takes one byte; false if this is no JSON, or nests deeper than anything sensible.
    bool take(char c) noexcept;

    /// Whether a whole value was read, which must be an object.
    bool complete() const noexcept { return state_ == State::done && is_object_; }

    /// `AccessLocation` of the document; empty if it has none, or a longer one than anybody knows.
    std::string_view access_location() const noexcept { return access_location_.view(); }
    /// `_links.self.href`; cut off where it is longer than a host and some of a path.
    std::string_view self() const noexcept { return self_.view(); }
    bool has_links() const noexcept { return has_links_; }

    static constexpr std::size_t deepest = 32;

private:
    enum class State : std::uint8_t {
        value,        ///< a value must come
        first_value,  ///< of an array: a value or its end
        first_key,    ///< of an object: a key or its end
        key,          ///< a key must come
        colon,        ///< after a key
        after,        ///< after a value: a comma or the end
        string,       ///< inside
        escape,       ///< after a backslash
        unicode,      ///< inside \uXXXX
        literal,      ///< true, false, null
        minus,        ///< a digit must come
        zero,         ///< nothing but a fraction or an exponent
        integer,      ///< more digits
        point,        ///< a digit must come
        fraction,     ///< more digits
        exponent,     ///< a sign or a digit must come
        exponent_one, ///< a digit must come
        exponent_all, ///< more digits
        done,
    };
    /// Which object of the document an object is.
    enum class Place : std::uint8_t { other, root, links, self };
    enum class Keep : std::uint8_t { nothing, access_location, self };

    template <std::size_t N>
    struct Text {
        std::array<char, N> bytes{};
        std::size_t size = 0;
        bool cut = false;

        void add(char c) noexcept {
            if (size < N) {
                bytes[size++] = c;
            } else {
                cut = true;
            }
        }
        std::string_view view() const noexcept { return {bytes.data(), size}; }
    };

    bool begin_value(char c) noexcept;
    bool begin_nested(bool object) noexcept;
    bool end_nested(bool object) noexcept;
    bool take_after(char c) noexcept;
    bool take_number(char c) noexcept;
    void add(char c) noexcept;
    void end_string() noexcept;
    void end_value() noexcept { state_ = depth_ == 0 ? State::done : State::after; }

    State state_ = State::value;
    bool in_key_ = false;
    bool is_object_ = false;
    bool has_links_ = false;
    std::uint8_t digits_ = 0; ///< of \uXXXX
    std::size_t depth_ = 0;
    std::array<bool, deepest> objects_{}; ///< or arrays
    std::array<Place, deepest> places_{};
    Place next_place_ = Place::root; ///< of an object that begins now
    Keep keep_ = Keep::nothing;      ///< of the value that begins now
    std::string_view literal_;
    Text<24> key_;
    Text<16> access_location_;
    Text<300> self_;
};

} // namespace lync::balance
