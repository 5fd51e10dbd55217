#pragma once

// `nginx -t` and its messages.

#include "base/diagnostic.h"
#include "lyncctl/options.h"

#include <optional>
#include <string>
#include <vector>

namespace lync::lyncctl {

struct NginxAnswer {
    bool accepted = false;
    std::vector<Diagnostic> messages; ///< errors, warnings and notices, in nginx's order
};

/// Runs `nginx -t -c FILE` with the nginx of --nginx, else with the installed one. Nothing if none
/// is installed; a Failure if the one of --nginx can't be run or isn't one.
std::optional<NginxAnswer> test_with_nginx(const CheckOptions& options, const std::string& file);

} // namespace lync::lyncctl
