#include "nginx/lockout/redis.h"

#include "base/ascii.h"
#include "nginx/servers/server_connection.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>

namespace lync::nginx {

namespace {

constexpr ngx_msec_t greeting_patience = 2000;
constexpr ngx_msec_t shortest_pause = 1000;
constexpr ngx_msec_t longest_pause = 10000;
/// An answer that is longer isn't one to what is asked here.
constexpr std::size_t longest_reply = 512 * 1024;

// --- hiredis reads into a Reply

constexpr int made = 1; // hiredis wants a pointer for each object
void* const object = const_cast<int*>(&made);

Reply& reply_of(const redisReadTask* task) noexcept {
    return *static_cast<Reply*>(task->privdata);
}

void* read_string(const redisReadTask* task, char* text, std::size_t size) {
    Reply& reply = reply_of(task);
    if (task->type == REDIS_REPLY_ERROR) {
        reply.is_error = true;
        size = std::min(size, reply.error.size() - 1);
        *std::transform(text, text + size, reply.error.data(),
                        [](char c) { return c < ' ' || c > '~' ? ' ' : c; }) = '\0';
        return object;
    }
    if (size % 16 == 1 && !reply.add(static_cast<unsigned char>(*text))) {
        return nullptr;
    }
    for (std::size_t i = size % 16 == 1 ? 1 : 0; i + 16 <= size; i += 16) {
        std::uint64_t number = 0;
        for (std::size_t j = i; j < i + 16; j++) {
            number = number << 4U | static_cast<std::uint64_t>(std::max(hex_value(text[j]), 0));
        }
        if (!reply.add(number)) {
            return nullptr;
        }
    }
    return object;
}

/// `int` before hiredis 1.0, then `size_t`.
template <typename Count>
void* read_array(const redisReadTask* task, Count count) {
    return static_cast<std::size_t>(count) <= reply_of(task).number.size() ? object : nullptr;
}

void* read_integer(const redisReadTask* task, long long value) {
    return reply_of(task).add(static_cast<std::uint64_t>(value)) ? object : nullptr;
}

void* read_nil(const redisReadTask* task) {
    return reply_of(task).add(0) ? object : nullptr;
}

redisReplyObjectFunctions reading{.createString = read_string,
                                  .createArray = read_array,
                                  .createInteger = read_integer,
                                  .createNil = read_nil,
                                  .freeObject = [](void*) {}};

} // namespace

Redis::Redis(const Server& server, Owner& owner) : server_(server), owner_(owner) {}

Redis::~Redis() {
    stop();
}

void Redis::start() noexcept {
    log_ = *ngx_cycle->log;
    log_.log_level = NGX_LOG_ALERT; // `on_away` logs what happens to connections
    stopped_ = false;
    connect();
}

void Redis::stop() noexcept {
    if (!std::exchange(stopped_, true)) {
        close({});
    }
}

void Redis::on_time() noexcept {
    if (connection_ == nullptr) {
        connect();
    } else {
        close("no reply in time");
    }
}

void Redis::connect() noexcept {
    began_ = ngx_current_msec;
    ngx_int_t result = NGX_OK;
    ngx_connection_t* c =
        begin_connection(server_.addresses[address_], &log_, on_event, this, result);
    if (c == nullptr) {
        close_by(ngx_socket_errno);
        return;
    }
    reader_ = redisReaderCreateWithFunctions(&reading);
    if (reader_ == nullptr) {
        close_server_connection(c);
        close("there is no memory");
        return;
    }
    reader_->privdata = &reply_;
    connection_ = c;
    connecting_ = true;
    set_time();
    if (result == NGX_OK) {
        connected();
    }
}

void Redis::on_event(ngx_event_t* event) {
    auto* self = static_cast<Redis*>(static_cast<ngx_connection_t*>(event->data)->data);
    if (self->connecting_) {
        self->connected();
    } else if (event->write != 0) {
        self->send();
    } else {
        self->receive();
    }
}

void Redis::connected() noexcept {
    ngx_connection_t* c = connection_;
    if (const int error = error_of(c); error != 0) {
        close_by(error);
        return;
    }
    if (ngx_tcp_nodelay(c) != NGX_OK) {
        close("TCP_NODELAY can't be set");
        return;
    }
    if (server_.tls == nullptr) {
        greet();
        return;
    }
    if (ngx_ssl_create_connection(server_.tls, c, NGX_SSL_CLIENT) != NGX_OK) {
        close("there is no memory");
        return;
    }
    X509_VERIFY_PARAM* expected = SSL_get0_param(c->ssl->connection);
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, server_.host.c_str()) != 1 &&
        (X509_VERIFY_PARAM_set1_host(expected, server_.host.data(), server_.host.size()) != 1 ||
         SSL_set_tlsext_host_name(c->ssl->connection, server_.host.c_str()) != 1)) {
        close("there is no memory");
        return;
    }
    ERR_clear_error(); // of a name that is no address
    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = on_handshake;
        return;
    }
    on_handshake(c);
}

void Redis::on_handshake(ngx_connection_t* c) {
    auto* self = static_cast<Redis*>(c->data);
    if (!c->ssl->handshaked) {
        self->close("the TLS handshake fails");
        return;
    }
    c->read->handler = c->write->handler = on_event;
    if (const long result = SSL_get_verify_result(c->ssl->connection); result != X509_V_OK) {
        self->close("its certificate: ", X509_verify_cert_error_string(result));
        return;
    }
    self->greet();
}

void Redis::greet() noexcept {
    connecting_ = false;
    trusted_ = server_.greeting.front().front() != "AUTH";
    for (const std::vector<std::string>& command : server_.greeting) {
        std::array<std::string_view, 16> words;
        const auto end = std::ranges::copy(command, words.begin()).out;
        if (!ask({words.begin(), end}, Question::Kind::greeting, nullptr, 0)) {
            close("there is no memory");
            return;
        }
    }
}

bool Redis::ask(std::span<const std::string_view> words, Question::Kind kind, void* asker,
                std::uint64_t tag) noexcept {
    constexpr std::size_t most_words = 80;
    if ((kind == Question::Kind::greeting ? connecting_ : !there_) || count_ == most_questions ||
        words.size() > most_words) {
        return false;
    }
    std::array<const char*, most_words> text;
    std::array<std::size_t, most_words> length;
    std::ranges::transform(words, text.begin(), [](std::string_view w) { return w.data(); });
    std::ranges::transform(words, length.begin(), [](std::string_view w) { return w.size(); });
    char* command = nullptr;
    const auto size = redisFormatCommandArgv(&command, static_cast<int>(words.size()), text.data(),
                                             length.data());
    const bool fits = size > 0 && static_cast<std::size_t>(size) <= out_.size() - written_;
    if (fits) {
        std::copy_n(command, size, out_.data() + written_);
        written_ += static_cast<std::size_t>(size);
        questions_[(first_ + count_++) % most_questions] = {kind, asker, tag, ngx_current_msec};
        set_time();
        ngx_post_event(connection_->write, &ngx_posted_events);
    }
    redisFreeCommand(command);
    return fits;
}

Redis::Question Redis::next_question() noexcept {
    count_--;
    return questions_[std::exchange(first_, (first_ + 1) % most_questions)];
}

void Redis::forget(const void* asker) noexcept {
    for (std::size_t i = 0; i < count_; i++) {
        Question& question = questions_[(first_ + i) % most_questions];
        if (question.asker == asker) {
            question.asker = nullptr;
        }
    }
}

void Redis::send() noexcept {
    ngx_connection_t* c = connection_;
    while (sent_ < written_) {
        const ssize_t sent = c->send(c, out_.data() + sent_, written_ - sent_);
        if (sent == NGX_ERROR) {
            close("the connection was closed");
            return;
        }
        if (sent == NGX_AGAIN) {
            break;
        }
        sent_ += static_cast<std::size_t>(sent);
    }
    if (sent_ == written_) {
        sent_ = written_ = 0;
    }
    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        close("the connection was closed");
    }
}

void Redis::receive() noexcept {
    ngx_connection_t* c = connection_;
    std::array<u_char, 16384> buffer;
    while (true) {
        const ssize_t received = c->recv(c, buffer.data(), buffer.size());
        if (received == NGX_AGAIN) {
            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                close("the connection was closed");
            }
            return;
        }
        if (received <= 0) {
            close("the connection was closed");
            return;
        }
        void* reply = object;
        int result = redisReaderFeed(reader_, reinterpret_cast<char*>(buffer.data()),
                                     static_cast<std::size_t>(received));
        while (result == REDIS_OK && (result = redisReaderGetReply(reader_, &reply)) == REDIS_OK &&
               reply != nullptr) {
            if (!take(reply_)) {
                return;
            }
            reply_.size = 0;
        }
        if (result != REDIS_OK || reader_->len - reader_->pos > longest_reply) {
            close("its reply can't be parsed: it isn't Redis");
            return;
        }
    }
}

/// False if that was the end.
bool Redis::take(const Reply& reply) noexcept {
    if (count_ == 0) {
        close("unexpected reply");
        return false;
    }
    if (reply.is_error) {
        // Before it has accepted the password, its error may quote it.
        std::string_view words = reply.error.data();
        if (!trusted_ && words != "ERR max number of clients reached") {
            words = words.substr(0, words.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
            words = words == "ERR" || words == "WRONGPASS" ? "it refuses the password"
                                                           : "it refuses AUTH";
        }
        close(words);
        return false;
    }
    const Question question = next_question();
    trusted_ = true;
    if (question.kind != Question::Kind::greeting) {
        owner_.on_answer(question, &reply);
    } else if (count_ == 0) {
        there_ = true;
        owner_.on_there();
    }
    set_time();
    return true;
}

void Redis::set_time() noexcept {
    time_.cancel();
    if (there_ && count_ == 0) {
        return;
    }
    const ngx_msec_t due =
        there_ ? questions_[first_].asked + patience : began_ + greeting_patience;
    time_.set(static_cast<ngx_msec_t>(
                  std::max<ngx_msec_int_t>(static_cast<ngx_msec_int_t>(due - ngx_current_msec), 1)),
              &log_);
}

void Redis::close_by(int error) noexcept {
    std::array<u_char, 128> text;
    const u_char* end = ngx_strerror(error, text.data(), text.size());
    close({reinterpret_cast<char*>(text.data()), static_cast<std::size_t>(end - text.data())});
}

void Redis::close(std::string_view why, std::string_view more) noexcept {
    time_.cancel();
    if (connection_ != nullptr) {
        close_server_connection(std::exchange(connection_, nullptr));
    }
    // Where it can't be reached it is away when none of its addresses is left.
    address_ = there_ ? address_ : (address_ + 1) % server_.addresses.size();
    const bool is_away = there_ || address_ == 0;
    if (!stopped_ && is_away) {
        owner_.on_away(why, more); // before the answers: what they bring about is known to be alone
    }
    // One that comes and goes again at once would fill the log.
    pause_ = std::exchange(there_, false) && ngx_current_msec - began_ < longest_pause
                 ? std::min(2 * pause_, longest_pause)
                 : shortest_pause;
    connecting_ = false;
    while (count_ != 0) {
        const Question question = next_question();
        if (question.kind != Question::Kind::greeting) {
            owner_.on_answer(question, nullptr);
        }
    }
    if (reader_ != nullptr) { // `why` may lie in it
        redisReaderFree(std::exchange(reader_, nullptr));
    }
    reply_.size = 0;
    reply_.is_error = false;
    sent_ = written_ = 0;
    if (!stopped_ && !ngx_exiting) {
        time_.set(is_away ? pause_ : 1, &log_);
    }
}

} // namespace lync::nginx
