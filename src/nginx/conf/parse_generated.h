#pragma once

// Generated text in nginx's parser. Its messages name lines that the administrator never wrote, so
// a captured log receives them instead of the real one and rewords each.

#include "nginx/ngx.h"

#include <functional>
#include <string>
#include <string_view>

namespace lync::nginx {

/// Gives directives of http level to nginx's own parser, from memory: each is checked and run by
/// the module that owns it, and messages call the text `name`. With `shown`, `nginx -T` prints it
/// under that name. Returns what ngx_conf_parse does: NGX_CONF_OK, or NGX_CONF_ERROR after a
/// message.
char* parse_generated(ngx_conf_t* cf, std::string_view name, std::string_view text, bool shown);

/// Replaces `cf->log` from construction to destruction. `explain` gets a message as nginx worded
/// it, without time stamp and process number, and returns what shall be logged.
class CapturedLog {
public:
    using Explain = std::function<std::string(std::string_view message)>;

    CapturedLog(ngx_conf_t* cf, Explain explain);
    ~CapturedLog();
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;

private:
    static void write(ngx_log_t* log, ngx_uint_t level, u_char* text, size_t length);

    ngx_conf_t* cf_;
    ngx_log_t* real_;
    ngx_log_t* captured_; ///< in the cycle's pool: a module may keep the pointer
    ngx_uint_t use_stderr_;
    Explain explain_;
};

} // namespace lync::nginx
