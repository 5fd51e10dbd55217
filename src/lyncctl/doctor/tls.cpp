#include "lyncctl/doctor/tls.h"

#include "base/format.h"
#include "config/certificate_pem.h"
#include "config/certificate_x509.h"
#include "lyncctl/doctor/http.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <functional>
#include <stdexcept>

namespace lync::lyncctl::doctor {

namespace {

using config::ErrorQueue;

/// Sets what is offered, which shouldn't depend on openssl.cnf.
void offer(SSL_CTX* context, const HandshakeRequest& request) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, request.old_versions ? TLS1_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, request.old_versions ? TLS1_1_VERSION : 0);
    if (request.old_versions) {
        SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
        SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    }
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(request.alpn.data()),
                            static_cast<unsigned>(request.alpn.size()));
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

void judge_chain(X509* leaf, STACK_OF(X509) * chain, const TrustStore& trusted, Handshake& result) {
    const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(),
                                                                             X509_STORE_CTX_free);
    if (!context || X509_STORE_CTX_init(context.get(), trusted.get(), leaf, chain) != 1) {
        result.objections.insert(Id::certificate_invalid);
        result.other = "OpenSSL can't verify it";
        return;
    }
    Verification verification{&result, sk_X509_num(chain) <= 1 && points_to_issuer(leaf)};
    X509_STORE_CTX_set_app_data(context.get(), &verification);
    X509_STORE_CTX_set_verify_cb(context.get(), lync_doctor_objection);
    X509_STORE_CTX_set_default(context.get(), "ssl_server");
    X509_verify_cert(context.get());

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

void look_at_certificate(X509* leaf, STACK_OF(X509) * chain, const HandshakeRequest& request,
                         const TrustStore& trusted, Handshake& result) {
    result.digest = config::digest_of(leaf);
    result.subject = config::subject_of(leaf);
    result.issuer = config::issuer_of(leaf);
    result.names = config::names_of(leaf).value_or(std::vector<std::string>{});
    judge_chain(leaf, chain, trusted, result);
    if (config::key_of(leaf).is_short_rsa() || !config::weak_digest_of(leaf).empty()) {
        result.objections.insert(Id::certificate_invalid);
        result.other = "a short key or a signature over SHA-1 or older";
    }
    const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                           (request.as_nginx ? 0 : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_check_host(leaf, request.server_name.data(), request.server_name.size(), flags,
                        nullptr) != 1) {
        result.objections.insert(Id::certificate_name);
    }
}

/// What is done while the server's certificate is verified.
using Look = std::function<void(SSL* ssl, X509* leaf, STACK_OF(X509) * chain)>;

/// In place of OpenSSL's verification: objections don't end the handshake.
extern "C" int lync_doctor_certificate(X509_STORE_CTX* context, void* look) noexcept {
    auto* ssl = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    (*static_cast<const Look*>(look))(ssl, X509_STORE_CTX_get0_cert(context),
                                      X509_STORE_CTX_get0_untrusted(context));
    return 1;
}

} // namespace

TrustStore::TrustStore(const std::string& file) : store_(X509_STORE_new(), X509_STORE_free) {
    const ErrorQueue queue;
    if (file.empty() ? X509_STORE_set_default_paths(get()) != 1
                     : X509_STORE_load_file(get(), file.c_str()) != 1) {
        throw std::runtime_error(file.empty()
                                     ? "the system's CA certificates can't be loaded"
                                     : formatted("no CA certificate can be read from {}: "
                                                 "it has to be a readable file in PEM form",
                                                 lync::quoted(file)));
    }
}

Handshake shake_hands(const Endpoint& endpoint, const HandshakeRequest& request,
                      const TrustStore& trusted, const Deadline& deadline) {
    Handshake result;
    const Look look = [&](SSL* ssl, X509* leaf, STACK_OF(X509) * chain) {
        result.version = SSL_get_version(ssl);
        const unsigned char* alpn = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl, &alpn, &size);
        result.alpn.assign(reinterpret_cast<const char*>(alpn), size);
        look_at_certificate(leaf, chain, request, trusted, result);
    };
    const auto configure = [&](SSL_CTX* context) {
        offer(context, request);
        SSL_CTX_set_cert_verify_callback(context, lync_doctor_certificate,
                                         const_cast<Look*>(&look));
    };
    const ErrorQueue queue;
    result.fault = connect_to(endpoint, request.server_name, configure, deadline);
    if (!result.fault && result.digest.empty()) {
        result.objections.insert(Id::certificate_invalid);
        result.other = "none was presented";
    }
    return result;
}

} // namespace lync::lyncctl::doctor
