// `show nginx`: the generated nginx directives, as `nginx -T` prints them under the name
// "lync_publish NAME".

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "plan/render.h"

namespace lync::lyncctl {

namespace {

/// What is generated for an nginx that has every directive; the module leaves out what the nginx
/// at hand doesn't know.
plan::Rendered text_of(const Published& published) {
    constexpr unsigned newest = 1031000;
    const plan::Dialect all{[](std::string_view) { return true; }, newest};
    return plan::render(published.plan, all, published.first);
}

Table table_of(const Configuration& configuration) {
    Table table{{"publication", "number=Line", "text", "file=Because of", "line"}};
    for (const Published& published : configuration.publications) {
        const plan::Rendered rendered = text_of(published);
        std::string_view rest = rendered.text;
        for (std::size_t number = 1; number <= rendered.origins.size(); number++) {
            const Place& origin = rendered.origin(number);
            table.rows.push_back({published.plan.publication.name, number, take_until(rest, '\n'),
                                  origin.file, origin.line});
        }
    }
    return table;
}

} // namespace

int show_nginx(const Options& options, Output& output) {
    const Configuration configuration = load_plans(options, output);
    if (!output.is_text()) {
        output.table(table_of(configuration));
        return exit_fine;
    }
    for (const Published& published : configuration.publications) {
        output.text(formatted("# configuration file lync_publish {}:\n{}",
                              published.plan.publication.name, text_of(published).text));
    }
    return exit_fine;
}

} // namespace lync::lyncctl
