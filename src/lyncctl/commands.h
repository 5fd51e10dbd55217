#pragma once

// The table of commands: what `lyncctl` can do, once. The command line, its help and the completion
// follow from it.

#include "lyncctl/options.h"
#include "lyncctl/output.h"

#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace lync::lyncctl {

/// One command, `lyncctl GROUP NAME`.
struct Command {
    std::string_view group; ///< "show", "import", "lockout"; empty for `lyncctl NAME`
    std::string_view name;
    std::string_view summary; ///< one line of help: lower case, no full stop
    /// What people type: three lines of help.
    std::string_view examples;
    /// What `--format` takes beside table, csv, json, markdown and html ("nft pf"); empty: nothing.
    std::string_view own_format;
    bool own_is_default; ///< own_format is what is printed without --format
    /// Adds the arguments and options of the command; those of output (--format, --color) are
    /// there already. `add_configuration` is what most commands want.
    void (*declare)(CLI::App& app, Options& options);
    /// Does it; the result is the exit status (failure.h). What ends it early is thrown: Failure,
    /// or Mistake.
    int (*run)(const Options& options, Output& output);
};

std::span<const Command> commands() noexcept;

/// Declares the arguments of a command that reads nginx.conf: its path, --fragment, --publication.
void add_configuration(CLI::App& app, Options& options);

/// Declares --force.
void add_force(CLI::App& app, Options& options);

} // namespace lync::lyncctl
