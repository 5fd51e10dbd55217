// Any pattern over any text: what PCRE2 finds by itself, the literals that are searched first don't
// hide. The input: a pattern, a line feed, a text.

#include "base/ascii.h"
#include "frame.h"
#include "policy/pattern.h"

#include <memory>
#include <stdexcept>
#include <string_view>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

using lync::policy::Pattern;

namespace {

bool finds(std::string_view pattern, std::string_view text) {
    int error = 0;
    std::size_t offset = 0;
    const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                      PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &error, &offset,
                      nullptr),
        pcre2_code_free);
    const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
        pcre2_match_data_create(1, nullptr), pcre2_match_data_free);
    return code != nullptr && pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                                          text.size(), 0, 0, data.get(), nullptr) >= 0;
}

} // namespace

FUZZ(input) {
    std::string_view text = input;
    const std::string_view written = fuzz::take_until(text, '\n');
    try {
        const Pattern pattern(written, Pattern::Needs::nothing);
        if (pattern.match(text) == Pattern::Result::no) {
            fuzz::require(!finds(written, text), "a literal hides no match", input);
        } else if (const char byte = pattern.telltale(); byte != '\0') {
            fuzz::require(lync::find_ignore_case(text, {&byte, 1}) != std::string_view::npos,
                          "what matches has the telltale", input);
        }
    } catch (const std::invalid_argument&) {
    }
}
