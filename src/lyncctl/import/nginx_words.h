#pragma once

// Inside of nginx.cpp only: directives of any nginx.conf, one at a time.

#include "config/block.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lync::lyncctl {

/// Empty where there is none.
std::string first_argument(const config::Directive& directive);
bool has_argument(const config::Directive& directive, std::string_view word);

/// A directive as it is written: `"deny 10.0.0.0/8"`.
std::string line_of(const config::Directive& directive);

/// What becomes of a directive of an old nginx.conf that nothing is read of.
enum class Word : std::uint8_t {
    harmless,    ///< the publication has it, or it does nothing to a request
    restriction, ///< keeps somebody out
    other,       ///< changes what clients or servers see, or isn't known
};
Word word_of(const config::Directive& directive);

/// Whether it sends clients to https and does nothing else.
bool only_redirects(const config::Directive& block);

} // namespace lync::lyncctl
