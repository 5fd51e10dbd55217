#include "lyncctl/files.h"

#include "base/descriptor.h"
#include "base/format.h"
#include "lyncctl/failure.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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

} // namespace

void write_files(const std::vector<NewFile>& files) {
    std::vector<std::string> made;
    try {
        for (const NewFile& file : files) {
            Descriptor open(
                ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.mode));
            if (!open && errno == EEXIST) {
                throw Failure(formatted("file {} is there already, and isn't replaced",
                                        lync::quoted(file.path)));
            }
            if (!open) {
                fail("open()", file.path);
            }
            made.push_back(file.path);
            if (!write_all(open.get(), file.content) || ::fsync(open.get()) != 0 || !open.close()) {
                fail("write()", file.path);
            }
        }
    } catch (const Failure&) {
        for (const std::string& path : made) {
            ::unlink(path.c_str());
        }
        throw;
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
