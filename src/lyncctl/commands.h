#pragma once

// The table of commands. The command line, its help and the shell completion are derived from it.

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
    /// Three examples, for the help.
    std::string_view examples;
    /// Values of `--format` beside table, csv, json, markdown and html: "nft pf".
    std::string_view own_format;
    bool own_is_default; ///< own_format is what is printed without --format
    /// Adds the arguments and options of the command, "VALUE|help"; those of output (--format,
    /// --color) come after them. Most commands use `add_configuration`.
    void (*declare)(CLI::App& app, Options& options);
    /// Runs the command and returns the exit status (failure.h). Throws Failure or Mistake.
    int (*run)(const Options& options, Output& output);
};

std::span<const Command> commands() noexcept;

/// Parses the arguments, runs the command, returns the exit status. Every exception ends here as a
/// message on stderr.
int run(int argc, const char* const* argv);

/// Declares the arguments of a command that reads nginx.conf: its path, --fragment, --publication.
void add_configuration(CLI::App& app, Options& options, const char* path);
void add_configuration(CLI::App& app, Options& options);

// The commands. A `declare_` adds the arguments and options of one that has its own.

void declare_check(CLI::App& app, Options& options);
int check(const Options& options, Output& output);
void declare_doctor(CLI::App& app, Options& options);
int run_doctor(const Options& options, Output& output);

// control/control.cpp
void declare_servers(CLI::App& app, Options& options);
int servers(const Options& options, Output& output);
void declare_drain(CLI::App& app, Options& options);
int drain(const Options& options, Output& output);
void declare_undrain(CLI::App& app, Options& options);
int undrain(const Options& options, Output& output);
void declare_shields(CLI::App& app, Options& options);
int shields(const Options& options, Output& output);
int lockout_list(const Options& options, Output& output);
void declare_lockout_release(CLI::App& app, Options& options);
int lockout_release(const Options& options, Output& output);

// show/
int show_names(const Options& options, Output& output);
int show_rules(const Options& options, Output& output);
int show_ports(const Options& options, Output& output);
void declare_firewall(CLI::App& app, Options& options);
int show_firewall(const Options& options, Output& output);
void declare_dns(CLI::App& app, Options& options);
int show_dns(const Options& options, Output& output);
int show_nginx(const Options& options, Output& output);
void declare_certificate(CLI::App& app, Options& options);
int show_certificate(const Options& options, Output& output);

// import/
void declare_import(CLI::App& app, Options& options);
int import_arr(const Options& options, Output& output);
int import_pfsense(const Options& options, Output& output);
int import_nginx(const Options& options, Output& output);
void declare_import_topology(CLI::App& app, Options& options);
int import_topology(const Options& options, Output& output);
void declare_drift(CLI::App& app, Options& options);
int drift(const Options& options, Output& output);

} // namespace lync::lyncctl
