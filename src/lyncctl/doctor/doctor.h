#pragma once

// `lyncctl doctor`: does what a client does, and says what it finds wrong, with cause and remedy.
// What there is to ask (questions) comes from the plan; the examinations from outside and from the
// proxy ask it through the Examiner, which keeps the budget of the run and stands on libcurl
// (http), OpenSSL (tls) and c-ares (resolver); answers judges what comes back; findings holds what
// is wrong.

#include "lyncctl/options.h"
#include "lyncctl/output.h"

namespace CLI {
class App;
}

namespace lync::lyncctl {

void declare_doctor(CLI::App& app, Options& options);
int run_doctor(const Options& options, Output& output);

} // namespace lync::lyncctl
