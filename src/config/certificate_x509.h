#pragma once

// Inside certificate*.cpp only: what one certificate says.

#include "config/certificate.h"

#include <openssl/x509.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

/// "CN=lyncwebext.contoso.com,O=Contoso"; RFC 2253, everything but printable ASCII escaped.
std::string subject_of(const X509* certificate);
std::string issuer_of(const X509* certificate);

/// SHA-256, 32 bytes: identifies a certificate.
std::string digest_of(const X509* certificate);

/// Names as Certificate::names has them. Nothing if the subject alternative name can't be read:
/// no client would believe such a certificate. A name with a byte that isn't printable ASCII, such
/// as an embedded NUL, is left out.
std::optional<std::vector<std::string>> names_of(const X509* certificate);

struct Validity {
    std::chrono::sys_seconds not_before{};
    std::chrono::sys_seconds not_after{};
};
std::optional<Validity> validity_of(const X509* certificate);

struct Key {
    KeyKind kind = KeyKind::other;
    int bits = 0;

    bool is_short_rsa() const noexcept {
        return (kind == KeyKind::rsa || kind == KeyKind::rsa_pss) && bits < 2048;
    }
};
Key key_of(const X509* certificate);

/// "SHA-1" or another digest that is no longer accepted in signatures; empty if it is.
std::string weak_digest_of(const X509* certificate);

} // namespace lync::config
