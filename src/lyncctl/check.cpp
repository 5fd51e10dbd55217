#include "lyncctl/commands.h"

#include "base/ascii.h"
#include "base/format.h"
#include "config/editor_traces.h"
#include "config/system_names.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/nginx_test.h"
#include "lyncctl/published_names.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

using config::Farm;
using config::Publication;
using config::SimpleUrlKind;

/// The name of each Severity in the output, and of advice.
constexpr std::array<std::pair<std::string_view, Style>, 5> levels{{{"emerg", Style::bad},
                                                                    {"crit", Style::bad},
                                                                    {"warn", Style::warning},
                                                                    {"notice", Style::faint},
                                                                    {"advice", Style::plain}}};
constexpr auto advice = static_cast<Severity>(4);

/// Advice about what nginx accepts.
void advise(const Publication& publication, std::vector<Diagnostic>& all) {
    for (const Farm& farm : publication.farms) {
        if (farm.servers.size() == 1) {
            const bool pool = farm.role == config::Role::pool;
            remark(all, advice, farm.servers.front().place,
                   "{} has one server: while it is down, so is what it serves; name {}",
                   quoted_title(farm),
                   pool ? "every Front End, unless this is a Standard Edition server or a load "
                          "balancer's VIP"
                        : "every server, unless this is a load balancer's VIP");
        }
    }
    for (const auto& [kind, why] :
         {std::pair(SimpleUrlKind::admin,
                    "declare the administrative access URL that Topology Builder shows, so that it "
                    "is refused by its own name and path; it is never published"),
          {SimpleUrlKind::meet, "links to meetings don't work from outside"},
          {SimpleUrlKind::dialin, "dial-in numbers and PINs can't be looked up from outside"}}) {
        if (!is_ocs(publication.product) &&
            std::ranges::find(publication.simple_urls, kind, &config::SimpleUrl::kind) ==
                publication.simple_urls.end()) {
            remark(all, advice, publication.place, "no \"simple_url {}\" in lync_publish {}: {}",
                   config::simple_url_kind_name(kind), lync::quoted(publication.name), why);
        }
    }

    // Which names the certificates cover is checked elsewhere, except for these.
    std::map<std::string, Place> patterns;
    for (const auto& url : publication.simple_urls) {
        if (url.host.ends_with(".*") && url.kind != SimpleUrlKind::admin) {
            patterns.try_emplace(url.host, url.place);
        }
    }
    if (publication.has_wildcard_sip_domain()) {
        patterns.try_emplace("lyncdiscover.*", publication.place_of_sip_domain(0));
    }
    for (const auto& [host, place] : patterns) {
        remark(all, advice, place,
               "{} stands for any domain: whether a certificate covers a name is known only when "
               "a client asks for it",
               lync::quoted(host));
    }
}

void collect_places(const config::Directive& block,
                    std::set<std::pair<std::string, unsigned>>& all) {
    all.emplace(block.place.file, block.place.line);
    for (const auto& child : block.children) {
        collect_places(*child, all);
    }
}

std::string_view first_quoted(std::string_view text) {
    const std::size_t open = text.find('"') + 1;
    return open == 0 ? std::string_view() : text.substr(open, text.find('"', open) - open);
}

/// The first `server` at http level with this server_name.
const config::Directive* find_server(const config::Directive& tree, std::string_view name) {
    for (const auto& http : tree.children) {
        for (const auto& server : http->children) {
            for (const auto& line : server->children) {
                if (server->name == "server" && line->name == "server_name" &&
                    std::ranges::any_of(line->arguments, [name](const std::string& each) {
                        return equal_ignore_case(each, name); // nginx logs it in lower case
                    })) {
                    return server.get();
                }
            }
        }
    }
    return nullptr;
}

/// Notepad saves contoso.conf as contoso.conf.txt, which no `include` finds.
void advise_text_files(const std::string& file, std::vector<Diagnostic>& all) {
    const std::filesystem::path directory = std::filesystem::path(file).parent_path();
    for (const char* below : {"", "conf.d", "sites-enabled"}) {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator(directory / below, ignored)) {
            if (const std::string name = entry.path().string(); name.ends_with(".conf.txt")) {
                remark(
                    all, advice, {},
                    "{} isn't read, since its name doesn't end in \".conf\": rename it, if it is "
                    "meant",
                    lync::quoted(name));
            }
        }
    }
}

class Check {
public:
    Check(const Options& options, const Configuration& configuration,
          const std::optional<NginxAnswer>& nginx)
        : options_(options), configuration_(configuration), nginx_(nginx) {
        for (const Published& published : configuration.publications) {
            collect_places(*published.block, places_);
            for (const auto& name : published_names(published.plan)) {
                names_.try_emplace(name.name, &published);
            }
        }
    }

    std::vector<Diagnostic> take() {
        if (nginx_) {
            add_nginx();
        } else {
            note("{}",
                 options_.fragment
                     ? "nginx wasn't asked, since it can't test a fragment: \"lyncctl check\" "
                       "of the whole nginx.conf asks it"
                     : "nginx wasn't asked: none is installed, \"--nginx BINARY\" names one "
                       "elsewhere");
        }
        if (!is_judged_) {
            add_core();
        } else if (configuration_.mistake && nginx_->accepted) {
            note("lyncctl can't read the configuration itself and has no advice: {}",
                 with_place(*configuration_.mistake));
        }
        add_advice();
        std::ranges::stable_sort(
            found_, [](const auto& a, const auto& b) { return a.severity < b.severity; });
        return std::move(found_);
    }

private:
    /// Whether a message of nginx concerns a publication.
    bool is_ours(const Diagnostic& diagnostic) const {
        return diagnostic.text.find("lync_") != std::string::npos ||
               diagnostic.text == config::addresses_stay ||
               diagnostic.place.file.starts_with("lync_publish ") ||
               places_.contains({diagnostic.place.file, diagnostic.place.line}) ||
               // conflicting server name "meet.contoso.com" on 0.0.0.0:443, ignored
               names_.contains(std::string(first_quoted(diagnostic.text)));
    }

    /// What to add to a message of nginx; empty if it needs no explanation.
    std::string explain(const Diagnostic& diagnostic) const {
        const std::string& text = diagnostic.text;
        if (const auto& mistake = configuration_.mistake;
            mistake && mistake->place.file == diagnostic.place.file &&
            mistake->place.line == diagnostic.place.line && mistake->text.starts_with(text)) {
            return mistake->text.substr(text.size()); // `expecting "}"`, and of which block
        }
        const std::string word(first_quoted(text));
        if (diagnostic.severity == Severity::error) {
            std::string begin(4, '\0');
            std::ifstream(diagnostic.place.file, std::ios::binary).read(begin.data(), 4);
            std::string_view trace = config::encoding_trace(begin);
            if (trace.empty() && text.starts_with("unknown directive ")) {
                trace = config::editor_trace(word);
            }
            // The module has added it for its own directives.
            return trace.empty() || text.ends_with(trace) ? "" : formatted(": {}", trace);
        }
        const auto name = names_.find(word);
        const config::Directive* server =
            name != names_.end() && text.starts_with("conflicting server name ")
                ? find_server(*configuration_.tree, word)
                : nullptr;
        if (server == nullptr) {
            return {};
        }
        const config::Directive& block = *name->second->block;
        return formatted(": {} answers, since it comes first, at {}; remove the name from the "
                         "server at {}",
                         block.title(), at(block.place), at(server->place));
    }

    void add_nginx() {
        std::size_t others = 0;
        is_judged_ = nginx_->accepted;
        for (const Diagnostic& diagnostic : nginx_->messages) {
            const bool error = diagnostic.severity == Severity::error;
            if (diagnostic.severity > Severity::critical && !is_ours(diagnostic)) {
                others += diagnostic.severity == Severity::warning ? 1 : 0;
                continue;
            }
            lacks_module_ = lacks_module_ ||
                            diagnostic.text.find("unknown directive \"lync_") != std::string::npos;
            lacks_rights_ =
                lacks_rights_ || (error && diagnostic.text.find("(13: ") != std::string::npos);
            is_judged_ = is_judged_ || (error && is_ours(diagnostic));
            found_.push_back(diagnostic);
            found_.back().text += explain(diagnostic);
        }
        is_judged_ = is_judged_ && !lacks_module_;
        if (others > 0) {
            note("warnings of nginx about other things than lync_publish: {}, \"nginx -t\" shows "
                 "them",
                 others);
        }
        if (!is_judged_ && !lacks_module_ && !configuration_.publications.empty()) {
            note("nginx stopped before it had judged the publications");
        }
    }

    /// What nginx hasn't reported.
    void add_core() {
        const auto add = [this](const Diagnostic& diagnostic, bool by_place) {
            const bool known = std::ranges::any_of(found_, [&](const Diagnostic& other) {
                return other.severity == diagnostic.severity &&
                       other.place.file == diagnostic.place.file &&
                       other.place.line == diagnostic.place.line &&
                       (by_place || other.text == diagnostic.text);
            });
            if (!known) {
                found_.push_back(diagnostic);
            }
        };
        for (const Published& published : configuration_.publications) {
            for (const Diagnostic& remark : published.remarks) {
                add(remark, false);
            }
        }
        if (configuration_.mistake) {
            add(*configuration_.mistake, true);
        }
    }

    template <typename... T>
    void note(fmt::format_string<T...> format, const T&... arguments) {
        remark<T...>(found_, Severity::notice, {}, format, arguments...);
    }

    void add_advice() {
        if (lacks_module_) {
            remark(
                found_, advice, {},
                "the module isn't loaded: \"load_module modules/ngx_lync_module.so;\" belongs at "
                "the top of nginx.conf, or in a file that is included there");
        }
        if (lacks_rights_ && ::geteuid() != 0) {
            remark(found_, advice, {},
                   "nginx may not read what it needs: try \"sudo lyncctl check\"");
        }
        if (!options_.fragment) {
            advise_text_files(configuration_.file, found_);
        }
        if (configuration_.mistake) {
            return;
        }
        if (configuration_.publications.empty()) {
            remark(found_, advice, {}, "no \"lync_publish\" in {}{}: nothing is published",
                   configuration_.file, options_.fragment ? "" : ", nor in what it includes");
        }
        for (const Published& published : configuration_.publications) {
            const std::string& name = published.plan.publication.name;
            if (options_.publication.empty() || name == options_.publication) {
                advise(published.plan.publication, found_);
            }
        }
    }

    const Options& options_;
    const Configuration& configuration_;
    const std::optional<NginxAnswer>& nginx_;
    std::set<std::pair<std::string, unsigned>> places_; ///< of directives of publications
    std::map<std::string, const Published*> names_;     ///< that are published
    std::vector<Diagnostic> found_;
    bool is_judged_ = false; ///< nginx has read the publications with the module
    bool lacks_module_ = false;
    bool lacks_rights_ = false;
};

} // namespace

void declare_check(CLI::App& app, Options& options) {
    add_configuration(app, options);
    app.add_option("--nginx", options.check.nginx,
                   "BINARY|The nginx that is asked; else /usr/sbin/nginx, or the one in PATH");
    app.add_option("-p,--prefix", options.check.prefix,
                   "DIR|The prefix, as nginx takes it with -p");
    app.add_flag("--strict", options.check.strict, "Advice makes the exit status 1, too");
}

int check(const Options& options, Output& output) {
    output.progress("reading " + options.configuration);
    Configuration configuration = read_publications(options);
    if (const std::optional<Diagnostic> first = configuration.mistake) {
        // A missing file must not hide other mistakes.
        configuration = read_publications(options, Needs::plan);
        configuration.mistake = first;
    }
    std::optional<NginxAnswer> nginx;
    if (!options.fragment) {
        output.progress("asking nginx");
        nginx = test_with_nginx(options.check, configuration.file);
    }
    const std::vector<Diagnostic> all = Check(options, configuration, nginx).take();

    Table table{{"level", "text=What", "file", "line"}};
    for (const Diagnostic& line : all) {
        const auto& [level, style] = levels[static_cast<std::size_t>(line.severity)];
        if (output.format() == "table") {
            output.line(output.styled(formatted("[{}]", level), style) + " " +
                        escaped(with_place(line)));
        }
        table.rows.push_back({Cell(level, style), line.text, line.place.file, line.place.line});
    }
    if (output.format() != "table") {
        output.table(table);
    }
    if (all.empty() || all.front().severity == Severity::error) {
        return all.empty() ? exit_fine : exit_failed;
    }
    return all.front().severity <= Severity::warning ||
                   (options.check.strict && all.back().severity == advice)
               ? exit_findings
               : exit_fine;
}

} // namespace lync::lyncctl
