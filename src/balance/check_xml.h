#pragma once

// XML [XML 1.0], checked byte by byte for being well-formed as far as a document without a DTD can
// be, of which the name of the root element and its AccessLocation are kept. A document type
// declaration is refused: no server that is asked here sends one, and entities are not for us.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::balance {

class XmlReader {
public:
    void begin() noexcept { *this = XmlReader{}; }

    /// Takes one byte; false if this is no such XML, or nests deeper than anything sensible.
    bool take(char c) noexcept;

    /// Whether a whole document was read.
    bool complete() const noexcept { return state_ == State::text && depth_ == 0 && has_root_; }

    /// The name of the root element without a prefix; empty if it is longer than anybody knows.
    std::string_view root() const noexcept;
    /// `AccessLocation` of the root element; empty if it has none.
    std::string_view access_location() const noexcept;

    static constexpr std::size_t deepest = 32;

private:
    enum class State : std::uint8_t {
        text,        ///< between tags
        entity,      ///< after "&", up to ";"
        open,        ///< after "<"
        instruction, ///< <? ... ?>
        bang,        ///< after "<!"
        comment_one, ///< after "<!-"
        comment,     ///< <!-- ... -->
        section_key, ///< <![CDATA[
        section,     ///< ... ]]>
        name,        ///< of a start tag
        tag,         ///< after a name or a value: a space, "/" or ">" must come
        space,       ///< an attribute, "/" or ">"
        attribute,   ///< its name
        equals,      ///< "=" must come
        quote,       ///< a quote must come
        value,       ///< of an attribute
        empty,       ///< after "/"
        end_first,   ///< after "</"
        end_name,    ///< of an end tag
        end_space,   ///< after it
    };

    bool take_text(char c) noexcept;
    bool take_entity(char c) noexcept;
    bool take_open(char c) noexcept;
    bool take_markup(char c) noexcept;
    bool take_tag(char c) noexcept;
    bool take_value(char c) noexcept;
    bool take_end(char c) noexcept;
    bool tag_ends(bool is_empty) noexcept;
    void begin_name(char c) noexcept;
    void add_to_name(char c) noexcept;

    State state_ = State::text;
    State after_entity_ = State::text;
    bool has_root_ = false;
    bool in_root_tag_ = false;
    bool keeps_value_ = false;
    char quote_ = 0;
    std::uint8_t seen_ = 0; ///< bytes of what ends a comment, an instruction or a section
    std::size_t length_ = 0;
    std::size_t depth_ = 0;
    std::uint64_t hash_ = 0; ///< of the name that is being read
    std::array<std::uint64_t, deepest> names_{};
    std::array<char, 32> name_{}; ///< what was read of it
    std::size_t name_size_ = 0;   ///< how long it is
    std::array<char, 32> root_{};
    std::size_t root_size_ = 0;
    std::array<char, 16> access_location_{};
    std::size_t access_location_size_ = 0;
};

} // namespace lync::balance
