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

/// `--user`: signs in by NTLM once, at a server that was found trustworthy; `ca_file` verifies it
/// again, on the very connection that carries the credentials. False if they were refused: another
/// try could lock the account.
bool sign_in_at(Examiner& examiner, HttpRequest request, const std::string& ca_file,
                const std::string& where);

/// The password, from the descriptor if it isn't negative (its first line), else from the terminal
/// without echo. Throws Failure.
std::string read_password(int descriptor, const std::string& user);

} // namespace lync::lyncctl::doctor
