#pragma once

// Finds the tokens in documents of autodiscover and Office Web Apps that show which site responded.
// Not a validator: everything between these tokens is skipped.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::balance {

/// One JSON object or XML document. What is longer than any text that matters is cut off.
class CheckDocument {
public:
    explicit CheckDocument(bool is_xml = false) noexcept : is_xml_(is_xml) {}

    /// Takes one byte, the first "{" or "<" to begin with.
    void take(char c) noexcept { is_xml_ ? take_xml(c) : take_json(c); }

    /// Whether the outermost object or element has ended.
    bool complete() const noexcept { return complete_; }
    /// The name of XML's root element, without a prefix; empty for JSON.
    std::string_view root() const noexcept;
    /// `AccessLocation` of the outermost object or element; empty if it has none.
    std::string_view access_location() const noexcept { return access_location_.view(); }
    /// In UCWA's dialect: whether there are `_links`, and their `self.href`.
    bool has_links() const noexcept { return has_links_; }
    std::string_view self() const noexcept { return self_.view(); }

private:
    struct Text {
        std::array<char, 1024> bytes{};
        std::size_t size = 0;

        void add(char c) noexcept {
            if (size < bytes.size()) {
                bytes[size++] = c;
            }
        }
        void set(std::string_view text) noexcept { size = text.copy(bytes.data(), bytes.size()); }
        std::string_view view() const noexcept { return {bytes.data(), size}; }
    };
    enum class Key : std::uint8_t { other, access_location, links, self, href };

    void take_json(char c) noexcept;
    void end_key() noexcept;
    void end_string() noexcept;
    void take_xml(char c) noexcept;
    void end_tag() noexcept;

    Text text_; ///< of the string or tag that is being read
    Text root_; ///< prefix included
    Text access_location_;
    Text self_;
    bool complete_ = false;
    bool has_links_ = false;
    bool is_xml_;
    bool in_tag_ = false;
    char quote_ = 0;            ///< what ends the string that is being read
    bool escaped_ = false;      ///< after a backslash
    bool is_value_ = false;     ///< after the colon of a key
    std::size_t depth_ = 0;     ///< of objects and arrays
    std::array<Key, 4> path_{}; ///< the key at each depth, as deep as any matters
};

} // namespace lync::balance
