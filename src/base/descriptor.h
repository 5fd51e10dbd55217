#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

namespace lync {

/// Owns a file descriptor; -1: none.
class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ != -1; }

    /// Some file systems report only now that the disk is full: false, with errno.
    bool close() noexcept { return fd_ == -1 || ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

/// Appends all that is left to read, no more than `most` bytes. 0, or errno's value; EFBIG: there
/// is more.
inline int read_all(int fd, std::size_t most, std::string& bytes) {
    for (const std::size_t begin = bytes.size();;) {
        const std::size_t size = bytes.size();
        const std::size_t room = std::min<std::size_t>(most - (size - begin) + 1, 65536);
        bytes.resize(size + room);
        const ssize_t got = ::read(fd, bytes.data() + size, room);
        const int error = errno;
        bytes.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
        if (got == -1 && error != EINTR) {
            return error;
        }
        if (got == 0) {
            return 0;
        }
        if (bytes.size() - begin > most) {
            return EFBIG;
        }
    }
}

} // namespace lync
