#pragma once

// What a listener presents and what servers are verified against: PEM files, read and checked at
// load, while nginx can still refuse the configuration.
//
// The files are read as nginx reads them: the first certificate is the listener's own, those after
// it are intermediates, the key may stand in the same file. A passphrase is never asked for, and
// OpenSSL's error queue is left empty. An error is one sentence in nginx's form that names the file
// and says what would be right; a warning likewise.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lync::config {

struct KeyPair; // certificate_pem.h

/// nginx presents one certificate of each kind.
enum class KeyKind : std::uint8_t { rsa, rsa_pss, ecdsa, ed25519, ed448, other };
std::string_view key_kind_name(KeyKind kind) noexcept;

/// How soon a certificate must be renewed, by the part of its lifetime that is left, since public
/// certificates are valid for 200, 47 or 6 days and those of an internal CA for years. nginx's log
/// at load, the status with its metrics and alerts, and the doctor all use this.
enum class Renewal : std::uint8_t {
    later,
    due,    ///< less than a third of the lifetime is left: automatic renewal should have been done
    urgent, ///< of these, less than a tenth, or a day; or it has ended
};
constexpr std::string_view renewal_name(Renewal renewal) noexcept {
    return renewal == Renewal::later ? "later" : renewal == Renewal::due ? "due" : "urgent";
}

constexpr Renewal renewal_at(std::chrono::sys_seconds now, std::chrono::sys_seconds not_before,
                             std::chrono::sys_seconds not_after) noexcept {
    const auto left = not_after - now;
    const auto lifetime = not_after - not_before;
    return left > std::chrono::seconds(0) && left >= lifetime / 3  ? Renewal::later
           : left >= lifetime / 10 && left >= std::chrono::days(1) ? Renewal::due
                                                                   : Renewal::urgent;
}

/// What was found in a file.
struct Findings {
    std::string error;                 ///< empty if it can be used
    std::string alarm;                 ///< clients refuse it for its dates, or will very soon
    std::vector<std::string> warnings; ///< legal, but risky

    explicit operator bool() const noexcept { return error.empty(); }
};

/// A listener's certificate. With an error set, the rest is what was known when it was found.
struct Certificate : Findings {
    /// Lower-case dNSNames of the subject alternative name in their order; clients read nothing
    /// else. Not checked any further: NameSet knows which ones cover.
    std::vector<std::string> names;
    std::string digest;                  ///< SHA-256, 32 bytes
    std::shared_ptr<const KeyPair> pair; ///< to be presented; NULL with an error, or without a key
    std::string subject; ///< "CN=lyncwebext.contoso.com,O=Contoso": RFC 2253, printable ASCII
    std::chrono::sys_seconds not_before{};
    std::chrono::sys_seconds not_after{};
    KeyKind key_kind = KeyKind::other;
    int key_bits = 0;

    bool is_valid_at(std::chrono::sys_seconds time) const noexcept {
        return not_before <= time && time <= not_after;
    }
    Renewal renewal_at(std::chrono::sys_seconds time) const noexcept {
        return config::renewal_at(time, not_before, not_after);
    }
};

/// Loads the PEM files of a `certificate` directive (paths as nginx opens them) and refuses what
/// nginx can't load or OpenSSL won't present: unreadable, encrypted, no pair, RSA below 2048 bits,
/// SHA-1. Dates are never an error: nginx must still start after the last day. Without a `key_file`
/// only the certificate is checked.
Certificate load_certificate(const std::string& certificate_file, const std::string& key_file,
                             std::chrono::sys_seconds now);

/// Loads the PEM file of a `trusted_ca` directive, the CAs that servers are verified against: an
/// error if it is unreadable or holds no certificate, an alarm if all of them have expired.
Findings load_trusted_ca(const std::string& file, std::chrono::sys_seconds now);

} // namespace lync::config
