// simple_url: the three naming options of Microsoft, and the rules that come with them
// [Lync Server 2013, "Planning for simple URLs"].

#include "config/declare.h"

#include "base/names.h"

namespace lync::config {

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
std::size_t read_pool(std::string_view argument, const Directive& directive, const Directive& block,
                      const Publication& publication) {
    const ParsedName fqdn = parse_fqdn(argument.substr(argument.find('=') + 1));
    for (std::size_t i = 0; fqdn && i < publication.farms.size(); i++) {
        const Farm& farm = publication.farms[i];
        if (farm.name == fqdn.name && (farm.role == Role::pool || farm.role == Role::director)) {
            return i;
        }
    }
    config::invalid_value(argument, directive, block,
                          "no pool or director of this publication has that FQDN");
}

/// Where all URLs of the line go. `pool=` ends it, so that nobody takes it for that of one URL.
std::size_t read_destination(SimpleUrlKind kind, const Directive& directive, const Directive& block,
                             const Publication& publication) {
    const auto refuse = [&](std::string_view argument, std::string_view why) {
        throw Mistake("invalid parameter " + lync::quoted(argument) +
                          config::in_directive(directive, block) + ": " + std::string(why),
                      directive.place);
    };
    std::size_t farm = publication.first_contact();
    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const std::string_view argument = directive.arguments[i];
        const std::string_view name = argument.substr(0, argument.find('='));
        if (name == argument || name.find_first_of(":/?#.") != std::string_view::npos) {
            continue; // a URL, or meant as one
        }
        if (name != "pool") {
            refuse(argument, "it may be pool=FQDN");
        }
        if (kind == SimpleUrlKind::admin) {
            refuse(argument, "the admin URL is declared so that it is blocked, it goes nowhere");
        }
        if (i == 1 || i + 1 != directive.arguments.size()) {
            refuse(argument, "it stands once, after all URLs of the line");
        }
        farm = read_pool(argument, directive, block, publication);
    }
    return farm;
}

bool is_destination(const Directive& directive, std::size_t i) noexcept {
    return i + 1 == directive.arguments.size() && directive.arguments[i].starts_with("pool=");
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

void read_simple_urls(const Directive& directive, const Directive& block,
                      Publication& publication) {
    const std::string& word = directive.arguments[0];

    const auto kind = kind_from_name(word);
    if (!kind) {
        config::invalid_value(word, directive, block,
                              "a simple URL is one of meet, dialin, scheduler and admin");
    }
    if (is_ocs(publication.product)) {
        throw Mistake(lync::quoted("simple_url") + " directive is not allowed in " + block.title() +
                          ": product " + std::string(product_name(publication.product)) +
                          " has no simple URLs",
                      directive.place);
    }

    const std::size_t farm = read_destination(*kind, directive, block, publication);
    for (std::size_t i = 1; i < directive.arguments.size() && !is_destination(directive, i); i++) {
        const std::string& text = directive.arguments[i];
        ParsedUrl url = parse_https_url(text);
        if (!url) {
            throw Mistake("invalid URL " + lync::quoted(text) +
                              config::in_directive(directive, block) + ": " +
                              config::remedy(text, block, url.error),
                          directive.place);
        }
        SimpleUrl& simple_url = publication.simple_urls.emplace_back();
        simple_url.kind = *kind;
        simple_url.host = std::move(url.host);
        simple_url.path = std::move(url.path);
        simple_url.place = directive.place;
        simple_url.farm = farm;
    }
}

} // namespace lync::config
