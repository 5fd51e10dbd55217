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

/// Makes a key and a request for `names` (the first is the common name, if it is short enough) as
/// subject alternative names, for servers, signed with SHA-256. Throws Failure.
CertificateRequest make_certificate_request(const std::string& key_type,
                                            const std::vector<std::string>& names);

} // namespace lync::lyncctl
