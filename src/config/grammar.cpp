#include "config/grammar.h"

#include "base/ascii.h"
#include "config/directives.h"
#include "config/editor_traces.h"

#include <algorithm>
#include <array>
#include <span>

namespace lync::config {

namespace {

struct Rule {
    std::string_view name;
    bool is_block;
    int contexts;
    bool repeatable;
    int fewest;
    int most; ///< LYNC_ANY: no limit
    std::string_view usage;
};

#define LYNC_BLOCK_RULE(name, contexts, times, fewest, most, usage)                                \
    {#name, true, contexts, times == LYNC_REPEATABLE, fewest, most, usage},
#define LYNC_LINE_RULE(name, contexts, times, fewest, most, usage)                                 \
    {#name, false, contexts, times == LYNC_REPEATABLE, fewest, most, usage},

constexpr Rule rules[] = {LYNC_DIRECTIVES(LYNC_BLOCK_RULE, LYNC_LINE_RULE)};

#undef LYNC_BLOCK_RULE
#undef LYNC_LINE_RULE

const Rule* find_rule(std::string_view name) noexcept {
    const auto* rule =
        std::ranges::find_if(rules, [name](const Rule& r) { return r.name == name; });
    return rule == std::end(rules) ? nullptr : rule;
}

/// The block that a directive belongs in.
std::string_view block_for(int contexts) noexcept {
    constexpr std::pair<int, std::string_view> blocks[] = {
        {LYNC_IN_PUBLISH, "lync_publish itself"},
        {LYNC_IN_POOL, "a pool or director block"},
        {LYNC_IN_FARM, "an office_web_apps or exchange block"},
        {LYNC_IN_EXCHANGE, "an exchange block"},
        {LYNC_IN_PUBLISH | LYNC_IN_EXCHANGE, "lync_publish itself or an exchange block"},
        {LYNC_IN_EDGE, "an edge block"},
        {LYNC_IN_SERVERS, "a pool, director, office_web_apps or exchange block"}};
    return std::ranges::find(blocks, std::end(blocks) - 1, contexts,
                             &std::pair<int, std::string_view>::first)
        ->second;
}

/// Levenshtein's distance, ignoring the letter case of `a`. Words longer than any directive aren't
/// compared.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::size_t, 32> row{};
    if (a.size() >= row.size() || b.size() >= row.size()) {
        return row.size();
    }

    for (std::size_t j = 0; j <= b.size(); j++) {
        row[j] = j;
    }

    for (std::size_t i = 1; i <= a.size(); i++) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            const std::size_t replaced = diagonal + (ascii_lower(a[i - 1]) == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

/// LYNC_IN_* (directives.h) of a block; 0 for any other name.
int context_of(std::string_view block) noexcept {
    return block == "lync_publish"                  ? LYNC_IN_PUBLISH
           : block == "pool" || block == "director" ? LYNC_IN_POOL
           : block == "office_web_apps"             ? LYNC_IN_OFFICE_WEB_APPS
           : block == "exchange"                    ? LYNC_IN_EXCHANGE
           : block == "edge"                        ? LYNC_IN_EDGE
                                                    : 0;
}

bool is_directive_of(std::string_view word, const Directive& block) noexcept {
    const Rule* rule = find_rule(word);
    return rule != nullptr && (rule->contexts & context_of(block.name)) != 0;
}

/// The remedy for an invalid argument: `why`, unless the argument is a directive of the same block:
/// then the line before it lacks its ";". For one of the words in `why` in the wrong case it also
/// suggests that word; `is_word` is false for names and addresses.
std::string remedy(std::string_view argument, bool is_word, const Directive& directive,
                   std::string_view why) {
    if (is_directive_of(argument, *directive.block)) {
        return "is the \";\" before it missing?";
    }
    if (!is_word) {
        return std::string(why);
    }
    const std::string small = to_ascii_lower(argument);
    const std::size_t found =
        small.empty() || small == argument ? std::string_view::npos : why.find(small);
    const auto ends_word = [why](std::size_t at) {
        return at >= why.size() || !is_ascii_alnum(why[at]);
    };
    return found != std::string_view::npos && (found == 0 || ends_word(found - 1)) &&
                   ends_word(found + small.size())
               ? formatted("{}, did you mean {}?", why, lync::quoted(small))
               : std::string(why);
}

void check_arguments(const Directive& directive, const Rule& rule) {
    for (const std::string& argument : directive.arguments) {
        // The last argument is all paths, as Microsoft's rules write them, and no comment.
        const bool all_paths = argument == "/*" && &argument == &directive.arguments.back();
        if (const std::string_view trace = editor_trace(argument); !trace.empty() && !all_paths) {
            invalid_value(argument, directive, trace);
        }
    }

    const auto count = static_cast<int>(directive.arguments.size());
    if (count >= rule.fewest && (rule.most == LYNC_ANY || count <= rule.most)) {
        return;
    }

    std::string why = formatted(", it is written {}", lync::quoted(rule.usage));
    for (const std::string& argument : directive.arguments) {
        if (is_directive_of(argument, *directive.block)) {
            why = formatted(": is the \";\" before {} missing?", lync::quoted(argument));
            break;
        }
    }
    throw mistake(directive.place, "invalid number of arguments in {}{}", title(directive), why);
}

} // namespace

std::string_view nearest_directive(std::string_view name, std::string_view block) noexcept {
    const int context = context_of(block);
    std::string_view nearest;
    // Up to two edits are a typo, more make another word.
    std::size_t best = std::min<std::size_t>(3, name.size() / 2 + 1);
    for (const Rule& rule : rules) {
        const std::size_t d = distance(name, rule.name);
        if ((rule.contexts & context) != 0 && d < best) {
            best = d;
            nearest = rule.name;
        }
    }
    return nearest;
}

std::string unknown_directive(std::string_view name, const Directive& block) {
    std::string text = formatted("unknown directive {} in {}", lync::quoted(name), block.title());
    if (const std::string_view trace = editor_trace(name); !trace.empty()) {
        return formatted("{}: {}", text, trace);
    }
    if (const std::size_t equals = name.find('=');
        equals != std::string_view::npos && is_directive_of(name.substr(0, equals), block)) {
        return formatted("{}: {}", text, editor_trace("="));
    }
    if (const std::string_view nearest = nearest_directive(name, block.name); !nearest.empty()) {
        text += formatted(", did you mean {}?", lync::quoted(nearest));
    }
    return text;
}

const Directive* beyond_missing_end(const Directive& block) noexcept {
    const int context = context_of(block.name);
    for (const auto& child : block.children) {
        const Rule* rule = find_rule(child->name);
        if (rule != nullptr && context != 0 && (rule->contexts & context) == 0 &&
            (rule->contexts & LYNC_IN_PUBLISH) != 0) {
            return child.get();
        }
        if (const Directive* found = beyond_missing_end(*child); found != nullptr) {
            return found;
        }
    }
    return nullptr;
}

const Directive* find(const Directive& block, std::string_view name) noexcept {
    for (const auto& child : block.children) {
        if (child->name == name) {
            return child.get();
        }
    }
    return nullptr;
}

std::string title(const Directive& directive) {
    return formatted("{} directive of {}", lync::quoted(directive.name), directive.block->title());
}

void invalid(std::string_view kind, std::string_view word, const Directive& directive,
             std::string_view why) {
    const std::string usage =
        why.empty() ? formatted("it is written {}", lync::quoted(find_rule(directive.name)->usage))
                    : "";
    throw mistake(
        directive.place, "invalid {} {} in {}: {}", kind, lync::quoted(word), title(directive),
        remedy(word, kind == "value" || kind == "parameter", directive, why.empty() ? usage : why));
}

void check_grammar(const Directive& block) {
    const int context = context_of(block.name);

    for (const auto& child : block.children) {
        const Rule* rule = find_rule(child->name);

        if (rule == nullptr) {
            throw Mistake(unknown_directive(child->name, block), child->place);
        }
        if ((rule->contexts & context) == 0) {
            throw mistake(child->place, "{} directive is not allowed in {}, it belongs in {}",
                          lync::quoted(child->name), block.title(), block_for(rule->contexts));
        }
        if (rule->is_block != child->is_block) {
            throw mistake(child->place, "directive {}{}, it is written {}",
                          lync::quoted(child->name),
                          rule->is_block ? " has no opening \"{\"" : " is not terminated by \";\"",
                          lync::quoted(rule->usage));
        }

        check_arguments(*child, *rule);

        if (const Directive* first = find(block, child->name);
            !rule->repeatable && first != child.get()) {
            throw mistake(child->place, "{} directive is duplicate in {}, the first stands at {}",
                          lync::quoted(child->name), block.title(), at(first->place));
        }

        if (child->is_block) {
            check_grammar(*child);
        }
    }
}

} // namespace lync::config
