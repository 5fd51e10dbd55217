#include "nginx/upstream/server_connection.h"

#include "nginx/upstream/servers.h"

#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#if (NGX_LINUX)
#include <linux/sockios.h>
#endif

#include <array>
#include <utility>

namespace lync::nginx {

namespace {

void ignore_event(ngx_event_t*) {}

/// Makes a connection idle: whatever happens on it is seen by `on_event`, with `data` in it.
void make_idle(ngx_connection_t* c, void* data, ngx_event_handler_pt on_event,
               ngx_msec_t idle) noexcept {
    c->read->delayed = 0;
    ngx_add_timer(c->read, idle);
    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }
    c->write->handler = ignore_event;
    c->read->handler = on_event;
    c->data = data;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;
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

/// The head of a client's list, the last one kept in front; its cleanup on the client's pool is how
/// it is found again.
struct Owner {
    Ownership* first;
};

void close_all_owned(void* data) {
    for (Ownership* o = static_cast<Owner*>(data)->first; o != nullptr; o = o->next) {
        if (o->connection != nullptr) {
            close_owned(*o);
        }
        release(std::exchange(o->server, nullptr));
    }
}

Owner* find_owner(ngx_connection_t* client, bool create) noexcept {
    for (ngx_pool_cleanup_t* c = client->pool->cleanup; c != nullptr; c = c->next) {
        if (c->handler == close_all_owned) {
            return static_cast<Owner*>(c->data);
        }
    }
    if (!create) {
        return nullptr;
    }
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(client->pool, sizeof(Owner));
    if (cleanup == nullptr) {
        return nullptr;
    }
    auto* owner = static_cast<Owner*>(cleanup->data);
    owner->first = nullptr;
    cleanup->handler = close_all_owned;
    return owner;
}

} // namespace

void close_owned(Ownership& ownership) noexcept {
    ngx_connection_t* c = std::exchange(ownership.connection, nullptr);
    --*ownership.count;
    add(*ownership.server, Gauge::owned, -1);
    close_server_connection(c);
}

bool is_clients_own(const ngx_connection_t* client) noexcept {
    ngx_sockaddr_t peer{};
    socklen_t length = sizeof(peer);
    if (getpeername(client->fd, &peer.sockaddr, &length) == 0 &&
        ngx_cmp_sockaddr(&peer.sockaddr, length, client->sockaddr, client->socklen, 0) == NGX_OK) {
        return true;
    }
    const ngx_proxy_protocol_t* header = client->proxy_protocol;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (header == nullptr || header->src_addr.len >= text.size()) {
        return false;
    }
    ngx_memcpy(text.data(), header->src_addr.data, header->src_addr.len);
    switch (client->sockaddr->sa_family) {
    case AF_INET:
        peer.sockaddr_in.sin_family = AF_INET;
        return inet_pton(AF_INET, text.data(), &peer.sockaddr_in.sin_addr) == 1 &&
               ngx_cmp_sockaddr(&peer.sockaddr, sizeof(sockaddr_in), client->sockaddr,
                                client->socklen, 0) == NGX_OK;
    case AF_INET6:
        peer.sockaddr_in6.sin6_family = AF_INET6;
        return inet_pton(AF_INET6, text.data(), &peer.sockaddr_in6.sin6_addr) == 1 &&
               ngx_cmp_sockaddr(&peer.sockaddr, sizeof(sockaddr_in6), client->sockaddr,
                                client->socklen, 0) == NGX_OK;
    default:
        return false;
    }
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
    c->log = log;
    c->read->log = log;
    c->write->log = log;
    c->pool->log = log;
    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }
}

void close_server_connection(ngx_connection_t* c) noexcept {
    if (c->ssl != nullptr) {
        // Nobody waits for the other side's farewell.
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
    ngx_queue_remove(&item->queue);
    ngx_queue_insert_head(&free_, &item->queue);
    release(std::exchange(item->server, nullptr));
}

ngx_connection_t* SharedConnections::take(const Endpoint& server) noexcept {
    for (ngx_queue_t* q = ngx_queue_head(&idle_); q != ngx_queue_sentinel(&idle_);
         q = ngx_queue_next(q)) {
        Item* item = item_of(q);
        if (item->server == &server) {
            ngx_connection_t* c = item->connection;
            vacate(item);
            return c;
        }
    }
    return nullptr;
}

void SharedConnections::keep(ngx_connection_t* c, Endpoint& server, ngx_msec_t idle) noexcept {
    if (server.lines == 0) {
        close_server_connection(c);
        return;
    }
    if (ngx_queue_empty(&free_)) {
        Item* oldest = item_of(ngx_queue_last(&idle_));
        vacate(oldest);
        close_server_connection(oldest->connection);
    }
    Item* item = item_of(ngx_queue_head(&free_));
    ngx_queue_remove(&item->queue);
    ngx_queue_insert_head(&idle_, &item->queue);
    item->connection = c;
    item->server = retain(&server);
    make_idle(c, item, on_event, idle);
    if (c->read->ready) {
        on_event(c->read);
    }
}

void SharedConnections::close(const Endpoint& server) noexcept {
    while (ngx_connection_t* c = take(server)) {
        close_server_connection(c);
    }
}

void SharedConnections::on_event(ngx_event_t* event) {
    if (is_still_idle(event)) {
        return;
    }
    auto* c = static_cast<ngx_connection_t*>(event->data);
    auto* item = static_cast<Item*>(c->data);
    item->home->vacate(item);
    close_server_connection(c);
}

// --- owned

Ownership* find_ownership(ngx_connection_t* client, const void* group, bool create) noexcept {
    Owner* owner = find_owner(client, create);
    if (owner == nullptr) {
        return nullptr;
    }
    for (Ownership* o = owner->first; o != nullptr; o = o->next) {
        if (o->group == group) {
            return o;
        }
    }
    if (!create) {
        return nullptr;
    }
    auto* added = static_cast<Ownership*>(ngx_pcalloc(client->pool, sizeof(Ownership)));
    if (added != nullptr) {
        added->group = group;
        added->next = owner->first;
        owner->first = added;
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
    Ownership** link = &find_owner(client, false)->first;
    Ownership** first = link;
    while (*link != &ownership) {
        link = &(*link)->next;
    }
    *link = ownership.next;
    ownership.next = *first;
    *first = &ownership;

    std::size_t others = 0;
    for (Ownership* o = ownership.next; o != nullptr; o = o->next) {
        if (o->connection != nullptr && ++others == most_owned) {
            close_owned(*o);
        }
    }

    ownership.connection = c;
    remember(ownership, server);
    make_idle(c, &ownership, on_owned_event, idle);
    if (c->read->ready) {
        on_owned_event(c->read);
    }
}

ngx_connection_t* take_owned(Ownership& ownership) noexcept {
    ngx_connection_t* c = ownership.connection;
    ownership.connection = nullptr;
    return c;
}

} // namespace lync::nginx
