#include "lyncctl/configuration.h"

#include "base/ascii.h"
#include "config/explain_nginx_message.h"
#include "config/grammar.h"
#include "config/system_names.h"
#include "lyncctl/failure.h"
#include "lyncctl/generated.h"
#include "lyncctl/reader.h"
#include "lyncctl/status_locations.h"
#include "plan/render.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace lync::lyncctl {

namespace {

using config::Blocks;
using config::Directive;

std::string absolute(const std::string& file) {
    if (file.starts_with('/')) {
        return file;
    }
    std::string directory(4096, '\0');
    if (::getcwd(directory.data(), directory.size()) == nullptr) {
        throw Failure("the working directory can't be read: give an absolute path");
    }
    directory.resize(directory.find('\0'));
    return directory + "/" + file;
}

std::string unknown(const Directive& directive) {
    return "unknown directive \"" + std::string(directive.name.c_str()) + "\"";
}

/// Acts on an nginx.conf as nginx and the module do, as far as publications go.
class NginxConf : public config::Listener {
public:
    NginxConf(Configuration& configuration, bool fragment, Depth depth, NginxBuild build)
        : configuration_(configuration), http_(fragment ? 1 : 2), depth_(depth),
          prefix_(config::directory_of(configuration.file)) {
        has_module_ = fragment || build.has_our_module;
        state_.build = std::move(build);
        state_.remarks = &configuration.remarks;
    }

    std::string opened(const Directive& directive, const Blocks& blocks) override;
    void closed(const Directive& block, const Blocks& blocks) override;
    std::string retold(std::string text, const Blocks& blocks) override {
        return in_publication(blocks) ? config::retold(text, *blocks.back()) : text;
    }

    /// The end of http { }, which a fragment doesn't have.
    void end_of_http();

private:
    bool in_http(const Blocks& blocks) const {
        return blocks.size() >= http_ && (http_ == 1 || blocks[1]->name == "http");
    }
    bool in_publication(const Blocks& blocks) const {
        return in_http(blocks) && blocks.size() > http_ && blocks[http_]->name == "lync_publish";
    }

    std::string opened_in_publication(const Directive& directive) const;
    std::string opened_ours(const Directive& directive, const Blocks& blocks);
    std::string opened_in_http(const Directive& directive);
    std::string opened_in_server(const Directive& directive);
    void publish(const Directive& block);

    Configuration& configuration_;
    std::size_t http_; ///< the blocks up to http { }, that one included
    Depth depth_;
    std::string prefix_;
    config::Registry registry_;
    NginxState state_;
    SocketServer* server_ = nullptr; ///< the administrator's, while it is read
    std::vector<StatusLocation> status_locations_;
    bool has_module_ = false;   ///< compiled in, or loaded above
    bool sets_body_ = false;    ///< at http level
    bool has_resolver_ = false; ///< at http level
};

std::string NginxConf::opened(const Directive& directive, const Blocks& blocks) {
    if (in_publication(blocks)) {
        return opened_in_publication(directive);
    }
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (depth_ == Depth::names && directive.name.starts_with(byte_order_mark)) {
        return unknown(directive);
    }
    if (std::string wrong = opened_ours(directive, blocks); !wrong.empty()) {
        return wrong;
    }
    if (blocks.size() == 1 && http_ == 2 && directive.name == "load_module" &&
        directive.arguments.size() == 1) {
        const bool ours = directive.arguments.front().ends_with("ngx_lync_module.so");
        (ours ? has_module_ : state_.foreign_modules) = true;
    }
    if (in_http(blocks) && blocks.size() == http_) {
        return opened_in_http(directive);
    }
    if (in_http(blocks) && blocks.size() == http_ + 1 && server_ != nullptr) {
        return opened_in_server(directive);
    }
    return {};
}

/// Every directive of lync_publish is known to nginx in all of its blocks; what may stand in which
/// is the declaration's business.
std::string NginxConf::opened_in_publication(const Directive& directive) const {
    const std::string shown = "\"" + std::string(directive.name.c_str()) + "\"";
    switch (config::form_of(directive.name)) {
    case config::Form::line:
        return directive.is_block ? "directive " + shown + " is not terminated by \";\"" : "";
    case config::Form::block:
        return directive.is_block ? "" : "directive " + shown + " has no opening \"{\"";
    case config::Form::unknown:
        break;
    }
    return is_known_directive(directive.name, state_) ? shown + " directive is not allowed here"
                                                      : "unknown directive " + shown;
}

/// Directives of the module where they don't belong, and lync_publish where it does.
std::string NginxConf::opened_ours(const Directive& directive, const Blocks& blocks) {
    const std::string& name = directive.name;
    const Contexts context =
        in_http(blocks) || blocks.size() == 1 ? context_of(blocks, http_) : elsewhere;
    if (context == 0) {
        return {};
    }
    // What follows from publications can be shown before the module is installed.
    if (!has_module_ && depth_ == Depth::names &&
        (name == "lync_publish" || is_location_directive(name))) {
        return unknown(directive);
    }
    if (name == "lync_publish") {
        return context != lyncctl::in_http ? "\"lync_publish\" directive is not allowed here"
               : directive.is_block        ? ""
                                           : "directive \"lync_publish\" has no opening \"{\"";
    }
    if (is_location_directive(name)) {
        const std::string wrong = check_location_directive(directive, *blocks.back(), context);
        if (wrong.empty() && name == "lync_status" && depth_ == Depth::names) {
            status_locations_.push_back({directive.place, blocks});
        }
        return wrong.empty() && name == "lync_rule"
                   ? "\"lync_rule\" directive stands in generated servers only, write a "
                     "\"lync_publish\" block"
                   : wrong;
    }
    // A slip in "lync_publish" itself. Other words at http level are none of the tool's business.
    if (context == lyncctl::in_http && directive.is_block && !state_.foreign_modules &&
        !is_known_directive(name, state_)) {
        return unknown(directive);
    }
    // A brace too many lets lines of a block fall out of it. Words that nobody else knows are told
    // from directives of nginx's ("server") by the table.
    if (config::form_of(name) == config::Form::unknown || context == elsewhere) {
        return {};
    }
    return check_nginx_directive(directive, *blocks.back(), context, state_);
}

std::string NginxConf::opened_in_http(const Directive& directive) {
    if (directive.name == "server" && directive.is_block) {
        server_ = &state_.sockets.add_server();
        server_->place = directive.place;
    }
    sets_body_ = sets_body_ || directive.name == "proxy_set_body";
    has_resolver_ = has_resolver_ || directive.name == "resolver";
    if (directive.name == "upstream" && directive.is_block && directive.arguments.size() == 1) {
        const std::string& upstream = directive.arguments.front();
        if (!state_.upstreams.emplace(upstream, directive.place).second) {
            return "duplicate upstream \"" + upstream + "\"";
        }
    }
    return {};
}

std::string NginxConf::opened_in_server(const Directive& directive) {
    if (directive.name == "listen" && !directive.arguments.empty() && depth_ == Depth::names) {
        return state_.listen(*server_, read_listen(directive.arguments, nullptr), directive.place);
    }
    if (directive.name == "server_name") {
        for (const std::string& name : directive.arguments) {
            server_->names.push_back(to_ascii_lower(name));
        }
    }
    return {};
}

void NginxConf::closed(const Directive& block, const Blocks& blocks) {
    if (!in_http(blocks)) {
        if (blocks.size() == 1 && http_ == 2 && block.name == "http") {
            end_of_http();
        }
        return;
    }
    if (blocks.size() != http_) {
        return;
    }
    if (block.name == "lync_publish") {
        publish(block);
    }
    if (block.name == "server" && server_ != nullptr) {
        if (server_->names.empty()) {
            server_->names.emplace_back();
        }
        if (!server_->has_listen && depth_ == Depth::names) {
            state_.listen(*server_, read_listen({::geteuid() == 0 ? "80" : "8000"}, nullptr),
                          block.place);
        }
        server_ = nullptr;
    }
}

void NginxConf::publish(const Directive& block) {
    config::Environment environment;
    environment.now =
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    environment.has_ipv6 = config::system_has_ipv6();
    environment.full_path = [this](std::string_view path) {
        return config::full_name(path, prefix_);
    };

    const bool first = configuration_.publications.empty();
    // A mistake is all that is said of its block.
    std::vector<Diagnostic> remarks;
    config::Publication declared = config::declare(block, environment, registry_, remarks);
    configuration_.remarks.insert(configuration_.remarks.end(), remarks.begin(), remarks.end());
    configuration_.publications.push_back({&block, plan::make_plan(std::move(declared)), first});
    if (depth_ == Depth::plan) {
        return;
    }

    const plan::Plan& plan = configuration_.publications.back().plan;
    const plan::Dialect dialect{[this](std::string_view name) { return state_.build.has(name); },
                                state_.build.version};
    check_generated(plan, plan::render(plan, dialect, first), prefix_, state_);
}

/// What nginx and the module say in postconfiguration.
void NginxConf::end_of_http() {
    if (!configuration_.publications.empty() && depth_ != Depth::plan &&
        !state_.at_the_end.empty()) {
        throw Mistake(state_.at_the_end.front().text, state_.at_the_end.front().place);
    }
    for (const StatusLocation& location : status_locations_) {
        remark_on_access(location, configuration_.remarks);
    }
    if (configuration_.publications.empty() || depth_ == Depth::plan) {
        return;
    }
    if (sets_body_) {
        const config::Publication& first = configuration_.publications.front().plan.publication;
        throw Mistake("\"proxy_set_body\" directive at http level replaces what clients send, also "
                      "in lync_publish \"" +
                          first.name + "\": move it into the servers that need it",
                      first.place);
    }
    state_.sockets.settle(configuration_.remarks);
    bool asks = false;
    for (const Published& publication : configuration_.publications) {
        remark_on_names(publication.plan, configuration_.remarks);
        asks = asks || asks_dns(publication.plan);
    }
    if (asks && !has_resolver_ && !has_name_server()) {
        configuration_.remarks.push_back(
            {Severity::notice, std::string(config::addresses_stay), {}});
    }
}

} // namespace

NginxBuild build_of(const NginxOptions& options) {
    if (!options.version.empty()) {
        NginxBuild build = NginxBuild::debian_12();
        build.backported.clear();
        build.version = parse_nginx_version(options.version);
        if (build.version == 0) {
            throw Failure("invalid version " + lync::quoted(options.version) +
                          " in \"--nginx-version\": it is written as \"1.22.1\"");
        }
        return build;
    }
    if (!options.binary.empty()) {
        return NginxBuild::of(options.binary);
    }
    constexpr const char* installed = "/usr/sbin/nginx";
    if (::access(installed, X_OK) != 0) {
        return NginxBuild::debian_12();
    }
    try {
        return NginxBuild::of(installed);
    } catch (const Failure&) {
        return NginxBuild::debian_12(); // something else of that name
    }
}

void add_nginx(CLI::App& app, Options& options) {
    CLI::Option* binary =
        app.add_option("--nginx", options.nginx.binary,
                       "The nginx that is meant, asked for its version; else the installed one, "
                       "or Debian 12's")
            ->type_name("BINARY");
    app.add_option("--nginx-version", options.nginx.version,
                   "The same for an nginx that isn't here: its version, with Debian's modules")
        ->type_name("VERSION")
        ->excludes(binary);
}

Configuration read_configuration(const Options& options, Depth depth) {
    Configuration configuration;
    configuration.file = absolute(options.configuration);
    NginxConf listener(configuration, options.fragment, depth, build_of(options.nginx));
    try {
        configuration.tree = config::read_configuration(configuration.file, listener);
        if (options.fragment) {
            listener.end_of_http();
        }
    } catch (const Mistake& mistake) {
        configuration.mistake = mistake.diagnostic();
        configuration.publications.clear();
    }
    return configuration;
}

Configuration load_publications(const Options& options) {
    Configuration configuration = read_configuration(options, Depth::plan);
    if (configuration.mistake) {
        throw Mistake(configuration.mistake->text, configuration.mistake->place);
    }
    if (configuration.publications.empty()) {
        throw Failure("no \"lync_publish\" in " + configuration.file +
                      (options.fragment ? "" : ", nor in what it includes"));
    }
    if (!options.publication.empty()) {
        std::erase_if(configuration.publications, [&](const Published& published) {
            return published.plan.publication.name != options.publication;
        });
        if (configuration.publications.empty()) {
            throw Failure("no lync_publish " + lync::quoted(options.publication) + " in " +
                          configuration.file);
        }
    }
    return configuration;
}

std::string told(const Diagnostic& diagnostic) {
    return diagnostic.place.line == 0 ? diagnostic.text
                                      : diagnostic.text + " in " + diagnostic.place.file + ":" +
                                            std::to_string(diagnostic.place.line);
}

} // namespace lync::lyncctl
