#pragma once

// `--from outside`: what a client on the Internet does, in its order.

#include "lyncctl/doctor/examiner.h"

namespace lync::lyncctl::doctor {

/// Writes down what it finds as it goes; Interrupted leaves what was written until then.
void examine_from_outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
                          const Progress& progress);

} // namespace lync::lyncctl::doctor
