#include "plan/patterns.h"

namespace lync::plan {

std::string name_in_common(std::string_view leading, std::string_view trailing) {
    // ".contoso.com" is "*.contoso.com" and "contoso.com".
    if (leading.starts_with('*')) {
        leading.remove_prefix(1);
    }
    if (leading.size() < 2 || !leading.starts_with('.') || !trailing.ends_with(".*")) {
        return {};
    }
    trailing.remove_suffix(2);
    return std::string(trailing).append(leading);
}

std::string name_is_taken(std::string_view name, std::string_view leading,
                          std::string_view trailing, std::string_view publication) {
    return std::string("\"")
        .append(name)
        .append("\" goes to the server outside of lync_publish with server_name \"")
        .append(leading)
        .append("\", which nginx prefers to \"")
        .append(trailing)
        .append("\" of lync_publish \"")
        .append(publication)
        .append("\": to publish it, write its full name in the block as well");
}

} // namespace lync::plan
