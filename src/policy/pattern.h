#pragma once

// Regular expressions over what a client sends, whose cost is bounded whatever it sends: PCRE2,
// compiled with JIT when the configuration is read.
//
// A pattern is run only where its literals occur: the texts that are in everything it matches
// ("autodiscover.json" and "powershell" of `autodiscover\.json.*powershell`). They are searched by
// their rarest byte, so a text without them costs a memchr. Where they do occur, no text of more
// than `max_text` bytes is tried, with at most `match_limit` steps from each of its bytes. Beyond
// these limits, which no ordinary client reaches, the result is `limit`.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace lync::policy {

class Pattern {
public:
    static constexpr std::size_t max_text = 512;
    static constexpr unsigned match_limit = 10'000;
    /// Bytes of a text that may begin a literal; in 64 KB of base64 there are 2,048 of two.
    static constexpr std::size_t max_candidates = 3072;

    enum class Needs {
        literal, ///< for texts of any length: without a distinctive literal it is refused
        nothing, ///< for paths
    };

    /// Case-insensitive, as IIS is. Throws std::invalid_argument with what is wrong, as the end of
    /// a sentence that begins with the pattern: "isn't a regular expression: ...".
    explicit Pattern(std::string_view text, Needs needs = Needs::literal);

    /// For an administrator's pattern: tries it for some milliseconds on texts made to defeat it,
    /// so that one which would often give up is refused at once.
    static Pattern probed(std::string_view text, Needs needs = Needs::literal);

    enum class Result { no, yes, limit };
    Result match(std::string_view text) const noexcept;

    /// A byte, in lower case, that every match contains in either case; NUL if there is none.
    char telltale() const noexcept;

    const std::string& text() const noexcept;

private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_; // the same wherever it is copied to
};

} // namespace lync::policy
