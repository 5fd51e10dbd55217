#pragma once

// `show certificate --format certbot`: the commands that get a publication's certificates from a CA
// by ACME, and have nginx take the renewed ones.

#include "lyncctl/configuration.h"

#include <string>

namespace lync::lyncctl {

/// A shell script. `key_type` as --key-type takes it.
std::string certbot_script(const Configuration& configuration, const std::string& key_type);

} // namespace lync::lyncctl
