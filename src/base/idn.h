#pragma once

// Inside names*.cpp only: internationalized names, the one place that calls libidn2.

#include "base/names.h"

#include <string_view>

namespace lync {

/// UTF-8 to A-labels by UTS 46, non-transitional ("straße.de" is not "strasse.de"). The result may
/// hold dots and ASCII characters that weren't in the text; it has to be checked like any name.
ParsedName to_a_labels(std::string_view text, std::string_view subject);

/// Whether a lower-case label that starts with "xn--" is what its U-label is written as.
bool is_a_label(std::string_view label);

} // namespace lync
