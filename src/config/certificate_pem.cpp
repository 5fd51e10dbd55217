#include "config/certificate_pem.h"

#include "base/descriptor.h"
#include "base/format.h"
#include "config/editor_traces.h"

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace lync::config {

namespace {

// The largest bundle of public CAs is a quarter of a megabyte.
constexpr std::size_t largest_file = 1024 * 1024;

/// The bytes of a file, wiped when they go: there may be a key among them.
struct FileBytes {
    FileBytes() = default;
    FileBytes(const FileBytes&) = delete;
    FileBytes& operator=(const FileBytes&) = delete;
    ~FileBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

    std::string bytes;
};

std::string failed(std::string_view call, int error) {
    std::string text =
        formatted("{} failed ({}: {})", call, error, std::generic_category().message(error));
    if (error == ENOENT || error == ENOTDIR) {
        text += ", check the path";
    } else if (error == EACCES) {
        text += ", the user that starts nginx must be able to read it";
    }
    return text;
}

/// Reads the whole file, or says why not. Never waits: a pipe would be empty for nginx afterwards.
std::string read_file(const std::string& file, std::string& bytes, bool* is_public) {
    const Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!descriptor || fstat(descriptor.get(), &info) != 0) {
        return failed("open()", errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return S_ISDIR(info.st_mode) ? "it is a directory, write the path of a file"
                                     : "it is not a regular file";
    }
    if (is_public != nullptr) {
        *is_public = (info.st_mode & S_IROTH) != 0;
    }
    // With room for the last piece: a key isn't copied about.
    bytes.reserve(static_cast<std::size_t>(info.st_size) + 65536 + 1);
    const int error = read_all(descriptor.get(), largest_file, bytes);
    return error != 0 ? failed("read()", error) : bytes.empty() ? "it is empty" : "";
}

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

/// Whether the whole file is one DER SEQUENCE, as certificates, keys and PFX files are.
bool is_der(const std::string& bytes) {
    const auto* start = reinterpret_cast<const unsigned char*>(bytes.data());
    const unsigned char* at = start;
    long length = 0;
    int tag = 0;
    int tag_class = 0;
    const int form =
        ASN1_get_object(&at, &length, &tag, &tag_class, static_cast<long>(bytes.size()));
    return (form & 0x80) == 0 && tag == V_ASN1_SEQUENCE &&
           (at - start) + length == static_cast<long>(bytes.size());
}

/// Why there is no certificate in the file, or no key, and what to do about it: Windows exports PFX.
std::string explain(const std::string& file, const std::string& bytes, bool key) {
    if (const std::string_view trace = encoding_trace(bytes); !trace.empty()) {
        return std::string(trace);
    }
    if (is_der(bytes)) {
        const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
        PKCS12* pfx = d2i_PKCS12(nullptr, &at, static_cast<long>(bytes.size()));
        const bool is_pfx = pfx != nullptr;
        PKCS12_free(pfx);
        return formatted("it is not PEM but {}, convert it with \"openssl {} -in {}{} -out FILE\"",
                         is_pfx ? "PKCS#12 (PFX)" : "DER",
                         is_pfx ? "pkcs12"
                         : key  ? "pkey -inform DER"
                                : "x509 -inform DER",
                         file, !is_pfx ? "" : key ? " -nocerts -nodes" : " -nokeys");
    }
    const bool has_key = contains(bytes, "PRIVATE KEY-----");
    if (key && has_key) {
        return "the private key in it is damaged or of an unknown kind, copy the file again";
    }
    if (has_key) {
        return "it holds a private key and no certificate";
    }
    if (key && contains(bytes, "-----BEGIN CERTIFICATE-----")) {
        return "it holds a certificate and no private key, write the certificate first and the key "
               "second";
    }
    return formatted("it is not PEM, no line in it is \"-----BEGIN {}-----\"",
                     key ? "PRIVATE KEY" : "CERTIFICATE");
}

/// At the end of a PEM file nginx and OpenSSL find "no start line"; anything else is damage.
bool at_end_of_pem() noexcept {
    const unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

std::string cannot_load(std::string_view what, const std::string& file) {
    return formatted("cannot load {} \"{}\": ", what, file.c_str());
}

} // namespace

PemCertificates read_certificates(const std::string& file, std::string_view what) {
    const ErrorQueue queue;
    PemCertificates result;
    FileBytes content;
    if (std::string error = read_file(file, content.bytes, nullptr); !error.empty()) {
        result.error = cannot_load(what, file) + error;
        return result;
    }

    const BioPtr bio = memory_bio(content.bytes);
    bool encrypted = false;
    for (;;) {
        // The first may be a "TRUSTED CERTIFICATE", for nginx reads it with the same function.
        auto* const read = result.chain.empty() ? PEM_read_bio_X509_AUX : PEM_read_bio_X509;
        X509Ptr certificate(read(bio.get(), nullptr, no_passphrase, &encrypted));
        if (certificate == nullptr) {
            break;
        }
        result.chain.push_back(std::move(certificate));
    }

    if (!at_end_of_pem()) {
        result.error = formatted("{}certificate {} in it is damaged, copy the file again",
                                 cannot_load(what, file), result.chain.size() + 1);
    } else if (result.chain.empty()) {
        result.error = cannot_load(what, file) + explain(file, content.bytes, false);
    }
    return result;
}

PemKey read_key(const std::string& file) {
    constexpr std::string_view what = "certificate key";
    const ErrorQueue queue;
    PemKey result;
    FileBytes content;
    if (std::string error = read_file(file, content.bytes, &result.is_public); !error.empty()) {
        result.error = cannot_load(what, file) + error;
        return result;
    }

    const BioPtr bio = memory_bio(content.bytes);
    bool encrypted = false;
    result.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted));
    if (result.key != nullptr) {
        return result;
    }
    result.error = cannot_load(what, file);
    result.error += encrypted ? formatted("it is encrypted and nginx can't ask for the passphrase, "
                                          "decrypt it with \"openssl pkey -in {} -out FILE\"",
                                          file)
                              : explain(file, content.bytes, true);
    return result;
}

} // namespace lync::config
