// The command line: arguments to a command and its options, by CLI11.

#include "base/format.h"
#include "base/version.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"

#include <CLI/CLI.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

namespace {

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

/// The capabilities of stdout and stderr, and the user's wishes (https://no-color.org).
Terminal terminal_of(const Options& options) {
    const bool out = isatty(STDOUT_FILENO) == 1;
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string_view(term) == "dumb";
    winsize size{};
    Terminal terminal;
    terminal.colour = options.colour == "always" ||
                      (options.colour == "auto" && out && !is_set("NO_COLOR") && !dumb);
    terminal.progress = isatty(STDERR_FILENO) == 1 && !dumb;
    terminal.columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    return terminal;
}

std::string default_format(const Command& command) {
    return command.own_is_default ? std::string(command.own_format) : "table";
}

void declare_output(CLI::App& app, const Command& command, Options& options) {
    std::vector<std::string> words{"table", "csv", "json", "markdown", "html"};
    for (const std::string& own : CLI::detail::split(std::string(command.own_format), ' ')) {
        words.push_back(own);
    }
    std::erase(words, "");
    app.add_option("--format", options.format, "FORMAT|How it is printed: " + joined(words))
        ->default_str(default_format(command))
        ->check(CLI::IsMember(words).description(""));
    app.add_option("--color,--colour", options.colour, "WHEN|Colours: auto, always, never")
        ->default_str("auto")
        ->check(CLI::IsMember({"auto", "always", "never"}).description(""));
}

constexpr struct {
    const char* name;
    const char* summary;
    const char* examples;
} groups[] = {
    {"lockout", "lists and releases what is held after too many wrong passwords",
     "  sudo lyncctl lockout list\n"
     "  sudo lyncctl lockout release ken@contoso.com\n"
     "  sudo lyncctl lockout release 203.0.113.7"},
    {"show", "prints what follows from the publications",
     "  lyncctl show names\n"
     "  lyncctl show dns --address 203.0.113.10\n"
     "  lyncctl show firewall --plan"},
    {"import", "writes lync_publish blocks for what another reverse proxy publishes",
     "  lyncctl import arr applicationHost.config\n"
     "  lyncctl import pfsense config.xml\n"
     "  lyncctl import nginx old.conf"},
};

/// Adds the commands of a group; `chosen` becomes the one on the command line.
void declare_commands(CLI::App& app, std::string_view group, Options& options,
                      const Command*& chosen) {
    for (const Command& command : commands()) {
        if (command.group != group) {
            continue;
        }
        CLI::App* leaf =
            app.add_subcommand(std::string(command.name), std::string(command.summary));
        leaf->footer("Examples:\n" + std::string(command.examples));
        leaf->callback([&] { chosen = &command; });
        command.declare(*leaf, options);
        declare_output(*leaf, command, options);
        for (CLI::Option* option : leaf->get_options()) {
            const std::string help = option->get_description();
            const std::size_t bar = help.find('|') + 1; // 0: none
            if (option->get_positional()) {
                option->type_name("");
            } else if (bar != 0) {
                option->type_name(help.substr(0, bar - 1));
            }
            option->description(help.substr(bar));
            // A repeatable option takes one value each time, not the FILE after it.
            if (option->nonpositional() && option->get_expected_max() > 1) {
                option->allow_extra_args(false);
            }
        }
    }
}

int complain(std::string_view text) {
    std::cout.flush();
    std::cerr << "lyncctl: " << text << '\n';
    return exit_failed;
}

int run_command(const Command& command, const Options& options) {
    Output output(std::cout, std::cerr, options.format, terminal_of(options));
    const int status = command.run(options, output);
    output.end_progress();
    std::cout.flush();
    if (!std::cout) {
        return complain("the output can't be written");
    }
    return status;
}

/// Reports what CLI11 found wrong: in its own words, except about commands.
int complain_of_arguments(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App* where = &app;
    while (!where->get_subcommands().empty()) {
        where = where->get_subcommands().front();
    }
    const bool wants_command = where->get_require_subcommand_min() > 0;
    const std::vector<std::string> rest = where->remaining();
    if (wants_command && !rest.empty()) {
        complain(formatted("unknown command {}", lync::quoted(rest.front())));
    } else {
        complain(wants_command ? "a command is missing" : escaped(error.what()));
    }
    std::string name;
    for (; where != nullptr; where = where->get_parent()) {
        name = where->get_name() + " " + name;
    }
    std::cerr << formatted("\"{}--help\" shows how it is used\n", name);
    return exit_failed;
}

int parse_and_run(int argc, const char* const* argv) {
    Options options;
    CLI::App app("Plans, checks and diagnoses the publications (lync_publish) of an nginx.conf",
                 "lyncctl");
    app.set_version_flag("--version", "lyncctl " + std::string(version));
    app.require_subcommand(1);
    app.footer("Examples:\n"
               "  lyncctl show names --fragment contoso.conf\n"
               "  sudo lyncctl check\n"
               "  lyncctl doctor --from proxy\n\n"
               "Exit status: 0 fine, 1 something was found, 2 it couldn't be done.\n"
               "The manual is lyncctl(8).");

    const Command* chosen = nullptr;
    declare_commands(app, "", options, chosen);
    for (const auto& [name, summary, examples] : groups) {
        CLI::App* group = app.add_subcommand(name, summary);
        group->require_subcommand(1);
        group->footer(formatted("Examples:\n{}", examples));
        declare_commands(*group, name, options, chosen);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
            return app.exit(error); // --help, --version
        }
        return complain_of_arguments(app, error);
    }

    if (options.format.empty()) {
        options.format = default_format(*chosen);
    }
    return run_command(*chosen, options);
}

} // namespace

void add_configuration(CLI::App& app, Options& options) {
    add_configuration(app, options, "-c,FILE");
}

void add_configuration(CLI::App& app, Options& options, const char* path) {
    app.add_option(path, options.configuration, "FILE|The nginx.conf to read, with its includes")
        ->capture_default_str();
    app.add_flag("--fragment", options.fragment,
                 "The file holds only what stands inside of http { }");
    app.add_option("--publication", options.publication, "NAME|Only the lync_publish of this name");
}

int run(int argc, const char* const* argv) {
    try {
        return parse_and_run(argc, argv);
    } catch (const Mistake& mistake) {
        return complain(escaped(with_place(mistake.diagnostic())));
    } catch (const Failure& failure) {
        return complain(escaped(failure.what()));
    } catch (const std::bad_alloc&) {
        return complain("out of memory");
    } catch (const std::exception& error) {
        return complain(escaped(error.what()));
    }
}

} // namespace lync::lyncctl
