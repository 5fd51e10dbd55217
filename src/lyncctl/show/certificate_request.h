#pragma once

// A certificate request and its new private key, by OpenSSL.

#include <cstddef>
#include <string>
#include <vector>

namespace lync::lyncctl {

/// A subject has a common name only up to here [RFC 5280, ub-common-name].
inline constexpr std::size_t longest_common_name = 64;

struct CertificateRequest {
    CertificateRequest() = default;
    CertificateRequest(CertificateRequest&&) = default;
    ~CertificateRequest();

    std::string csr; ///< PEM
    std::string key; ///< PEM, PKCS #8, not encrypted; wiped when it goes
};

struct CertificateSubject {
    std::string common_name;
    std::string organization; ///< UTF-8; empty: left out
    std::string country;      ///< two letters; empty: left out
};

/// Makes a key of `key_type` ("rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384") and a
/// request for `names` as subject alternative names, for servers, signed with SHA-256. Throws
/// Failure.
CertificateRequest make_certificate_request(const CertificateSubject& subject,
                                            const std::vector<std::string>& names,
                                            const std::string& key_type);

} // namespace lync::lyncctl
