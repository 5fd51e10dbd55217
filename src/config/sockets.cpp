// http_listen and https_listen: what may stand there, the default, and what all publications of one
// nginx.conf have to agree on.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/descriptor.h"
#include "base/names.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace lync::config {

namespace {

/// Why a parameter of `listen` can't be written here; empty if it may be.
std::string_view refused_parameter(std::string_view text) noexcept {
    if (text == "ssl") {
        return "\"https_listen\" implies it, and \"http_listen\" is plain HTTP";
    }
    if (text == "http2" || text == "spdy" || text == "quic" || text == "http3") {
        return "NTLM needs HTTP/1.1, so published names offer nothing else";
    }
    if (text == "default_server" || text == "default") {
        return "\"unknown_host\" chooses the default server of a socket";
    }
    // A name that ends in '=' needs a value, which nginx itself checks. `accept_filter=` is absent:
    // where the system has none, nginx reports an emergency and goes on without.
    constexpr std::string_view parameters[] = {
        "backlog=",  "rcvbuf=",  "sndbuf=",   "fastopen=", "so_keepalive=", "setfib=",
        "ipv6only=", "deferred", "reuseport", "multipath", "bind",
    };
    // It becomes a word of a generated directive, so it must be one: no space, no quote, no ";".
    const bool is_word = std::ranges::all_of(text, [](char c) {
        return is_ascii_alnum(c) || std::string_view("=_:.-").find(c) != std::string_view::npos;
    });
    const bool known = is_word && std::ranges::any_of(parameters, [text](std::string_view name) {
                           return name.back() == '=' ? text.starts_with(name) : text == name;
                       });
    return known ? ""
                 : "the parameters of \"listen\" that concern the socket may stand here, such as "
                   "proxy_protocol, backlog= or reuseport";
}

/// The address part in one spelling, so that equal sockets are equal texts; empty if it isn't one:
/// a name may mean several, or one that stands in another line.
std::string listening_address(std::string_view text) {
    return text == "*" || text == "0.0.0.0" ? "*"
           : text == "[::]"                 ? "[::]"
           : normal_address(text).empty()   ? ""
                                            : parse_address(text).name;
}

Socket read_socket(const Directive& directive) {
    const std::string& text = directive.arguments.front();
    Socket socket;
    socket.place = directive.place;

    if (text.starts_with("unix:")) {
        invalid_value(text, directive, "clients come by TCP, write [ADDRESS:]PORT");
    }

    const std::size_t colon = text.rfind(':');
    const bool has_address = colon != std::string::npos && !(text.back() == ']');
    const std::string_view port =
        has_address ? std::string_view(text).substr(colon + 1) : std::string_view(text);
    const auto number = parse_number(port, 1, 65535);
    if (!number) {
        invalid_value(text, directive,
                      "a socket is written [ADDRESS:]PORT, with a port from 1 to 65535");
    }

    socket.address = std::to_string(*number);
    if (has_address) {
        const std::string address = listening_address(std::string_view(text).substr(0, colon));
        if (address.empty()) {
            invalid_value(text, directive,
                          "the address is an IPv4 address, an IPv6 address in brackets, or "
                          "\"*\"; a host name may mean several");
        }
        if (address != "*") {
            socket.address = formatted("{}:{}", address, socket.address);
        }
    }

    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const std::string& parameter = directive.arguments[i];
        if (parameter == "proxy_protocol") {
            socket.proxy_protocol = true;
            continue;
        }
        if (const auto why = refused_parameter(parameter); !why.empty()) {
            invalid_parameter(parameter, directive, why);
        }
        socket.parameters += " " + parameter;
    }
    return socket;
}

void check_socket(Socket& socket, bool tls, const std::string& publication, Registry& registry) {
    const auto [known, is_new] = registry.sockets.try_emplace(
        socket.address, Registry::Listener{publication, tls, socket.proxy_protocol,
                                           socket.parameters, socket.place});
    Registry::Listener& listener = known->second;

    if (is_new) {
        socket.needs_catch_all = true;
        socket.states_parameters = !socket.parameters.empty();
        return;
    }

    const std::string other = formatted(" at {} of lync_publish {}", at(listener.place),
                                        lync::quoted(listener.publication));
    const auto fail = [&](const std::string& why) {
        throw mistake(socket.place, "socket {} in lync_publish {}{}", lync::quoted(socket.address),
                      lync::quoted(publication), why);
    };

    if (listener.tls != tls) {
        fail(formatted(" is for {}, but for {}{}: a socket speaks one of them",
                       tls ? "https" : "http", tls ? "http" : "https", other));
    }
    if (listener.proxy_protocol != socket.proxy_protocol) {
        fail(formatted("{} \"proxy_protocol\", unlike{}: it is the same socket",
                       listener.proxy_protocol ? " lacks" : " has", other));
    }
    if (!socket.parameters.empty() && !listener.parameters.empty() &&
        socket.parameters != listener.parameters) {
        fail(formatted(" has other parameters than{}: it is the same socket", other));
    }
    if (listener.parameters.empty() && !socket.parameters.empty()) {
        listener.parameters = socket.parameters;
        socket.states_parameters = true;
    }
}

} // namespace

bool system_has_ipv6() noexcept {
    const Descriptor fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    return bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0;
}

std::vector<Socket> read_sockets(const Directive& block, std::string_view directive,
                                 std::string_view port, const Environment& environment,
                                 std::vector<Diagnostic>& remarks) {
    std::vector<Socket> sockets;
    const Directive* off = nullptr;
    each(block, directive, [&](const Directive& line) {
        if (line.name == "http_listen" && line.arguments.front() == "off") {
            if (line.arguments.size() > 1) {
                invalid_value("off", line, "it takes no parameters");
            }
            off = &line;
            return;
        }
        Socket socket = read_socket(line);
        if (const auto other = std::ranges::find(sockets, socket.address, &Socket::address);
            other != sockets.end()) {
            throw mistake(line.place, "socket {} is duplicate in {}, the first stands at {}",
                          lync::quoted(line.arguments.front()), title(line), at(other->place));
        }
        sockets.push_back(std::move(socket));
    });
    if (off != nullptr && !sockets.empty()) {
        invalid_value("off", *off, "there are other \"http_listen\" lines");
    }
    if (off != nullptr || !sockets.empty()) {
        return sockets;
    }

    sockets.push_back({std::string(port), "", false, false, false, block.place});
    if (environment.has_ipv6) {
        sockets.push_back({formatted("[::]:{}", port), "", false, false, false, block.place});
    } else {
        remark(remarks, Severity::notice, block.place,
               "this system has no IPv6, so {} listens on port {} of IPv4 only", block.title(),
               port);
    }
    return sockets;
}

void check_sockets(Publication& publication, Registry& registry) {
    for (Socket& socket : publication.http_sockets) {
        check_socket(socket, false, publication.name, registry);
    }
    for (Socket& socket : publication.https_sockets) {
        check_socket(socket, true, publication.name, registry);
    }
}

} // namespace lync::config
