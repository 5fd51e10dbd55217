#include "nginx/upstream/affinity.h"

#include "balance/affinity.h"
#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/request/request.h"
#include "nginx/respond.h"
#include "nginx/servers/server_connection.h"
#include "nginx/upstream/peer.h"

#include <openssl/rand.h>

#include <array>

namespace lync::nginx {

namespace {

using config::Affinity;

/// As $lync_client_addr: from a PROXY header where the socket takes one, else the connection's,
/// which realip may have replaced.
Client client_by_address(const ngx_connection_t* c) noexcept {
    const ngx_sockaddr_t sender = proxied_address(c);
    const std::string_view bytes =
        address_bytes(c->proxy_protocol != nullptr ? &sender.sockaddr : c->sockaddr);
    return {
        !bytes.empty(),
        balance::client_key({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})};
}

/// What the client has kept of an earlier answer; empty if nothing.
std::string_view cookie_of(const ngx_http_request_t* r) noexcept {
    std::string_view value;
    any_cookie_header(r, [&](std::string_view header) {
        value = balance::affinity_cookie_in(header);
        return !value.empty();
    });
    return value;
}

/// Whether the server has set the cookie itself: proxies in a row, or a load balancer's VIP.
bool answer_has_cookie(ngx_http_request_t* r) noexcept {
    return any_header(r->headers_out.headers, "set-cookie", [](const ngx_table_elt_t& header) {
        const std::string_view value = view(header.value);
        return header.hash != 0 && value.starts_with(balance::affinity_cookie) &&
               value.substr(balance::affinity_cookie.size()).starts_with('=');
    });
}

/// A value whose home is the server that has answered, so that the client stays with it. Drawn
/// until it fits: as many times on average as there are servers of the same weight.
bool draw(Group& group, std::size_t wanted, balance::CookieValue& value) noexcept {
    constexpr int most_draws = 256;
    const std::span<const Server> servers = group.servers.all();
    const bool backup = servers[wanted].line->settings.backup;

    for (int i = 0; i < most_draws; i++) {
        std::array<std::uint8_t, 16> random{};
        if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
            return false;
        }
        value = balance::cookie_value(random);
        // Two lines may mean one address.
        const std::size_t home =
            group.servers.homes().find(balance::cookie_key({value.data(), value.size()}), backup);
        if (servers[home].endpoint->place == servers[wanted].endpoint->place) {
            break;
        }
    }
    return true;
}

void add_cookie(ngx_http_request_t* r, Group& group) noexcept {
    balance::CookieValue value{};
    const std::size_t server = server_of(r, group);
    if (server == balance::no_server || !draw(group, server, value)) {
        return;
    }
    const ngx_str_t cookie =
        join(r->pool, {balance::affinity_cookie, "=", {value.data(), value.size()}, "; path=/"});
    if (cookie.data != nullptr) {
        add_header(r, "Set-Cookie", view(cookie));
    }
}

} // namespace

void bind_client(ngx_http_request_t* r) noexcept {
    const Host* host = host_of(r);
    if (host == nullptr || !host->sets_cookie || r != r->main) {
        return;
    }
    const policy::Verdict* verdict = ruled_verdict(r);
    if (verdict == nullptr || verdict->action != policy::Action::pass) {
        return;
    }
    Group* group = host->publication.group(*host, verdict->target);
    if (group != nullptr && group->affinity == Affinity::cookie && cookie_of(r).empty() &&
        !answer_has_cookie(r)) {
        add_cookie(r, *group);
    }
}

Client client_of(ngx_http_request_t* r, Affinity affinity) noexcept {
    switch (affinity) {
    case Affinity::source:
        return client_by_address(r->connection);
    case Affinity::cookie: {
        const std::string_view value = cookie_of(r);
        return value.empty() ? Client{} : Client{true, balance::cookie_key(value)};
    }
    case Affinity::none:
        break;
    }
    return {};
}

} // namespace lync::nginx
