#pragma once

// nginx's tables of directives: what the nginx at hand knows, and where a directive keeps its
// value.

#include "nginx/ngx.h"

#include <string_view>

namespace lync::nginx {

/// A directive of an HTTP module; `command` is nullptr if there is none.
struct Command {
    const ngx_module_t* module = nullptr;
    const ngx_command_t* command = nullptr;

    explicit operator bool() const noexcept { return command != nullptr; }

    /// The value in one set of location configurations, for a directive whose table row names
    /// its place.
    template <typename T>
    T* value(void** loc_conf) const noexcept {
        return reinterpret_cast<T*>(static_cast<char*>(loc_conf[module->ctx_index]) +
                                    command->offset);
    }
};

inline Command find_command(const ngx_cycle_t* cycle, std::string_view name) noexcept {
    for (ngx_uint_t i = 0; cycle->modules[i] != nullptr; i++) {
        const ngx_module_t* module = cycle->modules[i];
        if (module->type != NGX_HTTP_MODULE || module->commands == nullptr) {
            continue;
        }
        for (const ngx_command_t* command = module->commands; command->name.len != 0; command++) {
            if (view(command->name) == name) {
                return {module, command};
            }
        }
    }
    return {};
}

} // namespace lync::nginx
