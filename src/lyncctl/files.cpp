#include "lyncctl/files.h"

#include "base/descriptor.h"
#include "base/format.h"
#include "lyncctl/failure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lync::lyncctl {

namespace {

[[noreturn]] void fail(std::string_view doing, const std::string& path) {
    const int error = errno;
    throw Failure(formatted("{} {} failed ({}: {}){}", doing, lync::quoted(path), error,
                            std::strerror(error),
                            error == EACCES && ::geteuid() != 0 ? ", try it with sudo" : ""));
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

/// A file, whole, under a name beside its own until it is placed.
class WrittenFile {
public:
    explicit WrittenFile(const NewFile& file)
        : path_(file.path), at_(formatted("{}.new-{}", file.path, ::getpid())) {
        Descriptor open(
            ::open(at_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file.mode));
        if (!open) {
            at_.clear();
            fail("open()", path_);
        }
        if (!write_all(open.get(), file.content) || ::fsync(open.get()) != 0 || !open.close()) {
            const int error = errno;
            ::unlink(at_.c_str());
            errno = error;
            fail("write()", path_);
        }
    }
    WrittenFile(WrittenFile&& other) noexcept
        : path_(std::move(other.path_)), at_(std::exchange(other.at_, {})) {}
    ~WrittenFile() {
        if (!at_.empty()) {
            ::unlink(at_.c_str());
        }
    }

    void place(bool force) {
        if (!force) {
            require_new(path_, false); // somebody else may have made it in this moment
        }
        if (::rename(at_.c_str(), path_.c_str()) != 0) {
            fail("rename()", path_);
        }
        at_.clear();
    }

private:
    std::string path_;
    std::string at_; ///< empty: nothing to unlink
};

} // namespace

void require_new(const std::string& path, bool force) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        return;
    }
    if (!force) {
        throw Failure(
            formatted("file {} is there already: --force replaces it", lync::quoted(path)));
    }
    if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
        throw Failure(lync::quoted(path) + " isn't a regular file, and isn't replaced");
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
    // What comes first is placed last: a key is replaced only when its request has been.
    for (auto file = written.rbegin(); file != written.rend(); ++file) {
        file->place(force);
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
        throw Failure(formatted("file {} is larger than {} bytes", lync::quoted(path), most));
    }
    if (errno != 0) {
        fail("read()", path);
    }
    return content;
}

} // namespace lync::lyncctl
