#pragma once

// nginx.conf as the tool reads it: every publication in it with its plan, and the core's
// diagnostics. For what only nginx knows, `lyncctl check` runs `nginx -t` (nginx_test.h).

#include "config/block.h"
#include "lyncctl/options.h"
#include "lyncctl/output.h"
#include "plan/plan.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lync::lyncctl {

/// A publication: its block as it was written, and its plan.
struct Published {
    const config::Directive* block = nullptr; ///< in Configuration::tree
    plan::Plan plan;
    bool first = false;              ///< of its nginx.conf: brings what is needed once
    std::vector<Diagnostic> remarks; ///< warnings, notices, and what is missing, in their order
};

struct Configuration {
    std::string file; ///< absolute
    /// All of nginx.conf; nullptr if the reader can't parse it.
    std::unique_ptr<config::Directive> tree;
    std::deque<Published> publications; ///< those before the mistake
    std::optional<Diagnostic> mistake;  ///< the first one; it ended the reading
};

enum class Needs {
    everything, ///< as nginx
    plan,       ///< no keys; what is missing yet is an error among the remarks
    blocks,     ///< the same, and a mistake is nothing to the publications before it
};

/// Reads all of it, up to the first mistake. A file that can't be opened is a Failure.
Configuration read_publications(const Options& options, Needs needs = Needs::everything);

/// Throws the mistake if there is one, keeps only the publication of --publication, and fails if
/// none is left.
Configuration load_publications(const Options& options, Needs needs);

/// For `show`: notes which files are missing, and continues without them.
Configuration load_plans(const Options& options, Output& output);

/// The errors among the remarks, with their remedy.
std::vector<std::string> missing_yet(const Configuration& configuration);

/// `TEXT in FILE:LINE`, as nginx prints it; without a place if there is none.
std::string with_place(const Diagnostic& diagnostic);

} // namespace lync::lyncctl
