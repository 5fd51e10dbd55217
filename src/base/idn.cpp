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

/// What libidn2 says, in words that don't change with its version or the locale.
std::string explain(int code, std::string_view subject) {
    const std::string it(subject);

    switch (code) {
    case IDN2_ENCODING_ERROR:
        return formatted(
            "{} is not valid UTF-8: save the file in UTF-8, or write A-labels (\"xn--...\")", it);
    case IDN2_TOO_BIG_DOMAIN:
        return formatted("{} is longer than 253 characters in DNS (\"xn--...\")", it);
    case IDN2_TOO_BIG_LABEL:
    case IDN2_PUNYCODE_BIG_OUTPUT:
        return formatted("{} has a label longer than 63 characters in DNS (\"xn--...\")", it);
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_PUNYCODE_OVERFLOW:
    case IDN2_INVALID_ALABEL:
    case IDN2_UALABEL_MISMATCH:
    case IDN2_ALABEL_ROUNDTRIP_FAILED:
        return formatted("{} has a label that starts with \"xn--\" and is not a valid A-label: "
                         "write the name in UTF-8, or copy it from DNS",
                         it);
    case IDN2_2HYPHEN:
    case IDN2_HYPHEN_STARTEND:
        return formatted("{} has a label with hyphens where an internationalized name may not have "
                         "them: at its ends, or third and fourth",
                         it);
    case IDN2_BIDI:
        return formatted(
            "{} mixes writing directions in a way that internationalized names may not (IDNA2008)",
            it);
    case IDN2_LEADING_COMBINING:
    case IDN2_CONTEXTJ:
    case IDN2_CONTEXTJ_NO_RULE:
    case IDN2_CONTEXTO:
    case IDN2_CONTEXTO_NO_RULE:
        return formatted(
            "{} has a character where internationalized names may not have it (IDNA2008)", it);
    case IDN2_DISALLOWED:
    case IDN2_UNASSIGNED:
    case IDN2_INVALID_NONTRANSITIONAL:
        return formatted("{} has a character that internationalized names may not have (IDNA2008)",
                         it);
    default:
        return formatted("{} is not a valid internationalized name ({})", it,
                         idn2_strerror_name(code));
    }
}

} // namespace

ParsedName to_a_labels(std::string_view text, std::string_view subject) {
    const std::string input(text);
    char* output = nullptr;
    const int code = idn2_to_ascii_8z(input.c_str(), &output, flags);
    const IdnText owner(output);

    if (code == IDN2_MALLOC) {
        throw std::bad_alloc();
    }
    if (code != IDN2_OK) {
        return {{}, explain(code, subject)};
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
