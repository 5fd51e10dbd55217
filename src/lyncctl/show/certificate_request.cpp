#include "lyncctl/show/certificate_request.h"

#include "base/format.h"
#include "config/certificate_pem.h"
#include "lyncctl/failure.h"
#include "lyncctl/output.h"

#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

namespace lync::lyncctl {

namespace {

struct Free {
    void operator()(X509_REQ* request) const noexcept { X509_REQ_free(request); }
    void operator()(CONF* conf) const noexcept { NCONF_free(conf); }
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

/// As subject alternative names, for servers.
void add_extensions(X509_REQ* request, bool is_rsa, const std::vector<std::string>& names) {
    const std::string text = formatted("[all]\nsubjectAltName=DNS:{}\n"
                                       "keyUsage=critical,digitalSignature{}\n"
                                       "extendedKeyUsage=serverAuth\n",
                                       joined(names, ",DNS:"), is_rsa ? ",keyEncipherment" : "");
    const BioPtr lines(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    const Owned<CONF> conf(NCONF_new(nullptr));
    X509V3_CTX context{};
    X509V3_set_nconf(&context, conf.get());
    require(lines != nullptr && conf != nullptr &&
                NCONF_load_bio(conf.get(), lines.get(), nullptr) == 1 &&
                X509V3_EXT_REQ_add_nconf(conf.get(), &context, "all", request) == 1,
            "add extensions");
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

    add_extensions(request.get(), key_type.starts_with("rsa"), names);
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
