#include "nginx/servers/server_connection.h"

#include "nginx/servers/servers.h"

#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#if (NGX_LINUX)
#include <linux/sockios.h>
#endif

#include <algorithm>
#include <array>
#include <utility>

namespace lync::nginx {

namespace {

void ignore_event(ngx_event_t*) {}

void log_to(ngx_connection_t* c, ngx_log_t* log) noexcept {
    c->log = log;
    c->read->log = log;
    c->write->log = log;
    c->pool->log = log;
}

constexpr ngx_msec_t shared_idle = 60000;

/// Makes a connection idle: whatever happens on it is seen by `on_event`, with `data` in it.
void make_idle(ngx_connection_t* c, void* data, ngx_event_handler_pt on_event) noexcept {
    c->read->delayed = 0;
    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }
    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }
    c->write->handler = ignore_event;
    c->read->handler = on_event;
    c->data = data;
    c->idle = 1;
    log_to(c, ngx_cycle->log);
}

/// Whether an event on an idle connection is nothing: a server has nothing to say on it but its
/// end, so anything else means that it is of no more use.
bool is_still_idle(ngx_event_t* event) noexcept {
    auto* c = static_cast<ngx_connection_t*>(event->data);
    if (c->close || c->read->timedout || has_received_close_notify(c)) {
        return false;
    }
    char byte = 0;
    const ssize_t received = recv(c->fd, &byte, 1, MSG_PEEK);
    if (received != -1 || ngx_socket_errno != NGX_EAGAIN) {
        return false;
    }
    event->ready = 0;
    return ngx_handle_read_event(c->read, 0) == NGX_OK;
}

void on_owned_event(ngx_event_t* event) {
    if (!is_still_idle(event)) {
        auto* c = static_cast<ngx_connection_t*>(event->data);
        close_owned(*static_cast<Ownership*>(c->data));
    }
}

void close_all_owned(void* data) {
    for (Ownership* o = *static_cast<Ownership**>(data); o != nullptr; o = o->next) {
        if (o->connection != nullptr) {
            close_owned(*o);
        }
        release(std::exchange(o->server, nullptr));
    }
}

/// Where a client's list begins, with the last one kept: the data of a cleanup of its pool.
Ownership** find_list(ngx_connection_t* client, bool create) noexcept {
    for (ngx_pool_cleanup_t* c = client->pool->cleanup; c != nullptr; c = c->next) {
        if (c->handler == close_all_owned) {
            return static_cast<Ownership**>(c->data);
        }
    }
    ngx_pool_cleanup_t* cleanup =
        create ? ngx_pool_cleanup_add(client->pool, sizeof(Ownership*)) : nullptr;
    if (cleanup == nullptr) {
        return nullptr;
    }
    cleanup->handler = close_all_owned;
    return new (cleanup->data) Ownership*(nullptr);
}

} // namespace

void close_owned(Ownership& ownership) noexcept {
    ngx_connection_t* c = std::exchange(ownership.connection, nullptr);
    --*ownership.count;
    add(*ownership.server, Gauge::owned, -1);
    close_server_connection(c);
}

ngx_sockaddr_t proxied_address(const ngx_connection_t* client) noexcept {
    ngx_sockaddr_t sender{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const std::string_view written =
        client->proxy_protocol == nullptr ? "" : view(client->proxy_protocol->src_addr);
    if (written.size() < text.size()) {
        std::copy(written.begin(), written.end(), text.begin());
        if (inet_pton(AF_INET, text.data(), &sender.sockaddr_in.sin_addr) == 1) {
            sender.sockaddr.sa_family = AF_INET;
        } else if (inet_pton(AF_INET6, text.data(), &sender.sockaddr_in6.sin6_addr) == 1) {
            sender.sockaddr.sa_family = AF_INET6;
        }
    }
    return sender;
}

bool is_clients_own(const ngx_connection_t* client) noexcept {
    ngx_sockaddr_t address{};
    socklen_t length = sizeof(address);
    const auto is_client = [&] {
        return ngx_cmp_sockaddr(&address.sockaddr, length, client->sockaddr, client->socklen, 0) ==
               NGX_OK;
    };
    if (getpeername(client->fd, &address.sockaddr, &length) == 0 && is_client()) {
        return true;
    }
    address = proxied_address(client);
    return is_client();
}

int error_of(const ngx_connection_t* c) noexcept {
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) {
        return ngx_socket_errno;
    }
    return error;
}

bool has_received_close_notify(const ngx_connection_t* c) noexcept {
    return c->ssl != nullptr && (SSL_get_shutdown(c->ssl->connection) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::uint64_t written_bytes(const ngx_connection_t* c) noexcept {
    return c->ssl != nullptr ? BIO_number_written(SSL_get_wbio(c->ssl->connection))
                             : static_cast<std::uint64_t>(c->sent);
}

std::uint64_t unacknowledged_bytes([[maybe_unused]] ngx_socket_t fd) noexcept {
#if (NGX_LINUX)
    int bytes = 0;
    if (ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0) {
        return static_cast<std::uint64_t>(bytes);
    }
#endif
    return 0;
}

void resume(ngx_connection_t* c, ngx_log_t* log) noexcept {
    c->idle = 0;
    c->sent = 0;
    c->data = nullptr;
    log_to(c, log);
    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }
}

void close_server_connection(ngx_connection_t* c) noexcept {
    if (c->ssl != nullptr) {
        // The server's close_notify isn't waited for.
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void)ngx_ssl_shutdown(c);
    }
    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}

// --- shared

SharedConnections::SharedConnections() {
    ngx_queue_init(&idle_);
    ngx_queue_init(&free_);
}

void SharedConnections::reserve(std::size_t more) {
    for (; more != 0; more--) {
        Item& item = items_.emplace_back();
        item.home = this;
        ngx_queue_insert_tail(&free_, &item.queue);
    }
}

SharedConnections::Item* SharedConnections::item_of(ngx_queue_t* queue) noexcept {
    return ngx_queue_data(queue, Item, queue);
}

void SharedConnections::vacate(Item* item) noexcept {
    ngx_queue_remove(&item->of_server);
    ngx_queue_remove(&item->queue);
    ngx_queue_insert_head(&free_, &item->queue);
    release(std::exchange(item->server, nullptr));
}

void SharedConnections::close(Item* item) noexcept {
    vacate(item);
    close_server_connection(item->connection);
}

ngx_connection_t* SharedConnections::take(Endpoint& server) noexcept {
    if (ngx_queue_empty(&server.idle)) {
        return nullptr;
    }
    Item* item = ngx_queue_data(ngx_queue_head(&server.idle), Item, of_server);
    vacate(item);
    return item->connection;
}

void SharedConnections::keep(ngx_connection_t* c, Endpoint& server) noexcept {
    if (server.lines == 0) {
        close_server_connection(c);
        return;
    }
    if (ngx_queue_empty(&free_)) {
        close(item_of(ngx_queue_last(&idle_)));
    }
    Item* item = item_of(ngx_queue_head(&free_));
    ngx_queue_remove(&item->queue);
    ngx_queue_insert_head(&idle_, &item->queue);
    ngx_queue_insert_head(&server.idle, &item->of_server);
    item->connection = c;
    item->server = retain(&server);
    item->since = ngx_current_msec;
    make_idle(c, item, on_event);
    if (!timer_.is_set()) {
        timer_.set(shared_idle, ngx_cycle->log);
    }
    if (c->read->ready) {
        on_event(c->read);
    }
}

void SharedConnections::close(Endpoint& server) noexcept {
    while (ngx_connection_t* c = take(server)) {
        close_server_connection(c);
    }
}

void SharedConnections::on_timer() noexcept {
    while (!ngx_queue_empty(&idle_)) {
        Item* oldest = item_of(ngx_queue_last(&idle_));
        const ngx_msec_t idle = ngx_current_msec - oldest->since;
        if (idle < shared_idle) {
            timer_.set(shared_idle - idle, ngx_cycle->log);
            return;
        }
        close(oldest);
    }
}

void SharedConnections::on_event(ngx_event_t* event) {
    if (is_still_idle(event)) {
        return;
    }
    auto* item = static_cast<Item*>(static_cast<ngx_connection_t*>(event->data)->data);
    item->home->close(item);
}

// --- owned

Ownership* find_ownership(ngx_connection_t* client, const void* group, bool create) noexcept {
    Ownership** first = find_list(client, create);
    for (Ownership* o = first == nullptr ? nullptr : *first; o != nullptr; o = o->next) {
        if (o->group == group) {
            return o;
        }
    }
    auto* added = create && first != nullptr
                      ? static_cast<Ownership*>(ngx_pcalloc(client->pool, sizeof(Ownership)))
                      : nullptr;
    if (added != nullptr) {
        added->group = group;
        added->next = std::exchange(*first, added);
    }
    return added;
}

void remember(Ownership& ownership, Endpoint& server) noexcept {
    if (ownership.server != &server) {
        release(std::exchange(ownership.server, retain(&server)));
    }
}

void keep_owned(ngx_connection_t* client, Ownership& ownership, ngx_connection_t* c,
                Endpoint& server, ngx_msec_t idle) noexcept {
    Ownership** first = find_list(client, false);
    Ownership** link = first;
    while (*link != &ownership) {
        link = &(*link)->next;
    }
    *link = ownership.next;
    ownership.next = std::exchange(*first, &ownership);

    std::size_t others = 0;
    for (Ownership* o = ownership.next; o != nullptr; o = o->next) {
        if (o->connection != nullptr && ++others == most_owned) {
            close_owned(*o);
        }
    }

    ownership.connection = c;
    remember(ownership, server);
    make_idle(c, &ownership, on_owned_event);
    ngx_add_timer(c->read, idle);
    if (c->read->ready) {
        on_owned_event(c->read);
    }
}

ngx_connection_t* take_owned(Ownership& ownership) noexcept {
    return std::exchange(ownership.connection, nullptr);
}

ngx_connection_t* begin_connection(const ngx_addr_t& address, ngx_log_t* log,
                                   ngx_event_handler_pt handler, void* data,
                                   ngx_int_t& result) noexcept {
    ngx_peer_connection_t peer{};
    peer.sockaddr = address.sockaddr;
    peer.socklen = address.socklen;
    peer.name = const_cast<ngx_str_t*>(&address.name);
    peer.get = ngx_event_get_peer;
    peer.log = log;
    peer.log_error = NGX_ERROR_ERR;

    result = ngx_event_connect_peer(&peer);
    ngx_connection_t* c = peer.connection; // NULL: no socket, no connection, no port to call from
    if (c == nullptr) {
        return nullptr;
    }
    c->pool = ngx_create_pool(1024, log);
    if (c->pool == nullptr) {
        ngx_close_connection(c);
        result = NGX_ERROR;
        return nullptr;
    }
    c->data = data;
    c->log = c->read->log = c->write->log = log;
    c->read->handler = c->write->handler = handler;
    return c;
}

} // namespace lync::nginx
