#include "lyncctl/doctor/tls.h"

#include "base/format.h"
#include "config/certificate_pem.h"
#include "config/certificate_x509.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <poll.h>
#include <stdexcept>
#include <system_error>

namespace lync::lyncctl::doctor {

namespace {

using config::ErrorQueue;

struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(X509_STORE_CTX* context) const noexcept { X509_STORE_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeSsl>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeSsl>;

/// Why a handshake failed, by SSL_get_error and errno.
Fault fault_of(int error, int system_error) {
    if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN) {
        return {Id::tls_closed, system_error == 0 ? "no reason given"
                                                  : std::generic_category().message(system_error)};
    }
    const unsigned long first = ERR_peek_error();
    const char* reason = first == 0 ? nullptr : ERR_reason_error_string(first);
    const std::string detail = reason == nullptr ? "no reason given" : reason;
    switch (ERR_GET_LIB(first) == ERR_LIB_SSL ? ERR_GET_REASON(first) : 0) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return {Id::tls_not_tls, detail};
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
    case SSL_R_TLSV1_UNRECOGNIZED_NAME: // what nginx's ssl_reject_handshake says
        return {Id::tls_closed, detail};
    default:
        return {Id::tls_failed, detail};
    }
}

ContextPtr make_context(const HandshakeRequest& request) {
    ContextPtr context(SSL_CTX_new(TLS_client_method()));
    if (!context) {
        throw std::runtime_error("OpenSSL can't make a context");
    }
    // Objections are collected afterwards, and what is offered shouldn't depend on openssl.cnf.
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(),
                                  request.old_versions ? TLS1_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), request.old_versions ? TLS1_1_VERSION : 0);
    if (request.old_versions) {
        SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT);
    }
    SSL_CTX_set_alpn_protos(context.get(),
                            reinterpret_cast<const unsigned char*>(request.alpn.data()),
                            static_cast<unsigned>(request.alpn.size()));
    return context;
}

/// Whether a certificate says where its issuer's certificate is found: public CAs always do.
bool points_to_issuer(const X509* certificate) {
    auto* access = static_cast<AUTHORITY_INFO_ACCESS*>(
        X509_get_ext_d2i(certificate, NID_info_access, nullptr, nullptr));
    bool found = false;
    for (int i = 0; access != nullptr && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        found |= OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access, i)->method) == NID_ad_ca_issuers;
    }
    AUTHORITY_INFO_ACCESS_free(access);
    return found;
}

/// What X509_verify_cert objects to, all of it.
struct Verification {
    Handshake* result;
    bool lacks_intermediate; ///< the certificate came alone and says where its issuer's is
};

Id objection_of(int error, bool lacks_intermediate) {
    switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return Id::certificate_self_signed;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return Id::certificate_untrusted;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return lacks_intermediate ? Id::certificate_chain : Id::certificate_untrusted;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return Id::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return Id::certificate_not_yet_valid;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return Id::certificate_weak;
    default:
        return Id::certificate_invalid;
    }
}

extern "C" int lync_doctor_objection(int good, X509_STORE_CTX* context) {
    if (good == 0) {
        const int error = X509_STORE_CTX_get_error(context);
        const auto& verification =
            *static_cast<const Verification*>(X509_STORE_CTX_get_app_data(context));
        const Id id = objection_of(error, verification.lacks_intermediate);
        if (verification.result->objections.insert(id).second && id == Id::certificate_invalid) {
            verification.result->other = X509_verify_cert_error_string(error);
        }
    }
    return 1;
}

void judge_chain(SSL* ssl, X509* leaf, const TrustStore& trusted, Handshake& result) {
    const StoreContextPtr context(X509_STORE_CTX_new());
    STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    if (!context || X509_STORE_CTX_init(context.get(), static_cast<X509_STORE*>(trusted.get()),
                                        leaf, chain) != 1) {
        throw std::runtime_error("OpenSSL can't verify a certificate");
    }
    Verification verification{&result, sk_X509_num(chain) <= 1 && points_to_issuer(leaf)};
    X509_STORE_CTX_set_app_data(context.get(), &verification);
    X509_STORE_CTX_set_verify_cb(context.get(), lync_doctor_objection);
    X509_STORE_CTX_set_default(context.get(), "ssl_server");
    X509_verify_cert(context.get());
    if (result.objections.contains(Id::certificate_self_signed)) {
        result.objections.erase(Id::certificate_untrusted);
        result.objections.erase(Id::certificate_chain);
    }

    for (int i = 0; i < sk_X509_num(chain); i++) {
        const X509* certificate = sk_X509_value(chain, i);
        const auto validity = config::validity_of(certificate);
        if (!validity) {
            continue;
        }
        if (i == 0) {
            result.not_before = validity->not_before;
        }
        if (result.date_of.empty() || validity->not_after < result.not_after) {
            result.not_after = validity->not_after;
            result.date_from = validity->not_before;
            result.date_of = config::subject_of(certificate);
        }
    }
}

void look_at_certificate(SSL* ssl, const HandshakeRequest& request, const TrustStore& trusted,
                         Handshake& result) {
    const config::X509Ptr leaf(SSL_get1_peer_certificate(ssl));
    if (!leaf) {
        result.objections.insert(Id::certificate_invalid);
        result.other = "none was presented";
        return;
    }
    result.digest = config::digest_of(leaf.get());
    result.subject = config::subject_of(leaf.get());
    result.issuer = config::issuer_of(leaf.get());
    result.names = config::names_of(leaf.get()).value_or(std::vector<std::string>{});
    judge_chain(ssl, leaf.get(), trusted, result);
    if (config::key_of(leaf.get()).is_short_rsa() || !config::weak_digest_of(leaf.get()).empty()) {
        result.objections.insert(Id::certificate_weak);
    }
    if (X509_check_host(leaf.get(), request.server_name.data(), request.server_name.size(),
                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) != 1) {
        result.objections.insert(Id::certificate_name);
    }
}

/// Drives the handshake to its end; nothing if it came there.
std::optional<Fault> drive(SSL* ssl, int fd, const Deadline& deadline) {
    for (;;) {
        errno = 0;
        const int done = SSL_connect(ssl);
        const int system_error = errno;
        if (done == 1) {
            return std::nullopt;
        }
        const int error = SSL_get_error(ssl, done);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            return fault_of(error, system_error);
        }
        if (!wait_for(fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) {
            return Fault{Id::tls_timed_out, ""};
        }
    }
}

} // namespace

TrustStore::TrustStore(const std::string& file) : store_(X509_STORE_new()) {
    const ErrorQueue queue;
    auto* store = static_cast<X509_STORE*>(store_.get());
    if (file.empty() ? X509_STORE_set_default_paths(store) != 1
                     : X509_STORE_load_file(store, file.c_str()) != 1) {
        throw std::runtime_error(file.empty()
                                     ? "the system's CA certificates can't be loaded"
                                     : formatted("no CA certificate can be read from {}: "
                                                 "it has to be a readable file in PEM form",
                                                 lync::quoted(file)));
    }
}

void TrustStore::Free::operator()(void* store) const noexcept {
    X509_STORE_free(static_cast<X509_STORE*>(store));
}

Handshake shake_hands(const Connection& connection, const HandshakeRequest& request,
                      const TrustStore& trusted, const Deadline& deadline) {
    const ErrorQueue queue;
    const ContextPtr context = make_context(request);
    const SslPtr ssl(SSL_new(context.get()));
    if (!ssl || SSL_set_fd(ssl.get(), connection.fd()) != 1 ||
        SSL_set_tlsext_host_name(ssl.get(), request.server_name.c_str()) != 1) {
        throw std::runtime_error("OpenSSL can't begin a handshake");
    }
    Handshake result;
    result.fault = drive(ssl.get(), connection.fd(), deadline);
    if (result.fault) {
        return result;
    }
    result.version = SSL_get_version(ssl.get());
    const unsigned char* alpn = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl.get(), &alpn, &size);
    result.alpn.assign(reinterpret_cast<const char*>(alpn), size);
    look_at_certificate(ssl.get(), request, trusted, result);
    return result;
}

} // namespace lync::lyncctl::doctor
