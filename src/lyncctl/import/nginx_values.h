#pragma once

// Inside of import_nginx*.cpp only: directives of any nginx.conf and their values.

#include "config/block.h"
#include "lyncctl/import/old_proxy.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

/// The blocks from the outermost to the one in question.
using Chain = std::vector<const config::Directive*>;

/// A directive of the block itself, or nullptr.
const config::Directive* own(const config::Directive& block, std::string_view name);

/// The directive that counts in a block: its own, or else the nearest outer one.
const config::Directive* inherited(const Chain& chain, std::string_view name);

/// Of no directive it is empty.
std::string first_argument(const config::Directive* directive);
bool has_argument(const config::Directive& directive, std::string_view word);

/// The words in front of a block's "{", quoted.
std::string title_of(const config::Directive& block);

/// A port, or 0.
std::uint16_t port_of(std::string_view text);

struct Endpoint {
    std::string host;
    std::uint16_t port = 0; ///< 0: not written
};

/// `10.0.0.11:4443`, `[2001:db8::1]:4443`, `fe.contoso.local`.
Endpoint split_endpoint(std::string_view text);

/// A `listen` as a publication's socket, with the parameters that it may have; empty if it can't
/// be one.
std::string socket_of(const config::Directive& listen);

/// Scheme, host and port of a `proxy_pass`.
std::string_view target_of(const config::Directive& pass);

/// Whether the locations among these blocks keep no path back.
bool takes_every_path(const Chain& chain);

/// nginx's times in seconds, a century at most; nothing if it isn't one.
std::optional<std::chrono::seconds> time_of(std::string_view text);

/// nginx's sizes in bytes; 0 if it isn't one.
std::uint64_t size_of(std::string_view text);

/// Whether a name of `server_name` stands for a host, which may be a pattern itself ("meet.*").
bool server_name_holds(std::string_view name, std::string_view host);

/// Whether a server is for names that no other one has: the socket's default, or none of its own.
bool catches_all(const config::Directive& server);

/// Whether a server sends clients to https, in itself or in a block of it.
bool redirects_to_https(const config::Directive& block);

/// A name that the block can hold: what a directive of nginx may be instead isn't a file.
bool is_file(std::string_view name);

/// All directives of a name in the nearest block that has one, by their first argument.
std::vector<std::string> all_inherited(const Chain& chain, std::string_view name);

/// Where a directive may go that the block doesn't say.
std::string remedy_for(std::string_view name);

/// Says something about a line of the old file.
using RemarkOn = std::function<void(RemarkKind, std::string, const config::Directive&)>;

/// Adds the servers of an `upstream` to a rule (import_nginx_upstream.cpp). The first server's
/// port; other ports have no counterpart.
std::uint16_t read_upstream(const config::Directive& upstream, OldRule& rule,
                            const RemarkOn& remark);

/// Whether a directive of a server or location needs no word: the publication says it itself, it
/// concerns files that stay, or it does nothing to a request.
bool is_replaced(std::string_view name);

} // namespace lync::lyncctl
