#pragma once

// `lyncctl doctor`: does what a client does, and says what it finds wrong, with cause and remedy.
// Its parts know nothing of the command line, and each of one concern:
//
//     doctor_findings.h   the table of findings (doctor_kinds.cpp), the findings of a run
//     doctor_steps.h      what there is to ask, from the plan
//     doctor_wait.h       deadlines, Ctrl-C
//     doctor_net.h        DNS by c-ares, TCP, --resolve and --connect-to
//     doctor_tls.h        handshakes and certificates, by OpenSSL
//     doctor_http.h       requests, by libcurl
//     doctor_documents.h  what is read of documents, by pugixml
//     doctor_examiner.h   asking and judging, the same outside and at the servers
//     doctor_answers.h    judging what services answer
//     doctor_reach.h      names to machines that can be asked: the first half of --from outside
//     doctor_outside.h    --from outside
//     doctor_proxy.h      --from proxy
//     doctor_sign_in.h    --user

#include "lyncctl/options.h"
#include "lyncctl/output.h"

namespace CLI {
class App;
}

namespace lync::lyncctl {

void declare_doctor(CLI::App& app, Options& options);
int run_doctor(const Options& options, Output& output);

} // namespace lync::lyncctl
