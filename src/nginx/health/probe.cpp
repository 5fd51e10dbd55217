#include "nginx/health/probe.h"

#include "balance/health.h"
#include "nginx/servers/server_connection.h"

#include <array>
#include <utility>

namespace lync::nginx {

using balance::Finding;
using balance::Reason;

namespace {

/// What an error of the socket says about the server.
Reason reason_of(int error) noexcept {
    switch (error) {
    case NGX_ECONNREFUSED:
        return Reason::refused;
    case NGX_ETIMEDOUT:
        return Reason::timed_out;
    case NGX_ECONNRESET:
    case NGX_EPIPE:
        return Reason::broken_off;
    default:
        return Reason::unreachable;
    }
}

} // namespace

Probe::Probe(ngx_log_t* log, Done done, void* owner) noexcept
    : log_(log), done_(done), owner_(owner), timer_(this, calls<&Probe::time_out>) {}

Probe::~Probe() {
    close();
    forget_session();
}

void Probe::forget_session() noexcept {
    if (session_ != nullptr) {
        ngx_ssl_free_session(session_);
        session_ = nullptr;
    }
}

void Probe::close() noexcept {
    connecting_ = false;
    used_ = false;
    if (connection_ != nullptr) {
        close_server_connection(std::exchange(connection_, nullptr));
    }
}

/// For the next conversation. nginx may take it away if it runs out of connections, or ends.
void Probe::keep() noexcept {
    connection_->idle = 1;
    ngx_reusable_connection(connection_, 1);
}

void Probe::finish(const Finding* finding) noexcept {
    timer_.cancel();
    running_ = false;
    if (connection_ != nullptr && finding != nullptr && finding->passed() &&
        !question_->requests.empty() && answer_.keeps_connection()) {
        keep();
    } else {
        close();
    }
    done_(owner_, finding);
}

/// On an idle connection a server sends nothing but its end, except TLS records now and then.
void Probe::look_at_idle() noexcept {
    u_char byte = 0;
    if (connection_->close || connection_->recv(connection_, &byte, 1) != NGX_AGAIN ||
        ngx_handle_read_event(connection_->read, 0) != NGX_OK) {
        close();
    }
}

/// Whether a kept connection broke off, as idle ones may: the check is repeated on a new one.
bool Probe::asks_anew() noexcept {
    if (!used_) {
        return false;
    }
    close();
    request_ = 0;
    connect();
    return true;
}

void Probe::found(Reason reason, std::uint32_t detail) noexcept {
    const Finding finding{reason, detail};
    finish(&finding);
}

void Probe::begin(const Question& question, const sockaddr* address, socklen_t length,
                  ngx_str_t* name, bool trusts) noexcept {
    question_ = &question;
    address_ = address;
    length_ = length;
    name_ = name;
    trusts_ = trusts;
    running_ = true;
    request_ = 0;
    timer_.set(question.timeout, log_);

    if (connection_ != nullptr && trusts && ngx_current_msec - connected_ < connection_age) {
        connection_->idle = 0;
        ngx_reusable_connection(connection_, 0);
        used_ = true;
        ask();
        return;
    }
    close();
    connect();
}

void Probe::connect() noexcept {
    ngx_int_t result = NGX_OK;
    ngx_connection_t* c = begin_connection({const_cast<sockaddr*>(address_), length_, *name_}, log_,
                                           on_event, this, result);
    if (result == NGX_DECLINED && ngx_socket_errno != EADDRNOTAVAIL) {
        found(reason_of(ngx_socket_errno));
        return;
    }
    if (c == nullptr) {
        finish(nullptr);
        return;
    }
    connection_ = c;
    connecting_ = true;
    connected_ = ngx_current_msec;
    if (result == NGX_OK) {
        connected();
    }
}

void Probe::on_event(ngx_event_t* event) {
    auto* c = static_cast<ngx_connection_t*>(event->data);
    auto* self = static_cast<Probe*>(c->data);
    if (!self->running_) {
        self->look_at_idle();
    } else if (self->connecting_) {
        self->connected();
    } else if (event->write != 0) {
        self->send();
    } else {
        self->receive();
    }
}

void Probe::connected() noexcept {
    connecting_ = false;
    if (const int error = error_of(connection_); error != 0) {
        found(reason_of(error));
        return;
    }
    if (question_->requests.empty()) {
        found(Reason::none);
        return;
    }
    start_tls();
}

void Probe::start_tls() noexcept {
    ngx_connection_t* c = connection_;
    if (ngx_ssl_create_connection(question_->tls->ssl, c, NGX_SSL_CLIENT) != NGX_OK ||
        (question_->tls->ssl_server_name &&
         SSL_set_tlsext_host_name(c->ssl->connection, question_->certificate_name.c_str()) == 0) ||
        ngx_tcp_nodelay(c) != NGX_OK) {
        finish(nullptr);
        return;
    }
    c->ssl->save_session = on_session;
    const bool resumes = trusts_ && ngx_current_msec - verified_ < session_age;
    if (session_ != nullptr && resumes && ngx_ssl_set_session(c, session_) != NGX_OK) {
        forget_session();
    }

    const ngx_int_t result = ngx_ssl_handshake(c);
    if (result == NGX_AGAIN) {
        c->ssl->handler = on_handshake;
        return;
    }
    on_handshake(c);
}

void Probe::on_session(ngx_connection_t* c) {
    auto* self = static_cast<Probe*>(c->data);
    if (ngx_ssl_session_t* session = ngx_ssl_get_session(c)) {
        self->forget_session();
        self->session_ = session;
    }
}

void Probe::on_handshake(ngx_connection_t* c) {
    auto* self = static_cast<Probe*>(c->data);
    if (c->ssl->handshaked) {
        c->read->handler = on_event;
        c->write->handler = on_event;
        self->check_certificate();
        return;
    }
    // nginx marks a disagreement as an error, the mere end of the connection isn't one.
    self->found(c->read->error ? Reason::tls_failed : Reason::broken_off);
}

void Probe::check_certificate() noexcept {
    SSL* ssl = connection_->ssl->connection;
    if (!SSL_session_reused(ssl)) {
        verified_ = ngx_current_msec;
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
        unsigned size = 0;
        X509* certificate = SSL_get_peer_certificate(ssl);
        if (certificate != nullptr &&
            X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1) {
            certificate_ =
                balance::certificate_mark({reinterpret_cast<char*>(digest.data()), size});
        }
        X509_free(certificate);
    }
    if (question_->tls->ssl_verify) {
        const long result = SSL_get_verify_result(ssl);
        if (result != X509_V_OK) {
            forget_session();
            found(Reason::untrusted, static_cast<std::uint32_t>(result));
            return;
        }
        ngx_str_t name = str(question_->certificate_name);
        if (ngx_ssl_check_host(connection_, &name) != NGX_OK) {
            forget_session();
            found(Reason::wrong_name);
            return;
        }
    }
    ask();
}

void Probe::ask() noexcept {
    answer_.begin(question_->document, question_->internal);
    sent_ = 0;
    send();
}

void Probe::send() noexcept {
    ngx_connection_t* c = connection_;
    const std::string& request = question_->requests[request_];
    while (sent_ < request.size()) {
        const ssize_t sent = c->send(c, str(request).data + sent_, request.size() - sent_);
        if (sent == NGX_AGAIN) {
            break;
        }
        if (sent == NGX_ERROR) {
            if (!asks_anew()) {
                found(Reason::broken_off);
            }
            return;
        }
        sent_ += static_cast<std::size_t>(sent);
    }
    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        finish(nullptr);
    } else if (sent_ == request.size() && c->read->ready) {
        receive();
    }
}

void Probe::receive() noexcept {
    ngx_connection_t* c = connection_;
    std::array<u_char, 4096> buffer;
    for (int reads = 0; reads < 16; reads++) {
        const ssize_t received = c->recv(c, buffer.data(), buffer.size());
        if (received == NGX_AGAIN) {
            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                finish(nullptr);
            }
            return;
        }
        if (received <= 0) {
            if (asks_anew()) {
                return;
            }
            answer_.end(received == NGX_ERROR);
        } else {
            used_ = false;
            answer_.take(
                {reinterpret_cast<char*>(buffer.data()), static_cast<std::size_t>(received)});
        }
        if (answer_.settled()) {
            answered();
            return;
        }
    }
    // Others have their turn, and the check's own time-out.
    ngx_post_event(c->read, &ngx_posted_events);
}

void Probe::answered() noexcept {
    const Finding finding = answer_.finding().of_request(request_);
    build_ = answer_.build() != 0 ? answer_.build() : build_;
    if (!finding.passed() || ++request_ == question_->requests.size()) {
        finish(&finding);
        return;
    }
    if (answer_.keeps_connection()) {
        ask();
    } else {
        close();
        connect();
    }
}

} // namespace lync::nginx
