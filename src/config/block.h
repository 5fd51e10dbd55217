#pragma once

// The config room: what is written in a lync_publish block, what it means, and every
// check on it. Words are those of Microsoft's Topology Builder.
//
//     block.h        the tree of directives, as it was written
//     directives.h   every directive that may stand there, once; grammar.h reads a tree by it
//     certificate.h  what a listener presents, what servers are verified against
//     publication.h  the declaration; declare.h makes it of a tree
//
// The tree of directives of one lync_publish block. nginx's own parser fills it (src/nginx), or
// the command-line tool's reader; nothing after this step knows where the text came from.

#include "base/diagnostic.h"

#include <memory>
#include <string>
#include <vector>

namespace lync::config {

/// A directive: its name, its arguments with nginx's quoting already undone, and where it was
/// written. A block directive has its children in `children`, in the order they were written
/// (an `include` has vanished: its directives stand here, with the place of their own file).
struct Directive {
    std::string name;
    std::vector<std::string> arguments;
    Place place;
    const Directive* block = nullptr; ///< that it stands in; NULL of lync_publish
    bool is_block = false;
    std::vector<std::unique_ptr<Directive>> children;

    /// Shown in messages: `pool "fepool.contoso.local"`, `lync_publish "contoso"`.
    std::string title() const {
        return arguments.empty() ? name : name + " " + lync::quoted(arguments.front());
    }
};

/// The closest known directive to a mistyped one among those that may stand in the block called
/// `block`, or empty if none is near: for "did you mean".
std::string_view nearest_directive(std::string_view name, std::string_view block) noexcept;

} // namespace lync::config
