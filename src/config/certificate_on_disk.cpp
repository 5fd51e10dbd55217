#include "config/certificate_on_disk.h"

#include "config/certificate_pem.h"
#include "config/certificate_x509.h"

namespace lync::config {

namespace {

bool is_same(const struct stat& a, const struct stat& b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

} // namespace

std::string_view on_disk_name(OnDisk state) noexcept {
    constexpr std::string_view names[] = {"unknown", "loaded", "renewed", "changed"};
    return names[static_cast<std::size_t>(state)];
}

OnDisk compare_with_file(std::string_view digest, std::chrono::sys_seconds not_before,
                         const std::string& file) {
    try {
        const ErrorQueue queue;
        const std::vector<X509Ptr> chain = read_certificates(file, "certificate");
        const auto validity = validity_of(chain.front().get());
        return !validity                                  ? OnDisk::unknown
               : digest_of(chain.front().get()) == digest ? OnDisk::loaded
               : validity->not_before > not_before        ? OnDisk::renewed
                                                          : OnDisk::changed;
    } catch (const Unusable&) {
        return OnDisk::unknown;
    }
}

void CertificateOnDisk::note_loaded(const std::string& file, std::time_t since) {
    if (stat(file.c_str(), &seen_) == 0 && seen_.st_ctim.tv_sec < since) {
        state_ = OnDisk::loaded;
    } else {
        seen_ = {};
    }
}

bool CertificateOnDisk::look(const Certificate& loaded, const std::string& file) {
    struct stat info {};
    if (stat(file.c_str(), &info) != 0) {
        state_ = OnDisk::unknown;
        seen_ = {};
        return false;
    }
    if (is_same(info, seen_)) {
        return false;
    }
    seen_ = info;
    state_ = compare_with_file(loaded.digest, loaded.not_before, file);
    return true;
}

} // namespace lync::config
