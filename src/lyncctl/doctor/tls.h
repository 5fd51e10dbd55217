#pragma once

// A TLS handshake as a client makes it, and everything a client would object to. The handshake goes
// on in spite of objections, so that all of them are seen; nothing is sent over it.

#include "lyncctl/doctor/net.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

/// CAs to verify against: made once, used for many handshakes.
class TrustStore {
public:
    /// `file` in place of the system's CAs; empty: the system's. Throws std::runtime_error.
    explicit TrustStore(const std::string& file);
    ~TrustStore();
    TrustStore(const TrustStore&) = delete;
    TrustStore& operator=(const TrustStore&) = delete;

    void* get() const noexcept { return store_; } ///< X509_STORE*

private:
    void* store_ = nullptr;
};

/// What is wrong with a certificate that was presented.
struct CertificateVerdict {
    bool self_signed = false;   ///< the certificate itself
    bool untrusted = false;     ///< the chain ends at a CA that isn't known
    bool incomplete = false;    ///< an intermediate is missing that the certificate points to
    bool expired = false;       ///< it, or one of its chain
    bool not_yet_valid = false; ///< likewise
    bool weak = false;          ///< key or signature
    bool wrong_name = false;    ///< doesn't cover the name asked for
    std::string other;          ///< any other objection, in OpenSSL's words

    /// Nothing that a client would refuse it for.
    bool good() const noexcept {
        return !self_signed && !untrusted && !incomplete && !expired && !not_yet_valid && !weak &&
               !wrong_name && other.empty();
    }
};

struct Handshake {
    enum class Outcome : std::uint8_t {
        done,
        not_tls, ///< what answers isn't TLS
        closed,  ///< the other side closes without a word
        timed_out,
        failed,
    };

    Outcome outcome = Outcome::failed;
    std::string detail;  ///< of a failure: OpenSSL's words
    std::string version; ///< "TLSv1.3"
    std::string alpn;    ///< "h2", "http/1.1" or empty

    CertificateVerdict verdict;
    std::string subject;     ///< RFC 2253, printable ASCII
    std::string issuer;      ///< likewise
    std::string fingerprint; ///< SHA-256, hexadecimal
    std::vector<std::string> names;
    std::chrono::sys_seconds not_before{};
    std::chrono::sys_seconds not_after{}; ///< the soonest of the chain that was presented
    std::string date_of;                  ///< subject of the certificate with that date
};

/// Whether the handshake failed as it does with a server of old versions only: with an alert, or,
/// as some do, with a closed connection.
bool may_be_old(const Handshake& handshake) noexcept;

struct HandshakeRequest {
    std::string server_name; ///< sent as SNI; what the certificate must cover
    std::vector<std::string> alpn;
    bool old_versions = false; ///< offer TLS 1.0 and 1.1 only, in place of 1.2 and 1.3
};

/// On a connection that was just opened.
Handshake shake_hands(const Connection& connection, const HandshakeRequest& request,
                      const TrustStore& trusted, const Deadline& deadline);

/// "2026-11-21".
std::string day_text(std::chrono::sys_seconds time);

} // namespace lync::lyncctl::doctor
