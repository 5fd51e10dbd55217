#pragma once

// The `show` commands: what follows from the plan.

#include "lyncctl/commands.h"

namespace lync::lyncctl {

int show_names(const Options& options, Output& output);
int show_rules(const Options& options, Output& output);
int show_ports(const Options& options, Output& output);

/// The rows of Microsoft's port summaries with this topology's addresses, a page of what is to be
/// opened, or rules.
void declare_firewall(CLI::App& app, Options& options);
int show_firewall(const Options& options, Output& output);

void declare_dns(CLI::App& app, Options& options);
int show_dns(const Options& options, Output& output);

int show_nginx(const Options& options, Output& output);

void declare_certificate(CLI::App& app, Options& options);
int show_certificate(const Options& options, Output& output);

} // namespace lync::lyncctl
