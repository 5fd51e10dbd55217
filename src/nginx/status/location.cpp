#include "nginx/conf/commands.h"
#include "nginx/guard.h"
#include "nginx/status/status.h"

namespace lync::nginx {

char* answer_at(ngx_conf_t* cf, LocConf& location, ngx_http_handler_pt handler,
                std::vector<LocConf*> MainConf::*locations) noexcept {
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    if (core->handler != nullptr) {
        return const_cast<char*>(core->handler == handler
                                     ? "is duplicate"
                                     : "needs a location of its own: another directive answers "
                                       "in this one");
    }
    core->handler = handler;
    location.own = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
    location.file = cf->conf_file->file.name;
    location.line = cf->conf_file->line;
    return guarded(cf->log, static_cast<char*>(NGX_CONF_ERROR), [&]() -> char* {
        (main_conf_of(cf).*locations).push_back(&location);
        return NGX_CONF_OK;
    });
}

namespace {

/// Whether `return` or `try_files` of the same location answers before any handler does: the one as
/// the first instruction of the rewrite module, the other always, by its fallback. Neither is
/// inherited.
bool answers_before(const ngx_cycle_t* cycle, void** own) noexcept {
    const Command rewrite = find_command(cycle, "return");
    const Command files = find_command(cycle, "try_files");
    const auto* codes = rewrite ? *rewrite.value<const ngx_array_t*>(own) : nullptr;
    return (codes != nullptr && *static_cast<const ngx_http_script_code_pt*>(codes->elts) ==
                                    ngx_http_script_return_code) ||
           (files && *files.value<const void*>(own) != nullptr);
}

} // namespace

bool answers_at(ngx_conf_t* cf, const LocConf& location, ngx_http_handler_pt handler,
                const char* directive) noexcept {
    if (conf_of<ngx_http_core_loc_conf_t>(location.own, ngx_http_core_module).handler == handler &&
        !answers_before(cf->cycle, location.own)) {
        return true;
    }
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\" directive needs a location of its own: another directive answers in this "
                  "one in %V:%ui",
                  directive, &location.file, location.line);
    return false;
}

} // namespace lync::nginx
