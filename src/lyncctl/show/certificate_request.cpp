#include "lyncctl/show/certificate_request.h"

#include "base/format.h"
#include "config/certificate_pem.h"
#include "lyncctl/failure.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

namespace lync::lyncctl {

namespace {

struct Free {
    void operator()(X509_REQ* request) const noexcept { X509_REQ_free(request); }
    void operator()(STACK_OF(X509_EXTENSION) * list) const noexcept {
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    }
    void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
};
template <typename Type>
using Owned = std::unique_ptr<Type, Free>;
using config::BioPtr, config::KeyPtr;

/// Nothing that is asked of OpenSSL here depends on the user: what fails is memory or a library
/// that is configured to refuse it.
void require(bool done, std::string_view doing) {
    if (!done) {
        char reason[256] = "";
        ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
        ERR_clear_error();
        throw Failure(formatted("OpenSSL can't {} ({})", doing, reason));
    }
}

KeyPtr make_key(const std::string& type) {
    KeyPtr key(
        type.starts_with("rsa:")
            ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA",
                                static_cast<std::size_t>(std::stoul(type.substr(4))))
            : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type == "ec:p256" ? "P-256" : "P-384"));
    require(key != nullptr, "make a key");
    return key;
}

void add_extension(STACK_OF(X509_EXTENSION) * list, int nid, const char* value) {
    Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
    require(extension != nullptr, "encode an extension");
    require(sk_X509_EXTENSION_push(list, extension.get()) > 0, "list extensions");
    extension.release();
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

} // namespace

CertificateRequest::~CertificateRequest() {
    OPENSSL_cleanse(key.data(), key.size());
}

CertificateRequest make_certificate_request(const std::string& key_type,
                                            const std::vector<std::string>& names) {
    const KeyPtr key = make_key(key_type);
    const Owned<X509_REQ> request(X509_REQ_new());
    require(request != nullptr && X509_REQ_set_version(request.get(), 0) == 1 &&
                X509_REQ_set_pubkey(request.get(), key.get()) == 1,
            "make a request");

    // Clients read the alternative names anyway.
    const auto* common_name = reinterpret_cast<const unsigned char*>(names.front().c_str());
    require(names.front().size() > longest_common_name ||
                X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN",
                                           MBSTRING_UTF8, common_name, -1, -1, 0) == 1,
            "make a subject");

    const Owned<STACK_OF(X509_EXTENSION)> extensions(sk_X509_EXTENSION_new_null());
    require(extensions != nullptr, "list extensions");
    std::string alternatives; // of FQDNs: no comma is in one
    for (const std::string& each : names) {
        alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + each;
    }
    add_extension(extensions.get(), NID_subject_alt_name, alternatives.c_str());
    add_extension(extensions.get(), NID_key_usage,
                  key_type.starts_with("rsa") ? "critical,digitalSignature,keyEncipherment"
                                              : "critical,digitalSignature");
    add_extension(extensions.get(), NID_ext_key_usage, "serverAuth");
    require(X509_REQ_add_extensions(request.get(), extensions.get()) == 1, "add extensions");
    require(X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0, "sign the request");

    CertificateRequest result;
    const BioPtr csr(BIO_new(BIO_s_mem()));
    const BioPtr pem(BIO_new(BIO_s_secmem()));
    require(csr != nullptr && PEM_write_bio_X509_REQ(csr.get(), request.get()) == 1,
            "write the request");
    require(pem != nullptr && PEM_write_bio_PKCS8PrivateKey(pem.get(), key.get(), nullptr, nullptr,
                                                            0, nullptr, nullptr) == 1,
            "write the key");
    result.csr = text_of(csr.get());
    result.key = text_of(pem.get());
    return result;
}

} // namespace lync::lyncctl
