#pragma once

// `--from proxy`: every server, asked as the proxy asks it.

#include "lyncctl/doctor/examiner.h"

namespace lync::lyncctl::doctor {

/// Writes down what it finds as it goes; Interrupted leaves what was written until then.
void examine_from_proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
                        const Progress& progress);

} // namespace lync::lyncctl::doctor
