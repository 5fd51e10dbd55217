#pragma once

// Inside of import_nginx*.cpp only: directives of any nginx.conf and their values.

#include "syntax/block.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::tool {

/// The blocks from the outermost to the one in question.
using Chain = std::vector<const syntax::Directive*>;

/// A directive of the block itself, or nullptr.
const syntax::Directive* own(const syntax::Directive& block, std::string_view name);

/// The directive that counts in a block: its own, or else the nearest outer one.
const syntax::Directive* inherited(const Chain& chain, std::string_view name);

/// Of no directive it is empty.
std::string first_argument(const syntax::Directive* directive);
bool has_argument(const syntax::Directive& directive, std::string_view word);

/// A port, or 0.
std::uint16_t port_of(std::string_view text);

struct Endpoint {
    std::string host;
    std::uint16_t port = 0; ///< 0: not written
};

/// `10.0.0.11:4443`, `[2001:db8::1]:4443`, `fe.contoso.local`.
Endpoint split_endpoint(std::string_view text);

/// nginx's times in seconds, a century at most; nothing if it isn't one.
std::optional<std::chrono::seconds> time_of(std::string_view text);

/// nginx's sizes in bytes; 0 if it isn't one.
std::uint64_t size_of(std::string_view text);

/// Whether a name of `server_name` stands for a host, which may be a pattern itself ("meet.*").
bool server_name_holds(std::string_view name, std::string_view host);

/// Whether a server sends clients to https, in itself or in a block of it.
bool redirects_to_https(const syntax::Directive& block);

/// Whether a directive of a server or location needs no word: the publication says it itself, it
/// concerns files that stay, or it does nothing to a request.
bool is_replaced(std::string_view name);

} // namespace lync::tool
