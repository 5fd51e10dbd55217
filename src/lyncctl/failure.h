#pragma once

// The command-line tool, lyncctl: firewall rules, DNS records, certificates and whatever else an
// administrator has to set up around the module, from the same declaration and the same plan
// (src/config, src/plan). Neither the core nor the module includes anything of it.
//
//     commands.h       the table of commands: a new one is a row there
//     options.h        the parsed command line
//     output.h         tables in every format, text, progress
//     configuration.h  nginx.conf, its publications and every diagnostic about them
//     files.h          reading files, and writing new ones
//     addresses.h      addresses, ports and sockets as they are written
//     failure.h        how a command ends

#include <stdexcept>
#include <string>

namespace lync::lyncctl {

/// What `lyncctl` exits with. Scripts rely on them: docs/lyncctl.md.
inline constexpr int exit_fine = 0;     ///< done, nothing to say
inline constexpr int exit_findings = 1; ///< done, and something was found that wants attention
inline constexpr int exit_failed = 2;   ///< not done: bad arguments, configuration or file

/// Ends a command with exit_failed and one sentence on stderr: nginx's form, no full stop.
class Failure : public std::runtime_error {
public:
    explicit Failure(const std::string& text) : std::runtime_error(text) {}
};

} // namespace lync::lyncctl
