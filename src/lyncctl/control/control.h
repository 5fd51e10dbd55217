#pragma once

// drain, undrain, servers, lockout: what is said to a running nginx, by HTTP to the Unix-domain socket of
// `lync_control` (src/nginx/status/control.h).

#include "lyncctl/options.h"
#include "lyncctl/output.h"

namespace CLI {
class App;
}

namespace lync::lyncctl {

void declare_servers(CLI::App& app, Options& options);
int servers(const Options& options, Output& output);

void declare_drain(CLI::App& app, Options& options);
int drain(const Options& options, Output& output);

void declare_undrain(CLI::App& app, Options& options);
int undrain(const Options& options, Output& output);

void declare_shields(CLI::App& app, Options& options);
int shields(const Options& options, Output& output);

void declare_lockout_list(CLI::App& app, Options& options);
int lockout_list(const Options& options, Output& output);

void declare_lockout_release(CLI::App& app, Options& options);
int lockout_release(const Options& options, Output& output);

} // namespace lync::lyncctl
