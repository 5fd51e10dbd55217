#include "lyncctl/files.h"

#include "base/descriptor.h"
#include "base/diagnostic.h"
#include "lyncctl/failure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace lync::lyncctl {

namespace {

[[noreturn]] void fail(std::string_view doing, const std::string& path) {
    const int error = errno;
    throw Failure(std::string(doing) + " " + lync::quoted(path) + " failed (" +
                  std::to_string(error) + ": " + std::strerror(error) + ")" +
                  (error == EACCES && ::geteuid() != 0 ? ", try it with sudo" : ""));
}

[[noreturn]] void refuse(const std::string& path) {
    throw Failure("file " + lync::quoted(path) + " is there already: --force replaces it");
}

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

/// A file, whole, under a name beside its own; gone with the object unless it is kept. What it
/// replaces comes back then.
class WrittenFile {
public:
    explicit WrittenFile(const NewFile& file)
        : path_(file.path), at_(file.path + ".new-" + std::to_string(::getpid())) {
        Descriptor open(
            ::open(at_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file.mode));
        if (!open) {
            at_.clear();
            fail("open()", path_);
        }
        const bool whole = write_all(open.get(), file.content) && ::fsync(open.get()) == 0;
        const int error = errno;
        if (!whole || !open.close()) {
            const int why = whole ? errno : error;
            unlink();
            errno = why;
            fail("write()", path_);
        }
    }
    WrittenFile(WrittenFile&& other) noexcept
        : path_(std::move(other.path_)), at_(std::exchange(other.at_, {})),
          replaces_(other.replaces_) {}
    WrittenFile(const WrittenFile&) = delete;
    WrittenFile& operator=(const WrittenFile&) = delete;
    WrittenFile& operator=(WrittenFile&&) = delete;
    ~WrittenFile() {
        if (replaces_ && !at_.empty() && ::rename(at_.c_str(), path_.c_str()) == 0) {
            return;
        }
        unlink();
    }

    /// Gives it its name, and a file that is there already this one's.
    void place(bool force) {
        if (force &&
            ::renameat2(AT_FDCWD, at_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) {
            replaces_ = true;
            return;
        }
        const bool is_new =
            errno == ENOENT; // of RENAME_EXCHANGE, which not every file system knows
        if (!force) {
            // Not every file system knows RENAME_NOREPLACE.
            if (::renameat2(AT_FDCWD, at_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) ==
                0) {
                at_ = path_;
                return;
            }
            if (errno == EEXIST) {
                refuse(path_);
            }
            require_new(path_, false);
        }
        if (::rename(at_.c_str(), path_.c_str()) != 0) {
            fail("rename()", path_);
        }
        at_ = force && !is_new ? std::string{} : path_;
    }
    void keep() noexcept {
        if (replaces_) {
            unlink();
        }
        at_.clear();
    }

private:
    void unlink() noexcept {
        if (!at_.empty()) {
            ::unlink(at_.c_str());
            at_.clear();
        }
    }

    std::string path_;
    std::string at_; ///< where it is, or what it replaces; empty: nothing to unlink
    bool replaces_ = false;
};

} // namespace

void require_new(const std::string& path, bool force) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        return;
    }
    if (!force) {
        refuse(path);
    }
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        fail("open()", path);
    }
}

void write_files(const std::vector<NewFile>& files, bool force) {
    for (const NewFile& file : files) {
        require_new(file.path, force);
    }
    std::vector<WrittenFile> written;
    written.reserve(files.size());
    for (const NewFile& file : files) {
        written.emplace_back(file);
    }
    // What may still go wrong now is a file that somebody else has made in this moment.
    for (WrittenFile& file : written) {
        file.place(force);
    }
    for (WrittenFile& file : written) {
        file.keep();
    }
}

std::string read_file(const std::string& path, std::size_t most) {
    const Descriptor file(path == "-" ? ::dup(STDIN_FILENO)
                                      : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        fail("open()", path);
    }
    std::string content;
    errno = read_all(file.get(), most, content);
    if (errno == EFBIG) {
        throw Failure("file " + lync::quoted(path) + " is larger than " + std::to_string(most) +
                      " bytes");
    }
    if (errno != 0) {
        fail("read()", path);
    }
    return content;
}

} // namespace lync::lyncctl
