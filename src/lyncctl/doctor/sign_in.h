#pragma once

// `--user`: a sign-in by NTLM, and the password for it.

#include "lyncctl/doctor/examiner.h"

namespace lync::lyncctl::doctor {

/// Signs in once, at a server that was found trustworthy; `ca_file` verifies it again, on the very
/// connection that carries the credentials. False if the credentials were refused: whoever tries
/// them again helps to lock the account.
bool sign_in_at(Examiner& examiner, HttpRequest request, const std::string& ca_file,
                const std::string& where, Examination& written);

/// The password, from the descriptor if it isn't negative (its first line), else from the terminal
/// without echo. Throws Failure.
std::string read_password(int descriptor, const std::string& user);

} // namespace lync::lyncctl::doctor
