#pragma once

// `lyncctl show firewall`: the rows of Microsoft's port summaries with this topology's addresses,
// or an nftables ruleset of them.

#include "lyncctl/commands.h"

namespace lync::lyncctl {

int show_firewall(const Options& options, Output& output);

} // namespace lync::lyncctl
