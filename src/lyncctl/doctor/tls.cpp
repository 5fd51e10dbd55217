#include "lyncctl/doctor/tls.h"

#include "config/certificate_pem.h"
#include "config/certificate_x509.h"
#include "lyncctl/doctor/findings.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
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

std::string openssl_words(unsigned long error) {
    const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
    return reason == nullptr ? "no reason given" : reason;
}

/// A handshake's error as the caller tells them apart.
Handshake::Outcome outcome_of(unsigned long error) {
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
        return Handshake::Outcome::failed;
    }
    switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return Handshake::Outcome::not_tls;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
    case SSL_R_TLSV1_UNRECOGNIZED_NAME: // what nginx's ssl_reject_handshake says
        return Handshake::Outcome::closed;
    default:
        return Handshake::Outcome::failed;
    }
}

ContextPtr make_context(const HandshakeRequest& request) {
    ContextPtr context(SSL_CTX_new(TLS_client_method()));
    if (!context) {
        throw std::runtime_error("OpenSSL can't make a context");
    }
    // Objections are collected afterwards, and what is offered shouldn't depend on openssl.cnf.
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    if (request.old_versions) {
        SSL_CTX_set_security_level(context.get(), 0);
        SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
        SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT);
    } else {
        // Level 0 still refuses nothing by itself: a weak certificate is to be reported, not to
        // end the handshake.
        SSL_CTX_set_security_level(context.get(), 0);
        SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
        SSL_CTX_set_max_proto_version(context.get(), 0);
    }
    std::string alpn;
    for (const std::string& protocol : request.alpn) {
        alpn += static_cast<char>(protocol.size());
        alpn += protocol;
    }
    if (!alpn.empty()) {
        SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                                static_cast<unsigned>(alpn.size()));
    }
    return context;
}

/// RFC 2253.
std::string name_text(const X509_NAME* name) {
    const config::BioPtr out(BIO_new(BIO_s_mem()));
    if (!out || name == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) {
        return "";
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return shown({data, static_cast<std::size_t>(size)}, 200);
}

std::string fingerprint_of(const X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    std::string text;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1) {
        for (unsigned i = 0; i < size; i++) {
            char hex[3];
            std::snprintf(hex, sizeof hex, "%02x", digest[i]);
            text += hex;
        }
    }
    return text;
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
struct Objections {
    CertificateVerdict* verdict;
    bool leaf_points_to_issuer;
    bool alone; ///< only the server's own certificate was sent
};

extern "C" int lync_doctor_objection(int good, X509_STORE_CTX* context) {
    if (good != 0) {
        return 1;
    }
    const auto& objections = *static_cast<const Objections*>(X509_STORE_CTX_get_app_data(context));
    CertificateVerdict& verdict = *objections.verdict;
    switch (const int error = X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        verdict.self_signed = true;
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        verdict.untrusted = true;
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        if (objections.alone && objections.leaf_points_to_issuer) {
            verdict.incomplete = true;
        } else {
            verdict.untrusted = true;
        }
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        verdict.expired = true;
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        verdict.not_yet_valid = true;
        break;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        verdict.weak = true;
        break;
    default:
        if (verdict.other.empty()) {
            verdict.other = X509_verify_cert_error_string(error);
        }
        break;
    }
    return 1;
}

void judge_chain(SSL* ssl, X509* leaf, const TrustStore& trusted, Handshake& result) {
    CertificateVerdict& verdict = result.verdict;
    StoreContextPtr context(X509_STORE_CTX_new());
    STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    if (!context || X509_STORE_CTX_init(context.get(), static_cast<X509_STORE*>(trusted.get()),
                                        leaf, chain) != 1) {
        verdict.other = "it can't be verified";
        return;
    }
    Objections objections{&verdict, points_to_issuer(leaf),
                          chain == nullptr || sk_X509_num(chain) <= 1};
    X509_STORE_CTX_set_app_data(context.get(), &objections);
    X509_STORE_CTX_set_verify_cb(context.get(), lync_doctor_objection);
    X509_STORE_CTX_set_default(context.get(), "ssl_server");
    X509_verify_cert(context.get());
    if (verdict.self_signed) {
        verdict.untrusted = verdict.incomplete = false;
    }

    result.not_after = {};
    for (int i = 0; chain != nullptr && i < sk_X509_num(chain); i++) {
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
            result.date_of = config::subject_of(certificate);
        }
    }
}

void look_at_certificate(SSL* ssl, const HandshakeRequest& request, const TrustStore& trusted,
                         Handshake& result) {
    const config::X509Ptr leaf(SSL_get1_peer_certificate(ssl));
    if (!leaf) {
        result.verdict.other = "none was presented";
        return;
    }
    result.subject = config::subject_of(leaf.get());
    result.issuer = name_text(X509_get_issuer_name(leaf.get()));
    result.fingerprint = fingerprint_of(leaf.get());
    result.names = config::names_of(leaf.get()).value_or(std::vector<std::string>{});
    judge_chain(ssl, leaf.get(), trusted, result);
    result.verdict.weak |=
        config::key_of(leaf.get()).is_short_rsa() || !config::weak_digest_of(leaf.get()).empty();
    result.verdict.wrong_name =
        X509_check_host(leaf.get(), request.server_name.data(), request.server_name.size(),
                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) != 1;
}

/// Drives the handshake to its end; 1, or SSL_get_error's word, or 0 for the deadline.
int drive(SSL* ssl, int fd, const Deadline& deadline, bool& in_time) {
    in_time = true;
    for (;;) {
        const int done = SSL_connect(ssl);
        if (done == 1) {
            return SSL_ERROR_NONE;
        }
        const int error = SSL_get_error(ssl, done);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            return error;
        }
        if (!wait_for(fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) {
            in_time = false;
            return error;
        }
    }
}

} // namespace

TrustStore::TrustStore(const std::string& file) {
    const ErrorQueue queue;
    X509_STORE* store = X509_STORE_new();
    if (store == nullptr) {
        throw std::runtime_error("OpenSSL can't make a store of CAs");
    }
    store_ = store;
    const int loaded = file.empty() ? X509_STORE_set_default_paths(store)
                                    : X509_STORE_load_file(store, file.c_str());
    if (loaded != 1) {
        X509_STORE_free(store);
        store_ = nullptr;
        throw std::runtime_error(file.empty() ? "the system's CA certificates can't be loaded"
                                              : "no CA certificate can be read from \"" + file +
                                                    "\": it has to be a readable file in PEM form");
    }
}

TrustStore::~TrustStore() {
    X509_STORE_free(static_cast<X509_STORE*>(store_));
}

Handshake shake_hands(const Connection& connection, const HandshakeRequest& request,
                      const TrustStore& trusted, const Deadline& deadline) {
    const ErrorQueue queue;
    const ContextPtr context = make_context(request);
    const SslPtr ssl(SSL_new(context.get()));
    Handshake result;
    if (!ssl || SSL_set_fd(ssl.get(), connection.fd()) != 1 ||
        SSL_set_tlsext_host_name(ssl.get(), request.server_name.c_str()) != 1) {
        result.detail = "OpenSSL can't begin";
        return result;
    }

    bool in_time = true;
    errno = 0;
    const int error = drive(ssl.get(), connection.fd(), deadline, in_time);
    const int system_error = errno;
    if (!in_time) {
        result.outcome = Handshake::Outcome::timed_out;
        return result;
    }
    if (error != SSL_ERROR_NONE) {
        const unsigned long first = ERR_peek_error();
        if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN) {
            result.outcome = Handshake::Outcome::closed;
            result.detail = system_error != 0 ? std::generic_category().message(system_error)
                                              : "closed by the other side";
        } else {
            result.outcome = outcome_of(first);
            result.detail = openssl_words(first);
        }
        return result;
    }

    result.outcome = Handshake::Outcome::done;
    result.version = SSL_get_version(ssl.get());
    const unsigned char* alpn = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl.get(), &alpn, &size);
    if (size != 0) {
        result.alpn.assign(reinterpret_cast<const char*>(alpn), size);
    }
    look_at_certificate(ssl.get(), request, trusted, result);
    return result;
}

bool may_be_old(const Handshake& handshake) noexcept {
    using Outcome = Handshake::Outcome;
    return handshake.outcome == Outcome::failed || handshake.outcome == Outcome::closed;
}

std::string day_text(std::chrono::sys_seconds time) {
    return config::date_text(time).substr(0, 10);
}

} // namespace lync::lyncctl::doctor
