#pragma once

// Sockets as nginx keeps them while it reads a configuration, with every server on them, whoever
// wrote it: what src/nginx/conf/sockets.cpp settles of nginx's structures is settled here of these.

#include "base/diagnostic.h"
#include "config/publication.h"
#include "lyncctl/nginx_directives.h"
#include "plan/plan.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// A server on sockets: one of the administrator's, or a generated one.
struct SocketServer {
    Place place;                    ///< of its "{"; generated: the directive that caused it
    std::vector<std::string> names; ///< lower case, as server_name takes them
    bool has_listen = false;
    /// Generated ones only; what it points to lives as long as the configuration.
    const config::Publication* publication = nullptr;
    bool catch_all = false;
    std::size_t planned_names = 0; ///< names beyond these came by a server_include
};

/// What a `listen` may say, in words: `host not found in "x:443" of the "listen" directive`.
struct Listen {
    std::string error;
    std::vector<std::string> addresses; ///< "0.0.0.0:443", "[::]:443": each once
    bool sets_options = false;          ///< backlog=, reuseport and their kin
    bool default_server = false;
    unsigned protocols = 0; ///< of Protocol
};

/// What a socket speaks: bits, which all servers on it share.
enum Protocol : unsigned { proxy_protocol = 1, ssl = 2, http2 = 4 };

/// Reads a `listen` line. For a line of the administrator's, what isn't understood is let pass.
/// With `build`, each parameter is checked as this nginx does. A name is resolved by the system.
Listen read_listen(const std::vector<std::string>& arguments, const NginxBuild* build);

/// Whether the system resolves HOST or HOST:PORT; addresses always do.
bool resolves(std::string_view address);

/// With "resolve_at_start off": a warning for each server whose name doesn't resolve now, in the
/// order in which the module gives them.
void remark_on_names(const plan::Plan& plan, std::vector<Diagnostic>& remarks);

/// Whether a server's name has to be asked of DNS: it isn't in /etc/hosts.
bool asks_dns(const plan::Plan& plan);

/// Whether the system names somebody to ask.
bool has_name_server();

class SocketTable {
public:
    /// The next server of the configuration. The reference stays good.
    SocketServer& add_server() { return servers_.emplace_back(); }

    /// The server listens there. The result is what nginx says against it, or empty.
    std::string add(SocketServer& server, const Listen& listen);

    /// What nginx from 1.25.1 on warns of when the server listens there, too. Before `add`.
    std::vector<std::string> redefinitions(const Listen& listen);

    /// At the end of http { }: the mistakes of nginx's and the module's postconfiguration (thrown),
    /// and the remarks.
    void settle(std::vector<Diagnostic>& remarks) const;

private:
    struct Address {
        std::string text;
        bool options = false;
        unsigned protocols = 0;               ///< of all servers so far
        std::optional<unsigned> agreed;       ///< what the last one said, once there were two
        bool changed = false;                 ///< they didn't say the same
        const SocketServer* chosen = nullptr; ///< the one that says default_server
        std::vector<const SocketServer*> servers;
    };
    /// nginx groups addresses by family and port, each in the order in which they came.
    struct Port {
        bool ipv6;
        std::string port;
        std::vector<Address> addresses;
    };

    Address& address(const std::string& text);
    void refuse_taken_names(const Address& address) const;
    void remark_default(const Address& address, std::vector<Diagnostic>& remarks) const;
    void remark_http2(const Address& address, std::vector<Diagnostic>& remarks) const;
    void remark_wildcards(const Address& address, std::set<std::string>& told,
                          std::vector<Diagnostic>& remarks) const;
    void remark_preferred(const Port& port, std::vector<Diagnostic>& remarks) const;
    void remark_conflicts(const Address& address, std::vector<Diagnostic>& remarks) const;

    std::deque<SocketServer> servers_;
    std::vector<Port> ports_;
};

} // namespace lync::lyncctl
