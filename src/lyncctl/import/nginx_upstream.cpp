// `upstream` blocks of an old nginx.conf.

#include "lyncctl/import/nginx_values.h"

#include "base/diagnostic.h"

#include <set>

namespace lync::lyncctl {

namespace {

using config::Directive;

/// What a server line may keep.
std::string parameters_of(const Directive& server, const RemarkOn& remark) {
    std::string parameters;
    std::set<std::string_view> seen;
    for (std::size_t i = 1; i < server.arguments.size(); i++) {
        const std::string& word = server.arguments[i];
        const std::size_t equals = word.find('=');
        const std::string_view name = std::string_view(word).substr(0, equals);
        if (!seen.insert(name).second) {
            remark(RemarkKind::lost, "a second " + lync::quoted(name) + " of a server", server);
            continue;
        }
        const std::string_view value = equals == std::string::npos
                                           ? std::string_view{}
                                           : std::string_view(word).substr(equals + 1);
        const bool number = !value.empty() && value.size() <= 6 &&
                            value.find_first_not_of("0123456789") == value.npos;
        const bool known =
            word == "backup" || word == "down" ||
            (number && (name == "max_conns" || name == "max_fails" ||
                        (name == "weight" && value.find_first_not_of('0') != value.npos))) ||
            (name == "fail_timeout" && number && value.find_first_not_of('0') != value.npos);
        if (known) {
            parameters += " " + word;
        } else if (name == "fail_timeout" && time_of(value) && time_of(value)->count() > 0 &&
                   time_of(value)->count() <= 7 * 86400) {
            parameters += " fail_timeout=" + std::to_string(time_of(value)->count()) + "s";
        } else {
            remark(RemarkKind::lost, "parameter " + lync::quoted(word) + " of a server", server);
        }
    }
    return parameters;
}

} // namespace

std::uint16_t read_upstream(const Directive& upstream, OldRule& rule, const RemarkOn& remark) {
    std::uint16_t port = 0;
    bool first = true;
    for (const auto& child : upstream.children) {
        if (child->name == "server" && !child->arguments.empty()) {
            const std::string& text = child->arguments.front();
            if (text.starts_with("unix:")) {
                remark(RemarkKind::lost, "server " + lync::quoted(text), *child);
                continue;
            }
            const Endpoint endpoint = split_endpoint(text);
            if (first) {
                port = endpoint.port;
            } else if (port != endpoint.port) {
                remark(RemarkKind::lost,
                       "server " + lync::quoted(text) + " of upstream " +
                           lync::quoted(first_argument(&upstream)) +
                           " has another port than the first one: a pool's servers have the "
                           "same",
                       *child);
                continue;
            }
            first = false;
            rule.servers.push_back({endpoint.host, parameters_of(*child, remark)});
        } else if (child->name == "keepalive") {
            remark(RemarkKind::changed,
                   "upstream " + lync::quoted(first_argument(&upstream)) +
                       " kept one pool of connections for all clients (\"keepalive\"): with "
                       "NTLM one user's connection was given to the next; now such a "
                       "connection belongs to its client",
                   *child);
        } else if (child->name == "ip_hash" || child->name == "hash" || child->name == "sticky") {
            remark(RemarkKind::lost,
                   lync::quoted(child->name) + " of upstream " +
                       lync::quoted(first_argument(&upstream)) +
                       ": external web services of Lync Server 2013 and later need no affinity",
                   *child);
        } else if (child->name == "ntlm" || child->name == "ntlm_timeout") {
            remark(RemarkKind::changed,
                   lync::quoted(child->name) + " of upstream " +
                       lync::quoted(first_argument(&upstream)) +
                       ": \"connection_auth\" does it, on by default",
                   *child);
        }
    }
    return port;
}

} // namespace lync::lyncctl
