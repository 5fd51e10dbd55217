#pragma once

// The command line: arguments to a command and its options, by CLI11.

namespace lync::lyncctl {

/// Parses the arguments, runs the command, returns the exit status. Everything thrown ends here as
/// a sentence on stderr.
int run(int argc, const char* const* argv);

} // namespace lync::lyncctl
