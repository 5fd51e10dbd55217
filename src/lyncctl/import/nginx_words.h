#pragma once

#include "config/block.h"

#include <cstdint>
#include <string_view>

namespace lync::lyncctl {

/// What becomes of a directive of an old nginx.conf that nothing is read of.
enum class Word : std::uint8_t {
    harmless,    ///< the publication has it, or it does nothing to a request
    restriction, ///< keeps somebody out
    other,       ///< changes what clients or servers see, or isn't known
};
Word word_of(const config::Directive& directive);

/// Whether it sends clients to https and does nothing else.
bool only_redirects(const config::Directive& block);

/// Whether the argument of `return` refuses.
bool refuses(const config::Directive& directive);

} // namespace lync::lyncctl
