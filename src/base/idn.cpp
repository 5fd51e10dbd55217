#include "base/idn.h"

#include "base/format.h"

#include <idn2.h>

#include <memory>
#include <new>
#include <string>

namespace lync {

namespace {

// IDN2_USE_STD3_ASCII_RULES is left out on purpose: with it libidn2 drops the characters it doesn't
// like ("a_b" becomes "ab") where a refusal is needed.
constexpr int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;

struct FreeIdn {
    void operator()(void* text) const noexcept { idn2_free(text); }
};
using IdnText = std::unique_ptr<char, FreeIdn>;

} // namespace

ParsedName to_a_labels(std::string_view text, std::string_view subject) {
    const std::string input(text);
    char* output = nullptr;
    const int code = idn2_to_ascii_8z(input.c_str(), &output, flags);
    const IdnText owner(output);

    if (code == IDN2_MALLOC) {
        throw std::bad_alloc();
    }
    if (code == IDN2_ENCODING_ERROR) {
        return {{},
                formatted("{} is not valid UTF-8: save the file in UTF-8, or write A-labels "
                          "(\"xn--...\")",
                          subject)};
    }
    if (code != IDN2_OK) {
        return {{},
                formatted("{} is not a valid internationalized name ({})", subject,
                          idn2_strerror_name(code))};
    }
    return {output, {}};
}

bool is_a_label(std::string_view label) {
    const std::string input(label);
    char* unicode = nullptr;
    int code = idn2_to_unicode_8z8z(input.c_str(), &unicode, flags);
    const IdnText unicode_owner(unicode);
    if (code != IDN2_OK) {
        return false;
    }

    char* ascii = nullptr;
    code = idn2_to_ascii_8z(unicode, &ascii, flags);
    const IdnText ascii_owner(ascii);
    // A label that decodes to itself holds no internationalized character at all.
    return code == IDN2_OK && label == ascii && label != unicode;
}

} // namespace lync
