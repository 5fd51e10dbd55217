#include "lyncctl/import/xml_file.h"

#include "base/ascii.h"

#include <algorithm>

namespace lync::lyncctl {

namespace {

/// Looks at every byte once before pugixml does: what it would overlook or pay too much for.
class Scanner {
public:
    Scanner(std::string_view text, const std::string& name) : text_(text), name_(name) {}

    void scan() {
        check_encoding();
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '<') {
                tag();
            } else if (c == '&') {
                entity();
            } else {
                if (in_tag_ && c == '=') {
                    count_node();
                } else if (in_tag_ && c == '>') {
                    in_tag_ = false;
                } else if (in_tag_ && (c == '"' || c == '\'')) {
                    value(c);
                    continue;
                }
                at_++;
            }
        }
    }

private:
    [[noreturn]] void fail(const std::string& text, std::size_t at) const {
        const auto line = std::count(text_.begin(), text_.begin() + static_cast<long>(at), '\n');
        throw Mistake(text, {name_, static_cast<unsigned>(line) + 1});
    }

    bool begins(std::string_view what) const { return text_.substr(at_).starts_with(what); }

    void check_encoding() const {
        if (text_.empty()) {
            fail("the file is empty", 0);
        }
        if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff") ||
            text_.substr(0, 4).find('\0') != text_.npos) {
            fail("the file is UTF-16 or UTF-32: save it as UTF-8", 0);
        }
        if (const std::size_t nul = text_.find('\0'); nul != text_.npos) {
            fail("the file holds a byte 0x00: it isn't XML", nul);
        }
        const std::size_t bad = invalid_utf8();
        if (bad != text_.npos) {
            fail("the file isn't UTF-8: byte " + lync::quoted(text_.substr(bad, 1)), bad);
        }
        check_declaration();
    }

    /// `<?xml version="1.0" encoding="..."?>`: text in ASCII may call itself what it likes.
    void check_declaration() const {
        if (!text_.starts_with("<?xml")) {
            return;
        }
        const std::string_view declaration = text_.substr(0, text_.find("?>"));
        const std::size_t key = declaration.find("encoding");
        if (key == declaration.npos) {
            return;
        }
        const std::size_t open = declaration.find_first_of("\"'", key);
        const std::size_t close =
            open == declaration.npos ? open : declaration.find(declaration[open], open + 1);
        if (close == declaration.npos) {
            return; // the parser will say it
        }
        const std::string encoding = to_ascii_lower(declaration.substr(open + 1, close - open - 1));
        const bool ascii = std::all_of(text_.begin(), text_.end(),
                                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
        if (encoding != "utf-8" && encoding != "utf8" && !ascii) {
            fail("the file says it is " + lync::quoted(encoding) + ": save it as UTF-8", 0);
        }
    }

    /// The first byte that isn't part of a well-formed character [Unicode, table 3-7].
    std::size_t invalid_utf8() const {
        std::size_t at = 0;
        while (at < text_.size()) {
            const auto lead = static_cast<unsigned char>(text_[at]);
            const std::size_t length = lead < 0x80                   ? 1
                                       : lead >= 0xc2 && lead < 0xe0 ? 2
                                       : lead >= 0xe0 && lead < 0xf0 ? 3
                                       : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                     : 0;
            if (length == 0 || length > text_.size() - at) {
                return at;
            }
            for (std::size_t i = 1; i < length; i++) {
                const auto next = static_cast<unsigned char>(text_[at + i]);
                const unsigned low = i != 1         ? 0x80
                                     : lead == 0xe0 ? 0xa0
                                     : lead == 0xf0 ? 0x90
                                                    : 0x80;
                const unsigned high = i != 1         ? 0xbf
                                      : lead == 0xed ? 0x9f
                                      : lead == 0xf4 ? 0x8f
                                                     : 0xbf;
                if (next < low || next > high) {
                    return at;
                }
            }
            at += length;
        }
        return text_.npos;
    }

    void count_node() {
        if (++nodes_ > most_xml_nodes) {
            fail("the file has more than " + std::to_string(most_xml_nodes) +
                     " elements and attributes",
                 at_);
        }
    }

    void tag() {
        count_node();
        if (begins("<!--")) {
            skip("-->", 4, "comment");
        } else if (begins("<![CDATA[")) {
            skip("]]>", 9, "CDATA section");
        } else if (begins("<?")) {
            skip("?>", 2, "processing instruction");
        } else if (begins("<!")) {
            fail("the file has a document type or entities (\"<!\"): the product writes none, so "
                 "it isn't read",
                 at_);
        } else {
            in_tag_ = true;
            at_++;
        }
    }

    void skip(std::string_view end, std::size_t begin, std::string_view what) {
        const std::size_t found = text_.find(end, at_ + begin);
        if (found == text_.npos) {
            fail("the file ends within a " + std::string(what) + ": is it whole?", at_);
        }
        at_ = found + end.size();
    }

    /// The value of an attribute: ">" may stand in it.
    void value(char quote) {
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == text_.npos) {
            fail("the file ends within the value of an attribute: is it whole?", at_);
        }
        for (at_++; at_ < end;) {
            if (text_[at_] == '&') {
                entity();
            } else {
                at_++;
            }
        }
        at_ = end + 1;
    }

    void entity() {
        const std::size_t end = text_.find(';', at_);
        const std::string_view name =
            end == text_.npos ? std::string_view{} : text_.substr(at_ + 1, end - at_ - 1);
        const bool known = name == "amp" || name == "lt" || name == "gt" || name == "quot" ||
                           name == "apos" || (name.size() > 1 && name.front() == '#');
        if (!known) {
            fail("unknown entity " +
                     lync::quoted(text_.substr(at_, std::min<std::size_t>(name.size() + 2, 40))),
                 at_);
        }
        at_ = end + 1;
    }

    std::string_view text_;
    const std::string& name_;
    std::size_t at_ = 0;
    std::size_t nodes_ = 0;
    bool in_tag_ = false;
};

} // namespace

XmlFile::XmlFile(std::string_view content, std::string name, std::string_view root_name)
    : name_(std::move(name)) {
    if (content.size() > largest_xml) {
        throw Mistake("the file is larger than " + std::to_string(largest_xml / 1024 / 1024) +
                          " MB",
                      {name_, 1});
    }
    if (content.starts_with("\xef\xbb\xbf")) {
        content.remove_prefix(3); // as editors of Windows write it
    }
    Scanner(content, name_).scan();

    content_ = content;
    for (std::size_t at = content_.find('\n'); at != content_.npos;
         at = content_.find('\n', at + 1)) {
        line_ends_.push_back(at);
    }
    const pugi::xml_parse_result result =
        document_.load_buffer(content_.data(), content_.size(),
                              pugi::parse_default | pugi::parse_trim_pcdata, pugi::encoding_utf8);
    if (!result) {
        std::string text = result.description();
        if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z') {
            text.front() = static_cast<char>(text.front() - 'A' + 'a');
        }
        throw Mistake("the file isn't well-formed XML: " + text, place_at(result.offset));
    }
    if (root().name() != root_name) {
        throw Mistake("the outermost element is " + lync::quoted(root().name()) + " and not " +
                          lync::quoted(root_name) + ": is it the right file?",
                      place(root()));
    }
    if (const pugi::xml_node second = root().next_sibling();
        second.type() == pugi::node_element || second.type() == pugi::node_pcdata) {
        throw Mistake("the file isn't well-formed XML: there is more after " +
                          lync::quoted("</" + std::string(root_name) + ">"),
                      place(second));
    }
}

Place XmlFile::place(pugi::xml_node node) const {
    return place_at(node.offset_debug());
}

Place XmlFile::place_at(std::ptrdiff_t offset) const {
    const auto at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0));
    const auto before = std::lower_bound(line_ends_.begin(), line_ends_.end(), at);
    return {name_, static_cast<unsigned>(before - line_ends_.begin()) + 1};
}

} // namespace lync::lyncctl
