// `show nginx`: what `nginx -T` prints under the name "lync_publish NAME".

#include "plan/render.h"
#include "syntax/place.h"
#include "tool/configuration.h"
#include "tool/failure.h"
#include "tool/nginx_directives.h"
#include "tool/show.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace lync::tool {

namespace {

NginxBuild build_of(const NginxOptions& options, Output& output) {
    if (!options.version.empty()) {
        NginxBuild build = NginxBuild::debian_12();
        build.version = parse_nginx_version(options.version);
        if (build.version == 0) {
            throw Failure("invalid version " + syntax::quoted(options.version) +
                          " in \"--nginx-version\": it is written as \"1.22.1\"");
        }
        return build;
    }
    if (!options.binary.empty()) {
        return NginxBuild::of(options.binary);
    }
    constexpr const char* installed = "/usr/sbin/nginx";
    if (::access(installed, X_OK) == 0) {
        return NginxBuild::of(installed);
    }
    output.note("no nginx here: written for 1.22.1 as Debian 12 has it, --nginx or "
                "--nginx-version names another");
    return NginxBuild::debian_12();
}

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
            const syntax::Place& origin = rendered.origin(number);
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
    CLI::Option* binary =
        app.add_option("--nginx", options.nginx.binary,
                       "The nginx that the text is for; without it, the one that is installed")
            ->type_name("BINARY");
    app.add_option("--nginx-version", options.nginx.version,
                   "The same for an nginx that isn't here: its version, with Debian's modules")
        ->type_name("VERSION")
        ->excludes(binary);
}

int show_nginx(const Options& options, Output& output) {
    const Configuration configuration = load_publications(options);
    const NginxBuild build = build_of(options.nginx, output);
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

} // namespace lync::tool
