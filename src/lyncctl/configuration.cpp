#include "lyncctl/configuration.h"

#include "base/format.h"
#include "lyncctl/failure.h"
#include "lyncctl/reader.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace lync::lyncctl {

namespace {

using config::Directive;

/// Plans each `lync_publish` of a block at http level.
void publish_all(const Directive& http, Configuration& configuration,
                 const config::Environment& environment, config::Registry& registry) {
    for (const auto& child : http.children) {
        if (child->name != "lync_publish") {
            continue;
        }
        if (!child->is_block) {
            throw Mistake("directive \"lync_publish\" has no opening \"{\"", child->place);
        }
        const bool first = configuration.publications.empty();
        // Remarks on a block with a mistake are dropped.
        std::vector<Diagnostic> remarks;
        config::Publication declared = config::declare(*child, environment, registry, remarks);
        configuration.publications.push_back(
            {child.get(), plan::make_plan(std::move(declared)), first, std::move(remarks)});
    }
}

} // namespace

Configuration read_publications(const Options& options, Needs needs) {
    Configuration configuration;
    configuration.file = std::filesystem::absolute(options.configuration).string();
    const std::string prefix = directory_of(configuration.file);

    config::Environment environment;
    environment.now =
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    environment.has_ipv6 = config::system_has_ipv6();
    environment.needs_everything = needs == Needs::everything;
    environment.full_path = [&](std::string_view path) { return full_name(path, prefix); };
    config::Registry registry;
    try {
        configuration.tree = read_configuration(configuration.file);
        if (options.fragment) {
            publish_all(*configuration.tree, configuration, environment, registry);
        } else {
            for (const auto& block : configuration.tree->children) {
                if (block->name == "lync_publish") {
                    throw Mistake("\"lync_publish\" directive is not allowed here: it stands in "
                                  "http { }, \"--fragment\" reads a file that is included there",
                                  block->place);
                }
                if (block->name == "http" && block->is_block) {
                    publish_all(*block, configuration, environment, registry);
                }
            }
        }
    } catch (const Mistake& mistake) {
        configuration.mistake = mistake.diagnostic();
    }
    return configuration;
}

Configuration load_publications(const Options& options, Needs needs) {
    Configuration configuration = read_publications(options, needs);
    auto& publications = configuration.publications;
    const bool had_any = !publications.empty();
    std::erase_if(publications, [&](const Published& published) {
        return !options.publication.empty() &&
               published.plan.publication.name != options.publication;
    });
    if (configuration.mistake && (needs != Needs::blocks || publications.empty())) {
        throw Mistake(configuration.mistake->text, configuration.mistake->place);
    }
    if (!had_any) {
        throw Failure(formatted("no \"lync_publish\" in {}{}", configuration.file,
                                options.fragment ? "" : ", nor in what it includes"));
    }
    if (publications.empty()) {
        throw Failure(formatted("no lync_publish {} in {}", lync::quoted(options.publication),
                                configuration.file));
    }
    return configuration;
}

std::vector<std::string> missing_yet(const Configuration& configuration) {
    std::vector<std::string> all;
    for (const Published& published : configuration.publications) {
        for (Diagnostic remark : published.remarks) {
            if (remark.severity == Severity::error) {
                const bool denied = remark.text.find("(13: ") != std::string::npos;
                remark.text += denied && ::geteuid() != 0 ? ": try it with sudo" : "";
                all.push_back(with_place(remark));
            }
        }
    }
    return all;
}

Configuration load_plans(const Options& options, Output& output) {
    Configuration configuration = load_publications(options, Needs::plan);
    for (const std::string& what : missing_yet(configuration)) {
        output.note(formatted("{}; planned without it", what));
    }
    return configuration;
}

std::string with_place(const Diagnostic& diagnostic) {
    const Place& place = diagnostic.place;
    return place.line == 0 ? diagnostic.text
                           : formatted("{} in {}:{}", diagnostic.text, place.file, place.line);
}

} // namespace lync::lyncctl
