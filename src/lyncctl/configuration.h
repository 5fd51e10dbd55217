#pragma once

// nginx.conf as the tool sees it: every publication in it with its plan, and what nginx -t would
// say about them.

#include "config/block.h"
#include "lyncctl/nginx_directives.h"
#include "lyncctl/options.h"
#include "plan/plan.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace lync::lyncctl {

/// A publication: its block as it was written, and what follows from it.
struct Published {
    const config::Directive* block = nullptr; ///< in Configuration::tree
    plan::Plan plan;
    bool first = false; ///< of its nginx.conf: brings what is needed once
};

struct Configuration {
    std::string file; ///< absolute
    /// All of nginx.conf; nullptr if a mistake ended its reading.
    std::unique_ptr<config::Directive> tree;
    std::deque<Published> publications; ///< none after a mistake
    /// Warnings and notices, in the order in which nginx would say them.
    std::vector<Diagnostic> remarks;
    /// What nginx refuses the configuration for.
    std::optional<Diagnostic> mistake;
};

/// How much of nginx -t is done. `names` needs the network: nginx resolves the names of servers
/// and sockets while it reads them.
enum class Depth { plan, names };

/// Reads all of it, up to the first mistake.
Configuration read_configuration(const Options& options, Depth depth);

/// For commands that show what follows: throws the mistake if there is one, keeps only what
/// --publication names, and fails if nothing is left. Nothing is resolved.
Configuration load_publications(const Options& options);

/// The nginx that --nginx or --nginx-version mean; else the installed one, or Debian 12's.
NginxBuild build_of(const NginxOptions& options);

/// Declares --nginx and --nginx-version.
void add_nginx(CLI::App& app, Options& options);

/// `TEXT in FILE:LINE`, as nginx prints it; without a place if there is none.
std::string told(const Diagnostic& diagnostic);

} // namespace lync::lyncctl
