// `show nginx`: what `nginx -T` prints under the name "lync_publish NAME".

#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/show/show.h"
#include "plan/render.h"

namespace lync::lyncctl {

namespace {

Table table_of(const Configuration& configuration, const plan::Dialect& dialect) {
    Table table;
    table.columns = {{"publication", "Publication"},
                     {"number", "Line"},
                     {"text", "Text"},
                     {"file", "Because of"},
                     {"line", "Line"}};
    for (const Published& published : configuration.publications) {
        const plan::Rendered rendered = plan::render(published.plan, dialect, published.first);
        std::string_view rest = rendered.text;
        for (std::size_t number = 1; number <= rendered.origins.size(); number++) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            const Place& origin = rendered.origin(number);
            table.rows.push_back({published.plan.publication.name, number, rest.substr(0, end),
                                  origin.file, origin.line});
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return table;
}

} // namespace

void declare_nginx(CLI::App& app, Options& options) {
    add_configuration(app, options);
    add_nginx(app, options);
}

int show_nginx(const Options& options, Output& output) {
    const Configuration configuration = load_publications(options);
    const NginxBuild build = build_of(options.nginx);
    const plan::Dialect dialect{[&build](std::string_view name) { return build.has(name); },
                                build.version};
    if (output.format() != Format::own) {
        output.table(table_of(configuration, dialect));
        return exit_fine;
    }
    for (const Published& published : configuration.publications) {
        output.text("# configuration file lync_publish " + published.plan.publication.name + ":\n" +
                    plan::render(published.plan, dialect, published.first).text);
    }
    return exit_fine;
}

} // namespace lync::lyncctl
