#pragma once

// The command-line tool, lyncctl: what an administrator must get right around the module, from the
// same declaration and the same plan (src/config, src/plan). The one room that neither the core
// nor the module knows.
//
//     commands.h       the table of commands: a new one is a row there
//     options.h        what the command line says
//     output.h         tables in every format, text, progress
//     configuration.h  nginx.conf, its publications and every diagnostic about them
//     files.h          files that a command writes: never over others
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
