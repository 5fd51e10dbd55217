#include "lyncctl/sockets.h"

#include "config/system_names.h"
#include "plan/patterns.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

namespace lync::lyncctl {

namespace {

struct FreeAddresses {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/// Empty if there is none.
std::string read_system_file(const char* path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// As nginx asks: ngx_inet_resolve_host.
Addresses resolve(const std::string& host, int* result = nullptr) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (result != nullptr) {
        *result = status;
    }
    return status == 0 ? Addresses(found) : nullptr;
}

std::string text_of(const addrinfo& address) {
    char buffer[INET6_ADDRSTRLEN] = "";
    if (address.ai_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(address.ai_addr);
        return ::inet_ntop(AF_INET, &in->sin_addr, buffer, sizeof(buffer));
    }
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address.ai_addr);
    return "[" + std::string(::inet_ntop(AF_INET6, &in6->sin6_addr, buffer, sizeof(buffer))) + "]";
}

/// An address literal as nginx prints it, or nothing.
std::optional<std::string> literal(std::string_view host) {
    char buffer[INET6_ADDRSTRLEN] = "";
    unsigned char bytes[16];
    const std::string text(host);
    if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) {
        return text;
    }
    if (text.size() > 2 && text.front() == '[' && text.back() == ']' &&
        ::inet_pton(AF_INET6, text.substr(1, text.size() - 2).c_str(), bytes) == 1) {
        return "[" + std::string(::inet_ntop(AF_INET6, bytes, buffer, sizeof(buffer))) + "]";
    }
    return std::nullopt;
}

bool is_number(std::string_view text) noexcept {
    unsigned long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

/// "127.0.0.1:80" as host and port; the port is empty if there is none.
std::pair<std::string, std::string> split(std::string_view address) {
    if (is_number(address)) {
        return {"*", std::string(address)};
    }
    const std::size_t colon = address.rfind(':');
    const bool has_port = colon != std::string_view::npos && !address.ends_with(']');
    return {std::string(address.substr(0, has_port ? colon : address.size())),
            has_port ? std::string(address.substr(colon + 1)) : std::string()};
}

bool is_size(std::string_view text) noexcept {
    if (!text.empty() && std::string_view("kKmM").find(text.back()) != std::string_view::npos) {
        text.remove_suffix(1);
    }
    return is_number(text);
}

bool is_time(std::string_view text) noexcept {
    // ngx_parse_time in seconds; a unit or none.
    if (!text.empty() && std::string_view("smhdwMy").find(text.back()) != std::string_view::npos) {
        text.remove_suffix(1);
    }
    return is_number(text);
}

bool is_keepalive(std::string_view text) noexcept {
    if (text == "on" || text == "off") {
        return true;
    }
    const auto next = [&text] {
        const std::size_t colon = std::min(text.find(':'), text.size());
        const std::string_view part = text.substr(0, colon);
        text.remove_prefix(std::min(colon + 1, text.size()));
        return part;
    };
    const std::string_view idle = next();
    const std::string_view interval = next();
    const std::string_view count = text;
    const auto fine = [](std::string_view part, bool time) {
        return part.empty() || (time ? is_time(part) : is_number(part));
    };
    const auto zero = [](std::string_view part) {
        return part.find_first_of("123456789") == std::string_view::npos;
    };
    return fine(idle, true) && fine(interval, true) && fine(count, false) &&
           !(zero(idle) && zero(interval) && zero(count));
}

/// What nginx says against a parameter of `listen` that concerns the socket; empty if nothing.
/// `known` tells whether it is one.
std::string refused(const std::string& parameter, unsigned version, bool& known) {
    constexpr unsigned has_multipath = 1029007;
    const std::size_t equals = parameter.find('=');
    const std::string_view name = std::string_view(parameter).substr(0, equals);
    const std::string_view value = equals == std::string::npos
                                       ? std::string_view()
                                       : std::string_view(parameter).substr(equals + 1);
    known = true;
    if (parameter == "bind" || parameter == "deferred" || parameter == "reuseport" ||
        (parameter == "multipath" && version >= has_multipath)) {
        return {};
    }
    if (name == "backlog" && equals != std::string::npos) {
        const bool fine = is_number(value) && value.find_first_not_of('0') != value.npos;
        return fine ? "" : "invalid backlog " + lync::quoted(parameter);
    }
    if (name == "fastopen" && equals != std::string::npos) {
        return is_number(value) ? "" : "invalid fastopen " + lync::quoted(parameter);
    }
    if ((name == "rcvbuf" || name == "sndbuf") && equals != std::string::npos) {
        return is_size(value) ? "" : "invalid " + std::string(name) + " " + lync::quoted(parameter);
    }
    if (name == "so_keepalive" && equals != std::string::npos) {
        return is_keepalive(value) ? "" : "invalid so_keepalive value: " + lync::quoted(value);
    }
    if (parameter.starts_with("ipv6only=o")) {
        return value == "on" || value == "off" ? ""
                                               : "invalid ipv6only flags " + lync::quoted(value);
    }
    known = false;
    return "invalid parameter " + lync::quoted(parameter);
}

unsigned protocol_of(std::string_view parameter) {
    return parameter == "proxy_protocol" ? proxy_protocol
           : parameter == "ssl"          ? ssl
           : parameter == "http2"        ? http2
                                         : 0U;
}

} // namespace

Listen read_listen(const std::vector<std::string>& arguments, const NginxBuild* build) {
    Listen listen;
    const std::string& text = arguments.front();
    if (text.starts_with("unix:")) {
        listen.addresses.push_back(text);
    } else {
        auto [host, port] = split(text);
        port = port.empty() ? "80" : port;
        const std::optional<std::string> address = literal(host == "*" ? "0.0.0.0" : host);
        if (address) {
            listen.addresses.push_back(*address + ":" + port);
        } else if (const Addresses found = resolve(host)) {
            for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
                std::string one = text_of(*at) + ":" + port;
                if (std::find(listen.addresses.begin(), listen.addresses.end(), one) ==
                    listen.addresses.end()) {
                    listen.addresses.push_back(std::move(one));
                }
            }
        } else if (build != nullptr) {
            listen.error =
                "host not found in " + lync::quoted(text) + " of the \"listen\" directive";
            return listen;
        }
    }

    for (std::size_t i = 1; i < arguments.size(); i++) {
        const std::string& parameter = arguments[i];
        if (parameter == "default_server" || parameter == "default") {
            listen.default_server = true;
            continue;
        }
        if (const unsigned protocol = protocol_of(parameter)) {
            listen.protocols |= protocol;
            continue;
        }
        bool known = false;
        std::string error = refused(parameter, build == nullptr ? ~0U : build->version, known);
        if (build != nullptr && !error.empty()) {
            listen.error = std::move(error);
            return listen;
        }
        listen.sets_options = listen.sets_options || known;
    }
    return listen;
}

bool resolves(std::string_view address) {
    const auto [host, port] = split(address);
    return literal(host) || resolve(host) != nullptr;
}

void remark_on_names(const plan::Plan& plan, std::vector<Diagnostic>& remarks) {
    if (plan.publication.resolve_at_start) {
        return; // a name that doesn't resolve is a mistake then
    }
    // As the module: where DNS doesn't answer, one name is enough to see that.
    bool works = true;
    std::vector<const config::Server*> told; // a server is one of the upstream of each port
    for (const plan::Upstream& upstream : plan.upstreams) {
        for (const config::Server& server : plan.farm(upstream).servers) {
            int result = EAI_AGAIN;
            if (!server.by_name || (works && resolve(server.address, &result) != nullptr)) {
                continue;
            }
            works = works && result != EAI_AGAIN;
            if (std::find(told.begin(), told.end(), &server) != told.end()) {
                continue;
            }
            told.push_back(&server);
            remarks.push_back({Severity::warning,
                               config::not_resolved_yet(server.address, ::gai_strerror(result)),
                               server.place});
        }
    }
}

bool asks_dns(const plan::Plan& plan) {
    const std::string hosts = read_system_file("/etc/hosts");
    return std::any_of(
        plan.upstreams.begin(), plan.upstreams.end(), [&](const plan::Upstream& upstream) {
            const std::vector<config::Server>& servers = plan.farm(upstream).servers;
            return std::any_of(servers.begin(), servers.end(), [&](const config::Server& server) {
                return server.by_name && !config::hosts_file_has(hosts, server.address);
            });
        });
}

bool has_name_server() {
    return !config::parse_resolv_conf(read_system_file("/etc/resolv.conf")).addresses.empty();
}

SocketTable::Address& SocketTable::address(const std::string& text) {
    const std::string port = text.substr(text.rfind(':') + 1);
    const bool ipv6 = text.starts_with('[');
    auto of_port = std::find_if(ports_.begin(), ports_.end(),
                                [&](const Port& p) { return p.ipv6 == ipv6 && p.port == port; });
    if (of_port == ports_.end()) {
        of_port = ports_.insert(ports_.end(), Port{ipv6, port, {}});
    }
    for (Address& known : of_port->addresses) {
        if (known.text == text) {
            return known;
        }
    }
    Address& added = of_port->addresses.emplace_back();
    added.text = text;
    return added;
}

std::string SocketTable::add(SocketServer& server, const Listen& listen) {
    server.has_listen = true;
    for (const std::string& text : listen.addresses) {
        Address& here = address(text);
        if (std::find(here.servers.begin(), here.servers.end(), &server) != here.servers.end()) {
            return "a duplicate listen " + text;
        }
        if (listen.sets_options && here.options) {
            return "duplicate listen options for " + here.text;
        }
        if (listen.default_server && here.chosen != nullptr) {
            return "a duplicate default server for " + here.text;
        }
        here.options = here.options || listen.sets_options;
        here.protocols |= listen.protocols;
        here.chosen = listen.default_server ? &server : here.chosen;
        here.servers.push_back(&server);
    }
    return {};
}

/// As ngx_http_add_addresses decides it.
std::vector<std::string> SocketTable::redefinitions(const Listen& listen) {
    std::vector<std::string> warnings;
    for (const std::string& text : listen.addresses) {
        Address& here = address(text);
        if (here.servers.empty()) {
            continue;
        }
        const unsigned all = here.protocols | listen.protocols;
        const bool added = all != here.protocols;
        const bool removed = all != listen.protocols;
        const bool redefined = (here.options && !listen.sets_options) || here.changed || removed;
        const bool differs = here.agreed && *here.agreed != listen.protocols;
        if (added     ? redefined
            : removed ? listen.sets_options || differs
                      : (listen.sets_options && here.changed) || differs) {
            warnings.push_back("protocol options redefined for " + here.text);
        }
        here.agreed = added ? here.protocols : listen.protocols;
        here.changed = here.changed || added || removed;
    }
    return warnings;
}

void SocketTable::refuse_taken_names(const Address& address) const {
    std::unordered_map<std::string_view, const SocketServer*> taken;
    for (const SocketServer* server : address.servers) {
        for (const std::string& name : server->names) {
            if (server->publication == nullptr) {
                taken.emplace(name, server);
                continue;
            }
            const auto first = taken.find(name);
            if (first == taken.end() || server->catch_all) {
                continue;
            }
            throw Mistake(
                "\"" + name + "\" is published by lync_publish \"" + server->publication->name +
                    "\" and is a server_name of the server in " + first->second->place.file + ":" +
                    std::to_string(first->second->place.line) +
                    " on the same socket: remove it from one of them",
                server->place);
        }
    }
}

void SocketTable::remark_default(const Address& address, std::vector<Diagnostic>& remarks) const {
    bool refuses = false;
    bool catch_all = false;
    for (const SocketServer* server : address.servers) {
        if (server->publication != nullptr) {
            refuses = refuses || server->publication->unknown_host == config::UnknownHost::refuse;
            catch_all = catch_all || server->catch_all;
        }
    }
    if (catch_all && refuses && address.chosen != nullptr) {
        remarks.push_back({Severity::notice,
                           "requests to " + address.text +
                               " for names that no lync_publish publishes go to the server that "
                               "says \"default_server\"",
                           address.chosen->place});
    }
}

/// A `listen` with "http2" speaks for every server of the socket.
void SocketTable::remark_http2(const Address& address, std::vector<Diagnostic>& remarks) const {
    const auto is_ours = [](const SocketServer* server) { return server->publication != nullptr; };
    const auto foreign = std::find_if_not(address.servers.begin(), address.servers.end(), is_ours);
    if ((address.protocols & http2) != 0 && foreign != address.servers.end() &&
        std::any_of(address.servers.begin(), address.servers.end(), is_ours)) {
        remarks.push_back({Severity::notice,
                           "a server outside of lync_publish switches HTTP/2 on for " +
                               address.text +
                               ": published names go on with HTTP/1.1 alone, which NTLM needs, and "
                               "are answered 421 on HTTP/2 connections of other names",
                           (*foreign)->place});
    }
}

/// nginx asks for names that begin with a wildcard before those that end in one.
void SocketTable::remark_wildcards(const Address& address, std::set<std::string>& told,
                                   std::vector<Diagnostic>& remarks) const {
    const auto is_stated = [&](const std::string& name) {
        return std::any_of(address.servers.begin(), address.servers.end(), [&](const auto* server) {
            return std::find(server->names.begin(), server->names.end(), name) !=
                   server->names.end();
        });
    };
    for (const SocketServer* foreign : address.servers) {
        if (foreign->publication != nullptr) {
            continue;
        }
        for (const std::string& leading : foreign->names) {
            for (const SocketServer* server : address.servers) {
                if (server->publication == nullptr ||
                    (!leading.starts_with('*') && !leading.starts_with('.'))) {
                    continue;
                }
                for (const std::string& trailing : server->names) {
                    const std::string name = plan::name_in_common(leading, trailing);
                    if (!name.empty() && !is_stated(name) && told.insert(name).second) {
                        remarks.push_back({Severity::warning,
                                           plan::name_is_taken(name, leading, trailing,
                                                               server->publication->name),
                                           server->place});
                    }
                }
            }
        }
    }
}

/// Where a foreign server has an address of its own, nginx asks it alone and not those of the
/// wildcard.
void SocketTable::remark_preferred(const Port& port, std::vector<Diagnostic>& remarks) const {
    const auto has_ours = [](const Address& address) {
        return std::any_of(
            address.servers.begin(), address.servers.end(),
            [](const SocketServer* server) { return server->publication != nullptr; });
    };
    const std::string any = (port.ipv6 ? "[::]:" : "0.0.0.0:") + port.port;
    const auto wildcard =
        std::find_if(port.addresses.begin(), port.addresses.end(), [&](const Address& address) {
            return address.text == any && has_ours(address);
        });
    if (wildcard == port.addresses.end()) {
        return;
    }
    const std::string directive = (wildcard->protocols & ssl) != 0 ? "https_listen" : "http_listen";
    for (const Address& address : port.addresses) {
        if (!has_ours(address)) {
            remarks.push_back({Severity::notice,
                               "connections to " + address.text +
                                   " go to servers outside of lync_publish alone, since these have "
                                   "that very address, not " +
                                   any + ": to publish names there as well, write \"" + directive +
                                   " " + address.text + ";\" beside \"" + directive + " " + any +
                                   ";\"",
                               address.servers.front()->place});
        }
    }
}

/// nginx gives the name to the first server and warns; the module refuses it where its own came
/// second. What only foreign servers disagree on isn't told here.
void SocketTable::remark_conflicts(const Address& address, std::vector<Diagnostic>& remarks) const {
    std::unordered_map<std::string_view, const SocketServer*> taken;
    for (const SocketServer* server : address.servers) {
        for (const std::string& name : server->names) {
            const auto [first, is_new] = taken.emplace(name, server);
            if (!is_new &&
                (server->publication != nullptr || first->second->publication != nullptr)) {
                remarks.push_back(
                    {Severity::warning,
                     "conflicting server name \"" + name + "\" on " + address.text + ", ignored",
                     {}});
            }
        }
    }
}

void SocketTable::settle(std::vector<Diagnostic>& remarks) const {
    for (const SocketServer& server : servers_) {
        const std::size_t planned = std::max<std::size_t>(server.planned_names, 1);
        if (server.publication != nullptr && server.names.size() > planned) {
            throw Mistake("server_name \"" + server.names[planned] +
                              "\" in a server_include of lync_publish \"" +
                              server.publication->name +
                              "\": names are published by the block's own directives",
                          server.publication->place);
        }
    }
    std::set<std::string> told;
    for (const Port& port : ports_) {
        for (const Address& address : port.addresses) {
            refuse_taken_names(address);
            remark_default(address, remarks);
            remark_http2(address, remarks);
            remark_wildcards(address, told, remarks);
        }
        remark_preferred(port, remarks);
    }
    for (const Port& port : ports_) {
        for (const Address& address : port.addresses) {
            if (address.servers.size() > 1) {
                remark_conflicts(address, remarks);
            }
        }
    }
}

} // namespace lync::lyncctl
