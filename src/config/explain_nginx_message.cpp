#include "config/explain_nginx_message.h"

#include "base/ascii.h"
#include "config/grammar.h"

namespace lync::config {

namespace {

std::string_view remedy_for_misplaced(std::string_view name) noexcept {
    if (name == "lync_publish") {
        return ", close the one block before the other begins";
    }
    if (name == "lync_rule") {
        return ", the module writes it itself";
    }
    return ", close that block before it, or write it into a file named by \"server_include\"";
}

} // namespace

ParserMessage parse_message(std::string_view message) noexcept {
    const std::size_t colon = message.rfind(':');
    const std::size_t in = message.rfind(" in ");
    if (colon != std::string_view::npos && in != std::string_view::npos && in < colon) {
        if (const auto line = parse_number(message.substr(colon + 1), 0, 1U << 31U)) {
            return {message.substr(0, in), message.substr(in + 4, colon - in - 4), *line};
        }
    }
    return {message, {}, 0};
}

std::string explain_in_block(std::string_view text, const Directive& block) {
    const std::size_t first = text.find('"');
    const std::size_t last = text.rfind('"');

    if (text.starts_with("unknown directive ") && first < last) {
        return unknown_directive(text.substr(first + 1, last - first - 1), block);
    }
    if (text.ends_with("directive is not allowed here") && first < last) {
        constexpr std::size_t here = 4;
        return formatted("{}in {}{}", text.substr(0, text.size() - here), block.title(),
                         remedy_for_misplaced(text.substr(first + 1, last - first - 1)));
    }
    if (text.starts_with("unexpected end of file")) {
        return formatted("{} {}", text, missing_end(block));
    }
    return formatted("{} in {}{}", text, block.title(),
                     text.ends_with("_path\" is not terminated by \";\"")
                         ? ": a pattern with \"{\" has to be quoted, or the \";\" is missing"
                     : text.ends_with("is not terminated by \";\"")
                         ? ": it has no block of its own, or a \"}\" is missing before it"
                     : text == "unexpected \"}\""
                         ? ": the \";\" before it is missing, or its \"{\" is in another file"
                         : "");
}

std::string missing_end(const Directive& open) {
    const Directive* beyond = beyond_missing_end(open);
    return formatted("of {} that was opened at {}{}", open.title(), at(open.place),
                     beyond == nullptr ? ""
                                       : formatted(", or before {} at {}",
                                                   lync::quoted(beyond->name), at(beyond->place)));
}

std::string explain_generated(std::string_view text) {
    const bool unresolved = text.starts_with("host not found in upstream ");
    return std::string(text) + (unresolved
                                    ? ": make the name resolve, write the server's address, or "
                                      "\"resolve_at_start off\" if nginx has to start without DNS"
                                    : "");
}

} // namespace lync::config
