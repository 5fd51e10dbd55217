#pragma once

// nginx's parser knows nothing of publications. What it says of a line inside of one of our blocks
// is said again with the block named and the remedy added, by the module and by lyncctl alike.

#include "config/block.h"

#include <string>
#include <string_view>

namespace lync::config {

/// `text` is the parser's, without " in FILE:LINE"; `block` is the innermost block around the line.
///
///     unknown directive "servr"
///     unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"?
std::string retold(std::string_view text, const Directive& block);

/// The same for what nginx says of a generated line: `host not found in upstream "x:4443"`.
std::string retold_generated(std::string_view text);

} // namespace lync::config
