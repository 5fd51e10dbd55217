#include "base/regular_file.h"

#include "base/descriptor.h"
#include "base/format.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace lync {

namespace {

// The largest bundle of public CAs is a quarter of a megabyte.
constexpr off_t largest_file = 16 * 1024 * 1024;

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

} // namespace

std::string read_regular_file(const std::string& file, std::string& bytes, bool* is_public) {
    if (file.find('\0') != std::string::npos) {
        return "the path contains the byte 0x00";
    }
    const Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!descriptor) {
        return failed("open()", errno);
    }

    struct stat info {};
    if (fstat(descriptor.get(), &info) != 0) {
        return failed("fstat()", errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return "it is a directory, write the path of a file";
    }
    if (!S_ISREG(info.st_mode)) {
        return "it is not a regular file";
    }
    if (is_public != nullptr) {
        *is_public = (info.st_mode & S_IROTH) != 0;
    }
    if (info.st_size > largest_file) {
        return formatted("it is {} bytes long, more than the {} that are read", info.st_size,
                         largest_file);
    }

    bytes.clear();
    bytes.reserve(static_cast<std::size_t>(info.st_size) + 1); // no copies of a key
    const int error = read_all(descriptor.get(), static_cast<std::size_t>(info.st_size), bytes);
    if (error != 0 && error != EFBIG) {
        return failed("read()", error);
    }
    return bytes.empty() ? "it is empty" : "";
}

} // namespace lync
