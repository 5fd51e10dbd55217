#pragma once

// The grammar of lync_publish: what may stand where, how often, with how many arguments. It is
// made of the table in directives.h, which the C shim shares.

#include "base/format.h"
#include "config/block.h"

#include <string>
#include <string_view>

namespace lync::config {

/// Checks every directive below `block`, nested blocks included: known, allowed here, not given
/// twice, with the right number of arguments. Throws Mistake for the first that isn't.
void check_grammar(const Directive& block);

/// The sentence for an unknown directive inside `block`, with the nearest known name:
/// `unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"?`.
std::string unknown_directive(std::string_view name, const Directive& block);

/// The first directive below `block` that stands in a block of ours where it doesn't belong, though
/// it does in lync_publish, or nullptr: a "}" is missing before it.
const Directive* beyond_missing_end(const Directive& block) noexcept;

/// Calls `function` with each directive called `name` in `block`.
template <typename Function>
void each(const Directive& block, std::string_view name, Function&& function) {
    for (const auto& child : block.children) {
        if (child->name == name) {
            function(*child);
        }
    }
}

/// The only directive called `name` in `block`, or nullptr.
const Directive* find(const Directive& block, std::string_view name) noexcept;

/// `"server" directive of pool "fepool.contoso.local"`: what most messages are about.
std::string title(const Directive& directive, const Directive& block);

/// Throws the Mistake `invalid KIND "x" in "y" directive of ...: WHY`.
[[noreturn]] void invalid(std::string_view kind, std::string_view word, const Directive& directive,
                          const Directive& block, std::string_view why);

/// The remedy for an argument that can't be right: `otherwise`, unless the argument is the name of
/// a directive of `block`: then the line before it has no end. A value that `otherwise` names and
/// that was written in another case is asked for: `did you mean "auto"?`.
std::string remedy(std::string_view argument, const Directive& block, std::string_view otherwise);

/// `invalid` about a value or a parameter, by way of `remedy`. Without `why` it says how the
/// directive is written.
[[noreturn]] void invalid_value(std::string_view value, const Directive& directive,
                                const Directive& block, std::string_view why = {});
[[noreturn]] void invalid_parameter(std::string_view parameter, const Directive& directive,
                                    const Directive& block, std::string_view why = {});

} // namespace lync::config
