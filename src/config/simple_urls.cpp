// simple_url: the three naming options of Microsoft, and the rules that come with them
// [Lync Server 2013, "Planning for simple URLs"].

#include "config/declare.h"

#include "base/ascii.h"
#include "base/names.h"
#include "policy/services.h"

#include <algorithm>

namespace lync::config {

namespace {

constexpr std::string_view kind_names[] = {"meet", "dialin", "scheduler", "admin"};

bool is_destination(const Directive& directive, std::size_t i) noexcept {
    return i + 1 == directive.arguments.size() && directive.arguments[i].starts_with("pool=");
}

class SimpleUrlReader {
public:
    SimpleUrlReader(const Directive& block, Publication& publication)
        : block_(block), publication_(publication) {
        for (std::size_t i = 0; i < publication.farms.size(); i++) {
            if (is_web_services(publication.farms[i].role)) {
                farms_.emplace(publication.farms[i].name, i);
            }
        }
    }

    void read(const Directive& directive);

private:
    std::size_t read_pool(std::string_view argument, const Directive& directive) const;
    std::size_t read_destination(SimpleUrlKind kind, const Directive& directive) const;
    void read_url(SimpleUrlKind kind, std::size_t farm, const std::string& text,
                  const Directive& directive);

    const Directive& block_;
    Publication& publication_;
    std::unordered_map<std::string_view, std::size_t> farms_; ///< pools and Directors, by FQDN
};

std::size_t SimpleUrlReader::read_pool(std::string_view argument,
                                       const Directive& directive) const {
    const ParsedName fqdn = parse_fqdn(argument.substr(argument.find('=') + 1));
    const auto known = fqdn ? farms_.find(fqdn.name) : farms_.end();
    if (known == farms_.end()) {
        invalid_value(argument, directive, block_,
                      "no pool or director of this publication has that FQDN");
    }
    return known->second;
}

/// Where all URLs of the line go. `pool=` ends it, so that it isn't taken for that of one URL.
std::size_t SimpleUrlReader::read_destination(SimpleUrlKind kind,
                                              const Directive& directive) const {
    std::size_t farm = publication_.first_contact();
    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const std::string_view argument = directive.arguments[i];
        const std::string_view name = argument.substr(0, argument.find('='));
        if (name == argument || name.find_first_of(":/?#.") != std::string_view::npos) {
            continue; // a URL, or meant as one
        }
        if (name != "pool") {
            invalid("parameter", argument, directive, block_, "it may be pool=FQDN");
        }
        if (kind == SimpleUrlKind::admin) {
            invalid("parameter", argument, directive, block_,
                    "the admin URL is declared so that it is blocked, it goes nowhere");
        }
        if (i == 1 || i + 1 != directive.arguments.size()) {
            invalid("parameter", argument, directive, block_,
                    "it stands once, after all URLs of the line");
        }
        farm = read_pool(argument, directive);
    }
    return farm;
}

void SimpleUrlReader::read_url(SimpleUrlKind kind, std::size_t farm, const std::string& text,
                               const Directive& directive) {
    ParsedUrl url = parse_https_url(text);
    if (!url) {
        invalid("URL", text, directive, block_, remedy(text, block_, url.error));
    }
    // Its prefix is let in whatever the table says of it.
    if (kind != SimpleUrlKind::admin &&
        policy::find_never(to_ascii_lower(url.path), publication_.product).closed) {
        invalid_value(formatted("https://{}{}", url.host, url.path), directive, block_,
                      "it " + policy::check_allow_path(url.path, publication_.product));
    }
    if (kind == SimpleUrlKind::meet) {
        publication_.meet_urls.push_back({url.host, url.path});
    } else if (kind == SimpleUrlKind::admin) {
        publication_.admin_paths.push_back(url.path);
    }
    SimpleUrl& simple_url = publication_.simple_urls.emplace_back();
    simple_url.kind = kind;
    simple_url.host = std::move(url.host);
    simple_url.path = std::move(url.path);
    simple_url.place = directive.place;
    simple_url.farm = farm;
}

void SimpleUrlReader::read(const Directive& directive) {
    const std::string& word = directive.arguments[0];

    const auto* const known = std::ranges::find(kind_names, word);
    if (known == std::end(kind_names)) {
        invalid_value(word, directive, block_);
    }
    if (is_ocs(publication_.product)) {
        throw mistake(
            directive.place,
            "\"simple_url\" directive is not allowed in {}: product {} has no simple URLs",
            block_.title(), product_name(publication_.product));
    }

    const auto kind = static_cast<SimpleUrlKind>(known - std::begin(kind_names));
    const std::size_t farm = read_destination(kind, directive);
    for (std::size_t i = 1; i < directive.arguments.size() && !is_destination(directive, i); i++) {
        read_url(kind, farm, directive.arguments[i], directive);
    }
}

} // namespace

std::string_view simple_url_kind_name(SimpleUrlKind kind) noexcept {
    return kind_names[static_cast<std::size_t>(kind)];
}

void read_simple_urls(const Directive& block, Publication& publication) {
    SimpleUrlReader reader(block, publication);
    each(block, "simple_url", [&](const Directive& line) { reader.read(line); });
}

} // namespace lync::config
