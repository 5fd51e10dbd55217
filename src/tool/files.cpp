#include "tool/files.h"

#include "syntax/place.h"
#include "tool/failure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lync::tool {

namespace {

using syntax::quoted;

[[noreturn]] void fail(std::string_view doing, const std::string& path) {
    const int error = errno;
    throw Failure(std::string(doing) + " " + quoted(path) + " failed (" + std::to_string(error) +
                  ": " + std::strerror(error) + ")");
}

[[noreturn]] void refuse(const std::string& path) {
    throw Failure("file " + quoted(path) + " is there already: --force replaces it");
}

class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor() {
        if (fd_ > STDIN_FILENO) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const noexcept { return fd_; }
    /// Some file systems tell only now that a disk is full.
    bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

bool write_all(int fd, std::string_view content) noexcept {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written == -1 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

} // namespace

void require_new(const std::string& path, bool force) {
    struct stat info {};
    if (!force && ::lstat(path.c_str(), &info) == 0) {
        refuse(path);
    }
}

void write_file(const std::string& path, std::string_view content, mode_t mode, bool force) {
    // To be replaced, it is made whole beside the old one and takes its name then.
    const std::string written = force ? path + ".new-" + std::to_string(::getpid()) : path;
    Descriptor file(
        ::open(written.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() == -1) {
        if (errno == EEXIST && !force) {
            refuse(path);
        }
        fail("open()", written);
    }

    const bool whole = write_all(file.get(), content) && ::fsync(file.get()) == 0;
    const int error = errno;
    const bool closed = file.close();
    if (whole && closed && (!force || ::rename(written.c_str(), path.c_str()) == 0)) {
        return;
    }
    const int why = whole ? errno : error;
    ::unlink(written.c_str());
    errno = why;
    fail(whole && closed ? "rename()" : "write()", path);
}

std::string read_file(const std::string& path, std::size_t most) {
    Descriptor file(path == "-" ? STDIN_FILENO
                                : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (file.get() == -1) {
        fail("open()", path);
    }
    std::string content;
    char buffer[65536];
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer, sizeof(buffer));
        if (got == -1 && errno == EINTR) {
            continue;
        }
        if (got == -1) {
            fail("read()", path);
        }
        if (got == 0) {
            return content;
        }
        if (content.size() + static_cast<std::size_t>(got) > most) {
            throw Failure("file " + quoted(path) + " is larger than " + std::to_string(most) +
                          " bytes");
        }
        content.append(buffer, static_cast<std::size_t>(got));
    }
}

} // namespace lync::tool
