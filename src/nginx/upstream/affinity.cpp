#include "nginx/upstream/affinity.h"

#include "balance/affinity.h"
#include "nginx/conf/conf.h"
#include "nginx/guard.h"
#include "nginx/request/request.h"

#include <arpa/inet.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>

namespace lync::nginx {

namespace {

using config::Affinity;

using Bytes = std::span<const std::uint8_t>;

/// As $lync_client_addr: from a PROXY header where the socket takes one, else the connection's,
/// which realip may have replaced.
Client client_by_address(const ngx_connection_t* c) noexcept {
    std::array<std::uint8_t, 16> parsed{};
    if (c->proxy_protocol != nullptr) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        const ngx_str_t& written = c->proxy_protocol->src_addr;
        if (written.len >= text.size()) {
            return {};
        }
        ngx_memcpy(text.data(), written.data, written.len);
        if (inet_pton(AF_INET, text.data(), parsed.data()) == 1) {
            return {true, balance::client_key(Bytes(parsed).first(4))};
        }
        return {inet_pton(AF_INET6, text.data(), parsed.data()) == 1, balance::client_key(parsed)};
    }

    switch (c->sockaddr->sa_family) {
    case AF_INET:
        ngx_memcpy(parsed.data(), &reinterpret_cast<const sockaddr_in*>(c->sockaddr)->sin_addr, 4);
        return {true, balance::client_key(Bytes(parsed).first(4))};
    case AF_INET6:
        ngx_memcpy(parsed.data(), &reinterpret_cast<const sockaddr_in6*>(c->sockaddr)->sin6_addr,
                   16);
        return {true, balance::client_key(parsed)};
    default:
        return {};
    }
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
    const std::span<const balance::Candidate> servers = group.servers.candidates(ngx_current_msec);

    for (int i = 0; i < most_draws; i++) {
        std::array<std::uint8_t, 16> random{};
        if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
            return false;
        }
        value = balance::cookie_value(random);
        // Two lines may mean one address.
        const std::size_t home = balance::home_of(
            servers, balance::cookie_key({value.data(), value.size()}), servers[wanted].backup);
        if (home != balance::no_server && servers[home].place == servers[wanted].place) {
            break;
        }
    }
    return true;
}

void add_cookie(ngx_http_request_t* r, Group& group) noexcept {
    constexpr std::string_view path = "; path=/";
    balance::CookieValue value{};
    const std::size_t server = server_of(r, group);
    if (server == balance::no_server || !draw(group, server, value)) {
        return;
    }
    const std::size_t size = balance::affinity_cookie.size() + 1 + value.size() + path.size();
    auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, size));
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
    if (text == nullptr || header == nullptr) {
        if (header != nullptr) {
            header->hash = 0;
        }
        return;
    }
    u_char* last =
        ngx_cpymem(text, balance::affinity_cookie.data(), balance::affinity_cookie.size());
    *last++ = '=';
    last = ngx_cpymem(last, value.data(), value.size());
    ngx_memcpy(last, path.data(), path.size());

    header->hash = 1;
    ngx_str_set(&header->key, "Set-Cookie");
    header->value.len = size;
    header->value.data = text;
    set_last_of_its_name(header);
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
