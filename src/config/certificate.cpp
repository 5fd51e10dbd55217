// The checks on certificate files. Reading a file is in certificate_pem.cpp, reading a
// certificate's fields in certificate_x509.cpp.

#include "config/certificate.h"

#include "base/utc.h"
#include "config/certificate_pem.h"
#include "config/certificate_x509.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <new>
#include <utility>

namespace lync::config {

namespace {

/// "expires on 2026-07-14 13:00 UTC, in 29 days: renew it".
std::string expires(std::chrono::sys_seconds end, std::chrono::sys_seconds now) {
    const auto days = std::chrono::floor<std::chrono::days>(end - now).count();
    return formatted(" expires on {}, in {}: renew it", utc_text(end),
                     days == 0 ? "less than a day"
                               : std::to_string(days) + (days == 1 ? " day" : " days"));
}

/// `certificate "F"`, or `intermediate certificate "CN=..." in "F"`.
std::string title(const X509* certificate, std::size_t place, const std::string& file) {
    return place == 0 ? formatted("certificate \"{}\"", file)
                      : formatted("intermediate certificate \"{}\" in \"{}\"",
                                  subject_of(certificate), file);
}

/// Refuses what no client has accepted for years, on any certificate of the chain but a root, whose
/// signature is never checked.
void check_strength(const X509* certificate, std::size_t place, const std::string& file) {
    const std::string_view remedy =
        place == 0 ? "have it issued again" : "get the current one of the CA";

    if (const Key key = key_of(certificate); key.is_short_rsa()) {
        throw Unusable("{} has an RSA key of {} bits, clients need 2048: {}{}",
                       title(certificate, place, file), key.bits, remedy,
                       place == 0 ? " for a longer key" : "");
    }
    if (const std::string digest = weak_digest_of(certificate); !digest.empty()) {
        throw Unusable("{} is signed with {}, which clients refuse: {}{}",
                       title(certificate, place, file), digest, remedy,
                       place == 0 ? " with SHA-256" : "");
    }
}

void check_pair(const std::vector<X509Ptr>& chain, const EVP_PKEY* key,
                const std::string& certificate_file, const std::string& key_file) {
    const auto own = std::ranges::find_if(chain, [key](const X509Ptr& certificate) {
        return X509_check_private_key(certificate.get(), key) == 1;
    });
    if (own == chain.begin()) {
        return;
    }
    throw Unusable("certificate key \"{}\" does not match certificate \"{}\": {}", key_file,
                   certificate_file,
                   own == chain.end()
                       ? "write the key that the certificate was requested with"
                       : formatted("it belongs to certificate {} of that file, which must stand "
                                   "first, with its intermediates after it",
                                   own - chain.begin() + 1));
}

/// Sets the alarm, or warns in time before it.
void check_time(Certificate& certificate, const std::string& file, std::chrono::sys_seconds now) {
    if (certificate.not_after < now) {
        certificate.alarm =
            formatted("certificate \"{}\" expired on {}, clients refuse it: renew it", file,
                      utc_text(certificate.not_after));
    } else if (now < certificate.not_before) {
        certificate.alarm =
            formatted("certificate \"{}\" is not valid before {}, clients refuse it: use another "
                      "one until then, or check the clock of this system",
                      file, utc_text(certificate.not_before));
    } else if (const Renewal renewal = certificate.renewal_at(now); renewal != Renewal::later) {
        const std::string text =
            formatted("certificate \"{}\"{}", file, expires(certificate.not_after, now));
        if (renewal == Renewal::urgent) {
            certificate.alarm = text;
        } else {
            certificate.warnings.push_back(text);
        }
    }
}

/// Fills in the fields of the file's first certificate.
void describe(const X509* leaf, const std::string& file, Certificate& certificate) {
    certificate.subject = subject_of(leaf);
    certificate.digest = digest_of(leaf);

    const Key key = key_of(leaf);
    certificate.key_kind = key.kind;
    certificate.key_bits = key.bits;
    if (key.kind == KeyKind::other) {
        throw Unusable("certificate \"{}\" has a kind of key that TLS clients don't know: have it "
                       "issued for an RSA or ECDSA key",
                       file);
    }
    const auto validity = validity_of(leaf);
    if (!validity) {
        throw Unusable("certificate \"{}\" has dates that can't be read: have it issued again",
                       file);
    }
    certificate.not_before = validity->not_before;
    certificate.not_after = validity->not_after;

    auto names = names_of(leaf);
    if (!names) {
        throw Unusable("certificate \"{}\" has a subject alternative name that can't be read: have "
                       "it issued again",
                       file);
    }
    certificate.names = std::move(*names);
}

bool is_issuer(X509* issuer, X509* certificate) {
    return X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(certificate)) == 0;
}

/// A certificate without its issuer in the file may come from a CA that clients don't know:
/// browsers fetch the issuer, phones don't.
void check_issuer(const std::vector<X509Ptr>& chain, const std::string& file,
                  Certificate& certificate) {
    X509* const leaf = chain.front().get();
    if (std::ranges::none_of(
            chain, [leaf](const X509Ptr& other) { return is_issuer(other.get(), leaf); })) {
        certificate.warnings.push_back(
            formatted("certificate \"{}\" comes without that of its issuer \"{}\", which phones "
                      "don't fetch: append it, and the other intermediates of the CA",
                      file, issuer_of(leaf)));
    }
}

/// Certificates made by the wrong template: valid, but clients refuse them.
void check_purpose(X509* leaf, const std::string& file, Certificate& certificate) {
    constexpr std::uint32_t for_servers = XKU_SSL_SERVER | XKU_SGC | XKU_ANYEKU;
    // Of usages all are set if none is stated.
    const std::pair<bool, std::string_view> faults[] = {
        {certificate.names.empty(),
         "has no subject alternative name that is a DNS name, and clients ignore the common name: "
         "have it issued with the published names there"},
        {(X509_get_extended_key_usage(leaf) & for_servers) == 0,
         "isn't for servers, which clients refuse: have it issued with the extended key usage "
         "serverAuth"},
        {(X509_get_key_usage(leaf) & X509v3_KU_DIGITAL_SIGNATURE) == 0,
         "isn't for signatures, which current clients refuse: have it issued with the key usage "
         "digitalSignature"},
        {(X509_get_extension_flags(leaf) & EXFLAG_CA) != 0,
         "is a CA's own, which some clients refuse: have it issued with CA:FALSE"},
        {X509_get_ext_by_NID(leaf, NID_tlsfeature, -1) >= 0,
         "requires OCSP stapling (must-staple), which is off in generated servers: have it issued "
         "without"},
    };
    for (const auto& [found, text] : faults) {
        if (found) {
            certificate.warnings.push_back(formatted("certificate \"{}\" {}", file, text));
        }
    }
}

std::shared_ptr<const KeyPair> make_pair(std::vector<X509Ptr> chain, PemKey key) {
    auto pair = std::make_shared<KeyPair>();
    pair->certificate = std::move(chain.front());
    pair->intermediates.reset(sk_X509_new_reserve(nullptr, static_cast<int>(chain.size())));
    if (pair->intermediates == nullptr) {
        throw std::bad_alloc();
    }
    for (std::size_t place = 1; place < chain.size(); place++) {
        sk_X509_push(pair->intermediates.get(), chain[place].release());
    }
    pair->key = std::move(key.key);
    return pair;
}

void load(Certificate& certificate, const std::string& file, const std::string& key_file,
          std::chrono::sys_seconds now) {
    std::vector<X509Ptr> chain = read_certificates(file, "certificate");
    describe(chain.front().get(), file, certificate);

    PemKey key;
    if (!key_file.empty()) {
        key = read_key(key_file);
        if (key.is_public) {
            certificate.warnings.push_back(formatted("certificate key \"{0}\" can be read by every "
                                                     "user of this system: \"chmod o= {0}\"",
                                                     key_file));
        }
        check_pair(chain, key.key.get(), file, key_file);
    }
    for (std::size_t place = 0; place < chain.size(); place++) {
        X509* const link = chain[place].get();
        if (place > 0 && X509_self_signed(link, 0) == 1) {
            continue;
        }
        check_strength(link, place, file);
        // Clients may know a newer intermediate, so an old one is no reason to stop.
        if (const auto validity = validity_of(link);
            place > 0 && validity && validity->not_after < certificate.not_after) {
            const bool expired = validity->not_after < now;
            certificate.warnings.push_back(
                formatted("{}{}{}{}: get the current one of the CA", title(link, place, file),
                          expired ? " expired on " : " expires on ", utc_text(validity->not_after),
                          expired ? "" : ", before the certificate that it vouches for"));
        }
    }
    check_issuer(chain, file, certificate);
    check_purpose(chain.front().get(), file, certificate);
    check_time(certificate, file, now);
    if (key.key != nullptr) {
        certificate.pair = make_pair(std::move(chain), std::move(key));
    }
}

void load_ca(Findings& ca, const std::string& file, std::chrono::sys_seconds now) {
    const std::vector<X509Ptr> chain = read_certificates(file, "trusted CA");
    std::size_t expired = 0;
    bool has_root = false; // where chains end: an issuing CA alone verifies no server
    X509* issuing = nullptr;
    std::chrono::sys_seconds last{};
    for (const X509Ptr& certificate : chain) {
        has_root = has_root || is_issuer(certificate.get(), certificate.get());
        issuing = X509_check_ca(certificate.get()) != 0 ? certificate.get() : issuing;
        const auto validity = validity_of(certificate.get());
        if (!validity || validity->not_after < now) {
            expired++;
        }
        if (validity) {
            last = std::max(last, validity->not_after);
        }
    }

    if (expired == chain.size()) {
        ca.alarm =
            chain.size() == 1
                ? formatted("trusted CA \"{}\" expired on {}", file, utc_text(last))
                : formatted(
                      "all {} certificates of trusted CA \"{}\" have expired, the last one on {}",
                      chain.size(), file, utc_text(last));
        ca.alarm += ", no server can be verified: write the CA that issued the servers' current "
                    "certificates";
    } else if (last - now <=
               std::chrono::days(30)) { // it lives for years: a share of that says little
        ca.warnings.push_back(formatted("trusted CA \"{}\"{}", file, expires(last, now)));
    }
    if (ca.alarm.empty() && !has_root) {
        ca.warnings.push_back(formatted(
            "trusted CA \"{}\" holds no {}: no server can be verified against it, {}", file,
            issuing == nullptr ? "CA's certificate"
                               : formatted("root, only the issuing CA \"{}\"", subject_of(issuing)),
            issuing == nullptr ? "write the CA that issued the servers' certificates"
                               : formatted("append the certificate of \"{}\", and so on up to the "
                                           "root's",
                                           issuer_of(issuing))));
    }
}

} // namespace

std::string_view key_kind_name(KeyKind kind) noexcept {
    constexpr std::string_view names[] = {"RSA", "RSA-PSS", "ECDSA", "Ed25519", "Ed448", "unknown"};
    return names[static_cast<std::size_t>(kind)];
}

Certificate load_certificate(const std::string& certificate_file, const std::string& key_file,
                             std::chrono::sys_seconds now) {
    const ErrorQueue queue;
    Certificate certificate;
    try {
        load(certificate, certificate_file, key_file, now);
    } catch (const Unusable& why) {
        certificate.error = why.what();
    }
    return certificate;
}

Findings load_trusted_ca(const std::string& file, std::chrono::sys_seconds now) {
    const ErrorQueue queue;
    Findings ca;
    try {
        load_ca(ca, file, now);
    } catch (const Unusable& why) {
        ca.error = why.what();
    }
    return ca;
}

} // namespace lync::config
