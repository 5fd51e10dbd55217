#pragma once

// The grammar of lync_publish: what may stand where, how often, with how many arguments. It is
// made of the table in directives.h, which the C shim shares.

#include "base/format.h"
#include "base/names.h"
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
std::string title(const Directive& directive);

/// Throws the Mistake `invalid KIND "x" in "y" directive of ...: WHY`. Without `why` it says how
/// the directive is written; where the line before has no end, or only the letter case is wrong,
/// that.
[[noreturn]] void invalid(std::string_view kind, std::string_view word, const Directive& directive,
                          std::string_view why = {});
[[noreturn]] inline void invalid_value(std::string_view value, const Directive& directive,
                                       std::string_view why = {}) {
    invalid("value", value, directive, why);
}
[[noreturn]] inline void invalid_parameter(std::string_view parameter, const Directive& directive,
                                           std::string_view why = {}) {
    invalid("parameter", parameter, directive, why);
}

/// The name that `text` was parsed as, or `invalid` of this kind.
inline std::string valid(std::string_view kind, std::string_view text, ParsedName parsed,
                         const Directive& directive) {
    if (!parsed) {
        invalid(kind, text, directive, parsed.error);
    }
    return std::move(parsed.name);
}

} // namespace lync::config
