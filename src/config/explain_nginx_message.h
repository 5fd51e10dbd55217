#pragma once

// nginx's parser knows nothing of publications. Its messages about a line of a block of ours are
// logged with the block named and the remedy added.

#include "config/block.h"

#include <string>
#include <string_view>

namespace lync::config {

/// A message of nginx's configuration parser, `TEXT in FILE:LINE`, taken apart.
struct ParserMessage {
    std::string_view text;
    std::string_view file;
    unsigned line = 0; ///< 0: the message has no such end, and text is all of it
};

ParserMessage parse_message(std::string_view message) noexcept;

/// `text` is the parser's, without " in FILE:LINE"; `block` is the innermost block around the line.
///
///     unknown directive "servr"
///     unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"?
std::string explain_in_block(std::string_view text, const Directive& block);

/// Which `"}"` an unexpected end of file lacks, `open` being the innermost block that is open:
///
///     of lync_publish "contoso" that was opened at FILE:1, or before "simple_url" at FILE:9
std::string missing_end(const Directive& open);

/// The same for a message about a generated line: `host not found in upstream "x:4443"`.
std::string explain_generated(std::string_view text);

} // namespace lync::config
