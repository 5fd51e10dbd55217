#pragma once

// Nothing throws into nginx: a function that nginx calls, and that may throw, does its work inside
// `guarded`.

#include "nginx/ngx.h"

#include <exception>
#include <utility>

namespace lync::nginx {

/// Runs `work`; whatever it throws is logged in one line and becomes `on_failure`.
template <typename Result, typename Work>
Result guarded(ngx_log_t* log, Result on_failure, Work&& work) noexcept {
    try {
        return std::forward<Work>(work)();
    } catch (const std::exception& error) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "lync: %s", error.what());
    } catch (...) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "lync: unknown failure");
    }
    return on_failure;
}

/// The same for work without a result.
template <typename Work>
void guarded(ngx_log_t* log, Work&& work) noexcept {
    guarded(log, 0, [&work] {
        std::forward<Work>(work)();
        return 0;
    });
}

/// Constructs a T that lives as long as `pool`: its memory and cleanup are allocated first, so that
/// a throwing constructor leaves nothing behind. NULL if there is no memory.
template <typename T, typename... Arguments>
T* create_in(ngx_pool_t* pool, Arguments&&... arguments) {
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(pool, sizeof(T));
    if (cleanup == nullptr) {
        return nullptr;
    }
    T* object = new (cleanup->data) T(std::forward<Arguments>(arguments)...);
    cleanup->handler = [](void* data) { static_cast<T*>(data)->~T(); };
    return object;
}

} // namespace lync::nginx
