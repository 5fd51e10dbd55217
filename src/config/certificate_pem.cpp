#include "config/certificate_pem.h"

#include "base/regular_file.h"
#include "config/editor_traces.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

#include <algorithm>
#include <new>

namespace lync::config {

namespace {

/// The bytes of a file, wiped by the destructor: it may hold a key.
struct FileBytes {
    FileBytes() = default;
    FileBytes(const FileBytes&) = delete;
    FileBytes& operator=(const FileBytes&) = delete;
    ~FileBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

    std::string bytes;
};

BioPtr memory_bio(const std::string& bytes) {
    BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (bio == nullptr) {
        throw std::bad_alloc();
    }
    return bio;
}

/// Instead of a prompt. Remembers that there was a passphrase to ask for.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

bool contains(const std::string& bytes, std::string_view text) {
    return bytes.find(text) != std::string::npos;
}

/// Whether it is DER of the type that `parse` (a d2i function) returns.
template <typename Type>
bool parses_as(const std::string& bytes, Type* (*parse)(Type**, const unsigned char**, long),
               void (*release)(Type*)) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    Type* parsed = parse(nullptr, &at, static_cast<long>(bytes.size()));
    release(parsed);
    return parsed != nullptr;
}

/// A PFX of an older Windows is encrypted by 40-bit RC2 [RFC 7292, appendix C], which OpenSSL 3
/// reads with -legacy alone.
std::string_view legacy_option(const std::string& bytes) {
    return contains(bytes, "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06") ? " -legacy" : "";
}

std::string convert(std::string_view what, std::string_view command, const std::string& file,
                    std::string_view options) {
    return formatted("it is not PEM but {}, convert it with \"openssl {} -in {}{} -out FILE\"",
                     what, command, file, options);
}

/// Why no certificate was found in the file, and what to do about it.
std::string explain_no_certificate(const std::string& file, const std::string& bytes) {
    if (const std::string_view trace = encoding_trace(bytes); !trace.empty()) {
        return std::string(trace);
    }
    if (parses_as(bytes, d2i_X509, X509_free)) {
        return convert("DER", "x509 -inform DER", file, "");
    }
    if (parses_as(bytes, d2i_PKCS12, PKCS12_free)) {
        return convert("PKCS#12 (PFX)", "pkcs12", file,
                       formatted("{} -nokeys", legacy_option(bytes)));
    }
    if (parses_as(bytes, d2i_PKCS7, PKCS7_free)) {
        return convert("PKCS#7", "pkcs7 -inform DER", file, " -print_certs");
    }
    if (contains(bytes, "-----BEGIN PKCS7-----")) {
        return formatted(
            "it holds PKCS#7, convert it with \"openssl pkcs7 -in {} -print_certs -out FILE\"",
            file);
    }
    constexpr std::pair<std::string_view, std::string_view> others[] = {
        {"-----BEGIN CERTIFICATE-----", "\"-----BEGIN CERTIFICATE-----\" isn't a line of its own: "
                                        "remove what stands before it, or copy the file again with "
                                        "its line breaks"},
        {"CERTIFICATE REQUEST-----",
         "it holds a certificate request, write the certificate that the CA made of it"},
        {"PRIVATE KEY-----", "it holds a private key and no certificate"},
        {"", "it is not PEM, no line in it is \"-----BEGIN CERTIFICATE-----\""}};
    return std::string(std::ranges::find_if(others, [&](const auto& other) {
                           return contains(bytes, other.first);
                       })->second);
}

/// The same for a key.
std::string explain_no_key(const std::string& file, const std::string& bytes) {
    if (const std::string_view trace = encoding_trace(bytes); !trace.empty()) {
        return std::string(trace);
    }
    if (contains(bytes, "PRIVATE KEY-----")) {
        return "the private key in it is damaged or of an unknown kind, copy the file again";
    }
    if (parses_as(bytes, d2i_PKCS12, PKCS12_free)) {
        return convert("PKCS#12 (PFX)", "pkcs12", file,
                       formatted("{} -nocerts -nodes", legacy_option(bytes)));
    }
    if (parses_as(bytes, d2i_AutoPrivateKey, EVP_PKEY_free) ||
        parses_as(bytes, d2i_X509_SIG, X509_SIG_free)) { // encrypted
        return convert("DER", "pkey -inform DER", file, "");
    }
    if (contains(bytes, "-----BEGIN CERTIFICATE-----")) {
        return "it holds a certificate and no private key, write the certificate first and the "
               "key second";
    }
    return "it is not PEM, no line in it is \"-----BEGIN PRIVATE KEY-----\"";
}

/// At the end of a PEM file nginx and OpenSSL find "no start line"; anything else is damage.
bool at_end_of_pem() noexcept {
    const unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

[[noreturn]] void cannot_load(std::string_view what, const std::string& file,
                              const std::string& why) {
    throw Unusable("cannot load {} \"{}\": {}", what, file.c_str(), why);
}

void read_content(std::string_view what, const std::string& file, std::string& bytes,
                  bool* is_public = nullptr) {
    if (const std::string why = read_regular_file(file, bytes, is_public); !why.empty()) {
        cannot_load(what, file, why);
    }
}

} // namespace

std::vector<X509Ptr> read_certificates(const std::string& file, std::string_view what) {
    const ErrorQueue queue;
    FileBytes content;
    read_content(what, file, content.bytes);

    const BioPtr bio = memory_bio(content.bytes);
    bool encrypted = false;
    std::vector<X509Ptr> chain;
    for (;;) {
        // The first may be a "TRUSTED CERTIFICATE", as in nginx, which uses the same function.
        auto* const read = chain.empty() ? PEM_read_bio_X509_AUX : PEM_read_bio_X509;
        X509Ptr certificate(read(bio.get(), nullptr, no_passphrase, &encrypted));
        if (certificate == nullptr) {
            break;
        }
        chain.push_back(std::move(certificate));
    }
    if (!at_end_of_pem()) {
        cannot_load(
            what, file,
            formatted("certificate {} in it is damaged, copy the file again", chain.size() + 1));
    }
    if (chain.empty()) {
        cannot_load(what, file, explain_no_certificate(file, content.bytes));
    }
    return chain;
}

PemKey read_key(const std::string& file) {
    constexpr std::string_view what = "certificate key";
    const ErrorQueue queue;
    PemKey result;
    FileBytes content;
    read_content(what, file, content.bytes, &result.is_public);

    const BioPtr bio = memory_bio(content.bytes);
    bool encrypted = false;
    result.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted));
    if (result.key == nullptr) {
        cannot_load(what, file,
                    encrypted ? formatted("it is encrypted and nginx can't ask for the passphrase, "
                                          "decrypt it with \"openssl pkey -in {} -out FILE\"",
                                          file)
                              : explain_no_key(file, content.bytes));
    }
    return result;
}

} // namespace lync::config
