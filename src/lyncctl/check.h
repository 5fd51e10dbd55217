#pragma once

#include "lyncctl/commands.h"

namespace lync::lyncctl {

void declare_check(CLI::App& app, Options& options);

/// `lyncctl check`: exit_failed where nginx would refuse the configuration, exit_findings where it
/// would warn.
int check(const Options& options, Output& output);

} // namespace lync::lyncctl
