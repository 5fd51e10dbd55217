#pragma once

// Who may see the status: what is said at load of a location that opens it further than its words
// tell, or not at all. The module and lyncctl check say it alike.

namespace lync::status {

inline constexpr const char* rules_leave_open =
    "the rules of \"allow\" and \"deny\" open the status to all that they don't name: end them "
    "with \"deny all\", or with \"allow all\" if that is meant";
inline constexpr const char* asks_nobody =
    "\"auth_basic\" without \"auth_basic_user_file\" asks nobody for a password, so it doesn't "
    "open the status: write \"auth_basic_user_file\"";

} // namespace lync::status
