#pragma once

// Connections and HTTP requests, by libcurl: bounded in time and size, no redirect followed,
// nothing decoded, no proxy of the environment in between, since Lync clients use none.

#include "lyncctl/doctor/net.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_ctx_st; // OpenSSL's SSL_CTX

namespace lync::lyncctl::doctor {

struct Credentials {
    std::string user; ///< "CONTOSO\kenmyer" or "kenmyer@contoso.com"
    std::string password;
};

using ConfigureTls = std::function<void(ssl_ctx_st*)>;

struct HttpRequest {
    std::string url;                     ///< "https://meet.contoso.com/"
    std::string host_header;             ///< empty: the URL's host
    std::string accept;                  ///< empty: no Accept
    Endpoint to;                         ///< where the connection goes, whatever the URL says
    std::string unix_socket;             ///< a path: the connection goes there instead
    bool post = false;                   ///< POST without a body, instead of GET
    std::size_t size_limit = 512 * 1024; ///< WSDL and discovery are far smaller
    /// Signs in by NTLM, and verifies the server for that. Without, TLS was looked at before.
    const Credentials* ntlm = nullptr;
    std::string ca_file; ///< to verify against; empty: the system's
};

struct HttpAnswer {
    std::size_t room = 0;       ///< how much more may arrive
    std::optional<Fault> fault; ///< one of http_closed to http_too_large, or tls_failed
    int status = 0;
    std::string status_text; ///< "404 Not Found", as the server words it
    std::vector<std::pair<std::string, std::string>> headers; ///< of the last answer
    std::string body;
    long connections = 0;    ///< how many were made for it
    bool challenged = false; ///< the server answered the first NTLM message with a challenge

    /// The first value of a header, any letter case; empty if there is none.
    std::string_view header(std::string_view name) const;
    std::vector<std::string_view> all(std::string_view name) const;
    /// "text/html" of Content-Type, in lower case.
    std::string content_type() const;
    bool is_redirect() const noexcept { return !fault && status >= 300 && status < 400; }
};

/// Connects, and does no more: over TLS if there is a `configure`. What it fails with is one of
/// port_* and tls_*. Throws Interrupted after Ctrl-C.
std::optional<Fault> connect_to(const Endpoint& endpoint, const std::string& name,
                                const ConfigureTls& configure, const Deadline& deadline);

/// Keeps connections from one request to the next.
class HttpClient {
public:
    HttpClient();

    HttpAnswer get(const HttpRequest& request, const Deadline& deadline);

private:
    std::unique_ptr<void, void (*)(void*)> easy_; ///< CURL
};

/// An absolute URL taken apart as libcurl understands it; nothing if it isn't one.
struct Url {
    std::string scheme; ///< lower case
    std::string host;   ///< lower case, no brackets
    std::string port;   ///< empty if not written
    std::string target; ///< path and query
};
std::optional<Url> parse_url(std::string_view text);

std::string url_escaped(const std::string& text);

} // namespace lync::lyncctl::doctor
