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

/// `name=value`, and not meant as a URL.
bool is_parameter(std::string_view argument) noexcept {
    const std::string_view name = argument.substr(0, argument.find('='));
    return name != argument && name.find_first_of(":/?#.") == std::string_view::npos;
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

    void read(const Directive& directive) {
        const std::vector<std::string>& arguments = directive.arguments;
        const auto* const known = std::ranges::find(kind_names, arguments[0]);
        if (known == std::end(kind_names)) {
            invalid_value(arguments[0], directive);
        }
        if (is_ocs(publication_.product)) {
            throw mistake(
                directive.place,
                "\"simple_url\" directive is not allowed in {}: product {} has no simple URLs",
                block_.title(), product_name(publication_.product));
        }
        const auto kind = static_cast<SimpleUrlKind>(known - std::begin(kind_names));
        std::size_t farm = publication_.first_contact();
        std::size_t end = arguments.size();
        for (std::size_t i = 1; i < arguments.size(); i++) {
            if (is_parameter(arguments[i])) {
                farm = read_destination(kind, i, directive);
                end = i;
            }
        }
        for (std::size_t i = 1; i < end; i++) {
            read_url(kind, farm, arguments[i], directive);
        }
    }

private:
    /// Where all URLs of the line go. `pool=` has to be last: it isn't one URL's.
    std::size_t read_destination(SimpleUrlKind kind, std::size_t i,
                                 const Directive& directive) const {
        const std::string_view argument = directive.arguments[i];
        const Parameter parameter(argument);
        if (parameter.name != "pool") {
            invalid("parameter", argument, directive, "it may be pool=FQDN");
        }
        if (kind == SimpleUrlKind::admin) {
            invalid("parameter", argument, directive,
                    "the admin URL is declared so that it is blocked, it goes nowhere");
        }
        if (i == 1 || i + 1 != directive.arguments.size()) {
            invalid("parameter", argument, directive, "it stands once, after all URLs of the line");
        }
        const ParsedName fqdn = parse_fqdn(parameter.value);
        const auto known = fqdn ? farms_.find(fqdn.name) : farms_.end();
        if (known == farms_.end()) {
            invalid_value(argument, directive,
                          "no pool or director of this publication has that FQDN");
        }
        return known->second;
    }

    void read_url(SimpleUrlKind kind, std::size_t farm, const std::string& text,
                  const Directive& directive) {
        ParsedUrl url = parse_https_url(text);
        if (!url) {
            invalid("URL", text, directive, url.error);
        }
        // Its prefix is published whatever the table of paths says.
        if (kind != SimpleUrlKind::admin &&
            policy::find_never(to_ascii_lower(url.path), publication_.product).closed) {
            invalid_value(formatted("https://{}{}", url.host, url.path), directive,
                          policy::check_allow_path(url.path, publication_.product));
        }
        if (kind == SimpleUrlKind::meet) {
            publication_.meet_urls.push_back({url.host, url.path});
        } else if (kind == SimpleUrlKind::admin && !url.path.empty()) {
            publication_.admin_paths.push_back(url.path);
        }
        publication_.simple_urls.push_back(
            {kind, std::move(url.host), std::move(url.path), farm, directive.place});
    }

    const Directive& block_;
    Publication& publication_;
    std::unordered_map<std::string_view, std::size_t> farms_; ///< pools and Directors, by FQDN
};

} // namespace

std::string_view simple_url_kind_name(SimpleUrlKind kind) noexcept {
    return kind_names[static_cast<std::size_t>(kind)];
}

void read_simple_urls(const Directive& block, Publication& publication) {
    SimpleUrlReader reader(block, publication);
    each(block, "simple_url", [&](const Directive& line) { reader.read(line); });
}

} // namespace lync::config
