#pragma once

// Files of PEM, what people put in their place, and OpenSSL's objects made of them.

#include "base/format.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

struct FreeOpenssl {
    void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
};
using BioPtr = std::unique_ptr<BIO, FreeOpenssl>;
using X509Ptr = std::unique_ptr<X509, FreeOpenssl>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeOpenssl>;
using ChainPtr = std::unique_ptr<STACK_OF(X509), FreeOpenssl>;

/// A certificate as a handshake takes it.
struct KeyPair {
    X509Ptr certificate;
    ChainPtr intermediates;
    KeyPtr key;
};

/// nginx logs whatever is left in the error queue at the next TLS error, of any connection.
struct ErrorQueue {
    ErrorQueue() noexcept { ERR_clear_error(); }
    ~ErrorQueue() { ERR_clear_error(); }
    ErrorQueue(const ErrorQueue&) = delete;
    ErrorQueue& operator=(const ErrorQueue&) = delete;
};

/// Why a file can't be used: Findings::error.
struct Unusable : std::runtime_error {
    template <typename... T>
    explicit Unusable(fmt::format_string<T...> format, const T&... arguments)
        : runtime_error(formatted<T...>(format, arguments...)) {}
};

/// The certificates of a file in their order, at least one; `what` is how messages call the file:
/// "certificate", "trusted CA". Throws Unusable.
std::vector<X509Ptr> read_certificates(const std::string& file, std::string_view what);

struct PemKey {
    KeyPtr key;
    bool is_public = false; ///< every user of this system may read the file
};
/// Throws Unusable.
PemKey read_key(const std::string& file);

} // namespace lync::config
