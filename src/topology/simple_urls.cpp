// simple_url: the three naming options of Microsoft, and the rules that come with them
// [Lync Server 2013, "Planning for simple URLs"].

#include "topology/declare.h"

#include "topology/names.h"

namespace lync::topology {

namespace {

std::optional<SimpleUrlKind> kind_from_name(std::string_view name) noexcept {
    for (const auto kind : {SimpleUrlKind::meet, SimpleUrlKind::dialin, SimpleUrlKind::scheduler,
                            SimpleUrlKind::admin}) {
        if (name == simple_url_kind_name(kind)) {
            return kind;
        }
    }
    return std::nullopt;
}

/// `pool=FQDN` to the index of that pool or Director.
std::size_t read_pool(const Directive& directive, const Directive& block,
                      const Publication& publication) {
    const std::string_view argument = directive.arguments[2];
    if (!argument.starts_with("pool=")) {
        throw Mistake("invalid parameter " + quoted(argument) +
                          syntax::in_directive(directive, block) + ": it may be pool=FQDN",
                      directive.place);
    }

    const ParsedName fqdn = parse_fqdn(argument.substr(5));
    for (std::size_t i = 0; fqdn && i < publication.farms.size(); i++) {
        const Farm& farm = publication.farms[i];
        if (farm.name == fqdn.name && (farm.role == Role::pool || farm.role == Role::director)) {
            return i;
        }
    }
    syntax::invalid_value(argument, directive, block,
                          "no pool or director of this publication has that FQDN");
}

} // namespace

std::string_view simple_url_kind_name(SimpleUrlKind kind) noexcept {
    switch (kind) {
    case SimpleUrlKind::meet:
        return "meet";
    case SimpleUrlKind::dialin:
        return "dialin";
    case SimpleUrlKind::scheduler:
        return "scheduler";
    case SimpleUrlKind::admin:
        return "admin";
    }
    return {};
}

SimpleUrl read_simple_url(const Directive& directive, const Directive& block,
                          const Publication& publication) {
    const std::string& word = directive.arguments[0];
    const std::string& text = directive.arguments[1];

    const auto kind = kind_from_name(word);
    if (!kind) {
        syntax::invalid_value(word, directive, block,
                              "a simple URL is one of meet, dialin, scheduler and admin");
    }
    if (is_ocs(publication.product)) {
        throw Mistake(quoted("simple_url") + " directive is not allowed in " + block.title() +
                          ": product " + std::string(product_name(publication.product)) +
                          " has no simple URLs",
                      directive.place);
    }

    ParsedUrl url = parse_https_url(text);
    if (!url) {
        throw Mistake("invalid URL " + quoted(text) + syntax::in_directive(directive, block) +
                          ": " + url.error,
                      directive.place);
    }

    SimpleUrl simple_url;
    simple_url.kind = *kind;
    simple_url.host = std::move(url.host);
    simple_url.path = std::move(url.path);
    simple_url.place = directive.place;
    simple_url.farm = publication.first_contact();

    if (directive.arguments.size() == 3) {
        if (*kind == SimpleUrlKind::admin) {
            throw Mistake("invalid parameter " + quoted(directive.arguments[2]) +
                              syntax::in_directive(directive, block) +
                              ": the admin URL is declared so that it is blocked, it goes nowhere",
                          directive.place);
        }
        simple_url.farm = read_pool(directive, block, publication);
    }
    return simple_url;
}

} // namespace lync::topology
