#pragma once

// The two examinations. Both write down what they find as they go: Interrupted and BudgetSpent
// leave what was written until then.

#include "lyncctl/doctor/examiner.h"
#include "lyncctl/doctor/questions.h"

namespace lync::lyncctl::doctor {

/// `--from outside`: what a client on the Internet does, in its order.
void examine_from_outside(const OutsideSteps& steps, const Settings& settings, Examination& written,
                          const Progress& progress);

/// `--from proxy`: every server, asked as the proxy asks it.
void examine_from_proxy(const ProxySteps& steps, const Settings& settings, Examination& written,
                        const Progress& progress);

} // namespace lync::lyncctl::doctor
