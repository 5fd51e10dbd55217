#pragma once

// A TLS handshake as a client makes it, and everything a client would object to. The handshake
// continues despite objections, to find all of them; nothing is sent over it.

#include "lyncctl/doctor/net.h"

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

struct x509_store_st; // OpenSSL's X509_STORE

namespace lync::lyncctl::doctor {

/// CAs to verify against: made once, used for many handshakes.
class TrustStore {
public:
    /// `file` in place of the system's CAs; empty: the system's. Throws std::runtime_error.
    explicit TrustStore(const std::string& file);

    x509_store_st* get() const noexcept { return store_.get(); }

private:
    std::unique_ptr<x509_store_st, void (*)(x509_store_st*)> store_;
};

struct Handshake {
    std::optional<Fault> fault; ///< one of port_* and tls_*
    std::string version;        ///< "TLSv1.3"
    std::string alpn;           ///< "h2", "http/1.1" or empty

    std::set<Id> objections; ///< certificate_*: what a client refuses the certificate for
    std::string other;       ///< of certificate_invalid, in OpenSSL's words
    std::string subject;     ///< RFC 2253
    std::string issuer;      ///< likewise
    std::string digest;      ///< SHA-256: tells certificates apart
    std::vector<std::string> names;
    std::chrono::sys_seconds not_before{};
    std::chrono::sys_seconds not_after{}; ///< the soonest of the chain that was presented
    std::string date_of;                  ///< subject of the certificate with that date
    std::chrono::sys_seconds date_from{}; ///< when that certificate began
};

struct HandshakeRequest {
    std::string server_name;   ///< sent as SNI; what the certificate must cover
    std::string_view alpn;     ///< protocols as TLS writes them, each after its length
    bool old_versions = false; ///< offer TLS 1.0 and 1.1 only, in place of 1.2 and 1.3
    bool as_nginx = false;     ///< to a server, whose common name counts; to clients it doesn't
};

inline constexpr std::string_view http1 = "\x08http/1.1";
inline constexpr std::string_view http2_or_1 = "\x02h2\x08http/1.1";

Handshake shake_hands(const Endpoint& endpoint, const HandshakeRequest& request,
                      const TrustStore& trusted, const Deadline& deadline);

} // namespace lync::lyncctl::doctor
