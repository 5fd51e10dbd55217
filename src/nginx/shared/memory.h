#pragma once

// Memory of all workers that outlives reloads: a zone of nginx's that is used as one piece, behind
// the head of its slab pool. The zones that are made of it are zone.h and lockout/zone.h.

#include "nginx/ngx.h"

#include <cstddef>
#include <string_view>

namespace lync::nginx {

/// Asks nginx for it, at the end of parsing. `init` is called once it is there, in the master, with
/// `owner` in the zone's `data`.
inline ngx_int_t declare_memory(ngx_conf_t* cf, std::string_view name, std::size_t contents,
                                ngx_shm_zone_init_pt init, void* owner) noexcept {
    ngx_str_t copied = copy(cf->pool, name);
    if (copied.data == nullptr) {
        return NGX_ERROR;
    }
    // The slab pool's head grows with the pages it describes.
    const std::size_t size = ngx_align(contents + contents / 64 + 64 * 1024, ngx_pagesize);
    ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &copied, size, &ngx_lync_module);
    if (zone == nullptr) {
        return NGX_ERROR;
    }
    zone->data = owner;
    zone->init = init;
    return NGX_OK;
}

/// What an earlier configuration has made in it; NULL if it is new.
template <typename Contents>
Contents* contents_of(const ngx_shm_zone_t& zone) noexcept {
    return static_cast<Contents*>(reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr)->data);
}

/// Where they are made: zeroed. `keep_contents` says that they are complete.
template <typename Contents>
Contents* room_for(const ngx_shm_zone_t& zone) noexcept {
    auto* pool = reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr);
#if (NGX_DEBUG_MALLOC)
    ngx_memzero(pool->start, static_cast<std::size_t>(pool->end - pool->start));
#endif
    return reinterpret_cast<Contents*>(ngx_align_ptr(pool->start, alignof(Contents)));
}

template <typename Contents>
void keep_contents(const ngx_shm_zone_t& zone, Contents* contents) noexcept {
    reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr)->data = contents;
}

} // namespace lync::nginx
