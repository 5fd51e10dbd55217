#pragma once

// The directives that every generated server states, so that nothing inherited from `http { }` can
// change a publication. A row is written if the target nginx knows its directive. What is meant to
// be inherited is deliberately absent: access_log, error_log, resolver, ssl_session_ticket_key,
// set_real_ip_from and its kin, client_body_temp_path, and whatever a third-party module does on
// all traffic (ModSecurity, GeoIP, ...).

#include <span>
#include <string>
#include <string_view>

namespace lync::plan {

struct Statement {
    std::string_view directive;
    std::string_view arguments;
};

/// What a request is and how an answer leaves, for every server.
extern const std::span<const Statement> request_statements;

/// The location of ACME challenges: nothing that a server_include says of the server reaches it.
extern const std::span<const Statement> challenge_statements;

/// TLS towards clients.
extern const std::span<const Statement> tls_statements;

/// Proxying, for every server that proxies.
extern const std::span<const Statement> proxy_statements;

/// Request headers whose value is the plan's own, for every server that proxies: nginx would send
/// a second one beside it.
extern const std::span<const std::string_view> stated_headers;

/// Request headers that don't travel; a server_include may state one with a value of its own, but
/// for those that are in stated_headers as well.
extern const std::span<const std::string_view> dropped_headers;

/// TLS towards the servers, for those reached by https.
extern const std::span<const Statement> proxy_tls_statements;

/// nginx's message about a line of a file of server_include, with the reason added if it is one
/// that generated servers state already: `"gzip" directive is duplicate`. Anything else comes back
/// as it is.
std::string explain_included(std::string_view text, std::string_view publication);

} // namespace lync::plan
