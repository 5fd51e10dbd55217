#include "lyncctl/check.h"

#include "base/diagnostic.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace lync::lyncctl {

namespace {

using config::Farm;
using config::Publication;
using config::Role;
using config::SimpleUrlKind;

/// A line of the result. `level` is nginx's word, or "advice".
struct Said {
    std::string_view level;
    Style style;
    std::string text;
    Place place;
};

Said said(const Diagnostic& diagnostic) {
    switch (diagnostic.severity) {
    case Severity::error:
        return {"emerg", Style::bad, diagnostic.text, diagnostic.place};
    case Severity::warning:
        return {"warn", Style::warning, diagnostic.text, diagnostic.place};
    default:
        return {"notice", Style::faint, diagnostic.text, diagnostic.place};
    }
}

bool declares(const Publication& publication, SimpleUrlKind kind) {
    return std::any_of(publication.simple_urls.begin(), publication.simple_urls.end(),
                       [kind](const auto& url) { return url.kind == kind; });
}

std::string title(const Farm& farm) {
    return std::string(role_name(farm.role)) + " " + lync::quoted(farm.name);
}

/// What is right for nginx and still worth a second look.
class Advice {
public:
    explicit Advice(std::vector<Said>& all) : all_(all) {}

    void about(const Publication& publication) {
        const std::string name = "lync_publish " + lync::quoted(publication.name);
        for (const Farm& farm : publication.farms) {
            about(farm);
        }
        if (!is_ocs(publication.product)) {
            if (!declares(publication, SimpleUrlKind::admin)) {
                advise("no \"simple_url admin\" in " + name +
                           ": declare the administrative access URL that Topology Builder shows, "
                           "so that it is refused by its own name and path; it is never published",
                       publication.place);
            }
            if (!declares(publication, SimpleUrlKind::meet)) {
                advise("no \"simple_url meet\" in " + name +
                           ": links to meetings lead nowhere from outside",
                       publication.place);
            }
            if (!declares(publication, SimpleUrlKind::dialin)) {
                advise("no \"simple_url dialin\" in " + name +
                           ": dial-in numbers and PINs can't be looked up from outside",
                       publication.place);
            }
        }
        about_patterns(publication);
    }

    void advise(std::string text, const Place& place) {
        all_.push_back({"advice", Style::plain, std::move(text), place});
    }

private:
    void about(const Farm& farm) {
        if (farm.servers.size() == 1) {
            const bool pool = farm.role == Role::pool;
            advise(title(farm) + " has one server: while it is away, so is what it serves; name " +
                       (pool ? "every Front End, unless this is a Standard Edition server or a "
                               "load balancer's VIP"
                             : "every server, unless this is a load balancer's VIP"),
                   farm.servers.front().place);
        }
    }

    /// check_certificates knows every name but these.
    void about_patterns(const Publication& publication) {
        std::vector<std::string_view> seen;
        for (const auto& url : publication.simple_urls) {
            const bool pattern = url.host.ends_with(".*") && url.kind != SimpleUrlKind::admin;
            if (pattern && std::find(seen.begin(), seen.end(), url.host) == seen.end()) {
                seen.push_back(url.host);
                advise(lync::quoted(url.host) +
                           " stands for any domain: whether a certificate covers a name is known "
                           "only when a client asks for it",
                       url.place);
            }
        }
        if (publication.has_wildcard_sip_domain()) {
            advise("\"lyncdiscover.*\" stands for any domain: whether a certificate covers a name "
                   "is known only when a client asks for it",
                   publication.place_of_sip_domain(0));
        }
    }

    std::vector<Said>& all_;
};

std::vector<Said> everything(const Configuration& configuration, const Options& options) {
    std::vector<Said> all;
    for (const Diagnostic& remark : configuration.remarks) {
        all.push_back(said(remark));
    }
    if (configuration.mistake) {
        all.push_back(said(*configuration.mistake));
        if (configuration.mistake->text == "unknown directive \"lync_publish\"") {
            Advice(all).advise("the module isn't loaded: \"load_module "
                               "modules/ngx_lync_module.so;\" belongs at the top of nginx.conf, or "
                               "in a file that is included there",
                               {});
        }
        return all;
    }

    Advice advice(all);
    if (configuration.publications.empty()) {
        advice.advise("no \"lync_publish\" in " + configuration.file +
                          (options.fragment ? "" : ", nor in what it includes") +
                          ": nothing is published",
                      {});
    }
    for (const Published& published : configuration.publications) {
        if (options.publication.empty() || published.plan.publication.name == options.publication) {
            advice.about(published.plan.publication);
        }
    }
    return all;
}

Table table_of(const std::vector<Said>& all) {
    Table table;
    table.columns = {{"level", "Level"}, {"text", "What"}, {"file", "File"}, {"line", "Line"}};
    for (const Said& line : all) {
        table.rows.push_back(
            {Cell(line.level, line.style), line.text, line.place.file, line.place.line});
    }
    return table;
}

} // namespace

void declare_check(CLI::App& app, Options& options) {
    add_configuration(app, options);
    add_nginx(app, options);
    app.add_flag("--strict", options.check.strict, "Advice makes the exit status 1, too");
}

int check(const Options& options, Output& output) {
    output.progress("reading " + options.configuration);
    const Configuration configuration = read_configuration(options, Depth::names);
    const std::vector<Said> all = everything(configuration, options);

    if (output.format() == Format::table) {
        for (const Said& line : all) {
            output.line(output.styled("[" + std::string(line.level) + "]", line.style) + " " +
                        printable(told({Severity::notice, line.text, line.place})));
        }
    } else {
        output.table(table_of(all));
    }

    if (configuration.mistake) {
        return exit_failed;
    }
    const bool found = std::any_of(all.begin(), all.end(), [&](const Said& line) {
        return line.level == "warn" || (options.check.strict && line.level == "advice");
    });
    return found ? exit_findings : exit_fine;
}

} // namespace lync::lyncctl
