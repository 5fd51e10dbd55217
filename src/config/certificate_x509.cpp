#include "config/certificate_x509.h"

#include "base/ascii.h"
#include "config/certificate_pem.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

namespace lync::config {

namespace {

struct FreeGeneralNames {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

/// Lower case, or empty for what no client can have asked for.
std::string usable_name(std::string_view name) {
    const bool printable = std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
    return printable ? to_ascii_lower(name) : std::string();
}

std::optional<std::chrono::sys_seconds> time_of(const ASN1_TIME* time) {
    std::tm tm{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &tm) != 1) {
        return std::nullopt;
    }
    return std::chrono::sys_seconds(std::chrono::seconds(timegm(&tm)));
}

/// RFC 2253.
std::string name_text(const X509_NAME* name) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) {
        return {};
    }
    const char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

} // namespace

std::string subject_of(const X509* certificate) {
    return name_text(X509_get_subject_name(certificate));
}

std::string issuer_of(const X509* certificate) {
    return name_text(X509_get_issuer_name(certificate));
}

std::string digest_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    X509_digest(certificate, EVP_sha256(), digest.data(), &size);
    return {reinterpret_cast<const char*>(digest.data()), size};
}

std::optional<std::vector<std::string>> names_of(const X509* certificate) {
    int critical = 0;
    const std::unique_ptr<GENERAL_NAMES, FreeGeneralNames> alternatives(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
    if (alternatives == nullptr && critical != -1) {
        return std::nullopt; // there, but malformed, or there twice
    }

    std::vector<std::string> names;
    const int count = alternatives == nullptr ? 0 : sk_GENERAL_NAME_num(alternatives.get());
    for (int i = 0; i < count; i++) {
        const GENERAL_NAME* alternative = sk_GENERAL_NAME_value(alternatives.get(), i);
        if (alternative->type != GEN_DNS) {
            continue;
        }
        const ASN1_IA5STRING* text = alternative->d.dNSName;
        std::string name = usable_name({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                        static_cast<std::size_t>(ASN1_STRING_length(text))});
        if (!name.empty()) {
            names.push_back(std::move(name));
        }
    }
    return names;
}

std::optional<Validity> validity_of(const X509* certificate) {
    const auto not_before = time_of(X509_get0_notBefore(certificate));
    const auto not_after = time_of(X509_get0_notAfter(certificate));
    if (!not_before || !not_after) {
        return std::nullopt;
    }
    return Validity{*not_before, *not_after};
}

Key key_of(const X509* certificate) {
    const EVP_PKEY* key = X509_get0_pubkey(certificate);
    if (key == nullptr) {
        return {};
    }

    constexpr std::pair<int, KeyKind> kinds[] = {{EVP_PKEY_RSA, KeyKind::rsa},
                                                 {EVP_PKEY_RSA_PSS, KeyKind::rsa_pss},
                                                 {EVP_PKEY_EC, KeyKind::ecdsa},
                                                 {EVP_PKEY_ED25519, KeyKind::ed25519},
                                                 {EVP_PKEY_ED448, KeyKind::ed448}};
    const auto* kind =
        std::ranges::find(kinds, EVP_PKEY_get_base_id(key), &std::pair<int, KeyKind>::first);
    return {kind == std::end(kinds) ? KeyKind::other : kind->second, EVP_PKEY_get_bits(key)};
}

std::string weak_digest_of(const X509* certificate) {
    int digest = NID_undef;
    // Knows the digest inside RSA-PSS parameters, but none that this OpenSSL no longer computes.
    if (X509_get_signature_info(const_cast<X509*>(certificate), &digest, nullptr, nullptr,
                                nullptr) != 1) {
        int algorithm = NID_undef;
        OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, &algorithm);
    }

    constexpr int weak[] = {NID_md2, NID_md4, NID_md5, NID_md5_sha1, NID_ripemd160};
    return digest == NID_sha1                                  ? "SHA-1"
           : std::ranges::find(weak, digest) != std::end(weak) ? OBJ_nid2sn(digest)
                                                               : "";
}

} // namespace lync::config
