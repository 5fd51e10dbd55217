#pragma once

// Certificates, keys and files made at run time for the certificate tests: what a CA would issue,
// and what it never would.

#include "catch.h"
#include "config/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lync::testing {

using Strings = std::vector<std::string>;

struct Free {
    void operator()(X509* x) const { X509_free(x); }
    void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
    void operator()(BIO* x) const { BIO_free_all(x); }
    void operator()(GENERAL_NAMES* x) const { GENERAL_NAMES_free(x); }
    void operator()(PKCS12* x) const { PKCS12_free(x); }
    void operator()(PKCS7* x) const { PKCS7_free(x); }
    void operator()(X509_REQ* x) const { X509_REQ_free(x); }
    void operator()(EVP_PKEY_CTX* x) const { EVP_PKEY_CTX_free(x); }
};
template <typename Type>
using Owned = std::unique_ptr<Type, Free>;

inline void expect(bool done, const char* what) {
    if (!done) {
        throw std::runtime_error(what);
    }
}

/// A directory that goes with the test.
class Directory {
public:
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "lync-XXXXXX").string();
        expect(mkdtemp(pattern.data()) != nullptr, "mkdtemp");
        path_ = pattern;
    }
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    std::string path(const std::string& name) const { return (path_ / name).string(); }

    std::string write(const std::string& name, std::string_view bytes) const {
        std::ofstream(path_ / name, std::ios::binary) << bytes;
        permit(name, 0600);
        return path(name);
    }

    void permit(const std::string& name, unsigned mode) const {
        std::filesystem::permissions(path_ / name, static_cast<std::filesystem::perms>(mode));
    }

private:
    std::filesystem::path path_;
};

inline Owned<EVP_PKEY> rsa_key(unsigned bits) {
    return Owned<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(bits)));
}
inline Owned<EVP_PKEY> ec_key() {
    return Owned<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
}
/// Any other kind, by OpenSSL's name, with that kind's defaults.
inline Owned<EVP_PKEY> key_of_type(const char* type) {
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    expect(EVP_PKEY_keygen_init(context.get()) == 1, "EVP_PKEY_keygen_init");
    expect(EVP_PKEY_keygen(context.get(), &key) == 1, "EVP_PKEY_keygen");
    return Owned<EVP_PKEY>(key);
}

/// 2026-06-15 12:00:00 UTC, the time of all tests.
constexpr std::chrono::sys_seconds test_now =
    std::chrono::sys_days(std::chrono::year(2026) / 6 / 15) + std::chrono::hours(12);

struct Request {
    std::vector<std::string> common_names = {"lyncwebext.contoso.com"};
    std::vector<std::string> dns_names = common_names; ///< bytes as they are, NUL included
    bool has_ip = false;                               ///< 10.0.0.1 among the alternative names
    std::chrono::sys_seconds not_before = test_now - std::chrono::days(1);
    std::chrono::sys_seconds not_after = test_now + std::chrono::days(365);
    const EVP_MD* digest = EVP_sha256();
    std::string raw_alternative_names; ///< DER in place of the above
    int extension = NID_undef;         ///< one more, and its value as openssl.cnf has it
    const char* extension_value = "";
};

inline Request names(std::vector<std::string> dns_names) {
    Request request;
    request.dns_names = std::move(dns_names);
    return request;
}

inline Request called(const std::string& common_name) {
    Request request;
    request.common_names = {common_name};
    return request;
}

inline void set_time(ASN1_TIME* field, std::chrono::sys_seconds time) {
    expect(ASN1_TIME_set(field, time.time_since_epoch().count()) != nullptr, "ASN1_TIME_set");
}

inline void add_alternative_names(X509* certificate, const Request& request) {
    if (!request.raw_alternative_names.empty()) {
        ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(
            octets, reinterpret_cast<const unsigned char*>(request.raw_alternative_names.data()),
            static_cast<int>(request.raw_alternative_names.size()));
        X509_EXTENSION* extension =
            X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, octets);
        expect(X509_add_ext(certificate, extension, -1) == 1, "X509_add_ext");
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(octets);
        return;
    }
    if (request.dns_names.empty() && !request.has_ip) {
        return;
    }

    const Owned<GENERAL_NAMES> names(sk_GENERAL_NAME_new_null());
    for (const std::string& name : request.dns_names) {
        GENERAL_NAME* general = GENERAL_NAME_new();
        ASN1_IA5STRING* text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
        GENERAL_NAME_set0_value(general, GEN_DNS, text);
        sk_GENERAL_NAME_push(names.get(), general);
    }
    if (request.has_ip) {
        GENERAL_NAME* general = GENERAL_NAME_new();
        GENERAL_NAME_set0_value(general, GEN_IPADD, a2i_IPADDRESS("10.0.0.1"));
        sk_GENERAL_NAME_push(names.get(), general);
    }
    expect(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1,
           "X509_add1_ext_i2d");
}

/// Signed by `issuer_key` in the name of `issuer`, or by itself where there is no issuer.
inline Owned<X509> issue(const Request& request, EVP_PKEY* key, X509* issuer = nullptr,
                         EVP_PKEY* issuer_key = nullptr) {
    static long serial = 1;
    Owned<X509> certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
    set_time(X509_getm_notBefore(certificate.get()), request.not_before);
    set_time(X509_getm_notAfter(certificate.get()), request.not_after);

    X509_NAME* subject = X509_get_subject_name(certificate.get());
    for (const std::string& name : request.common_names) {
        expect(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                          reinterpret_cast<const unsigned char*>(name.data()),
                                          static_cast<int>(name.size()), -1, 0) == 1,
               "X509_NAME_add_entry_by_txt");
    }
    X509_set_issuer_name(certificate.get(),
                         issuer == nullptr ? subject : X509_get_subject_name(issuer));
    expect(X509_set_pubkey(certificate.get(), key) == 1, "X509_set_pubkey");
    add_alternative_names(certificate.get(), request);
    if (request.extension != NID_undef) {
        X509_EXTENSION* extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, request.extension, request.extension_value);
        expect(X509_add_ext(certificate.get(), extension, -1) == 1, "X509_add_ext");
        X509_EXTENSION_free(extension);
    }

    EVP_PKEY* signer = issuer_key == nullptr ? key : issuer_key;
    const int id = EVP_PKEY_get_base_id(signer);
    const bool own_digest = id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448;
    expect(X509_sign(certificate.get(), signer, own_digest ? nullptr : request.digest) > 0,
           "X509_sign");
    return certificate;
}

template <typename Write>
std::string written(Write&& write) {
    const Owned<BIO> bio(BIO_new(BIO_s_mem()));
    expect(write(bio.get()) == 1, "write");
    const char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

inline std::string pem(X509* certificate) {
    return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}
inline std::string pem(const Owned<X509>& certificate) {
    return pem(certificate.get());
}
inline std::string der(const Owned<X509>& certificate) {
    return written([&](BIO* bio) { return i2d_X509_bio(bio, certificate.get()); });
}
inline std::string pem(const Owned<EVP_PKEY>& key) {
    return written([&](BIO* bio) {
        return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
}
inline std::string der(const Owned<EVP_PKEY>& key) {
    return written([&](BIO* bio) {
        return i2d_PKCS8PrivateKey_bio(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
}

/// `-----BEGIN ENCRYPTED PRIVATE KEY-----`, or the older `Proc-Type: 4,ENCRYPTED`.
inline std::string encrypted_pem(const Owned<EVP_PKEY>& key, bool traditional) {
    constexpr std::string_view passphrase = "secret";
    const auto* bytes = reinterpret_cast<const unsigned char*>(passphrase.data());
    const int size = static_cast<int>(passphrase.size());
    return written([&](BIO* bio) {
        return traditional ? PEM_write_bio_PrivateKey_traditional(bio, key.get(), EVP_aes_128_cbc(),
                                                                  bytes, size, nullptr, nullptr)
                           : PEM_write_bio_PrivateKey(bio, key.get(), EVP_aes_128_cbc(), bytes,
                                                      size, nullptr, nullptr);
    });
}

/// A directory with one pair of files in it, and what load_certificate makes of them.
class Files {
public:
    Directory directory;
    std::string certificate = directory.path("cert.pem");
    std::string key = directory.path("cert.key");

    void put(std::string_view certificate_bytes, std::string_view key_bytes) const {
        directory.write("cert.pem", certificate_bytes);
        directory.write("cert.key", key_bytes);
    }
    /// A self-signed one, and its key.
    void put(const Request& request, const Owned<EVP_PKEY>& key_pair) const {
        put(pem(issue(request, key_pair.get())), pem(key_pair));
    }

    config::Certificate load(std::chrono::sys_seconds now = test_now) const {
        config::Certificate loaded = config::load_certificate(certificate, key, now);
        CHECK(ERR_peek_error() == 0); // nginx would log it at somebody else's error
        return loaded;
    }

    std::string error() const { return load().error; }

    std::string cannot_load(std::string_view why) const {
        return "cannot load certificate \"" + certificate + "\": " + std::string(why);
    }
    std::string cannot_load_key(std::string_view why) const {
        return "cannot load certificate key \"" + key + "\": " + std::string(why);
    }
};

} // namespace lync::testing
