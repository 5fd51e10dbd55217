#include "nginx/conf/parse_generated.h"

namespace lync::nginx {

namespace {

ngx_buf_t* copy_to_buffer(ngx_pool_t* pool, std::string_view text) {
    // A block ends with its "}"; nginx reads no file here, so the text must bring it.
    ngx_buf_t* buffer = ngx_create_temp_buf(pool, text.size() + 1);
    if (buffer != nullptr) {
        buffer->last = ngx_cpymem(buffer->last, text.data(), text.size());
        *buffer->last++ = '}';
    }
    return buffer;
}

ngx_int_t show(ngx_cycle_t* cycle, ngx_str_t name, const ngx_buf_t& buffer) {
    auto* dump = static_cast<ngx_conf_dump_t*>(ngx_array_push(&cycle->config_dump));
    auto* shown = static_cast<ngx_buf_t*>(ngx_pcalloc(cycle->pool, sizeof(ngx_buf_t)));
    if (dump == nullptr || shown == nullptr) {
        return NGX_ERROR;
    }
    *shown = buffer;
    shown->last--; // without the "}"
    dump->name = name;
    dump->buffer = shown;
    return NGX_OK;
}

} // namespace

char* parse_generated(ngx_conf_t* cf, std::string_view name, std::string_view text, bool shown) {
    ngx_buf_t* buffer = copy_to_buffer(cf->pool, text);
    const ngx_str_t title = copy(cf->pool, name);
    if (buffer == nullptr || title.data == nullptr ||
        (shown && ngx_dump_config && show(cf->cycle, title, *buffer) != NGX_OK)) {
        return static_cast<char*>(NGX_CONF_ERROR);
    }

    // nginx parses a block if there is a file, and reads no more of it than its size says. So a
    // descriptor that is open anyway and a size of zero make it read the buffer alone.
    ngx_conf_file_t file{};
    file.file.fd = cf->conf_file->file.fd;
    file.file.name = title;
    file.file.log = cf->log;
    file.buffer = buffer;
    file.line = 1;

    const ngx_conf_t saved = *cf;
    cf->conf_file = &file;
    cf->module_type = NGX_HTTP_MODULE;
    cf->cmd_type = NGX_HTTP_MAIN_CONF;
    cf->handler = nullptr;
    char* result = ngx_conf_parse(cf, nullptr);
    *cf = saved;
    return result;
}

} // namespace lync::nginx
