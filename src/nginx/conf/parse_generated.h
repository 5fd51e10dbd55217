#pragma once

#include "nginx/ngx.h"

#include <string_view>

namespace lync::nginx {

/// Gives directives of http level to nginx's own parser, from memory: each is checked and run by
/// the module that owns it, and messages call the text `name`. With `shown`, `nginx -T` prints it
/// under that name. Returns what ngx_conf_parse does: NGX_CONF_OK, or NGX_CONF_ERROR after a
/// message.
char* parse_generated(ngx_conf_t* cf, std::string_view name, std::string_view text, bool shown);

} // namespace lync::nginx
