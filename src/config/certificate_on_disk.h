#pragma once

// Whether the file of a certificate that nginx has in memory has been renewed but not loaded.

#include "config/certificate.h"

#include <ctime>
#include <string_view>

#include <sys/stat.h>

namespace lync::config {

enum class OnDisk : std::uint8_t {
    unknown, ///< not looked at yet, or not readable: /etc/letsencrypt/live is root's alone
    loaded,  ///< the same
    renewed, ///< a later one: nginx has to be reloaded
    changed, ///< another one that isn't later
};
std::string_view on_disk_name(OnDisk state) noexcept;

/// Compares the first certificate of a file with the one that was loaded from it.
OnDisk compare_with_file(std::string_view digest, std::chrono::sys_seconds not_before,
                         const std::string& file);

/// Remembers what it has read: a file that hasn't changed costs one stat().
class CertificateOnDisk {
public:
    /// For nginx's master, which began to load the file at `since`: what hasn't changed since then
    /// needn't be read again.
    void note_loaded(const std::string& file, std::time_t since);
    /// True if the file was read.
    bool look(const Certificate& loaded, const std::string& file);
    OnDisk state() const noexcept { return state_; }

private:
    struct stat seen_ {};
    OnDisk state_ = OnDisk::unknown;
};

} // namespace lync::config
