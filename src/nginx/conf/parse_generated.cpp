#include "nginx/conf/parse_generated.h"

#include "nginx/guard.h"

namespace lync::nginx {

namespace {

/// `2026/11/21 10:00:00 [emerg] 12#12: TEXT\n` without everything around TEXT.
std::string_view without_stamp(std::string_view line) noexcept {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
        line.remove_suffix(1);
    }
    const std::size_t level_end = line.find("] ");
    const std::size_t stamp_end =
        level_end == std::string_view::npos ? level_end : line.find(": ", level_end);
    return stamp_end == std::string_view::npos ? line : line.substr(stamp_end + 2);
}

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

CapturedLog::CapturedLog(ngx_conf_t* cf, Explain explain)
    : cf_(cf), real_(cf->log),
      captured_(static_cast<ngx_log_t*>(ngx_pcalloc(cf->cycle->pool, sizeof(ngx_log_t)))),
      use_stderr_(ngx_use_stderr), explain_(std::move(explain)) {
    if (captured_ == nullptr) {
        throw std::bad_alloc();
    }
    captured_->log_level = real_->log_level;
    captured_->file = real_->file;
    captured_->writer = write;
    captured_->wdata = this;
    cf->log = captured_;
    ngx_use_stderr = 0; // else nginx repeats each line there, in its own words
}

CapturedLog::~CapturedLog() {
    ngx_use_stderr = use_stderr_;
    cf_->log = real_;
    *captured_ = *real_; // some code may have kept the pointer
}

void CapturedLog::write(ngx_log_t* log, ngx_uint_t level, u_char* text, size_t length) {
    auto* self = static_cast<CapturedLog*>(log->wdata);

    guarded(self->real_, [&] {
        const std::string explained =
            self->explain_(without_stamp({reinterpret_cast<char*>(text), length}));
        ngx_use_stderr = self->use_stderr_;
        ngx_log_error(level, self->real_, 0, "%*s", explained.size(), explained.data());
        ngx_use_stderr = 0;
    });
}

} // namespace lync::nginx
